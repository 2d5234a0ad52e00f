"""The series to forecast: the bundled one, or a column of a CSV file."""

from __future__ import annotations

import csv
import importlib.resources
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import timeaxis
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.timeaxis import TimeAxis

#: Months in a solar cycle of eleven years: the season of the bundled series.
SUNSPOT_SEASON = 132

_DELIMITERS = "\t|;,"  # of two that split equally well the first: commas may be decimal
_MISSING = {"", "na", "nan", "n/a", "null", "none", "-", "?", "."}
_TIME_NAMES = {"time", "date", "datetime", "timestamp", "ds", "day", "week", "month", "year"}


@dataclass(frozen=True)
class Series:
    """Numbers in their order of time.

    Attributes
    ----------
    values : ndarray, (rows,), float64
    name : str
        The column's name.
    time : TimeAxis
    source : str
        The file, or what stands for it in messages.
    season : int or None
        The length of the season in rows, where it is known beforehand.
    """

    values: NDArray[np.float64]
    name: str
    time: TimeAxis
    source: str
    season: int | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)


def bundled() -> Series:
    """Return the monthly mean sunspot numbers 1749 to 2008 (datasets/SOURCE.md says whose)."""
    file = importlib.resources.files("lstm_native") / "datasets" / "sunspots.csv"
    text = file.read_text(encoding="utf-8")
    return parse_csv(text, source="the bundled sunspot series", season=SUNSPOT_SEASON)


def read_csv(
    path: str | os.PathLike[str],
    *,
    column: str | None = None,
    time: str | None = None,
    prefer: str | None = None,
) -> Series:
    """Read one column of a CSV file.

    The delimiter (comma, semicolon, tab or bar) and whether there is a header are found out.

    Parameters
    ----------
    path : path-like
        A UTF-8 text file, oldest row first, without missing values.
    column : str, optional
        The column to forecast: its name, or its number counted from 1. May be left out when
        only one column, the time column aside, holds numbers.
    time : str, optional
        The column of time stamps: its name or number. By default a column that is named like
        one or holds dates.
    prefer : str, optional
        The name of the column to take, if the file has it, where `column` is left out.

    Raises
    ------
    OSError
        The file cannot be read.
    DataError
        It is empty, no text, lacks the column, or a cell is missing or no number; the message
        names the line.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            text = file.read()
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 text: {error.reason}") from None
    return parse_csv(text, source=str(path), column=column, time=time, prefer=prefer)


def parse_csv(
    text: str,
    *,
    source: str,
    column: str | None = None,
    time: str | None = None,
    prefer: str | None = None,
    season: int | None = None,
) -> Series:
    """Return the series in the text of a CSV file; parameters and errors as `read_csv`."""
    table = _Table(text, source)
    if column is None and prefer in table.names:
        column = prefer
    time_column = table.find(time, what="time") if time else table.guess_time()
    value_column = table.find(column, what="value") if column else table.guess_value(time_column)
    if value_column == time_column:
        if not time:
            time_column = None
        else:
            raise DataError(f"{source}: column '{column}' cannot be both the values and the time")
    name = table.names[value_column]
    cells = table.cells(value_column)
    values = [
        _number(cell, line=line, name=name, source=source)
        for cell, line in zip(cells, table.lines, strict=True)
    ]
    if time_column is None:
        axis = timeaxis.without_stamps(len(values))
    else:
        axis = timeaxis.parse(
            table.cells(time_column),
            lines=table.lines,
            column=table.names[time_column],
            source=source,
        )
    return Series(np.array(values, dtype=np.float64), name, axis, source, season)


class _Table:
    """The rows of a CSV file as text, with the line where each stands."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.rows: list[list[str]] = []
        self.lines: list[int] = []
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    self.rows.append([cell.strip() for cell in row])
                    self.lines.append(reader.line_num)
        except csv.Error as error:
            raise DataError(f"{source}, line {reader.line_num}: not CSV: {error}") from None
        if not self.rows:
            raise DataError(f"{source} is empty")
        self.has_header = not any(_is_number(cell) for cell in self.rows[0])
        if self.has_header:
            self.names = self.rows.pop(0)
            self.lines.pop(0)
            if not self.rows:
                raise DataError(f"{source} has a header ({', '.join(self.names)}) but no rows")
        else:
            self.names = [f"column {number}" for number in range(1, len(self.rows[0]) + 1)]

    def find(self, wanted: str, *, what: str) -> int:
        """Return the index of a column given by name, or else by number from 1."""
        if self.has_header and wanted in self.names:
            if self.names.count(wanted) > 1:
                raise DataError(
                    f"{self.source} has {self.names.count(wanted)} columns named '{wanted}'; "
                    "give the column's number"
                )
            return self.names.index(wanted)
        if wanted.isdecimal() and 1 <= int(wanted) <= len(self.names):
            return int(wanted) - 1
        known = ", ".join(self.names) if self.has_header else f"1 to {len(self.names)}"
        raise DataError(f"{self.source} has no {what} column '{wanted}'; it has {known}")

    def guess_time(self) -> int | None:
        """Return a column that is named like a time or holds dates, if there is one."""
        for index, name in enumerate(self.names):
            if self.has_header and name.lower() in _TIME_NAMES:
                return index
        for index, cell in enumerate(self.rows[0]):
            if timeaxis.looks_like_time(cell):
                return index
        return None

    def guess_value(self, time_column: int | None) -> int:
        """Return the only column of numbers besides the time column."""
        columns = [index for index in range(len(self.names)) if index != time_column]
        if not columns:
            return 0
        numeric = [i for i in columns if i < len(self.rows[0]) and _is_number(self.rows[0][i])]
        if len(numeric) > 1:
            names = ", ".join(self.names[index] for index in numeric)
            raise DataError(
                f"{self.source} has several columns of numbers ({names}); "
                "choose one with --column NAME"
            )
        if not numeric and len(columns) > 1:
            names = ", ".join(self.names[index] for index in columns)
            raise DataError(
                f"{self.source}, line {self.lines[0]}: no number in any column ({names})"
            )
        return numeric[0] if numeric else columns[0]

    def cells(self, column: int) -> list[str]:
        """Return a column's cells.

        Raises
        ------
        DataError
            A row is too short.
        """
        for row, line in zip(self.rows, self.lines, strict=True):
            if column >= len(row):
                raise DataError(
                    f"{self.source}, line {line}: expected at least {column + 1} cells, as far "
                    f"as {self.names[column]}, got {len(row)}"
                )
        return [row[column] for row in self.rows]


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first rows most evenly; a comma when none does."""
    rows = [line for line in text.splitlines()[:50] if line.strip()]

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [row.count(delimiter) for row in rows]
        usual = max(set(counts), key=counts.count, default=0)
        return (counts.count(usual) if usual else 0), usual

    return max(_DELIMITERS, key=evenness)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _number(cell: str, *, line: int, name: str, source: str) -> float:
    if cell.lower() in _MISSING:
        shown = f"missing ('{cell}')" if cell else "missing"
        raise DataError(
            f"{source}, line {line}: the value of {name} is {shown}; fill the gap first"
        )
    try:
        value = float(cell)
    except ValueError:
        hint = " (decimal points are expected)" if _is_number(cell.replace(",", ".")) else ""
        raise DataError(f"{source}, line {line}: {name} '{cell}' is not a number{hint}") from None
    if not math.isfinite(value):
        raise DataError(f"{source}, line {line}: {name} '{cell}' is not finite")
    return value


def guess_season(values: Sequence[float] | NDArray[np.float64]) -> int | None:
    """Return the lag, in rows, at which a series most resembles itself again, if it does.

    The autocorrelation of the detrended series must first fall and then rise again to a peak of
    at least 0.25, 0.2 above the lowest point before it; of several such peaks the highest wins.

    Parameters
    ----------
    values : array_like, (rows,)
        The training part.
    """
    x = np.asarray(values, dtype=np.float64)
    longest = len(x) // 3
    if longest < 3:
        return None
    rows = np.arange(len(x), dtype=np.float64)
    x = x - np.polynomial.Polynomial.fit(rows, x, 1)(rows)
    if not np.abs(x).max() > 1e-9 * (1.0 + np.abs(values).max()):
        return None
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    # Not divided by the number of pairs, so that a multiple of the season stays below it.
    correlation = np.fft.irfft(spectrum)[: longest + 1]
    correlation /= correlation[0]
    lowest = np.minimum.accumulate(correlation)
    lags = np.arange(2, longest)
    here = correlation[lags]
    peaks = lags[
        (here >= correlation[lags - 1])
        & (here > correlation[lags + 1])
        & (here >= 0.25)
        & (here - lowest[lags] >= 0.2)
    ]
    return int(peaks[correlation[peaks].argmax()]) if peaks.size else None
