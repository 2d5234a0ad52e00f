"""A table as a panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Frequency, Panel
from lstm_native.forecast.reading import covariates, holiday_columns, roles, rows
from lstm_native.forecast.reading.assemble import assembled
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.clocks import with_zone
from lstm_native.forecast.reading.contents import ids_of, numerals_of, values_of
from lstm_native.forecast.reading.future_table import FutureTable, Known
from lstm_native.forecast.reading.grid import Grid
from lstm_native.forecast.reading.names import Names
from lstm_native.forecast.reading.placing import placed, spacing_of, zone_of
from lstm_native.forecast.reading.reshape import unpivoted
from lstm_native.forecast.reading.rows import Rows
from lstm_native.forecast.reading.spacing import Spacing
from lstm_native.forecast.reading.stamps import Stamps, read_stamps
from lstm_native.forecast.reading.static_table import static_of
from lstm_native.forecast.reading.table import Codes, Table


def panel_of(table: Table, choices: Choices, future: Table | None, static: Table | None) -> Panel:
    """Return the series of a table.

    Parameters
    ----------
    table : Table
        With the values.
    choices : Choices
    future, static : Table, optional
        Of covariates.

    Raises
    ------
    DataError
        As `read_table` says.
    """
    table = unpivoted(table, choices)
    which = roles.assign(table, choices)
    of_numbers = (*which.column, *which.past, *which.future, *which.static)
    numerals = numerals_of(table, of_numbers, choices)
    ids, codes = ids_of(table, which.id)
    past = [table.columns[index] for index in which.past]
    kinds = [covariates.kinds_of([column], numerals) for column in past]
    beside = [table.columns[index] for index in which.future]
    id_names = [table.columns[index].name for index in which.id]
    ahead = None if future is None else FutureTable.of(future, id_names, choices)
    known = Known.of(beside, numerals, ahead)
    given = Rows(
        codes,
        np.zeros(table.rows, dtype=np.int64),
        values_of(table, which.column, numerals),
        covariates.matrix(table, past, kinds, numerals),
        known.matrix(table, beside, numerals),
    )
    fixed, static_names = static_of(table, which, static, ids, codes, numerals, choices)
    names = Names(
        ids=ids,
        targets=[table.columns[index].name for index in which.column],
        past=covariates.matrix_names(past, kinds),
        future=known.names,
        static=static_names,
        has_id=bool(which.id),
    )
    if not which.time:
        if choices.holidays is not None or future is not None or choices.frequency is not None:
            raise DataError(
                f"{table.source} has no time stamps, which holidays, a frequency and a table of "
                "future covariates need; name their column"
            )
        if len(table.columns) > 1 and not choices.no_time:
            table.notes.append("there are no time stamps: rows are counted from 1")
        spacing = Spacing(Grid("number", 1, 1))
        frequency = _frequency(spacing, None, choices)
        return assembled(
            table, _counted(given, codes), spacing, None, frequency, names, fixed, choices
        )
    stamps = read_stamps(table, roles.joined_stamps(table, which.time), choices)
    stamps = with_zone(stamps, codes, table, choices)
    table.notes += stamps.notes
    spacing = spacing_of(table, stamps, codes, choices)
    given = placed(table, given, stamps, spacing, names, choices)
    if ahead is not None:
        widths = (len(names.targets), len(names.past))
        later = ahead.rows(known, ids, stamps, spacing, widths, choices)
        given = rows.joined(given, later, ids, names.future, table.source)
    if choices.holidays is not None:
        holiday_columns.check(choices.holidays, spacing, table.source)
    frequency = _frequency(spacing, stamps, choices)
    return assembled(table, given, spacing, zone_of(stamps), frequency, names, fixed, choices)


def _counted(given: Rows, codes: Codes) -> Rows:
    """Return rows that have no stamps at places that count those of each series."""
    order = np.argsort(codes, kind="stable")
    series = codes[order]
    starts = np.searchsorted(series, series)
    return replace(given.take(order), places=np.arange(len(codes)) - starts)


def _frequency(spacing: Spacing, stamps: Stamps | None, choices: Choices) -> Frequency:
    if stamps is None:
        frequency = Frequency(None)
    elif stamps.numbers is not None:
        first, last = float(stamps.numbers.min()), float(stamps.numbers.max())
        frequency = spacing.grid.frequency(first=first, last=last)
    else:
        frequency = spacing.grid.frequency()
    return frequency if choices.season is None else replace(frequency, seasons=choices.season)
