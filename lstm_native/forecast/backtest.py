"""How wrong forecasts were from held-out origins: scores, by step and by series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.origins import Origins
from lstm_native.forecast.rows import scale_of

Array = NDArray[np.float64]

#: Coverage of the intervals, in percent, unless others are asked for.
LEVELS = (80, 95)


@dataclass(frozen=True)
class Score:
    """How far forecasts were from what came; missing values are left out.

    Attributes
    ----------
    mae, rmse : float
        Mean absolute and root mean square error over all origins and steps, in the unit of the
        series.
    mase : float or None
        The absolute error divided by the mean absolute change from row to row in the training part
        (Hyndman & Koehler 2006), as a mean over series; None where no training part ever changes.
    smape : float
        200 |error| / (|forecast| + |actual|), as a mean over values and then over series; 0 where
        both are 0.
    mae_by_step : tuple of float
        The mean absolute error of each step of the horizon; NaN for steps that no series was long
        enough to see.
    coverage : dict of int to float
        Percent of an interval -> the share of values that lay in it; empty for methods without.
    count : int
        How many values were compared.
    """

    mae: float
    rmse: float
    mase: float | None
    smape: float
    mae_by_step: tuple[float, ...]
    coverage: dict[int, float] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True)
class MethodResult:
    """What a method did in the back-test.

    Attributes
    ----------
    name : str
    score : Score
        Over all series.
    by_series : dict of str to Score
        Of each series that had an origin.
    """

    name: str
    score: Score
    by_series: dict[str, Score]


@dataclass(frozen=True)
class BackTest:
    """What the held-out parts have shown.

    Attributes
    ----------
    methods : tuple of MethodResult
        The one whose forecast is given first.
    best : str
        The name of the one with the smallest error.
    origins : dict of str to tuple of str
        The first stamp foreseen by each forecast of each series.
    horizon : int
    text : str
        One sentence that says which is best on this data, and by how much.
    """

    methods: tuple[MethodResult, ...]
    best: str
    origins: dict[str, tuple[str, ...]]
    horizon: int
    text: str

    def __getitem__(self, name: str) -> MethodResult:
        """Return a method's result."""
        return next(method for method in self.methods if method.name == name)


def judge(
    name: str,
    forecast: Array,
    origins: Origins,
    bounds: Mapping[int, tuple[Array, Array]] | None = None,
) -> MethodResult:
    """Compare forecasts with what came.

    Parameters
    ----------
    forecast : ndarray, (cuts, horizon)
    bounds : dict of int to (ndarray, ndarray), optional
        Percent of coverage -> lower and upper bounds, (cuts, horizon) each.
    """
    scales = [scale_of(series.values) for series in origins.training.series]
    by_series = {}
    for index in np.unique(origins.owner).tolist():
        mine = np.flatnonzero(origins.owner == index)
        inside = {level: (low[mine], high[mine]) for level, (low, high) in (bounds or {}).items()}
        by_series[origins.names[index]] = score(
            forecast[mine], origins.actual[mine], scale=scales[index], bounds=inside
        )
    total = score(forecast, origins.actual, scale=0.0, bounds=bounds)
    mases = [one.mase for one in by_series.values() if one.mase is not None]
    smapes = [one.smape for one in by_series.values()]
    overall = Score(
        total.mae,
        total.rmse,
        float(np.mean(mases)) if mases else None,
        float(np.mean(smapes)) if smapes else float("nan"),
        total.mae_by_step,
        total.coverage,
        total.count,
    )
    return MethodResult(name, overall, by_series)


def score(
    forecast: Array,
    actual: Array,
    *,
    scale: float,
    bounds: Mapping[int, tuple[Array, Array]] | None = None,
) -> Score:
    """Compare one series' forecasts (origins, horizon) with what came (origins, horizon).

    Parameters
    ----------
    scale : float
        What MASE divides by, the mean change from row to row before the first origin; 0 for none.
    """
    known = np.isfinite(actual)
    count = int(known.sum())
    if count == 0:
        nothing = float("nan")
        return Score(nothing, nothing, None, nothing, (nothing,) * actual.shape[1])
    error = np.where(known, np.abs(forecast - actual), 0.0)
    size = np.where(known, np.abs(forecast) + np.abs(actual), 0.0)
    relative = np.divide(200.0 * error, size, out=np.zeros_like(error), where=size > 0.0)
    seen = known.sum(axis=0)
    by_step = np.where(seen > 0, error.sum(axis=0) / np.maximum(seen, 1), np.nan)
    mae = float(error.sum() / count)
    return Score(
        mae=mae,
        rmse=_root_mean_square(error, count),
        mase=mae / scale if scale > 0.0 else None,
        smape=float(relative.sum() / count),
        mae_by_step=tuple(by_step.tolist()),
        coverage={
            level: float(((low <= actual) & (actual <= high) & known).sum() / count)
            for level, (low, high) in (bounds or {}).items()
        },
        count=count,
    )


def errors_by_series(forecast: Array, origins: Origins) -> Array:
    """Return the mean absolute error of each series: (series,).

    Rows of the forecasts (cuts, horizon) that are NaN are left out; NaN for a series of which
    nothing is compared.
    """
    known = np.isfinite(origins.actual) & np.isfinite(forecast)
    error = np.where(known, np.abs(forecast - origins.actual), 0.0).sum(axis=1)
    series = len(origins.names)
    total = np.bincount(origins.owner, weights=error, minlength=series)
    count = np.bincount(origins.owner, weights=known.sum(axis=1), minlength=series)
    mean: Array = np.divide(total, count, out=np.full(series, np.nan), where=count > 0)
    return mean


def _root_mean_square(error: Array, count: int) -> float:
    largest = float(error.max())  # squares of 1e200 are beyond numbers
    return largest * float(np.sqrt(np.square(error / (largest or 1.0)).sum() / count))
