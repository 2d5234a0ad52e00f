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
class Plan:
    """What is settled before any network is trained, from the rows before the tail alone.

    Attributes
    ----------
    start : int
        The first held-out row.
    settings : Settings
    kind : str
        Of the transform.
    ridge : float
    season : int or None
    """

    start: int
    settings: Settings
    kind: str
    ridge: float
    season: int | None


@dataclass(frozen=True)
class BackTest:
    """What the held-out tail has shown.

    Attributes
    ----------
    origins : ndarray, (origins,)
        The first foreseen row of each forecast.
    scores : dict of str to Score
        Of each method, "lstm" first.
    errors : ndarray, (origins, horizon)
        Of the network: actual minus forecast, both seen through the transform's root.
    """

    origins: NDArray[np.intp]
    scores: dict[str, Score]
    errors: Array


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
    plan = make_plan(series, wishes)
    test = back_test(series.values, plan, show=show)
    tested = time.perf_counter()
    transform, trained = _fit(series.values, plan, "final", show)
    forecaster = Forecaster(
        network=trained,
        transform=transform,
        timesteps=plan.settings.timesteps,
        horizon=plan.settings.horizon,
        column=series.name,
        errors={level: backtest.error_quantiles(test.errors, level) for level in LEVELS},
    )
    seconds = {"backtest": tested - began, "final_training": time.perf_counter() - tested}
    summary = {**_summary(series, plan, test), "seconds": seconds}
    summary["settings"]["parameters"] = trained.parameter_count
    return Result(forecaster, test.scores, summary)


def make_plan(series: Series, wishes: Wishes) -> Plan:
    """Settle everything that is not trained, without a look at the tail; errors as `run`."""
    horizon = wishes.horizon or _HORIZON
    start = backtest.split(len(series), horizon, series.source)
    training = series.values[:start]
    settings = choose_settings(start, horizon, wishes, series.source)
    kind = choose_kind(training)
    transform = Transform.fit(training, kind=kind)
    x, y = _samples(training, transform, settings)
    ridge = baselines.choose_ridge(x, y, transform, horizon=horizon)
    return Plan(start, settings, kind, ridge, choose_season(series, training, wishes))


def back_test(values: Array, plan: Plan, *, show: bool = False) -> BackTest:
    """Train on the rows before the tail, and forecast from every origin in it."""
    horizon, timesteps = plan.settings.horizon, plan.settings.timesteps
    training = values[: plan.start]
    at = backtest.origins(len(values), plan.start, horizon)
    actual = backtest.windows_after(values, at, horizon)
    transform, trained = _fit(training, plan, "back-test", show)
    windows = backtest.windows_before(transform.apply(values), at, timesteps)
    scaled = network.predict(trained, windows)
    forecasts = {"lstm": transform.invert(scaled), **_baselines(values, at, plan)}
    scores = {
        name: backtest.score(forecast, actual, training=training)
        for name, forecast in forecasts.items()
    }
    return BackTest(at, scores, (transform.apply(actual) - scaled) * transform.scale)


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


def _fit(values: Array, plan: Plan, title: str, show: bool) -> tuple[Transform, ln.Sequential]:
    transform = Transform.fit(values, kind=plan.kind)
    x, y = _samples(values, transform, plan.settings)
    linear = baselines.fit_linear(x, y, ridge=plan.ridge)
    return transform, network.train(x, y, linear, plan.settings, title=title, show=show)


def _baselines(values: Array, at: NDArray[np.intp], plan: Plan) -> dict[str, Array]:
    """Return each baseline's forecasts, fitted on the rows before the tail."""
    horizon, timesteps = plan.settings.horizon, plan.settings.timesteps
    found = {"naive": baselines.naive(values, at, horizon)}
    if plan.season is not None:
        found[f"seasonal-naive ({plan.season})"] = baselines.seasonal_naive(
            values, at, horizon, season=plan.season
        )
    training = values[: plan.start]
    for kind in dict.fromkeys(["identity", plan.kind]):
        transform = Transform.fit(training, kind=kind)
        linear = baselines.fit_linear(*_samples(training, transform, plan.settings))
        windows = backtest.windows_before(transform.apply(values), at, timesteps)
        name = f"linear AR ({timesteps})" + (", square root" if kind == "sqrt" else "")
        found[name] = transform.invert(linear.predict(windows))
    return found


def _summary(series: Series, plan: Plan, test: BackTest) -> dict[str, Any]:
    label = series.time.label
    rows = len(series)
    return {
        "data": {
            "source": series.source,
            "column": series.name,
            "rows": rows,
            "first": label(0),
            "last": label(rows - 1),
            "note": series.time.note or None,
        },
        "settings": {
            **asdict(plan.settings),
            "season": plan.season,
            "transform": plan.kind,
            "ridge": plan.ridge,
        },
        "backtest": {
            "training_rows": plan.start,
            "held_out_rows": rows - plan.start,
            "origins": len(test.origins),
            "first_origin": label(int(test.origins[0])),
            "last_origin": label(int(test.origins[-1])),
            "scores": {name: asdict(score) for name, score in test.scores.items()},
        },
    }
