"""Layers that hold other layers: Bidirectional, Highway, Residual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lstm_native._base.checks import check_choice, check_iterable
from lstm_native.layers._specs import layer_from_spec
from lstm_native.layers.layer import Layer, check_size


class _Container(Layer):
    """A layer that builds its inner layers itself and keeps their weights."""

    def __init__(
        self, layers: Sequence[Layer], *, dtype: str, seed: int | None, name: str | None
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        kind = type(self).__name__
        self.layers: tuple[Layer, ...] = tuple(check_iterable(layers, name="layers"))
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"layers must be layers, got {type(layer).__name__}")
            if layer.built:
                raise ValueError(f"{layer!r} already has weights; a {kind} builds its own layers")
            if layer.stateful:
                raise ValueError(
                    f"{layer!r}: stateful has no effect in a {kind}, whose layers begin each call "
                    "with zeros"
                )
            if layer._seed is not None:
                raise ValueError(f"{layer!r}: seed has no effect in a {kind}; seed the {kind}")
        if not self.layers:
            raise ValueError("layers: expected at least one, got none")
        check_distinct(self.layers)
        self._check_others()

    def _check_others(self) -> None:
        for layer in self.layers[1:]:
            if layer._known_input_size is not None:
                name = type(self).__name__
                raise ValueError(f"{layer!r}: only a {name}'s first layer may have input_size")

    def _inner_specs(self) -> list[dict[str, Any]]:
        return [layer._spec() for layer in self.layers]

    @property
    def _known_input_size(self) -> int | None:
        return self.layers[0]._known_input_size


class Highway(_Container):
    """A linear highway beside other layers: layers(x) + W vec(last `window` steps of x) + b.

    The autoregressive component of LSTNet (Lai et al. 2018): the linear part follows the scale
    of the input, the layers learn what is not linear.

    Parameters
    ----------
    layers : sequence of Layer
        Run one after another on the whole input; must end without a time axis. They take the
        Highway's dtype and seed.
    window : int
        How many of the last steps the linear part sees.
    dtype : {"float32", "float64"}
    seed : int, optional
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Notes
    -----
    Parameters: `weight` (out, window * F), steps oldest first, `bias` (out,), and those of the
    inner layers as `layers.0.<name>`. They are reached through this layer, not the inner ones.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> layers = [ln.LSTM(8, return_sequences=False), ln.Dense(2)]
    >>> y = ln.Highway(layers, window=4, seed=0)(np.ones((3, 10, 1), dtype="float32"))
    >>> y.shape
    (3, 2)
    """

    type_name = "highway"

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        window: int,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(layers, dtype=dtype, seed=seed, name=name)
        self.window = check_size(window, name="window")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "window": self.window, "layers": self._inner_specs()}


class Residual(_Container):
    """A residual connection around other layers: x + layers(x) (He et al. 2016).

    "Deep residual learning for image recognition": the layers learn what is to be added to the
    input, and the gradient has a way past them.

    Parameters
    ----------
    layers : sequence of Layer
        Run one after another; must keep the shape (N, T, F) or (N, F) of the input. They take the
        Residual's dtype and seed.
    dtype : {"float32", "float64"}
    seed : int, optional
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        No layers, layers that have weights already, or, when the input's size is known, layers
        that change the number of features or drop the time axis.

    Notes
    -----
    Parameters: those of the inner layers as `layers.0.<name>`. They are reached through this layer,
    not the inner ones. Inner recurrent layers begin each call at zeros. In a stream they keep their
    state, which is part of the stream's: h and c of the inner layers, one after another.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> y = ln.Residual([ln.LSTM(4), ln.LayerNorm()], seed=0)(np.ones((3, 10, 4)))
    >>> y.shape
    (3, 10, 4)
    """

    type_name = "residual"

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(layers, dtype=dtype, seed=seed, name=name)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "layers": self._inner_specs()}


class Bidirectional(_Container):
    """Two layers over a sequence, one from each end (Schuster & Paliwal 1997).

    "Bidirectional recurrent neural networks". The recurrent layers' own `bidirectional=True` is
    quicker, and reaches each of several stacked layers.

    Parameters
    ----------
    layer : Layer
        Runs over the sequence as it is. Any layer, as long as both give as many steps.
    backward_layer : Layer, optional
        Runs over the true steps from the end to the start; its output is turned back. By default
        another layer with the options of the first.
    merge : {"concat", "sum", "mul", "ave"}
        Features side by side, or the sum, product or mean of both outputs.
    dtype : {"float32", "float64"}
    seed : int, optional

    Raises
    ------
    ValueError
        A layer that has weights, a seed or `stateful`; outputs of unlike features that are not
        put side by side; when called, an input without time axis, layers that give unlike steps.

    Notes
    -----
    Parameters: those of the layers as `layers.0.<name>` (forwards) and `layers.1.<name>`. Inner
    recurrent layers begin each call at zeros. Cannot be streamed.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> layer = ln.Bidirectional(ln.GRU(4), ln.LSTM(4), merge="sum", seed=0)
    >>> ln.Sequential([layer]).predict(np.ones((2, 5, 3), dtype="float32")).shape
    (2, 5, 4)
    """

    type_name = "bidirectional"

    def __init__(
        self,
        layer: Layer,
        backward_layer: Layer | None = None,
        merge: str = "concat",
        *,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        other = backward_layer
        if other is None and isinstance(layer, Layer):
            options = {k: v for k, v in layer._spec().items() if k != "type"}
            other = layer_from_spec({"type": layer.type_name, **options})
        super().__init__([layer, other], dtype=dtype, seed=seed)  # type: ignore[list-item]
        self.merge = check_choice(merge, name="merge", choices=("concat", "sum", "mul", "ave"))

    def _check_others(self) -> None:
        first, second = (layer._known_input_size for layer in self.layers)
        if first is not None and second is not None and first != second:
            raise ValueError(
                f"input_size of both layers must be the same, got {first} and {second}"
            )

    @property
    def layer(self) -> Layer:
        """The layer that runs over the sequence as it is."""
        return self.layers[0]

    @property
    def backward_layer(self) -> Layer:
        """The layer that runs from the end."""
        return self.layers[1]

    @property
    def _known_input_size(self) -> int | None:
        found = [layer._known_input_size for layer in self.layers]
        return found[0] if found[0] is not None else found[1]

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "layers": self._inner_specs(), "merge": self.merge}

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        forwards, backwards = spec.pop("layers")
        return cls(forwards, backwards, **spec)


def check_distinct(layers: Sequence[Layer]) -> None:
    """Refuse a layer that stands twice in a list: its weights would be updated twice."""
    for index, layer in enumerate(layers):
        for earlier in range(index):
            if layers[earlier] is layer:
                raise ValueError(
                    f"layers: layer {index} is the same object as layer {earlier}; "
                    "make one layer for each"
                )
