"""Differences as a definition of the gradient, and how far two arrays are apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def central_difference(
    f: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-4
) -> np.ndarray:
    """Gradient of the scalar f at the float64 array `at`, element by element.

    Fourth order: (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h, so that h can be large enough for
    rounding to stay below 1e-11 while the truncation error is of the order of h**4.
    """
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        unit = np.zeros_like(at)
        unit[index] = 1.0
        gradient[index] = directional_difference(f, at, unit, step)
    return gradient


def directional_difference(
    f: Callable[[np.ndarray], float], at: np.ndarray, direction: np.ndarray, step: float = 1e-4
) -> float:
    """Derivative of the scalar f at `at` along `direction`, fourth-order central difference."""

    def along(k: float) -> float:
        return float(f(at + k * step * direction))

    return (along(-2) - 8.0 * along(-1) + 8.0 * along(1) - along(2)) / (12.0 * step)


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """max |actual - expected| / max |expected|; the plain difference where expected is all 0."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    if actual.shape != expected.shape:
        raise AssertionError(f"shape {actual.shape}, expected {expected.shape}")
    if actual.size == 0:
        return 0.0
    scale = np.abs(expected).max()
    error = np.abs(actual - expected).max()
    return float(error / scale if scale > 0 else error)
