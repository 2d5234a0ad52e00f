"""`auto`: follows the evidence, is not fooled by luck, and stays above the seasonal naive."""

from __future__ import annotations

import numpy as np
import pytest
from panels import cycle, panel

from lstm_native.forecast import backtest, origins, selection


def made(count, rows=60, horizon=6):
    return origins.find(panel(*[cycle(rows, seed) for seed in range(count)]), horizon)


def off(held, size, seed):
    """Forecasts that are wrong by so much."""
    rng = np.random.default_rng(seed)
    return held.actual + size * rng.normal(size=held.actual.shape)


def test_one_series_is_forecast_by_the_method_that_is_clearly_best():
    held = origins.find(panel(cycle(400)), 6)
    points = {
        "pretrained": off(held, 2.0, 1),
        "linear": off(held, 0.2, 2),
        "naive": off(held, 3, 3),
    }
    choice, forecast = selection.choose(points, held)
    assert choice.name == "linear"
    np.testing.assert_array_equal(forecast, points["linear"])


def test_methods_that_err_independently_are_averaged():
    held = made(40)
    points = {
        name: off(held, 1.0, seed) for seed, name in enumerate(["pretrained", "theta", "ets"])
    }
    choice, forecast = selection.choose(points, held)
    assert choice.name == "mean of pretrained, theta and ets"
    np.testing.assert_allclose(choice.combine(points, held.owner), sum(points.values()) / 3.0)
    errors = selection.relative_errors({"chosen": forecast, **points}, held)
    assert errors["chosen"] < min(errors[name] for name in points)


def test_one_lucky_short_series_does_not_outweigh_what_is_known():
    held = origins.find(panel(cycle(9)), 6)
    assert held.evidence()[0] < 1.0
    points = {"pretrained": off(held, 1.0, 1), "naive": off(held, 0.8, 1)}
    assert "pretrained" in selection.choose(points, held)[0].used


def test_many_series_are_judged_by_others_than_those_that_chose():
    """The reported error of the choice is not the least of many: that would be luck as well."""
    held = made(200)
    points = {f"m{seed}": off(held, 1.0, seed) for seed in range(4)}
    choice, forecast = selection.choose(points, held)
    errors = backtest.errors_by_series(forecast, held)
    assert np.isfinite(errors).all()
    for name in choice.used:
        assert name in points


def test_a_choice_is_never_worse_than_the_seasonal_naive_forecast_in_the_back_test():
    for seed in range(30):
        count = 1 + seed % 3 * 7
        held = made(count, rows=20 + seed)
        rng = np.random.default_rng(seed)
        points = {
            name: off(held, rng.uniform(0.5, 1.5), seed + place)
            for place, name in enumerate(["pretrained", "naive", "seasonal-naive", "linear"])
        }
        _, forecast = selection.choose(points, held)
        errors = selection.relative_errors({"chosen": forecast, **points}, held)
        assert errors["chosen"] <= errors["seasonal-naive"] + 1e-12, seed


def test_where_nothing_beats_the_seasonal_naive_forecast_it_is_given():
    held = made(20)
    points = {"pretrained": off(held, 3.0, 1), "seasonal-naive": off(held, 0.1, 2)}
    choice, forecast = selection.choose(points, held)
    assert choice.name == "seasonal-naive"
    np.testing.assert_array_equal(forecast, points["seasonal-naive"])


def test_long_series_that_differ_have_methods_of_their_own():
    held = origins.find(panel(cycle(600, 1), cycle(600, 2)), 6)
    first = (held.owner == 0)[:, np.newaxis]
    points = {
        "pretrained": np.where(first, off(held, 0.1, 1), off(held, 5.0, 2)),
        "linear": np.where(first, off(held, 5.0, 3), off(held, 0.1, 4)),
    }
    choice, _ = selection.choose(points, held)
    assert choice.name == "auto"
    np.testing.assert_array_equal(choice.weights, [[1.0, 0.0], [0.0, 1.0]])


def test_where_all_are_right_the_first_is_taken():
    held = origins.find(panel(np.zeros(40)), 6)
    points = dict.fromkeys(["pretrained", "naive", "seasonal-naive"], held.actual)
    assert selection.choose(points, held)[0].name == "pretrained"


def test_weights_of_every_series_sum_to_one():
    held = made(12)
    points = {name: off(held, 1.0, seed) for seed, name in enumerate(["pretrained", "a", "b", "c"])}
    choice, _ = selection.choose(points, held)
    np.testing.assert_allclose(choice.weights.sum(axis=1), 1.0)


def test_a_choice_without_weights_is_refused():
    empty = selection.Choice(("a",), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="without any weight"):
        empty.combine({})


def test_many_series_that_say_little_each_have_one_choice_together():
    held = made(30, rows=30)
    rng = np.random.default_rng(5)
    points = {
        name: held.actual
        + rng.choice([0.0, 2.0], size=(held.count, 1))
        + off(held, 0.1, 1)
        - held.actual
        for name in ("pretrained", "theta")
    }
    choice, _ = selection.choose(points, held)
    assert (choice.weights == choice.weights[0]).all()


def test_many_long_series_may_have_methods_of_their_own():
    held = made(12, rows=300)
    odd = (held.owner % 2 == 1)[:, np.newaxis]
    points = {
        "pretrained": np.where(odd, off(held, 0.1, 1), off(held, 5.0, 2)),
        "linear": np.where(odd, off(held, 5.0, 3), off(held, 0.1, 4)),
    }
    choice, forecast = selection.choose(points, held)
    assert choice.name == "auto"
    assert np.abs(forecast - held.actual).mean() < 0.2


def test_an_exact_method_is_believed_at_once():
    """Of a single held-out origin, too: no luck makes an error a millionth of the others'."""
    values = np.exp(0.02 * np.arange(60.0))
    held = origins.find(panel(values), 6, budget=1)
    rng = np.random.default_rng(0)
    points = {
        "pretrained": held.actual * (1.0 + 0.05 * rng.normal(size=held.actual.shape)),
        "naive": held.actual * 0.9,
        "linear": held.actual * (1.0 + 1e-12),
    }
    choice, _ = selection.choose(points, held)
    assert choice.name == "linear"


def test_series_that_share_their_dates_count_for_two_at_most():
    assert origins.together_worth(np.array([1.5])) == 1.5
    assert origins.together_worth(np.array([1.5, 0.0, 2.5])) == 4.0
    assert origins.together_worth(np.full(3000, 1.5)) == pytest.approx(3.0)
