"""Which past rows, seasons and covariates moved a forecast.

The method is occlusion (Zeiler & Fergus 2014): one thing at a time is hidden from the model, it
forecasts again, and the difference is that thing's effect. Any method can be asked, for nothing but
forecasts is needed of it.

What it cannot say: effects are those on the model's answer, and no causes in the world. They do not
add up to the forecast, for things that say the same stand in for each other: of two covariates that
move together each may seem to matter little, and hiding both would show more. A block's effect
depends on what stands in its place, and on where the blocks begin.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from lstm_native.forecast.panel import Panel, Series

Array = NDArray[np.float64]
Predict = Callable[["Panel", int], Array]

#: What may stand in the place of hidden rows.
REPLACEMENTS = ("expected", "missing")

_BLOCKS = 12  # by default the rows looked at are so many blocks


@dataclass(frozen=True, eq=False)
class _Hidden:
    """A panel with one thing hidden.

    Attributes
    ----------
    kind, name : str
    panel : Panel
    spans : list of (int, int) or None
        For blocks of rows: each series' first row and the one after the last; empty where the
        series has no such rows.
    touched : list of bool
        Whether anything of the series was hidden.
    """

    kind: str
    name: str
    panel: Panel
    spans: list[tuple[int, int]] | None
    touched: list[bool]


def explain(
    panel: Panel,
    horizon: int,
    predict: Predict,
    *,
    rows: int | None = None,
    blocks: int = _BLOCKS,
    replace: str = "expected",
) -> pd.DataFrame:
    """Return what moved the forecast, and how far.

    Parameters
    ----------
    panel : Panel
    horizon : int
    predict : callable
        (panel, horizon) -> points (series, horizon), or quantiles (series, horizon, levels), of
        which the middle one is taken. It is called once for the forecast itself, and once for each
        thing hidden, with all series each time.
    rows : int, optional
        How many of the last rows are looked at; by default three horizons, two of the longest
        season that fits the longest series twice, or 24, whichever is most.
    blocks : int
        The rows looked at are hidden in so many blocks of equal length, one at a time.
    replace : str
        What stands in the place of a block: "expected", what a seasonal naive forecast says (the
        same rows a season before; after, if there are none before; without a season a line between
        the block's neighbours), or "missing", nothing.

    Returns
    -------
    DataFrame
        A row for each thing hidden and each series: unique_id; kind ("step", "season",
        "covariate"); name (the block's stamps, the season's rows, the covariate's name); ds and
        until, the block's first and last stamp (missing for other kinds); effect, the mean over
        the steps of the forecast as it is minus the forecast without that thing; share, of the
        series' absolute effects; and effect_1, effect_2, ..., for each step. The largest share
        first. Effects have the unit of the series.

    Raises
    ------
    ValueError
        `rows`, `blocks` or `horizon` is below 1, or `replace` is unknown.
    DataError
        The forecasts have another shape than (series, horizon).
    """
    for name, value in (("rows", rows), ("blocks", blocks), ("horizon", horizon)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if replace not in REPLACEMENTS:
        raise ValueError(f"replace must be one of {', '.join(REPLACEMENTS)}, got '{replace}'")
    whole = _points(predict, panel, horizon)
    parts = [
        _effects(panel, whole - _points(predict, hidden.panel, horizon), hidden)
        for hidden in _variants(panel, rows or _rows(panel, horizon), blocks, replace)
    ]
    return _sorted(panel, horizon, [row for part in parts for row in part])


def _points(predict: Predict, panel: Panel, horizon: int) -> Array:
    found = np.asarray(predict(panel, horizon), dtype=np.float64)
    if found.ndim == 3:
        found = found[:, :, found.shape[2] // 2]
    wanted = (len(panel.series), horizon)
    if found.shape != wanted:
        raise DataError(f"expected forecasts of shape {wanted}, got {found.shape}")
    return found


def _rows(panel: Panel, horizon: int) -> int:
    longest = max(len(series) for series in panel.series)
    fitting = [season for season in panel.frequency.seasons if 2 * season <= longest]
    return min(longest, max(3 * horizon, 2 * max(fitting, default=0), 24))


def _variants(panel: Panel, rows: int, blocks: int, replace: str) -> Iterator[_Hidden]:
    """Yield the panel with one thing hidden after another."""
    yield from _without_blocks(panel, rows, blocks, replace)
    for season in panel.frequency.seasons:
        changed = [without_season(series.values, season) for series in panel.series]
        if any(values is not None for values in changed):
            yield _hidden(panel, "season", str(season), "values", changed)
    for field in ("past", "future", "static"):
        names: Sequence[str] = getattr(panel, f"{field}_names")
        for column, name in enumerate(names):
            yield _hidden(panel, "covariate", name, field, _without_covariate(panel, field, column))


def _hidden(
    panel: Panel, kind: str, name: str, field: str, changed: Sequence[Array | None]
) -> _Hidden:
    """Return the panel with another array in each series that has one; None leaves it as it is."""
    replaced: list[Series] = []
    for series, array in zip(panel.series, changed, strict=True):
        change: dict[str, Any] = {} if array is None else {field: array}
        replaced.append(dataclasses.replace(series, **change))
    other = dataclasses.replace(panel, series=tuple(replaced))
    return _Hidden(kind, name, other, None, [array is not None for array in changed])


def _without_blocks(panel: Panel, rows: int, blocks: int, replace: str) -> Iterator[_Hidden]:
    """Yield the panel without one block of rows, counted from the end of each series."""
    edges = np.unique(np.linspace(0, rows, min(blocks, rows) + 1).round().astype(int)).tolist()
    season = min(panel.frequency.seasons, default=None)
    for near, far in itertools.pairwise(edges):
        spans = [(max(len(s) - far, 0), max(len(s) - near, 0)) for s in panel.series]
        changed: list[Array | None] = []
        for series, (first, end) in zip(panel.series, spans, strict=True):
            if np.isfinite(series.values[first:end]).any():
                changed.append(without_rows(series.values, first, end, season, replace))
            else:
                changed.append(None)  # nothing is known there that could be hidden
        if any(array is not None for array in changed):
            made = _hidden(panel, "step", "", "values", changed)
            yield dataclasses.replace(made, spans=spans)


def without_rows(values: Array, first: int, end: int, season: int | None, replace: str) -> Array:
    """Return a copy in which rows are missing, or what their neighbours let expect.

    Rows that were missing stay so.

    Parameters
    ----------
    values : ndarray, (rows,)
    first, end : int
        The rows first, ..., end - 1.
    season : int or None
    replace : str
        "expected" or "missing", as in `explain`.
    """
    left: Array = values.copy()
    left[first:end] = np.nan
    if replace == "missing":
        return left
    known = np.flatnonzero(np.isfinite(left))
    if not known.size:
        return left
    inside = np.arange(first, end)
    expected = np.interp(inside, known, left[known])  # at an end: the nearest value
    if season is not None:
        cycles = np.arange(1, len(values) // season + 1) * season
        for row in inside.tolist():
            away = np.concatenate([row - cycles, row + cycles])  # the past first, near ones first
            away = away[(away >= 0) & (away < len(values))]
            there = away[np.isfinite(left[away])]
            if there.size:
                expected[row - first] = left[there[0]]
    left[first:end] = np.where(np.isfinite(values[first:end]), expected, np.nan)
    return left


def without_season(values: Array, season: int) -> Array | None:
    """Return a series without its seasonal shape, None where it is too short to have one.

    The shape is the mean departure of each of the season's rows from the moving average over one
    season, as in the classical decomposition.
    """
    if season < 2 or len(values) < 2 * season:
        return None
    weights = np.ones(season)
    if season % 2 == 0:
        weights = np.concatenate([[0.5], np.ones(season - 1), [0.5]])  # centred on a row
    known = np.isfinite(values)
    total = np.convolve(np.where(known, values, 0.0), weights, mode="valid")
    count = np.convolve(known.astype(np.float64), weights, mode="valid")
    level = np.divide(total, count, out=np.full(len(total), np.nan), where=count >= season / 2)
    start = len(weights) // 2
    departure = np.full(len(values), np.nan)
    departure[start : start + len(level)] = values[start : start + len(level)] - level
    phase = np.arange(len(values)) % season
    usable = np.isfinite(departure)
    size = np.bincount(phase[usable], minlength=season)
    if not size.all():
        return None
    shape = np.bincount(phase[usable], departure[usable], minlength=season) / size
    return np.asarray(values - (shape - shape.mean())[phase])


def _without_covariate(panel: Panel, field: str, column: int) -> list[Array | None]:
    """Return each series' covariates with the mean in one column: over its rows, or all series."""
    arrays: list[Array] = [getattr(series, field) for series in panel.series]
    columns = [np.atleast_1d(array[..., column]) for array in arrays]
    every = np.concatenate(columns) if field == "static" else None
    changed: list[Array | None] = []
    for array, own in zip(arrays, columns, strict=True):
        pool = own if every is None else every
        known = pool[np.isfinite(pool)]
        if not known.size:
            changed.append(None)
            continue
        other = array.copy()
        other[..., column] = known.mean()
        changed.append(other)
    return changed


def _effects(panel: Panel, difference: Array, hidden: _Hidden) -> list[dict[str, Any]]:
    """Return a row for each series of which something was hidden."""
    from lstm_native.forecast.report.wording import labels

    rows = []
    known: dict[tuple[Any, Any], str] = {}  # many series share their stamps
    for index, series in enumerate(panel.series):
        if not hidden.touched[index]:
            continue
        row = {"unique_id": series.name, "kind": hidden.kind, "name": hidden.name}
        if hidden.spans is not None:
            first, end = hidden.spans[index]
            ends = series.stamps[first], series.stamps[end - 1]
            if ends not in known:
                text = labels(series.stamps[[first, end - 1]], panel.frequency)
                known[ends] = " to ".join(dict.fromkeys(text))
            row |= {"ds": ends[0], "until": ends[1], "name": known[ends]}
        rows.append({**row, "effects": difference[index]})
    return rows


def _sorted(panel: Panel, horizon: int, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows as a frame: series in the panel's order, the largest share first."""
    import pandas as pd

    steps = [f"effect_{step}" for step in range(1, horizon + 1)]
    effects = np.array([row.pop("effects") for row in rows]).reshape(len(rows), horizon)
    frame: pd.DataFrame = pd.DataFrame(rows, columns=["unique_id", "kind", "name", "ds", "until"])
    size = np.abs(effects).mean(axis=1)
    total = pd.Series(size).groupby(frame["unique_id"]).transform("sum").to_numpy(dtype=float)
    frame["effect"] = effects.mean(axis=1)
    frame["share"] = np.divide(size, total, out=np.zeros(len(size)), where=total > 0.0)
    frame = pd.concat([frame, pd.DataFrame(effects, columns=steps)], axis=1)
    places = {series.name: place for place, series in enumerate(panel.series)}
    order = np.lexsort((-size, frame["unique_id"].map(places).to_numpy(dtype=int)))
    ordered: pd.DataFrame = frame.iloc[order].reset_index(drop=True)
    return ordered
