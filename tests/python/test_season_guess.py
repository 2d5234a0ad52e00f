"""The season of rows without stamps: the plain one or none, never its neighbour."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_native.forecast.panel import Panel
from lstm_native.forecast.reading import bundled
from lstm_native.forecast.season_guess import guess_season


def cycle(period, cycles, noise, seed=0):
    rows = np.arange(cycles * period)
    own = np.random.default_rng(seed)
    return np.sin(2 * np.pi * rows / period) + 0.05 * rows + noise * own.standard_normal(len(rows))


@pytest.mark.parametrize("period", [4, 5, 7, 12, 24, 52, 168, 365])
@pytest.mark.parametrize("cycles", [8, 12])
def test_a_usual_period_is_found_or_nothing(period, cycles):
    found = [guess_season(Panel.of([cycle(period, cycles, noise, seed)]))
             for noise in (0.05, 0.2, 0.5) for seed in range(5)]  # fmt: skip
    # Twice the period is no fault of a noisy series; a neighbour such as 11 or 367 is.
    assert set(found) <= {period, 2 * period, None}
    assert found[:5] == [period] * 5


def test_gaps_do_not_move_it():
    values = cycle(12, 12, 0.3)
    values[[40, 41, 90]] = np.nan
    assert guess_season(Panel.of([values])) == 12


def test_days_of_a_year_are_365_and_weeks_of_a_year_52():
    days = np.arange(10 * 365.0)
    values = np.sin(2 * np.pi * days / 365.25) + 0.3 * np.random.default_rng(0).standard_normal(
        len(days)
    )
    assert guess_season(Panel.of([values])) == 365
    weeks = np.arange(8 * 52.0)
    values = np.sin(2 * np.pi * weeks / 52.18) + 0.3 * np.random.default_rng(0).standard_normal(
        len(weeks)
    )
    assert guess_season(Panel.of([values])) == 52


def test_an_unusual_period_that_is_plain():
    assert guess_season(Panel.of([cycle(9, 20, 0.1)])) == 9
    season = guess_season(bundled())
    assert season is not None
    assert abs(season - 132) <= 12


def test_many_series_speak_together():
    panel = Panel.of(
        [cycle(12, 5, 0.6, seed) for seed in range(40)] + [np.zeros(60), np.arange(3.0)]
    )
    assert guess_season(panel) == 12


@pytest.mark.parametrize(
    "values",
    [
        np.full(100, 2.5), np.zeros(50), np.arange(100.0), 1e12 * np.arange(100.0),
        np.random.default_rng(2).standard_normal(200),
        np.random.default_rng(3).normal(size=300).cumsum(),
        np.array([1.0, 2.0, 1.0]), np.array([1.0]), np.full(40, np.nan),
    ],
    ids=["constant", "zeros", "line", "steep", "noise", "walk", "three values", "one", "nothing"],
)  # fmt: skip
def test_no_season_where_nothing_returns(values):
    assert guess_season(Panel.of([values])) is None
