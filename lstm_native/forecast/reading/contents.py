"""The ids and the values of a table's rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.numerals import Numerals, decide_decimal, is_numeric, numbers
from lstm_native.forecast.reading.table import Array, Codes, Table
from lstm_native.forecast.reading.text import counted, shown

# What is written for a missing value where all others are positive.
_CODES = (-1, -9, -99, -200, -999, -9999, -99999)


def numerals_of(table: Table, indices: Sequence[int], choices: Choices) -> Numerals:
    """Return how a table writes the numbers of some columns; errors as `decide_decimal`."""
    texts = [table.columns[index] for index in indices if table.columns[index].cells is not None]
    numeric = [column for column in texts if is_numeric(column)]
    return Numerals.of(decide_decimal(table, numeric, choices.decimal), choices.missing)


def labels_of(table: Table, indices: Sequence[int]) -> np.typing.NDArray[np.object_]:
    """Return each row's id, with "/" between those of several columns.

    Raises
    ------
    DataError
        One is missing.
    """
    for index in indices:
        column = table.columns[index]
        empty = np.flatnonzero(column.is_empty())
        if column.cells is not None:  # "-" or "NA" may well be a name
            empty = np.flatnonzero(np.array([not cell for cell in column.cells])[column.codes])
        if empty.size:
            raise DataError(
                f"{table.where(empty[0])}: expected the series' id in column {shown(column.name)}, "
                f"got none ({counted(int(empty.size), 'such row')})"
            )
    labels = table.columns[indices[0]].labels()
    for index in indices[1:]:
        labels = labels + "/" + table.columns[index].labels()
    return labels


def ids_of(table: Table, indices: Sequence[int]) -> tuple[list[str], Codes]:
    """Return the ids in the order of their first rows, and the index of each row's."""
    if not indices:
        return [""], np.zeros(table.rows, dtype=np.intp)
    import pandas as pd

    codes, names = pd.factorize(labels_of(table, indices))
    return [str(name) for name in names], np.asarray(codes, dtype=np.intp)


def values_of(table: Table, indices: Sequence[int], numerals: Numerals) -> Array:
    """Return the numbers to forecast, (rows, columns), and note what looks like a code."""
    values = np.column_stack([numbers(table, table.columns[index], numerals) for index in indices])
    for index, column in zip(indices, values.T, strict=True):
        suspect = _sentinel(column)
        if suspect is not None:
            table.notes.append(
                f"{table.columns[index].name} is {suspect[0]:g} in {counted(suspect[1], 'row')} "
                "and nowhere else below 0; if that stands for missing values, name it as missing"
            )
    return values


def _sentinel(values: Array) -> tuple[float, int] | None:
    """Return a negative value that stands out as a code for missing ones, and how often."""
    low = values[values < 0]
    if low.size < 2 or (low != low[0]).any() or low[0] not in _CODES:
        return None
    return float(low[0]), int(low.size)
