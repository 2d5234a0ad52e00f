"""Linear autoregressions: the network's start, and a method to beat."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_native.data import windows
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.rows import cuts_by_name, filled, last_known
from lstm_native.forecast.transform import Transform, choose_kind

Array = NDArray[np.float64]

# Strengths of the ridge that `choose_ridge` compares, relative to the inputs' variance.
_RIDGES = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)
_FOLDS = 3
_TIMESTEPS = 96  # the longest window, as the network's
_ONE_EACH = 20  # of more series than this, short ones or long, one regression is made
_MIN_ROWS = 60  # a series of its own regression has so many
_POOLED = 200_000  # windows that a common regression is made of, at most


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


def usable(panel: Panel, horizon: int) -> bool:
    """Whether there are windows enough for a regression, each series' own or one of all."""
    cuts = [panel.series[indices[0]] for indices in cuts_by_name(panel).values()]
    if len(cuts) <= _ONE_EACH and any(own_window(len(one), horizon) for one in cuts):
        return True
    window = _common_window(panel, horizon)
    return sum(max(len(one) - window - horizon + 1, 0) for one in cuts) > 2 * window


def own_window(rows: int, horizon: int) -> int:
    """Return how far a series' own regression looks back: 0 where the series is too short."""
    window = min(_TIMESTEPS, rows // 5)
    return window if rows >= _MIN_ROWS and rows - window - horizon + 1 > window else 0


def forecast(panel: Panel, horizon: int) -> Array:
    """Return the linear autoregressions' forecasts, one regression a step: (series, horizon).

    A ridge regression of its own for each series that is long enough, when they are few, on the
    square-root scale where the series asks for it; for the others one common regression over the
    windows of all, each window on its own scale (Montero-Manso & Hyndman 2021). Gaps are bridged
    by lines. A series that no window fits into gets its last value.
    """
    found = np.repeat(last_known(panel.series)[:, np.newaxis], horizon, axis=1)
    groups = cuts_by_name(panel)
    pooled = {}
    for name, cuts in groups.items():
        known = filled(panel.series[cuts[0]].values)
        window = own_window(len(known), horizon) if len(groups) <= _ONE_EACH else 0
        if window and np.ptp(known) > 0.0:
            inputs = np.stack([_end(panel.series[index].values, window) for index in cuts])
            found[cuts] = _own(known, window, horizon, inputs)
        elif known.size:
            pooled[name] = cuts
    if pooled:
        _common(panel, pooled, horizon, found)
    return found


def _own(known: Array, window: int, horizon: int, inputs: Array) -> Array:
    transform = Transform.fit(known, kind=choose_kind(known))
    x, y = windows(transform.apply(known), window, horizon)
    ridge = choose_ridge(x[..., 0], y, transform, horizon=horizon)
    fitted = fit_linear(x[..., 0], y, ridge=ridge)
    return transform.invert(fitted.predict(transform.apply(inputs)))


def _common_window(panel: Panel, horizon: int) -> int:
    """Return a season and a row, or a few rows, as far as half of the series leave room for."""
    season = panel.frequency.seasons[0] if panel.frequency.seasons else 3
    typical = int(np.median([len(one) for one in panel.series]))
    return max(1, min(season + 1, _TIMESTEPS, (typical - horizon) // 2))


def _common(panel: Panel, groups: dict[str, list[int]], horizon: int, found: Array) -> None:
    """Write the forecasts of one regression over all series of the groups into `found`."""
    window = _common_window(panel, horizon)
    parts = []
    for cuts in groups.values():
        known = filled(panel.series[cuts[0]].values)
        if len(known) >= window + horizon:
            both = np.lib.stride_tricks.sliding_window_view(known, window + horizon)
            parts.append(both[-max(1, _POOLED // len(groups)) :])
    if sum(map(len, parts)) <= 2 * window:
        return
    table = np.concatenate(parts)
    level, spread = _scale(table[:, :window])
    table = (table - level) / spread
    # One series' leap must not move the regression of all.
    fitted = fit_linear(table[:, :window], np.clip(table[:, window:], -10.0, 10.0), ridge=1e-3)
    for cuts in groups.values():
        for index in cuts:
            inputs = _end(panel.series[index].values, window)[np.newaxis]
            if np.ptp(inputs) == 0.0:
                continue  # what does not change has no scale, and stays
            level, spread = _scale(inputs)
            found[index] = (fitted.predict((inputs - level) / spread) * spread + level)[0]


def _end(values: Array, window: int) -> Array:
    """Return the last rows without gaps; a series that is too short begins with its first value."""
    known = filled(values[-window:])
    if len(known) < window:
        known = filled(values)[-window:]
    return np.concatenate([np.full(window - len(known), known[0]), known])


def _scale(inputs: Array) -> tuple[Array, Array]:
    """Return level, the last value, and mean absolute deviation from it: (windows, 1) each."""
    level = inputs[:, -1:]
    spread = np.abs(inputs - level).mean(axis=1, keepdims=True)
    floor = 1e-9 * np.abs(inputs).max(axis=1, keepdims=True)
    return level, np.where(spread > floor, spread, 1.0)
