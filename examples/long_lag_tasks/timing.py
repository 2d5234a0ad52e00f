"""Gers, Schraudolph & Schmidhuber 2002, "Learning precise timing with LSTM recurrent networks"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import lstm_native as ln
from long_lag_tasks.task import Array, Batch, Paper, Task, Verdict, sigmoid, steps_until_wrong

_SPIKES = 1000


def _spikes(
    rng: np.random.Generator, count: int, interval: int, spikes: int
) -> tuple[Array, Array]:
    """Return spikes (N, T) and at each step the delay, 0 or 1, of the spike to come.

    The n-th spike comes `interval` + I(n) steps after the one before, I(n) = 0 or 1 at random. The
    last one is cut off, so that all sequences have `interval` * `spikes` steps.
    """
    delays = rng.integers(0, 2, (count, spikes))
    at = np.cumsum(interval + delays, axis=1) - 1
    steps = np.arange(interval * spikes)
    spike = np.zeros((count, (interval + 1) * spikes), np.float32)
    spike[np.arange(count)[:, np.newaxis], at] = 1.0
    index = np.stack([np.searchsorted(row, steps) for row in at])
    return spike[:, : len(steps)], np.take_along_axis(delays, index, axis=1).astype(np.float32)


def _parts(task: Task, rng: np.random.Generator, count: int, steps: int) -> Iterator[Batch]:
    """Yield one long batch in parts, again and again."""
    long = task.streams(rng, count, _SPIKES + 100)
    for start in range(0, long.x.shape[1], steps):
        part = slice(start, start + steps)
        weight = None if long.weight is None else long.weight[:, part]
        yield Batch(long.x[:, part], long.y[:, part], weight)


@dataclass(frozen=True)
class MeasureSpikes(Task):
    """Measuring spike delays (MSD). The input is a train of spikes.

    At each spike: did it come F or F + 1 steps after the one before? With F = 49 the network must
    tell 49 from 50, without shorter intervals to learn from.
    """

    interval: int

    criterion = "1,000 successive spikes right (off by < 0.49), in each of ten streams"
    cells = ("LSTM with peepholes", "LSTM", "RNN")
    loss = "binary_crossentropy"
    every_step = True
    units = 8
    learning_rate = 0.01
    check_every = 1024

    @property
    def name(self) -> str:
        return f"measure-spikes-{self.interval}"

    @property
    def about(self) -> str:
        return f"measuring spike delays, {self.interval} or {self.interval + 1} steps"

    @property
    def paper(self) -> Paper:
        return Paper("Gers et al. 2002: learnt with peepholes and without")

    @property
    def span(self) -> int:
        return self.interval

    def streams(self, rng: np.random.Generator, count: int, spikes: int) -> Batch:
        spike, delay = _spikes(rng, count, self.interval, spikes)
        return Batch(spike[..., np.newaxis], delay[..., np.newaxis], spike)

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        return self.streams(rng, count, 4)

    def wrong(self, y: Array, output: Array) -> Array:
        return (np.abs(y - sigmoid(output)) >= 0.49).any(axis=-1)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        right = steps_until_wrong(model, _parts(self, rng, 10, 2_000), self.wrong, _SPIKES)
        return Verdict(bool((right == _SPIKES).all()), f"{right.mean():,.0f} spikes to an error")


@dataclass(frozen=True)
class GenerateSpikes(MeasureSpikes):
    """Generating timed spikes (GTS): input and target of MSD change places.

    The input tells the delay, 0 or 1, of the spike to come; the network must spike at the right
    step and at no other.
    """

    criterion = "1,000 successive spikes, every step off by < 0.49, in each of ten streams"

    @property
    def name(self) -> str:
        return f"generate-spikes-{self.interval}"

    @property
    def about(self) -> str:
        return f"generating spikes, every {self.interval} or {self.interval + 1} steps"

    @property
    def paper(self) -> Paper:
        return Paper("Gers et al. 2002: learnt with peepholes")

    def streams(self, rng: np.random.Generator, count: int, spikes: int) -> Batch:
        spike, delay = _spikes(rng, count, self.interval, spikes)
        return Batch(delay[..., np.newaxis], spike[..., np.newaxis])

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        return self.streams(rng, count, 8)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        limit = _SPIKES * (self.interval + 1)
        right = steps_until_wrong(model, _parts(self, rng, 10, 2_000), self.wrong, limit)
        return Verdict(bool((right == limit).all()), f"{right.mean():,.0f} steps to an error")
