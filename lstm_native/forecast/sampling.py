"""Paths: what may come as a whole, and not only step by step."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PRIOR = 20.0  # origins that weigh as much as the random walk's correlation
_LONGEST = 256  # steps; beyond, the errors of a random walk are assumed


def correlation_of(errors: Array, deviation: Array) -> Array:
    """Return how the errors of different steps go together: (horizon, horizon).

    The correlation of the held-out errors, relative to the deviation expected, drawn towards that
    of a random walk where the origins are few.

    Parameters
    ----------
    errors : ndarray, (cuts, horizon)
        NaN where nothing is known.
    deviation : ndarray, (cuts, horizon)
        What the model expected of them.
    """
    horizon = errors.shape[1]
    steps = np.arange(1.0, horizon + 1.0)
    walk = np.sqrt(np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps))
    if len(errors) < 2 or horizon > _LONGEST:
        return walk
    known = np.isfinite(errors) & (deviation > 0.0)
    z = np.where(known, errors / np.where(known, deviation, 1.0), 0.0)
    z = np.clip(z, -5.0, 5.0)  # one leap is no correlation
    both = known.T.astype(np.float64) @ known
    products = z.T @ z
    size = np.sqrt(np.square(z).T @ known)
    norm = size * size.T
    seen = np.divide(products, norm, out=walk.copy(), where=norm > 0.0)
    weight = both / (both + _PRIOR)
    return _valid(weight * seen + (1.0 - weight) * walk)


def draw(
    middle: Array,
    bounds: Array,
    levels: tuple[float, ...],
    correlation: Array,
    *,
    paths: int,
    seed: int,
) -> Array:
    """Draw paths whose steps have the forecast's quantiles: a Gaussian copula.

    Parameters
    ----------
    middle : ndarray, (series, horizon)
    bounds : ndarray, (series, horizon, levels)
        Quantiles, ascending along the last axis.
    correlation : ndarray, (horizon, horizon)

    Returns
    -------
    ndarray, (series, paths, horizon)
    """
    series, horizon = middle.shape
    rng = np.random.default_rng(seed)
    root = _root(correlation)
    normal = np.array([NormalDist().inv_cdf(level) for level in levels])
    below = int((normal < 0.0).sum())
    knots = np.concatenate([normal[:below], [0.0], normal[below:]])
    values = np.concatenate(
        [bounds[..., :below], middle[..., np.newaxis], bounds[..., below:]], axis=-1
    )
    found = np.empty((series, paths, horizon))
    for index in range(series):
        z = rng.standard_normal((paths, horizon)) @ root.T
        right = np.clip(np.searchsorted(knots, z), 1, len(knots) - 1)
        share = (z - knots[right - 1]) / (knots[right] - knots[right - 1])
        step = np.arange(horizon)
        left_value, right_value = values[index, step, right - 1], values[index, step, right]
        # Beyond the outermost quantiles the last piece goes on as a line.
        found[index] = left_value + share * (right_value - left_value)
        lowest = values[index].min(axis=-1)
        found[index] = np.where((lowest >= 0.0) & (found[index] < 0.0), 0.0, found[index])
    return found


def _valid(matrix: Array) -> Array:
    """Return the nearest thing to the matrix that is a correlation."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    fixed = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    size = np.sqrt(np.diagonal(fixed))
    return np.asarray(fixed / np.outer(size, size))


def _root(correlation: Array) -> Array:
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def extended(correlation: Array, horizon: int) -> Array:
    """Return the correlation for another horizon; steps beyond go as in a random walk."""
    known = len(correlation)
    if horizon <= known:
        return correlation[:horizon, :horizon]
    steps = np.arange(1.0, horizon + 1.0)
    walk = np.sqrt(np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps))
    walk[:known, :known] = correlation
    return _valid(walk)
