"""The intervals of a panel: no side collapses, and methods that disagree are less sure."""

from __future__ import annotations

import numpy as np
import pytest
from panels import cycle, panel

from lstm_native.forecast import conformal, intervals, methods, origins
from lstm_native.forecast.forecaster import Forecaster
from lstm_native.forecast.intervals import Limits

LEVELS = conformal.GRID


@pytest.fixture(scope="module")
def trained():
    return {"pretrained": methods.GlobalModel.pretrained()}


def test_a_forecast_far_from_the_models_own_has_wider_intervals(trained):
    rows = panel(cycle(80))
    own = methods.forecast("pretrained", trained, rows, 6)
    near = intervals.distances(trained, "pretrained", rows, own, LEVELS)
    far = intervals.distances(trained, "pretrained", rows, own + 20.0, LEVELS)
    assert (far > near).all()
    np.testing.assert_allclose(far[..., 4], np.hypot(near[..., 4], 10.0 * 1.281552), rtol=0.02)


def test_no_side_of_an_interval_collapses_near_the_lowest_value(trained):
    """The sunspots' minimum of 2008: the next months may be lower as well as higher."""
    values = np.maximum(20.0 * np.sin(np.arange(200) / 8.0), 0.0)
    rows = panel(values, seasons=())
    own = methods.forecast("pretrained", trained, rows, 6)
    away = intervals.distances(trained, "pretrained", rows, own, LEVELS)
    assert (away[..., :3] >= 0.15 * away[..., :2:-1] - 1e-12).all()
    assert (away[..., :2:-1] >= 0.15 * away[..., :3] - 1e-12).all()


def test_bounds_of_counts_end_at_zero_unless_the_forecast_is_zero():
    limits = Limits.of(panel([0.0, 3.0, 0.0, 1.0], [1.5, -2.0]))
    assert limits.counts.tolist() == [True, False]
    middle = limits.above_zero(np.array([[-1.0, 0.5], [-1.0, 0.5]]))
    np.testing.assert_array_equal(middle, [[0.0, 0.5], [-1.0, 0.5]])
    bounds = limits.bounds(middle, np.full((2, 2, 6), 3.0), conformal.identity(LEVELS, 2))
    assert bounds[0, 0, 0] < 0.0
    assert bounds[0, 1, 0] == 0.0
    assert bounds[1, 1, 0] < 0.0


def test_the_coverage_in_the_table_is_that_of_intervals_calibrated_without_it():
    """A series' errors say nothing of the interval that they are judged by."""
    many = [cycle(40, seed) for seed in range(30)]
    held = origins.find(panel(*many), 4)
    rng = np.random.default_rng(1)
    seen = held.actual + rng.normal(size=held.actual.shape)
    away = np.full((*seen.shape, len(LEVELS)), 1.0) * np.abs(
        [-1.96, -1.28, -0.67, 0.67, 1.28, 1.96]
    )
    limits = Limits.of(held.cuts)
    before = intervals.honest_bounds(held, limits, seen, away, LEVELS)
    first = np.flatnonzero(held.owner % 5 == 0)
    moved = seen.copy()
    moved[first] += 1000.0  # errors that would widen what they are calibrated with
    after = intervals.honest_bounds(held, limits, moved, away, LEVELS)
    np.testing.assert_allclose(after[first] - before[first], 1000.0)
    others = np.flatnonzero(held.owner % 5 == 1)
    assert (after[others, :, -1] > before[others, :, -1]).all()


def test_most_values_lie_in_the_intervals_of_series_like_those_fitted():
    rng = np.random.default_rng(4)
    many = [100.0 + np.cumsum(rng.normal(size=72)) for _ in range(60)]
    found = Forecaster(6, model="pretrained").fit(panel(*[v[:66] for v in many], seasons=()))
    forecast = found.predict()
    came = np.concatenate([v[66:] for v in many])
    for percent in (80, 95):
        inside = (forecast[f"low_{percent}"] <= came) & (came <= forecast[f"high_{percent}"])
        assert abs(inside.mean() - percent / 100.0) < 0.08
