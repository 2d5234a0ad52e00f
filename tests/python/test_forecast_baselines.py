"""The methods to beat, the transform and the scores, against figures worked out by other means."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_native import windows
from lstm_native.forecast import backtest, baselines
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.series import bundled
from lstm_native.forecast.transform import Transform, choose_kind


def test_naive_repeats_the_last_value():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    forecast = baselines.naive(values, np.array([1, 3]), 2)
    np.testing.assert_array_equal(forecast, [[1.0, 1.0], [4.0, 4.0]])


def test_seasonal_naive_repeats_the_season_and_again_beyond_it():
    values = np.arange(10.0)
    forecast = baselines.seasonal_naive(values, np.array([3, 8]), 5, season=3)
    np.testing.assert_array_equal(forecast, [[0, 1, 2, 0, 1], [5, 6, 7, 5, 6]])


def test_linear_fit_finds_the_recurrence_that_made_the_series():
    values = [1.0, 0.5]
    for _ in range(60):
        values.append(0.3 + 1.6 * values[-1] - 0.9 * values[-2])
    x, y = windows(np.array(values), 2, 3)
    fitted = baselines.fit_linear(x[..., 0], y)
    np.testing.assert_allclose(fitted.weight[:, 0], [-0.9, 1.6], rtol=1e-9)
    np.testing.assert_allclose(fitted.bias[0], 0.3, rtol=1e-9)
    np.testing.assert_allclose(fitted.predict(x[..., 0]), y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_linear_fit_is_the_minimum_of_what_it_minimises(ridge):
    rng = np.random.default_rng(1)
    x, y = rng.normal(2.0, 3.0, (80, 4)), rng.normal(5.0, 1.0, (80, 2))
    fitted = baselines.fit_linear(x, y, ridge=ridge)

    def cost(weight, bias):
        penalty = ridge * len(x) * (x - x.mean(axis=0)).var()
        return np.square(x @ weight + bias - y).sum() + penalty * np.square(weight).sum()

    least = cost(fitted.weight, fitted.bias)
    for _ in range(20):
        nudge = 1e-4 * rng.standard_normal(fitted.weight.shape)
        assert cost(fitted.weight + nudge, fitted.bias) > least
        assert cost(fitted.weight, fitted.bias + 1e-4 * rng.standard_normal(2)) > least


def test_linear_fit_of_a_constant_is_the_constant():
    fitted = baselines.fit_linear(np.full((20, 3), 7.0), np.full((20, 2), 7.0), ridge=0.1)
    np.testing.assert_array_equal(fitted.predict(np.full((1, 3), 7.0)), [[7.0, 7.0]])


def test_ridge_is_strong_for_noise_and_none_for_a_law():
    rng = np.random.default_rng(3)
    identity = Transform("identity", 0.0, 1.0)
    noise_x, noise_y = windows(rng.standard_normal(300), 30, 2)
    assert baselines.choose_ridge(noise_x[..., 0], noise_y, identity, horizon=2) == 0.1
    law = np.sin(np.arange(300) / 5.0) + np.sin(np.arange(300) / 2.3)
    law_x, law_y = windows(law, 4, 2)
    assert baselines.choose_ridge(law_x[..., 0], law_y, identity, horizon=2) == 0.0


def test_square_root_is_for_counts_and_not_for_others():
    rng = np.random.default_rng(4)
    level = 40.0 * (1.1 + np.sin(np.arange(600) / 40.0))
    counts = rng.poisson(level).astype(float)
    assert choose_kind(counts) == "sqrt"
    assert choose_kind(level + rng.standard_normal(600)) == "identity"
    assert choose_kind(counts - 1000.0) == "identity"
    assert choose_kind(np.full(200, 3.0)) == "identity"
    assert choose_kind(counts[:20]) == "identity"
    assert choose_kind(bundled().values[:2496]) == "sqrt"


@pytest.mark.parametrize("kind", ["identity", "sqrt"])
def test_transform_has_mean_0_deviation_1_and_an_inverse(kind):
    values = np.random.default_rng(5).gamma(2.0, 3.0, 400)
    transform = Transform.fit(values, kind=kind)
    scaled = transform.apply(values)
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(transform.invert(scaled), values, rtol=1e-12)


def test_square_root_never_forecasts_below_zero():
    transform = Transform.fit(np.array([0.0, 1.0, 4.0]), kind="sqrt")
    assert transform.invert(-50.0) == 0.0


def test_every_origin_sees_the_past_only_and_ends_within_the_series():
    values = np.arange(100.0)
    start = backtest.split(100, 12, "x")
    assert start == 80
    at = backtest.origins(100, start, 12)
    assert (at[0], at[-1], len(at)) == (80, 88, 9)
    before = backtest.windows_before(values, at, 5)
    after = backtest.windows_after(values, at, 12)
    np.testing.assert_array_equal(before[0], [75, 76, 77, 78, 79])
    np.testing.assert_array_equal(before[:, -1] + 1, after[:, 0])
    assert after[-1, -1] == 99


def test_a_series_too_short_to_hold_out_a_fifth():
    assert backtest.split(95, 12, "x.csv") == 76
    with pytest.raises(DataError, match=r"x.csv has 94 rows; a horizon of 12 needs at least 95"):
        backtest.split(94, 12, "x.csv")


def test_scores_by_hand():
    forecast = np.array([[1.0, 2.0], [3.0, 4.0]])
    actual = np.array([[2.0, 2.0], [3.0, 1.0]])
    # The training part changes by 2, 2 and 5: 3 in the mean.
    found = backtest.score(forecast, actual, training=np.array([1.0, 3.0, 1.0, 6.0]))
    assert found.mae == 1.0
    assert found.rmse == np.sqrt(10.0 / 4.0)
    assert found.mase == pytest.approx(1.0 / 3.0)
    assert found.mae_by_step == (0.5, 1.5)


def test_mase_has_no_meaning_where_nothing_ever_changed():
    assert backtest.score(np.ones((1, 1)), np.zeros((1, 1)), training=np.ones(9)).mase is None


@pytest.mark.parametrize("level", backtest.LEVELS)
def test_intervals_hold_the_share_they_promise(level):
    error = np.random.default_rng(6).standard_normal((2000, 3)) * [1.0, 2.0, 5.0]
    low, high = backtest.error_quantiles(error, level)
    inside = ((low <= error) & (error <= high)).mean(axis=0)
    np.testing.assert_allclose(inside, level / 100.0, atol=0.002)


def test_intervals_hold_the_forecast_itself_when_every_error_has_one_sign():
    low, high = backtest.error_quantiles(np.array([[3.0], [4.0], [5.0]]), 80)
    assert low[0] == 0.0
    assert high[0] > 4.0
