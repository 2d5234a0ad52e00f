"""A season for rows whose stamps tell none, by autocorrelation, and only where it is plain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.panel import Array, Panel

#: Periods that rows usually have: a season near one of them is taken to be it.
USUAL = (4, 5, 7, 12, 24, 48, 52, 96, 168, 260, 365)
_LEAST = 0.3  # of the correlation at the season
_RISE = 0.2  # above the lowest correlation at shorter lags
_CLOSE = 0.8  # of the peak's correlation that of a part or a usual period must have
_UNUSUAL = 0.5  # the least correlation of a season that is none of the usual


def guess_season(panel: Panel) -> int | None:
    """Return the rows after which the series of a panel repeat themselves, None if it is not plain.

    The autocorrelations of all series, without their trends, are averaged. They must fall, and
    rise again to a peak of at least 0.3. A part of that lag is taken instead if it correlates about
    as well (52 for 104), and a usual period if one is near (12 for 11, 365 for 367).

    Parameters
    ----------
    panel : Panel
        Missing values are left out; a series shorter than three seasons says nothing about it.
    """
    correlation, values = _correlations(panel)
    if len(correlation) < 4:
        return None
    peaks = _peaks(correlation, values)
    if not peaks.size:
        return None
    best = int(peaks[correlation[peaks].argmax()])
    season = _usual(_part(best, peaks, correlation), correlation)
    return season if season in USUAL or correlation[season] >= _UNUSUAL else None


def _peaks(correlation: Array, values: Array) -> NDArray[np.intp]:
    """Return the lags at which the correlation is high, after it has been low."""
    lags = np.arange(2, len(correlation) - 1)
    here = correlation[lags]
    lowest = np.minimum.accumulate(correlation)[lags]
    found = (here >= correlation[lags - 1]) & (here >= correlation[lags + 1])
    found &= here >= np.maximum(_LEAST, 3.0 / np.sqrt(values[lags]))
    return lags[found & (here - lowest >= _RISE)]


def _part(best: int, peaks: NDArray[np.intp], correlation: Array) -> int:
    """Return the shortest part of a period that correlates about as well."""
    for peak in peaks[peaks < best]:
        parts = best / peak
        whole = abs(parts - round(parts)) <= 0.02 * parts + 1.0 / peak
        if whole and correlation[peak] >= _CLOSE * correlation[best]:
            return int(peak)
    return best


def _usual(season: int, correlation: Array) -> int:
    """Return the usual period nearest to a season, if it is near and correlates about as well."""
    near = [u for u in USUAL if abs(season - u) <= max(1, round(0.1 * u)) and u < len(correlation)]
    near.sort(key=lambda usual: (abs(season - usual), -correlation[usual]))
    for usual in near:
        if correlation[usual] >= _CLOSE * correlation[season]:
            return usual
    return season


def _correlations(panel: Panel) -> tuple[Array, Array]:
    """Return the mean autocorrelation at each lag, and how many values it stands on."""
    longest = max(len(series) for series in panel.series) // 3
    totals, counts = np.zeros(longest + 1), np.zeros(longest + 1)
    values_at = np.zeros(longest + 1)
    for series in panel.series:
        own = len(series) // 3
        known = ~np.isnan(series.values)
        if own < 3 or known.sum() < 8:
            continue
        rows = np.arange(len(series), dtype=np.float64)
        trend = np.polynomial.Polynomial.fit(rows[known], series.values[known], 1)(rows)
        x = np.where(known, series.values - trend, 0.0)
        if not np.abs(x).max() > 1e-9 * (1.0 + np.abs(series.values[known]).max()):
            continue
        scale = float((x * x).sum() / known.sum())
        pairs = _lagged(known.astype(np.float64))[: own + 1]
        enough = pairs > max(4.0, len(x) / 4)
        found = _lagged(x)[: own + 1][enough] / np.maximum(pairs[enough], 1.0) / scale
        at = np.flatnonzero(enough)
        totals[at] += found
        counts[at] += 1
        values_at[at] += pairs[enough]
    used = counts > 0
    end = len(used) if used.all() else int(np.argmin(used))
    return totals[:end] / counts[:end], np.maximum(values_at[:end], 1.0)


def _lagged(x: Array) -> Array:
    """Return the sum of x[t] x[t + lag] at each lag."""
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    return np.asarray(np.fft.irfft(spectrum, 2 * len(x))[: len(x)])
