"""Covariates as a network reads them: each on its own scale, 0 where nothing is known.

Those known ahead are read twice: as they are, and as their distance from the last row before the
forecast, since the network foresees distances from that row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel, Series

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scale:
    """Names of covariates of one kind, with the mean and the spread they were seen with."""

    names: tuple[str, ...]
    mean: Array
    spread: Array

    @staticmethod
    def of(names: Sequence[str], values: Sequence[Array]) -> Scale:
        """Measure values, each (rows, covariates)."""
        every = np.concatenate(values)
        known = ~np.isnan(every)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, every, 0.0).sum(axis=0) / count
        square = np.where(known, np.square(every - mean), 0.0).sum(axis=0) / count
        spread = np.where(square > 0.0, np.sqrt(square), 1.0)
        return Scale(tuple(names), mean, spread)

    def apply(self, values: Array) -> Array:
        """Return values on that scale."""
        return np.nan_to_num((values - self.mean) / self.spread, nan=0.0)


@dataclass(frozen=True, eq=False)
class Covariates:
    """What is known beside the values of a panel, ready for the network.

    Attributes
    ----------
    past, future, static : Scale
    """

    past: Scale
    future: Scale
    static: Scale

    @staticmethod
    def of(panel: Panel) -> Covariates:
        """Measure the covariates of a panel."""
        return Covariates(
            Scale.of(panel.past_names, [series.past for series in panel.series]),
            Scale.of(panel.future_names, [series.future for series in panel.series]),
            Scale.of(panel.static_names, [series.static[np.newaxis] for series in panel.series]),
        )

    @property
    def past_count(self) -> int:
        """Columns beside those of the past rows."""
        return len(self.past.names) + self.ahead_count

    @property
    def ahead_count(self) -> int:
        """Columns beside those of the steps ahead."""
        return 2 * len(self.future.names) + len(self.static.names)

    def check(self, panel: Panel, horizon: int) -> None:
        """Refuse a panel with other covariates, or whose future ones end too early.

        Raises
        ------
        DataError
        """
        for kind in ("past", "future", "static"):
            expected, actual = getattr(self, kind).names, getattr(panel, f"{kind}_names")
            if tuple(actual) != expected:
                raise DataError(
                    f"{panel.source} has the {kind} covariates {list(actual)}, but the model was "
                    f"trained with {list(expected)}"
                )
        for series in panel.series:
            ahead = len(series.future) - len(series)
            if self.future.names and ahead < horizon:
                raise DataError(
                    f"{panel.source}: the covariates {list(self.future.names)} of {series.name} "
                    f"are known for {max(ahead, 0)} rows after the last value, but the horizon is "
                    f"{horizon}: give the rows that lack, or forecast fewer"
                )

    def rows(self, series: Series, end: int, timesteps: int, horizon: int) -> tuple[Array, Array]:
        """Return the columns of the rows before `end`, and of those from it on.

        Returns
        -------
        past : ndarray, (timesteps, past_count)
        ahead : ndarray, (horizon, ahead_count)
        """
        static = self.static.apply(series.static)
        start = max(0, end - timesteps)
        future = self.future.apply(series.future[start : end + horizon])
        last = end - start - 1
        twice = np.concatenate([future, future - future[last]], axis=1)

        before = len(self.past.names)
        past = np.zeros((timesteps, self.past_count))
        at = slice(timesteps - (end - start), timesteps)
        past[at, :before] = self.past.apply(series.past[start:end])
        past[at, before : before + twice.shape[1]] = twice[: last + 1]
        past[at, before + twice.shape[1] :] = static
        ahead = np.zeros((horizon, self.ahead_count))
        ahead[: len(twice) - last - 1, : twice.shape[1]] = twice[last + 1 :]
        ahead[:, twice.shape[1] :] = static
        return past, ahead

    def to_plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            kind: {
                "names": list(scale.names),
                "mean": scale.mean.tolist(),
                "spread": scale.spread.tolist(),
            }
            for kind, scale in (
                ("past", self.past),
                ("future", self.future),
                ("static", self.static),
            )
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Covariates:
        """Return what `to_plain` described.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is not such a description.
        """

        def scale(kind: str) -> Scale:
            names = tuple(map(str, plain[kind]["names"]))
            mean = np.asarray(plain[kind]["mean"], dtype=np.float64)
            spread = np.asarray(plain[kind]["spread"], dtype=np.float64)
            if mean.shape != (len(names),) or spread.shape != mean.shape:
                raise ValueError(f"the {kind} covariates need a mean and a spread each")
            if not (np.isfinite(mean).all() and np.isfinite(spread).all() and (spread > 0).all()):
                raise ValueError(f"the {kind} covariates have no scale")
            return Scale(names, mean, spread)

        return Covariates(scale("past"), scale("future"), scale("static"))
