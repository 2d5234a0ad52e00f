"""Bare numbers that are plainly stamps: years, months as 202401, days as 20240131."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import pairwise

from lstm_native.forecast.reading.table import MISSING, Column

_FEWEST = 3  # different stamps
_YEARS = (1500, 2200)
_MONTHS = (1, 2, 3, 4, 6, 12)  # apart
_BARE = re.compile(r"(\d{4})(\d{2})?(\d{2})?(?:\.0+)?")


def counts_time(column: Column, *, first: bool) -> str | None:
    """Return "years", "months" or "days" if a column's numbers plainly are, or all but few.

    Their different values follow each other at one distance, most of them, as those of a series
    hardly ever do; and where few come twice, they go up, or down, throughout.

    Parameters
    ----------
    column : Column
    first : bool
        Whether it stands first in its table: then years need not be one apart.
    """
    if column.stamps is not None:
        return None
    cells = [cell for cell in column.labels().tolist() if cell.lower() not in MISSING]
    shapes = Counter(_shape(cell) for cell in cells)
    shape = max(shapes, key=lambda kind: shapes[kind], default=None)
    if shape is None or len(cells) - shapes[shape] > max(1, len(cells) // 10):
        return None
    found = [_place(cell) for cell in cells if _shape(cell) == shape]
    places = sorted(set(found))
    if len(places) < _FEWEST or len(places) < 2 * (len(cells) - shapes[shape]):
        return None
    apart = Counter(b - a for a, b in pairwise(places))
    usual, times = apart.most_common(1)[0]
    if 2 * times <= len(places) - 1:
        return None
    if shape == "years" and usual != 1 and not (first and len(apart) == 1):
        return None
    if shape == "months" and usual not in _MONTHS:
        return None
    few = len(found) - len(places) <= max(1, len(found) // 10)  # an error, or one of aggregation
    if few and found not in (sorted(found), sorted(found, reverse=True)):
        return None
    return shape


def _shape(cell: str) -> str | None:
    match = _BARE.fullmatch(cell)
    if match is None or not _YEARS[0] <= int(match[1]) <= _YEARS[1]:
        return None
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None
    return "days" if match[3] else "months" if match[2] else "years"


def _place(cell: str) -> int:
    match = _BARE.fullmatch(cell)
    assert match is not None
    year = int(match[1])
    if match[3]:
        return date(year, int(match[2]), int(match[3])).toordinal()
    return 12 * year + int(match[2]) if match[2] else year
