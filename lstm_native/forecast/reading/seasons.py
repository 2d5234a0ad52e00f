"""After how many rows a pattern usually repeats, by the distance of the rows."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86_400, 604_800


def of_months(step: int) -> tuple[int, ...]:
    """Return the seasons of rows that are so many months apart."""
    return (12 // step,) if step < 12 and 12 % step == 0 else ()


def of_weeks(step: int) -> tuple[int, ...]:
    """Return the seasons of rows that are so many weeks apart."""
    return (52 // step,) if step < 26 and 52 % step == 0 else ()


def of_days(step: int) -> tuple[int, ...]:
    """Return the seasons of rows that are so many days apart."""
    if step == 1:
        return (7, 365)
    return (round(365 / step),) if step <= 91 else ()


#: Of Monday to Friday.
BUSINESS = (5, 260)


def of_seconds(step: float) -> tuple[int, ...]:
    """Return the seasons of rows less than a day apart: day and week, or hour and day."""
    spans = (_DAY, _WEEK) if step > _MINUTE else (_HOUR, _DAY) if step >= 10 else (_MINUTE, _HOUR)
    found = [span / step for span in spans]
    return tuple(int(rows) for rows in found if rows == int(rows) and rows > 1)


def of_years(step: float, first: float, last: float) -> tuple[int, ...]:
    """Return the seasons of decimal years (1749.042, 1749.123), which only look like numbers."""
    for rows in (4, 12):
        if abs(step * rows - 1) < 0.03 and first > 1000 and last < 2300:
            return (rows,)
    return ()
