"""Grammars: the embedded Reber grammar, the same as an endless stream, and a^n b^n c^n."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import lstm_native as ln
from long_lag_tasks.task import (
    NO_FORGET_GATE,
    PEEPHOLES,
    Array,
    Batch,
    Paper,
    Task,
    Verdict,
    one_hot,
    sigmoid,
    steps_until_wrong,
)

# The Reber grammar: from each state two (or, at the end, one) symbols, and where each leads.
_SYMBOLS = "BTSXPVE"
_REBER = {
    0: [("T", 1), ("P", 2)],
    1: [("S", 1), ("X", 3)],
    2: [("T", 2), ("V", 4)],
    3: [("X", 2), ("S", 5)],
    4: [("P", 3), ("V", 5)],
}


String = tuple[list[int], list[list[int]]]  # symbols, and what may follow each


def embedded_reber(rng: np.random.Generator) -> String:
    """Return a string B T <Reber> T E or B P <Reber> P E, and what may follow each symbol.

    Both branches of a choice are equally likely. After the last E comes the next string's B.
    """
    outer = "TP"[rng.integers(2)]
    text, allowed = ["B", outer, "B"], ["TP", "B", "TP"]
    state = 0
    while state != 5:
        symbol, state = _REBER[state][rng.integers(2)]
        text.append(symbol)
        allowed.append("".join(s for s, _ in _REBER[state]) if state != 5 else "E")
    text += ["E", outer, "E"]
    allowed += [outer, "E", "B"]
    index = _SYMBOLS.index
    return [index(s) for s in text], [[index(s) for s in choice] for choice in allowed]


@functools.cache
def fixed_strings() -> tuple[list[String], list[String]]:
    """Return 256 strings to learn and 256 others for the test, the same in every run."""
    rng, known = np.random.default_rng(1997), {}
    while len(known) < 512:
        text, allowed = embedded_reber(rng)
        known.setdefault(tuple(text), (text, allowed))
    strings = list(known.values())
    return strings[:256], strings[256:]


def _legal(allowed: list[list[int]]) -> Array:
    return np.array([[s in choice for s in range(7)] for choice in allowed])


def _legal_most_active(legal: Array, output: Array) -> Array:
    """Return which steps have an illegal symbol's output above a legal one's."""
    weakest = np.where(legal, output, np.inf).min(axis=-1)
    strongest = np.where(legal, -np.inf, output).max(axis=-1)
    return np.asarray(weakest <= strongest)


@dataclass(frozen=True)
class EmbeddedReber(Task):
    """Hochreiter & Schmidhuber 1997, experiment 1. Predict the next symbol of each string.

    The second symbol comes back as the last but one: the rest of the string must not wash it away.
    256 strings to learn from, 256 others for the test.
    """

    name = "reber"
    about = "embedded Reber grammar"
    criterion = "no symbol that may not follow is more active than one that may, in all 512 strings"
    paper = Paper("Hochreiter & Schmidhuber 1997, table 1", "30 of 30", "8,440")
    loss = "categorical_crossentropy"
    every_step = True
    outputs = 7
    units = 12
    begins_shut = False
    check_every = 512
    budget = 60_000

    @property
    def span(self) -> int:
        return 20

    def _batch(self, strings: list[String]) -> tuple[Batch, Array]:
        steps = max(len(text) for text, _ in strings) - 1
        tokens = np.full((len(strings), steps + 1), -1)
        legal = np.zeros((len(strings), steps, 7), bool)
        for row, (text, allowed) in enumerate(strings):
            tokens[row, : len(text)] = text
            legal[row, : len(text) - 1] = _legal(allowed)[:-1]
        target = tokens[:, 1:]
        weight = (target >= 0).astype(np.float32)
        return Batch(one_hot(tokens[:, :-1], 7), np.maximum(target, 0), weight), legal

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        learn, _ = fixed_strings()
        return self._batch([learn[i] for i in rng.integers(0, len(learn), count)])[0]

    def wrong(self, y: Array, output: Array) -> Array:
        return output.argmax(axis=-1) != y

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        wrong = 0
        for strings in fixed_strings():
            batch, legal = self._batch(strings)
            bad = _legal_most_active(legal, model.predict(batch.x)) & (batch.weight > 0)
            wrong += int(bad.any(axis=1).sum())
        return Verdict(wrong == 0, f"{wrong} of 512 strings wrong")


@dataclass(frozen=True)
class ContinualReber(Task):
    """Gers, Schmidhuber & Cummins 2000, "Learning to forget". Strings without end.

    Nothing tells the network where a string begins, and nobody resets its state. Learnt from
    pieces of 100 symbols that begin with a string; tested on ten streams, each until its first
    error or for a million symbols.
    """

    name = "continual-reber"
    about = "continual embedded Reber grammar"
    criterion = "ten streams of 1,000,000 symbols without an error"
    paper = Paper(
        "Gers et al. 2000, table 2 (without forget gate: 0 %)", "18 % (learning rate falling: 62 %)"
    )
    cells = ("LSTM", NO_FORGET_GATE, "RNN")
    loss = "categorical_crossentropy"
    every_step = True
    outputs = 7
    units = 12
    begins_shut = False
    halved_after = 10_000
    check_every = 4096
    budget = 40_000

    @property
    def span(self) -> int:
        return 20

    def _streams(self, rng: np.random.Generator, count: int, steps: int) -> Iterator[Batch]:
        """Yield parts of endless streams; y holds what may follow, and not what does."""
        pool = [embedded_reber(rng) for _ in range(5_000)]
        tokens = [np.array(text) for text, _ in pool]
        legal = [_legal(allowed) for _, allowed in pool]
        rest = [(np.zeros(0, int), np.zeros((0, 7), bool)) for _ in range(count)]
        while True:
            x, y = np.zeros((count, steps), int), np.zeros((count, steps, 7), bool)
            for row in range(count):
                picked = rng.integers(0, len(pool), steps // 9 + 1)  # no string is shorter than 9
                text = np.concatenate([rest[row][0], *(tokens[i] for i in picked)])
                follows = np.concatenate([rest[row][1], *(legal[i] for i in picked)])
                x[row], y[row] = text[:steps], follows[:steps]
                rest[row] = text[steps:], follows[steps:]
            yield Batch(one_hot(x, 7), y)

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        tokens = np.zeros((count, 101), int)
        for row in tokens:
            text: list[int] = []
            while len(text) < len(row):
                text += embedded_reber(rng)[0]
            row[:] = text[: len(row)]
        return Batch(one_hot(tokens[:, :-1], 7), tokens[:, 1:])

    def wrong(self, y: Array, output: Array) -> Array:
        return output.argmax(axis=-1) != y

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        limit = 1_000_000
        parts = self._streams(rng, 10, 5_000)
        right = steps_until_wrong(model, parts, _legal_most_active, limit)
        return Verdict(bool((right == limit).all()), f"{right.mean():,.0f} symbols right in a row")


@dataclass(frozen=True)
class AnBnCn(Task):
    """Gers & Schmidhuber 2001: a context-sensitive language. S a^n b^n c^n T.

    At each step: which symbols may follow? After an a, both a and b; else there is one answer.
    Learnt with n = 1 to 10, tested with longer strings.
    """

    name = "anbncn"
    about = "a^n b^n c^n, learnt with n = 1 to 10"
    criterion = "every n from 1 to 20 right at every step (outputs above or below 0.5)"
    paper = Paper("Gers & Schmidhuber 2001")
    cells = (PEEPHOLES, "LSTM", "RNN")
    loss = "binary_crossentropy"
    every_step = True
    outputs = 5
    units = 6
    begins_shut = False
    halved_after = 25_000
    budget = 200_000
    longest = 10

    @property
    def span(self) -> int:
        return 3 * self.longest

    def _strings(self, counts: Array) -> Batch:
        """Return the strings with these n; symbols S, a, b, c, T = 0 to 4."""
        steps = 3 * int(counts.max()) + 1
        place, n = np.arange(steps), counts[:, np.newaxis]
        tokens = np.where(place == 0, 0, (place - 1) // n + 1)
        follows = one_hot(np.minimum(place // n + 1, 4), 5)  # the next symbol; T behind the last c
        follows[..., 1] = np.maximum(follows[..., 1], tokens == 1)
        follows[..., 2] = np.maximum(follows[..., 2], tokens == 1)
        weight = (place <= 3 * n).astype(np.float32)
        return Batch(one_hot(np.where(weight > 0, tokens, -1), 5), follows, weight)

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        return self._strings(rng.integers(1, self.longest + 1, count))

    def wrong(self, y: Array, output: Array) -> Array:
        return ((sigmoid(output) > 0.5) != (y > 0.5)).any(axis=-1)

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        test = self._strings(np.arange(1, 201))
        bad = (self.wrong(test.y, model.predict(test.x)) & (test.weight > 0)).any(axis=1)
        reached = int(np.argmax(np.append(bad, True)))
        return Verdict(reached >= 2 * self.longest, f"right up to n = {reached}")
