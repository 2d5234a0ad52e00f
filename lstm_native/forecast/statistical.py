"""Theta and exponential smoothing, where the package statsforecast is installed."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.rows import cuts_by_name, filled, last_known

Array = NDArray[np.float64]

#: Shorter series get their last value.
MIN_ROWS = 8

_LONGEST_ETS_SEASON = 24  # of statsforecast, whose AutoETS ignores a longer one


def installed() -> bool:
    """Whether statsforecast can be imported."""
    return importlib.util.find_spec("statsforecast") is not None


def theta(panel: Panel, horizon: int) -> Array:
    """Return the dynamic optimised Theta model's forecasts: (series, horizon).

    Raises
    ------
    DataError
        statsforecast is not installed.
    """
    return _forecast("DynamicOptimizedTheta", panel, horizon)


def ets(panel: Panel, horizon: int) -> Array:
    """Return the forecasts of exponential smoothing, its form chosen by AICc; errors as `theta`."""
    return _forecast("AutoETS", panel, horizon)


def _forecast(kind: str, panel: Panel, horizon: int) -> Array:
    if not installed():
        raise DataError(
            "the methods theta and ets need statsforecast: pip install 'lstm-native[baselines]'"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its dependencies, and of fits that did not settle
        import statsforecast.models as models

        found = np.repeat(last_known(panel.series)[:, np.newaxis], horizon, axis=1)
        for cuts in cuts_by_name(panel).values():
            first, fitted = cuts[0], None
            for index in cuts:
                values = filled(panel.series[index].values)
                if len(values) < MIN_ROWS or np.ptp(values) == 0.0:
                    continue
                try:
                    if fitted is None:
                        season = _season(panel, len(values), kind)
                        fitted = getattr(models, kind)(season_length=season).fit(values)
                        first = index
                    answer = _ahead(fitted, values, horizon, same=index == first)
                except (ArithmeticError, ValueError, IndexError, NotImplementedError):
                    continue  # its own refusals: the last value stands
                if np.isfinite(answer).all():
                    found[index] = answer
    return found


def _ahead(fitted: Any, values: Array, horizon: int, *, same: bool) -> Array:
    answer = fitted.predict(horizon) if same else fitted.forward(values, h=horizon)
    return np.asarray(answer["mean"], dtype=np.float64)


def _season(panel: Panel, rows: int, kind: str) -> int:
    season = panel.frequency.seasons[0] if panel.frequency.seasons else 1
    if rows < 2 * season + 1 or (kind == "AutoETS" and season > _LONGEST_ETS_SEASON):
        return 1
    return season
