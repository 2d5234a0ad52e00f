"""Paths: their quantiles are the forecast's, and their steps go together as errors did."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_native.forecast import sampling

LEVELS = (0.025, 0.1, 0.9, 0.975)


def test_correlation_of_many_errors_is_theirs():
    rng = np.random.default_rng(1)
    wanted = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, 0.1], [-0.3, 0.1, 1.0]])
    errors = rng.multivariate_normal(np.zeros(3), wanted, size=5000) * [1.0, 5.0, 20.0]
    found = sampling.correlation_of(errors, np.ones((5000, 3)) * [1.0, 5.0, 20.0])
    np.testing.assert_allclose(found, wanted, atol=0.04)


@pytest.mark.parametrize("cuts", [0, 1])
def test_without_errors_steps_go_together_as_in_a_random_walk(cuts):
    found = sampling.correlation_of(np.ones((cuts, 4)), np.ones((cuts, 4)))
    assert found[0, 3] == pytest.approx(0.5)
    np.testing.assert_allclose(np.diagonal(found), 1.0)


def test_missing_errors_and_few_of_them_still_make_a_correlation():
    rng = np.random.default_rng(2)
    errors = rng.normal(size=(9, 12))
    errors[rng.random((9, 12)) < 0.5] = np.nan
    errors[:, 11] = np.nan
    found = sampling.correlation_of(errors, np.ones((9, 12)))
    np.testing.assert_allclose(np.diagonal(found), 1.0)
    np.testing.assert_allclose(found, found.T)
    assert np.linalg.eigvalsh(found).min() > 0.0


def test_a_correlation_of_another_horizon():
    known = np.array([[1.0, 0.2], [0.2, 1.0]])
    assert sampling.extended(known, 1).shape == (1, 1)
    longer = sampling.extended(known, 5)
    assert longer.shape == (5, 5)
    assert np.linalg.eigvalsh(longer).min() > -1e-9
    assert longer[0, 1] == pytest.approx(0.2, abs=0.1)


def test_paths_have_the_quantiles_they_are_drawn_from():
    middle = np.array([[10.0, 20.0]])
    bounds = np.array([[[7.0, 9.0, 14.0, 16.0], [0.0, 15.0, 22.0, 30.0]]])
    found = sampling.draw(middle, bounds, LEVELS, np.eye(2), paths=20000, seed=3)
    assert found.shape == (1, 20000, 2)
    for step in range(2):
        quantiles = np.quantile(found[0, :, step], [0.025, 0.1, 0.5, 0.9, 0.975])
        expected = [*bounds[0, step, :2], middle[0, step], *bounds[0, step, 2:]]
        np.testing.assert_allclose(quantiles, expected, atol=1.0)


def test_paths_of_what_cannot_be_negative_are_not():
    bounds = np.array([[[0.0, 0.0, 3.0, 5.0]]])
    found = sampling.draw(np.array([[1.0]]), bounds, LEVELS, np.eye(1), paths=2000, seed=1)
    assert found.min() == 0.0
