"""What the global network sees of a series, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_native.forecast.windows import (
    AHEAD_FEATURES,
    FURTHEST,
    PAST_FEATURES,
    TIMESTEPS,
    flush_right,
    make_windows,
)


def some_series(seed, rows=60, season=12):
    rng = np.random.default_rng(seed)
    at = np.arange(rows)
    wave = np.sin(2 * np.pi * at / season)
    return 50.0 * np.exp(0.01 * at + 0.2 * wave + 0.05 * rng.normal(size=rows))


@settings(max_examples=30)
@given(
    rows=st.integers(1, 150),
    horizon=st.integers(1, 30),
    seasons=st.sampled_from([(), (4,), (12,), (24, 168)]),
    kind=st.sampled_from(["positive", "mixed", "counts", "constant", "zeros", "gaps"]),
    seed=st.integers(0, 99),
)
def test_targets_are_the_way_back_of_answers(rows, horizon, seasons, kind, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, rows + horizon)).cumsum(axis=1)
    if kind == "positive":
        values = np.exp(0.1 * values)
    if kind == "counts":
        values = rng.poisson(1.0, values.shape).astype(float)
    if kind == "constant":
        values[:] = 7.0
    if kind == "zeros":
        values[:] = 0.0
    known, future = values[:, :rows].copy(), values[:, rows:]
    if kind == "gaps":
        known[:, : rows - 1][rng.random((3, rows - 1)) < 0.3] = np.nan
    windows = make_windows(known, seasons, horizon)
    assert windows.past.shape == (3, TIMESTEPS, PAST_FEATURES)
    assert windows.ahead.shape == (3, horizon, AHEAD_FEATURES)
    assert np.isfinite(windows.past).all()
    assert np.isfinite(windows.ahead).all()
    targets = windows.targets(future)
    back = windows.restore(targets[:, :, np.newaxis])[:, :, 0]
    told = (np.abs(targets) < FURTHEST) & ((future >= 0.0) | ~windows.positive[:, np.newaxis])
    told &= ~windows.logarithm[:, np.newaxis] | (future > 0.0)
    size = 1.0 + np.abs(future) + np.abs(known[:, -1:])
    assert (np.abs(back - future)[told] <= 1e-4 * size[told]).all()


@pytest.mark.parametrize("factor", [1e-3, 10.0, 1e9])
def test_the_unit_of_a_series_does_not_matter(factor):
    values = np.stack([some_series(0), some_series(1)])
    one, other = (make_windows(v, (12,), 6) for v in (values, factor * values))
    np.testing.assert_allclose(one.past, other.past, atol=1e-5)
    np.testing.assert_allclose(one.ahead, other.ahead, atol=1e-5)


def test_a_series_is_seen_alone_whatever_stands_beside_it():
    values = np.stack([some_series(0), some_series(1)])
    both, alone = make_windows(values, (12,), 6), make_windows(values[1:], (12,), 6)
    np.testing.assert_array_equal(both.past[1], alone.past[0])
    np.testing.assert_array_equal(both.ahead[1], alone.ahead[0])


def test_rows_before_the_first_are_seen_as_nothing():
    windows = make_windows(flush_right([some_series(0)[:10]], 10), (), 3)
    assert not windows.past[0, :-10, :6].any()
    assert (windows.past[0, -10:, 2] == 1.0).all()


def test_negative_values_forbid_the_logarithm_and_zeros_keep_it_from_the_sum_of_few():
    values = flush_right([np.array([1.0, 2, 3]), np.array([-1.0, 2, 3]), np.array([0.0, 2, 3])], 3)
    assert make_windows(values, (), 1).logarithm.tolist() == [True, False, False]


def test_what_was_never_negative_is_not_foreseen_so():
    values = flush_right([np.array([5.0, 0, 4, 0, 1, 0]), np.array([5.0, 0, -4, 0, 1, 0])], 6)
    windows = make_windows(values, (), 2)
    low = windows.restore(np.full((2, 2, 1), -9.0, dtype=np.float32))
    assert (low[0] == 0.0).all()
    assert (low[1] < 0.0).all()


def test_quantiles_never_cross():
    windows = make_windows(some_series(0)[np.newaxis], (12,), 4)
    crossed = np.random.default_rng(0).normal(size=(1, 4, 9)).astype(np.float32)
    assert (np.diff(windows.restore(crossed), axis=2) >= 0.0).all()


def test_series_longer_than_the_table_lose_their_oldest_rows():
    table = flush_right([np.arange(5.0), np.arange(2.0)], 3)
    np.testing.assert_array_equal(table, [[2.0, 3.0, 4.0], [np.nan, 0.0, 1.0]])
