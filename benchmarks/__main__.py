"""Time LSTM layers against PyTorch, alternating, in one process.

Both sides run the same cell in turn, so that a machine whose speed drifts favours neither;
medians are compared. PyTorch is set up as its users would: inference in `inference_mode`,
training as forward, sum, backward, with the gradient of the input.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.pages import table, write_figures

TIMESTEPS = 100
CELLS = [(1, 8, 16), (1, 64, 64), (1, 128, 128), (32, 16, 32), (32, 64, 64), (32, 128, 128)]
MODES = ("inference", "training")
Call = Callable[[], object]


@dataclass
class Result:
    """One cell of the grid; times are medians in milliseconds."""

    mode: str
    batch: int
    features: int
    hidden: int
    ours: float
    torch: float
    ratio: float
    gflops: float


def ours(mode: str, batch: int, features: int, hidden: int) -> Call:
    """One pass of our layer."""
    import lstm_native as ln

    layer = ln.LSTM(hidden, input_size=features, seed=0)
    x = np.random.default_rng(0).standard_normal((batch, TIMESTEPS, features), dtype=np.float32)
    if mode == "inference":
        return lambda: layer(x)
    dy = np.ones((batch, TIMESTEPS, hidden), dtype=np.float32)

    def train() -> None:
        _, _, tape = layer.forward(x)
        tape.backward(dy)

    return train


def pytorch(mode: str, batch: int, features: int, hidden: int) -> Call:
    """The same pass of `nn.LSTM`, in its own favourite layout (time first)."""
    import torch

    layer = torch.nn.LSTM(features, hidden)
    x = torch.randn(TIMESTEPS, batch, features)

    def infer() -> None:
        with torch.inference_mode():
            layer(x)

    def train() -> None:
        layer.zero_grad(set_to_none=True)
        y, _ = layer(x.detach().requires_grad_(True))
        y.sum().backward()

    return infer if mode == "inference" else train


def seconds(call: Call) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def compare(mode: str, cell: tuple[int, int, int], budget: float) -> Result:
    """Run both in turn for about `budget` seconds."""
    calls = [ours(mode, *cell), pytorch(mode, *cell)]
    for call in calls * 3:
        call()
    once = sum(seconds(call) for call in calls)
    rounds = max(5, min(2000, int(budget / once)))
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for call, found in zip(calls, times, strict=True):
            found.append(seconds(call))
    mine, theirs = (statistics.median(t) for t in times)
    batch, features, hidden = cell
    flops = 2.0 * TIMESTEPS * batch * 4 * hidden * (features + hidden)
    flops *= 1 if mode == "inference" else 3
    return Result(
        mode, *cell, mine * 1e3, theirs * 1e3, ratio=theirs / mine, gflops=flops / mine * 1e-9
    )


def processor() -> str:
    """The name of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def markdown(results: list[Result], machine: str) -> list[str]:
    """The figures as a table, with the machine they were measured on."""
    header = ["mode", "B", "F", "H", "ours ms", "PyTorch ms", "PyTorch / ours", "GFLOP/s"]
    rows = [
        [
            *(r.mode, r.batch, r.features, r.hidden),
            *(f"{r.ours:.3f}", f"{r.torch:.3f}", f"{r.ratio:.2f}", f"{r.gflops:.1f}"),
        ]
        for r in results
    ]
    return [f"Measured on {machine}.", "", *table(header, rows)]


def parse_cells(text: str) -> list[tuple[int, int, int]]:
    """Read "1,64,64 32,128,128"."""
    cells = []
    for part in text.split():
        numbers = [int(n) for n in part.split(",")]
        if len(numbers) != 3 or min(numbers) < 1:
            raise argparse.ArgumentTypeError(f"expected B,F,H, got '{part}'")
        cells.append((numbers[0], numbers[1], numbers[2]))
    return cells


def main() -> int:
    """Print the table; return 1 when --at-least is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cells", type=parse_cells, default=CELLS, help='"B,F,H B,F,H ..."')
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--threads", type=int, default=1, help="for both sides (default 1)")
    parser.add_argument("--seconds", type=float, default=4.0, help="per cell and mode (default 4)")
    parser.add_argument("--at-least", type=float, metavar="RATIO", help="fail below this ratio")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="replace the table between the page's markers"
    )
    options = parser.parse_args()

    if options.threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        import torch
    except ImportError:
        print("the peer is missing: pip install torch", file=sys.stderr)
        return 2
    import lstm_native as ln

    torch.set_num_threads(options.threads)
    ln.set_num_threads(options.threads)
    info = ln.build_info()
    versions = (
        f"lstm_native {info['version']} ({info['isa']}), PyTorch {torch.__version__}, "
        f"{options.threads} thread(s)"
    )
    print(f"{versions}, T {TIMESTEPS}, float32")
    print(
        f"{'mode':10} {'B':>4} {'F':>5} {'H':>5} {'ours ms':>9} {'torch ms':>9} "
        f"{'torch/ours':>10} {'GFLOP/s':>8}"
    )
    results = []
    for mode in options.modes:
        for cell in options.cells:
            r = compare(mode, cell, options.seconds)
            results.append(r)
            print(
                f"{r.mode:10} {r.batch:4} {r.features:5} {r.hidden:5} {r.ours:9.3f} "
                f"{r.torch:9.3f} {r.ratio:10.2f} {r.gflops:8.1f}",
                flush=True,
            )
    if options.json:
        found = {
            "build": info,
            "torch": torch.__version__,
            "threads": options.threads,
            "timesteps": TIMESTEPS,
            "results": [asdict(r) for r in results],
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if options.page:
        write_figures(options.page, markdown(results, f"{processor()}, {versions}"))
    worst = min(r.ratio for r in results)
    print(
        f"geometric mean {statistics.geometric_mean(r.ratio for r in results):.2f}, "
        f"minimum {worst:.2f}"
    )
    return int(options.at_least is not None and worst < options.at_least)


if __name__ == "__main__":
    sys.exit(main())
