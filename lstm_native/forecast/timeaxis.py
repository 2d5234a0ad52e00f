"""Time stamps of a series: what they are, how far apart, and which come next."""

from __future__ import annotations

import calendar
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError

_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True)
class TimeAxis:
    """The stamps of evenly spaced rows, or of rows that merely follow each other.

    Attributes
    ----------
    labels : sequence of str
        As they stood in the file; empty when there is no time column.
    kind : {"year", "month", "date", "datetime", "number", "text", "row"}
        What the labels were understood as: "text" when they are neither dates nor numbers,
        "row" when there are none.
    note : str
        Where the spacing breaks, as a sentence; empty when it does not.
    """

    labels: Sequence[str]
    kind: str
    note: str
    _points: Sequence[Any]
    _step: Any  # int months, timedelta, float, or None

    def label(self, row: int) -> str:
        """Return the stamp of a row, counted from 0; "row 7" for the seventh without stamps."""
        return self.labels[row] if self.kind != "row" else f"row {row + 1}"

    def future(self, count: int) -> list[str]:
        """Return the stamps of the next rows, "+1", "+2", ... where no calendar tells them."""
        if self._step is None:
            return [f"+{ahead}" for ahead in range(1, count + 1)]
        return [self._format(self._after(ahead)) for ahead in range(1, count + 1)]

    def positions(self, rows: int, future: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return where to draw the last `rows` rows and the `future` ones on a plot's axis."""
        count = len(self._points)
        if self._step is None:
            return np.arange(count - rows, count) + 1, np.arange(count, count + future) + 1
        ahead = [self._after(step) for step in range(1, future + 1)]
        points = [*self._points[count - rows :], *ahead]
        if self.kind != "number":
            points = [np.datetime64(point.replace(tzinfo=None), "s") for point in points]
        drawn = np.array(points)
        return drawn[:rows], drawn[rows:]

    def _after(self, ahead: int) -> Any:
        last = self._points[-1]
        if self.kind == "number":
            return last + ahead * self._step
        if isinstance(self._step, timedelta):
            return last + ahead * self._step
        return _add_months(last, ahead * self._step, keep_end=_at_month_ends(self._points))

    def _format(self, point: Any) -> str:
        if self.kind == "number":
            decimals = max(len(label.partition(".")[2]) for label in self.labels)
            return f"{point:.{decimals}f}"
        if self.kind == "datetime":
            stamp: str = point.isoformat(sep="T" if "T" in self.labels[-1] else " ")
            return stamp
        compact = self.kind == "date" and "-" not in self.labels[-1]
        pattern = {"year": "{0.year:04d}", "month": "{0.year:04d}-{0.month:02d}"}.get(
            self.kind, "{0:%Y%m%d}" if compact else "{0:%Y-%m-%d}"
        )
        return pattern.format(point)


def without_stamps(rows: int) -> TimeAxis:
    """Return the axis of a series that has no time column."""
    return TimeAxis([], "row", "", range(rows), None)


def parse(labels: Sequence[str], *, lines: Sequence[int], column: str, source: str) -> TimeAxis:
    """Understand the cells of a time column.

    Parameters
    ----------
    labels : sequence of str
        Years (2001), months (2001-07), ISO dates (2001-07-31, 20010731), ISO date-times, or
        numbers such as decimal years. Anything else is kept as text.
    lines : sequence of int
        The line of each row in its file, for messages.
    column, source : str
        The column's and the file's name, for messages.

    Raises
    ------
    DataError
        The stamps do not increase.
    """
    for kind, reader in _READERS:
        try:
            points = [reader(label) for label in labels]
        except ValueError:
            continue
        _check_order(points, labels, lines, column, source)
        step, uneven_row = _spacing(points, kind)
        note = ""
        if step is None:
            note = (
                f"{column} is not evenly spaced at line {lines[uneven_row]} of {source} "
                f"({labels[uneven_row - 1]} to {labels[uneven_row]}); "
                "the rows are taken as consecutive steps"
            )
        return TimeAxis(labels, kind, note, points, step)
    note = (
        f"{column} of {source} holds no time stamps that are understood (such as "
        f"{labels[0]!r} at line {lines[0]}); the rows are taken as consecutive steps"
    )
    return TimeAxis(labels, "text", note, range(len(labels)), None)


def looks_like_time(label: str) -> bool:
    """Whether a cell is a date or a month (a bare number may be anything)."""
    for _, reader in _READERS[1:-1]:
        try:
            reader(label)
        except ValueError:
            continue
        return True
    return False


def _year(label: str) -> datetime:
    if not _YEAR.fullmatch(label):
        raise ValueError(label)
    return datetime(int(label), 1, 1)


def _month(label: str) -> datetime:
    match = _MONTH.fullmatch(label)
    if not match:
        raise ValueError(label)
    return datetime(int(match[1]), int(match[2]), 1)


def _date(label: str) -> datetime:
    match = _COMPACT_DATE.fullmatch(label)
    if match:
        return datetime(int(match[1]), int(match[2]), int(match[3]))
    if len(label) != len("2001-07-31"):
        raise ValueError(label)
    return datetime.fromisoformat(label)


def _datetime(label: str) -> datetime:
    if "-" not in label or ":" not in label:
        raise ValueError(label)
    return datetime.fromisoformat(label[:-1] + "+00:00" if label.endswith("Z") else label)


def _number(label: str) -> float:
    value = float(label)
    if not np.isfinite(value):
        raise ValueError(label)
    return value


# Tried in this order: the first that reads every cell is the kind.
_READERS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("year", _year),
    ("month", _month),
    ("date", _date),
    ("datetime", _datetime),
    ("number", _number),
)


def _check_order(
    points: Sequence[Any], labels: Sequence[str], lines: Sequence[int], column: str, source: str
) -> None:
    for row in range(1, len(points)):
        try:
            ordered = points[row] > points[row - 1]
        except TypeError:
            raise DataError(
                f"{source}, line {lines[row]}: {column} mixes stamps with and without a time zone"
            ) from None
        if not ordered:
            raise DataError(
                f"{source}, line {lines[row]}: {column} {labels[row]} does not come after "
                f"{labels[row - 1]}; rows must be oldest first, one for each time"
            )


def _spacing(points: Sequence[Any], kind: str) -> tuple[Any, int]:
    """Return the step between rows, or None and the row where the spacing breaks."""
    if len(points) < 2:
        return None, 0
    if kind == "number":
        gaps = np.diff(np.array(points))
        step = float((points[-1] - points[0]) / (len(points) - 1))
        # Decimal years are rounded, so gaps differ a little.
        typical = float(np.median(gaps))
        off = np.flatnonzero(np.abs(gaps - typical) > 0.05 * typical)
        return (step, 0) if off.size == 0 else (None, int(off[0]) + 1)
    months = [12 * point.year + point.month for point in points]
    same_day = len({(point.day, point.time()) for point in points}) == 1
    gaps = np.diff(months)
    if gaps.min() > 0 and (same_day or _at_month_ends(points)):
        off = np.flatnonzero(gaps != np.bincount(gaps).argmax())
        return (int(gaps[0]), 0) if off.size == 0 else (None, int(off[0]) + 1)
    deltas = [after - before for before, after in itertools.pairwise(points)]
    usual = Counter(deltas).most_common(1)[0][0]
    for row, delta in enumerate(deltas, start=1):
        if delta != usual:
            return None, row
    return usual, 0


def _at_month_ends(points: Sequence[datetime]) -> bool:
    return all(point.day == _days(point.year, point.month) for point in points)


def _add_months(point: datetime, months: int, *, keep_end: bool) -> datetime:
    year, month = divmod(12 * point.year + point.month - 1 + months, 12)
    last = _days(year, month + 1)
    return point.replace(year=year, month=month + 1, day=last if keep_end else min(point.day, last))


def _days(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
