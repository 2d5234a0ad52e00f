"""A stand-in for a model, and a training of nothing, that the tests of callbacks share."""

from __future__ import annotations

import numpy as np


class FakeModel:
    """The part of a model that callbacks may use, and nothing else."""

    def __init__(self):
        self.stop_training = False
        self.learning_rate = 0.1
        self.weight = 0.0
        self.saved = []

    def state_dict(self):
        return {"weight": np.array(self.weight)}

    def load_state_dict(self, state):
        self.weight = float(state["weight"])

    def save(self, path):
        self.saved.append(path)


def train(callback, logs, *, model=None, first_epoch=0):
    """Go through one epoch per entry of logs; the weight tells how many epochs were trained."""
    model = model or FakeModel()
    callback.on_train_begin(model)
    for epoch, found in enumerate(logs, start=first_epoch):
        callback.on_epoch_begin(model, epoch)
        model.weight = float(epoch + 1)
        callback.on_batch_end(model, 0, found)
        callback.on_epoch_end(model, epoch, found)
        if model.stop_training:
            break
    callback.on_train_end(model)
    return model


def losses(*values):
    return [{"loss": 1.0, "val_loss": value} for value in values]
