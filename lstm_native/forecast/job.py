"""The main job: train, back-test on the held-out tail, train on everything, forecast."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import backtest, baselines, network
from lstm_native.forecast.backtest import LEVELS, Score
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster
from lstm_native.forecast.network import Settings
from lstm_native.forecast.series import Series, guess_season
from lstm_native.forecast.transform import Transform, choose_kind

Array = NDArray[np.float64]

_HORIZON = 12
_TIMESTEPS = 96  # chosen on the part of the bundled series before its tail
_SAMPLES = 48_000  # seen by each member in all, unless the epochs are given
_EPOCHS = (2, 20)


@dataclass(frozen=True)
class Wishes:
    """What the user asked for; None where the data decide."""

    horizon: int | None = None
    timesteps: int | None = None
    epochs: int | None = None
    season: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What a run found.

    Attributes
    ----------
    forecaster : Forecaster
        Trained on the whole series.
    scores : dict of str to Score
        Of each method in the back-test, "lstm" first.
    summary : dict
        Data, settings, back-test and seconds, for the report.
    """

    forecaster: Forecaster
    scores: dict[str, Score]
    summary: dict[str, Any]


@dataclass(frozen=True)
class _Fit:
    """What was fitted on the rows before some point."""

    transform: Transform
    linear: baselines.Linear
    network: ln.Sequential

    def predict(self, values: Array, at: NDArray[np.intp], timesteps: int) -> Array:
        """Return forecasts (origins, horizon) on the network's scale."""
        scaled = self.transform.apply(values)
        return network.predict(self.network, backtest.windows_before(scaled, at, timesteps))


def run(series: Series, wishes: Wishes, *, show: bool = False) -> Result:
    """Back-test on the last fifth of a series, then train on all of it.

    Parameters
    ----------
    series : Series
    wishes : Wishes
    show : bool
        Whether progress bars are shown (on stderr).

    Raises
    ------
    DataError
        The series is too short for what is asked.
    """
    began = time.perf_counter()
    values = series.values
    horizon = wishes.horizon or _HORIZON
    start = backtest.split(len(values), horizon, series.source)
    training = values[:start]
    settings = choose_settings(start, horizon, wishes, series.source)
    kind = choose_kind(training)
    season = choose_season(series, training, wishes)
    ridge = _ridge(training, kind, settings)

    before = _fit(training, kind, ridge, settings, "back-test", show)
    trained = time.perf_counter()
    at = backtest.origins(len(values), start, horizon)
    scaled = before.predict(values, at, settings.timesteps)
    forecasts = {"lstm": before.transform.invert(scaled)}
    forecasts |= _baselines(values, at, start, kind, season, settings)
    actual = backtest.windows_after(values, at, horizon)
    scores = {
        name: backtest.score(forecast, actual, training=training)
        for name, forecast in forecasts.items()
    }
    error = (before.transform.apply(actual) - scaled) * before.transform.scale
    tested = time.perf_counter()

    final = _fit(values, kind, ridge, settings, "final", show)
    forecaster = Forecaster(
        network=final.network,
        transform=final.transform,
        timesteps=settings.timesteps,
        horizon=horizon,
        column=series.name,
        errors={level: backtest.error_quantiles(error, level) for level in LEVELS},
    )
    done = time.perf_counter()
    summary = {
        "data": {
            "source": series.source,
            "column": series.name,
            "rows": len(values),
            "first": series.time.label(0),
            "last": series.time.label(len(values) - 1),
            "uneven": series.time.uneven or None,
        },
        "settings": {
            **asdict(settings),
            "season": season,
            "transform": kind,
            "ridge": ridge,
            "parameters": final.network.parameter_count,
        },
        "backtest": {
            "training_rows": start,
            "held_out_rows": len(values) - start,
            "origins": len(at),
            "first_origin": series.time.label(int(at[0])),
            "last_origin": series.time.label(int(at[-1])),
            "scores": {name: asdict(score) for name, score in scores.items()},
        },
        "seconds": {
            "training": trained - began,
            "backtest": tested - trained,
            "final_training": done - tested,
        },
    }
    return Result(forecaster, scores, summary)


def choose_settings(training_rows: int, horizon: int, wishes: Wishes, source: str) -> Settings:
    """Return the settings that were asked for, completed from the number of training rows.

    The window is 96 rows, or a fifth of the training part where that is less. Each member sees
    about 48,000 windows, in no fewer than 2 and no more than 20 epochs.

    Raises
    ------
    DataError
        The window leaves no more training windows than it has rows, too few for a linear fit.
    """
    timesteps = wishes.timesteps or max(1, min(_TIMESTEPS, training_rows // 5))
    samples = training_rows - timesteps - horizon + 1
    if samples <= timesteps:
        longest = (training_rows - horizon) // 2
        raise DataError(
            f"{source}: {timesteps} timesteps leave {max(samples, 0)} training windows, but more "
            f"than {timesteps} are needed; at most {longest} timesteps fit {training_rows} "
            f"training rows and a horizon of {horizon}"
        )
    epochs = wishes.epochs or int(np.clip(round(_SAMPLES / samples), *_EPOCHS))
    return Settings(timesteps=timesteps, horizon=horizon, epochs=epochs, seed=wishes.seed)


def choose_season(series: Series, training: Array, wishes: Wishes) -> int | None:
    """Return the season that was asked for, is known, or shows in the training part.

    Raises
    ------
    DataError
        A season longer than the training part.
    """
    season = wishes.season or series.season or guess_season(training)
    if season is not None and season > len(training):
        raise DataError(
            f"{series.source}: a season of {season} rows is longer than the training part of "
            f"{len(training)} rows"
        )
    return season


def _samples(values: Array, transform: Transform, settings: Settings) -> tuple[Array, Array]:
    x, y = ln.windows(transform.apply(values), settings.timesteps, settings.horizon)
    return x[..., 0], y


def _ridge(training: Array, kind: str, settings: Settings) -> float:
    transform = Transform.fit(training, kind=kind)
    x, y = _samples(training, transform, settings)
    return baselines.choose_ridge(x, y, transform, horizon=settings.horizon)


def _fit(
    values: Array, kind: str, ridge: float, settings: Settings, title: str, show: bool
) -> _Fit:
    transform = Transform.fit(values, kind=kind)
    x, y = _samples(values, transform, settings)
    linear = baselines.fit_linear(x, y, ridge=ridge)
    return _Fit(transform, linear, network.train(x, y, linear, settings, title=title, show=show))


def _baselines(
    values: Array,
    at: NDArray[np.intp],
    start: int,
    kind: str,
    season: int | None,
    settings: Settings,
) -> dict[str, Array]:
    """Return each baseline's forecasts, fitted on the rows before `start`."""
    horizon, timesteps = settings.horizon, settings.timesteps
    found = {"naive": baselines.naive(values, at, horizon)}
    if season is not None:
        found[f"seasonal-naive ({season})"] = baselines.seasonal_naive(
            values, at, horizon, season=season
        )
    for kind_used in dict.fromkeys(["identity", kind]):
        transform = Transform.fit(values[:start], kind=kind_used)
        linear = baselines.fit_linear(*_samples(values[:start], transform, settings))
        windows = backtest.windows_before(transform.apply(values), at, timesteps)
        name = f"linear AR ({timesteps})" + (", square root" if kind_used == "sqrt" else "")
        found[name] = transform.invert(linear.predict(windows))
    return found
