"""What repeats itself in a series: an additive season, estimated for many series at once.

Classical decomposition (Macaulay 1931): a centred moving mean over one season is the trend; what
is left, averaged over equal phases, is the season. Two things are added. Recent seasons weigh more,
since patterns drift. And the pattern is shrunk towards zero as far as it could be noise (James &
Stein 1961; for seasonal factors Miller & Williams 2003), instead of a test that takes it or leaves
it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DECAY = 0.85  # weight of a season, relative to the one after it


@dataclass(frozen=True, eq=False)
class Season:
    """The repeating part of series.

    Attributes
    ----------
    past : ndarray, (series, rows)
    ahead : ndarray, (series, horizon)
    strength : ndarray, (series,)
        How much of the pattern is taken to be real: 0 (noise, or too short to tell) to 1.
    """

    past: Array
    ahead: Array
    strength: Array


def seasonal_part(values: Array, seasons: tuple[int, ...], horizon: int) -> Season:
    """Estimate the season of each series; of several seasons one after the other.

    Parameters
    ----------
    values : ndarray, (series, rows)
        On the scale where the season adds to the level, flush right; NaN where nothing is known.
    seasons : tuple of int
        Rows of each season. One of which a series has fewer than two is not looked for.
    horizon : int
        For how many rows after the last the season is wanted.
    """
    count, rows = values.shape
    found = Season(np.zeros((count, rows)), np.zeros((count, horizon)), np.zeros(count))
    for season in seasons:
        part = _one_season(values - found.past, season, horizon)
        found = Season(
            found.past + part.past,
            found.ahead + part.ahead,
            np.maximum(found.strength, part.strength),
        )
    return found


def _one_season(values: Array, season: int, horizon: int) -> Season:
    count, rows = values.shape
    if season < 2 or rows < 2 * season:
        return Season(np.zeros((count, rows)), np.zeros((count, horizon)), np.zeros(count))
    detrended = values - centred_mean(values, season)
    # One row for each turn of the season, one column for each phase.
    turns = -(-rows // season)
    before = turns * season - rows
    table = np.full((count, turns * season), np.nan)
    table[:, before:] = detrended
    table = table.reshape(count, turns, season)
    known = ~np.isnan(table)
    filled = np.where(known, table, 0.0)
    weight = known * (_DECAY ** np.arange(turns)[::-1])[:, np.newaxis]
    total = weight.sum(axis=1)
    pattern = (weight * filled).sum(axis=1) / np.where(total > 0.0, total, 1.0)
    pattern -= pattern.mean(axis=1, keepdims=True)

    # How uncertain each phase's mean is, from how the turns differ from one another.
    seen = known.sum(axis=(1, 2))
    residual = np.where(known, table - pattern[:, np.newaxis], 0.0)
    noise = np.square(residual).sum(axis=(1, 2)) / np.maximum(seen - season, 1)
    squared = np.square(weight).sum(axis=1)
    turns_seen = (np.square(total) / np.where(squared > 0.0, squared, 1.0)).mean(axis=1)
    uncertainty = noise / np.maximum(turns_seen, 1.0)
    power = np.square(pattern).sum(axis=1) / (season - 1)
    strength = np.clip(1.0 - uncertainty / np.where(power > 0.0, power, 1.0), 0.0, 1.0)
    every_phase = np.asarray(known.any(axis=1)).all(axis=1)
    enough = every_phase & (seen >= season + season // 2)
    strength = np.where(enough & (power > 0.0), strength, 0.0)

    pattern *= strength[:, np.newaxis]
    past = pattern[:, (np.arange(rows) + before) % season]
    ahead = pattern[:, np.arange(horizon) % season]
    return Season(past, ahead, strength)


def centred_mean(values: Array, season: int) -> Array:
    """Return the mean over one season around each row; NaN where that reaches beyond the rows.

    Of an even season the two outermost rows count half. Gaps inside a series are bridged by
    straight lines, for this mean alone.
    """
    count, rows = values.shape
    span = season if season % 2 else season + 1
    trend = np.full((count, rows), np.nan)
    if rows < span:
        return trend
    bridged = bridge(values)
    known = np.where(np.isnan(bridged), 0.0, bridged)
    running = np.concatenate([np.zeros((count, 1)), np.cumsum(known, axis=1)], axis=1)
    total = running[:, span:] - running[:, :-span]
    if season % 2 == 0:
        total = total - 0.5 * (known[:, : rows - span + 1] + known[:, span - 1 :])
    edge = span // 2
    trend[:, edge : rows - edge] = total / season
    # What lies before the first row, or behind the last, is not known.
    outside = np.isnan(bridged).astype(np.float64)
    missing = np.concatenate([np.zeros((count, 1)), np.cumsum(outside, axis=1)], axis=1)
    trend[:, edge : rows - edge][missing[:, span:] - missing[:, :-span] > 0.0] = np.nan
    return trend


def bridge(values: Array) -> Array:
    """Return the series with straight lines over the gaps between known rows."""
    gaps = np.isnan(values)
    bridged: Array = values.copy()
    at = np.arange(values.shape[1])
    for row in np.flatnonzero(gaps.any(axis=1)):
        known = np.flatnonzero(~gaps[row])
        if len(known):
            inside = slice(known[0], known[-1] + 1)
            bridged[row, inside] = np.interp(at[inside], known, values[row, known])
    return bridged
