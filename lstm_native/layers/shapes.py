"""Layers that change shapes or ends: Repeat, Reshape, Flatten, Reverse, Masking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lstm_native._base.checks import check_int, check_real
from lstm_native.layers.layer import Layer, check_size

_MAX_SIZE = 2**24


class Repeat(Layer):
    """A row at each of some steps: (N, F) to (N, times, F), as Keras's RepeatVector.

    Parameters
    ----------
    times : int
        Steps of the output.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        Times below 1; when called, an input with a time axis.

    Examples
    --------
    >>> import lstm_native as ln
    >>> layers = [ln.LSTM(8, return_sequences=False), ln.Repeat(5), ln.LSTM(8), ln.Dense(1)]
    >>> model = ln.Sequential(layers)  # from any number of steps to five
    """

    type_name = "repeat"
    has_weights = False

    def __init__(
        self,
        times: int,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.times = check_size(times, name="times")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "times": self.times}


class Reshape(Layer):
    """The values of each sample in another shape, in the same order.

    Parameters
    ----------
    shape : sequence of int
        (features,) for (N, features), or (timesteps, features) for (N, timesteps, features);
        timesteps -1: as many as come out. The input is (N, T, F) or (N, F), with as many values.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        Another number of sizes, sizes below 1; when called, an input with another number of
        values.

    Notes
    -----
    Lengths mean something where each step is cut into a whole number of them, as by (-1, 2) for
    four features: each sequence is then twice as long. Anything else refuses them. Cannot be
    streamed, but for a shape that changes nothing.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.Reshape((-1, 2))])
    >>> model.predict(np.ones((3, 5, 4), dtype="float32")).shape
    (3, 10, 2)
    """

    type_name = "reshape"
    has_weights = False

    def __init__(
        self,
        shape: Sequence[int],
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        try:
            sizes = tuple(shape)
        except TypeError:
            raise TypeError(
                f"shape: expected (features,) or (timesteps, features), got {shape!r}"
            ) from None
        if len(sizes) not in (1, 2):
            raise ValueError(f"shape: expected (features,) or (timesteps, features), got {sizes}")
        *steps, features = sizes
        features = check_size(features, name="shape[-1]")
        for given in steps:
            if given != -1:
                check_int(given, name="shape[0]", minimum=1, maximum=_MAX_SIZE)
        self.shape = (*(int(given) for given in steps), features)

    def _spec(self) -> dict[str, Any]:
        *steps, features = self.shape
        return {
            "type": self.type_name,
            "timesteps": steps[0] if steps else 0,
            "features": features,
        }

    @property
    def _wanted_steps(self) -> int | None:
        if self.shape[0] == -1:
            return None
        size: int = self.shape[0] * (self.shape[1] if len(self.shape) == 2 else 1)
        return size // int(self._native.input_features)

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        steps = spec["timesteps"]
        return cls((steps, spec["features"]) if steps else (spec["features"],))


class Flatten(Layer):
    """All steps of a sequence as one row: (N, timesteps, F) to (N, timesteps * F).

    Parameters
    ----------
    timesteps : int
        Steps of every input: what follows has weights for each of them.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        Timesteps below 1; when called, an input with another number of steps, or with lengths.

    Notes
    -----
    Cannot be streamed.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.Conv1D(8, 3), ln.Flatten(10), ln.Dense(1)])
    >>> model.predict(np.ones((2, 12, 4), dtype="float32")).shape
    (2, 1)
    """

    type_name = "flatten"
    has_weights = False

    def __init__(
        self,
        timesteps: int,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.timesteps = check_size(timesteps, name="timesteps")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "timesteps": self.timesteps}

    @property
    def _wanted_steps(self) -> int | None:
        return self.timesteps


class Reverse(Layer):
    """The true steps of each sequence from its end to its start.

    Parameters
    ----------
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.

    Notes
    -----
    Padding stays behind the steps. What has no time axis stays as it is. Cannot be streamed.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> x = np.arange(4.0).reshape(1, 4, 1)
    >>> ln.Sequential([ln.Reverse()]).predict(x, lengths=[3]).ravel().tolist()
    [2.0, 1.0, 0.0, 0.0]
    """

    type_name = "reverse"
    has_weights = False

    def __init__(
        self, *, dtype: str = "float32", seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name}


class Masking(Layer):
    """End each sequence where only steps of one value follow, as if it came with lengths.

    Parameters
    ----------
    value : float
        A step whose features all equal it is masked.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        A value that is not finite; when called, an input without time axis. Behind other layers,
        a masked step before one that is not.

    Notes
    -----
    At the start of a `Sequential`, as the only reader of an input of a `Model`, and called alone,
    it means what `mask=(x != value).any(axis=-1)` means, which may have holes and padding in front;
    a mask or lengths that are given go before it, and leave it what they leave of `x`. Behind other
    layers it tells lengths, so that masked steps may only follow.

    `y` is `x` with zeros at the masked steps. In a stream the end of a sequence is not known:
    every step counts, and those that are masked must not be given.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> x = np.array([[[1.0], [2.0], [-9.0]], [[3.0], [-9.0], [-9.0]]])
    >>> ln.Sequential([ln.Masking(-9.0), ln.Last()]).predict(x).ravel().tolist()
    [2.0, 3.0]
    """

    type_name = "masking"
    has_weights = False

    def __init__(
        self,
        value: float = 0.0,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.value = check_real(value, name="value")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "value": self.value}
