"""A training that is stopped, saved, loaded and resumed decides as one that never stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import product as p
import pytest
from fit_helpers import data, fit, make_model

import lstm_native as ln

EPOCHS = 6


class Ruin(ln.Callback):
    """Makes every third epoch worse, so that there is something to decide."""

    def on_epoch_begin(self, model, epoch):
        if epoch % 3 == 2:
            model.load_state_dict({k: 1.5 * v for k, v in model.state_dict().items()})


class Rates(ln.Callback):
    """The rate in force at the end of each epoch."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, model, epoch, logs):
        self.seen.append(model.learning_rate)


def callbacks_in(folder: Path) -> list[ln.Callback]:
    """Fresh ones, as a new process makes them; what saves stands first and comes last."""
    return [
        ln.ModelCheckpoint(folder / "best.safetensors", save_best_only=True),
        ln.ModelCheckpoint(folder / "last-{epoch}.safetensors"),
        Ruin(),
        ln.EarlyStopping("val_loss", patience=4, restore_best_weights=True),
        ln.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, cooldown=1, min_delta=0.0),
        Rates(),
        ln.CSVLogger(folder / "log.csv"),
    ]


def train(model: ln.Sequential, folder: Path, **options) -> list[ln.Callback]:
    x, y = data()
    callbacks = callbacks_in(folder)
    fit(model, x, y, validation_split=0.25, callbacks=callbacks, **options)
    return callbacks


@pytest.mark.parametrize("cut", range(1, EPOCHS))
def test_a_training_resumed_from_its_file_decides_as_one_in_one_go(tmp_path, cut):
    """The second half knows of the first what its file holds, and nothing else."""
    folder = tmp_path
    for name in ("whole", "parts"):
        (folder / name).mkdir()
    whole, first = make_model(dropout=0.2, num_layers=2), make_model(dropout=0.2, num_layers=2)
    expected = train(whole, folder / "whole", epochs=EPOCHS, optimizer=ln.Adam(0.05))
    before = train(first, folder / "parts", epochs=cut, optimizer=ln.Adam(0.05))
    second = ln.load_model(folder / "parts" / f"last-{cut}.safetensors")
    after = train(second, folder / "parts", epochs=EPOCHS, initial_epoch=cut)

    p.assert_same_weights(second.state_dict(), whole.state_dict())  # the best ones, put back
    for index in (0, 3, 4):
        assert after[index].best == expected[index].best
    assert after[3].best_epoch == expected[3].best_epoch
    assert before[5].seen + after[5].seen == expected[5].seen
    assert len(set(expected[5].seen)) > 1, "no plateau: the test shows nothing"
    for name in ("best", f"last-{EPOCHS}"):
        one, other = (ln.load_model(folder / f / f"{name}.safetensors") for f in ("parts", "whole"))
        p.assert_same_weights(one.state_dict(), other.state_dict())
    assert (folder / "parts" / "log.csv").read_text() == (folder / "whole" / "log.csv").read_text()


def test_in_one_process_too(tmp_path):
    """The very model goes on; nothing is put back in between, so that its weights are the last."""
    x, y = data()

    def callbacks():
        return [
            ln.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=9.0),
            ln.ModelCheckpoint(tmp_path / "best", save_best_only=True),
        ]

    options = {"validation_split": 0.25, "optimizer": ln.SGD(0.1)}
    whole, parts = make_model(), make_model()
    fit(whole, x, y, epochs=4, callbacks=callbacks(), **options)
    fit(parts, x, y, epochs=2, callbacks=callbacks(), **options)
    fit(parts, x, y, epochs=4, initial_epoch=2, validation_split=0.25, callbacks=callbacks())
    p.assert_same_weights(parts.state_dict(), whole.state_dict())
    assert parts.learning_rate == whole.learning_rate < 0.1
    assert parts._callback_states == whole._callback_states


def test_a_better_file_is_not_overwritten(tmp_path):
    """Keras 17012."""
    x, y = data()
    path = tmp_path / "best"

    def callbacks():
        return [ln.ModelCheckpoint(path, monitor="loss", save_best_only=True)]

    model = make_model()
    fit(model, x, y, epochs=3, optimizer=ln.Adam(0.02), callbacks=callbacks())
    best = path.read_bytes()
    ruined = {name: 9.0 * value for name, value in model.state_dict().items()}
    model.load_state_dict(ruined)
    fit(model, x, y, epochs=4, initial_epoch=3, callbacks=callbacks())
    assert path.read_bytes() == best
    fit(model, x, y, epochs=1, callbacks=callbacks())  # anew: its first epoch is the best
    assert path.read_bytes() != best


def test_what_is_saved_in_an_epoch_holds_the_states_of_that_epoch(tmp_path):
    x, y = data()
    states = []

    class Model(ln.Sequential):
        def save(self, path, **options):
            states.append(self._callback_states)
            super().save(path, **options)

    layers = [ln.LSTM(3, return_sequences=False), ln.Dense(1)]
    model = Model(layers, dtype="float64", seed=1)
    stopping = ln.EarlyStopping("loss", patience=9)
    checkpoint = ln.ModelCheckpoint(tmp_path / "m", monitor="loss", save_best_only=True)
    history = fit(model, x, y, callbacks=[checkpoint, stopping], optimizer=ln.Adam(0.01))
    found = [
        (one["ModelCheckpoint(loss)"]["best"], one["EarlyStopping(loss)"]["best_epoch"])
        for one in states
    ]
    assert found == list(zip(history.history["loss"], range(3), strict=True))


def test_a_training_that_begins_anew_knows_nothing_of_another():
    x, y = data()
    model, stopping = make_model(), ln.EarlyStopping("loss", patience=9)
    fit(model, x, y, epochs=3, optimizer=ln.Adam(0.02), callbacks=stopping)
    fit(model, x, y, epochs=2, callbacks=[])
    assert model._callback_states == {}
    model.load_state_dict({k: 9.0 * v for k, v in model.state_dict().items()})
    fit(model, x, y, epochs=3, initial_epoch=2, callbacks=stopping)
    assert stopping.best_epoch == 2


def test_a_callback_the_model_does_not_know_begins_anew():
    x, y = data()
    model = make_model()
    fit(model, x, y, epochs=2, callbacks=ln.EarlyStopping("loss", patience=9))
    stopping = ln.EarlyStopping("mae", patience=9)
    fit(model, x, y, epochs=3, initial_epoch=2, metrics=["mae"], callbacks=stopping)
    assert stopping.best_epoch == 2
    assert list(model._callback_states) == ["EarlyStopping(mae)"]


def test_a_state_that_does_not_fit_is_told_before_the_first_batch():
    x, y = data()
    model = make_model()
    fit(model, x, y, epochs=2, callbacks=ln.EarlyStopping("loss", patience=9))
    before, states = model.state_dict(), model._callback_states
    stopping = ln.EarlyStopping("loss", patience=9, restore_best_weights=True)
    with pytest.raises(ValueError, match=r"holds of EarlyStopping\(loss\) .*no best weights"):
        fit(model, x, y, epochs=3, initial_epoch=2, callbacks=stopping)
    p.assert_same_weights(model.state_dict(), before)
    assert model._callback_states == states


def test_callbacks_of_others_take_part():
    class Counter(ln.Callback):
        def on_train_begin(self, model):
            self.seen = []

        def on_epoch_end(self, model, epoch, logs):
            self.seen.append(epoch)

        def state_dict(self):
            return {"seen": self.seen}

        def load_state_dict(self, state):
            self.seen = list(state["seen"])

    x, y = data()
    model, counter = make_model(), Counter()
    fit(model, x, y, epochs=2, callbacks=Counter())
    fit(model, x, y, epochs=4, initial_epoch=2, callbacks=counter)
    assert counter.seen == [0, 1, 2, 3]
    assert fit(model, x, y, callbacks=ln.Callback()).epoch == [0, 1, 2]


def test_an_interrupted_epoch_leaves_the_states_of_the_one_before(tmp_path):
    x, y = data()

    class Stop(ln.Callback):
        def on_batch_end(self, model, batch, logs):
            if len(model.history.epoch) == 2:
                raise KeyboardInterrupt

    model = make_model()
    with pytest.raises(KeyboardInterrupt):
        fit(model, x, y, epochs=5, callbacks=[ln.EarlyStopping("loss", patience=9), Stop()])
    state = model._callback_states["EarlyStopping(loss)"]
    assert state["best"] == min(model.history.history["loss"])
    assert np.isfinite(state["best"])
    assert model._in_training is None
    fit(model, x, y)
