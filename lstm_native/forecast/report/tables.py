"""What the main job prints: the back-test's scores, and the forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lstm_native.forecast.backtest import LEVELS
from lstm_native.forecast.report.ahead import Ahead, levels, taken_apart
from lstm_native.forecast.report.wording import number, readable, spread

if TYPE_CHECKING:
    import pandas as pd

    from lstm_native.forecast.backtest import BackTest
    from lstm_native.forecast.panel import Panel

_SHOWN = 5  # of many series so many are printed
_STEPS = 100  # and of one series so many steps


def score_table(backtest: BackTest, levels: Sequence[int] = LEVELS) -> str:
    """Return MAE, RMSE, MASE, sMAPE and coverage of each method, one line each.

    Coverage is the share of held-out values that lay inside of an interval; a column is
    there for each of the levels for which a method has intervals. Without
    anything held out it is the sentence that says so.
    """
    if not backtest.methods:
        return backtest.text
    scores = [method.score for method in backtest.methods]
    covered = sorted({level for score in scores for level in score.coverage if level in levels})
    rows = [["", "MAE", "RMSE", "MASE", "sMAPE", *(f"in {level} %" for level in covered)]]
    size = max((score.mae for score in scores), default=0.0)
    for method in backtest.methods:
        score = method.score
        inside = [
            f"{100.0 * score.coverage[level]:.0f} %" if level in score.coverage else "-"
            for level in covered
        ]
        rows.append(
            [
                method.name,
                number(score.mae, size, grouped=False),
                number(score.rmse, size, grouped=False),
                "-" if score.mase is None else f"{score.mase:.3f}",
                "-" if score.smape is None else f"{score.smape:.2f}",
                *inside,
            ]
        )
    return aligned(rows)


def forecast_table(panel: Panel, forecast: pd.DataFrame) -> str:
    """Return the forecast and the ends of its intervals.

    One series: a line for each step. Several: a line for each, with its next value and the mean of
    all steps; of many the first few.
    """
    ahead = taken_apart(panel, forecast)
    if len(ahead) == 1:
        return _of_one(ahead[0])
    rows = [["", "first step", *_titles(levels(forecast)), "mean of all steps"]]
    for series in ahead[:_SHOWN]:
        ends = [end[:1] for pair in series.bounds.values() for end in pair]
        row = [float(series.values[0]), *(float(end[0]) for end in ends)]
        size = spread([*row, float(series.values.mean())])
        rows.append(
            [
                readable(series.name),
                *(number(value, size, grouped=False) for value in row),
                number(float(series.values.mean()), size, grouped=False),
            ]
        )
    text = aligned(rows)
    if len(ahead) > _SHOWN:
        text += f"\n... and {len(ahead) - _SHOWN} more series"
    return text


def _of_one(ahead: Ahead) -> str:
    columns = [ahead.values, *(end for pair in ahead.bounds.values() for end in pair)]
    # A forecast of 1000.3 to 1000.9 needs its decimals.
    size = spread(value for column in columns for value in column.tolist())
    rows = [["", "forecast", *_titles(list(ahead.bounds))]]
    for step, label in enumerate(ahead.labels[:_STEPS]):
        rows.append([label, *(number(float(c[step]), size, grouped=False) for c in columns)])
    text = aligned(rows)
    if len(ahead.labels) > _STEPS:
        text += f"\n... and {len(ahead.labels) - _STEPS} more steps"
    return text


def _titles(named: Sequence[str]) -> list[str]:
    return [f"{side} {level} %" for level in named for side in ("low", "high")]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )
