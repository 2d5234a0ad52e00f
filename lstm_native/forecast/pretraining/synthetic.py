"""Series that nobody measured: what levels, trends, seasons, cycles and noise can look like.

Structural time series (Harvey 1989): a level that wanders, a slope that wanders and returns to the
series' own drift (damped trends, Gardner & McKenzie 1985), a stochastic cycle, a season that may
change its shape, autocorrelated noise with heavy tails; and what real data have besides: breaks,
outliers, rounding, counts, intermittent demand, missing values. All sizes are drawn anew for each
series, in units of its noise. A series adds its parts up, or multiplies them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BURN_IN = 20  # rows before the first, for the slopes to have a past


def draw(
    rng: np.random.Generator, *, series: int, rows: int, seasons: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return synthetic series, (series, rows), all without missing values."""
    values = _trends(rng, series, rows) + _cycles(rng, series, rows) + _noise(rng, series, rows)
    for season in seasons:
        values += _season(rng, series, rows, season)
    return _as_measured(rng, values)


def some_missing(rng: np.random.Generator, values: Array) -> Array:
    """Return the series with missing rows in one of ten."""
    share = np.where(rng.random(len(values)) < 0.1, rng.uniform(0.02, 0.3, len(values)), 0.0)
    missing = rng.random(values.shape) < share[:, np.newaxis]
    missing[:, -1] = False
    return np.where(missing, np.nan, values)


def _sometimes(rng: np.random.Generator, share: float, values: Array) -> Array:
    """Return the values in that share of the series, 0 in the others."""
    return np.where(rng.random(len(values)) < share, values, 0.0)


def _size(rng: np.random.Generator, count: int, typical: float, spread: float) -> Array:
    """Return positive sizes around a typical one (log-normal)."""
    return np.asarray(np.exp(rng.normal(np.log(typical), spread, count)))


def _events(rng: np.random.Generator, shape: tuple[int, int], share: float, rate: float) -> Array:
    """Return 1 at rare rows of that share of the series, 0 elsewhere."""
    rates = _sometimes(rng, share, np.full(shape[0], rate))
    return (rng.random(shape) < rates[:, np.newaxis]).astype(np.float64)


def _trends(rng: np.random.Generator, count: int, rows: int) -> Array:
    total = rows + _BURN_IN
    level_noise = _sometimes(rng, 0.8, _size(rng, count, 0.5, 1.0))
    slope_noise = _sometimes(rng, 0.55, _size(rng, count, 0.06, 1.0))
    undamped = rng.random(count) < 0.3
    damping = np.where(undamped, 1.0, rng.uniform(0.75, 1.0, count))
    slope_noise = np.where(undamped, 0.3 * slope_noise, slope_noise)
    # What is measured grows more often than it shrinks.
    unit = _size(rng, count, 0.6, 0.8)
    steady = rng.normal(0.12, 0.3, count) * np.maximum(level_noise, 0.3) * unit
    drift = _sometimes(rng, 0.65, steady)
    memory = np.sqrt(np.maximum(1.0 - np.square(damping), 0.05))
    slope = drift + rng.standard_normal(count) * slope_noise / memory
    level_steps = rng.standard_normal((count, total)) * level_noise[:, np.newaxis]
    level_steps += _events(rng, (count, total), 0.25, 0.015) * rng.normal(0, 6, (count, total))
    slope_steps = rng.standard_normal((count, total)) * slope_noise[:, np.newaxis]
    bends = _events(rng, (count, total), 0.2, 0.015) * rng.normal(0, 0.6, (count, total))
    bends *= unit[:, np.newaxis]
    level = np.zeros(count)
    values = np.empty((count, total))
    for row in range(total):
        drift = drift + bends[:, row]
        slope = drift + damping * (slope + bends[:, row] - drift) + slope_steps[:, row]
        level = level + slope + level_steps[:, row]
        values[:, row] = level
    return values[:, _BURN_IN:]


def _cycles(rng: np.random.Generator, count: int, rows: int) -> Array:
    """Return stochastic cycles, a rotation with a little loss and noise (Harvey 1989, 2.3.3)."""
    frequency = 2.0 * np.pi / np.exp(rng.uniform(np.log(8), np.log(80), count))
    kept = rng.uniform(0.9, 0.998, count)
    size = _sometimes(rng, 0.4, _size(rng, count, 0.3, 0.9))
    along, across = kept * np.cos(frequency), kept * np.sin(frequency)
    here = 3.0 * size * rng.standard_normal(count)
    there = 3.0 * size * rng.standard_normal(count)
    noise = rng.standard_normal((2, count, rows)) * size[:, np.newaxis]
    values = np.empty((count, rows))
    for row in range(rows):
        here, there = (
            along * here + across * there + noise[0, :, row],
            along * there - across * here + noise[1, :, row],
        )
        values[:, row] = here
    return values


def _noise(rng: np.random.Generator, count: int, rows: int) -> Array:
    size = np.where(rng.random(count) < 0.15, 0.05, 1.0)
    memory = _sometimes(rng, 0.4, rng.uniform(-0.4, 0.9, count))
    freedom = np.where(rng.random(count) < 0.6, 30.0, rng.choice([3.0, 4.0, 6.0], count))
    shocks = rng.standard_t(freedom[:, np.newaxis], (count, rows))
    shocks *= (size * np.sqrt((1.0 - np.square(memory)) * (freedom - 2.0) / freedom))[:, np.newaxis]
    swing = _sometimes(rng, 0.15, np.full(count, 0.8))[:, np.newaxis]
    shocks *= 1.0 + swing * np.sin(np.linspace(0.0, 6.0, rows))  # calm and wild times
    outliers = _events(rng, (count, rows), 0.2, 0.02) * rng.normal(0, 6, (count, rows))
    state = np.zeros(count)
    values = np.empty((count, rows))
    for row in range(rows):
        state = memory * state + shocks[:, row]
        values[:, row] = state
    return values + outliers


def _season(rng: np.random.Generator, count: int, rows: int, season: int) -> Array:
    """Return patterns that are smooth, jagged or between, and may change from turn to turn."""
    phase = np.arange(season)
    smooth = np.zeros((count, season))
    for harmonic in range(1, min(season // 2, 6) + 1):
        angle = 2.0 * np.pi * harmonic * phase / season
        weights = rng.standard_normal((count, 2)) / harmonic
        smooth += weights[:, :1] * np.cos(angle) + weights[:, 1:] * np.sin(angle)
    share = np.where(rng.random((count, 1)) < 0.5, 1.0, rng.random((count, 1)))
    jagged = rng.standard_normal((count, season))
    pattern = share * smooth / np.sqrt(1.5) + (1.0 - share) * jagged
    size = _sometimes(rng, 0.7, _size(rng, count, 2.2, 1.0))
    pattern = (pattern - pattern.mean(axis=1, keepdims=True)) * size[:, np.newaxis]
    drift = _sometimes(rng, 0.5, _size(rng, count, 0.08, 0.8)) * size
    turns = -(-rows // season)
    steps = rng.standard_normal((turns, count, season)) * drift[:, np.newaxis]
    all_turns = pattern + np.cumsum(steps, axis=0)
    return np.asarray(all_turns.transpose(1, 0, 2).reshape(count, turns * season)[:, :rows])


def _as_measured(rng: np.random.Generator, values: Array) -> Array:
    """Give each series a level and a scale; make counts of some, and gaps in the demand of some."""
    count, rows = values.shape
    noise = np.exp(rng.uniform(np.log(0.004), np.log(0.25), count))[:, np.newaxis]
    relative = values * noise
    multiplied = np.exp(np.clip(relative, -12.0, 12.0))
    above_zero = np.where(rng.random(count) < 0.85, relative.min(axis=1), 0.0)
    distance = _sometimes(rng, 0.85, _size(rng, count, 0.6, 1.2))
    added = relative - above_zero[:, np.newaxis] + distance[:, np.newaxis]
    is_product = rng.random((count, 1)) < 0.55
    measured: Array = np.where(is_product, multiplied, added)
    measured *= np.exp(rng.uniform(0.0, np.log(1e4), (count, 1)))

    counts = np.flatnonzero(rng.random(count) < 0.06)
    mean = np.exp(np.clip(0.7 * relative[counts], -4, 4) + rng.normal(0.5, 1.2, (len(counts), 1)))
    shape = rng.choice([0.8, 3.0, 1000.0], (len(counts), 1))  # from bursts to Poisson
    crowd = rng.gamma(shape, 1.0, mean.shape) / shape * mean
    measured[counts] = rng.poisson(np.minimum(crowd, 1e6))

    lumpy = np.flatnonzero(rng.random(count) < 0.04)
    idle = rng.random((len(lumpy), rows)) < rng.uniform(0.2, 0.8, (len(lumpy), 1))
    measured[lumpy] = np.where(idle, 0.0, np.abs(measured[lumpy]))

    rounded = np.flatnonzero(rng.random(count) < 0.25)
    measured[rounded] = np.round(measured[rounded])
    return measured
