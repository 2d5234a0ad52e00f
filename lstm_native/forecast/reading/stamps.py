"""A column's cells as time stamps: which notation they are in, and what each of them means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import notations
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.notations import MONTHS, Notation
from lstm_native.forecast.reading.table import Array, Column, Table
from lstm_native.forecast.reading.text import listed, shown

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_EPOCHS = (("s", 8, 11), ("ms", 12, 13), ("us", 15, 16), ("ns", 18, 19))  # digits
_LARGEST = 2.0**53  # beyond, the next number may be the same
_LAST_YEAR = 9000  # so that a forecast ends before the calendar does
#: The clock of 64 bits in nanoseconds reaches from here to there.
_NS_YEARS = (1678, 2261)


#: What to do about a spreadsheet's numbers of days.
SERIAL = "if a spreadsheet means days, give the column a date's format before it is saved"


@dataclass(frozen=True, eq=False)
class Stamps:
    """The stamps of all rows.

    Attributes
    ----------
    index : DatetimeIndex or None
        Of dates.
    numbers : ndarray, (rows,), or None
        Of stamps that are numbers.
    unit : str
        What a stamp names: "year", "quarter", "month", "week", "day", "time" or "number".
    texts : ndarray, (rows,)
        As they stand in the table.
    dayfirst : bool or None
        What was decided about it, if it had to be.
    notes : list of str
    """

    index: pd.DatetimeIndex | None
    numbers: Array | None
    unit: str
    texts: NDArray[np.object_]
    dayfirst: bool | None = None
    notes: list[str] = field(default_factory=list)


def read_stamps(table: Table, column: Column, choices: Choices) -> Stamps:
    """Understand a column of time stamps.

    Raises
    ------
    DataError
        A stamp is missing or cannot be read; the message names line, value and what was tried.
        Or the day and the month cannot be told apart.
    """
    import pandas as pd

    _refuse_missing(table, column)
    if column.stamps is not None:
        index = column.stamps
        plain = bool((index == index.normalize()).all())
        return Stamps(index, None, "day" if plain else "time", column.labels())
    texts = column.labels()
    if column.numbers is not None:
        column = Column.of_text(column.name, texts)
    assert column.cells is not None
    assert column.codes is not None
    cells, place = column.cells, column.codes
    notes: list[str] = []
    quick = _quick(cells)
    if quick is not None:
        unit = "day" if len(cells[0]) == 10 else "time"
        return Stamps(pd.DatetimeIndex(quick)[place], None, unit, texts, notes=notes)
    notation, matches = _notation(cells)
    if notation is not None:
        groups = [match.groupdict() for match in matches]
        dayfirst = None
        if "a" in groups[0]:
            dayfirst = _day_first(table, column, cells, groups, choices, notes)
        index = _dates(table, column, notation, cells, groups, dayfirst, choices, notes)
        clock = any(group.get("hour") for group in groups)
        unit = "time" if clock else notation.unit
        return Stamps(index[place], None, unit, texts, dayfirst, notes)
    if all(_NUMBER.fullmatch(cell) and abs(float(cell)) < _LARGEST for cell in cells):
        read = np.array([float(cell) for cell in cells])
        epoch = _epoch(cells)
        if epoch is None:
            if may_be_serial(read):
                notes.append(f"{shown(column.name)} is read as numbers; {SERIAL}")
            return Stamps(None, read[place], "number", texts, notes=notes)
        notes.append(f"{shown(column.name)} is read as Unix time in {epoch}, in UTC")
        index = pd.DatetimeIndex(
            np.array([int(c) for c in cells]).astype(f"datetime64[{epoch}]"), tz="UTC"
        )
        return Stamps(index[place], None, "time", texts, notes=notes)
    raise _unreadable(table, column)


def may_be_serial(numbers: NDArray[np.float64]) -> bool:
    """Whether numbers may be a spreadsheet's days (1954 to 2119), with or without a clock."""
    return bool(numbers.min() >= 20_000 and numbers.max() < 80_000)


def _quick(cells: list[str]) -> NDArray[np.datetime64] | None:
    """Return the dates of cells that are all like 2020-01-31 (and 23:59), fifty times faster."""
    match = notations.fits(notations.YEAR_MONTH_DAY, cells[0])
    lengths = {len(cell) for cell in cells}
    if match is None or match["zone"] or lengths not in ({10}, {16}, {19}):
        return None
    try:
        found = np.array(cells).astype("datetime64[s]")
    except ValueError:
        return None
    years = found[[found.argmin(), found.argmax()]].astype("datetime64[Y]").astype(np.int64) + 1970
    inside = _NS_YEARS[0] <= years[0] and years[1] <= _NS_YEARS[1]
    return found.astype("datetime64[ns]") if inside and not np.isnat(found).any() else None


def _refuse_missing(table: Table, column: Column) -> None:
    empty = np.flatnonzero(column.is_empty())
    if empty.size:
        raise DataError(
            f"{table.where(empty[0])}: expected a time stamp in column {shown(column.name)}, got "
            f"none ({empty.size:,} such rows); fill it in or leave the row out"
        )


def _notation(cells: list[str]) -> tuple[Notation | None, list[re.Match[str]]]:
    """Return the first notation that fits every cell, and the matches."""
    for notation in notations.NOTATIONS:
        matches = []
        for cell in cells:
            match = notations.fits(notation, cell)
            if match is None:
                break
            matches.append(match)
        else:
            return notation, matches
    return None, []


def _epoch(cells: list[str]) -> str | None:
    if not all(cell.isdecimal() for cell in cells):
        return None
    lengths = {len(cell) for cell in cells}
    for unit, least, most in _EPOCHS:
        if least < min(lengths) and max(lengths) <= most and max(lengths) - min(lengths) <= 1:
            return unit
    return None


def _unreadable(table: Table, column: Column) -> DataError:
    """Return the error about the first cell that the notation of most does not fit."""
    assert column.cells is not None
    assert column.codes is not None
    counts = [
        sum(notations.fits(n, c) is not None for c in column.cells) for n in notations.NOTATIONS
    ]
    best = notations.NOTATIONS[int(np.argmax(counts))]
    wrong = np.array([notations.fits(best, cell) is None for cell in column.cells])
    row = int(np.flatnonzero(wrong[column.codes])[0])
    cell = column.cells[column.codes[row]]
    if 2 * max(counts) > len(column.cells):
        mend = "mend it, so that all are written alike"
        if row == len(column.codes) - 1 and not any(map(str.isdecimal, cell)):
            mend = "delete the row if it sums up the others, or mend it"
        like = next(c for c in column.cells if notations.fits(best, c))
        return DataError(
            f"{table.where(row)}: expected a time stamp like {shown(like)} ({best.name}) in column "
            f"{shown(column.name)}, got {shown(cell)}; {mend}"
        )
    return DataError(
        f"{table.where(row)}: cannot read {shown(cell)} in column {shown(column.name)} as a time "
        f"stamp; tried {notations.TRIED}; choose another time column, or read the rows as they "
        "follow each other (no_time)"
    )


def _dates(
    table: Table,
    column: Column,
    notation: Notation,
    cells: list[str],
    groups: list[dict[str, str | None]],
    dayfirst: bool | None,
    choices: Choices,
    notes: list[str],
) -> Any:
    """Return the stamp of each cell."""
    years = np.array([_year(str(group["y"])) for group in groups])
    if notation.unit == "week":
        days = [_week(group, year) for group, year in zip(groups, years.tolist(), strict=True)]
        months = np.ones(len(cells), dtype=int)
        day_numbers = np.ones(len(cells), dtype=int)
        base = np.array(
            [np.datetime64("NaT") if d is None else np.datetime64(d) for d in days], "datetime64[D]"
        )
    else:
        if dayfirst is not None:
            order = ("b", "a") if dayfirst else ("a", "b")
            months = np.array([int(group[order[0]] or 0) for group in groups])
            day_numbers = np.array([int(group[order[1]] or 0) for group in groups])
        else:
            months = np.array([_month(group) for group in groups])
            day_numbers = np.array([int(group.get("d") or 1) for group in groups])
        base = _calendar(years, months, day_numbers)
    clock = np.array([_clock(group) for group in groups], dtype=np.int64)
    zones = [group.get("zone") for group in groups]
    wrong = np.isnat(base) | (clock < 0) | (years < 1) | (years > _LAST_YEAR)
    wrong |= np.array([abs(_offset(zone or "Z")) >= 24 * 60 for zone in zones])
    if wrong.any():
        cell = cells[int(np.flatnonzero(wrong)[0])]
        assert column.cells is not None
        assert column.codes is not None
        row = int(np.flatnonzero(column.codes == column.cells.index(cell))[0])
        raise DataError(
            f"{table.where(row)}: {shown(cell)} in column {shown(column.name)}, read as "
            f"{notation.name}, is no date of the calendar; mend it"
        )
    return _index(table, column, cells, base, clock, zones, choices, notes)


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 2:
        year += 2000 if year < 69 else 1900  # as POSIX reads two digits
    return year


def _month(group: dict[str, str | None]) -> int:
    if group.get("q"):
        return 3 * int(group["q"] or 1) - 2
    if group.get("name"):
        return MONTHS[str(group["name"]).lower()]
    return int(group.get("m") or 1)


def _week(group: dict[str, str | None], year: int) -> date | None:
    try:
        return date.fromisocalendar(year, int(group["w"] or 0), int(group.get("wd") or 1))
    except ValueError:
        return None


def _calendar(
    years: NDArray[np.int64], months: NDArray[np.int64], days: NDArray[np.int64]
) -> NDArray[np.datetime64]:
    """Return the dates, NaT where the calendar has none."""
    fine = (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    first = ((years - 1970) * 12 + np.clip(months, 1, 12) - 1).astype("datetime64[M]")
    found = first.astype("datetime64[D]") + (days - 1)
    fine &= found.astype("datetime64[M]") == first
    return np.where(fine, found, np.datetime64("NaT", "D"))


def _clock(group: dict[str, str | None]) -> int:
    """Return the nanoseconds since midnight, -1 where there is no such time."""
    if not group.get("hour"):
        return 0
    hour, minute, second = (int(group.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (group.get("half") or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            return -1
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return -1
    part = int((group.get("part") or "0").ljust(9, "0"))
    return ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + part


def _day_first(
    table: Table,
    column: Column,
    cells: list[str],
    groups: list[dict[str, str | None]],
    choices: Choices,
    notes: list[str],
) -> bool:
    """Decide over the whole column whether the day or the month comes first."""
    a = np.array([int(group["a"] or 0) for group in groups])
    b = np.array([int(group["b"] or 0) for group in groups])
    if choices.dayfirst is not None:
        return choices.dayfirst
    if (a > 12).any() and (b > 12).any():
        one, two = cells[int(np.argmax(a > 12))], cells[int(np.argmax(b > 12))]
        assert column.cells is not None
        assert column.codes is not None
        rows = [int(np.flatnonzero(column.codes == column.cells.index(c))[0]) for c in (one, two)]
        raise DataError(
            f"{table.where(rows[0])}: {shown(one)} has the day first, but {shown(two)} "
            f"({table.where(rows[1])}) the month; make column {shown(column.name)} alike throughout"
        )
    if (a > 12).any() or (b > 12).any():
        return bool((a > 12).any())
    if groups[0]["sep"] == ".":  # no country writes the month first with points
        return True
    if (a == b).all():
        return True
    years = np.array([_year(str(group["y"])) for group in groups])
    even = [_is_even(_calendar(years, *order)) for order in ((b, a), (a, b))]
    if even[0] != even[1]:
        words = "day" if even[0] else "month"
        notes.append(
            f"{shown(column.name)} is read with the {words} first ({shown(cells[0])}): only so are "
            "the rows evenly spaced"
        )
        return even[0]
    raise DataError(
        f"{table.source}: column {shown(column.name)} may have the day or the month first "
        f"({listed(cells, most=3)}), and no cell tells; choose one: dayfirst or monthfirst"
    )


def _is_even(dates: NDArray[np.datetime64]) -> bool:
    """Whether dates are evenly spaced, by days or by months."""
    different = np.unique(dates)
    if len(different) < 3:
        return False
    if len(set(np.diff(different.astype(np.int64)).tolist())) == 1:
        return True
    months = different.astype("datetime64[M]")
    steps = np.diff(months.astype(np.int64))
    return len(set(steps.tolist())) == 1 and len(set((different - months).tolist())) == 1


def _index(
    table: Table,
    column: Column,
    cells: list[str],
    base: NDArray[np.datetime64],
    clock: NDArray[np.int64],
    zones: list[str | None],
    choices: Choices,
    notes: list[str],
) -> Any:
    """Return dates and clocks as an index, with its zone if it has one."""
    import pandas as pd

    years = base.astype("datetime64[Y]").astype(np.int64) + 1970
    if _NS_YEARS[0] <= years.min() and years.max() <= _NS_YEARS[1]:
        local = base.astype("datetime64[ns]") + clock.astype("timedelta64[ns]")
    else:
        local = base.astype("datetime64[s]") + (clock // 1_000_000_000).astype("timedelta64[s]")
    has = np.array([zone is not None for zone in zones])
    if not has.any():
        return pd.DatetimeIndex(local)
    if not has.all():
        cell = cells[int(np.argmin(has))]
        other = cells[int(np.argmax(has))]
        raise DataError(
            f"{table.source}: column {shown(column.name)} mixes stamps with a time zone "
            f"({shown(other)}) and without one ({shown(cell)}); make them alike"
        )
    offsets = np.array([_offset(zone or "") for zone in zones], dtype=np.int64)
    utc = pd.DatetimeIndex(local - (offsets * 60).astype("timedelta64[s]")).tz_localize("UTC")
    if choices.timezone is not None:
        return utc  # converted later, with all others
    different = sorted(set(offsets.tolist()))
    if len(different) == 1:
        if different[0] == 0:
            return utc
        from datetime import timedelta, timezone

        return utc.tz_convert(timezone(timedelta(minutes=different[0])))
    if len(set(clock.tolist())) == 1:
        notes.append(
            f"{shown(column.name)} changes between offsets of a time zone; the local dates are "
            "taken, without the zone"
        )
        return pd.DatetimeIndex(local)
    notes.append(
        f"{shown(column.name)} changes between offsets of a time zone, and is turned into UTC; "
        "name the zone to keep its clock"
    )
    return utc


def _offset(zone: str) -> int:
    """Return the minutes that a zone such as +01:00 is ahead of UTC."""
    if zone.upper() in ("Z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = 60 * int(digits[:2]) + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes
