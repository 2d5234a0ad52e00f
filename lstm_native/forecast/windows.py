"""Series as the global network sees them: free of level, scale and season.

Each series is seen through its logarithm where all its values are positive, so that growth is a
slope and a season a factor. Its season is taken out (seasons.py). What is left is measured from
its last known value, in units of its mean change from row to row. So a network meets every series
of the world at the same height, and one set of weights serves them all, as in Smyl (2020) and
Bandara et al. (2021). What was taken out is put back behind the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.seasons import seasonal_part

Array = NDArray[np.float64]

#: Rows the network looks back. Its season may come from rows long before.
TIMESTEPS = 64
#: Values of each row and of each step ahead that the network reads, beside covariates.
PAST_FEATURES = 11
AHEAD_FEATURES = 10
#: Targets are cut there: a series that was constant may move by any number of units.
FURTHEST = 30.0

_LOWEST_RATIO = (
    1e-2  # a series with values this far below its mean is not seen through its logarithm
)
_SMALLEST_UNIT = 1e-5  # of the level: the rounding of a constant is no movement
_LARGEST_LOG = 700.0  # the exponential of more is infinite


@dataclass(frozen=True, eq=False)
class Windows:
    """The end of each series, ready for the network, and the way back.

    Attributes
    ----------
    past : ndarray, (series, TIMESTEPS, PAST_FEATURES), float32
    ahead : ndarray, (series, horizon, AHEAD_FEATURES), float32
    logarithm : ndarray of bool, (series,)
    anchor, unit : ndarray, (series,)
        The last known value without its season, and the mean change from row to row.
    season : ndarray, (series, horizon)
        What repeats itself, in the steps ahead.
    positive : ndarray of bool, (series,)
        Whether no value is negative.
    """

    past: NDArray[np.float32]
    ahead: NDArray[np.float32]
    logarithm: NDArray[np.bool_]
    anchor: Array
    unit: Array
    season: Array
    positive: NDArray[np.bool_]

    def targets(self, future: Array) -> NDArray[np.float32]:
        """Return what the network should answer for the median, (series, horizon); NaN stays."""
        values = np.where(self.logarithm[:, np.newaxis], np.log(np.maximum(future, 1e-300)), future)
        with np.errstate(over="ignore"):
            scaled = (values - self.season - self.anchor[:, np.newaxis]) / self._growth()
        return np.clip(scaled, -FURTHEST, FURTHEST).astype(np.float32)

    def restore(self, answers: NDArray[np.float32]) -> Array:
        """Return quantiles in the user's unit, (series, horizon, quantiles), sorted."""
        scaled = np.sort(answers.astype(np.float64), axis=2)
        middle = self.season + self.anchor[:, np.newaxis]
        values = scaled * self._growth()[:, :, np.newaxis] + middle[:, :, np.newaxis]
        logarithm = self.logarithm[:, np.newaxis, np.newaxis]
        values = np.where(
            logarithm, np.exp(np.minimum(np.where(logarithm, values, 0.0), _LARGEST_LOG)), values
        )
        return self.allowed(values)

    def allowed(self, values: Array) -> Array:
        """Return (series, horizon, quantiles) lifted to 0: what was never negative will not be."""
        return np.where(self.positive[:, np.newaxis, np.newaxis], np.maximum(values, 0.0), values)

    def _growth(self) -> Array:
        """Return the unit of each step: a random walk's spread grows with the root of time."""
        steps = np.arange(1, self.season.shape[1] + 1)
        return np.asarray(self.unit[:, np.newaxis] * np.sqrt(steps))


def flush_right(series: Sequence[Array], rows: int) -> Array:
    """Return the last `rows` rows of each series, (series, rows); NaN before the first."""
    table = np.full((len(series), rows), np.nan)
    for index, values in enumerate(series):
        end = values[-rows:]
        table[index, rows - len(end) :] = end
    return table


def make_windows(values: Array, seasons: tuple[int, ...], horizon: int) -> Windows:
    """Prepare series for the network.

    Parameters
    ----------
    values : ndarray, (series, rows)
        Flush right, NaN where nothing is known; each with at least one known value.
    seasons : tuple of int
        Periods in which the series may repeat themselves, shortest first.
    horizon : int
    """
    known = ~np.isnan(values)
    observations = known.sum(axis=1)
    level = np.where(known, np.abs(values), 0.0).sum(axis=1) / observations
    lowest = np.where(known, values, np.inf).min(axis=1)
    logarithm = (lowest > 0.0) & (lowest > _LOWEST_RATIO * level)
    logs = np.log(np.where(known & logarithm[:, np.newaxis], values, 1.0))
    seen = np.where(known, np.where(logarithm[:, np.newaxis], logs, values), np.nan)
    first = np.nanmean(seen, axis=1, keepdims=True)
    seen = seen - first  # large levels would cost digits

    season = seasonal_part(seen, seasons, horizon)
    free = seen - season.past
    last = values.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    anchor = free[np.arange(len(free)), last]
    near = _end(free)
    near_known = ~np.isnan(near)
    change = _changes(near)
    unit = np.abs(change).sum(axis=1) / np.maximum(near_known.sum(axis=1) - 1, 1)
    height = np.where(logarithm, 1.0, level)
    unit = np.maximum(unit, _SMALLEST_UNIT * height)
    unit = np.where(unit > 0.0, unit, _SMALLEST_UNIT)  # zeros only

    def scaled(differences: Array) -> Array:
        """Large movements weigh less, and what is not known is 0."""
        per_series = unit.reshape(-1, *[1] * (differences.ndim - 1))
        return np.arcsinh(np.nan_to_num(differences / per_series, nan=0.0))

    shorter, longer = _lags(seasons)
    constant = np.stack(
        [
            (np.log(unit / np.where(height > 0.0, height, 1.0)) + 3.0) / 2.0,
            np.log(observations) / 4.0 - 0.5,
            season.strength,
            np.full(len(values), np.log(shorter) / 3.0),
            logarithm,
        ],
        axis=1,
    )
    past = [
        scaled(near - anchor[:, np.newaxis]) / 2.0,
        scaled(change),
        near_known,
        scaled(np.where(near_known, _end(season.past), 0.0)) / 2.0,
        scaled(_end(_lagged_changes(seen, shorter))) / 2.0,
        scaled(_end(_lagged_changes(seen, longer))) / 2.0,
    ]
    steps = np.arange(1, horizon + 1)
    ahead = [
        scaled(season.ahead) / 2.0,
        scaled(_seasons_before(free, shorter, horizon) - anchor[:, np.newaxis]) / 2.0,
        scaled(_seasons_before(free, longer, horizon) - anchor[:, np.newaxis]) / 2.0,
        np.broadcast_to(steps / 12.0, (len(values), horizon)),
        np.broadcast_to(np.log(steps) / 2.0, (len(values), horizon)),
    ]
    return Windows(
        past=_joined(past, constant),
        ahead=_joined(ahead, constant),
        logarithm=logarithm,
        anchor=anchor + first[:, 0],
        unit=unit,
        season=season.ahead,
        positive=lowest >= 0.0,
    )


def _joined(features: Sequence[Array], constant: Array) -> NDArray[np.float32]:
    """Return features of each row, then those that are the same for all rows of a series."""
    rows = np.stack(features, axis=2)
    repeated = np.broadcast_to(constant[:, np.newaxis], (*rows.shape[:2], constant.shape[1]))
    return np.concatenate([rows, repeated], axis=2).astype(np.float32)


def _end(values: Array) -> Array:
    """Return the last TIMESTEPS rows; NaN before the first row."""
    rows = values.shape[1]
    if rows >= TIMESTEPS:
        return values[:, -TIMESTEPS:]
    missing = np.full((len(values), TIMESTEPS - rows), np.nan)
    return np.concatenate([missing, values], axis=1)


def _changes(values: Array) -> Array:
    """Return the change of each known row from the known one before it; 0 where there is none."""
    known = ~np.isnan(values)
    at = np.maximum.accumulate(np.where(known, np.arange(values.shape[1]), -1), axis=1)
    carried = np.where(at >= 0, np.take_along_axis(values, np.maximum(at, 0), axis=1), np.nan)
    change = np.zeros_like(values)
    change[:, 1:] = values[:, 1:] - carried[:, :-1]
    return np.nan_to_num(change, nan=0.0)


def _lags(seasons: tuple[int, ...]) -> tuple[int, int]:
    """Return the two distances at which the network sees a row beside an earlier one."""
    if not seasons:
        return 1, 2
    return seasons[0], seasons[-1] if len(seasons) > 1 else 2 * seasons[0]


def _lagged_changes(values: Array, lag: int) -> Array:
    """Return each row's change from `lag` rows before; NaN where one is not known."""
    change = np.full_like(values, np.nan)
    change[:, lag:] = values[:, lag:] - values[:, : max(values.shape[1] - lag, 0)]
    return change


def _seasons_before(values: Array, lag: int, horizon: int) -> Array:
    """Return the newest rows whole lags before each step ahead; NaN before the first row."""
    steps = np.arange(horizon)
    at = values.shape[1] + steps - lag * (steps // lag + 1)
    return np.where(at >= 0, values[:, np.maximum(at, 0)], np.nan)
