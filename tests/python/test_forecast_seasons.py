"""What repeats itself is found, and what only seems to is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_native.forecast.seasons import bridge, centred_mean, seasonal_part


def pattern_of(season, seed=0):
    drawn = np.random.default_rng(seed).normal(size=season)
    return drawn - drawn.mean()


@settings(max_examples=25)
@given(season=st.integers(2, 24), turns=st.integers(4, 9), more=st.integers(0, 5))
def test_a_pure_pattern_on_a_line_is_found_and_goes_on(season, turns, more):
    rows = season * turns + more
    pattern = pattern_of(season)
    at = np.arange(rows + 30)
    season_part = np.tile(pattern, turns + 30)[: rows + 30]
    values = (3.0 + 0.2 * at + season_part)[np.newaxis]
    found = seasonal_part(values[:, :rows], (season,), 30)
    assert found.strength[0] > 0.999
    np.testing.assert_allclose(found.past[0], season_part[:rows], atol=1e-9)
    np.testing.assert_allclose(found.ahead[0], season_part[rows:], atol=1e-9)


def test_noise_has_next_to_no_season():
    values = np.random.default_rng(1).normal(size=(200, 120))
    found = seasonal_part(values, (12,), 12)
    assert found.strength.mean() < 0.2
    assert np.abs(found.ahead).mean() < 0.1


def test_two_seasons_are_found_one_beside_the_other():
    day, week = pattern_of(24), np.repeat(pattern_of(7, 1), 24)
    values = np.tile(day, 7 * 6) + np.tile(week, 6)
    found = seasonal_part(values[np.newaxis], (24, 168), 168)
    np.testing.assert_allclose(found.ahead[0], np.tile(day, 7) + week, atol=0.05)


def test_missing_rows_do_not_shift_the_season():
    pattern = pattern_of(12)
    values = np.tile(pattern, 8) + 0.1 * np.arange(96)
    values[[30, 31, 57]] = np.nan
    found = seasonal_part(values[np.newaxis], (12,), 12)
    np.testing.assert_allclose(found.ahead[0], pattern, atol=0.05)


@pytest.mark.parametrize("rows", [1, 5, 23])
def test_less_than_two_turns_tell_nothing(rows):
    found = seasonal_part(np.random.default_rng(2).normal(size=(3, rows)), (12,), 6)
    assert not found.past.any()
    assert not found.ahead.any()
    assert not found.strength.any()


def test_recent_turns_weigh_more():
    """The pattern doubles half-way: what comes is nearer to the new one than to the mean."""
    pattern = pattern_of(4)
    values = np.concatenate([np.tile(pattern, 6), np.tile(2.0 * pattern, 6)])
    found = seasonal_part(values[np.newaxis], (4,), 4)
    assert (found.ahead[0] @ pattern) / (pattern @ pattern) > 1.55


@pytest.mark.parametrize("season", [4, 5])
def test_the_centred_mean_is_the_plain_one(season):
    values = np.random.default_rng(3).normal(size=(2, 20))
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    expected = [np.convolve(row, weights / season, mode="valid") for row in values]
    found = centred_mean(values, season)
    edge = len(weights) // 2
    np.testing.assert_allclose(found[:, edge:-edge], expected, atol=1e-12)
    assert np.isnan(found[:, :edge]).all()
    assert np.isnan(found[:, -edge:]).all()


def test_gaps_are_bridged_by_lines_and_ends_stay_open():
    values = np.array([[np.nan, 1.0, np.nan, np.nan, 4.0, np.nan]])
    expected = [[np.nan, 1.0, 2.0, 3.0, 4.0, np.nan]]
    np.testing.assert_array_equal(bridge(values), expected)
