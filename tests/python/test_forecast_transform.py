"""The transform: when it takes roots, and that it can be undone."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_native.forecast.reading import bundled
from lstm_native.forecast.transform import Transform, choose_kind


def test_square_root_is_for_counts_and_not_for_others():
    rng = np.random.default_rng(4)
    level = 40.0 * (1.1 + np.sin(np.arange(600) / 40.0))
    counts = rng.poisson(level).astype(float)
    assert choose_kind(counts) == "sqrt"
    assert choose_kind(level + rng.standard_normal(600)) == "identity"
    assert choose_kind(counts - 1000.0) == "identity"
    assert choose_kind(np.full(200, 3.0)) == "identity"
    assert choose_kind(counts[:20]) == "identity"
    assert choose_kind(bundled().series[0].values[:2496]) == "sqrt"


@pytest.mark.parametrize("kind", ["identity", "sqrt"])
def test_transform_has_mean_0_deviation_1_and_an_inverse(kind):
    values = np.random.default_rng(5).gamma(2.0, 3.0, 400)
    transform = Transform.fit(values, kind=kind)
    scaled = transform.apply(values)
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(transform.invert(scaled), values, rtol=1e-12)


def test_square_root_never_forecasts_below_zero():
    transform = Transform.fit(np.array([0.0, 1.0, 4.0]), kind="sqrt")
    assert transform.invert(-50.0) == 0.0
