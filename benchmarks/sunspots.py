"""Errors on the bundled series: in folds before its held-out tail, and on the tail.

The settings of the method lstm were chosen by the folds, which lie inside the part before the tail.
"""

from __future__ import annotations

import dataclasses
import statistics

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from benchmarks.pages import table
from lstm_native.forecast import highway, methods, origins
from lstm_native.forecast.baselines import BASELINES
from lstm_native.forecast.methods import Request
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.reading import bundled

HORIZON = 12
FOLDS = (1250, 1560, 1872, 2184)  # rows trained on; each is tested up to the next
FOLD_SEEDS = range(3)
TAIL_SEEDS = range(5)
SIMPLE = ("naive", "seasonal-naive", "linear")

Array = NDArray[np.float64]


def tables() -> list[str]:
    """Return both tables, as lines of Markdown."""
    panel = bundled()
    start = origins.first_origin(len(panel.series[0]), HORIZON)
    ends = [*FOLDS[1:], start]
    by_fold: dict[str, list[str]] = {}
    errors: dict[str, list[float]] = {}
    for first, end in zip(FOLDS, ends, strict=True):
        for name, error in _errors(panel.until(end), first, FOLD_SEEDS).items():
            errors.setdefault(name, []).append(float(np.abs(error).mean()))
    for name, found in errors.items():
        by_fold[name] = [f"{error:.2f}" for error in [*found, statistics.mean(found)]]
    tail = {
        name: [f"{np.abs(error).mean():.2f}", f"{np.sqrt(np.square(error).mean()):.2f}"]
        for name, error in _errors(panel, start, TAIL_SEEDS).items()
    }
    return [
        "Mean absolute error in the folds, by the number of months trained on:",
        "",
        *table(["", *map(str, FOLDS), "mean"], [[n, *cells] for n, cells in by_fold.items()]),
        "",
        f"On the held-out tail ({ln.build_info()['isa']}):",
        "",
        *table(["", "MAE", "RMSE"], [[n, *cells] for n, cells in tail.items()]),
    ]


def _errors(panel: Panel, start: int, seeds: range) -> dict[str, Array]:
    """Return the errors (origins, horizon) of each method, from every origin from `start` on."""
    series = panel.series[0]
    at = range(start, len(series) - HORIZON + 1)
    cuts = dataclasses.replace(panel, series=tuple(series.until(row) for row in at))
    actual = np.stack([series.values[row : row + HORIZON] for row in at])
    training = panel.until(start)
    found = {name: BASELINES[name](cuts, HORIZON) - actual for name in SIMPLE}
    network = methods.train(("pretrained",), training, Request(HORIZON), None, "")
    found["pretrained"] = methods.forecast("pretrained", network, cuts, HORIZON) - actual
    for seed in seeds:
        plan = methods.make_plan(training, Request(HORIZON, seed=seed))
        trained = highway.train(training.series[0].values, plan)
        found[f"lstm, seed {seed}"] = trained.predict(cuts, HORIZON) - actual
    return found
