"""The held-out tail: where forecasts start, how wrong they are, and how wide intervals must be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError

Array = NDArray[np.float64]

#: One in so many rows, the newest, is held out.
HELD_OUT = 5
#: A back-test has at least so many forecast origins.
MIN_ORIGINS = 8
#: Coverage of the intervals, in percent.
LEVELS = (80, 95)


def split(rows: int, horizon: int, source: str) -> int:
    """Return how many rows come before the held-out fifth.

    Raises
    ------
    DataError
        The fifth is too short for a back-test.
    """
    held_out = rows // HELD_OUT
    needed = HELD_OUT * (horizon + MIN_ORIGINS - 1)
    if rows < needed:
        raise DataError(
            f"{source} has {rows} rows; a horizon of {horizon} needs at least {needed}, since the "
            f"last fifth is held out and must fit {MIN_ORIGINS} forecast origins"
        )
    return rows - held_out


def origins(rows: int, start: int, horizon: int) -> NDArray[np.intp]:
    """Return the first foreseen row of every forecast that fits between `start` and `rows`."""
    return np.arange(start, rows - horizon + 1)


def windows_before(values: Array, at: NDArray[np.intp], timesteps: int) -> Array:
    """Return the `timesteps` values before each origin: (origins, timesteps)."""
    return np.take(values, at[:, np.newaxis] + np.arange(-timesteps, 0))


def windows_after(values: Array, at: NDArray[np.intp], horizon: int) -> Array:
    """Return the `horizon` values from each origin on: (origins, horizon)."""
    return np.take(values, at[:, np.newaxis] + np.arange(horizon))


@dataclass(frozen=True)
class Score:
    """How far forecasts were from what came.

    Attributes
    ----------
    mae, rmse : float
        Mean absolute and root mean square error over all origins and steps, in the unit of the
        series.
    mase : float or None
        mae divided by the mean absolute change from row to row in the training part (Hyndman &
        Koehler 2006); None where the training part never changes.
    mae_by_step : tuple of float
        The mean absolute error of each step of the horizon.
    """

    mae: float
    rmse: float
    mase: float | None
    mae_by_step: tuple[float, ...]


def score(forecast: Array, actual: Array, *, training: Array) -> Score:
    """Compare forecasts (origins, horizon) with what came (origins, horizon)."""
    error = np.abs(forecast - actual)
    mae = float(error.mean())
    change = float(np.abs(np.diff(training)).mean())
    return Score(
        mae=mae,
        rmse=float(np.sqrt(np.square(error).mean())),
        mase=mae / change if change > 0.0 else None,
        mae_by_step=tuple(error.mean(axis=0).tolist()),
    )


def error_quantiles(error: Array, level: int) -> tuple[Array, Array]:
    """Return the bounds within which `level` percent of the errors lie, for each step.

    Parameters
    ----------
    error : ndarray, (origins, horizon)
        Actual minus forecast.
    level : int
        Percent.

    Returns
    -------
    low, high : ndarray, (horizon,)
        low <= 0 <= high: an interval never leaves out the forecast itself.
    """
    outside = (1.0 - level / 100.0) / 2.0
    low, high = np.quantile(error, [outside, 1.0 - outside], axis=0)
    return np.minimum(low, 0.0), np.maximum(high, 0.0)
