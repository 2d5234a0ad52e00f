"""Tasks of Hochreiter & Schmidhuber 1997, "Long short-term memory", experiments 2 to 6.

A batch has one random length, the same for all its sequences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import lstm_native as ln
from long_lag_tasks.task import Array, Batch, Paper, Task, Verdict, one_hot, sigmoid, softmax

_HS97 = "Hochreiter & Schmidhuber 1997"
_ADDING = {100: "74,000", 500: "209,000", 1000: "853,000"}  # table 7
_LONG_LAG = {100: "31,000", 1000: "49,000"}  # table 3


@dataclass(frozen=True)
class Adding(Task):
    """Experiment 4. Pairs of a value in [-1, 1] and a marker.

    Two pairs are marked by 1: one of the first ten, and another one of the first half. The first
    and the last pair are marked by -1. Target at the end: 0.5 + (X1 + X2) / 4. (A first pair that
    was drawn counts as 0.)
    """

    steps: int

    criterion = "last 2,000 training sequences off by < 0.04; at most 3 of 2,560 new ones are not"
    window = 2000

    @property
    def name(self) -> str:
        return f"adding-{self.steps}"

    @property
    def about(self) -> str:
        return f"adding, T = {self.steps}"

    @property
    def paper(self) -> Paper:
        return Paper(f"{_HS97}, table 7", "10 of 10", _ADDING.get(self.steps, ""))

    @property
    def span(self) -> int:
        return self.steps

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        x, values = _marked(rng, count, self.steps, low=-1.0, neutral=0.0)
        return Batch(x, (0.5 + values.sum(axis=1, keepdims=True) / 4).astype(np.float32))

    def wrong(self, y: Array, output: Array) -> Array:
        return (np.abs(y - output) >= 0.04).any(axis=-1)


@dataclass(frozen=True)
class Multiplication(Adding):
    """Experiment 5. As adding, with values in [0, 1] and the target X1 X2.

    (A first pair that was drawn counts as 1.)
    """

    criterion = "fewer than 13 of the last 2,000 off by 0.04 or more; at most 15 of 2,560 new ones"
    tolerated = 12
    budget = 200_000

    @property
    def name(self) -> str:
        return f"multiplication-{self.steps}"

    @property
    def about(self) -> str:
        return f"multiplication, T = {self.steps}"

    @property
    def paper(self) -> Paper:
        return Paper(f"{_HS97}, table 8", "10 of 10", "1,273,000")

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        x, values = _marked(rng, count, self.steps, low=0.0, neutral=1.0)
        return Batch(x, values.prod(axis=1, keepdims=True).astype(np.float32))

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        wrong, total = self.count_wrong(model, rng, 2560)
        return Verdict(wrong <= 15, f"{wrong} of {total} wrong")


def _marked(
    rng: np.random.Generator, count: int, steps: int, *, low: float, neutral: float
) -> tuple[Array, Array]:
    """Return pairs (N, T, 2) and the two marked values (N, 2)."""
    length = int(rng.integers(steps, steps + steps // 10 + 1))
    x = np.zeros((count, length, 2), np.float32)
    x[:, :, 0] = rng.uniform(low, 1.0, (count, length))
    first = rng.integers(0, 10, count)
    second = rng.integers(0, steps // 2 - 1, count)
    second += second >= first  # one of those not marked yet
    places = np.stack([first, second], axis=1)
    rows = np.arange(count)[:, np.newaxis]
    x[rows, places, 1] = 1.0
    x[:, [0, -1], 1] = -1.0
    return x, np.where(places == 0, neutral, x[rows, places, 0])


@dataclass(frozen=True)
class TemporalOrder(Task):
    """Experiment 6. Classify by the order of two (6a) or three (6b) symbols, each X or Y.

    A sequence begins with E, ends with B, and has noise of a, b, c, d in between, but for the
    relevant symbols at random places within given ranges.
    """

    symbols: int

    criterion = "last 2,000 right (all outputs off by < 0.3); at most 3 of 2,560 new ones are not"
    loss = "categorical_crossentropy"
    window = 2000
    units = 12
    budget = 50_000

    @property
    def name(self) -> str:
        return f"order-{self.symbols}"

    @property
    def about(self) -> str:
        return f"temporal order, {self.symbols} relevant symbols"

    @property
    def paper(self) -> Paper:
        if self.symbols == 2:
            return Paper(f"{_HS97}, table 9", "20 of 20", "31,390")
        return Paper(f"{_HS97}, table 9", "10 of 10", "571,100")

    @property
    def outputs(self) -> int:
        return 2**self.symbols

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        length = int(rng.integers(100, 111))
        tokens = rng.integers(0, 4, (count, length))  # a, b, c, d; then X, Y, E, B
        tokens[:, 0], tokens[:, -1] = 6, 7
        starts = (10, 50) if self.symbols == 2 else (10, 33, 66)
        label = np.zeros(count, np.int64)
        for start in starts:
            bit = rng.integers(0, 2, count)
            tokens[np.arange(count), rng.integers(start, start + 11, count)] = 4 + bit
            label = 2 * label + bit
        return Batch(one_hot(tokens, 8), label)

    def wrong(self, y: Array, output: Array) -> Array:
        return (np.abs(one_hot(y, self.outputs) - softmax(output)) >= 0.3).any(axis=-1)


@dataclass(frozen=True)
class NoiseFree(Task):
    """Experiment 2a. Two sequences: y a1 a2 ... y and x a1 a2 ... x. Predict each next symbol."""

    lag: int

    criterion = "all outputs at the end of both sequences off by < 0.25"
    loss = "categorical_crossentropy"
    every_step = True
    units = 64
    begins_shut = False
    learning_rate = 0.002
    batch_size = 2
    check_every = 100
    budget = 20_000

    @property
    def name(self) -> str:
        return f"noise-free-{self.lag}"

    @property
    def about(self) -> str:
        return f"noise-free long lag, p = {self.lag}"

    @property
    def paper(self) -> Paper:
        return Paper(f"{_HS97}, table 2", "18 of 18", "5,040")

    @property
    def span(self) -> int:
        return self.lag

    @property
    def outputs(self) -> int:
        return self.lag + 1

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        return self._sequences(rng.permutation(count) % 2)  # both as often

    def _sequences(self, kind: Array) -> Batch:
        tokens = np.tile(np.arange(-1, self.lag), (len(kind), 1))
        tokens[:, 0] = tokens[:, -1] = self.lag - 1 + kind  # x or y
        return Batch(one_hot(tokens[:, :-1], self.outputs), tokens[:, 1:])

    def wrong(self, y: Array, output: Array) -> Array:
        return (np.abs(one_hot(y, self.outputs) - softmax(output)) >= 0.25).any(axis=-1)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        both = self._sequences(np.arange(2))
        wrong = int(self.wrong(both.y, model.predict(both.x))[:, -1].sum())
        return Verdict(wrong == 0, f"{wrong} of 2 wrong")


@dataclass(frozen=True)
class LongLag(Task):
    """Experiment 2c. b x (or b y), at least q random symbols of q, then e, then: x or y?

    After the first q symbols each further one is e with probability 1/10. Never is there a short
    sequence to learn from.
    """

    lag: int

    criterion = "no output of 10,000 sequences off by 0.2 or more"
    loss = "categorical_crossentropy"
    outputs = 2
    units = 4
    learning_rate = 0.01
    budget = 30_000

    @property
    def name(self) -> str:
        return f"long-lag-{self.lag}"

    @property
    def about(self) -> str:
        return f"long lag without regularities, q = {self.lag}, p = 100"

    @property
    def paper(self) -> Paper:
        return Paper(f"{_HS97}, table 3", "20 of 20", {100: "31,000", 1000: "135,000"}[self.lag])

    @property
    def span(self) -> int:
        return self.lag

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        symbols, noise = 100, self.lag + int(rng.geometric(0.1)) - 1
        kind = rng.integers(0, 2, count)
        tokens = rng.integers(0, symbols, (count, noise + 3))  # then e, b, x, y
        tokens[:, -1], tokens[:, 0], tokens[:, 1] = symbols, symbols + 1, symbols + 2 + kind
        return Batch(one_hot(tokens, symbols + 4), kind)

    def wrong(self, y: Array, output: Array) -> Array:
        return (np.abs(one_hot(y, 2) - softmax(output)) >= 0.2).any(axis=-1)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        for seen in range(0, 10_000, 200):
            part = self.batch(rng, 200)
            if wrong := int(self.wrong(part.y, model.predict(part.x)).sum()):
                return Verdict(False, f"{wrong} of {seen + 200} wrong")
        return Verdict(True, "0 of 10,000 wrong")


@dataclass(frozen=True)
class TwoSequence(Task):
    """Experiment 3a, the 2-sequence problem of Bengio et al. 1994; 3b with `noisy`.

    The first N values are 1 (class 1) or -1 (class 2), the others noise of variance 0.2 on the
    same line. 3b adds that noise to the first N too.
    """

    steps: int
    informative: int
    noisy: bool = False

    loss = "binary_crossentropy"
    units = 4
    learning_rate = 0.01
    check_every = 1024

    @property
    def name(self) -> str:
        return f"two-sequence-3{'b' if self.noisy else 'a'}"

    @property
    def about(self) -> str:
        noise = "noise on them, " if self.noisy else ""
        return f"two sequences, {self.informative} informative, {noise}T = {self.steps}"

    @property
    def criterion(self) -> str:
        most, error = (6, 0.04) if self.noisy else (1, 0.01)
        return f"fewer than {most} of 256 off by 0.2 or more, mean error < {error:g}"

    @property
    def paper(self) -> Paper:
        table, count = ("5", "78,430") if self.noisy else ("4", "39,850")
        return Paper(f"{_HS97}, table {table}", "10 of 10", count)

    @property
    def span(self) -> int:
        return self.steps

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        kind = rng.integers(0, 2, (count, 1))
        return Batch(self._values(rng, kind), kind.astype(np.float32))

    def _values(self, rng: np.random.Generator, kind: Array) -> Array:
        length = int(rng.integers(self.steps, self.steps + self.steps // 10 + 1))
        x = rng.normal(0.0, np.sqrt(0.2), (len(kind), length, 1))
        if not self.noisy:
            x[:, : self.informative] = 0.0
        x[:, : self.informative, 0] += 2.0 * kind - 1.0
        return x.astype(np.float32)

    def wrong(self, y: Array, output: Array) -> Array:
        return (np.abs(y - sigmoid(output)) >= 0.2).any(axis=-1)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        most, limit = (5, 0.04) if self.noisy else (0, 0.01)
        test = self.batch(rng, 256)
        output = model.predict(test.x)
        error = float(np.abs(test.y - sigmoid(output)).mean())
        if self.wrong(test.y, output).sum() > most or error >= limit:
            return Verdict(False, f"mean error {error:.3f}")
        wrong, total = self.count_wrong(model, rng, 2560)
        return Verdict(True, f"{wrong} of {total} wrong")


@dataclass(frozen=True)
class NoisyTargets(TwoSequence):
    """Experiment 3c. As 3a, with targets 0.2 (class 1) and 0.8 (class 2) under noise.

    The noise has variance 0.1 and hides the class of any one target: the network must learn the
    expected values.
    """

    criterion = "none of 256 off the noise-free target by more than 0.1, mean error < 0.015"
    loss = "mse"
    halved_after = 20_000

    @property
    def name(self) -> str:
        return "two-sequence-3c"

    @property
    def about(self) -> str:
        return f"two sequences, {self.informative} informative, noisy targets, T = {self.steps}"

    @property
    def paper(self) -> Paper:
        return Paper(f"{_HS97}, table 6", "10 of 10", "269,650")

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        clean = self._clean(rng, count)
        noise = rng.normal(0.0, np.sqrt(0.1), clean.y.shape)
        return Batch(clean.x, clean.y + noise.astype(np.float32))

    def _clean(self, rng: np.random.Generator, count: int) -> Batch:
        kind = rng.integers(0, 2, (count, 1))
        return Batch(self._values(rng, kind), (0.8 - 0.6 * kind).astype(np.float32))

    def wrong(self, y: Array, output: Array) -> Array:
        return (np.abs(y - output) > 0.1).any(axis=-1)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        test = self._clean(rng, 256)
        output = model.predict(test.x)
        error = float(np.abs(test.y - output).mean())
        wrong = int(self.wrong(test.y, output).sum())
        return Verdict(wrong == 0 and error < 0.015, f"{wrong} of 256 wrong, error {error:.3f}")
