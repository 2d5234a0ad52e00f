"""How far apart stamps are: found from the data, also where rows are missing, or as asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.offsets import offset
from lstm_native.forecast.reading import grid
from lstm_native.forecast.reading.grid import Grid
from lstm_native.forecast.reading.stamps import Stamps
from lstm_native.forecast.reading.text import shown

# A grid is believed where at least half of its places are taken, or most rows follow each other.
_TAKEN, _FOLLOWING = 0.5, 0.7
_WORDS = {
    "yearly": "YS", "annual": "YS", "annually": "YS", "quarterly": "QS", "monthly": "MS",
    "weekly": "W", "daily": "D", "business": "B", "hourly": "h", "minutely": "min",
}  # fmt: skip
_OLD = {"M": "ME", "Q": "QE", "A": "YE", "Y": "YE", "AS": "YS", "BM": "BME", "BQ": "BQE",
        "BA": "BYE", "H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns",
        "MIN": "min"}  # fmt: skip
_UNITS = {"year": "YS", "quarter": "QS", "month": "MS", "week": "W-MON", "day": "D"}
_PROPOSED = (
    (1, "s"), (5, "5s"), (10, "10s"), (30, "30s"), (60, "min"), (300, "5min"), (600, "10min"),
    (900, "15min"), (1800, "30min"), (3600, "hourly"), (21_600, "6h"), (86_400, "daily"),
    (604_800, "weekly"), (2_629_800, "monthly"), (7_889_400, "quarterly"), (31_557_600, "yearly"),
)  # fmt: skip
_EXAMPLES = "monthly, weekly, daily, hourly, MS, W-SUN, 15min"


@dataclass(frozen=True)
class Spacing:
    """The grid of a panel, and what of a stamp it leaves aside.

    Attributes
    ----------
    grid : Grid
    clock : int
        Nanoseconds after midnight at which all dates of the grid stand.
    day : int
        Days after the month's first, where months are stamped on another day.
    loose : bool
        Stamps stand anywhere in the grid's months (or what is asked for): the grid's own stamps
        are taken instead.
    """

    grid: Grid
    clock: int = 0
    day: int = 0
    loose: bool = False

    def index(self, places: NDArray[np.int64], zone: Any) -> Any:
        """Return the stamps of places as pandas' index."""
        import pandas as pd

        if self.grid.unit == "number":
            stamps = places * self.grid.step + self.grid.phase
            return pd.Index(stamps)
        dates = self.grid.stamps(places)
        years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
        fine = not years.size or (years.min() >= 1678 and years.max() <= 2261)
        unit = "ns" if fine else "s"
        values = (dates + np.timedelta64(self.day, "D") if self.day else dates).astype(
            f"datetime64[{unit}]"
        )
        if self.clock:
            values = values + np.timedelta64(self.clock, "ns").astype(f"timedelta64[{unit}]")
        index = pd.DatetimeIndex(values)
        if zone is None:
            return index
        if self.grid.unit == "tick":
            return index.tz_localize("UTC").tz_convert(zone)
        return index.tz_localize(
            zone, nonexistent="shift_forward", ambiguous=np.ones(len(index), bool)
        )


def asked(frequency: str | float, stamps: Stamps) -> Spacing:
    """Return the spacing that the user names.

    Raises
    ------
    DataError
        There is no such frequency, or it does not go with the stamps.
    """
    if stamps.numbers is not None:
        try:
            step = float(frequency)
        except ValueError:
            step = 0.0
        if not (step > 0 and np.isfinite(step)):
            raise DataError(
                f"frequency {shown(frequency)} does not go with stamps that are numbers; "
                "expected their distance, a number above 0"
            )
        return Spacing(Grid("number", step, float(stamps.numbers.min())), loose=True)
    found = _named(str(frequency).strip(), stamps)
    if found is None:
        raise DataError(f"unknown frequency {shown(frequency)}; expected one such as {_EXAMPLES}")
    return Spacing(found, loose=True)


def _named(name: str, stamps: Stamps) -> Grid | None:
    """Return the grid of pandas' name of an offset, old or new, or of a word."""
    name = _WORDS.get(name.lower(), name)
    match = re.fullmatch(r"(\d*)\s*([A-Za-z]+)(?:-([A-Za-z]{3}))?", name)
    if not match:
        return None
    times, kind, anchor = int(match[1] or 1), match[2], (match[3] or "").upper()
    kind = _OLD.get(kind, kind) if kind in _OLD else _OLD.get(kind.upper(), kind)
    if times < 1:
        return None
    index = stamps.index
    assert index is not None
    days = grid.days_of(index)
    if kind.upper() == "W":
        weekdays = set(((days + 3) % 7).tolist())
        if not anchor:
            anchor = grid.WEEKDAYS[weekdays.pop()] if len(weekdays) == 1 else "SUN"
        if anchor not in grid.WEEKDAYS:
            return None
        phase = grid.WEEKDAYS.index(anchor) - 3 + 7 * 100_000
        if times > 1:
            phase = int(days.min() + (grid.WEEKDAYS.index(anchor) - 3 - days.min()) % 7)
        return Grid("week", times, phase % 7 if times == 1 else phase, "end")
    month = re.fullmatch(r"(B?)([MQY])([SE])", kind.upper())
    if month:
        business, span, side = month.groups()
        end = {"S": "", "E": "end"}[side]
        if business:
            end = "business end" if side == "E" else "business start"
        step = times * {"M": 1, "Q": 3, "Y": 12}[span]
        phase = 0
        if anchor:
            if anchor not in grid.MONTHS or span == "M":
                return None
            phase = grid.MONTHS.index(anchor)
        elif side == "E" and span != "M":
            phase = 11
        if step > 12 or (step > 1 and span == "M"):
            phase = int(grid.months_of(days).min())
        # A period that is named by its last month begins so many months before.
        return Grid("month", step, phase % step if step <= 12 else phase, end)
    if kind.upper() == "B" and not anchor:
        return Grid("business", times)
    if kind.upper() == "D" and not anchor:
        return Grid("day", times, 0 if times == 1 else int(days.min()))
    try:
        nanoseconds = int(offset(f"{times}{kind}").nanos)
    except (ValueError, AttributeError):
        return None
    return Grid("tick", nanoseconds, 0) if not anchor else None


def found(stamps: Stamps, series: NDArray[np.intp]) -> Spacing | None:
    """Return the spacing that fits all stamps, None where they are unevenly spaced.

    Parameters
    ----------
    stamps : Stamps
    series : ndarray, (rows,)
        Which series each row belongs to: spaces between rows of one series count.
    """
    if stamps.numbers is not None:
        return _of_numbers(stamps.numbers, series)
    index = stamps.index
    assert index is not None
    days, clocks = grid.days_of(index), grid.clocks_of(index)
    same_clock = bool((clocks == clocks[0]).all())
    clock = int(clocks[0])
    if same_clock:
        first: Spacing | None = next(_calendars(days, clock, series, stamps.unit), None)
        if first is not None:
            return first
    if same_clock:
        return None
    nanoseconds = grid._nanoseconds(index)
    step = _common(nanoseconds, series)
    candidate = Grid("tick", step, int(nanoseconds.min()) % step)
    return Spacing(candidate) if _is_full(candidate.places(index), series) else None


def _calendars(days: grid.Days, clock: int, series: NDArray[np.intp], unit: str) -> Any:
    """Yield the spacings of dates that fit, the likeliest first."""
    dates = np.unique(days)
    if len(dates) == 1:
        named = {"year": Grid("month", 12), "quarter": Grid("month", 3), "month": Grid("month"),
                 "week": Grid("week", 1, 4)}.get(unit, Grid("day"))  # fmt: skip
        if named.unit == "month":
            named = Grid("month", named.step, int(grid.months_of(dates)[0]) % named.step)
        yield Spacing(named, clock)
        return
    months = grid.months_of(dates)
    of_month = dates - months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    for end, day in _month_days(dates, months, of_month):
        step = _common(grid.months_of(days), series)
        if step:
            candidate = Grid(
                "month", step, int(months[0]) % step if step <= 12 else int(months[0]), end
            )
            if _is_full((grid.months_of(days) - candidate.phase) // step, series):
                yield Spacing(candidate, clock, day)
    step = _common(days, series)
    if step and step % 7 == 0:
        candidate = Grid("week", step // 7, int(dates[0]) if step > 7 else int(dates[0]) % 7)
        if _is_full(candidate.places(_as_index(days)), series):
            yield Spacing(candidate, clock)
    weekday = (dates + 3) % 7
    crosses = np.ptp((dates + 3) // 7) > 0
    if step == 1 and crosses and (weekday < 5).all():
        places = Grid("business").places(_as_index(days))
        if _is_full(places, series):
            yield Spacing(Grid("business"), clock)
    if step:
        candidate = Grid("day", step, 0 if step == 1 else int(dates[0]))
        if _is_full((days - candidate.phase) // step, series):
            yield Spacing(candidate, clock)
    # The days vary, but there is one row in each month, quarter or year.
    order = np.lexsort((days, series))
    own = np.diff(series[order]) == 0
    steps = np.diff(grid.months_of(days)[order])[own]
    apart = np.diff(days[order])[own] > 0
    steps = steps[apart]
    if steps.size and (steps > 0).all():
        step = int(np.gcd.reduce(steps))
        if step in (1, 3, 6, 12):
            candidate = Grid("month", step, int(months[0]) % step)
            if _is_full(candidate.places(_as_index(days)), series, following=0.9):
                yield Spacing(candidate, loose=True)


def _month_days(dates: grid.Days, months: grid.Places, of_month: Any) -> Any:
    """Yield (end, day after the first) of the days of the month that fit all dates."""
    same = bool((of_month == of_month[0]).all())
    if same and of_month[0] < 27:
        yield "", int(of_month[0])
        return
    for end in ("end", "business end", "business start"):
        if (Grid("month", 1, 0, end).stamps(months).astype(np.int64) == dates).all():
            yield end, 0
    if same:
        yield "", int(of_month[0])


def _as_index(days: grid.Days) -> Any:
    import pandas as pd

    return pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[s]"))


def _common(values: NDArray[np.int64], series: NDArray[np.intp]) -> int:
    """Return the greatest number that divides every distance within a series (and between them)."""
    order = np.lexsort((values, series))
    own = np.diff(series[order]) == 0
    distances = np.diff(values[order])[own]
    apart = np.abs(np.diff(np.unique(values))) if not distances.any() else distances
    step = int(np.gcd.reduce(apart[apart != 0])) if (apart != 0).any() else 0
    if step:  # series that never share a place have no grid in common
        step = int(np.gcd(step, np.gcd.reduce(values - values.min())))
    return step


def _is_full(places: grid.Places, series: NDArray[np.intp], following: float = _FOLLOWING) -> bool:
    """Whether enough of the places between a series' first and last are taken."""
    order = np.lexsort((places, series))
    own = np.diff(series[order]) == 0
    steps = np.diff(places[order])[own]
    steps = steps[steps > 0]
    if not steps.size:
        return True
    return bool(steps.size / steps.sum() >= _TAKEN or (steps == 1).mean() >= following)


def _of_numbers(numbers: NDArray[np.float64], series: NDArray[np.intp]) -> Spacing | None:
    """Return the spacing of numbers that may be rounded, such as decimal years."""
    order = np.lexsort((numbers, series))
    own = np.diff(series[order]) == 0
    distances = np.diff(numbers[order])[own]
    distances = distances[distances > 0]
    if not distances.size:
        return Spacing(Grid("number", 1, float(numbers.min())))
    if (numbers == np.floor(numbers)).all() and np.abs(numbers).max() < 2**53:
        whole = numbers.astype(np.int64)
        step: float = _common(whole, series)
        places = (whole - whole.min()) // int(step)
        phase: float = int(whole.min())
    else:
        usual = float(np.median(distances))
        times = np.round(distances / usual)
        if (np.abs(distances - times * usual) > 0.05 * usual).any() or (times < 1).any():
            return None
        step = float(distances.sum() / times.sum())
        step = float(f"{step:.9g}")
        phase = float(numbers.min())
        places = np.round((numbers - phase) / step).astype(np.int64)
        if (np.abs(numbers - phase - places * step) > 0.25 * step).any():
            return None
    return Spacing(Grid("number", step, phase)) if _is_full(places, series) else None


def uneven_row(stamps: Stamps, series: NDArray[np.intp]) -> tuple[int, int]:
    """Return two rows that follow each other at the most unusual distance."""
    values = _values(stamps)
    order = np.lexsort((values, series))
    distances = np.diff(values[order]).astype(np.float64)
    own = np.flatnonzero((np.diff(series[order]) == 0) & (distances > 0))
    if not own.size:
        own = np.arange(len(distances))
    different, counts = np.unique(distances[own], return_counts=True)
    rarest = different[np.flatnonzero(counts == counts.min())[-1]]
    at = own[np.flatnonzero(distances[own] == rarest)[0]]
    return int(order[at]), int(order[at + 1])


def usual(stamps: Stamps, series: NDArray[np.intp]) -> str:
    """Return the most common distance in words."""
    import pandas as pd

    values = _values(stamps)
    order = np.lexsort((values, series))
    distances = np.diff(values[order])[np.diff(series[order]) == 0]
    different, counts = np.unique(distances[distances > 0], return_counts=True)
    if not different.size:
        return "unknown"
    common = different[np.argmax(counts)]
    return (
        f"{common:g}"
        if stamps.numbers is not None
        else str(pd.Timedelta(int(common), "ns")).removeprefix("0 days ")
    )


def _values(stamps: Stamps) -> NDArray[Any]:
    if stamps.numbers is not None:
        return stamps.numbers
    assert stamps.index is not None
    return grid._nanoseconds(stamps.index)


def proposed(stamps: Stamps, series: NDArray[np.intp]) -> str:
    """Return the frequency that is nearest to the usual distance, to propose it."""
    values = _values(stamps)
    order = np.lexsort((values, series))
    distances = np.diff(values[order])[np.diff(series[order]) == 0]
    distances = distances[distances > 0]
    if not distances.size:
        return "1" if stamps.numbers is not None else "daily"
    middle = float(np.median(distances))
    if stamps.numbers is not None:
        return f"{middle:g}"
    seconds = np.array([second for second, _ in _PROPOSED])
    return _PROPOSED[int(np.abs(np.log(seconds * 1e9 / middle)).argmin())][1]
