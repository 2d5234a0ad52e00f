"""Forecasts from several past ends of the series, beside what came."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.frames import Names
from lstm_native.forecast.panel import Panel

if TYPE_CHECKING:
    import pandas as pd


class Fitting(Protocol):
    """What is fitted and then forecasts: a Forecaster."""

    def fit(self, data: Panel) -> object:
        """Fit the rows."""

    def predict_panel(self, panel: Panel) -> pd.DataFrame:
        """Forecast what follows the rows."""


def cross_validation(
    forecaster: Fitting, panel: Panel, names: Names, *, windows: int, step: int, horizon: int
) -> pd.DataFrame:
    """Fit the rows before the first cutoff, and forecast from each.

    Parameters
    ----------
    windows, step : int
        How many cutoffs, so many rows apart; after the last one the horizon just fits.

    Returns
    -------
    DataFrame
        unique_id, ds, cutoff, y, and what the forecaster says.

    Raises
    ------
    DataError
        No series is long enough.
    """
    import pandas as pd

    if windows < 1 or step < 1:
        raise DataError(f"windows {windows} and step {step} must be at least 1")
    held = horizon + (windows - 1) * step
    kept = tuple(series for series in panel.series if len(series) > held)
    if not kept:
        longest = max(len(series) for series in panel.series)
        raise DataError(
            f"{windows} windows of {horizon} rows, {step} apart, need series of more than "
            f"{held} rows; the longest has {longest}"
        )
    panel = dataclasses.replace(panel, series=kept)
    ends = [[len(one) - held + window * step for one in kept] for window in range(windows)]
    forecaster.fit(panel.until(ends[0]))
    parts = []
    for rows in ends:
        cut = panel.until(rows)
        frame = forecaster.predict_panel(cut)
        last = pd.Index([series.stamps[-1] for series in cut.series])
        came = [one.values[row : row + horizon] for one, row in zip(kept, rows, strict=True)]
        frame.insert(2, "cutoff", last.repeat(horizon))
        frame.insert(3, names.target, np.concatenate(came))
        parts.append(frame)
    found: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return found
