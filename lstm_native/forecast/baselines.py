"""The forecasts that a network has to beat, and the linear start of the network itself."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.transform import Transform

Array = NDArray[np.float64]

# Strengths of the ridge that `choose_ridge` compares, relative to the inputs' variance.
_RIDGES = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)
_FOLDS = 3


def naive(values: Array, origins: NDArray[np.intp], horizon: int) -> Array:
    """Return the last value before each origin, for every step: (origins, horizon)."""
    return np.repeat(values[origins - 1, np.newaxis], horizon, axis=1)


def seasonal_naive(values: Array, origins: NDArray[np.intp], horizon: int, *, season: int) -> Array:
    """Return the values one season before each step: (origins, horizon).

    A horizon longer than the season repeats the last known season. Needs origins >= season.
    """
    within = np.arange(horizon) % season
    return np.take(values, origins[:, np.newaxis] - season + within)


@dataclass(frozen=True)
class Linear:
    """One linear autoregression for each step of the horizon.

    Attributes
    ----------
    weight : ndarray, (timesteps, horizon)
        Row 0 meets the oldest value.
    bias : ndarray, (horizon,)
    """

    weight: Array
    bias: Array

    def predict(self, x: Array) -> Array:
        """Return (samples, horizon) for windows (samples, timesteps)."""
        return x @ self.weight + self.bias


def fit_linear(x: Array, y: Array, *, ridge: float = 0.0) -> Linear:
    """Fit windows (samples, timesteps) to what follows (samples, horizon) by least squares.

    Parameters
    ----------
    ridge : float
        Penalty on the squared weights, relative to the samples times the inputs' variance
        (Hoerl & Kennard 1970); 0 is ordinary least squares with an intercept.
    """
    centre_x, centre_y = x.mean(axis=0), y.mean(axis=0)
    inputs, targets = x - centre_x, y - centre_y
    penalty = ridge * len(x) * inputs.var()
    if penalty > 0.0:
        gram = inputs.T @ inputs + penalty * np.eye(inputs.shape[1])
        weight = np.linalg.solve(gram, inputs.T @ targets)
    else:
        weight = np.linalg.lstsq(inputs, targets, rcond=None)[0]
    return Linear(weight, centre_y - centre_x @ weight)


def choose_ridge(x: Array, y: Array, transform: Transform, *, horizon: int) -> float:
    """Return the ridge with the smallest mean absolute error on later windows.

    The fourth, fifth and last sixth of the windows, in turn, are foreseen from those before
    them; windows whose targets reach into the part foreseen are left out. Errors count in the
    user's unit.
    """
    edges = (np.linspace(0.5, 1.0, _FOLDS + 1) * len(x)).astype(int).tolist()
    totals = np.zeros(len(_RIDGES))
    for start, end in itertools.pairwise(edges):
        known = start - horizon + 1
        if known <= x.shape[1]:
            continue
        actual = transform.invert(y[start:end])
        for index, ridge in enumerate(_RIDGES):
            fitted = fit_linear(x[:known], y[:known], ridge=ridge)
            forecast = transform.invert(fitted.predict(x[start:end]))
            totals[index] += np.abs(forecast - actual).sum()
    # Where nothing could be compared all totals are 0, and caution takes the strongest.
    best = np.flatnonzero(totals == totals.min())[-1]
    return _RIDGES[best]
