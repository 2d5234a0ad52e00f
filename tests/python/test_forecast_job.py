"""The main job as a whole: it keeps the tail unseen, and beats what it must on the sunspots."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from product import assert_same_bits

from lstm_native.forecast import job
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster
from lstm_native.forecast.job import Wishes
from lstm_native.forecast.series import Series, bundled
from lstm_native.forecast.timeaxis import without_stamps


def series(values, **options):
    return Series(np.asarray(values, float), "v", without_stamps(len(values)), "x.csv", **options)


def cycle(rows, seed=1):
    rng = np.random.default_rng(seed)
    steps = np.arange(rows)
    return 20.0 + 0.05 * steps + 5.0 * np.sin(2 * np.pi * steps / 12) + rng.standard_normal(rows)


@pytest.fixture(scope="module")
def result():
    return job.run(series(cycle(150)), Wishes(horizon=4, epochs=2))


def test_beats_the_baselines_on_the_sunspots_for_four_of_five_seeds():
    source = bundled()
    better = []
    for seed in range(5):
        plan = job.make_plan(source, Wishes(seed=seed))
        assert (plan.start, plan.settings.horizon, plan.season) == (2496, 12, 132)
        test = job.back_test(source.values, plan)
        assert len(test.origins) == 624 - 12 + 1
        mae = {name: score.mae for name, score in test.scores.items()}
        assert mae["lstm"] < 0.85 * mae["naive"]
        assert mae["lstm"] < 0.85 * mae["seasonal-naive (132)"]
        # In both scales, though the square root alone is known to help the linear one.
        linear = [mae["linear AR (96)"], mae["linear AR (96), square root"]]
        better.append(mae["lstm"] <= min(linear))
    assert sum(better) >= 4


def test_nothing_is_settled_by_a_look_at_the_tail():
    values = cycle(200) - 100.0  # so that errors are in the unit of the series
    other = values.copy()
    other[160:] = np.random.default_rng(2).normal(500.0, 300.0, 40)
    wishes = Wishes(epochs=1)
    plans = [job.make_plan(series(v), wishes) for v in (values, other)]
    assert plans[0] == plans[1]
    # The first origin's forecast sees no row of the tail, so only what came after may differ.
    errors = [job.back_test(v, plans[0]).errors[0] for v in (values, other)]
    came = [v[160:172] for v in (values, other)]
    np.testing.assert_allclose(came[0] - errors[0], came[1] - errors[1], rtol=1e-9)


def test_file_forecasts_the_same_bits(result, tmp_path):
    path = tmp_path / "model.safetensors"
    result.forecaster.save(path)
    loaded = Forecaster.load(path)
    values = cycle(60, seed=9)
    expected = result.forecaster.forecast(values, source="x")
    found = loaded.forecast(values, source="x")
    assert_same_bits(found.values, expected.values)
    assert list(found.bounds) == [80, 95]
    for level, bounds in expected.bounds.items():
        for actual, bound in zip(found.bounds[level], bounds, strict=True):
            assert_same_bits(actual, bound)


def test_intervals_are_nested_around_the_forecast(result):
    forecast = result.forecaster.forecast(cycle(150), source="x")
    (low80, high80), (low95, high95) = forecast.bounds[80], forecast.bounds[95]
    assert (low95 <= low80).all()
    assert (low80 <= forecast.values).all()
    assert (forecast.values <= high80).all()
    assert (high80 <= high95).all()


def test_final_network_has_learned_from_the_tail_too(result):
    """Its scale is that of all rows, not of the training part."""
    transform = result.forecaster.transform
    assert transform.kind == "identity"
    assert transform.offset == pytest.approx(cycle(150).mean(), rel=1e-12)


@pytest.mark.parametrize(
    "values",
    [np.full(100, 3.7), -cycle(100), np.arange(100.0), np.exp(np.arange(150) / 10.0)],
    ids=["constant", "negative", "line", "exponential"],
)
def test_any_series_gives_a_finite_forecast(values):
    found = job.run(series(values), Wishes(horizon=3, epochs=1))
    forecast = found.forecaster.forecast(values, source="x")
    assert np.isfinite(forecast.values).all()
    if np.ptp(values) == 0.0:
        np.testing.assert_array_equal(forecast.values, 3.7)
        assert found.scores["lstm"].mae == 0.0


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(), "x.csv has 90 rows; a horizon of 12 needs at least 95"),
        (Wishes(horizon=40), "a horizon of 40 needs at least 235"),
        (
            Wishes(horizon=4, timesteps=35),
            "35 timesteps leave 34 training windows, but more than 35 are needed; "
            "at most 34 timesteps fit 72 training rows and a horizon of 4",
        ),
        (Wishes(horizon=4, timesteps=500), "500 timesteps leave 0 training windows"),
        (Wishes(horizon=4, season=73), "a season of 73 rows is longer than the training part"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(wishes, message):
    with pytest.raises(DataError, match=message):
        job.make_plan(series(cycle(90)), wishes)


def test_the_longest_window_that_is_named_does_fit():
    plan = job.make_plan(series(cycle(90)), Wishes(horizon=4, timesteps=34))
    assert plan.settings.timesteps == 34


def test_season_that_is_asked_for_comes_before_the_known_and_the_seen():
    known = series(cycle(150), season=24)
    assert job.make_plan(known, Wishes(horizon=4, season=5)).season == 5
    assert job.make_plan(known, Wishes(horizon=4)).season == 24
    assert job.make_plan(series(cycle(150)), Wishes(horizon=4)).season == 12


def test_negative_values_for_a_model_on_the_square_root_scale(result):
    rooted = dataclasses.replace(
        result.forecaster, transform=dataclasses.replace(result.forecaster.transform, kind="sqrt")
    )
    with pytest.raises(DataError, match=r"y\.csv has negative values \(-3\)"):
        rooted.forecast(np.linspace(-3.0, 5.0, 24), source="y.csv")


def test_too_few_rows_for_the_models_window(result):
    with pytest.raises(DataError, match=r"y\.csv has 10 rows, but the model looks back 24"):
        result.forecaster.forecast(np.zeros(10), source="y.csv")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forecast_version": "2"}, "expected forecast_version 1, got 2"),
        ({"horizon": "5"}, "error_80_low must be 5 numbers"),
        ({"timesteps": "1000000000000"}, "no highway over 1000000000000 timesteps"),
        ({"scale": "0.0"}, "no scale"),
        ({"scale": "nan"}, "no scale"),
        ({"offset": "inf"}, "no scale"),
        ({"transform": "log"}, "unknown transform 'log'"),
        ({"error_95_high": "[1, 2, 3, null]"}, "error_95_high must be 4 numbers"),
        ({"error_95_high": "{"}, "damaged forecast settings"),
        ({"error_95_high": '"text"'}, "damaged forecast settings"),
    ],
)
def test_damaged_settings_in_a_file_are_refused(result, tmp_path, changes, message):
    path = tmp_path / "model.safetensors"
    result.forecaster.save(path)
    good = Forecaster.load(path)
    good.network.save(path, metadata=changes)
    with pytest.raises(DataError, match=message):
        Forecaster.load(path)


def test_model_of_another_program_is_refused(tmp_path):
    import lstm_native as ln

    path = tmp_path / "other.safetensors"
    ln.Sequential([ln.LSTM(4, input_size=1)]).save(path)
    with pytest.raises(DataError, match="holds a model but no forecast settings"):
        Forecaster.load(path)


def test_settings_are_in_the_summary(result):
    plan = job.make_plan(series(cycle(150)), Wishes(horizon=4, epochs=2))
    assert dataclasses.asdict(plan.settings).items() <= result.summary["settings"].items()
    assert result.summary["backtest"]["origins"] == 27
