"""Series of different lengths and with missing values, as arrays that methods can work on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.panel import Panel, Series

Array = NDArray[np.float64]


def last_rows(series: Sequence[Series], rows: int) -> Array:
    """Return the last rows of each series: (series, rows), NaN before its first."""
    table = np.full((len(series), rows), np.nan)
    for line, one in zip(table, series, strict=True):
        known = one.values[-rows:]
        if len(known):
            line[-len(known) :] = known
    return table


def last_known(series: Sequence[Series]) -> Array:
    """Return the last value of each series that is not missing; 0 where all are: (series,)."""
    found = np.zeros(len(series))
    for index, one in enumerate(series):
        known = np.flatnonzero(np.isfinite(one.values))
        if known.size:
            found[index] = one.values[known[-1]]
    return found


def filled(values: Array) -> Array:
    """Return a series without its leading gap, and with lines drawn through the others.

    For methods that know no missing values. A gap at the end keeps the last value. Empty where
    all values are missing.
    """
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0:
        return np.empty(0)
    rows = np.arange(known[0], len(values))
    return np.interp(rows, known, values[known])


def scale_of(values: Array) -> float:
    """Return the mean absolute change between neighbouring known values, 0 if there is none."""
    change = np.abs(np.diff(values))
    change = change[np.isfinite(change)]
    return float(change.mean()) if change.size else 0.0


def cuts_by_name(panel: Panel) -> dict[str, list[int]]:
    """Return the indices of the series of each name, shortest first."""
    found: dict[str, list[int]] = {}
    for index, series in enumerate(panel.series):
        found.setdefault(series.name, []).append(index)
    for cuts in found.values():
        cuts.sort(key=lambda index: len(panel.series[index]))
    return found


def never_negative(values: Array) -> bool:
    """Whether a series looks as if it could not go below zero.

    It has no negative value, and either a zero or whole numbers only: counts, sales, rain.
    """
    known = values[np.isfinite(values)]
    if known.size == 0 or known.min() < 0.0:
        return False
    return bool(known.min() == 0.0 or (known == np.round(known)).all())


def floor_of(values: Array) -> float:
    """Return the least deviation that a forecast's interval may have: greater than 0.

    A thousandth of the mean change; where nothing changes, a ten-thousandth of the level. One value
    alone says nothing of changes: then a tenth of it.
    """
    known = np.abs(values[np.isfinite(values)])
    size = float(known.max()) if known.size else 0.0
    if known.size == 1 and size > 0.0:
        return 0.1 * size
    change = scale_of(values)
    return max(1e-3 * change if change > 0.0 else 1e-4 * size, 1e-9 * size) or 1e-6
