"""The functions of gates in NumPy: values, derivatives, and where they count as saturated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def sigmoid(a: Values) -> Values:
    """Return 1 / (1 + exp(-a)), which overflows nowhere."""
    found: Values = 0.5 * (1.0 + np.tanh(0.5 * a))
    return found


@dataclass(frozen=True)
class Function:
    """One of the functions that `LSTM` lists, as the ONNX operator LSTM defines them."""

    name: str
    alpha: float = 0.0
    beta: float = 0.0

    @staticmethod
    def of(spec: Mapping[str, Any]) -> Function:
        """Return the function that a layer's specification holds."""
        return Function(spec["function"], spec["alpha"], spec["beta"])

    def __call__(self, a: Values) -> Values:
        """Return the values at `a`, of any shape."""
        found: Values = _VALUES[self.name](a, self.alpha, self.beta)
        return found

    def slope(self, a: Values) -> Values:
        """Return the derivatives at `a`."""
        found: Values = _SLOPES[self.name](a, self.alpha, self.beta)
        return found

    def limits(self) -> tuple[float | None, float | None]:
        """Return the values below and above which a unit counts as saturated, if there are any.

        A tenth of the way from a bound: 0.1 and 0.9 of a sigmoid, -0.9 and 0.9 of a tanh. The
        lower bound of the two rectifiers is reached, not approached: what is 0 or less counts.
        """
        if self.name in ("sigmoid", "hard_sigmoid"):
            return 0.1, 0.9
        if self.name in ("tanh", "softsign"):
            return -0.9, 0.9
        if self.name == "scaled_tanh":
            return -0.9 * abs(self.alpha), 0.9 * abs(self.alpha)
        if self.name in ("relu", "thresholded_relu"):
            return 0.0, None
        if self.name == "elu":
            return -0.9 * self.alpha, None
        return (0.1, None) if self.name == "softplus" else (None, None)


def _elu(a: Values, alpha: float, beta: float) -> Values:
    return np.where(a < 0.0, alpha * np.expm1(np.minimum(a, 0.0)), a)


_VALUES: dict[str, Any] = {
    "linear": lambda a, alpha, beta: a,
    "relu": lambda a, alpha, beta: np.maximum(a, 0.0),
    "tanh": lambda a, alpha, beta: np.tanh(a),
    "sigmoid": lambda a, alpha, beta: sigmoid(a),
    "affine": lambda a, alpha, beta: alpha * a + beta,
    "leaky_relu": lambda a, alpha, beta: np.where(a < 0.0, alpha * a, a),
    "thresholded_relu": lambda a, alpha, beta: np.where(a < alpha, 0.0, a),
    "scaled_tanh": lambda a, alpha, beta: alpha * np.tanh(beta * a),
    "hard_sigmoid": lambda a, alpha, beta: np.clip(alpha * a + beta, 0.0, 1.0),
    "elu": _elu,
    "softsign": lambda a, alpha, beta: a / (1.0 + np.abs(a)),
    "softplus": lambda a, alpha, beta: np.logaddexp(0.0, a),
}
_SLOPES: dict[str, Any] = {
    "linear": lambda a, alpha, beta: np.ones_like(a),
    "relu": lambda a, alpha, beta: np.where(a > 0.0, 1.0, 0.0),
    "tanh": lambda a, alpha, beta: 1.0 - np.tanh(a) ** 2,
    "sigmoid": lambda a, alpha, beta: sigmoid(a) * sigmoid(-a),
    "affine": lambda a, alpha, beta: np.full_like(a, alpha),
    "leaky_relu": lambda a, alpha, beta: np.where(a < 0.0, alpha, 1.0),
    "thresholded_relu": lambda a, alpha, beta: np.where(a < alpha, 0.0, 1.0),
    "scaled_tanh": lambda a, alpha, beta: alpha * beta * (1.0 - np.tanh(beta * a) ** 2),
    "hard_sigmoid": lambda a, alpha, beta: np.where(
        (alpha * a + beta > 0.0) & (alpha * a + beta < 1.0), alpha, 0.0
    ),
    "elu": lambda a, alpha, beta: np.where(a < 0.0, _elu(a, alpha, beta) + alpha, 1.0),
    "softsign": lambda a, alpha, beta: 1.0 / (1.0 + np.abs(a)) ** 2,
    "softplus": lambda a, alpha, beta: sigmoid(a),
}
