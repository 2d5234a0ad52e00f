"""The copying memory of Arjovsky et al. 2016, "Unitary evolution recurrent neural networks".

The idea is that of Hochreiter & Schmidhuber 1997: keep symbols over a long silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import lstm_native as ln
from long_lag_tasks.task import Array, Batch, Paper, Task, Verdict, one_hot, softmax

_KEPT, _BLANK, _GO = 10, 8, 9


@dataclass(frozen=True)
class Copying(Task):
    """Ten symbols of eight, T - 1 blanks, a delimiter, ten blanks. Target: T + 10 blanks, the ten.

    Without memory the best cross-entropy is 10 ln 8 / (T + 20).
    """

    steps: int

    criterion = "cross-entropy of 1,000 new sequences under 0.9 of what needs no memory"
    loss = "categorical_crossentropy"
    every_step = True
    outputs = 9
    units = 64
    begins_shut = False
    learning_rate = 0.005
    check_every = 4096
    budget = 200_000

    @property
    def name(self) -> str:
        return f"copying-{self.steps}"

    @property
    def about(self) -> str:
        return f"copying, T = {self.steps}"

    @property
    def paper(self) -> Paper:
        return Paper("Arjovsky et al. 2016: LSTM under the baseline at T = 100 only, RNN never")

    @property
    def span(self) -> int:
        return self.steps + 20

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        tokens = np.full((count, self.steps + 2 * _KEPT), _BLANK)
        target = tokens.copy()
        tokens[:, :_KEPT] = target[:, -_KEPT:] = rng.integers(0, 8, (count, _KEPT))
        tokens[:, -_KEPT - 1] = _GO
        return Batch(one_hot(tokens, 10), target)

    def wrong(self, y: Array, output: Array) -> Array:
        return output.argmax(axis=-1) != y

    def passes(self, model: ln.Sequential, rng: np.random.Generator) -> Verdict:
        test = self.batch(rng, 1000)
        right = np.take_along_axis(softmax(model.predict(test.x)), test.y[..., np.newaxis], -1)
        entropy = float(-np.log(np.maximum(right, 1e-30)).mean())
        share = entropy / (_KEPT * np.log(8) / test.y.shape[1])
        return Verdict(share < 0.9, f"{share:.2f} of the baseline")
