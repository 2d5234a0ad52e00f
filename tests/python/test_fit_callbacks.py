"""Callbacks while fit runs: when they are called, what they do, what they leave."""

from __future__ import annotations

import copy
import json
import operator

import numpy as np
import product as p
import pytest
from fit_helpers import Raise, Recorder, data, fit, make_model

import lstm_native as ln


class TestCallbacks:
    def test_hooks_come_in_order(self):
        x, y = data()
        recorder = Recorder()
        history = fit(make_model(), x, y, epochs=2, validation_split=0.25, callbacks=[recorder])
        epoch = ["epoch_begin", "batch_end", "batch_end", "epoch_end"]
        assert recorder.names() == ["train_begin", *epoch, *epoch, "train_end"]
        assert [c[1] for c in recorder.calls if c[0] == "batch_end"] == [0, 1, 0, 1]
        ends = [c for c in recorder.calls if c[0] == "epoch_end"]
        for epoch_index, (_, index, logs) in enumerate(ends):
            assert index == epoch_index
            assert logs == {k: v[index] for k, v in history.history.items()}

    def test_stop_training_ends_after_the_epoch(self):
        class Stop(ln.Callback):
            def on_batch_end(self, model, batch, logs):
                model.stop_training = True

        x, y = data()
        model = make_model()
        history = fit(model, x, y, epochs=5, callbacks=[Stop()])
        assert history.epoch == [0]
        assert not history.interrupted
        # It asks to stop once, not for ever.
        assert fit(model, x, y, epochs=2).epoch == [0, 1]

    def test_early_stopping_restores_the_best_weights(self):
        x, y = data()

        class Ruin(ln.Callback):
            """From epoch 3 on, learn far too fast."""

            def __init__(self):
                self.weights = {}

            def on_epoch_begin(self, model, epoch):
                if epoch == 3:
                    model.learning_rate = 5.0

            def on_epoch_end(self, model, epoch, logs):
                self.weights[epoch] = model.state_dict()

        ruin = Ruin()
        stopping = ln.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
        model = make_model()
        history = fit(
            model,
            x,
            y,
            epochs=50,
            optimizer=ln.Adam(0.02),
            validation_split=0.25,
            callbacks=[ruin, stopping],
        )
        best = int(np.argmin(history.history["val_loss"]))
        assert len(history.epoch) < 50
        assert stopping.best_epoch == best
        p.assert_same_weights(model.state_dict(), ruin.weights[best])
        found = model.evaluate(x[15:], y[15:])["loss"]
        assert found == pytest.approx(min(history.history["val_loss"]), rel=1e-12)

    def test_checkpoints_hold_the_weights_of_their_epoch(self, tmp_path):
        x, y = data()
        weights = []

        class Keep(ln.Callback):
            def on_epoch_end(self, model, epoch, logs):
                weights.append(model.state_dict())

        checkpoint = ln.ModelCheckpoint(tmp_path / "deep" / "m-{epoch:02d}.safetensors")
        fit(make_model(), x, y, callbacks=[Keep(), checkpoint])
        names = sorted(f.name for f in (tmp_path / "deep").iterdir())
        assert names == [f"m-{i:02d}.safetensors" for i in (1, 2, 3)]
        for name, expected in zip(names, weights, strict=True):
            p.assert_same_weights(ln.load_model(tmp_path / "deep" / name).state_dict(), expected)

    def test_only_the_best_is_kept_when_asked(self, tmp_path):
        x, y = data()
        path = tmp_path / "best.safetensors"
        saved = ln.ModelCheckpoint(path, monitor="loss", save_best_only=True)
        model = make_model()
        history = fit(model, x, y, epochs=5, optimizer=ln.Adam(0.01), callbacks=[saved])
        assert np.argmin(history.history["loss"]) == 4
        p.assert_same_weights(ln.load_model(path).state_dict(), model.state_dict())

    def test_csv_logger_writes_what_history_holds(self, tmp_path):
        x, y = data()
        path = tmp_path / "log.csv"
        history = fit(make_model(), x, y, metrics=["mae"], callbacks=[ln.CSVLogger(path)])
        header, *lines = path.read_text().splitlines()
        assert header.split(",") == ["epoch", *history.history]
        for index, line in enumerate(lines):
            values = [float(v) for v in line.split(",")]
            assert values == [index, *(v[index] for v in history.history.values())]

    def test_a_schedule_sets_the_rate_of_each_epoch(self):
        x, y = data()
        seen = []

        class Watch(ln.Callback):
            def on_batch_end(self, model, batch, logs):
                seen.append(model.learning_rate)

        rates = [0.5, 0.25, 0.125]
        model = make_model()
        scheduler = ln.LearningRateScheduler(lambda epoch, rate: rates[epoch])
        fit(model, x, y, optimizer=ln.SGD(0.01), batch_size=20, callbacks=[scheduler, Watch()])
        assert seen == rates
        # The rate is the one the updates use.
        by_hand = make_model()
        for epoch, rate in enumerate(rates):
            optimizer = ln.SGD(rate)
            fit(
                by_hand,
                x,
                y,
                optimizer=optimizer,
                batch_size=20,
                initial_epoch=epoch,
                epochs=epoch + 1,
            )
        p.assert_same_weights(model.state_dict(), by_hand.state_dict())

    def test_the_rate_falls_on_a_plateau(self):
        x, y = data()
        model = make_model()
        plateau = ln.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9, min_lr=1e-6)
        fit(model, x, y, epochs=4, optimizer=ln.SGD(0.1), callbacks=[plateau])
        # The first epoch beats infinity; each of the three that follow is a plateau.
        assert model.learning_rate == pytest.approx(0.1 / 8)

    def test_an_error_in_a_callback_comes_out_and_leaves_the_model(self):
        x, y = data()
        model = make_model()
        recorder = Recorder()
        broken = Raise(RuntimeError("of the callback"), epoch=1, batch=1)
        with pytest.raises(RuntimeError, match="of the callback"):
            fit(model, x, y, callbacks=[recorder, broken])
        assert recorder.names()[-1] == "train_end"
        p.assert_same_weights(model.state_dict(), broken.weights)
        assert model.history.epoch == [0]
        fit(model, x, y)


class KerasEpochEnd(ln.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise AssertionError("called")


class KerasEpochBegin(ln.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        raise AssertionError("called")


class KerasTrainBegin(ln.Callback):
    def on_train_begin(self, logs=None):
        raise AssertionError("called")


class LightningEpochEnd(ln.Callback):
    def on_train_end(self, trainer, pl_module):
        raise AssertionError("called")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (KerasEpochEnd, r"KerasEpochEnd\.on_epoch_end: write on_epoch_end\(self, model, epoch, l"),
        (KerasEpochBegin, r"write on_epoch_begin\(self, model, epoch\), got \(epoch, logs=None\)"),
        (KerasTrainBegin, r"write on_train_begin\(self, model\), got \(logs=None\)"),
        (LightningEpochEnd, r"write on_train_end\(self, model\)"),
    ],
)
def test_hooks_with_the_arguments_of_keras_are_refused_before_training(kind, told):
    """Most of them could be called, and would take the model for the epoch."""
    x, y = data()
    model = make_model()
    with pytest.raises(TypeError, match=told):
        fit(model, x, y, callbacks=[kind()])
    assert model.history is None


def test_hooks_may_be_written_in_other_ways():
    class Loose(ln.Callback):
        def on_epoch_begin(self, *args):
            self.model = args[0]  # one's own attribute

        def on_epoch_end(self, a, b, c, more=1, **rest):
            assert self.model is a

        def on_batch_end(self, model, batch, logs, /):
            pass

    fit(make_model(), *data(), epochs=1, callbacks=Loose())


def test_a_callback_holds_no_model():
    class Watch(ln.Callback):
        def on_epoch_end(self, model, epoch, logs):
            return self.model

    with pytest.raises(AttributeError, match="'model': the model is the first argument of each"):
        fit(make_model(), *data(), callbacks=[Watch()])
    assert "model" not in dir(ln.EarlyStopping())


def test_logs_cannot_be_changed_and_are_a_dict_otherwise():
    class Look(ln.Callback):
        def on_epoch_end(self, model, epoch, logs):
            self.seen = json.loads(json.dumps(logs)), copy.deepcopy(logs), logs | {"mine": 1.0}
            for change in (
                lambda: logs.update(mine=1.0),
                lambda: logs.pop("loss"),
                lambda: operator.setitem(logs, "mine", 1.0),
                lambda: logs.setdefault("mine", 1.0),
                lambda: operator.ior(logs, {"mine": 1.0}),
            ):
                with pytest.raises(TypeError, match="logs are read-only"):
                    change()

        def on_batch_end(self, model, batch, logs):
            with pytest.raises(TypeError, match="logs are read-only"):
                logs["mine"] = 1.0

    look = Look()
    history = fit(make_model(), *data(), epochs=1, callbacks=[look])
    assert look.seen[0] == look.seen[1] == {"loss": history.history["loss"][0]}
    assert type(look.seen[1]) is dict
    assert list(look.seen[2]) == ["loss", "mine"]
