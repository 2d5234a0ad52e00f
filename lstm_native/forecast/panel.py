"""Many evenly spaced series, as every method of forecasting takes them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.offsets import offset

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Frequency:
    """How far apart the rows of all series are, and after how many of them a pattern may repeat.

    Attributes
    ----------
    alias : str or None
        pandas' name of the offset ("MS", "D", "W-SUN", "h", "QE-DEC", "YS", "B", "15min"); None
        where the stamps are numbers, or where there are none.
    step : float
        The distance of numeric stamps; 1 for rows that are merely counted.
    seasons : tuple of int
        Rows of the periods that are usual for such data, shortest first: (12,) for months,
        (24, 168) for hours, (7, 365) for days, () for years. Whether a series repeats itself is
        for a method to find out.
    """

    alias: str | None
    step: float = 1.0
    seasons: tuple[int, ...] = ()

    def after(self, stamps: Any, count: int) -> Any:
        """Return the `count` stamps that follow the last of `stamps`."""
        import pandas as pd

        last = stamps[-1]
        if self.alias is None:
            step = int(self.step) if self.step == int(self.step) else self.step
            return pd.Index(last + step * np.arange(1, count + 1))
        every = offset(self.alias)
        if self.alias[-1] in "hns":  # the clock may be changed, hours are not
            return pd.date_range(last, periods=count + 1, freq=every)[1:]
        # Months may be stamped on any of their days, and every date at any time of the day.
        local = last.tz_localize(None)
        base = every.rollback(local.normalize())
        unit: Any = {} if 1678 <= last.year < 2200 else {"unit": "s"}
        dates = pd.date_range(base, periods=count + 1, freq=every, **unit)[1:] + (local - base)
        if last.tz is None:
            return dates
        return dates.tz_localize(last.tz, nonexistent="shift_forward", ambiguous=[True] * count)


@dataclass(frozen=True, eq=False)
class Series:
    """One series and what is known beside it.

    Attributes
    ----------
    name : str
        Its unique_id.
    stamps : DatetimeIndex or Index, (rows,)
        Evenly spaced by the panel's frequency, oldest first.
    values : ndarray, (rows,)
        NaN where nothing is known.
    past : ndarray, (rows, past covariates)
        Known as far as the values are.
    future : ndarray, (rows + ahead, future covariates)
        Known `ahead` rows further than the values.
    static : ndarray, (static covariates,)
        Known once for the series.
    """

    name: str
    stamps: pd.Index
    values: Array
    past: Array
    future: Array
    static: Array

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    def until(self, rows: int) -> Series:
        """Return the first rows, as if no more were known but the future covariates."""
        return dataclasses.replace(
            self, stamps=self.stamps[:rows], values=self.values[:rows], past=self.past[:rows]
        )


@dataclass(frozen=True, eq=False)
class Panel:
    """Series of one frequency.

    Attributes
    ----------
    series : tuple of Series
        At least one; no name occurs twice.
    frequency : Frequency
    target : str
        What the values are called.
    past_names, future_names, static_names : tuple of str
        The covariates' names, in the order of the arrays' columns.
    source : str
        Where the data come from, for messages.
    notes : tuple of str
        What was done to the data, and the user should know: a sentence each.
    """

    series: tuple[Series, ...]
    frequency: Frequency
    target: str = "y"
    past_names: tuple[str, ...] = ()
    future_names: tuple[str, ...] = ()
    static_names: tuple[str, ...] = ()
    source: str = "the data"
    notes: tuple[str, ...] = ()

    def until(self, rows: Any) -> Panel:
        """Return the panel with each series cut after so many rows (one number, or one each)."""
        counts = np.broadcast_to(rows, (len(self.series),)).tolist()
        cut = tuple(s.until(count) for s, count in zip(self.series, counts, strict=True))
        return dataclasses.replace(self, series=cut)

    @staticmethod
    def of(
        values: list[Array], *, seasons: tuple[int, ...] = (), source: str = "the data"
    ) -> Panel:
        """Return a panel of plain arrays, whose rows are counted from 1."""
        import pandas as pd

        series = tuple(
            Series(
                name=str(index + 1),
                stamps=pd.RangeIndex(1, len(array) + 1),
                values=np.asarray(array, dtype=np.float64),
                past=np.empty((len(array), 0)),
                future=np.empty((len(array), 0)),
                static=np.empty(0),
            )
            for index, array in enumerate(values)
        )
        return Panel(series, Frequency(None, 1.0, seasons), source=source)
