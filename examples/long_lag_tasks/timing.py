"""Gers, Schraudolph & Schmidhuber 2002, "Learning precise timing with LSTM recurrent networks"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import lstm_native as ln
from long_lag_tasks.task import (
    PEEPHOLES,
    Array,
    Batch,
    Paper,
    Task,
    Verdict,
    sigmoid,
    steps_until_wrong,
)

_SPIKES = 1000
_GERS = "Gers et al. 2002"


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


def _parts(
    task: MeasureSpikes, rng: np.random.Generator, count: int, steps: int
) -> Iterator[Batch]:
    """Yield one long batch in parts, again and again."""
    long = task.streams(rng, count, _SPIKES + 100)
    for start in range(0, long.x.shape[1], steps):
        part = slice(start, start + steps)
        weight = None if long.weight is None else long.weight[:, part]
        yield Batch(long.x[:, part], long.y[:, part], weight)


@dataclass(frozen=True)
class MeasureDelay(Task):
    """Measuring one spike delay: the non-sequential NMSD. One spike, F or F + 1 steps late: which?

    With F = 49 the network must tell 49 from 50, without shorter delays to learn from.
    """

    interval: int

    criterion = "none of 2,000 sequences wrong (off by 0.49 or more)"
    cells = (PEEPHOLES, "LSTM", "RNN")
    every_step = True
    begins_shut = False
    learning_rate = 0.003
    budget = 400_000

    @property
    def name(self) -> str:
        return f"measure-delay-{self.interval}"

    @property
    def about(self) -> str:
        return f"measuring a delay of {self.interval} or {self.interval + 1} steps"

    @property
    def paper(self) -> Paper:
        return Paper(f"{_GERS}: learnt with peepholes and without")

    @property
    def span(self) -> int:
        return self.interval

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        delay = rng.integers(0, 2, count)
        spike = np.zeros((count, self.interval + 1), np.float32)
        spike[np.arange(count), self.interval - 1 + delay] = 1.0
        target = np.broadcast_to(delay[:, np.newaxis, np.newaxis], (*spike.shape, 1))
        return Batch(spike[..., np.newaxis], target.astype(np.float32), spike)

    def wrong(self, y: Array, output: Array) -> Array:
        value = sigmoid(output) if self.loss == "binary_crossentropy" else output
        return (np.abs(y - value) >= 0.49).any(axis=-1)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        test = self.batch(rng, 2000)
        bad = self.wrong(test.y, model.predict(test.x)) & (test.weight > 0)
        return Verdict(not bad.any(), f"{bad.sum()} of 2,000 wrong")


@dataclass(frozen=True)
class MeasureSpikes(MeasureDelay):
    """Measuring spike delays (MSD). The input is a train of spikes without end.

    At each spike: did it come F or F + 1 steps after the one before?
    """

    criterion = "1,000 successive spikes right (off by < 0.49), in each of ten streams"
    loss = "binary_crossentropy"
    learning_rate = 0.01
    halved_after = 50_000
    budget = 200_000

    @property
    def name(self) -> str:
        return f"measure-spikes-{self.interval}"

    @property
    def about(self) -> str:
        return f"measuring spikes, every {self.interval} or {self.interval + 1} steps"

    def streams(self, rng: np.random.Generator, count: int, spikes: int) -> Batch:
        spike, delay = _spikes(rng, count, self.interval, spikes)
        return Batch(spike[..., np.newaxis], delay[..., np.newaxis], spike)

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        return self.streams(rng, count, 12)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        right = steps_until_wrong(model, _parts(self, rng, 10, 2_000), self.wrong, _SPIKES)
        return Verdict(bool((right == _SPIKES).all()), f"{right.mean():,.0f} spikes right in a row")


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
        return Paper(f"{_GERS}: learnt with peepholes")

    def streams(self, rng: np.random.Generator, count: int, spikes: int) -> Batch:
        spike, delay = _spikes(rng, count, self.interval, spikes)
        return Batch(delay[..., np.newaxis], spike[..., np.newaxis])

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        limit = _SPIKES * (self.interval + 1)
        right = steps_until_wrong(model, _parts(self, rng, 10, 2_000), self.wrong, limit)
        return Verdict(bool((right == limit).all()), f"{right.mean():,.0f} steps right in a row")
