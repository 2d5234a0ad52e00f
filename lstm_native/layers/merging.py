"""Layers that make one of several inputs: Concat, Add, Multiply, Average, Dot."""

from __future__ import annotations

from typing import Any

from lstm_native._base.checks import check_bool
from lstm_native.layers.layer import Layer


class _Merging(Layer):
    """A layer of several inputs without options."""

    has_weights = False

    def __init__(self, *, dtype: str = "float32", seed: int | None = None) -> None:
        super().__init__(dtype=dtype, seed=seed)

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


class Dot(Layer):
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

    Raises
    ------
    ValueError
        When called, other than two inputs, or inputs that differ in features, steps or lengths.
    """

    type_name = "dot"
    has_weights = False

    def __init__(
        self, normalise: bool = False, *, dtype: str = "float32", seed: int | None = None
    ) -> None:
        super().__init__(dtype=dtype, seed=seed)
        self.normalise = check_bool(normalise, name="normalise")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "normalise": self.normalise}
