"""The shortest time a cell can take on a machine.

A pass must do its multiply-adds, and at each time step it must read the recurrent weights, because
the step needs the state that the step before has made. So no program is faster than

    max(FLOP / FMA peak, bytes read step by step / bandwidth of the level that holds them)

- FLOP: 2 for each weight, sample and step. Training does three times as many: the gradients with
  respect to inputs and to weights are products as large as the forward one. (`fit` needs no
  gradient of its data.) Gates, losses and optimisers count nothing.
- Bytes: G H x H floats a step for a cell of G gates, whatever the batch; the input weights can be
  applied to many steps at once. Training reads them going forward and, transposed, going back. A
  single streamed step has nothing to spread the input weights over, and reads both.
- The level: the smallest cache that is as large as the recurrent weights of one layer and
  direction, and its bandwidth for a buffer of that size, read over and over: a large shared cache
  serves little data faster than much. (So a program that finds part of the weights still in a
  nearer cache could go beyond.)
- With n threads: n times the peak, and 1/n of the weights to each core.
- Of sequences of different lengths the true steps count; the weights are read as often as the
  longest has steps.
- With checkpoints the limit is that of training: to go forward twice is their price, not a need.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.grid import RAGGED, Cell, lengths
from benchmarks.machine import Peaks

FLOAT = 4  # bytes
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


@dataclass(frozen=True)
class Limit:
    """Seconds, and what they are spent on: "FLOP", or the name of a memory level."""

    seconds: float
    bound: str


def _work(kind: str) -> str:
    """Return what a call computes, however it does: "training" for "checkpoint-training"."""
    return kind.rpartition("-")[2]


def _input_sizes(cell: Cell) -> list[int]:
    """Return the input features of each layer and direction."""
    directions = 1 + cell.bidirectional
    sizes = [cell.features] + [cell.hidden * directions] * (cell.layers - 1)
    return [size for size in sizes for _ in range(directions)]


def flop(kind: str, cell: Cell) -> float:
    """Return the floating-point operations that the products of a pass need."""
    steps = sum(lengths(cell)) if kind in RAGGED else cell.timesteps * cell.batch
    per_weight, rows = 2.0 * steps, GATES[cell.type] * cell.hidden
    inputs = _input_sizes(cell)
    forward = per_weight * sum(rows * (size + cell.hidden) for size in inputs)
    if _work(kind) in ("inference", "step"):
        return forward
    if _work(kind) == "training":
        return 3 * forward
    if kind == "fit":
        first = per_weight * rows * cell.features * (1 + cell.bidirectional)
        return (3 * forward - first) * cell.samples / cell.batch
    raise ValueError(f"no limit is known for '{kind}'")


def bytes_held(kind: str, cell: Cell) -> list[int]:
    """Return what is read again each step, for each layer and direction."""
    rows, own = GATES[cell.type] * cell.hidden, cell.hidden
    return [rows * (own + (size if kind == "step" else 0)) * FLOAT for size in _input_sizes(cell)]


def limit(kind: str, cell: Cell, peaks: Peaks, threads: int = 1) -> Limit:
    """Return the limit of one call: of an epoch for `fit`."""
    compute = flop(kind, cell) / (peaks.flops * threads)
    passes = {"inference": 1.0, "step": 1.0, "training": 2.0}
    steps = max(lengths(cell)) if kind in RAGGED else cell.timesteps
    reads = passes.get(_work(kind), 2.0 * cell.samples / max(cell.batch, 1)) * steps
    reading = 0.0
    for size in bytes_held(kind, cell):
        share = size / threads
        reading += reads * share / peaks.level(share).bandwidth
    if compute >= reading:
        return Limit(compute, "FLOP")
    return Limit(reading, peaks.level(max(bytes_held(kind, cell)) / threads).name)
