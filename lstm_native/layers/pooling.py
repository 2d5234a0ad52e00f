"""Layers that make one step of all: Last, MaxPool, MeanPool."""

from __future__ import annotations

from typing import Any

from lstm_native.layers.layer import Layer


class _TimePool(Layer):
    """A layer that drops the time axis and has no options."""

    has_weights = False

    def __init__(
        self,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name}


class Last(_TimePool):
    """The last true step of each sequence: (N, T, F) to (N, F).

    Parameters
    ----------
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        When called, an input without time axis.

    Notes
    -----
    Zeros for a sequence of length 0. In a stream: the step itself.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.Last()])
    >>> model.predict(np.arange(6.0).reshape(2, 3, 1), lengths=[3, 2]).ravel().tolist()
    [2.0, 4.0]
    """

    type_name = "last"


class MaxPool(_TimePool):
    """The greatest value of each feature over the true steps: (N, T, F) to (N, F).

    Parameters
    ----------
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        When called, an input without time axis.

    Notes
    -----
    Zeros for a sequence of length 0. Of equal values the first one gets the gradient. In a stream:
    over the steps so far.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.MaxPool()])
    >>> model.predict(np.array([[[1.0], [3.0], [2.0]]])).tolist()
    [[3.0]]
    """

    type_name = "max_pool"


class MeanPool(_TimePool):
    """The mean of each feature over the true steps: (N, T, F) to (N, F).

    Parameters
    ----------
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        When called, an input without time axis.

    Notes
    -----
    Zeros for a sequence of length 0. In a stream: over the steps so far.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.MeanPool()])
    >>> model.predict(np.array([[[1.0], [3.0], [2.0]]])).tolist()
    [[2.0]]
    """

    type_name = "mean_pool"
