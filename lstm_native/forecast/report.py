"""What the main job prints and writes: tables, CSV, JSON."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lstm_native as ln
from lstm_native.forecast.backtest import Score
from lstm_native.forecast.forecaster import Forecast


def score_table(scores: Mapping[str, Score]) -> str:
    """Return MAE, RMSE and MASE of each method, one line each, best in no special place."""
    width = max(len(name) for name in scores)
    lines = [f"{'':{width}}  {'MAE':>10}  {'RMSE':>10}  {'MASE':>7}"]
    for name, score in scores.items():
        mase = "-" if score.mase is None else f"{score.mase:.3f}"
        lines.append(f"{name:{width}}  {score.mae:>10.4g}  {score.rmse:>10.4g}  {mase:>7}")
    return "\n".join(lines)


def forecast_table(stamps: Sequence[str], forecast: Forecast) -> str:
    """Return the forecast and its intervals, one line for each step."""
    titles = ["", "forecast", *(f"{level} % interval" for level in forecast.bounds)]
    rows = [titles]
    for step, stamp in enumerate(stamps):
        cells = [stamp, f"{forecast.values[step]:.5g}"]
        for low, high in forecast.bounds.values():
            cells.append(f"{low[step]:.5g} to {high[step]:.5g}")
        rows.append(cells)
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    )


def write_forecast(path: Path, *, time: str, stamps: Sequence[str], forecast: Forecast) -> None:
    """Write the forecast as CSV: time, forecast, low_80, high_80, low_95, high_95.

    Nine significant digits: all that the network's float32 answer has.
    """
    titles = [time, "forecast"]
    columns = [forecast.values]
    for level, (low, high) in forecast.bounds.items():
        titles += [f"low_{level}", f"high_{level}"]
        columns += [low, high]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(titles)
        for stamp, *numbers in zip(stamps, *columns, strict=True):
            writer.writerow([stamp, *(f"{number:.9g}" for number in numbers)])


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a report that any JSON reader takes (no NaN)."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def versions() -> dict[str, Any]:
    """Return what the figures of a report depend on."""
    return {
        "lstm_native": ln.build_info(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
