"""Intervals that held-out errors have corrected: split conformal prediction over a model's spread.

A model says how far its quantiles lie from its middle. On held-out origins that distance is
compared with the errors that were made, and multiplied by what it lacked (conformalised quantile
regression, Romano et al. 2019, in the form that scales). The factor is sought for each quantile and
step, and drawn towards what is better known where the errors are few: that of the step towards that
of all steps, that of one side towards that of both, that of a level towards that of the middle one,
and that one towards 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Quantiles whose distances are always kept, for samples of paths.
GRID = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)

#: Of the size of a series: no bound comes nearer to the forecast than this.
FLOOR = 1e-4

# Errors that weigh as much as what a factor is drawn towards: the middle level's, that of other
# levels, of one side and of one step (the last three count errors beyond the quantile).
_MIDDLE, _LEVEL, _SIDE, _STEP = 4.0, 5.0, 10.0, 10.0
_INDEPENDENT = 3.0  # of the errors of one origin so many, at most, tell something of their own
_PLENTY = 500.0  # independent forecasts from which on each step speaks for itself
_EXTREMES = (0.1, 10.0)  # no factor leaves them


@dataclass(frozen=True)
class Calibration:
    """Factors on a model's distances between quantile and middle.

    Attributes
    ----------
    levels : tuple of float
        The quantiles, between 0 and 1, without 0.5.
    factors : ndarray, (levels, horizon)
    """

    levels: tuple[float, ...]
    factors: Array

    def bounds(self, middle: Array, distances: Array, floor: Array) -> Array:
        """Return the quantiles of a forecast, in the order of the levels.

        Parameters
        ----------
        middle : ndarray, (series, horizon)
            The forecast.
        distances : ndarray, (series, horizon, levels)
            From the model's middle to its quantiles, as `distances` gives them.
        floor : ndarray, (series,)
            The least distance of a normal quantile one deviation away.

        Returns
        -------
        ndarray, (series, horizon, levels)
            Strictly below the forecast for levels below 0.5, strictly above for the others, and
            strictly farther away for a more extreme level.
        """
        horizon = middle.shape[1]
        steps = np.minimum(np.arange(horizon), self.factors.shape[1] - 1)
        moved = distances * self.factors[:, steps].T
        normal = _normal(self.levels)
        for below in (True, False):
            side = [i for i in np.argsort(np.abs(normal)) if (normal[i] < 0.0) == below]
            if side:
                moved[..., side] = np.maximum.accumulate(moved[..., side], axis=-1)
        # Added, and not a maximum, so that the order stays strict.
        moved += floor[:, np.newaxis, np.newaxis] * np.abs(normal)
        return np.asarray(middle[..., np.newaxis] + np.sign(normal) * moved)


def identity(levels: tuple[float, ...], horizon: int) -> Calibration:
    """Return the calibration that believes the model."""
    return Calibration(levels, np.ones((len(levels), horizon)))


def distances(quantiles: Array, known: tuple[float, ...], levels: tuple[float, ...]) -> Array:
    """Return how far a model's quantiles lie from its middle, at other levels too.

    Between two known levels the distance is interpolated over the normal distribution's
    deviations; beyond the outermost it grows with them.

    Parameters
    ----------
    quantiles : ndarray, (series, horizon, known)
    known : tuple of float
        The levels of the last axis, ascending, with 0.5.
    levels : tuple of float
        Wanted.

    Returns
    -------
    ndarray, (series, horizon, levels)
        Never negative.
    """
    middle = known.index(0.5)
    away = np.abs(quantiles - quantiles[..., middle : middle + 1])
    found = np.empty((*quantiles.shape[:2], len(levels)))
    deviations = _normal(known)
    for place, wanted in enumerate(_normal(levels)):
        side = [i for i in range(len(known)) if deviations[i] * wanted > 0.0]
        side.sort(key=lambda i: abs(deviations[i]))
        # From the middle, where the distance is 0, outwards; np.interp would do one row at a time.
        points = np.array([0.0, *(abs(deviations[i]) for i in side)])
        values = np.stack([np.zeros_like(away[..., 0]), *(away[..., i] for i in side)], axis=-1)
        size = abs(wanted)
        if size >= points[-1]:
            found[..., place] = values[..., -1] * size / points[-1]
            continue
        right = int(np.searchsorted(points, size, side="right"))
        share = (size - points[right - 1]) / (points[right] - points[right - 1])
        found[..., place] = (1.0 - share) * values[..., right - 1] + share * values[..., right]
    return found


def calibrate(
    levels: tuple[float, ...],
    middle: Array,
    spread: Array,
    actual: Array,
    *,
    evidence: float,
    together: float | None = None,
) -> Calibration:
    """Find the factors by which distances must be multiplied.

    Parameters
    ----------
    levels : tuple of float
        With 0.1 and 0.9 among them.
    middle : ndarray, (cuts, horizon)
        Forecasts from held-out origins.
    spread : ndarray, (cuts, horizon, levels)
        The model's distances there, with the floor in them: greater than 0.
    actual : ndarray, (cuts, horizon)
        What came; NaN where nothing is known.
    evidence : float
        How many independent forecasts the origins amount to.
    together : float, optional
        The same, as far as they are believed for another time; by default `evidence`.
    """
    horizon = middle.shape[1]
    known = np.isfinite(actual)
    if not known.any():
        return identity(levels, horizon)
    errors = actual - middle
    independent = evidence * min(_INDEPENDENT, horizon)
    believed = independent
    if together is not None and together < evidence:  # steps of one origin share dates, too
        believed = together
    # Neighbours help a step with few errors of its own, and blur one with many.
    reach = 0 if evidence >= _PLENTY else horizon // 6
    near = [slice(max(0, step - reach), step + reach + 1) for step in range(horizon)]
    both = np.abs(errors) / np.minimum(
        spread[..., levels.index(0.1)], spread[..., levels.index(0.9)]
    )
    common = _weight(believed, _MIDDLE) * _log_quantile(both[known], 0.8, independent)
    factors = np.empty((len(levels), horizon))
    for place, level in enumerate(levels):
        tail = min(level, 1.0 - level)
        size = np.abs(errors) / spread[..., place]
        sided = np.sign(level - 0.5) * errors / spread[..., place]
        beyond = believed * 2.0 * tail
        of_level = _log_quantile(size[known], 1.0 - 2.0 * tail, independent)
        of_side = _log_quantile(sided[known], 1.0 - tail, independent)
        base = common + _weight(beyond, _LEVEL) * (of_level - common)
        base += _weight(beyond / 2.0, _SIDE) * (of_side - of_level)
        for step, span in enumerate(near):
            here = known[:, span]
            if not here.any():
                factors[place, step] = base
                continue
            of_step = _log_quantile(size[:, span][here], 1.0 - 2.0 * tail, independent)
            share = beyond * here.sum() / known.sum()
            factors[place, step] = base + _weight(share, _STEP) * (of_step - of_level)
    return Calibration(levels, np.clip(np.exp(factors), *_EXTREMES))


def coverage_bounds(
    bounds: Array, levels: tuple[float, ...], percents: tuple[int, ...]
) -> Mapping[int, tuple[Array, Array]]:
    """Return lower and upper bounds for each percent of coverage."""
    found = {}
    for percent in percents:
        low, high = ends(percent)
        found[percent] = (bounds[..., levels.index(low)], bounds[..., levels.index(high)])
    return found


def ends(percent: float) -> tuple[float, float]:
    """Return the quantiles between which an interval of so many percent lies."""
    low = round((100.0 - percent) / 200.0, 10)
    return low, round(1.0 - low, 10)


def _log_quantile(values: Array, level: float, independent: float) -> float:
    """Return the logarithm of a quantile, its level raised as so few values ask for."""
    # The (n + 1) (1 - alpha)-th smallest of n has the promised coverage (Vovk et al. 2005).
    raised = min(level * (independent + 1.0) / max(independent, 1e-9), 1.0 - 0.5 * (1.0 - level))
    found = float(np.quantile(values, max(raised, level)))
    return float(np.log(np.clip(found, *_EXTREMES)))


def _weight(count: float, other: float) -> float:
    return count / (count + other)


def _normal(levels: tuple[float, ...]) -> Array:
    """Return the normal distribution's quantiles."""
    return np.array([NormalDist().inv_cdf(level) for level in levels])
