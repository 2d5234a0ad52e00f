"""The intervals of a panel's forecasts: a global model's spread, held-out errors, and limits."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import conformal, methods, selection
from lstm_native.forecast.conformal import Calibration
from lstm_native.forecast.methods import GlobalModel, Trained
from lstm_native.forecast.origins import Origins, together_worth
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.rows import floor_of, never_negative

Array = NDArray[np.float64]
Levels = tuple[float, ...]

_NORMAL_90 = 1.2815515655446004
_DISAGREEMENT = 0.5  # of the difference between two forecasts that counts as deviation
_LEAST_SIDE = 0.15  # of the other side's distance


@dataclass(frozen=True, eq=False)
class Limits:
    """What the rows of series say about their forecasts.

    Attributes
    ----------
    floor : ndarray, (series,)
        The least deviation of an interval.
    counts : ndarray of bool, (series,)
        Whether the series cannot be negative.
    """

    floor: Array
    counts: NDArray[np.bool_]

    @staticmethod
    def of(panel: Panel) -> Limits:
        """Measure a panel's series."""
        rows = [series.values for series in panel.series]
        return Limits(
            np.array([floor_of(values) for values in rows]),
            np.array([never_negative(values) for values in rows], dtype=bool),
        )

    def only(self, kept: NDArray[np.bool_]) -> Limits:
        """Return those of some of the series."""
        return Limits(self.floor[kept], self.counts[kept])

    def above_zero(self, middle: Array) -> Array:
        """Lift forecasts to 0 where the series cannot be negative."""
        return np.where(self.counts[:, np.newaxis], np.maximum(middle, 0.0), middle)

    def spread(self, distances: Array) -> Array:
        """Return distances that are nowhere 0."""
        return np.asarray(distances + self.floor[:, np.newaxis, np.newaxis])

    def bounds(self, middle: Array, distances: Array, calibration: Calibration) -> Array:
        """Return quantiles: (series, horizon, levels)."""
        bounds = calibration.bounds(middle, distances, self.floor)
        # A forecast of 0 has its lower bounds just below it, and does not lie on its edge.
        normal = np.array([NormalDist().inv_cdf(level) for level in calibration.levels])
        below = self.floor[:, np.newaxis] * np.minimum(normal, 0.0)
        lowest = np.where((middle > 0.0)[..., np.newaxis], 0.0, below[:, np.newaxis])
        counts = self.counts[:, np.newaxis, np.newaxis]
        return np.where(counts, np.maximum(bounds, lowest), bounds)


def distances(trained: Trained, spread: str, panel: Panel, middle: Array, levels: Levels) -> Array:
    """Return how far quantiles are expected from forecasts: (series, horizon, levels).

    So far as the global model called `spread` sees them from its own middle, and farther where
    that middle is not the forecast: half of the difference counts as one more deviation, for
    methods that disagree are less sure than each of them says.

    Parameters
    ----------
    middle : ndarray, (series, horizon)
        The forecasts.
    """
    model = trained[spread]
    if not isinstance(model, GlobalModel):
        raise TypeError(f"'{spread}' is no global model")
    found = methods.quantiles(model, panel, middle.shape[1])
    away = conformal.distances(found, model.quantiles, levels)
    apart = middle - found[..., model.quantiles.index(0.5)]
    normal = np.abs([NormalDist().inv_cdf(level) for level in levels])
    away = np.hypot(away, _DISAGREEMENT * np.abs(apart)[..., np.newaxis] * normal)
    # Near the lowest value that a series has ever had, a model may see no way down at all.
    mirrored = away[..., ::-1] if _is_symmetric(levels) else away
    return np.maximum(away, _LEAST_SIDE * mirrored)


def _is_symmetric(levels: Levels) -> bool:
    return bool(np.allclose(np.add(levels, levels[::-1]), 1.0))


def deviation(away: Array, levels: Levels) -> Array:
    """Return the deviation that distances amount to: (series, horizon)."""
    both = away[..., levels.index(0.1)] + away[..., levels.index(0.9)]
    return np.asarray(both / (2.0 * _NORMAL_90))


def calibrate(
    held: Origins, limits: Limits, seen: Array, away: Array, levels: Levels
) -> Calibration:
    """Find the factors by held-out forecasts `seen`, (cuts, horizon), and distances `away`."""
    return conformal.calibrate(
        levels,
        seen,
        limits.spread(away),
        held.actual,
        evidence=float(held.evidence().sum()),
        together=together_worth(held.evidence()),
    )


def honest_bounds(held: Origins, limits: Limits, seen: Array, away: Array, levels: Levels) -> Array:
    """Return bounds for each cut whose factors come from other cuts; the model's where none are."""
    folds = selection.folds_of(held)
    bounds = np.empty(away.shape)
    for fold in range(int(folds.max(initial=-1)) + 1):
        here = folds == fold
        rest = ~here
        if here.all():
            calibration = conformal.identity(levels, held.horizon)
        else:
            calibration = calibrate(
                held.only(rest), limits.only(rest), seen[rest], away[rest], levels
            )
        bounds[here] = limits.only(here).bounds(seen[here], away[here], calibration)
    return bounds
