"""Rows at their places as the series of a panel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Frequency, Panel, Series
from lstm_native.forecast.reading import holiday_columns
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.names import Names
from lstm_native.forecast.reading.rows import Rows
from lstm_native.forecast.reading.spacing import Spacing
from lstm_native.forecast.reading.table import Array, Table
from lstm_native.forecast.reading.text import counted, listed

# A grid with so many more places than rows comes of a stamp that is far off.
_MOST_PLACES = 50


def assembled(
    table: Table,
    given: Rows,
    grid: Spacing,
    zone: Any,
    frequency: Frequency,
    names: Names,
    fixed: Array,
    choices: Choices,
) -> Panel:
    """Return the panel of rows that are sorted by series and place."""
    count = len(names.ids)
    starts = np.searchsorted(given.series, np.arange(count + 1))
    spans = [(int(given.places[a]), int(given.places[b - 1]) + 1) for a, b in _pairs(starts)]
    _check_spans(table, given, grid, zone, sum(b - a for a, b in spans))
    lowest = min(first for first, _ in spans)
    country = choices.holidays
    more = holiday_columns.ahead(frequency.seasons, choices.ahead) if country else 0
    highest = max(last for _, last in spans) + more
    index = grid.index(np.arange(lowest, highest), zone)
    calendar = (
        holiday_columns.columns(country, grid, index) if country else np.empty((len(index), 0))
    )
    series: list[Series] = []
    empty: list[str] = []
    gaps = holes = early = 0
    for id_, ((first, last), (a, b)) in enumerate(zip(spans, _pairs(starts), strict=True)):
        at = given.places[a:b] - first
        values, past, future = (
            _dense(matrix[a:b], at, last - first)
            for matrix in (given.values, given.past, given.future)
        )
        present = np.zeros(last - first, dtype=bool)
        present[at] = True
        for target in range(len(names.targets)):
            own = values[:, target]
            known = np.flatnonzero(~np.isnan(own))
            if not known.size:
                empty.append(names.of(id_, target))
                continue
            begin, end = int(known[0]), int(known[-1]) + 1
            gaps += int((~present[begin:end]).sum())
            holes += int(np.isnan(own[begin:end]).sum())
            early += 0 if names.future else int(present[end:].sum())
            window = slice(first + begin - lowest, last + more - lowest)
            with_calendar = future[begin:]
            if country:
                padded = np.full((last - first - begin + more, future.shape[1]), np.nan)
                padded[: len(with_calendar)] = with_calendar
                with_calendar = np.column_stack([padded, calendar[window]])
            series.append(
                Series(
                    names.of(id_, target),
                    index[first + begin - lowest : first + end - lowest],
                    own[begin:end].copy(),
                    past[begin:end],
                    with_calendar,
                    fixed[id_],
                )
            )
    if not series:
        raise DataError(
            f"{table.source}: no value is known in {listed(names.targets)}; expected numbers"
        )
    notes = [*table.notes, *_gap_notes(gaps, holes, early, empty, len(series))]
    return Panel(
        tuple(series),
        frequency,
        target=names.targets[0] if len(names.targets) == 1 else "y",
        past_names=tuple(names.past),
        future_names=(*names.future, *(holiday_columns.names(country, grid) if country else ())),
        static_names=tuple(names.static),
        source=table.source,
        notes=tuple(dict.fromkeys(notes)),
    )


def _pairs(starts: NDArray[np.intp]) -> list[tuple[int, int]]:
    return list(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True))


def _dense(values: Array, at: NDArray[np.int64], rows: int) -> Array:
    """Return rows at their places, NaN between them."""
    found = np.full((rows, values.shape[1]), np.nan)
    found[at] = values
    return found


def _check_spans(table: Table, given: Rows, grid: Spacing, zone: Any, places: int) -> None:
    """Refuse a grid that is nearly empty, for one stamp lies far from the others."""
    if places <= _MOST_PLACES * len(given.places) + 100_000:
        return
    jumps = np.where(np.diff(given.series) == 0, np.diff(given.places), 0)
    widest = int(np.argmax(jumps))
    before, after = grid.index(given.places[[widest, widest + 1]], zone)
    raise DataError(
        f"{table.source}: {counted(int(jumps[widest]) - 1, 'row')} are missing between {before} "
        f"and {after}, more than {_MOST_PLACES} times the rows there are; is a stamp wrong? If "
        "not, choose a longer frequency, with aggregate"
    )


def _gap_notes(gaps: int, holes: int, early: int, empty: list[str], count: int) -> list[str]:
    notes = []
    if holes:
        missing = f"{counted(gaps, 'row')} and {counted(holes - gaps, 'value')}"
        if not gaps or holes == gaps:
            missing = counted(gaps, "row") if gaps else counted(holes, "value")
        where = "" if count == 1 else f" in {count:,} series"
        verb = "is" if holes == 1 else "are"
        notes.append(
            f"{missing} between the first and the last one{where} {verb} missing: left open"
        )
    if early:
        notes.append(
            f"{counted(early, 'row')} without a value at the end: the forecast begins there"
        )
    if empty:
        notes.append(
            f"{counted(len(empty), 'series', 'series')} without any value: {listed(empty)} left out"
        )
    return notes
