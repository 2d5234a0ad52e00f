"""What a forecaster was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import conformal, methods
from lstm_native.forecast.backtest import LEVELS
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.frames import Names
from lstm_native.forecast.horizons import whole, with_seasons
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.reading import read_table

Array = NDArray[np.float64]


class Settings:
    """The settings of a `Forecaster`, which describes them, checked when they are given."""

    def __init__(
        self,
        horizon: int | None = None,
        *,
        season: int | Sequence[int] | None = None,
        quantiles: Sequence[float] | None = None,
        levels: Sequence[int] = LEVELS,
        model: str = "auto",
        id_col: str = "unique_id",
        time_col: str = "ds",
        target_col: str = "y",
        frequency: str | float | None = None,
        past: Sequence[str] = (),
        future: Sequence[str] = (),
        static: Sequence[str] = (),
        holidays: str | None = None,
        tune: bool | None = None,
        timesteps: int | None = None,
        epochs: int | None = None,
        seed: int = 0,
        show: bool = False,
    ) -> None:
        if model != "auto" and model not in methods.NAMES:
            raise DataError(f"unknown model '{model}': choose auto, {', '.join(methods.NAMES)}")
        self.horizon = None if horizon is None else whole("horizon", horizon)
        self.season = season
        if season is not None:
            rows = np.atleast_1d(np.asarray(season)).tolist()
            if not rows:
                raise DataError("season is empty: give a number of rows, or leave it out")
            for each in rows:
                whole("season", each)
        self.quantiles = None if quantiles is None else tuple(sorted(map(float, quantiles)))
        self.levels = tuple(sorted(levels))
        self.model = model
        self.frequency = frequency
        self.past, self.future, self.static = _names(past), _names(future), _names(static)
        self.holidays = holidays
        self.tune = tune
        self.timesteps, self.epochs = timesteps, epochs
        self.seed = seed
        self.show = show
        self._names = Names(id_col, time_col, target_col)
        if self.quantiles == () or (self.quantiles is None and not self.levels):
            raise DataError(
                "nothing would say how sure the forecast is: give quantiles or levels, or leave "
                "both out"
            )
        for level in self.levels:
            if level != int(level) or not 0 < level < 100:
                raise DataError(f"level {level} is not a whole percent between 0 and 100")
        for quantile in self.quantiles or ():
            if not 0.0 < quantile < 1.0:
                raise DataError(f"quantile {quantile} is not between 0 and 1")

    def _plain(self) -> dict[str, Any]:
        """Return what the constructor took, as JSON can hold it."""
        return {
            "horizon": self.horizon,
            "season": None if self.season is None else np.atleast_1d(self.season).tolist(),
            "quantiles": self.quantiles,
            "levels": self.levels,
            "model": self.model,
            "id_col": self._names.id,
            "time_col": self._names.time,
            "target_col": self._names.target,
            "frequency": self.frequency,
            "past": self.past,
            "future": self.future,
            "static": self.static,
            "holidays": self.holidays,
            "tune": self.tune,
            "timesteps": self.timesteps,
            "epochs": self.epochs,
            "seed": self.seed,
        }

    def _read(self, data: Any, **options: Any) -> Panel:
        if isinstance(data, Panel):
            return data if self.season is None else with_seasons(data, self.season)
        columns = set(map(str, getattr(data, "columns", ())))
        roles = {"id": "unique_id", "time": "ds", "column": "y"}
        for role, usual in roles.items():
            name = getattr(self._names, {"column": "target"}.get(role, role))
            if name in columns or name != usual:  # a usual name may be missing
                options[role] = name
        for role in ("past", "future", "static", "holidays"):
            if getattr(self, role):
                options[role] = getattr(self, role)
        options.setdefault("frequency", self.frequency)
        options.setdefault("season", self.season)
        return read_table(data, **options)

    def _wanted(self) -> tuple[float, ...]:
        if self.quantiles is not None:
            return self.quantiles
        return tuple(end for level in self.levels for end in conformal.ends(level))

    def _columns(self, levels: tuple[float, ...], middle: Array, bounds: Array) -> dict[str, Array]:
        """Return the columns of a forecast; `levels` are the quantiles that the bounds are."""
        found = {"forecast": middle}
        if self.quantiles is not None:
            for quantile in self.quantiles:
                place = None if quantile == 0.5 else levels.index(quantile)
                found[f"q_{quantile:g}"] = middle if place is None else bounds[..., place]
            return found
        for level in self.levels:
            low, high = conformal.ends(level)
            found[f"low_{level}"] = bounds[..., levels.index(low)]
            found[f"high_{level}"] = bounds[..., levels.index(high)]
        return found


def _names(value: Sequence[str] | str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
