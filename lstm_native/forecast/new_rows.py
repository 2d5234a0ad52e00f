"""Whether the stamps of new rows go with those of the series that they are added to."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel, Series
from lstm_native.forecast.reading.placing import MOVED

_MOST = 1_000_000  # rows beyond a series' last that are looked at; the reader refuses more


def moved_notes(panel: Panel) -> tuple[str, ...]:
    """Return the notes which say that rows were written anywhere within their spans."""
    return tuple(note for note in panel.notes if note.startswith(MOVED))


def check_known(panel: Panel, name: str, stamps: Any) -> None:
    """Refuse new rows of a series that stand before it, or between its rows.

    Parameters
    ----------
    name : str
        The series; one that is not in the panel is not looked at.
    stamps : Index
        Of the new rows.

    Raises
    ------
    DataError
        A stamp is not on the grid of the series' stamps.
    """
    for series in panel.series:
        if series.name == name and len(stamps):
            early = np.flatnonzero(np.asarray(stamps < series.stamps[0]))
            if early.size:
                raise DataError(
                    f"update: the new row at {stamps[early[0]]} lies before the first one known of "
                    f"series '{name}', {series.stamps[0]}; expected rows from there on: leave it "
                    "out, or fit again with it"
                )
            grid = None if moved_notes(panel) else _grid(panel, series, stamps.max())
            if grid is not None:
                _refuse(panel, name, stamps, grid)


def check_placed(panel: Panel, name: str, stamps: Any) -> None:
    """Refuse rows of a new series, those with values, that its stamps, as read, do not hold.

    Raises
    ------
    DataError
        A stamp is not on the grid of the panel's stamps.
    """
    for series in panel.series:
        if series.name == name:
            _refuse(panel, name, stamps, series.stamps)


def _refuse(panel: Panel, name: str, stamps: Any, grid: Any) -> None:
    alias = panel.frequency.alias
    step = panel.frequency.step
    if alias is None:
        apart = (np.asarray(stamps, dtype=np.float64) - grid[0]) / step
        wrong = np.flatnonzero(np.abs(apart - np.round(apart)) > 1e-6)
    else:
        wrong = np.flatnonzero(grid.get_indexer(stamps) < 0)
    if wrong.size:
        stamp = stamps[wrong[0]]
        if alias is None:
            after = grid[0] + step * np.ceil(apart[wrong[0]])
        else:
            after = grid[min(int((grid < stamp).sum()), len(grid) - 1)]
        every = f"of frequency {alias}" if alias else f"{step:g} apart"
        raise DataError(
            f"update: the new row at {stamp} of series '{name}' is not among its stamps, which are "
            f"{every}; expected one such as {after}"
        )


def _grid(panel: Panel, series: Series, until: Any) -> Any:
    """Return a series' stamps and those after it, None where there are too many of them."""
    if panel.frequency.alias is None or until <= series.stamps[-1]:
        return series.stamps
    try:
        few = panel.frequency.after(series.stamps, 4)
        apart = min(few[1:] - few[:-1])
        count = int((until - series.stamps[-1]) / apart) + 2
        if count > _MOST:
            return None
        return series.stamps.append(panel.frequency.after(series.stamps, count))
    except (OverflowError, ValueError):  # beyond the calendar, as the reader will say
        return None
