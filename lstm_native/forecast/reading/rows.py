"""The rows of a table as series, places on a grid and numbers, each place once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.table import Array, Table
from lstm_native.forecast.reading.text import counted, listed, shown


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of many series, in any order.

    Attributes
    ----------
    series : ndarray, (rows,)
        Index of the series.
    places : ndarray, (rows,)
    values : ndarray, (rows, targets)
    past : ndarray, (rows, past covariates)
    future : ndarray, (rows, future covariates)
    """

    series: NDArray[np.intp]
    places: NDArray[np.int64]
    values: Array
    past: Array
    future: Array

    def take(self, rows: Any) -> Rows:
        """Return some of the rows."""
        return Rows(
            self.series[rows],
            self.places[rows],
            self.values[rows],
            self.past[rows],
            self.future[rows],
        )


def order_notes(rows: Rows, names: list[str], stamps: NDArray[Any]) -> list[str]:
    """Return what is to be said of rows that are not oldest first (`stamps` say how old)."""
    order = np.argsort(rows.series, kind="stable")
    own = np.diff(rows.series[order]) == 0
    down = np.zeros(len(names), dtype=np.int64)
    up = np.zeros(len(names), dtype=np.int64)
    later = stamps[order]
    np.add.at(down, rows.series[order][1:][own & (later[1:] < later[:-1])], 1)
    np.add.at(up, rows.series[order][1:][own & (later[1:] > later[:-1])], 1)
    turned = (down > 0) & (up == 0)
    mixed = (down > 0) & (up > 0)
    notes = []
    if turned.any():
        which = "" if turned.all() else f" in {counted(int(turned.sum()), 'series', 'series')}"
        notes.append(f"the newest row stands first{which}: turned round, oldest first")
    if mixed.any():
        which = "" if len(names) == 1 else f" of {listed(np.array(names)[mixed], most=3)}"
        notes.append(f"the rows{which} are not in the order of time: sorted")
    return notes


def once(
    rows: Rows,
    table: Table,
    texts: NDArray[np.object_],
    order: NDArray[Any],
    aggregate: str | None,
    names: list[str],
    hint: str,
) -> tuple[Rows, list[str]]:
    """Return the rows sorted by series and place, each pair once.

    Parameters
    ----------
    rows : Rows
        As they stand in the table.
    table : Table
        For the lines of a message.
    texts : ndarray, (rows,)
        The stamps as they stand in the table.
    order : ndarray, (rows,)
        What tells which of the rows at one place is the last.
    aggregate : {"sum", "mean", "last"}, optional
    names : list of str
        Of the series.
    hint : str
        What else may mend two rows for one stamp.

    Raises
    ------
    DataError
        Two rows of a series have one place, and nothing is said about it.
    """
    sorting = np.lexsort((order, rows.places, rows.series))
    ordered = rows.take(sorting)
    new = np.ones(len(sorting), dtype=bool)
    new[1:] = (np.diff(ordered.series) != 0) | (np.diff(ordered.places) != 0)
    if new.all():
        return ordered, []
    starts = np.flatnonzero(new)
    if aggregate is None:
        doubles = np.flatnonzero(~new)
        first = doubles[np.argmin(np.maximum(sorting[doubles], sorting[doubles - 1]))]
        a, b = sorted((int(sorting[first - 1]), int(sorting[first])))
        name = names[ordered.series[first]]
        one = (
            f"the stamp {shown(texts[b])}, which {table.where(a).rpartition(', ')[2]} has already"
            if texts[a] == texts[b]
            else f"{shown(texts[b])}, in the same span as {shown(texts[a])} "
            f"({table.where(a).rpartition(', ')[2]})"
        )
        raise DataError(
            f"{table.where(b)}: expected one row for each time of series {shown(name)}, got {one} "
            f"({counted(len(doubles), 'such row')} in all); choose what becomes of them with "
            f"aggregate sum, mean or last{hint}"
        )
    values = _aggregated(ordered.values, starts, aggregate)
    # A sum of prices or temperatures means nothing.
    softer = "last" if aggregate == "last" else "mean"
    found = replace(
        ordered.take(starts),
        values=values,
        past=_aggregated(ordered.past, starts, softer),
        future=_aggregated(ordered.future, starts, softer),
    )
    what = {"sum": "the sum", "mean": "the mean", "last": "the last"}[aggregate]
    notes = [
        f"{counted(len(sorting), 'row')} were made {len(starts):,}: {what} of those at one time"
    ]
    if aggregate == "sum":
        notes += _incomplete(found.series, np.diff(np.append(starts, len(sorting))), names)
    return found, notes


def _incomplete(series: NDArray[np.intp], counts: NDArray[np.intp], names: list[str]) -> list[str]:
    """Return the note about series whose last row adds up fewer rows than is usual."""
    usual = float(np.median(counts))
    last = np.append(np.flatnonzero(np.diff(series)), len(series) - 1)
    short = last[counts[last] < 0.8 * usual]
    if not short.size or len(counts) < 3:
        return []
    return [
        f"the last row of {listed([names[series[row]] for row in short], most=3)} adds up only "
        f"{counted(int(counts[short[0]]), 'row')} where {usual:g} are usual: leave rows of an "
        "unfinished time out"
    ]


def _aggregated(values: Array, starts: NDArray[np.intp], how: str) -> Array:
    """Return the sum, mean or last of the known values of each group of rows."""
    if not values.shape[1]:
        return values[starts]
    known = ~np.isnan(values)
    if how == "last":
        rows = np.where(known, np.arange(len(values))[:, None], -1)
        last = np.maximum.reduceat(rows, starts, axis=0)
        found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
        return np.where(last < starts[:, None], np.nan, found)
    with np.errstate(over="ignore"):
        totals = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    if np.isinf(totals).any():
        raise DataError("the sum of the values at one time is no finite number; scale them first")
    counts = np.add.reduceat(known.astype(np.int64), starts, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, totals if how == "sum" else totals / counts, np.nan)


def joined(
    first: Rows, second: Rows, names: list[str], future_names: list[str], source: str
) -> Rows:
    """Return the rows of a table together with those of a table of future covariates.

    Both hold each place of a series once. Where both have one, their covariates are put together.

    Raises
    ------
    DataError
        They contradict each other.
    """
    every = Rows(
        *(np.concatenate([getattr(first, n), getattr(second, n)]) for n in Rows.__annotations__)
    )
    sorting = np.lexsort((np.arange(len(every.places)), every.places, every.series))
    every = every.take(sorting)
    again = np.flatnonzero((np.diff(every.series) == 0) & (np.diff(every.places) == 0)) + 1
    one, other = every.future[again - 1], every.future[again]
    differ = ~np.isnan(one) & ~np.isnan(other) & (one != other)
    if differ.any():
        row, column = (int(found[0]) for found in np.nonzero(differ))
        raise DataError(
            f"{source}: {shown(future_names[column])} of series "
            f"{shown(names[every.series[again[row]]])} is {other[row, column]:g} in the table of "
            f"future covariates, but {one[row, column]:g} beside the values; make them alike"
        )
    every.future[again - 1] = np.where(np.isnan(one), other, one)
    keep = np.ones(len(every.places), dtype=bool)
    keep[again] = False
    return every.take(keep)
