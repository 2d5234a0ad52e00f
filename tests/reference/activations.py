"""The functions that gates and cells choose from, and their derivatives.

Names, parameters and formulas are those of the ONNX operators LSTM, GRU and RNN. A function is
its name, or a tuple of its name and its parameters: ("leaky_relu", 0.2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.layers import sigmoid

Function = str | tuple


def _inside(x, alpha, beta):
    """Whether a hard sigmoid is between its ends."""
    return (alpha * x + beta > 0.0) & (alpha * x + beta < 1.0)


# name: default parameters, value, derivative; a and b are the parameters alpha and beta.
CELL_FUNCTIONS: dict[str, tuple[tuple[float, ...], Callable, Callable]] = {
    "linear": ((), lambda x: x, lambda x: np.ones_like(x)),
    "relu": ((), lambda x: np.maximum(x, 0.0), lambda x: 1.0 * (x > 0.0)),
    "tanh": ((), np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "sigmoid": ((), sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "affine": ((1.0, 0.0), lambda x, a, b: a * x + b, lambda x, a, b: np.full_like(x, a)),
    "leaky_relu": (
        (0.01,),
        lambda x, a: np.where(x >= 0.0, x, a * x),
        lambda x, a: np.where(x >= 0.0, 1.0, a),
    ),
    "thresholded_relu": (
        (1.0,),
        lambda x, a: np.where(x >= a, x, 0.0),
        lambda x, a: 1.0 * (x >= a),
    ),
    "scaled_tanh": (
        (1.0, 1.0),
        lambda x, a, b: a * np.tanh(b * x),
        lambda x, a, b: a * b * (1.0 - np.tanh(b * x) ** 2),
    ),
    "hard_sigmoid": (
        (0.2, 0.5),
        lambda x, a, b: np.clip(a * x + b, 0.0, 1.0),
        lambda x, a, b: a * _inside(x, a, b),
    ),
    "elu": (
        (1.0,),
        lambda x, a: np.where(x >= 0.0, x, a * np.expm1(np.minimum(x, 0.0))),
        lambda x, a: np.where(x >= 0.0, 1.0, a * np.exp(np.minimum(x, 0.0))),
    ),
    "softsign": ((), lambda x: x / (1.0 + np.abs(x)), lambda x: 1.0 / (1.0 + np.abs(x)) ** 2),
    "softplus": ((), lambda x: np.logaddexp(0.0, x), sigmoid),
}


def _parts(function: Function):
    name, *given = (function,) if isinstance(function, str) else function
    defaults, value, slope = CELL_FUNCTIONS[name]
    return (*given, *defaults[len(given) :]), value, slope


def cell_function(function: Function, x: np.ndarray) -> np.ndarray:
    """The value of a function at x."""
    parameters, value, _ = _parts(function)
    return value(x, *parameters)


def cell_slope(function: Function, x: np.ndarray) -> np.ndarray:
    """The derivative of a function at x."""
    parameters, _, slope = _parts(function)
    return slope(x, *parameters)


def clipped(x: np.ndarray, limit: float | None) -> np.ndarray:
    """x between -limit and limit; x itself without a limit."""
    return x if limit is None else np.clip(x, -limit, limit)


def inside(x: np.ndarray, limit: float | None) -> np.ndarray:
    """The derivative of `clipped`: 1 inside, 0 outside."""
    return np.ones_like(x) if limit is None else 1.0 * (np.abs(x) < limit)


def gate(function: Function, limit: float | None, x: np.ndarray) -> np.ndarray:
    """A function behind a clip."""
    return cell_function(function, clipped(x, limit))


def gate_slope(function: Function, limit: float | None, x: np.ndarray) -> np.ndarray:
    """The derivative of `gate` with respect to x."""
    return cell_slope(function, clipped(x, limit)) * inside(x, limit)
