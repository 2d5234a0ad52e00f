"""Layers that make one of several inputs: Concat, Add, Multiply, Average, Dot."""

from __future__ import annotations

from typing import Any

from lstm_native._base.checks import check_bool
from lstm_native.layers.joint import Joint


class _Merging(Joint):
    """A layer of several inputs without options."""

    has_weights = False

    def __init__(
        self, *, dtype: str = "float32", seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name}


class Concat(_Merging):
    """Features of all inputs, one behind the other.

    Inputs are (N, T, F) or (N, F). One without time axis is repeated at each step of the others;
    those with one must have the same steps and lengths. Its gradient is the sum over the true
    steps, in their order.

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
        When called, fewer than two inputs, or inputs that differ in steps or lengths.
    """

    type_name = "concat"


class Add(_Merging):
    """The sum of inputs with as many features.

    Steps, lengths, parameters and errors as in `Concat`; inputs that differ in features are
    refused, too.
    """

    type_name = "add"


class Multiply(_Merging):
    """The product, value by value, of inputs with as many features.

    Steps, lengths, parameters and errors as in `Concat`; inputs that differ in features are
    refused, too.
    """

    type_name = "multiply"


class Average(_Merging):
    """The mean of inputs with as many features.

    Steps, lengths, parameters and errors as in `Concat`; inputs that differ in features are
    refused, too.
    """

    type_name = "average"


class Dot(Joint):
    """The inner product of two inputs over their features: (N, T, 1), or (N, 1).

    Steps and lengths as in `Concat`. Sums are float64.

    Parameters
    ----------
    normalise : bool
        Of vectors of length 1: the cosine of the angle between them. A vector shorter than 1e-6
        counts as one of that length, as in Keras.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        When called, other than two inputs, or inputs that differ in features, steps or lengths.
    """

    type_name = "dot"
    has_weights = False

    def __init__(
        self,
        normalise: bool = False,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.normalise = check_bool(normalise, name="normalise")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "normalise": self.normalise}


def concat(inputs: Any, *, name: str | None = None) -> Any:
    """Return the features of all inputs, one behind the other: `Concat()(inputs)`.

    Parameters
    ----------
    inputs : sequence of Symbol, or of array_like
    name : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> ln.concat([np.zeros((2, 5, 3)), np.ones((2, 1))]).shape
    (2, 5, 4)
    """
    dtype = "float32"
    for one in inputs:
        if getattr(getattr(one, "dtype", None), "name", "") == "float64":
            dtype = "float64"
    return Concat(dtype=dtype, name=name)(inputs)
