"""Intervals: corrected by held-out errors, and never touching the forecast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_native.forecast import conformal

LEVELS = conformal.GRID
NORMAL = np.array([-1.959964, -1.281552, -0.67449, 0.67449, 1.281552, 1.959964])


def spread(cuts, horizon, size=1.0):
    return np.full((cuts, horizon, len(LEVELS)), size) * np.abs(NORMAL)


def covered(factors, errors, percent):
    low, high = (LEVELS.index(end) for end in conformal.ends(percent))
    below = -factors[low] * abs(NORMAL[low])
    above = factors[high] * abs(NORMAL[high])
    return ((errors >= below) & (errors <= above)).mean(axis=0)


@pytest.mark.parametrize("size", [0.4, 1.0, 3.0])
def test_intervals_hold_the_share_they_promise_whatever_the_model_said(size):
    rng = np.random.default_rng(6)
    growing = size * np.array([1.0, 1.5, 2.0, 3.0])
    seen, later = (rng.normal(size=(4000, 4)) * growing for _ in range(2))
    found = conformal.calibrate(LEVELS, np.zeros((4000, 4)), spread(4000, 4), seen, evidence=4000.0)
    for percent in (80, 95):
        np.testing.assert_allclose(
            covered(found.factors, later, percent), percent / 100.0, atol=0.025
        )


def test_errors_of_one_sign_make_no_interval_that_ends_at_the_forecast():
    """Raw quantiles of the errors 3, 4 and 5 would put the lower bound above the forecast."""
    errors = np.tile([[3.0], [4.0], [5.0]], (40, 1))
    found = conformal.calibrate(LEVELS, np.zeros((120, 1)), spread(120, 1), errors, evidence=120.0)
    bounds = found.bounds(np.zeros((1, 1)), spread(1, 1), np.array([1e-3]))[0, 0]
    assert (bounds[:3] < 0.0).all()
    assert bounds[LEVELS.index(0.9)] > 3.0
    assert -bounds[LEVELS.index(0.1)] < bounds[LEVELS.index(0.9)]  # but it is not symmetric


def test_few_errors_hardly_move_the_model():
    errors = np.full((1, 12), 9.0)
    few = conformal.calibrate(LEVELS, np.zeros((1, 12)), spread(1, 12), errors, evidence=0.3)
    many = conformal.calibrate(
        LEVELS, np.zeros((50, 12)), spread(50, 12), np.repeat(errors, 50, axis=0), evidence=50.0
    )
    assert 1.0 < few.factors.max() < 2.0 < many.factors.max()


def test_nothing_compared_leaves_the_model_as_it_is():
    nothing = np.full((3, 5), np.nan)
    found = conformal.calibrate(LEVELS, np.zeros((3, 5)), spread(3, 5), nothing, evidence=0.0)
    np.testing.assert_array_equal(found.factors, 1.0)
    empty = conformal.calibrate(LEVELS, nothing[:0], spread(0, 5), nothing[:0], evidence=0.0)
    np.testing.assert_array_equal(empty.factors, 1.0)


def test_steps_that_no_series_was_long_enough_to_see_have_the_factor_of_all():
    errors = np.random.default_rng(1).normal(size=(300, 30)) * 2.0
    errors[:, 8:] = np.nan
    found = conformal.calibrate(LEVELS, np.zeros((300, 30)), spread(300, 30), errors, evidence=80.0)
    assert np.isfinite(found.factors).all()
    np.testing.assert_allclose(found.factors[:, 20:].std(axis=1), 0.0, atol=1e-12)
    assert 1.5 < found.factors[1, 29] < 2.5


@given(
    middle=st.sampled_from([0.0, 1.0, -3.7, 1e12, 1e-9]),
    sizes=st.lists(st.floats(0.0, 1e6), min_size=6, max_size=6),
    factors=st.lists(st.floats(0.1, 10.0), min_size=6, max_size=6),
)
def test_bounds_are_strictly_ordered_around_the_forecast(middle, sizes, factors):
    """Also where the model sees no spread at all, or its quantiles cross."""
    floor = np.array([max(1e-9 * abs(middle), 1e-6)])
    calibration = conformal.Calibration(LEVELS, np.array(factors)[:, np.newaxis])
    found = calibration.bounds(np.full((1, 1), middle), np.array(sizes)[None, None], floor)[0, 0]
    assert (np.diff([*found[:3], middle, *found[3:]]) > 0.0).all()


def test_other_levels_of_a_model_follow_the_normal_distribution():
    known = (0.1, 0.5, 0.9)
    quantiles = np.array([[[10.0 - 2 * 1.281552, 10.0, 10.0 + 1.281552]]])
    found = conformal.distances(quantiles, known, LEVELS)[0, 0]
    np.testing.assert_allclose(found, np.abs(NORMAL) * [2, 2, 2, 1, 1, 1], rtol=1e-5)


def test_a_longer_horizon_keeps_the_last_steps_factor():
    calibration = conformal.Calibration(LEVELS, np.array([[1.0, 2.0]] * 6))
    found = calibration.bounds(np.zeros((1, 4)), spread(1, 4), np.array([0.0]))[0, :, 3]
    np.testing.assert_allclose(found, np.array([1.0, 2.0, 2.0, 2.0]) * NORMAL[3])


def test_ends_of_an_interval():
    assert conformal.ends(80) == (0.1, 0.9)
    assert conformal.ends(95) == (0.025, 0.975)
