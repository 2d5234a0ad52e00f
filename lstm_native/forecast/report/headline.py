"""What is expected, how sure that is, and which method was best, in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lstm_native.forecast.report.ahead import Ahead
from lstm_native.forecast.report.wording import labels, number, percent, unit

if TYPE_CHECKING:
    from lstm_native.forecast.backtest import BackTest, MethodResult, Score
    from lstm_native.forecast.panel import Panel, Series


def sentences(panel: Panel, ahead: Sequence[Ahead], backtest: BackTest | None) -> list[str]:
    """Return the report's first paragraphs: expectation, certainty, methods."""
    many = len(ahead) > 1
    found = [_of_many(panel, ahead) if many else _of_one(panel, ahead[0])]
    if backtest is None:
        found.append("The model came from a file, so nothing was held out to test it on here.")
        return found
    if held_out(backtest) is None:
        found.append(
            backtest.text
            or "The series are too short to hold anything out: how good this "
            "forecast is could not be tested."
        )
        return found
    return [*found, _certainty(backtest, list(ahead[0].bounds), many), _verdict(backtest)]


def _of_one(panel: Panel, ahead: Ahead) -> str:
    """Return what is expected of a single series, beside as many rows before."""
    series, horizon = panel.series[0], len(ahead.values)
    mean = float(ahead.values.mean())
    span = ahead.labels[0] if horizon == 1 else f"{ahead.labels[0]} to {ahead.labels[-1]}"
    text = f"{_name(panel, series)} is expected to be {number(mean)}"
    if horizon > 1:
        text += f" on average over the next {unit(panel.frequency, horizon)} ({span})"
    else:
        text += f" in {span}"
    before = recent_mean(series, horizon)
    if before is not None:
        text += f", {_change(mean, before)} over the {unit(panel.frequency, horizon)} before"
    text += "."
    if ahead.bounds:
        level, (low, high) = next(iter(ahead.bounds.items()))
        text += (
            f" In {ahead.labels[0]} it should lie between {number(float(low[0]))} and "
            f"{number(float(high[0]))}, with a probability of {level} %"
        )
        if horizon > 1:
            text += (
                f"; in {ahead.labels[-1]} between {number(float(low[-1]))} and "
                f"{number(float(high[-1]))}"
            )
        text += "."
    return text


def _name(panel: Panel, series: Series) -> str:
    """Return what to call a single series: "1" alone says nothing."""
    return panel.target if series.name.isdecimal() else series.name


def recent_mean(series: Series, horizon: int) -> float | None:
    """Return the mean of the last `horizon` rows, None where less than half of them is known."""
    recent = series.values[-horizon:]
    known = recent[np.isfinite(recent)]
    return float(known.mean()) if 2 * len(known) > len(recent) else None


def _change(mean: float, before: float) -> str:
    if number(mean) == number(before):
        return "the same as the mean"
    if before == 0.0 or mean * before < 0.0 or abs(mean) > 10.0 * abs(before):
        return f"{'more' if mean > before else 'less'} than the mean of {number(before)}"
    if mean / before >= 2.0:
        return f"{mean / before:.1f} times the mean of {number(before)}"
    share = percent(abs(mean / before - 1.0))
    more = (mean > before) == (before > 0.0)
    return f"{share} {'above' if more else 'below'} the mean of {number(before)}"


def _of_many(panel: Panel, ahead: Sequence[Ahead]) -> str:
    """Return how many series are expected to be higher or lower than of late."""
    higher = lower = compared = 0
    for series, foreseen in zip(panel.series, ahead, strict=True):
        before = recent_mean(series, len(foreseen.values))
        if before is not None:
            compared += 1
            higher += float(foreseen.values.mean()) > before
            lower += float(foreseen.values.mean()) < before
    horizon = unit(panel.frequency, max(len(a.values) for a in ahead))
    text = f"{len(ahead):,} series are forecast, {horizon} ahead."
    if compared:
        text += (
            f" {higher:,} of them ({percent(higher / compared)}) are expected to be higher on "
            f"average than over the {horizon} before, {lower:,} lower."
        )
    return text


def coverage(score: Score, levels: Sequence[str]) -> dict[int, float]:
    """Return what the intervals held, of those levels alone that the forecast shows."""
    wanted = {float(level) for level in levels}
    held = {k: v for k, v in score.coverage.items() if float(k) in wanted and math.isfinite(v)}
    return dict(sorted(held.items()))


def _certainty(backtest: BackTest, levels: Sequence[str], many: bool) -> str:
    """Return how far the chosen method was off, and how well its intervals held."""
    chosen = backtest.methods[0]
    score = chosen.score
    text = f"In the back-test its method, {chosen.name}, was compared with {score.count:,} "
    text += f"held-out value{'' if score.count == 1 else 's'}: it was off by "
    if many:
        parts = [] if score.smape is None else [f"{score.smape:.1f} % (sMAPE)"]
        if score.mase is not None:
            parts.append(f"{score.mase:.2f} times the size of a naive step in the past (MASE)")
        text += " and ".join(parts) or number(score.mae)
    else:
        text += number(score.mae)
    text += " on average."
    held = [
        f"{percent(share)} of them were inside of the {level} % interval"
        for level, share in coverage(score, levels).items()
    ]
    return f"{text} {', '.join(held)}." if held else text


def reference(backtest: BackTest) -> MethodResult | None:
    """Return the plain method that others should beat: seasonal naive, else naive."""
    for start in ("seasonal", "naive"):
        for method in backtest.methods:
            if method.name.startswith(start):
                return method
    return None


def held_out(backtest: BackTest | None) -> BackTest | None:
    """Return the back-test if there was something to compare with, else None."""
    if backtest is None or not backtest.methods or not backtest.methods[0].score.count:
        return None
    return backtest


def relative_errors(backtest: BackTest) -> dict[str, float]:
    """Return each method's mean absolute error relative to all methods', every series alike.

    The scale of no series rules: in each, errors are divided by the mean of all methods' errors.
    """
    names = list(backtest.methods[0].by_series)
    table = np.array(
        [[method.by_series[name].mae for name in names] for method in backtest.methods]
    ).reshape(len(backtest.methods), len(names))
    unit = table.mean(axis=0)
    usable = np.isfinite(unit) & (unit > 0.0)
    if not usable.any():
        return {method.name: 1.0 for method in backtest.methods}
    errors = (table[:, usable] / unit[usable]).mean(axis=1).tolist()
    return dict(zip((method.name for method in backtest.methods), errors, strict=True))


def by_step(method: MethodResult, many: bool) -> tuple[float, ...]:
    """Return a method's error at each step ahead, in its unit; of many series as MASE.

    Over many series: each one's errors divided by what its MASE divides by, and their mean.
    """
    scaled = [
        np.array(score.mae_by_step) * (score.mase / score.mae)
        for score in method.by_series.values()
        if score.mase is not None and score.mae > 0.0
    ]
    if not many or not scaled:
        return method.score.mae_by_step
    table = np.full((len(scaled), max(map(len, scaled))), np.nan)
    for row, errors in zip(table, scaled, strict=True):
        row[: len(errors)] = errors
    known = np.isfinite(table)
    total, count = np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0)
    mean: list[float] = np.where(count > 0, total / np.maximum(count, 1), np.nan).tolist()
    return tuple(mean)


def gain(backtest: BackTest) -> float | None:
    """Return by which share the chosen method's error is smaller than the reference's."""
    plain = reference(backtest)
    chosen = backtest.methods[0].name
    if plain is None or plain.name == chosen:
        return None
    errors = relative_errors(backtest)
    return 1.0 - errors[chosen] / errors[plain.name] if errors[plain.name] > 0.0 else None


def _verdict(backtest: BackTest) -> str:
    """Return which method was best; the back-test says it itself."""
    return backtest.text or f"On held-out data {backtest.best} was the best method."


def span(series: Series, panel: Panel) -> tuple[str, str]:
    """Return the labels of a series' first and last row."""
    first, last = labels(series.stamps[[0, -1]], panel.frequency)
    return first, last
