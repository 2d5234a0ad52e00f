"""The method lstm: it keeps the tail unseen, and beats what it must on the sunspots."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from panels import cycle, panel

import lstm_native as ln
from lstm_native.forecast import baselines, highway, linear, origins
from lstm_native.forecast.backtest import judge
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster
from lstm_native.forecast.reading import bundled
from lstm_native.forecast.transform import Transform


def plain_linear(held, plan, kind):
    """Ordinary least squares on one scale, over the network's window."""
    training = held.training.series[0].values
    transform = Transform.fit(training, kind=kind)
    x, y = ln.windows(transform.apply(training), plan.settings.timesteps, held.horizon)
    fitted = linear.fit_linear(x[..., 0], y)
    windows = np.stack([s.values[-plan.settings.timesteps :] for s in held.cuts.series])
    return transform.invert(fitted.predict(transform.apply(windows)))


def test_beats_the_baselines_on_the_sunspots_for_four_of_five_seeds():
    source = bundled()
    held = origins.find(source, 12)
    assert (held.at[0], held.count) == (2496, 624 - 12 + 1)
    assert source.frequency.seasons == (132,)
    better = []
    for seed in range(5):
        plan = highway.make_plan(held.training.series[0].values, 12, seed=seed)
        network = highway.train(held.training.series[0].values, plan)
        mae = {
            name: judge(name, forecast, held).score.mae
            for name, forecast in {
                "lstm": network.predict(held.cuts, 12),
                "naive": baselines.naive(held.cuts, 12),
                "seasonal-naive": baselines.seasonal_naive(held.cuts, 12),
                "linear": plain_linear(held, plan, "identity"),
                "root": plain_linear(held, plan, "sqrt"),
            }.items()
        }
        assert mae["lstm"] < 0.85 * mae["naive"]
        assert mae["lstm"] < 0.85 * mae["seasonal-naive"]
        # In both scales, though the square root alone is known to help the linear one.
        better.append(mae["lstm"] <= min(mae["linear"], mae["root"]))
    assert sum(better) >= 4


def test_nothing_is_settled_by_a_look_at_the_tail():
    values = cycle(200) - 100.0  # so that errors are in the unit of the series
    other = values.copy()
    other[160:] = np.random.default_rng(2).normal(500.0, 300.0, 40)
    plans, forecasts = [], []
    for rows in (values, other):
        held = origins.find(panel(rows), 12)
        plans.append(highway.make_plan(held.training.series[0].values, 12, epochs=1))
        network = highway.train(held.training.series[0].values, plans[-1])
        # The first origin's forecast sees no row of the tail.
        forecasts.append(network.predict(held.cuts, 12)[0])
    assert plans[0] == plans[1]
    np.testing.assert_array_equal(forecasts[0], forecasts[1])


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(4, model="lstm", epochs=2).fit(panel(cycle(150)))


def test_final_network_has_learned_from_the_tail_too(fitted):
    """Its scale is that of all rows, not of the training part."""
    transform = fitted.fitted.trained["lstm"].transform
    assert transform.kind == "identity"
    assert transform.offset == pytest.approx(cycle(150).mean(), rel=1e-12)


@pytest.mark.parametrize(
    "values",
    [np.full(100, 3.7), -cycle(100), np.arange(100.0), np.exp(np.arange(150) / 10.0)],
    ids=["constant", "negative", "line", "exponential"],
)
def test_any_series_gives_a_finite_forecast(values):
    found = Forecaster(3, model="lstm", epochs=1).fit(panel(values))
    forecast = found.predict()["forecast"]
    assert np.isfinite(forecast).all()
    if np.ptp(values) == 0.0:
        np.testing.assert_array_equal(forecast, 3.7)
        assert found.backtest["lstm"].score.mae == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 12}, "x.csv has 90 rows; a horizon of 12 needs at least 95"),
        ({"horizon": 40}, "a horizon of 40 needs at least 235"),
        (
            {"horizon": 4, "timesteps": 35},
            "35 timesteps leave 34 training windows, but more than 35 are needed; "
            "at most 34 timesteps fit 72 training rows and a horizon of 4",
        ),
        ({"horizon": 4, "timesteps": 500}, "500 timesteps leave 0 training windows"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(options, message):
    with pytest.raises(DataError, match=message):
        Forecaster(model="lstm", **options).fit(panel(cycle(90)))


def test_the_longest_window_that_is_named_does_fit():
    plan = highway.make_plan(cycle(90)[:72], 4, timesteps=34)
    assert plan.settings.timesteps == 34


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda p: panel(cycle(100), cycle(100)), "takes one series, but x.csv has 2"),
        (lambda p: panel(np.r_[cycle(99), np.nan]), "no missing values, but x.csv has 1"),
        (lambda p: dataclasses.replace(p, past_names=("price",)), "takes no covariates"),
        (lambda p: p, ""),
    ],
)
def test_what_it_does_not_take_is_said(rows, message):
    found = highway.refusal(rows(panel(cycle(100))), 3)
    assert message in found
    assert bool(found) == bool(message)


def test_a_long_series_is_tried_by_it_and_a_short_one_is_not(monkeypatch):
    from lstm_native.forecast.methods import Request, candidates

    assert "lstm" in candidates(panel(cycle(400)), Request(12))
    assert "lstm" not in candidates(panel(cycle(399)), Request(12))
    assert "lstm" in candidates(panel(cycle(120)), Request(12, epochs=3))
    assert "tuned" not in candidates(panel(cycle(2000)), Request(12))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.linspace(-3.0, 5.0, 24), r"y\.csv has negative values \(-3\)"),
        (np.zeros(10), r"y\.csv has 10 rows, but the model looks back 24"),
        (np.full(24, np.nan), r"y\.csv has missing values in its last 24 rows"),
    ],
)
def test_rows_that_the_network_cannot_follow(fitted, values, message):
    network = fitted.fitted.trained["lstm"]
    rooted = dataclasses.replace(
        network, transform=dataclasses.replace(network.transform, kind="sqrt")
    )
    with pytest.raises(DataError, match=message):
        rooted.predict(panel(values, source="y.csv"), 4)


def test_a_longer_horizon_than_it_was_trained_for(fitted):
    with pytest.raises(DataError, match="trained for a horizon of 4, not 5"):
        fitted.predict(5)
    assert len(fitted.predict(2)) == 2
