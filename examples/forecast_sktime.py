"""A forecaster for sktime: its horizons, panels, quantiles and `update`.

    pip install '.[forecast]' sktime
    python examples/forecast_sktime.py

It takes what sktime's forecasters take: a Series or one-column frame, or several of them in a frame
with an index of two levels, which are then forecast by one model together. X holds what is known
ahead, beside y in `fit` and for every step as far as the last one in `predict`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

import lstm_native as ln

_PREFIX = "X_"  # of the columns of X in a table with y
QUANTILES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


class LSTMNativeForecaster(BaseForecaster):
    """`ln.forecast.Forecaster` by sktime's conventions.

    Parameters
    ----------
    model : str
        "auto", or the name of a method.
    sp : int or list of int, optional
        Seasonal periodicity; by default what is usual for the index's frequency.
    seed : int
    """

    _tags: ClassVar[dict[str, Any]] = {
        "capability:exogenous": True,
        "capability:insample": False,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:update": True,
        "requires-fh-in-fit": True,
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex"],
    }

    def __init__(self, model: str = "auto", sp: Any = None, seed: int = 0) -> None:
        self.model = model
        self.sp = sp
        self.seed = seed
        super().__init__()

    def _fit(self, y: pd.DataFrame, X: Any, fh: ForecastingHorizon) -> LSTMNativeForecaster:  # noqa: N803
        self._forecaster = ln.forecast.Forecaster(
            int(self._steps(fh).max()),
            season=self.sp,
            quantiles=QUANTILES,
            model=self.model,
            future=() if X is None else [_PREFIX + str(name) for name in X.columns],
            seed=self.seed,
        ).fit(_long(y, X))
        self._column, self._levels = y.columns[0], y.index.names
        self._instances = y.index.get_level_values(0).unique() if y.index.nlevels == 2 else None
        return self

    def _update(self, y: pd.DataFrame, X: Any = None, update_params: bool = True) -> Any:  # noqa: N803
        self._forecaster.update(_long(y, X))  # new rows, without training
        return self

    def _predict(self, fh: ForecastingHorizon, X: Any) -> pd.DataFrame:  # noqa: N803
        values = self._columns(fh, X, ["forecast"])[..., 0]
        return self._framed(fh, values, [self._column])

    def _predict_quantiles(self, fh: ForecastingHorizon, X: Any, alpha: list[float]) -> Any:  # noqa: N803
        if min(alpha) < QUANTILES[0] or max(alpha) > QUANTILES[-1]:
            raise ValueError(f"alpha must be from {QUANTILES[0]} to {QUANTILES[-1]}, got {alpha}")
        known = self._columns(fh, X, [f"q_{q:g}" for q in QUANTILES])
        wanted = np.apply_along_axis(lambda ends: np.interp(alpha, QUANTILES, ends), -1, known)
        columns = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        return self._framed(fh, wanted, columns)

    def _steps(self, fh: ForecastingHorizon) -> np.ndarray:
        return np.asarray(fh.to_relative(self.cutoff).to_numpy(), dtype=int)

    def _columns(self, fh: ForecastingHorizon, X: Any, names: list[str]) -> np.ndarray:  # noqa: N803
        """Return columns of the forecast at the horizon's steps: (series, steps, names)."""
        steps = self._steps(fh)
        future = None
        if X is not None:
            future = _rows(X).assign(**X.add_prefix(_PREFIX).to_dict("list"))
        frame = self._forecaster.predict(int(steps.max()), future)
        values = frame[names].to_numpy().reshape(-1, int(steps.max()), len(names))
        return values[:, steps - 1]

    def _framed(self, fh: ForecastingHorizon, values: np.ndarray, columns: Any) -> pd.DataFrame:
        """Return (series, steps, ...) in sktime's index."""
        index = pd.Index(fh.to_absolute_index(self.cutoff))
        if self._instances is not None:
            rows = [(instance, stamp) for instance in self._instances for stamp in index]
            index = pd.MultiIndex.from_tuples(rows, names=self._levels)
        return pd.DataFrame(values.reshape(len(index), -1), index=index, columns=columns)


def _long(y: pd.DataFrame, X: pd.DataFrame | None) -> pd.DataFrame:  # noqa: N803
    """Return unique_id, ds, y and the columns of X at the same places, of sktime's frames."""
    columns = {} if X is None else X.add_prefix(_PREFIX).reindex(y.index).to_dict("list")
    return _rows(y).assign(y=y.iloc[:, 0].array, **columns)


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return unique_id and ds of sktime's index."""
    stamps = frame.index.get_level_values(-1)
    if isinstance(stamps, pd.PeriodIndex):
        stamps = stamps.to_timestamp()
    names = frame.index.get_level_values(0) if frame.index.nlevels == 2 else ["y"] * len(frame)
    return pd.DataFrame({"unique_id": [str(name) for name in names], "ds": stamps})


def main() -> None:
    """Forecast air passengers, a year ahead."""
    from sktime.datasets import load_airline
    from sktime.performance_metrics.forecasting import mean_absolute_percentage_error
    from sktime.split import temporal_train_test_split

    train, test = temporal_train_test_split(load_airline(), test_size=12)
    forecaster = LSTMNativeForecaster()
    forecast = forecaster.fit(train, fh=range(1, 13)).predict()
    print(forecaster.predict_interval(coverage=0.8).round(1))
    print(f"MAPE {mean_absolute_percentage_error(test, forecast):.3f}")


if __name__ == "__main__":
    main()
