"""Where a back-test's forecasts start: origins in the last part of each series."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.panel import Panel, Series

Array = NDArray[np.float64]

#: One in so many rows, the newest, is held out.
HELD_OUT = 5
#: Of so many origins in all, each series has its share, and at least one.
BUDGET = 4000

_MIN_KNOWN = 2  # rows before an origin
_ALIKE = 2  # series of a panel, at most, that tell something of their own: they share their dates


@dataclass(frozen=True, eq=False)
class Origins:
    """Series cut at their origins, and what came after.

    Attributes
    ----------
    names : tuple of str
        Of all series of the panel, also of those too short for an origin.
    training : Panel
        Each series up to its first origin; as it is, if it has none.
    cuts : Panel
        One entry for each origin, the series up to it: its name occurs once for each. It has no
        entry where no series has an origin.
    owner : ndarray of int, (cuts,)
        The index of each cut's series.
    at : ndarray of int, (cuts,)
        The first row foreseen.
    actual : ndarray, (cuts, horizon)
        What came; NaN where it is missing or beyond the series' end.
    """

    names: tuple[str, ...]
    training: Panel
    cuts: Panel
    owner: NDArray[np.intp]
    at: NDArray[np.intp]
    actual: Array

    @property
    def horizon(self) -> int:
        """Steps of each forecast."""
        return int(self.actual.shape[1])

    @property
    def count(self) -> int:
        """Number of origins of all series."""
        return len(self.at)

    def only(self, kept: NDArray[np.bool_]) -> Origins:
        """Return the same with some of the cuts: (cuts,) says which."""
        chosen = [one for one, keep in zip(self.cuts.series, kept.tolist(), strict=True) if keep]
        return dataclasses.replace(
            self,
            cuts=dataclasses.replace(self.cuts, series=tuple(chosen)),
            owner=self.owner[kept],
            at=self.at[kept],
            actual=self.actual[kept],
        )

    def evidence(self) -> Array:
        """Return how many independent forecasts each series' origins amount to: (series,).

        Values foreseen from several origins count once: of 28 held-out values, horizons of 12
        see little more than two.
        """
        known = np.isfinite(self.actual)
        rows = (self.at[:, np.newaxis] + np.arange(self.horizon))[known]
        owners = np.repeat(self.owner, known.sum(axis=1))
        # A number for each row of each series, so that one pass finds those that are different.
        places = np.unique(owners.astype(np.int64) << 40 | rows.astype(np.int64))
        return np.bincount(places >> 40, minlength=len(self.names)) / self.horizon


def together_worth(evidence: Array) -> float:
    """Return how many independent forecasts those of all series, (series,), amount to.

    What holds at one time may not hold at the next, and series of a panel share their dates. (On
    the training parts of M3 what a method gained at one time said little of what it gained at the
    next, however many series there were.)
    """
    series = int(np.count_nonzero(evidence))
    return float(evidence.sum()) / max(1.0, series / _ALIKE)


def first_origin(rows: int, horizon: int) -> int:
    """Return how many rows of a series come before its held-out part.

    A fifth is held out, or the horizon where that is more, but never more than a third. Of fewer
    than three rows nothing is.
    """
    held_out = max(rows // HELD_OUT, min(horizon, rows // 3))
    start = rows - held_out
    return start if start >= _MIN_KNOWN else rows


def find(panel: Panel, horizon: int, *, budget: int = BUDGET) -> Origins:
    """Return the origins of a back-test.

    A single series has all that fit into its held-out part, of many series each has its share of
    `budget`, evenly spaced, the last one such that the horizon just fits. A series too short for
    a whole horizon has one origin, whose forecast is compared as far as the series goes.
    """
    share = max(1, budget // len(panel.series))
    owner, at, training = [], [], []
    for index, series in enumerate(panel.series):
        rows = len(series)
        start = first_origin(rows, horizon)
        last = max(start, rows - horizon)
        count = min(share, last - start + 1) if start < rows else 0
        places = np.unique(np.linspace(last, start, count).round().astype(np.intp))
        kept = []
        for place in places.tolist():
            came = series.values[place : place + horizon]
            if np.isfinite(came).any() and np.isfinite(series.values[:place]).any():
                kept.append(place)
        training.append(kept[0] if kept else rows)
        owner += [index] * len(kept)
        at += kept
    actual = np.full((len(at), horizon), np.nan)
    for line, index, place in zip(actual, owner, at, strict=True):
        came = panel.series[index].values[place : place + horizon]
        line[: len(came)] = came
    cuts = tuple(
        _reaching(panel.series[index].until(place), place + horizon)
        for index, place in zip(owner, at, strict=True)
    )
    return Origins(
        names=tuple(series.name for series in panel.series),
        training=panel.until(training),
        cuts=dataclasses.replace(panel, series=cuts),
        owner=np.array(owner, dtype=np.intp),
        at=np.array(at, dtype=np.intp),
        actual=actual,
    )


def _reaching(series: Series, rows: int) -> Series:
    """Return a series whose future covariates go so far, NaN where they are not known.

    Those of a series that is shorter than the horizon end with it, or before it: its forecast is
    compared no further.
    """
    lacking = rows - len(series.future)
    if lacking <= 0:
        return series
    future = np.pad(series.future, ((0, lacking), (0, 0)), constant_values=np.nan)
    return dataclasses.replace(series, future=future)
