"""The forecasts that a network has to beat: the simplest ones, over many series at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import linear, statistical
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.rows import last_known, last_rows

Array = NDArray[np.float64]
Method = Callable[[Panel, int], Array]

_SEASONS_BACK = 4  # so far a missing value is looked for in the seasons before


def naive(panel: Panel, horizon: int) -> Array:
    """Return the last known value of each series for every step: (series, horizon)."""
    return np.repeat(last_known(panel.series)[:, np.newaxis], horizon, axis=1)


def seasonal_naive(panel: Panel, horizon: int) -> Array:
    """Return the values one season, the panel's shortest, before each step: (series, horizon).

    A horizon longer than the season repeats it. Where that value is missing, or the series is
    too short, the seasons before are asked, and then the last known value.
    """
    found = naive(panel, horizon)
    if not panel.frequency.seasons:
        return found
    season = panel.frequency.seasons[0]
    table = last_rows(panel.series, _SEASONS_BACK * season)
    within = np.arange(horizon) % season
    for back in range(_SEASONS_BACK, 0, -1):
        values = table[:, table.shape[1] - back * season + within]
        found = np.where(np.isfinite(values), values, found)
    return found


#: The methods by name. Each takes the rows of a panel and returns points, (series, horizon): no
#: NaN, from one row up. Series of one name are one series, cut at several origins: what a method
#: fits, it fits on the shortest of them.
BASELINES: dict[str, Method] = {
    "naive": naive,
    "seasonal-naive": seasonal_naive,
    "linear": linear.forecast,
    "theta": statistical.theta,
    "ets": statistical.ets,
}


def usable(name: str, panel: Panel, horizon: int) -> bool:
    """Whether a baseline says something of its own about some series of the panel."""
    longest = max(len(series) for series in panel.series)
    if name == "seasonal-naive":
        return bool(panel.frequency.seasons) and longest >= panel.frequency.seasons[0]
    if name == "linear":
        return linear.usable(panel, horizon)
    if name in ("theta", "ets"):
        return statistical.installed() and longest >= statistical.MIN_ROWS
    return True
