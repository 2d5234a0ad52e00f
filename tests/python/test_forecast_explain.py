"""explain: what is hidden from a method whose workings are known must show as its effect."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import report_helpers as made

from lstm_native.forecast import explain as module
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.explain import explain
from lstm_native.forecast.panel import Panel


def last(panel, horizon):
    """Naive: the last value stays."""
    return np.array([[series.values[-1]] * horizon for series in panel.series])


def mean(panel, horizon):
    return np.array([[np.nanmean(series.values)] * horizon for series in panel.series])


def with_covariates(rows=24, ahead=3):
    """y is anything; p is known in the past, f1 and f2 into the future, s for the series."""
    panel = Panel.of([np.arange(rows, dtype=float), np.ones(rows)])
    rng = np.random.default_rng(0)
    series = tuple(
        dataclasses.replace(
            one,
            past=rng.normal(size=(rows, 1)),
            future=rng.normal(size=(rows + ahead, 2)),
            static=np.array([10.0 * index]),
        )
        for index, one in enumerate(panel.series)
    )
    return dataclasses.replace(
        panel,
        series=series,
        past_names=("p",),
        future_names=("f1", "f2"),
        static_names=("s",),
    )


def test_of_a_naive_forecast_the_last_block_is_all():
    panel = Panel.of([np.r_[np.zeros(20), 7.0]])
    found = explain(panel, 3, last, rows=12, blocks=12)
    top = found.iloc[0]
    assert (top["kind"], top["name"], top["ds"], top["until"]) == ("step", "21", 21, 21)
    assert top[["effect_1", "effect_2", "effect_3"]].tolist() == [7.0, 7.0, 7.0]
    assert top["share"] == 1.0
    assert found["share"].sum() == 1.0
    assert len(found) == 12


def test_blocks_cover_the_rows_looked_at_once():
    panel = made.panel(rows=40)
    steps = explain(panel, 3, mean, rows=30, blocks=7).query("kind == 'step'").sort_values("ds")
    assert len(steps) == 7
    assert steps["ds"].iloc[0] == panel.series[0].stamps[10]
    assert steps["until"].iloc[-1] == panel.series[0].stamps[39]
    assert (steps["ds"].iloc[1:].array > steps["until"].iloc[:-1].array).all()


def test_hidden_rows_are_what_a_season_before_was():
    values = np.tile(np.arange(12.0), 3)
    hidden = module.without_rows(values, 30, 36, 12, "expected")
    np.testing.assert_array_equal(hidden, values)
    # The first season has none before it: the one after stands in.
    np.testing.assert_array_equal(module.without_rows(values, 0, 12, 12, "expected"), values)


def test_without_a_season_hidden_rows_are_a_line():
    values = np.array([0.0, 1.0, 50.0, 60.0, 4.0, np.nan, 9.0])
    hidden = module.without_rows(values, 2, 4, None, "expected")
    np.testing.assert_array_equal(hidden, [0, 1, 2, 3, 4, np.nan, 9])
    at_the_end = module.without_rows(values, 5, 7, None, "expected")
    np.testing.assert_array_equal(at_the_end, [0, 1, 50, 60, 4, np.nan, 4])


def test_hidden_rows_may_be_missing_instead():
    values = np.arange(6.0)
    hidden = module.without_rows(values, 1, 3, 2, "missing")
    np.testing.assert_array_equal(hidden, [0, np.nan, np.nan, 3, 4, 5])
    np.testing.assert_array_equal(values, np.arange(6.0))
    found = explain(Panel.of([np.arange(6.0)]), 1, mean, rows=6, blocks=2, replace="missing")
    # The mean is 2.5; without the first half 4, without the second 1.
    assert sorted(found["effect_1"]) == [-1.5, 1.5]


def test_a_season_is_taken_out_whole():
    values = 5.0 + np.tile([3.0, -1.0, -2.0, 0.0], 5)
    np.testing.assert_allclose(module.without_season(values, 4), 5.0, atol=1e-12)
    trend = values + 2.0 * np.arange(20)
    np.testing.assert_allclose(module.without_season(trend, 4), 5.0 + 2.0 * np.arange(20))
    assert module.without_season(values[:7], 4) is None
    gaps = values.copy()
    gaps[[3, 9]] = np.nan
    np.testing.assert_allclose(np.delete(module.without_season(gaps, 4), [3, 9]), 5.0, atol=1.5)


def test_of_a_seasonal_naive_forecast_the_season_has_the_largest_share():
    panel = made.panel()

    def seasonal(panel, horizon):
        return np.array([np.resize(series.values[-12:], horizon) for series in panel.series])

    found = explain(panel, 12, seasonal)
    assert (found.iloc[0]["kind"], found.iloc[0]["name"]) == ("season", "12")


def test_a_covariate_counts_as_far_as_the_method_reads_it():
    panel = with_covariates()

    def predict(panel, horizon):
        return np.array([s.future[-horizon:, 1] + s.static[0] for s in panel.series])

    found = explain(panel, 3, predict)
    effects = found.query("kind == 'covariate'").set_index(["unique_id", "name"])
    steps = ["effect_1", "effect_2", "effect_3"]
    for index, series in enumerate(panel.series):
        own = effects.loc[series.name]
        wanted = series.future[-3:, 1] - series.future[:, 1].mean()
        np.testing.assert_allclose(own.loc["f2", steps].tolist(), wanted)
        np.testing.assert_allclose(own.loc["s", steps].tolist(), [10.0 * index - 5.0] * 3)
        assert own.loc["p", steps].tolist() == own.loc["f1", steps].tolist() == [0.0] * 3
    assert found.groupby("unique_id")["share"].sum().tolist() == pytest.approx([1.0, 1.0])


def test_of_quantiles_the_middle_one_is_explained():
    panel = Panel.of([np.arange(8.0)])

    def quantiles(panel, horizon):
        points = last(panel, horizon)
        return np.stack([points - 9.0, points, points + 99.0], axis=2)

    assert explain(panel, 2, quantiles).equals(explain(panel, 2, last))


def test_series_of_different_lengths_and_with_gaps():
    panel = Panel.of([np.array([1.0]), np.full(30, np.nan), np.arange(30.0)], seasons=(7,))
    found = explain(panel, 2, lambda panel, horizon: np.zeros((3, horizon)))
    assert set(found["unique_id"]) == {"1", "3"}  # of the second nothing is known
    assert (found["share"] == 0.0).all()


def test_bad_arguments_are_refused():
    panel = Panel.of([np.arange(8.0)])
    for name in ("rows", "blocks"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            explain(panel, 2, last, **{name: 0})
    with pytest.raises(ValueError, match="expected, missing, got 'zero'"):
        explain(panel, 2, last, replace="zero")
    with pytest.raises(DataError, match=r"expected forecasts of shape \(1, 2\), got \(1, 3\)"):
        explain(panel, 2, lambda panel, horizon: last(panel, 3))
