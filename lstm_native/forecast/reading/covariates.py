"""Covariates as numbers: columns of a table, indicators of their texts, values of a series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.reading.numerals import Numerals, is_numeric, numbers
from lstm_native.forecast.reading.table import Array, Codes, Column, Table
from lstm_native.forecast.reading.text import counted, listed, shown

_MOST_TEXTS = 30


def kinds_of(columns: Sequence[Column], numerals: Numerals) -> list[str] | None:
    """Return the different texts of columns that hold no numbers, None where they do."""
    if any(column.stamps is not None for column in columns):
        return None
    texts = [c for c in columns if c.cells is not None and not is_numeric(c, numerals.missing)]
    known = {cell for c in texts for cell in c.cells or () if cell.lower() not in numerals.missing}
    return sorted(known) if known and len(texts) == len(columns) else None


def matrix(
    table: Table, columns: Sequence[Column], kinds: Sequence[list[str] | None], numerals: Numerals
) -> Array:
    """Return the covariates of each row: a column of numbers, or an indicator for each text.

    Raises
    ------
    DataError
        A cell is no number, or a column has more than 30 different texts.
    """
    found: list[Array] = []
    for column, texts in zip(columns, kinds, strict=True):
        if texts is None:
            found.append(numbers(table, column, numerals))
            continue
        if len(texts) > _MOST_TEXTS:
            raise DataError(
                f"{table.source}: covariate {shown(column.name)} has {len(texts):,} different "
                f"texts ({listed(texts, most=3)}); expected numbers, or at most {_MOST_TEXTS} texts"
            )
        labels = column.labels()
        missing = column.is_empty()
        unknown = ~missing & ~np.isin(labels, texts)
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            raise DataError(
                f"{table.where(row)}: covariate {shown(column.name)} is {shown(labels[row])}, "
                f"which the first table never has ({listed(texts)})"
            )
        for text in texts:
            found.append(np.where(missing, np.nan, (labels == text).astype(np.float64)))
    return np.column_stack(found) if found else np.empty((table.rows, 0))


def matrix_names(columns: Sequence[Column], kinds: Sequence[list[str] | None]) -> list[str]:
    """Return the names of the columns of `matrix`."""
    names: list[str] = []
    for column, texts in zip(columns, kinds, strict=True):
        names += [column.name] if texts is None else [f"{column.name}={text}" for text in texts]
    return names


def once_for_each(
    table: Table, values: Array, names: Sequence[str], series: Codes, count: int
) -> Array:
    """Return the static covariates of each series, (series, covariates).

    Raises
    ------
    DataError
        A covariate changes within a series, or is missing for one.
    """
    found = np.full((count, values.shape[1]), np.nan)
    for column in range(values.shape[1]):
        known = np.flatnonzero(~np.isnan(values[:, column]))
        found[series[known[::-1]], column] = values[known[::-1], column]
        differ = known[values[known, column] != found[series[known], column]]
        if differ.size:
            row = int(differ[0])
            raise DataError(
                f"{table.where(row)}: expected {shown(names[column])} to be the same in all rows "
                f"of a series, got {values[row, column]:g} after {found[series[row], column]:g}; "
                "is it a past or future covariate?"
            )
    return found


def require_future(panel: Panel, horizon: int) -> None:
    """Check that the future covariates reach as far as a forecast.

    Raises
    ------
    DataError
        They end too early in a series, or one is missing; the message names the first stamp.
    """
    if not panel.future_names:
        return
    for series in panel.series:
        rows = len(series)
        ahead = len(series.future) - rows
        span = series.future[rows : rows + horizon]
        missing = np.argwhere(np.isnan(span))
        if ahead >= horizon and not len(missing):
            continue
        step = int(missing[0][0]) if len(missing) else ahead
        stamp = panel.frequency.after(series.stamps, step + 1)[-1]
        which = panel.future_names[int(missing[0][1])] if len(missing) else panel.future_names[0]
        if step:
            how = f"({counted(step, 'row')} beyond); add rows with the covariates and no value, or "
            how += f"forecast {counted(step, 'row')} only"
        else:
            how = "just after it; add rows with the covariates and no value, give them in a table "
            how += "of their own (future=, --future-file), or take them as past"
        raise DataError(
            f"{panel.source}: a horizon of {counted(horizon, 'row')} needs the future covariates "
            f"as far beyond the last value, but {shown(which)} of series {shown(series.name)} is "
            f"not known at {stamp} {how}"
        )
