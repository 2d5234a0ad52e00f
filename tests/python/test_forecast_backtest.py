"""Held-out origins, and scores against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from panels import cycle, panel

from lstm_native.forecast import backtest, origins


def test_a_long_series_is_foreseen_from_every_origin_of_its_last_fifth():
    held = origins.find(panel(np.arange(200.0)), 12)
    assert (held.at[0], held.at[-1], held.count) == (160, 188, 29)
    np.testing.assert_array_equal(held.actual[0], np.arange(160.0, 172.0))
    np.testing.assert_array_equal(held.cuts.series[0].values, np.arange(160.0))
    assert len(held.training.series[0]) == 160
    assert held.evidence()[0] == pytest.approx(40 / 12)


@pytest.mark.parametrize(
    ("rows", "horizon", "at", "compared"),
    [
        (8, 12, [6], 2),
        (14, 6, [10], 4),
        (3, 1, [2], 1),
        (20, 6, [14], 6),
        (40, 6, [32, 33, 34], 6),
        (2, 12, [], 0),
        (1, 1, [], 0),
    ],
)
def test_a_short_series_gets_what_can_be_had(rows, horizon, at, compared):
    held = origins.find(panel(np.arange(float(rows))), horizon)
    assert held.at.tolist() == at
    assert held.actual.shape == (len(at), horizon)
    if at:
        assert np.isfinite(held.actual[0]).sum() == compared
    assert len(held.training.series[0]) == (at[0] if at else rows)


def test_thousands_of_series_have_an_origin_each_the_last_that_fits():
    held = origins.find(panel(*[np.arange(60.0)] * 5000), 12)
    assert held.count == 5000
    assert (held.at == 48).all()


def test_origins_without_anything_known_before_or_after_are_left_out():
    values = np.arange(60.0)
    values[50:] = np.nan
    held = origins.find(panel(values), 6)
    assert held.at.tolist() == [48, 49]
    assert np.isfinite(held.actual).sum(axis=1).tolist() == [2, 1]
    only_late = np.full(30, np.nan)
    only_late[27:] = 1.0
    assert origins.find(panel(only_late), 6).count == 0


def test_nothing_after_an_origin_is_seen():
    held = origins.find(panel(cycle(100), cycle(50)), 5)
    for cut, place in zip(held.cuts.series, held.at, strict=True):
        assert len(cut) == len(cut.stamps) == place


def test_scores_by_hand():
    forecast = np.array([[1.0, 2.0], [3.0, 4.0]])
    actual = np.array([[2.0, 2.0], [3.0, 1.0]])
    found = backtest.score(forecast, actual, scale=3.0)
    assert found.mae == 1.0
    assert found.rmse == pytest.approx(np.sqrt(10.0 / 4.0))
    assert found.mase == pytest.approx(1.0 / 3.0)
    assert found.smape == pytest.approx((200.0 / 3.0 + 0.0 + 0.0 + 600.0 / 5.0) / 4.0)
    assert found.mae_by_step == (0.5, 1.5)
    assert found.count == 4


def test_missing_values_are_left_out_of_every_score():
    forecast = np.array([[1.0, 2.0, 9.0], [3.0, 4.0, 9.0]])
    actual = np.array([[2.0, np.nan, np.nan], [3.0, 1.0, np.nan]])
    inside = {80: (forecast - 1.0, forecast + 1.0)}
    found = backtest.score(forecast, actual, scale=1.0, bounds=inside)
    assert (found.mae, found.count) == (pytest.approx(4.0 / 3.0), 3)
    assert found.mae_by_step[:2] == (0.5, 3.0)
    assert np.isnan(found.mae_by_step[2])
    assert found.coverage == {80: pytest.approx(2.0 / 3.0)}


def test_smape_of_zeros_foreseen_as_zeros_is_nothing():
    assert backtest.score(np.zeros((1, 2)), np.zeros((1, 2)), scale=1.0).smape == 0.0


def test_mase_has_no_meaning_where_nothing_ever_changed():
    held = origins.find(panel(np.r_[np.ones(24), np.zeros(6)]), 6)
    result = backtest.judge("x", np.ones(held.actual.shape), held)
    assert result.score.mase is None
    assert result.score.mae > 0.0


def test_errors_beyond_the_range_of_squares_have_a_root_mean_square():
    found = backtest.score(np.zeros((1, 2)), np.array([[3e200, 4e200]]), scale=1.0)
    assert found.rmse == pytest.approx(np.sqrt(12.5) * 1e200)


def test_series_of_different_size_count_alike_in_mase_and_smape():
    small, large = np.arange(50.0) + 1.0, 1000.0 * (np.arange(50.0) + 1.0)
    held = origins.find(panel(small, large), 5)
    forecast = 0.9 * held.actual
    result = backtest.judge("x", forecast, held)
    assert set(result.by_series) == {"1", "2"}
    one, two = result.by_series.values()
    assert two.mae == pytest.approx(1000.0 * one.mae)
    assert result.score.mase == pytest.approx((one.mase + two.mase) / 2.0)
    assert result.score.mase == pytest.approx(one.mase)
    assert result.score.mae == pytest.approx((one.mae + two.mae) / 2.0)


def test_errors_by_series_leave_out_what_is_not_compared():
    held = origins.find(panel(cycle(50), cycle(50), [1.0]), 5)
    forecast = held.actual + 2.0
    forecast[held.owner == 1] = np.nan
    np.testing.assert_allclose(backtest.errors_by_series(forecast, held), [2.0, np.nan, np.nan])
