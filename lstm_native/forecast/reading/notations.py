"""The notations of a time stamp, and which of them a column's cells are written in."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = {
    1: "jan january januar jänner janvier janv enero ene",
    2: "feb february februar février fevrier févr febrero",
    3: "mar march märz maerz mär mrz mars marzo",
    4: "apr april avril avr abril abr",
    5: "may mai mayo",
    6: "jun june juni juin junio",
    7: "jul july juli juillet juil julio",
    8: "aug august août aout agosto ago",
    9: "sep sept september septembre septiembre",
    10: "oct october oktober okt octobre octubre",
    11: "nov november novembre noviembre",
    12: "dec december dezember dez décembre decembre déc diciembre dic",
}
#: Of English, German, French and Spanish names of months, in lower case.
MONTHS = {name: month for month, names in _MONTHS.items() for name in names.split()}

_NAME = r"(?P<name>[^\W\d_]{3,10})\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_Y, _M, _D = r"(?P<y>\d{4})", r"(?P<m>\d{1,2})", r"(?P<d>\d{1,2})"
_SEP = r"(?P<sep>[-/.])"

_CLOCK = (
    r"(?:(?:T|\s+|,\s*|\s*-\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:[.,](?P<part>\d{1,9}))?)?\s*(?P<half>[ap]\.?m\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
)


@dataclass(frozen=True)
class Notation:
    """One way to write a stamp.

    Attributes
    ----------
    name : str
        For messages: "year-month-day".
    pattern : Pattern
        With the groups y (or yy), m (or name), d, q, w, hour, minute, second, part, half, zone;
        a and b for two numbers of which one is the day.
    unit : str
        What a stamp of this notation names: "year", "quarter", "month", "week", "day".
    """

    name: str
    pattern: re.Pattern[str]
    unit: str


def _of(name: str, unit: str, pattern: str, *, clock: bool = False) -> Notation:
    whole = pattern + (_CLOCK if clock else "")
    return Notation(name, re.compile(whole, re.IGNORECASE), unit)


#: Tried in this order: the first that fits every cell is the column's.
NOTATIONS = (
    _of("year", "year", r"(?P<y>[12]\d{3})(?:\.0+)?"),
    _of("year-month-day", "day", rf"{_Y}{_SEP}{_M}(?P=sep){_D}", clock=True),
    _of("yyyymmdd", "day", r"(?P<y>[12]\d{3})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
        r"(?:\.0)?(?:(?:T|\s)?(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?)?"),
    _of("two numbers and the year", "day",
        r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})", clock=True),
    _of("day, month's name, year", "day",
        rf"{_WEEKDAY}{_D}(?:st|nd|rd|th|\.)?[-/.\s]*{_NAME}[-/.,\s]+(?P<y>\d{{4}}|\d\d)",
        clock=True),
    _of("month's name, day, year", "day",
        rf"{_WEEKDAY}{_NAME}[-/.\s]+{_D}(?:st|nd|rd|th)?,?[-/.\s]+{_Y}", clock=True),
    _of("year, month's name, day", "day", rf"{_Y}[-/.\s]+{_NAME}[-/.\s]+{_D}", clock=True),
    _of("year-month", "month", r"(?P<y>[12]\d{3})[-/](?P<m>0?[1-9]|1[0-2])"),
    _of("yyyyMmm", "month", r"(?P<y>[12]\d{3})[\s:-]?M(?P<m>\d{1,2})"),
    _of("yyyymm", "month", r"(?P<y>1[5-9]\d{2}|2[01]\d{2})(?P<m>0[1-9]|1[0-2])"),
    _of("month/year", "month", r"(?P<m>0?[1-9]|1[0-2])[-/.](?P<y>[12]\d{3})"),
    _of("month's name and year", "month", rf"{_NAME}[-/.,\s']*(?P<y>\d{{4}}|\d{{2}})"),
    _of("year and month's name", "month", rf"{_Y}[-/.,\s]*{_NAME}"),
    _of("year and quarter", "quarter", rf"{_Y}[-/:\s]*Q(?P<q>[1-4])"),
    _of("quarter and year", "quarter", r"Q(?P<q>[1-4])[-/:\s]*(?P<y>\d{4}|\d{2})"),
    _of("ISO week", "week", rf"{_Y}[-/\s]*(?:W|KW|week)[-\s]*(?P<w>\d{{1,2}})(?:-?(?P<wd>[1-7]))?"),
    _of("week and year", "week", rf"(?:W|KW|week)[-\s]*(?P<w>\d{{1,2}})[-/,\s]+{_Y}"),
)  # fmt: skip

YEAR_MONTH_DAY = NOTATIONS[1]

#: For a message about a cell that no notation fits.
TRIED = (
    "2020-01-31, 20200131, 31.01.2020, 01/31/2020, 31 Jan 2020, 2020-01, Jan 2020, 2020Q1, "
    "2020-W05, years, each day with or without a clock and a zone, Unix time and numbers"
)


def looks_like_stamp(cell: str) -> bool:
    """Whether a cell is a date, week, month or quarter (a bare number may be anything)."""
    if len(cell) > 60 or (re.fullmatch(r"[\d.]*", cell) and cell.count(".") < 2):
        return False
    for notation in NOTATIONS[1:]:
        match = notation.pattern.fullmatch(cell)
        if match and _names_a_month(match):
            return True
    return False


def _names_a_month(match: re.Match[str]) -> bool:
    name = match.groupdict().get("name")
    return name is None or name.lower() in MONTHS


def fits(notation: Notation, cell: str) -> re.Match[str] | None:
    """Return the match of a cell that is written in a notation."""
    match = notation.pattern.fullmatch(cell)
    return match if match and _names_a_month(match) else None
