"""A small model, its data and two callbacks that the tests of fit share."""

from __future__ import annotations

import numpy as np
import product as p

import lstm_native as ln

SAMPLES, STEPS, FEATURES = 20, 5, 3


def make_model(units: int = 1, dtype: str = "float64", **options) -> ln.Sequential:
    options = {"return_sequences": False, **options}
    return ln.Sequential([ln.LSTM(6, **options), ln.Dense(units)], dtype=dtype, seed=1)


def data(seed: int = 0, samples: int = SAMPLES) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, STEPS, FEATURES))
    return x, x.mean(axis=(1, 2))[:, None] + 0.1


def fit(model: ln.Sequential, x, y, **options) -> ln.History:
    options = {"epochs": 3, "batch_size": 8, "seed": 3, "verbose": False, **options}
    return model.fit(x, y, **options)


class Recorder(ln.Callback):
    """Writes down every call with what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def on_train_begin(self, model):
        self.calls.append(("train_begin",))

    def on_epoch_begin(self, model, epoch):
        self.calls.append(("epoch_begin", epoch))

    def on_batch_end(self, model, batch, logs):
        self.calls.append(("batch_end", batch, dict(logs)))

    def on_epoch_end(self, model, epoch, logs):
        self.calls.append(("epoch_end", epoch, dict(logs)))

    def on_train_end(self, model):
        self.calls.append(("train_end",))

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


class Raise(ln.Callback):
    """Raises at one batch of one epoch."""

    def __init__(self, error: BaseException, *, epoch: int, batch: int) -> None:
        self.error, self.epoch, self.batch = error, epoch, batch
        self.weights: p.Tensors = {}

    def on_epoch_begin(self, model, epoch):
        self.now = epoch

    def on_batch_end(self, model, batch, logs):
        if (self.now, batch) == (self.epoch, self.batch):
            self.weights = model.state_dict()
            raise self.error


def cut(*arrays: np.ndarray, size: int = 8) -> list[tuple[np.ndarray, ...]]:
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, len(arrays[0]), size)]


class Loader:
    """Can be begun anew, as a DataLoader: __iter__ and a length."""

    def __init__(self, batches):
        self.batches, self.begun = batches, 0

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.begun += 1
        return iter(self.batches)
