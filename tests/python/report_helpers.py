"""Panels, forecasts and back-tests as reports get them, made up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lstm_native.forecast.backtest import BackTest, MethodResult, Score
from lstm_native.forecast.panel import Frequency, Panel, Series


def panel(
    names: Sequence[str] = ("shop",),
    *,
    rows: int = 96,
    start: str = "2018-01-01",
    alias: str = "MS",
    seed: int = 0,
    **more: object,
) -> Panel:
    """Series with a level, a season and noise, each larger than the one before."""
    rng = np.random.default_rng(seed)
    stamps = pd.date_range(start, periods=rows, freq=alias)
    at = np.arange(rows)
    series = tuple(
        Series(
            name=name,
            stamps=stamps,
            values=(index + 1) * (100 + at + 20 * np.sin(at * np.pi / 6) + rng.normal(0, 3, rows)),
            past=np.empty((rows, 0)),
            future=np.empty((rows, 0)),
            static=np.empty(0),
        )
        for index, name in enumerate(names)
    )
    return Panel(series, Frequency(alias, 1.0, (12,)), target="sales", **more)


def forecast(of: Panel, horizon: int = 12, levels: Sequence[int] = (80, 95)) -> pd.DataFrame:
    """The last season again, with intervals that widen."""
    parts = []
    for series in of.series:
        values = np.resize(series.values[-12:], horizon)
        columns = {
            "unique_id": series.name,
            "ds": of.frequency.after(series.stamps, horizon),
            "forecast": values,
        }
        for level in levels:
            width = 0.001 * level * abs(values) * np.sqrt(1 + np.arange(horizon))
            columns |= {f"low_{level}": values - width, f"high_{level}": values + width}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def score(mae: float, horizon: int = 12, *, count: int = 100, intervals: bool = False) -> Score:
    return Score(
        mae=mae,
        rmse=1.3 * mae,
        mase=mae / 10.0,
        smape=mae / 2.0,
        mae_by_step=tuple((mae * np.linspace(0.7, 1.3, horizon)).tolist()),
        coverage={80: 0.79, 95: 0.962} if intervals else {},
        count=count,
    )


def backtest(
    of: Panel, horizon: int = 12, methods: Sequence[str] = ("lstm", "naive", "seasonal-naive")
) -> BackTest:
    """The methods in their order, each worse than the one before."""
    results = []
    for place, name in enumerate(methods):
        by_series = {
            s.name: score(4.0 + 2 * place + 0.1 * i, horizon, count=24)
            for i, s in enumerate(of.series)
        }
        total = score(4.0 + 2 * place, horizon, count=24 * len(by_series), intervals=place == 0)
        results.append(MethodResult(name, total, by_series))
    origins = {s.name: ("2024-01-01",) for s in of.series}
    text = f"{methods[0]} is best on this data."
    return BackTest(tuple(results), methods[0], origins, horizon, text)


#: What a back-test is when no row can be held out.
NOTHING = BackTest((), "pretrained", {}, 12, "There are too few rows to hold any out.")


def with_values(of: Panel, values: Sequence[float], index: int = 0) -> Panel:
    """The panel with other values in one series."""
    series = list(of.series)
    series[index] = dataclasses.replace(series[index], values=np.array(values, dtype=np.float64))
    return dataclasses.replace(of, series=tuple(series))
