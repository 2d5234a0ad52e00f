"""The linear autoregressions: least squares, their ridge, and what they foresee of a panel."""

from __future__ import annotations

import numpy as np
import pytest
from panels import cycle, panel

from lstm_native import windows
from lstm_native.forecast import linear
from lstm_native.forecast.transform import Transform


def test_linear_fit_finds_the_recurrence_that_made_the_series():
    values = [1.0, 0.5]
    for _ in range(60):
        values.append(0.3 + 1.6 * values[-1] - 0.9 * values[-2])
    x, y = windows(np.array(values), 2, 3)
    fitted = linear.fit_linear(x[..., 0], y)
    np.testing.assert_allclose(fitted.weight[:, 0], [-0.9, 1.6], rtol=1e-9)
    np.testing.assert_allclose(fitted.bias[0], 0.3, rtol=1e-9)
    np.testing.assert_allclose(fitted.predict(x[..., 0]), y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_linear_fit_is_the_minimum_of_what_it_minimises(ridge):
    rng = np.random.default_rng(1)
    x, y = rng.normal(2.0, 3.0, (80, 4)), rng.normal(5.0, 1.0, (80, 2))
    fitted = linear.fit_linear(x, y, ridge=ridge)

    def cost(weight, bias):
        penalty = ridge * len(x) * (x - x.mean(axis=0)).var()
        return np.square(x @ weight + bias - y).sum() + penalty * np.square(weight).sum()

    least = cost(fitted.weight, fitted.bias)
    for _ in range(20):
        nudge = 1e-4 * rng.standard_normal(fitted.weight.shape)
        assert cost(fitted.weight + nudge, fitted.bias) > least
        assert cost(fitted.weight, fitted.bias + 1e-4 * rng.standard_normal(2)) > least


def test_linear_fit_of_a_constant_is_the_constant():
    fitted = linear.fit_linear(np.full((20, 3), 7.0), np.full((20, 2), 7.0), ridge=0.1)
    np.testing.assert_array_equal(fitted.predict(np.full((1, 3), 7.0)), [[7.0, 7.0]])


def test_ridge_is_strong_for_noise_and_none_for_a_law():
    rng = np.random.default_rng(3)
    identity = Transform("identity", 0.0, 1.0)
    noise_x, noise_y = windows(rng.standard_normal(300), 30, 2)
    assert linear.choose_ridge(noise_x[..., 0], noise_y, identity, horizon=2) == 0.1
    law = np.sin(np.arange(300) / 5.0) + np.sin(np.arange(300) / 2.3)
    law_x, law_y = windows(law, 4, 2)
    assert linear.choose_ridge(law_x[..., 0], law_y, identity, horizon=2) == 0.0


def test_a_long_series_has_a_regression_of_its_own():
    values = [1.0, 0.5]
    for _ in range(200):
        values.append(0.3 + 1.6 * values[-1] - 0.9 * values[-2])
    found = linear.forecast(panel(values[:190]), 6)
    np.testing.assert_allclose(found[0], values[190:196], rtol=1e-3)


def test_short_series_learn_from_each_other():
    """Each doubles, or halves: two windows of one series could not tell, those of all do."""
    many = [start * np.cumsum(np.ones(14)) for start in (1.0, 3.0, 0.1, -5.0, 40.0, 7.0)]
    found = linear.forecast(panel(*many, seasons=()), 3)
    for line, values in zip(found, many, strict=True):
        np.testing.assert_allclose(line, values[-1] + values[0] * np.arange(1, 4), rtol=0.02)


def test_gaps_and_any_series_give_a_finite_forecast():
    gap = cycle(100)
    gap[[3, 40, 41, 99]] = np.nan
    made = panel(gap, np.zeros(100), np.full(9, 3.0), [5.0], 1e10 * np.arange(80.0), [np.nan] * 4)
    found = linear.forecast(made, 8)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[1:4], np.repeat([[0.0], [3.0], [5.0]], 8, axis=1))
    np.testing.assert_allclose(found[4], 1e10 * np.arange(80.0, 88.0), rtol=1e-6)


def test_later_cuts_of_a_series_are_foreseen_by_what_the_first_one_knew():
    values = cycle(150)
    whole = panel(values, values)
    cut = whole.until([120, 140])
    same_name = type(cut)(
        (cut.series[0], type(cut.series[0])(**{**vars(cut.series[1]), "name": "1"})), cut.frequency
    )
    values[130] += 1000.0  # after what was fitted, and before the second forecast
    first = linear.forecast(same_name, 4)[0]
    np.testing.assert_allclose(first, linear.forecast(cut.until(120), 4)[0], rtol=1e-12)


def test_too_few_rows_for_any_regression_are_said():
    assert not linear.usable(panel([1.0, 2.0, 3.0]), 12)
    assert linear.usable(panel(cycle(100)), 12)
    assert linear.usable(panel(*[cycle(20, seed) for seed in range(10)]), 6)
