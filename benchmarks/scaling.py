"""What threads gain: `python -m benchmarks.scaling`.

Passes of a layer with one thread and with more, in turns, in one process: measured as far as this
machine has processors. For more, what the library's own model of a step expects (the one it cuts
the work by): a model, not a measurement. It knows nothing of caches and memory shared by cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import lstm_native as ln
from benchmarks.machine import processor
from benchmarks.pages import table, write_figures
from lstm_native import _core

CELLS = [
    (1, 16, 32, 100),
    (1, 64, 64, 100),
    (1, 128, 128, 100),
    (1, 256, 256, 100),
    (1, 512, 512, 100),
    (1, 1024, 1024, 100),
    (32, 16, 32, 100),
    (32, 64, 64, 100),
    (32, 128, 128, 100),
    (32, 256, 256, 100),
    (64, 512, 512, 100),
]
MANY = 16


def _passes(cell: tuple[int, int, int, int]) -> dict[str, Callable[[], object]]:
    batch, features, hidden, timesteps = cell
    layer = ln.LSTM(hidden, input_size=features, seed=0)
    x = np.random.default_rng(0).standard_normal((batch, timesteps, features), dtype=np.float32)
    dy = np.ones((batch, timesteps, hidden), dtype=np.float32)

    def train() -> None:
        layer.forward(x)[2].backward(dy)

    return {"inference": lambda: layer(x), "training": train}


def _seconds(call: Callable[[], object], times: int) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begin) / times


def speed_up(call: Callable[[], object], threads: int, budget: float) -> tuple[float, float]:
    """Return the median time on one thread, and how many times faster `threads` are."""
    call()
    times = max(1, round(2e-3 / max(_seconds(call, 1), 1e-9)))
    found: dict[int, list[float]] = {1: [], threads: []}
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(found[1]) < 3:
        for count, values in found.items():
            ln.set_num_threads(count)
            call()  # the threads are there and awake
            values.append(_seconds(call, times))
    one, many = (statistics.median(values) for values in found.values())
    return one, one / many


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=2.0, help="per cell and mode (default 2)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table there as well")
    options = parser.parse_args()
    if options.threads < 2:
        parser.error("expected at least two threads")
    header = ["cell", "inference ms", f"x {options.threads}", "training ms"]
    header += [f"x {options.threads}", f"model x {options.threads}", f"model x {MANY}", "grid"]
    rows = []
    for cell in CELLS:
        batch, features, hidden, timesteps = cell
        row = [f"B{batch} F{features} H{hidden} T{timesteps}"]
        for call in _passes(cell).values():
            one, gain = speed_up(call, options.threads, options.seconds)
            row += [f"{one * 1e3:.3f}", f"{gain:.2f}"]
        few = _core.plan_step(options.threads, batch, features, hidden)
        by_rows, by_units, many = _core.plan_step(MANY, batch, features, hidden)
        row += [f"{few[2]:.2f}", f"{many:.1f}", f"{by_rows} x {by_units}"]
        rows.append(row)
        print("  ".join(f"{text:>14}" for text in row), flush=True)
    lines = [
        f"{processor()}, {ln.build_info()['isa']}, float32; times on one thread. The last "
        f"column is the grid of samples by hidden units for {MANY} threads.",
        "",
        *table(header, rows),
    ]
    if options.page:
        write_figures(options.page, lines)


if __name__ == "__main__":
    main()
