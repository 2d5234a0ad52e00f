"""Evenly spaced grids of stamps: the place of each stamp on one, and the stamp of each place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.panel import Frequency
from lstm_native.forecast.reading import seasons

if TYPE_CHECKING:
    import pandas as pd

Places = NDArray[np.int64]
Days = NDArray[np.int64]  # since 1970-01-01

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class Grid:
    """Rows that are `step` units apart; places are whole numbers.

    Attributes
    ----------
    unit : {"month", "week", "day", "business", "tick", "number"}
        A tick is a nanosecond.
    step : int or float
    phase : int or float
        The unit, counted from 1970 (numbers: from 0), at which place 0 is.
    end : {"", "end", "business end", "business start"}
        Which day of its month stands for a month; "" for the first.
    """

    unit: str
    step: Any = 1
    phase: Any = 0
    end: str = ""

    def places(self, index: Any) -> Any:
        """Return the places of stamps, of those before it where a stamp is between two."""
        if self.unit == "number":
            return np.round((index - self.phase) / self.step).astype(np.int64)
        if self.unit == "tick":
            return (_nanoseconds(index) - self.phase) // self.step
        days = days_of(index)
        if self.unit == "month":
            since = months_of(days) - self.phase
            # A quarter or year that is named by its end goes before it.
            return -(-since // self.step) if self.end.endswith("end") else since // self.step
        if self.unit == "week":
            return (
                -((self.phase - days) // (7 * self.step))
                if self.end
                else (days - self.phase) // (7 * self.step)
            )
        if self.unit == "business":
            return _business_days(days) // self.step
        return (days - self.phase) // self.step

    def stamps(self, places: Any) -> Any:
        """Return the dates at places, without clock; nanoseconds for ticks."""
        if self.unit == "tick":
            return (places * self.step + self.phase).astype("datetime64[ns]")
        if self.unit == "month":
            months = (places * self.step + self.phase).astype("datetime64[M]")
            if not self.end:
                return months.astype("datetime64[D]")
            if self.end == "business start":
                return np.busday_offset(months.astype("datetime64[D]"), 0, roll="forward")
            last = (months + 1).astype("datetime64[D]") - 1
            return last if self.end == "end" else np.busday_offset(last, 0, roll="backward")
        if self.unit == "week":
            return (places * 7 * self.step + self.phase).astype("datetime64[D]")
        if self.unit == "business":
            monday = np.datetime64("1970-01-05", "D")
            return np.busday_offset(monday, places * self.step)
        return (places * self.step + self.phase).astype("datetime64[D]")

    def frequency(self, *, first: float = 0.0, last: float = 0.0) -> Frequency:
        """Return the frequency of the grid's rows; `first` and `last` are stamps of numbers."""
        step = self.step
        if self.unit == "number":
            return Frequency(None, float(step), seasons.of_years(step, first, last))
        if self.unit == "month":
            return Frequency(self._month_alias(), seasons=seasons.of_months(step))
        if self.unit == "week":
            weekday = WEEKDAYS[(self.phase + 3) % 7]
            return Frequency(f"{_times(step)}W-{weekday}", seasons=seasons.of_weeks(step))
        if self.unit == "business":
            usual = seasons.BUSINESS if step == 1 else ()
            return Frequency(f"{_times(step)}B", seasons=usual)
        if self.unit == "day":
            return Frequency(f"{_times(step)}D", seasons=seasons.of_days(step))
        return Frequency(_tick_alias(step), seasons=seasons.of_seconds(step / 1e9))

    def _month_alias(self) -> str:
        kind = {"": "S", "end": "E", "business end": "E", "business start": "S"}[self.end]
        business = "B" if self.end.startswith("business") else ""
        month = self.phase % self.step if self.step in (3, 12) else 0
        if self.step == 12:
            return f"{business}Y{kind}-{MONTHS[month]}"
        if self.step == 3:
            # pandas names a quarter's frequency by the last of the months it may begin or end in.
            return f"{business}Q{kind}-{MONTHS[month + 9]}"
        if business:
            return f"{_times(self.step)}BM{kind}"
        return f"{_times(self.step)}M{kind}"


def days_of(index: Any) -> Days:
    """Return the local dates of an index, in days since 1970."""
    import pandas as pd

    local = index.tz_localize(None) if getattr(index, "tz", None) is not None else index
    return np.asarray(pd.DatetimeIndex(local).to_numpy().astype("datetime64[D]").astype(np.int64))


def months_of(days: Days) -> Places:
    """Return the months since January 1970 that days are in."""
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))


def clocks_of(index: pd.DatetimeIndex) -> NDArray[np.int64]:
    """Return the nanoseconds since local midnight."""
    local = index.tz_localize(None) if index.tz is not None else index
    values = local.to_numpy()
    since = values - values.astype("datetime64[D]")
    return np.asarray(since.astype("timedelta64[ns]").astype(np.int64))


def _nanoseconds(index: pd.DatetimeIndex) -> NDArray[np.int64]:
    utc = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
    return np.asarray(utc.to_numpy().astype("datetime64[ns]").astype(np.int64))


def _business_days(days: Days) -> Places:
    """Return the Mondays to Fridays since Monday 1970-01-05; a weekend counts as its Friday."""
    weeks, weekday = np.divmod(days - 4, 7)
    return np.asarray(5 * weeks + np.minimum(weekday, 4))


def _times(step: int) -> str:
    return "" if step == 1 else str(step)


def _tick_alias(step: int) -> str:
    for name, size in (
        ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000),
        ("us", 1_000), ("ns", 1),
    ):  # fmt: skip
        if step % size == 0:
            return f"{_times(step // size)}{name}"
    raise AssertionError(step)
