"""What the main job prints and writes: tables, CSV, JSON."""

from __future__ import annotations

import csv
import json
import math
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lstm_native as ln
from lstm_native.forecast.backtest import Score
from lstm_native.forecast.forecaster import Forecast


def score_table(scores: Mapping[str, Score]) -> str:
    """Return MAE, RMSE and MASE of each method, one line each."""
    decimals = _decimals(max(score.mae for score in scores.values()))
    rows = [["", "MAE", "RMSE", "MASE"]]
    for name, score in scores.items():
        mase = "-" if score.mase is None else f"{score.mase:.3f}"
        rows.append([name, f"{score.mae:.{decimals}f}", f"{score.rmse:.{decimals}f}", mase])
    return _aligned(rows)


def forecast_table(stamps: Sequence[str], forecast: Forecast) -> str:
    """Return the forecast and the ends of its intervals, one line for each step."""
    table = [list(record.values())[1:] for record in forecast_rows(stamps, forecast)]
    titles = ["", "forecast"]
    for level in forecast.bounds:
        titles += [f"low {level} %", f"high {level} %"]
    # A forecast of 1000.3 to 1000.9 needs its decimals.
    decimals = _decimals(float(np.ptp(table)) or float(np.abs(table).max()))
    rows = [
        [stamp, *(f"{number:.{decimals}f}" for number in numbers)]
        for stamp, numbers in zip(stamps, table, strict=True)
    ]
    return _aligned([titles, *rows])


def _decimals(size: float) -> int:
    """Return how many decimals show four digits of a number of that size."""
    return max(0, 3 - math.floor(math.log10(size))) if size > 0.0 else 0


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def forecast_rows(stamps: Sequence[str], forecast: Forecast) -> list[dict[str, Any]]:
    """Return one record for each step: time, forecast, low_80, high_80, low_95, high_95."""
    rows = []
    for step, stamp in enumerate(stamps):
        row: dict[str, Any] = {"time": stamp, "forecast": float(forecast.values[step])}
        for level, (low, high) in forecast.bounds.items():
            row |= {f"low_{level}": float(low[step]), f"high_{level}": float(high[step])}
        rows.append(row)
    return rows


def write_forecast(path: Path, *, stamps: Sequence[str], forecast: Forecast) -> None:
    """Write the records of `forecast_rows` as CSV, with all digits that the numbers have."""
    rows = forecast_rows(stamps, forecast)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


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
