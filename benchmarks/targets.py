"""What the figures are to reach, and the cells that fall short: `python -m benchmarks.targets`.

Reads runs that `python -m benchmarks --json` recorded, and writes, with `--page`, what became of
each target and every cell that misses one, beside the share of the machine's limit it reaches.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ourselves
from benchmarks.grid import CHECKPOINT, GRAPHS, Cell
from benchmarks.pages import table, write_figures
from benchmarks.results import Report, Result, geometric_mean

MARK = "targets"
BEST = None  # in place of a peer's name: the best one of each cell
_SHARE = "share of the limit"
_COST = "cost of the Python layer"
_PER_STEP = "share of time / share of steps"
_CHECKPOINTS = "time / time without checkpoints"
_AS_GRAPH = "cost of a chain as a graph"
# What compares ours with ours. All of it is to stay below its bound.
_OURSELVES = {
    _COST: ourselves.python_layer,
    _PER_STEP: ourselves.time_per_step,
    _CHECKPOINTS: ourselves.with_checkpoints,
    _AS_GRAPH: ourselves.as_graph,
}


def _any(cell: Cell) -> bool:
    return True


@dataclass(frozen=True)
class Target:
    """What the results of one mode are to reach.

    `of` names the quantity: "ratio" to a peer in every cell, "mean" of those ratios, the share of
    the limit, or one of ours beside ours, which are to stay below their bounds.
    """

    mode: str
    of: str
    bound: float
    peer: str | None = BEST
    cells: Callable[[Cell], bool] = _any
    which: str = "every cell"

    def value(self, report: Report, result: Result) -> float | None:
        """Return the quantity of one cell, where it was measured."""
        if self.of == _SHARE:
            return result.reached()
        if self.of in _OURSELVES:
            return _OURSELVES[self.of](result)
        if self.peer is not BEST:
            return result.ratio(self.peer)
        best = report.best_peer(result)
        return best[1] if best else None

    def values(self, report: Report) -> list[tuple[Result, float]]:
        """Return the cells that the target speaks of, with what they reach."""
        found = []
        for result in report.of_mode(self.mode):
            if result.cell is None or not self.cells(result.cell):
                continue
            value = self.value(report, result)
            if value is not None:
                found.append((result, value))
        return found

    def at_limit(self, report: Report, result: Result) -> float | None:
        """Return the ratio in a cell of a program that runs at the limit of the machine."""
        value, share = self.value(report, result), result.reached()
        return value / share if self.of == "ratio" and value and share else None

    def met_by(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value <= self.bound if self.of in _OURSELVES else value >= self.bound

    def text(self, value: float) -> str:
        """Return a value as a table has it."""
        if self.of in (_COST, _AS_GRAPH):
            return f"{100 * value:+.1f} %"
        return f"{100 * value:.0f} %" if self.of == _SHARE else f"{value:.2f}"

    def title(self, report: Report) -> str:
        """Return what is to be reached, in words."""
        if self.of == _SHARE or self.of in _OURSELVES:
            return self.of
        peer = "best peer" if self.peer is BEST else report.libraries[self.peer].label
        return f"{peer} / ours" + ", geometric mean" * (self.of == "mean")

    def wanted(self) -> str:
        """Return the bound, with its side."""
        side = "at most" if self.of in _OURSELVES else "at least"
        return f"{side} {self.text(self.bound)}"


def _small_fit(cell: Cell) -> bool:
    return cell.layers == 1


def _large_fit(cell: Cell) -> bool:
    return cell.layers > 1


_DEPTHS, _WORK = ("stacked", "bidirectional"), ("inference", "training")
_OTHERS = ("gru", "rnn", "lengths")

# One thread, float32, all instruction sets.
TARGETS = (
    Target("inference", "ratio", 1.0),
    Target("inference", "mean", 1.6),
    Target("inference", _SHARE, 0.8, cells=lambda c: c.hidden >= 64, which="H >= 64"),
    Target("training", "ratio", 1.1, "pytorch"),
    Target("training", "mean", 2.4, "pytorch"),
    Target("step", "ratio", 8.0, cells=lambda c: c.hidden <= 64, which="H <= 64"),
    *(
        Target(f"{name}-{work}", "ratio", 1.0, "pytorch")
        for name in _DEPTHS + _OTHERS
        for work in _WORK
    ),
    # Not 1: a step of few sequences reads as many weights as one of many.
    *(Target(f"lengths-{work}", _PER_STEP, 1.15, None) for work in _WORK),
    # Four products for three: going forward is done twice.
    Target(CHECKPOINT, _CHECKPOINTS, 1.4, None),
    Target("fit", "ratio", 5.0, "pytorch", _small_fit, "one layer"),
    Target("fit", "ratio", 10.0, "keras", _small_fit, "one layer"),
    Target("fit", "ratio", 2.2, "pytorch", _large_fit, "two layers"),
    Target("fit", "ratio", 5.0, "keras", _large_fit, "two layers"),
    Target("fit", _COST, 0.05, None, _large_fit, "two layers"),
    Target("memory", "ratio", 1.0, "pytorch"),
    *(Target(mode, _AS_GRAPH, 0.01, None) for mode in GRAPHS),
    Target("translation", "ratio", 1.5, "pytorch"),
    Target("ctc", "ratio", 2.0, "pytorch"),
    *(Target(mode, "ratio", 10.0, "pytorch") for mode in ("beam", "beam-translation")),
)
# Where all are held to one set.
HELD = tuple(
    Target(mode, "ratio", 1.0)
    for mode in ("inference", "training", "step")
    + tuple(f"{name}-{work}" for name in _DEPTHS + _OTHERS for work in _WORK)
)


def targets_of(report: Report) -> Iterator[tuple[Target, list[tuple[Result, float]]]]:
    """Yield the targets of a run that it has figures for, with the values of their cells."""
    if report.threads != 1:
        return
    for target in HELD if report.isa else TARGETS:
        if target.peer is BEST or target.peer in report.libraries:
            values = target.values(report)
            if values:
                yield target, values


def all_targets(report: Report) -> list[list[str]]:
    """Return rows (mode, cells, what, wanted, reached, cells that reach it) of all targets."""
    rows = []
    for target, values in targets_of(report):
        numbers = [value for _, value in values]
        if target.of == "mean":
            reached = geometric_mean(numbers)
            good, count = int(target.met_by(reached)), 1
        else:
            reached = max(numbers) if target.of in _OURSELVES else min(numbers)
            good, count = sum(map(target.met_by, numbers)), len(numbers)
        words = [target.mode, target.which, target.title(report), target.wanted()]
        met = "yes" if good == count else f"{good} of {count}" if count > 1 else "no"
        rows.append([*words, target.text(reached), met])
    return rows


def short_cells(report: Report) -> list[list[str]]:
    """Return rows (mode, cell, what, wanted, reached, of the limit, at the limit) of misses."""
    rows = []
    for target, values in targets_of(report):
        for result, value in values if target.of != "mean" else []:
            if target.met_by(value):
                continue
            share, best = result.reached(), target.at_limit(report, result)
            words = [target.mode, str(result.cell), target.title(report), target.wanted()]
            part = f"{100 * share:.0f} % ({result.limit.bound})" if share and result.limit else "-"
            rows.append([*words, target.text(value), part, f"{best:.2f}" if best else "-"])
    return rows


def markdown(reports: Iterable[tuple[str, Report]]) -> list[str]:
    """Return both tables for each run, under its name."""
    lines: list[str] = []
    for name, report in reports:
        held = f"all held to {report.isa}" if report.isa else f"{report.build['isa']}"
        lines += ["", f"### {name}: {report.machine['processor']}, {held}", ""]
        header = ["mode", "cells", "what", "wanted", "reached", "met"]
        lines += table(header, all_targets(report))
        missed = short_cells(report)
        if missed:
            lines += ["", "Cells that fall short:", ""]
            header = ["mode", "cell", "what", "wanted", "reached", "of the limit", "at the limit"]
            lines += table(header, missed)
    return lines


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.targets", description=__doc__)
    parser.add_argument("recorded", type=Path, nargs="+", metavar="JSON")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write them there instead")
    options = parser.parse_args()
    lines = markdown((path.stem, Report.read(path)) for path in options.recorded)
    if options.page:
        write_figures(options.page, lines, mark=MARK)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
