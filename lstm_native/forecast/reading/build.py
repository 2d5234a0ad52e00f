"""A table as a panel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Frequency, Panel, Series
from lstm_native.forecast.reading import covariates, holiday_columns, roles, rows, spacing
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.clocks import with_zone
from lstm_native.forecast.reading.grid import Grid
from lstm_native.forecast.reading.numerals import Numerals, decide_decimal, is_numeric, numbers
from lstm_native.forecast.reading.roles import Roles
from lstm_native.forecast.reading.rows import Rows
from lstm_native.forecast.reading.spacing import Spacing
from lstm_native.forecast.reading.stamps import Stamps, read_stamps
from lstm_native.forecast.reading.table import Array, Codes, Column, Table
from lstm_native.forecast.reading.text import counted, listed, shown

# A grid with so many more places than rows comes of a stamp that is far off.
_MOST_PLACES = 50


@dataclass(frozen=True, eq=False)
class Names:
    """What the series and covariates are called."""

    ids: list[str]
    targets: list[str]
    past: list[str]
    future: list[str]
    static: list[str]
    has_id: bool

    def of(self, series: int, target: int) -> str:
        """Return the name of a target of an id."""
        if len(self.targets) == 1:
            return self.ids[series] if self.has_id else self.targets[0]
        return f"{self.ids[series]}/{self.targets[target]}" if self.has_id else self.targets[target]


def panel_of(table: Table, choices: Choices, future: Table | None, static: Table | None) -> Panel:
    """Return the series of a table.

    Raises
    ------
    DataError
        As `read_table` says.
    """
    if not table.rows:
        raise DataError(f"{table.source} has no rows; expected one for each time")
    which = roles.assign(table, choices)
    numerals = _numerals(table, which, choices)
    ids, codes = _ids(table, which)
    values = _values(table, which, numerals)
    known = [table.columns[index] for index in which.past]
    past_kinds = [covariates.kinds_of([column], numerals) for column in known]
    ahead = [table.columns[index] for index in which.future]
    extra = _future_columns(future, which, choices) if future is not None else []
    if future is not None:
        numerals_there = _numerals(future, None, choices)
    every_name = [column.name for column in ahead]
    every_name += [column.name for column in extra if column.name not in every_name]
    sides = [[c for c in (*ahead, *extra) if c.name == name] for name in every_name]
    kinds = [covariates.kinds_of(side, numerals) for side in sides]

    def future_matrix(columns: list[Column], where: Table, how: Numerals) -> Array:
        blocks = []
        for name, kind in zip(every_name, kinds, strict=True):
            own = [column for column in columns if column.name == name]
            width = 1 if kind is None else len(kind)
            blocks.append(
                covariates.matrix(where, own, [kind], how)
                if own
                else np.full((where.rows, width), np.nan)
            )
        return np.column_stack(blocks) if blocks else np.empty((where.rows, 0))

    names = Names(
        ids,
        [table.columns[index].name for index in which.column],
        covariates.matrix_names(known, past_kinds),
        covariates.matrix_names([side[0] for side in sides], kinds),
        [],
        bool(which.id),
    )
    given = Rows(
        codes,
        np.zeros(table.rows, dtype=np.int64),
        values,
        covariates.matrix(table, known, past_kinds, numerals),
        future_matrix(ahead, table, numerals),
    )
    fixed, static_names = _static(table, which, static, names, codes, numerals, choices)
    names = replace(names, static=static_names)
    if which.time:
        stamps = read_stamps(table, roles.joined_stamps(table, which.time), choices)
        stamps = with_zone(stamps, codes, table, choices)
        table.notes += stamps.notes
        grid = _spacing(table, stamps, codes, choices, which)
        given, zone = _placed(table, given, stamps, grid, names, choices), _zone(stamps)
    else:
        stamps, zone, grid = None, None, Spacing(Grid("number", 1, 1))
        if len(table.columns) > 1:
            table.notes.append(f"{table.source} has no time stamps: its rows are counted from 1")
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(ids)))
        places = np.empty(table.rows, dtype=np.int64)
        places[order] = np.arange(table.rows) - starts[codes[order]]
        given = replace(given, places=places).take(order)
    if future is not None:
        if stamps is None:
            raise DataError(f"{future.source}: a table of future covariates needs time stamps")
        later = _future_rows(
            future, extra, which, names, stamps, grid, choices, future_matrix, numerals_there
        )
        given = rows.joined(given, later, names.ids, names.future, table.source)
    frequency = _frequency(grid, stamps, choices)
    if choices.holidays is not None:
        if stamps is None:
            raise DataError(f"{table.source}: holidays need time stamps, and none were found")
        holiday_columns.check(choices.holidays, grid, table.source)
    return _assembled(table, given, grid, zone, frequency, names, fixed, choices)


def _numerals(table: Table, which: Roles | None, choices: Choices) -> Numerals:
    indices = range(len(table.columns)) if which is None else (
        *which.column, *which.past, *which.future, *which.static
    )  # fmt: skip
    texts = [table.columns[index] for index in indices if table.columns[index].cells is not None]
    numeric = [column for column in texts if is_numeric(column)]
    return Numerals.of(decide_decimal(table, numeric, choices.decimal), choices.missing)


def _ids(table: Table, which: Roles) -> tuple[list[str], Codes]:
    """Return the names of the series, in the order of their first rows, and each row's index."""
    if not which.id:
        return [""], np.zeros(table.rows, dtype=np.intp)
    import pandas as pd

    columns = [table.columns[index] for index in which.id]
    for column in columns:
        empty = np.flatnonzero(column.is_empty())
        if column.cells is not None:  # "-" or "NA" may well be a name
            empty = np.flatnonzero(np.array([not cell for cell in column.cells])[column.codes])
        if empty.size:
            raise DataError(
                f"{table.where(empty[0])}: expected the series' id in column {shown(column.name)}, "
                f"got none ({counted(int(empty.size), 'such row')})"
            )
    labels = columns[0].labels()
    for column in columns[1:]:
        labels = labels + "/" + column.labels()
    codes, names = pd.factorize(labels)
    return [str(name) for name in names], np.asarray(codes, dtype=np.intp)


def _values(table: Table, which: Roles, numerals: Numerals) -> Array:
    values = np.column_stack(
        [numbers(table, table.columns[index], numerals) for index in which.column]
    )
    for index, column in zip(which.column, values.T, strict=True):
        suspect = _sentinel(column)
        if suspect is not None:
            table.notes.append(
                f"{table.columns[index].name} is {suspect[0]:g} in {counted(suspect[1], 'row')} and "
                "nowhere else below 0; if that stands for missing values, name it as missing"
            )
    return values


def _sentinel(values: Array) -> tuple[float, int] | None:
    """Return a negative value that stands out as a code for missing ones, and how often."""
    low = values[values < 0]
    if (
        low.size < 2
        or (low != low[0]).any()
        or low[0] not in (-1, -9, -99, -200, -999, -9999, -99999)
    ):
        return None
    return float(low[0]), int(low.size)


def _future_columns(future: Table, which: Roles, choices: Choices) -> list[Column]:
    """Return the columns of covariates of a table of them: all but ids and stamps."""
    return [column for column in future.columns if column.name not in _keys(future, choices)]


def _keys(table: Table, choices: Choices) -> set[str]:
    keys = {"unique_id", *choices.id, *choices.time}
    guessed = roles.time_of(table)
    return keys | {table.columns[index].name for index in guessed if not choices.time}


def _static(
    table: Table,
    which: Roles,
    static: Table | None,
    names: Names,
    codes: Codes,
    numerals: Numerals,
    choices: Choices,
) -> tuple[Array, list[str]]:
    """Return the static covariates, (ids, covariates), and their names."""
    columns = [table.columns[index] for index in which.static]
    kinds = [covariates.kinds_of([column], numerals) for column in columns]
    found = covariates.matrix_names(columns, kinds)
    values = covariates.matrix(table, columns, kinds, numerals)
    fixed = covariates.once_for_each(table, values, found, codes, len(names.ids))
    if static is None:
        return _complete(fixed, found, names, table.source)
    id_name = table.columns[which.id[0]].name if which.id else None
    if id_name is None or len(which.id) > 1 or id_name not in static.names():
        wanted = shown(id_name or "unique_id")
        raise DataError(
            f"{static.source}: static covariates are found by the series' id, and need a column "
            f"{wanted} as the table of values has one; it has {listed(static.names())}"
        )
    there = _numerals(static, None, choices)
    labels = static.columns[static.names().index(id_name)].labels()
    place = {name: index for index, name in enumerate(names.ids)}
    rows_known = np.flatnonzero([label in place for label in labels])
    own = static.take(rows_known)
    series = np.array([place[label] for label in labels[rows_known]], dtype=np.intp)
    columns = [column for column in own.columns if column.name != id_name]
    kinds = [covariates.kinds_of([column], there) for column in columns]
    more = covariates.matrix_names(columns, kinds)
    values = covariates.matrix(own, columns, kinds, there)
    other = covariates.once_for_each(own, values, more, series, len(names.ids))
    return _complete(np.column_stack([fixed, other]), found + more, names, static.source)


def _complete(
    values: Array, names: list[str], series: Names, source: str
) -> tuple[Array, list[str]]:
    missing = np.argwhere(np.isnan(values))
    if len(missing):
        row, column = missing[0]
        raise DataError(
            f"{source}: the static covariate {shown(names[column])} of series "
            f"{shown(series.ids[row])} is missing; fill it in, or leave the covariate out"
        )
    return values, names


def _spacing(table: Table, stamps: Stamps, codes: Codes, choices: Choices, which: Roles) -> Spacing:
    if choices.frequency is not None:
        return spacing.asked(choices.frequency, stamps)
    found = spacing.found(stamps, codes)
    if found is not None:
        return found
    row = spacing.uneven_row(stamps, codes)
    zone = stamps.index is not None and stamps.index.tz is not None
    raise DataError(
        f"{table.where(row[1])}: the time stamps are unevenly spaced (from {shown(stamps.texts[row[0]])} "
        f"to {shown(stamps.texts[row[1]])}, usually {spacing.usual(stamps, codes)}); choose a "
        "frequency, such as daily or 15min, and aggregate sum, mean or last for rows that share one"
        + ("; or name the time zone, if the clock was changed" if zone else "")
    )


def _zone(stamps: Stamps) -> Any:
    return None if stamps.index is None else stamps.index.tz


def _placed(
    table: Table, given: Rows, stamps: Stamps, grid: Spacing, names: Names, choices: Choices
) -> Rows:
    """Return the rows at their places, each once and oldest first."""
    order = stamps.numbers if stamps.numbers is not None else np.asarray(stamps.index.asi8)  # type: ignore[union-attr]
    places = grid.grid.places(stamps.numbers if stamps.numbers is not None else stamps.index)
    given = replace(given, places=places)
    table.notes += rows.order_notes(given, names.ids, order)
    own = [name or names.targets[0] for name in names.ids]
    hint = "" if names.has_id else _id_hint(table, choices)
    if stamps.unit == "time" and _zone(stamps) is None:
        hint += ", or name the time zone if its clock was set back"
    found, notes = rows.once(given, table, stamps.texts, order, choices.aggregate, own, hint)
    table.notes += notes
    if grid.loose and grid.grid.unit != "number":
        _note_moved(table, stamps, grid, places)
    return found


def _id_hint(table: Table, choices: Choices) -> str:
    time = [i for i, column in enumerate(table.columns) if column.name in choices.time]
    fitting = roles.candidates(table, time or roles.time_of(table), {})
    names = f" such as {listed(table.columns[i].name for i in fitting)}" if fitting else ""
    return f", or name the column of ids{names} if the rows belong to several series"


def _note_moved(table: Table, stamps: Stamps, grid: Spacing, places: NDArray[np.int64]) -> None:
    """Note that rows got the stamps of the grid."""
    index = grid.index(places, _zone(stamps))
    moved = np.flatnonzero(np.asarray(index != stamps.index))
    if moved.size:
        row = int(moved[0])
        table.notes.append(
            f"each row stands for its span of the calendar: {shown(stamps.texts[row])} is written "
            f"{index[row]}, for example"
        )


def _future_rows(
    future: Table,
    extra: list[Column],
    which: Roles,
    names: Names,
    stamps: Stamps,
    grid: Spacing,
    choices: Choices,
    future_matrix: Any,
    numerals: Numerals,
) -> Rows:
    """Return the rows of a table of future covariates; without ids they are those of all series."""
    time = (
        future.find_all(choices.time, what="time") if choices.time else list(roles.time_of(future))
    )
    if not time:
        raise DataError(f"{future.source} has no time stamps; it has {listed(future.names())}")
    dayfirst = choices.dayfirst if choices.dayfirst is not None else stamps.dayfirst
    there = read_stamps(
        future, roles.joined_stamps(future, time), replace(choices, dayfirst=dayfirst)
    )
    ids = [
        index
        for index, column in enumerate(future.columns)
        if column.name in ("unique_id", *choices.id)
    ]
    keep = np.arange(future.rows)
    if ids:
        labels = future.columns[ids[0]].labels()
        for index in ids[1:]:
            labels = labels + "/" + future.columns[index].labels()
        place = {name: number for number, name in enumerate(names.ids)}
        keep = np.flatnonzero([label in place for label in labels])
        codes = np.array([place[label] for label in labels[keep]], dtype=np.intp)
    else:
        codes = np.zeros(future.rows, dtype=np.intp)
    there = (
        with_zone(there, codes if ids else codes, future, choices)
        if len(codes) == future.rows
        else there
    )
    if (there.numbers is None) != (stamps.numbers is None):
        raise DataError(
            f"{future.source}: the time stamps ({shown(there.texts[0])}) are of another kind than "
            f"those beside the values ({shown(stamps.texts[0])})"
        )
    values = there.numbers if there.numbers is not None else there.index
    places = grid.grid.places(values)
    matrix = future_matrix(extra, future, numerals)
    nothing = np.full((future.rows, len(names.targets)), np.nan)
    past = np.full((future.rows, len(names.past)), np.nan)
    whole = Rows(np.zeros(future.rows, dtype=np.intp), places, nothing, past, matrix).take(keep)
    whole = replace(whole, series=codes)
    kept = future.take(keep)
    found, notes = rows.once(
        whole, kept, there.texts[keep], np.arange(len(keep)), choices.aggregate, names.ids, ""
    )
    future.notes += notes
    if ids or len(names.ids) == 1:
        return found
    count = len(names.ids)
    again = found.take(np.tile(np.arange(len(found.places)), count))
    return replace(again, series=np.repeat(np.arange(count), len(found.places)))


def _frequency(grid: Spacing, stamps: Stamps | None, choices: Choices) -> Frequency:
    if stamps is None:
        frequency = Frequency(None)
    elif stamps.numbers is not None:
        frequency = grid.grid.frequency(
            first=float(stamps.numbers.min()), last=float(stamps.numbers.max())
        )
    else:
        frequency = grid.grid.frequency()
    return replace(frequency, seasons=choices.season) if choices.season is not None else frequency


def _assembled(
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
        f"{table.source}: {counted(int(jumps[widest]) - 1, 'row')} are missing between {before} and "
        f"{after}, more than {_MOST_PLACES} times the rows there are; is a stamp wrong? If not, "
        "choose a longer frequency, with aggregate"
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
            f"{counted(early, 'row')} at the end without a value: a forecast begins after the last value"
        )
    if empty:
        notes.append(
            f"{counted(len(empty), 'series', 'series')} without any value: {listed(empty)} left out"
        )
    return notes
