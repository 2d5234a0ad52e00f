"""Covariates that are fixed for each series: columns of the table, or a table of their own."""

from __future__ import annotations

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import covariates
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.contents import labels_of, numerals_of
from lstm_native.forecast.reading.numerals import Numerals
from lstm_native.forecast.reading.roles import Roles
from lstm_native.forecast.reading.table import Array, Codes, Table
from lstm_native.forecast.reading.text import listed, shown


def static_of(
    table: Table,
    which: Roles,
    static: Table | None,
    ids: list[str],
    codes: Codes,
    numerals: Numerals,
    choices: Choices,
) -> tuple[Array, list[str]]:
    """Return the static covariates, (ids, covariates), and their names.

    Parameters
    ----------
    table : Table
        With the values, and the columns that were named as static.
    which : Roles
    static : Table, optional
        A table of ids and further covariates: all its columns.
    ids : list of str
    codes : ndarray, (rows of the table,)
        The index of each row's id.
    numerals : Numerals
        Of the first table.
    choices : Choices

    Raises
    ------
    DataError
        A covariate changes within a series, or is missing for one, or no column holds ids.
    """
    columns = [table.columns[index] for index in which.static]
    kinds = [covariates.kinds_of([column], numerals) for column in columns]
    names = covariates.matrix_names(columns, kinds)
    values = covariates.matrix(table, columns, kinds, numerals)
    fixed = covariates.once_for_each(table, values, names, codes, len(ids))
    _check_complete(fixed, names, ids, table.source)
    if static is None:
        return fixed, names
    keys = [table.columns[index].name for index in which.id]
    if not keys or not set(keys) <= set(static.names()):
        raise DataError(
            f"{static.source}: expected the series' ids in {listed(keys or ['unique_id'])}, as in "
            f"{table.source}, got the columns {listed(static.names())}"
        )
    labels = labels_of(static, [static.names().index(key) for key in keys])
    place = {name: index for index, name in enumerate(ids)}
    own = static.take(np.flatnonzero([label in place for label in labels]))
    series = np.array([place[label] for label in labels if label in place], dtype=np.intp)
    columns = [column for column in own.columns if column.name not in keys]
    there = numerals_of(own, [own.columns.index(column) for column in columns], choices)
    kinds = [covariates.kinds_of([column], there) for column in columns]
    more = covariates.matrix_names(columns, kinds)
    values = covariates.matrix(own, columns, kinds, there)
    other = covariates.once_for_each(own, values, more, series, len(ids))
    _check_complete(other, more, ids, static.source)
    return np.column_stack([fixed, other]), names + more


def _check_complete(values: Array, names: list[str], ids: list[str], source: str) -> None:
    missing = np.argwhere(np.isnan(values))
    if len(missing):
        row, column = missing[0]
        raise DataError(
            f"{source}: the static covariate {shown(names[column])} of series {shown(ids[row])} is "
            "missing; fill it in, or leave the covariate out"
        )
