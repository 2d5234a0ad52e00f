"""What a task is: sequences made at random, and a paper's criterion of success."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln

Array = NDArray[Any]

PEEPHOLES = "LSTM with peepholes"
NO_FORGET_GATE = "LSTM without forget gate"


@dataclass(frozen=True)
class Batch:
    """Sequences of one length.

    x: (N, T, F). y: (N, outputs), or (N, T, outputs) for a task with a target at each step; labels
    without the last axis. weight: (N, T), 0 where a step has no target, or None.
    """

    x: Array
    y: Array
    weight: Array | None = None


@dataclass(frozen=True)
class Paper:
    """What was reported: for which share of the runs, after how many sequences."""

    source: str
    success: str = ""
    sequences: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a network passes the criterion, and the figure that says so."""

    passed: bool
    figure: str


@dataclass(frozen=True)
class Task:
    """Base of all tasks.

    A run ends when `passes` says so. It is asked every `check_every` sequences; where `window` is
    not 0, only once at most `tolerated` of the last `window` training sequences were wrong, each
    judged before it was learnt from.
    """

    name: ClassVar[str] = ""
    about: ClassVar[str] = ""  # one line for the table
    criterion: ClassVar[str] = ""
    paper: ClassVar[Paper]
    loss: ClassVar[str] = "mse"
    every_step: ClassVar[bool] = False  # a target at each step, or at the end alone
    cells: ClassVar[tuple[str, ...]] = ("LSTM", "RNN")
    units: ClassVar[int] = 8
    outputs: ClassVar[int] = 1
    begins_shut: ClassVar[bool] = True  # whether the input gates do
    learning_rate: ClassVar[float] = 0.02
    halved_after: ClassVar[int] = 0  # sequences after which the learning rate is half; 0: never
    batch_size: ClassVar[int] = 32
    budget: ClassVar[int] = 100_000  # sequences after which a run has failed
    window: ClassVar[int] = 0
    tolerated: ClassVar[int] = 0
    check_every: ClassVar[int] = 2000

    @property
    def span(self) -> int:
        """Steps that must be bridged: decides about the initial bias of the forget gate."""
        return 100

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """Return `count` sequences."""
        raise NotImplementedError

    def wrong(self, y: Array, output: Array) -> Array:
        """Return which rows of the output the criterion calls wrong: booleans."""
        raise NotImplementedError

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        """Judge a network: by default at most 3 of 2,560 new sequences may be wrong."""
        wrong, total = self.count_wrong(model, rng, 2560)
        return Verdict(wrong <= 3, f"{wrong} of {total} wrong")

    def count_wrong(
        self, model: ln.Sequential, rng: np.random.Generator, count: int
    ) -> tuple[int, int]:
        """Return how many of `count` new sequences are wrong; ten batches have each its length."""
        batches = [self.batch(rng, count // 10) for _ in range(10)]
        wrong = sum(int(self.wrong(b.y, model.predict(b.x)).sum()) for b in batches)
        return wrong, 10 * (count // 10)


def one_hot(symbols: Array, size: int) -> Array:
    """Return (..., size) float32: 1 at each symbol, nothing but zeros for a negative one."""
    return (symbols[..., np.newaxis] == np.arange(size)).astype(np.float32)


def softmax(logits: Array) -> Array:
    """Return probabilities over the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def sigmoid(logits: Array) -> Array:
    """Return the logistic function."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits))


@dataclass
class Carried:
    """A network that is given a sequence in parts and keeps its state from one to the next."""

    model: ln.Sequential
    states: list[Any] = field(default_factory=list)

    def __call__(self, x: Array) -> Array:
        """Return the outputs of one more part, (N, T, outputs)."""
        self.states = self.states or [None] * len(self.model.layers)
        for index, layer in enumerate(self.model.layers):
            if hasattr(layer, "hidden_size"):
                x, self.states[index] = layer(x, self.states[index])
            else:
                x = layer(x)
        return x


def steps_until_wrong(
    model: ln.Sequential, parts: Iterator[Batch], wrong: Any, limit: int
) -> Array:
    """Return for each sequence how many rows are right before the first wrong one, up to `limit`.

    Rows are steps with a target (weight not 0); `parts` are cut from endless sequences.
    """
    network, right, alive = Carried(model), None, None
    while alive is None or (alive & (right < limit)).any():
        part = next(parts)
        judged = np.ones(part.y.shape[:2], bool) if part.weight is None else part.weight > 0
        bad = wrong(part.y, network(part.x)) & judged
        before = np.cumsum(bad, axis=1) == 0  # steps up to the first wrong one
        if right is None:
            right, alive = np.zeros(len(bad), int), np.ones(len(bad), bool)
        right += alive * (before & judged).sum(axis=1)
        alive &= before[:, -1]
    return np.minimum(right, limit)
