"""Covariates that are known ahead: columns of the table, or a table of their own, or both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import covariates, roles, rows
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.clocks import with_zone
from lstm_native.forecast.reading.contents import labels_of, numerals_of
from lstm_native.forecast.reading.numerals import Numerals
from lstm_native.forecast.reading.rows import Rows
from lstm_native.forecast.reading.spacing import Spacing
from lstm_native.forecast.reading.stamps import Stamps, read_stamps
from lstm_native.forecast.reading.table import Array, Column, Table
from lstm_native.forecast.reading.text import listed, shown


@dataclass(frozen=True, eq=False)
class FutureTable:
    """A table of future covariates.

    Attributes
    ----------
    table : Table
    ids : list of int
        Its columns of ids; empty where its rows hold for all series.
    time : list of int
        Its columns of stamps.
    columns : list of Column
        All others: the covariates.
    numerals : Numerals
    """

    table: Table
    ids: list[int]
    time: list[int]
    columns: list[Column]
    numerals: Numerals

    @staticmethod
    def of(table: Table, id_names: list[str], choices: Choices) -> FutureTable:
        """Return what the columns of a table are, given the names of the ids beside the values.

        Raises
        ------
        DataError
            There are no time stamps, or no covariates.
        """
        names = table.names()
        ids = [names.index(name) for name in id_names if name in names]
        if ids and len(ids) < len(id_names):
            raise DataError(f"{table.source} has only part of the ids' columns {listed(id_names)}")
        time = [names.index(name) for name in choices.time if name in names]
        time = time or list(roles.time_of(table))
        if not time:
            raise DataError(
                f"{table.source} has no time stamps among {listed(names)}; expected a column of "
                "them, named as beside the values"
            )
        others = [index for index in range(len(names)) if index not in (*ids, *time)]
        if not others:
            raise DataError(f"{table.source} has no covariates beside {listed(names)}")
        numerals = numerals_of(table, others, choices)
        return FutureTable(table, ids, time, [table.columns[i] for i in others], numerals)

    def rows(
        self,
        known: Known,
        ids: list[str],
        stamps: Stamps,
        spacing: Spacing,
        widths: tuple[int, int],
        choices: Choices,
    ) -> Rows:
        """Return the table's rows at their places, without values.

        Parameters
        ----------
        known : Known
        ids : list of str
        stamps : Stamps
            Of the rows with values, whose notation holds here too.
        spacing : Spacing
        widths : (int, int)
            The number of targets and of past covariates.
        choices : Choices

        Raises
        ------
        DataError
            The stamps cannot be read or are of another kind, or two rows hold for one time.
        """
        dayfirst = choices.dayfirst if choices.dayfirst is not None else stamps.dayfirst
        table, codes = self.table, np.zeros(self.table.rows, dtype=np.intp)
        matrix = known.matrix(table, self.columns, self.numerals)
        if self.ids:
            labels = labels_of(table, self.ids)
            place = {name: number for number, name in enumerate(ids)}
            own = np.flatnonzero([label in place for label in labels])
            table, matrix = table.take(own), matrix[own]
            codes = np.array([place[label] for label in labels[own]], dtype=np.intp)
            if not len(own):
                raise DataError(
                    f"{table.source}: none of its ids ({listed(dict.fromkeys(labels))}) has values"
                )
        own_choices = replace(choices, dayfirst=dayfirst)
        there = read_stamps(table, roles.joined_stamps(table, self.time), own_choices)
        there = with_zone(there, codes, table, choices)
        if (there.numbers is None) != (stamps.numbers is None):
            raise DataError(
                f"{table.source}: its stamps ({shown(there.texts[0])}) are of another kind than "
                f"those beside the values ({shown(stamps.texts[0])})"
            )
        if stamps.index is not None and there.index is not None:
            zones = (stamps.index.tz is None, there.index.tz is None)
            if zones[0] != zones[1]:
                raise DataError(
                    f"{table.source}: its stamps have {'a' if zones[0] else 'no'} time zone, those "
                    "beside the values not; make them alike".replace(
                        "those beside the values not", "unlike those beside the values"
                    )
                )
            if stamps.index.tz is not None:
                there = replace(there, index=there.index.tz_convert(stamps.index.tz))
        at = spacing.grid.places(there.numbers if there.numbers is not None else there.index)
        nothing = [np.full((table.rows, width), np.nan) for width in widths]
        found, notes = rows.once(
            Rows(codes, at, nothing[0], nothing[1], matrix),
            table,
            there.texts,
            np.arange(table.rows),
            choices.aggregate,
            [name or "y" for name in ids],
            "",
        )
        table.notes += notes
        if self.ids or len(ids) == 1:
            return found
        again = found.take(np.tile(np.arange(len(found.places)), len(ids)))
        return replace(again, series=np.repeat(np.arange(len(ids)), len(found.places)))


@dataclass(frozen=True, eq=False)
class Known:
    """The covariates known ahead, from both tables.

    Attributes
    ----------
    columns : list of str
        The names of their columns.
    kinds : list of (list of str or None)
        The texts of each, None where it holds numbers.
    names : list of str
        Of the columns of `matrix`.
    """

    columns: list[str]
    kinds: list[list[str] | None]
    names: list[str]

    @staticmethod
    def of(beside: list[Column], numerals: Numerals, table: FutureTable | None) -> Known:
        """Return the covariates of the columns beside the values and of those in a table."""
        ahead = [] if table is None else table.columns
        columns = list(dict.fromkeys(column.name for column in (*beside, *ahead)))
        sides = [[c for c in (*beside, *ahead) if c.name == name] for name in columns]
        kinds = [covariates.kinds_of(side, numerals) for side in sides]
        return Known(columns, kinds, covariates.matrix_names([side[0] for side in sides], kinds))

    def matrix(self, table: Table, columns: list[Column], numerals: Numerals) -> Array:
        """Return the covariates of a table's rows, NaN for those it does not have."""
        blocks: list[Array] = []
        for name, kind in zip(self.columns, self.kinds, strict=True):
            own = [column for column in columns if column.name == name]
            width = 1 if kind is None else len(kind)
            blocks.append(
                covariates.matrix(table, own, [kind], numerals)
                if own
                else np.full((table.rows, width), np.nan)
            )
        return np.column_stack(blocks) if blocks else np.empty((table.rows, 0))
