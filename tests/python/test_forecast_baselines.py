"""The simplest methods over panels: what they say, with gaps, and of series of any length."""

from __future__ import annotations

import numpy as np
import pytest
from panels import cycle, panel

from lstm_native.forecast import baselines, statistical
from lstm_native.forecast.baselines import BASELINES
from lstm_native.forecast.errors import DataError


def test_naive_repeats_the_last_known_value():
    found = baselines.naive(panel([1.0, 2.0, 4.0], [8.0, np.nan]), 2)
    np.testing.assert_array_equal(found, [[4.0, 4.0], [8.0, 8.0]])


def test_seasonal_naive_repeats_the_season_and_again_beyond_it():
    made = panel(np.arange(3.0), np.arange(8.0), seasons=(3, 7))
    found = baselines.seasonal_naive(made, 5)
    np.testing.assert_array_equal(found, [[0, 1, 2, 0, 1], [5, 6, 7, 5, 6]])


def test_seasonal_naive_asks_earlier_seasons_where_values_are_missing():
    gap = np.arange(9.0)
    gap[[6, 4, 7]] = np.nan
    found = baselines.seasonal_naive(panel(gap, seasons=(3,)), 3)
    np.testing.assert_array_equal(found, [[3.0, 1.0, 8.0]])


def test_seasonal_naive_without_a_season_is_naive():
    made = panel([1.0, 2.0], seasons=())
    np.testing.assert_array_equal(baselines.seasonal_naive(made, 2), [[2.0, 2.0]])


def _names():
    return [name for name in BASELINES if name not in ("theta", "ets") or statistical.installed()]


@pytest.mark.parametrize("name", _names())
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 30, 200])
def test_every_method_foresees_any_series(name, rows):
    gap = cycle(rows)
    gap[rows // 2 : rows // 2 + 2] = np.nan
    made = panel(
        cycle(rows), gap, np.zeros(rows), np.full(rows, -3.5), np.full(rows, np.nan),
        np.linspace(0.0, 1e12, rows), np.arange(rows) % 5 == 0,
    )  # fmt: skip
    found = BASELINES[name](made, 14)
    assert found.shape == (7, 14)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[2], 0.0)
    np.testing.assert_array_equal(found[3], -3.5)


def test_methods_that_say_nothing_of_their_own_are_told_apart():
    short = panel([1.0, 2.0, 3.0])
    assert baselines.usable("naive", short, 12)
    assert not baselines.usable("seasonal-naive", short, 12)
    assert not baselines.usable("linear", short, 12)
    assert not baselines.usable("theta", short, 12)


def test_theta_and_ets_follow_a_season_and_a_trend():
    pytest.importorskip("statsforecast")
    values = cycle(132)
    for name in ("theta", "ets"):
        found = BASELINES[name](panel(values[:120]), 12)[0]
        error = np.abs(found - values[120:]).mean()
        assert error < 0.6 * np.abs(values[119] - values[120:]).mean(), name


def test_theta_of_a_later_cut_keeps_what_the_first_one_fitted():
    """As the linear method does: a back-test fits once for each series."""
    pytest.importorskip("statsforecast")
    values = cycle(132)
    made = panel(values, values)
    first, second = made.until([100, 110]).series
    cuts = type(made)((first, type(second)(**{**vars(second), "name": "1"})), made.frequency)
    found = BASELINES["theta"](cuts, 12)
    np.testing.assert_array_equal(found[0], BASELINES["theta"](made.until(100), 12)[0])
    assert np.abs(found[1] - values[110:122]).mean() < 3.0


def test_without_statsforecast_its_methods_say_what_to_install(monkeypatch):
    monkeypatch.setattr(statistical, "installed", lambda: False)
    with pytest.raises(DataError, match=r"pip install 'lstm-native\[baselines\]'"):
        BASELINES["ets"](panel(cycle(40)), 3)
