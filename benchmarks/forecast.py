"""Errors of `lstm-native forecast` on the bundled series: folds before the tail, and the tail.

The settings of the recipe were chosen by the folds, which lie inside the part before the tail.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from pathlib import Path

import lstm_native as ln
from benchmarks.pages import table, write_figures
from lstm_native.forecast import job, series

FOLDS = (1250, 1560, 1872, 2184)  # rows trained on; each is tested up to the next
FOLD_SEEDS = range(3)
TAIL_SEEDS = range(5)
NETWORK = "lstm"

Errors = dict[str, list[float]]


def folds(data: series.Series) -> Errors:
    """Mean absolute error of each method in each fold."""
    found: Errors = {}
    for seed in FOLD_SEEDS:
        plan = job.make_plan(data, job.Wishes(seed=seed))
        ends = [*FOLDS[1:], plan.start]
        for start, end in zip(FOLDS, ends, strict=True):
            test = job.back_test(data.values[:end], dataclasses.replace(plan, start=start))
            for name, score in test.scores.items():
                if name == NETWORK:
                    found.setdefault(f"{name}, seed {seed}", []).append(score.mae)
                elif seed == FOLD_SEEDS[0]:
                    found.setdefault(name, []).append(score.mae)
    return dict(sorted(found.items(), key=_networks_last))


def _networks_last(entry: tuple[str, object]) -> bool:
    return entry[0].startswith(NETWORK)


def tail(data: series.Series) -> list[tuple[str, float, float]]:
    """(method, MAE, RMSE) on the held-out tail."""
    found: dict[str, tuple[float, float]] = {}
    for seed in TAIL_SEEDS:
        test = job.back_test(data.values, job.make_plan(data, job.Wishes(seed=seed)))
        for name, score in test.scores.items():
            label = f"{name}, seed {seed}" if name == NETWORK else name
            found[label] = (score.mae, score.rmse)
    return [(name, *errors) for name, errors in sorted(found.items(), key=_networks_last)]


def main() -> None:
    """Print both tables, or write them into a page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables there instead")
    options = parser.parse_args()
    data = series.bundled()
    rows = [
        [name, *(f"{e:.2f}" for e in errors), f"{statistics.mean(errors):.2f}"]
        for name, errors in folds(data).items()
    ]
    lines = [
        "Mean absolute error in the folds, by the number of months trained on:",
        "",
        *table(["", *map(str, FOLDS), "mean"], rows),
        "",
        f"On the held-out tail ({ln.build_info()['isa']}):",
        "",
        *table(["", "MAE", "RMSE"], [(n, f"{a:.2f}", f"{r:.2f}") for n, a, r in tail(data)]),
    ]
    if options.page:
        write_figures(options.page, lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
