"""Public holidays as future covariates, from the package holidays."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import grid
from lstm_native.forecast.reading.spacing import Spacing
from lstm_native.forecast.reading.table import Array
from lstm_native.forecast.reading.text import shown

_LEAST_AHEAD = 64
_INSTALL = (
    "holidays are read from the package holidays, which is not installed: pip install holidays"
)


def names(country: str, spacing: Spacing) -> list[str]:
    """Return the names of the covariates."""
    if spacing.grid.unit in ("month", "week") or _days(spacing) > 1:
        return [f"holidays {country}"]
    return [f"holiday {country}", f"day before holiday {country}", f"day after holiday {country}"]


def check(country: str, spacing: Spacing, source: str) -> None:
    """Refuse what has no holidays.

    Raises
    ------
    DataError
        The package is missing, does not know the country, or rows are no part of a year.
    """
    if spacing.grid.unit == "number":
        raise DataError(f"{source}: holidays need dates, but the stamps are numbers")
    if spacing.grid.unit == "month" and spacing.grid.step >= 12:
        raise DataError(f"{source}: holidays say nothing about whole years; leave them out")
    _calendar(country, range(2020, 2021))


def ahead(seasons: tuple[int, ...], asked: int | None) -> int:
    """Return how many rows beyond the last value holidays are told."""
    return asked or max(_LEAST_AHEAD, 2 * max(seasons, default=0))


def columns(country: str, spacing: Spacing, index: Any) -> Array:
    """Return the covariates of stamps, (rows, covariates).

    Rows of a day or less tell whether theirs, the next and the last day is a holiday; longer ones
    count the holidays (Saturdays and Sundays aside) in their span. A week that is stamped with a
    Monday begins on it; with another day, it ends on it.
    """
    days = grid.days_of(index)
    if not days.size:
        return np.empty((0, len(names(country, spacing))))
    longest = 7 * spacing.grid.step if spacing.grid.unit == "week" else 31 * max(_days(spacing), 12)
    first, last = np.array([days.min() - longest, days.max() + longest]).astype("datetime64[D]")
    years = range(first.astype(object).year, last.astype(object).year + 1)
    free = np.array(sorted(_calendar(country, years)), dtype="datetime64[D]").astype(np.int64)
    if len(names(country, spacing)) > 1:
        return np.column_stack([np.isin(days + shift, free) for shift in (0, 1, -1)]).astype(
            np.float64
        )
    free = free[(free + 3) % 7 < 5]
    begin, end = _span(spacing, days)
    return (np.searchsorted(free, end) - np.searchsorted(free, begin)).astype(np.float64)[:, None]


def _span(spacing: Spacing, days: grid.Days) -> tuple[grid.Days, grid.Days]:
    """Return the first day of each row, and the first after it."""
    step = spacing.grid.step
    if spacing.grid.unit == "month":
        months = grid.months_of(days)
        begin = months - (step - 1 if spacing.grid.end.endswith("end") else 0)
        return tuple(
            m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
            for m in (begin, begin + step)
        )  # type: ignore[return-value]
    if spacing.grid.unit == "week":
        begins = bool(((days + 3) % 7 == 0).all()) and not spacing.grid.end
        return (days, days + 7 * step) if begins else (days - 7 * step + 1, days + 1)
    return days, days + _days(spacing)


def _days(spacing: Spacing) -> int:
    return int(spacing.grid.step) if spacing.grid.unit in ("day", "business") else 0


def _calendar(country: str, years: range) -> Any:
    try:
        import holidays
    except ImportError:
        raise DataError(_INSTALL) from None
    code, _, part = country.partition("-")
    try:
        return holidays.country_holidays(code, subdiv=part or None, years=years)
    except (NotImplementedError, KeyError, ValueError) as error:
        text = str(error).strip("'\"")[:200]
        raise DataError(
            f"holidays of {shown(country)} are not known ({text}); expected a code such as DE, "
            "or DE-BY for a part of a country"
        ) from None
