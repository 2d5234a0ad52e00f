"""The picture: the last part of the series, the forecast with intervals, errors by step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_native.forecast.report.ahead import Ahead, taken_apart
from lstm_native.forecast.report.headline import by_step, held_out
from lstm_native.forecast.report.pictures import shown_rows
from lstm_native.forecast.report.wording import readable

if TYPE_CHECKING:
    import pandas as pd

    from lstm_native.forecast.backtest import BackTest
    from lstm_native.forecast.panel import Panel, Series

#: What to say where matplotlib is missing.
INSTALL_HINT = "no plot: it needs matplotlib (pip install 'lstm-native[plot]')"

_MOST = 6  # cells of a picture
_METHODS = 8  # lines that are still told apart
_NAME = 40  # characters of a name that fit a title


def write_plot(
    path: Path, panel: Panel, forecast: pd.DataFrame, backtest: BackTest | None = None
) -> None:
    """Draw the forecast, and beside it the back-test's errors when there was one.

    Of several series the first six are drawn in a grid, five where errors fill a cell.

    Parameters
    ----------
    path : Path
    panel : Panel
    forecast : DataFrame
        What forecast.csv holds.
    backtest : BackTest, optional

    Raises
    ------
    ImportError
        matplotlib is not installed.
    DataError
        The frame lacks a column, or a series of the panel.
    OSError
        The file cannot be written.
    """
    # Figures outside pyplot need no display and leave no global state.
    from matplotlib.figure import Figure

    ahead = taken_apart(panel, forecast)
    backtest = held_out(backtest)
    tested = backtest is not None
    if len(ahead) == 1:
        figure = Figure(figsize=(12.0 if tested else 8.0, 4.5), layout="constrained")
        ratios = [2, 1] if tested else [1]
        axes = figure.subplots(1, len(ratios), squeeze=False, width_ratios=ratios)[0]
        _draw_forecast(axes[0], panel.series[0], panel, ahead[0])
    else:
        axes = _grid(Figure, panel, ahead, tested)
        figure = axes[0].figure
    if backtest is not None:
        _draw_errors(axes[-1], backtest, many=len(ahead) > 1)
    try:
        figure.savefig(path, dpi=120)
    except BaseException:
        path.unlink(missing_ok=True)  # half a picture is none
        raise


def _grid(figures: Any, panel: Panel, ahead: Sequence[Ahead], tested: bool) -> list[Any]:
    """Draw several series, and return all axes, an empty one last if there was a back-test."""
    shown = min(len(ahead), _MOST - tested)
    cells = shown + tested
    columns = 2 if cells <= 4 else 3
    rows = -(-cells // columns)
    figure = figures(figsize=(5.0 * columns, 3.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for extra in axes[cells:]:
        extra.remove()
    for place, series, foreseen in zip(axes, panel.series[:shown], ahead, strict=False):
        _draw_forecast(place, series, panel, foreseen)
    if len(ahead) > shown:
        figure.suptitle(f"the first {shown} of {len(ahead):,} series")
    return axes[:cells]


def _draw_forecast(axes: Any, series: Series, panel: Panel, ahead: Ahead) -> None:
    import numpy as np
    import pandas as pd

    horizon = len(ahead.values)
    shown = shown_rows(len(series), horizon)
    stamps = series.stamps[-shown:]
    following = panel.frequency.after(series.stamps, horizon)
    if isinstance(stamps, pd.DatetimeIndex):
        both = [pd.DatetimeIndex(each).tz_localize(None) for each in (stamps, following)]
        past, after = both[0].to_numpy(), both[1].to_numpy()
    else:
        past, after = np.asarray(stamps), np.asarray(following)
    name = _plain(panel.target if series.name.isdecimal() else series.name)
    axes.plot(past, series.values[-shown:], color="0.25", linewidth=1.0, label=name)
    for place, (level, (low, high)) in enumerate(reversed(ahead.bounds.items())):
        shade = 0.3 if place == len(ahead.bounds) - 1 else 0.15
        text = f"{level} % interval"
        axes.fill_between(after, low, high, color="tab:blue", alpha=shade, linewidth=0, label=text)
    axes.plot(after, ahead.values, color="tab:blue", marker=".", label="forecast")
    axes.set_title(f"{name}: the next {horizon}")
    axes.legend(fontsize="small" if len(panel.series) > 1 else None)
    if len(panel.series) > 1:
        axes.tick_params(axis="x", labelrotation=30)


def _plain(name: str) -> str:
    """Return a name that matplotlib takes for text: no formula, no entry that it hides."""
    shown = readable(name)
    shown = shown if len(shown) <= _NAME else shown[: _NAME - 3] + "..."
    return " " + shown.replace("$", r"\$") if shown.startswith("_") else shown.replace("$", r"\$")


def _draw_errors(axes: Any, backtest: BackTest, *, many: bool) -> None:
    for method in backtest.methods[:_METHODS]:
        errors = by_step(method, many)
        axes.plot(range(1, len(errors) + 1), errors, marker=".", label=_plain(method.name))
    scaled = many and all(method.score.mase is not None for method in backtest.methods)
    axes.set_title(f"{'MASE' if scaled else 'mean absolute error'} in the back-test")
    axes.set_xlabel("steps ahead")
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize="small")
