"""The picture: the last part of the series, the forecast with intervals, errors by step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_native.forecast.backtest import Score
from lstm_native.forecast.forecaster import Forecast
from lstm_native.forecast.series import Series

#: What to say where matplotlib is missing.
INSTALL_HINT = "no plot: it needs matplotlib (pip install 'lstm-native[plot]')"

_HISTORY = 10  # the plot shows so many horizons of the past


def write_plot(
    path: Path, series: Series, forecast: Forecast, scores: Mapping[str, Score] | None = None
) -> None:
    """Draw the forecast, and beside it the back-test's errors when there was one.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    OSError
        The file cannot be written.
    """
    # Figures outside pyplot need no display and leave no global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0 if scores else 8.0, 4.5), layout="constrained")
    panels = figure.subplots(
        1, 2 if scores else 1, squeeze=False, width_ratios=[2, 1][: 2 if scores else 1]
    )
    _draw_forecast(panels[0, 0], series, forecast)
    if scores:
        _draw_errors(panels[0, 1], scores)
    try:
        figure.savefig(path, dpi=120)
    except BaseException:
        path.unlink(missing_ok=True)  # half a picture is none
        raise


def _draw_forecast(axes: Any, series: Series, forecast: Forecast) -> None:
    horizon = len(forecast.values)
    shown = min(len(series), max(_HISTORY * horizon, 60))
    past, ahead = series.time.positions(shown, horizon)
    axes.plot(past, series.values[-shown:], color="0.25", linewidth=1.0, label=series.name)
    shades = zip((0.15, 0.3), sorted(forecast.bounds.items(), reverse=True), strict=True)
    for shade, (level, (low, high)) in shades:
        name = f"{level} % interval"
        axes.fill_between(ahead, low, high, color="tab:blue", alpha=shade, linewidth=0, label=name)
    axes.plot(ahead, forecast.values, color="tab:blue", marker=".", label="forecast")
    axes.set_title(f"{series.name}: the next {horizon}")
    axes.legend()


def _draw_errors(axes: Any, scores: Mapping[str, Score]) -> None:
    for name, score in scores.items():
        steps = range(1, len(score.mae_by_step) + 1)
        axes.plot(steps, score.mae_by_step, marker=".", label=name)
    axes.set_title("mean absolute error in the back-test")
    axes.set_xlabel("steps ahead")
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize="small")
