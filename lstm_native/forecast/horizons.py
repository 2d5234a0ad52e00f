"""How far ahead is forecast, and from how many rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.season_guess import guess_season

_KEPT = 4096  # rows of each series, the newest, that forecasts are made from and a file holds
# Steps ahead by the shortest season, where none are asked for: those of the M competitions.
_HORIZONS = {4: 8, 5: 10, 7: 14, 12: 12, 24: 48, 52: 13}
_LONGEST_SEASON, _USUAL, _YEARS = 60, 12, 6


def usual_horizon(panel: Panel) -> int:
    """Return how many rows are forecast where nothing else is asked for."""
    if not panel.frequency.seasons:
        alias = panel.frequency.alias or ""
        return _YEARS if alias.lstrip("B").startswith(("Y", "A")) else _USUAL
    season = panel.frequency.seasons[0]
    return _HORIZONS.get(season, season if season <= _LONGEST_SEASON else _USUAL)


def whole(name: str, value: Any) -> int:
    """Return a count as a whole number.

    Raises
    ------
    DataError
        It is none, or below 1.
    """
    try:
        usable = not isinstance(value, (bool, str)) and value == int(value) and value >= 1
    except (TypeError, ValueError, OverflowError):
        usable = False
    if not usable:
        raise DataError(f"{name} {value!r} is not a whole number of at least 1")
    return int(value)


def check_horizon(panel: Panel, horizon: int) -> None:
    """Refuse a horizon beyond reason.

    Raises
    ------
    DataError
        More than ten times the rows of the longest series, and more than 100.
    """
    if horizon < 1:
        raise DataError(f"horizon {horizon} is not at least 1")
    longest = max(len(series) for series in panel.series)
    most = max(100, 10 * longest)
    if horizon > most:
        raise DataError(
            f"a horizon of {horizon} rows is beyond reason for {panel.source}, whose longest "
            f"series has {longest}: choose at most {most}"
        )


def with_guessed_season(panel: Panel) -> Panel:
    """Return a panel of rows without dates with the season that they plainly show, if any."""
    if panel.frequency.seasons or panel.frequency.alias is not None:
        return panel
    # The last fifth is for the back-test alone.
    season = guess_season(panel.until([max(1, 4 * len(one) // 5) for one in panel.series]))
    if season is None:
        return panel
    note = f"{panel.source}: a season of {season} rows, as the values show"
    panel = dataclasses.replace(panel, notes=(*panel.notes, note))
    return with_seasons(panel, season)


def with_seasons(panel: Panel, season: int | Sequence[int]) -> Panel:
    """Return the panel with the seasons that a user gave."""
    seasons = tuple(sorted({int(rows) for rows in np.atleast_1d(season).tolist() if rows > 1}))
    return dataclasses.replace(
        panel, frequency=dataclasses.replace(panel.frequency, seasons=seasons)
    )


def check_season(panel: Panel, season: int | Sequence[int] | None) -> None:
    """Refuse a season that a user gave and no series is long enough for.

    Raises
    ------
    DataError
        It has more rows than the longest series.
    """
    if season is None:
        return
    most = max(whole("season", rows) for rows in np.atleast_1d(np.asarray(season)).tolist())
    longest = max(len(series) for series in panel.series)
    if most > longest:
        raise DataError(
            f"a season of {most} rows is longer than every series of {panel.source}, whose "
            f"longest has {longest}: choose at most {longest}, or leave the season out"
        )


def shortened(panel: Panel) -> Panel:
    """Return the panel with the newest rows of each series, as many as are kept."""
    if all(len(series) <= _KEPT for series in panel.series):
        return panel
    found = []
    for series in panel.series:
        cut = max(len(series) - _KEPT, 0)
        found.append(
            dataclasses.replace(
                series,
                stamps=series.stamps[cut:],
                values=series.values[cut:],
                past=series.past[cut:],
                future=series.future[cut:],
            )
        )
    return dataclasses.replace(panel, series=tuple(found))
