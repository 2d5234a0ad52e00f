"""What a user may choose about reading; all else is found out from the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.text import joined, shown

AGGREGATES = ("sum", "mean", "last")


@dataclass(frozen=True)
class Choices:
    """The options of `read_table` and `panel_from_frame`.

    A name may be a column's name, or its number counted from 1; several names are given as a
    sequence, or in one string with commas between them.

    Attributes
    ----------
    id : names
        The columns whose values tell the series of a long table apart. By default "unique_id", or
        the one text column that makes the stamps unique.
    time : names
        The column of time stamps, or several that make one together (year and month). By default
        "ds", a column named like a time, or one that holds dates.
    column : names
        What to forecast. By default "y", or every column of numbers that is nothing else.
    past : names
        Covariates that are known as far as the values are.
    future : names
        Covariates that are known beyond the last value.
    static : names
        Covariates that are known once for each series.
    future_frame, static_frame : path or frame, optional
        Tables that hold those instead: ids, stamps and future covariates; ids and static ones.
    holidays : str, optional
        A country ("DE") or a part of one ("DE-BY"), whose holidays are future covariates.
    ahead : int, optional
        How many rows beyond the last value the holidays are known; by default two of the longest
        usual seasons, 64 at least.
    aggregate : {"sum", "mean", "last"}, optional
        What to make of several rows of a series that fall on one stamp.
    frequency : str or float, optional
        How far apart the stamps are: pandas' name of an offset, a word such as "weekly", or a
        number for stamps that are numbers. By default the data tell.
    season : int or sequence of int, optional
        Rows of the periods after which patterns repeat, instead of the frequency's usual ones.
    missing : str or sequence of str
        Values that stand for missing ones, besides empty cells, NA, NaN, "-" and the like.
    dayfirst : bool, optional
        Whether 01/02/2020 is the first of February. By default the data tell.
    decimal : {".", ","}, optional
        The decimal mark of numbers in text. By default the data tell.
    timezone : str, optional
        The zone that clocks without one show ("Europe/Berlin"), and into which others are turned.
    no_time : bool
        Rows follow each other evenly, oldest first; no time stamps are read.
    delimiter : str, optional
        What stands between the cells of a CSV file. By default the data tell.
    encoding : str, optional
        Of a CSV file. By default UTF-8 or UTF-16 as the file shows, or else Windows-1252.
    header : bool, optional
        Whether the first row of a CSV file holds names. By default the data tell.
    prefer : str, optional
        The column to take, if the table has it, where `column` is left out.
    """

    id: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    column: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    future_frame: Any = None
    static_frame: Any = None
    holidays: str | None = None
    ahead: int | None = None
    aggregate: str | None = None
    frequency: str | float | None = None
    season: tuple[int, ...] | None = None
    missing: tuple[str, ...] = ()
    dayfirst: bool | None = None
    decimal: str | None = None
    timezone: str | None = None
    no_time: bool = False
    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    prefer: str | None = None

    @staticmethod
    def of(**options: Any) -> Choices:
        """Return the choices in options as a user gives them.

        Raises
        ------
        TypeError
            An option that does not exist.
        DataError
            A value that means nothing, or two options that contradict each other.
        """
        known = {field.name for field in dataclasses.fields(Choices)}
        for name in options:
            if name not in known:
                raise TypeError(f"unknown option '{name}'; there are {', '.join(sorted(known))}")
        for name in ("id", "time", "column", "past", "future", "static", "missing"):
            options[name] = _names(options.get(name))
        season = options.get("season")
        if season is not None:
            options["season"] = _seasons(season)
        choices = Choices(**options)
        choices._check()
        return choices

    def _check(self) -> None:
        if self.aggregate is not None and self.aggregate not in AGGREGATES:
            raise DataError(f"aggregate {shown(self.aggregate)} is not {joined(AGGREGATES)}")
        if self.decimal not in (None, ".", ","):
            raise DataError(f"decimal {shown(self.decimal)} is neither '.' nor ','")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise DataError(f"delimiter {shown(self.delimiter)} is not one character")
        if self.delimiter is not None and self.delimiter == self.decimal:
            raise DataError(f"{shown(self.decimal)} cannot be both delimiter and decimal mark")
        if self.no_time:
            for name in ("time", "frequency", "timezone", "dayfirst", "holidays", "aggregate"):
                if getattr(self, name):
                    raise DataError(f"{name} needs time stamps, but no_time says there are none")
        if self.ahead is not None and (self.holidays is None or self.ahead < 1):
            raise DataError("ahead must be at least 1, and needs holidays")
        roles: dict[str, str] = {}
        for role in ("id", "time", "column", "past", "future", "static"):
            for name in getattr(self, role):
                if roles.setdefault(name, role) != role:
                    raise DataError(f"column {shown(name)} cannot be both {roles[name]} and {role}")


def _names(value: Any) -> tuple[str, ...]:
    """Return names as a tuple; a number is a name too."""
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (str(value),)
    return tuple(str(name) for name in value)


def _seasons(value: Any) -> tuple[int, ...]:
    seasons = tuple(value) if isinstance(value, Iterable) else (value,)
    for rows in seasons:
        if rows != int(rows) or rows < 1:
            raise DataError(f"season {shown(rows)} is not a whole number of at least 1")
    return tuple(sorted({int(rows) for rows in seasons if rows > 1}))
