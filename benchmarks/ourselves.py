"""Ours beside ours: what a part of the work costs, or spares."""

from __future__ import annotations

from benchmarks.grid import CHECKPOINT, GRAPHS, RAGGED, lengths
from benchmarks.results import OURS, Report, Result


def python_layer(result: Result) -> float | None:
    """Return the share of time that the Python layer of `fit` adds to the native steps."""
    found = _share(result, "ours-core")
    return None if found is None else found - 1


def time_per_step(result: Result) -> float | None:
    """Return the share of the full batch's time that lengths take, over the share of its steps."""
    found = _share(result, "ours-full")
    return None if found is None else found / _steps(result)


def with_checkpoints(result: Result) -> float | None:
    """Return how many times the time, or the memory, of training without them they take."""
    return _share(result, "ours-whole")


def as_graph(result: Result) -> float | None:
    """Return the share of time that a chain costs more, or less, as a graph than in a row."""
    found = _share(result, "ours-chain")
    return None if found is None else found - 1


def lines(report: Report) -> list[str]:
    """Return all of this in words."""
    return [
        *_of_fit(report),
        *_of_lengths(report),
        *_of_checkpoints(report),
        *_of_graphs(report),
    ]


def _share(result: Result, other: str) -> float | None:
    ours, whole = result.median(OURS), result.median(other)
    return ours / whole if ours and whole else None


def _steps(result: Result) -> float:
    """Return the share of the padded array's steps that are true ones."""
    assert result.cell is not None
    return sum(lengths(result.cell)) / (result.cell.batch * result.cell.timesteps)


def _of_fit(report: Report) -> list[str]:
    return [
        f"fit {result.cell}: the Python layer costs {100 * cost:+.1f} %"
        for result in report.of_mode("fit")
        if (cost := python_layer(result)) is not None
    ]


def _of_lengths(report: Report) -> list[str]:
    return [
        f"{mode} {result.cell}: {100 * _steps(result):.0f} % of the steps cost {100 * time:.0f} % "
        "of the time"
        for mode in RAGGED
        for result in report.of_mode(mode)
        if (time := _share(result, "ours-full")) is not None
    ]


def _of_checkpoints(report: Report) -> list[str]:
    found: dict[str, list[str]] = {}
    for mode, what in [(CHECKPOINT, "time"), ("checkpoint-memory", "memory")]:
        for result in report.of_mode(mode):
            times = with_checkpoints(result)
            if times is not None:
                found.setdefault(str(result.cell), []).append(f"{times:.2f} times the {what}")
    return [f"checkpoint {cell}: takes {' and '.join(parts)}" for cell, parts in found.items()]


def _of_graphs(report: Report) -> list[str]:
    return [
        f"{mode} {result.cell}: as a graph the chain costs {100 * cost:+.1f} %"
        for mode in GRAPHS
        for result in report.of_mode(mode)
        if (cost := as_graph(result)) is not None
    ]
