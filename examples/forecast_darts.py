"""A model for darts: TimeSeries in and out, one or many, with covariates and samples.

    pip install '.[forecast]' darts
    python examples/forecast_darts.py

As one of darts' global models it has their `backtest`, `historical_forecasts` and `residuals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.models.forecasting.forecasting_model import GlobalForecastingModel
from darts.utils.utils import generate_index

import lstm_native as ln

_LEAST = 8  # rows before darts' first historical forecast


class LSTMNativeModel(GlobalForecastingModel):
    """`ln.forecast.Forecaster` by darts' conventions, for series of one component.

    Parameters
    ----------
    horizon : int
        Steps that it is fitted for; `predict` takes any number.
    season : int or list of int, optional
        By default what is usual for the series' frequency.
    model : str
        "auto", or the name of a method.
    seed : int
    """

    def __init__(
        self, horizon: int = 12, season: Any = None, model: str = "auto", seed: int = 0
    ) -> None:
        super().__init__()
        self.horizon, self.season, self.model, self.seed = horizon, season, model, seed

    def fit(
        self,
        series: Any,
        past_covariates: Any = None,
        future_covariates: Any = None,
        verbose: bool | None = None,
    ) -> LSTMNativeModel:
        """Fit one series or several, with covariates as long at least."""
        super().fit(series, past_covariates, future_covariates, verbose)
        past, future = _listed(past_covariates), _listed(future_covariates)
        self._names = [f"past_{name}" for name in (past[0].components if past else [])]
        self._ahead = [f"future_{name}" for name in (future[0].components if future else [])]
        self._forecaster = ln.forecast.Forecaster(
            self.horizon,
            season=self.season,
            model=self.model,
            past=self._names,
            future=self._ahead,
            seed=self.seed,
            frequency=_alias(_listed(series)[0]),
            show=bool(verbose),
        ).fit(_long(_listed(series), past, future))
        return self

    def predict(
        self,
        n: int,
        series: Any = None,
        past_covariates: Any = None,
        future_covariates: Any = None,
        num_samples: int = 1,
        verbose: bool | None = None,
        predict_likelihood_parameters: bool = False,
        show_warnings: bool = True,
        random_state: int | None = None,
    ) -> Any:
        """Forecast the series fitted, or others without training; or draw samples of them."""
        if series is None:
            series, past_covariates = self.training_series, self.past_covariate_series
            future_covariates = self.future_covariate_series
            if series is None:
                raise ValueError("fitted to several series: pass to predict those to forecast")
        super().predict(n, series, past_covariates, future_covariates, num_samples)
        wanted = _listed(series)
        frame = _long(wanted, _listed(past_covariates), _listed(future_covariates))
        if num_samples > 1:
            seed = random_state or 0
            values = self._forecaster.sample(num_samples, seed, n, data=frame)["value"].to_numpy()
        else:
            values = self._forecaster.predict_panel(frame, n)["forecast"].to_numpy()
        values = values.reshape(len(wanted), num_samples, n)
        found = [self._build(one, each) for one, each in zip(wanted, values, strict=True)]
        return found[0] if isinstance(series, TimeSeries) else found

    def _build(self, series: TimeSeries, values: np.ndarray) -> TimeSeries:
        """Return what follows a series: (samples, steps)."""
        first = series.end_time() + series.freq
        times = generate_index(first, length=values.shape[1], freq=series.freq)
        return TimeSeries.from_times_and_values(
            times, values.T[:, np.newaxis], columns=series.components
        )

    # What darts asks of its models.

    @property
    def extreme_lags(self) -> tuple[int | None, ...]:
        """Rows that are needed before, and given after, the first one forecast."""
        past = (-_LEAST, -1) if self.uses_past_covariates else (None, None)
        future = (-_LEAST, self.horizon - 1) if self.uses_future_covariates else (None, None)
        return (-_LEAST, self.horizon - 1, *past, *future, 0)

    _model_encoder_settings = (None, None, False, False, None, None)
    _target_window_lengths = (_LEAST, 0)
    min_train_samples = 1
    supports_multivariate = False
    supports_past_covariates = supports_future_covariates = True
    supports_probabilistic_prediction = True
    supports_optimized_historical_forecasts = False
    supports_sample_weight = False


def _listed(series: Any) -> list[TimeSeries]:
    if series is None:
        return []
    return [series] if isinstance(series, TimeSeries) else list(series)


def _alias(series: TimeSeries) -> Any:
    return series.freq_str if isinstance(series.time_index, pd.DatetimeIndex) else series.freq


def _long(
    series: Sequence[TimeSeries], past: Sequence[TimeSeries], future: Sequence[TimeSeries]
) -> pd.DataFrame:
    """Return unique_id, ds, y and the covariates; rows that only these know have no y."""
    parts = []
    for place, one in enumerate(series):
        if one.width != 1:
            raise ValueError(f"expected series of one component, got {one.width}")
        columns = {"y": pd.Series(one.values()[:, 0], one.time_index)}
        for prefix, known in (("past_", past), ("future_", future)):
            for name in known[place].components if known else ():
                values = known[place][name].values()[:, 0]
                columns[prefix + name] = pd.Series(values, known[place].time_index)
        frame = pd.DataFrame(columns)
        last = frame.index <= max(each.end_time() for each in (one, *future[place : place + 1]))
        frame = frame[(frame.index >= one.start_time()) & last]
        parts.append(frame.rename_axis("ds").reset_index().assign(unique_id=str(place)))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Forecast a wave with a trend a year ahead, and see how good that would have been before."""
    steps = np.arange(144)
    rng = np.random.default_rng(0)
    values = 100 + steps + 20 * np.sin(steps * np.pi / 6) + rng.normal(0, 3, len(steps))
    times = pd.date_range("2014-01-01", periods=len(steps), freq="MS")
    series = TimeSeries.from_times_and_values(times, values)
    model = LSTMNativeModel(horizon=12).fit(series)
    print(model.predict(12, num_samples=500).quantile([0.1, 0.5, 0.9]).to_dataframe().round(1))
    errors = model.backtest(
        series, start=0.8, forecast_horizon=12, stride=6, retrain=False, last_points_only=False
    )
    print(f"MAPE {np.mean(errors):.1f} %")


if __name__ == "__main__":
    main()
