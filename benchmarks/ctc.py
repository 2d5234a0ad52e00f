"""CTC with its gradient beside PyTorch: `python -m benchmarks.ctc`.

Both get logits and give the gradient with respect to them: `losses.CTC().value_and_gradient`, and
log_softmax, `torch.nn.CTCLoss` and backward. One thread each, in turns; medians of the turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import lstm_native as ln
from benchmarks.timing import Spread, Timed


@dataclass(frozen=True)
class Problem:
    """Sizes. The defaults are a batch of speech with letters."""

    samples: int = 32
    steps: int = 100
    symbols: int = 40
    labels: int = 20


def ours(problem: Problem, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    """Return a call of lstm_native."""
    loss = ln.losses.CTC()
    return lambda: loss.value_and_gradient(y, x)


def torchs(problem: Problem, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    """Return a call of PyTorch."""
    import torch

    torch.set_num_threads(1)
    logits = torch.tensor(x.swapaxes(0, 1).copy(), requires_grad=True)
    labels = torch.tensor(y)
    steps = torch.full((problem.samples,), problem.steps)
    lengths = torch.full((problem.samples,), problem.labels)
    loss = torch.nn.CTCLoss()

    def call() -> None:
        logits.grad = None
        loss(logits.log_softmax(-1), labels, steps, lengths).backward()

    return call


def measure(problem: Problem, rounds: int, seconds: float) -> dict[str, Spread]:
    """Return the seconds of a call of each."""
    random = np.random.default_rng(0)
    shape = (problem.samples, problem.steps, problem.symbols)
    x = random.standard_normal(shape).astype(np.float32)
    y = random.integers(1, problem.symbols, (problem.samples, problem.labels))
    calls = {"lstm_native": Timed(ours(problem, x, y)), "PyTorch": Timed(torchs(problem, x, y))}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(call.turn(seconds))
    return {name: Spread.of(values) for name, values in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ctc", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each turn")
    options = parser.parse_args()
    ln.set_num_threads(1)
    print("| labels | lstm_native ms | PyTorch ms | times |\n|---|---|---|---|")
    for labels in (10, 20, 30):
        found = measure(Problem(labels=labels), options.rounds, options.seconds)
        one, other = (found[name].median for name in ("lstm_native", "PyTorch"))
        print(f"| {labels} | {1e3 * one:.2f} | {1e3 * other:.2f} | {other / one:.1f} |")


if __name__ == "__main__":
    main()
