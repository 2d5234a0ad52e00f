"""Tables with times in their header, turned into a row for each time."""

from __future__ import annotations

import re

import numpy as np

from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.notations import MONTHS, NOTATIONS, fits
from lstm_native.forecast.reading.numerals import is_numeric
from lstm_native.forecast.reading.table import Column, Table
from lstm_native.forecast.reading.text import listed, shown

_LEAST = 3  # columns that are called like times


def unpivoted(table: Table, choices: Choices) -> Table:
    """Return a table whose header holds times with a row for each of them, any other as it is.

    Two layouts are known: a row for each series and a column for each time (as the World Bank's
    tables), and a row for each year and a column for each month. A table whose columns are named
    by the user stays as it is.
    """
    if not table.named or choices.time or choices.column or choices.past or choices.future:
        return table
    names = table.names()
    months = [index for index, name in enumerate(names) if name.lower().rstrip(".") in MONTHS]
    numbers = {MONTHS[names[index].lower().rstrip(".")] for index in months}
    years = [i for i, c in enumerate(table.columns) if c.name.lower() in ("year", "yr", "jahr")]
    if len(months) == len(numbers) == 12 and years:
        year = table.columns[years[0]].labels()
        stamps = [
            np.array(
                [f"{y.removesuffix('.0')}-{MONTHS[names[i].lower().rstrip('.')]:02d}" for y in year]
            )
            for i in months
        ]
        table.notes.append(
            f"a column for each month, a row for each {shown(names[years[0]])}: one monthly series"
        )
        return _melted(table, months, years, stamps, [])
    stamps_at = _times(table)
    others = [index for index in range(len(names)) if index not in stamps_at]
    if len(stamps_at) < _LEAST:
        return table
    ids = table.find_all(choices.id, what="id") if choices.id else _id(table, others)
    if table.rows > 1 and not ids:
        return table
    texts = [np.full(table.rows, names[index], dtype=object) for index in stamps_at]
    first, last = names[stamps_at[0]], names[stamps_at[-1]]
    table.notes.append(
        f"the header holds times ({shown(first)} to {shown(last)}): a row is a series"
    )
    left = [names[index] for index in others if index not in ids]
    if left:
        table.notes.append(f"not used: {listed(left)}")
    return _melted(table, stamps_at, others, texts, ids)


def _times(table: Table) -> list[int]:
    """Return the columns that are called like times in one notation."""
    best: list[int] = []
    for notation in NOTATIONS:
        found = [
            index
            for index, column in enumerate(table.columns)
            if fits(notation, re.sub(r"^[XY](?=[12]\d{3}$)", "", column.name)) is not None
        ]
        best = max(best, found, key=len)
    known = [i for i in best if is_numeric(table.columns[i]) or table.columns[i].is_empty().all()]
    return best if len(known) == len(best) else []


def _id(table: Table, others: list[int]) -> list[int]:
    """Return the first column of texts, or else any, that is different in each row."""
    for numeric in (False, True):
        for index in others:
            column = table.columns[index]
            if is_numeric(column) is numeric and len(set(column.labels())) == table.rows:
                return [index]
    return []


def _melted(
    table: Table,
    values: list[int],
    others: list[int],
    stamps: list[np.typing.NDArray[np.object_]],
    ids: list[int],
) -> Table:
    count = len(values)
    rows = np.repeat(np.arange(table.rows), count)
    columns = [table.columns[index].take(rows) for index in ids]
    columns = [
        Column("unique_id" if len(ids) == 1 else c.name, c.cells, c.codes, c.numbers)
        for c in columns
    ]
    columns.append(Column.of_text("ds", np.stack(stamps, axis=1).ravel()))
    chosen = [table.columns[index] for index in values]
    if all(column.numbers is not None for column in chosen):
        numbers = np.stack([c.numbers for c in chosen if c.numbers is not None], axis=1).ravel()
        columns.append(Column("y", numbers=numbers))
    else:
        columns.append(Column.of_text("y", np.stack([c.labels() for c in chosen], axis=1).ravel()))
    lines = None if table.lines is None else table.lines[rows]
    return Table(table.source, columns, len(rows), lines, True, table.delimiter, table.notes)
