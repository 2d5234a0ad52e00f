"""Training that is interrupted, or breaks: what is left is usable, and says what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import product as p
import pytest
from fit_helpers import STEPS, Raise, Recorder, data, fit, make_model

import lstm_native as ln


class TestInterruption:
    @pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (0, 2), (2, 1)])
    def test_leaves_the_weights_of_the_last_batch_and_the_history(self, epoch, batch):
        x, y = data()
        model, recorder = make_model(), Recorder()
        stop = Raise(KeyboardInterrupt(), epoch=epoch, batch=batch)
        with pytest.raises(KeyboardInterrupt):
            fit(model, x, y, callbacks=[recorder, stop])
        assert model.history.interrupted is True
        assert model.history.epoch == list(range(epoch))
        assert recorder.names()[-1] == "train_end"
        p.assert_same_weights(model.state_dict(), stop.weights)
        assert np.isfinite(model.predict(x)).all()
        assert fit(model, x, y).interrupted is False

    def test_training_goes_on_from_a_saved_interruption(self, tmp_path):
        """Interrupted after two whole epochs, saved, loaded, finished: the uninterrupted run."""
        x, y = data()
        whole, broken = make_model(), make_model()
        fit(whole, x, y, epochs=4)

        class StopAtEnd(ln.Callback):
            def on_epoch_end(self, model, epoch, logs):
                if epoch == 1:
                    raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(broken, x, y, epochs=4, callbacks=[StopAtEnd()])
        path = tmp_path / "stopped.safetensors"
        broken.save(path)
        resumed = ln.load_model(path)
        fit(resumed, x, y, epochs=4, initial_epoch=2)
        p.assert_same_weights(resumed.state_dict(), whole.state_dict())

    @pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
    @pytest.mark.parametrize("verbose", [False, True])
    def test_a_real_ctrl_c_stops_within_a_batch(self, verbose):
        script = textwrap.dedent(
            f"""
            import numpy as np, lstm_native as ln
            rng = np.random.default_rng(0)
            x = rng.standard_normal((256, 20, 8)).astype("float32")
            y = x.mean(axis=(1, 2))[:, None]
            model = ln.Sequential([ln.LSTM(32, return_sequences=False), ln.Dense(1)], seed=0)

            class Tell(ln.Callback):
                batches = 0
                def on_batch_end(self, model, batch, logs):
                    Tell.batches += 1
                    if Tell.batches == 20:
                        print("running", flush=True)

            try:
                model.fit(x, y, epochs=10**6, batch_size=32, callbacks=[Tell()],
                          verbose={verbose})
            except KeyboardInterrupt:
                assert model.history.interrupted is True
                assert len(model.history.epoch) >= 2
                assert np.isfinite(model.predict(x)).all()
                print("usable", flush=True)
            """
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **p.fresh_process(),
        )
        try:
            assert process.stdout.readline().strip() == "running"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        assert process.returncode == 0, err
        assert out.strip() == "usable", err


class TestAnywhere:
    """Whatever breaks, wherever: the model can be used, saved and trained on."""

    HOOKS = ("on_train_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_train_end")

    def check(self, model, error, where, tmp_path, **options):
        x, y = data(samples=16)
        options = {"batch_size": 8, "shuffle": False, "verbose": False, "seed": 1, **options}
        with pytest.raises(type(error)):
            model.fit(x, y, epochs=2, validation_data=(x, y), **options)
        stopped = isinstance(error, KeyboardInterrupt) and where != "on_train_end"
        assert model.history.interrupted is stopped
        assert model._in_training is None
        model.reset_states()
        again = model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=False)
        assert again.epoch == [0, 1]
        assert not again.interrupted
        model.save(tmp_path / "m")
        p.assert_same_weights(ln.load_model(tmp_path / "m").state_dict(), model.state_dict())

    @pytest.mark.parametrize("stateful", [False, True])
    @pytest.mark.parametrize("where", HOOKS)
    @pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("any")])
    def test_a_hook_that_raises(self, where, error, stateful, tmp_path):
        def fail(self, *_):
            raise error

        stop = type("Stop", (ln.Callback,), {where: fail})()
        recorder = Recorder()
        both = ln.callbacks.CallbackList([recorder, stop])
        self.check(make_model(stateful=stateful), error, where, tmp_path, callbacks=both)
        assert recorder.names()[-1] == "train_end"

    def test_a_metric_that_raises_in_the_validation(self):
        """The layers get back the states that training had."""
        x, y = data(samples=16)
        model, alone = make_model(stateful=True), make_model(stateful=True)
        calls = []

        def fourth(true, pred):
            calls.append(1)
            if len(calls) == 4:  # two batches to train on, two to validate
                raise RuntimeError("of the metric")
            return 0.0

        options = {"batch_size": 8, "shuffle": False, "epochs": 1}
        with pytest.raises(RuntimeError, match="of the metric"):
            fit(model, x, y, validation_data=(x, y), metrics=fourth, **options)
        fit(alone, x, y, **options)
        p.assert_same_bits(model.states[0][0], alone.states[0][0])
        p.assert_same_weights(model.state_dict(), alone.state_dict())
        assert model.history.epoch == []


class TestNotFinite:
    def explode(self, dtype: str = "float32", **options) -> tuple[ln.Sequential, str, list]:
        """Learn much too fast; returns the model, the message, and weights after each batch."""
        x, y = data()
        x, y = x.astype(dtype), y.astype(dtype)
        model = ln.Sequential(
            [ln.LSTM(6), ln.Dense(4), ln.Dense(4), ln.Dense(1)], dtype=dtype, seed=1
        )
        weights = [model.predict(x) * 0]
        weights.clear()

        class Keep(ln.Callback):
            def on_train_begin(self, model):
                weights.append(model.state_dict())

            def on_batch_end(self, model, batch, logs):
                weights.append(model.state_dict())

        y = np.repeat(y[:, None], STEPS, axis=1)
        with pytest.raises(FloatingPointError) as raised:
            fit(
                model,
                x,
                y,
                epochs=50,
                loss="mse",
                optimizer=ln.SGD(1e9),
                callbacks=[Keep()],
                **options,
            )
        return model, str(raised.value), weights

    def test_names_epoch_and_batch_and_keeps_the_last_good_weights(self, isa, dtype, threads):
        model, message, weights = self.explode(dtype.name)
        batches_done = len(weights) - 1
        epoch, batch = divmod(batches_done, 3)  # 20 samples in batches of 8
        assert "epoch" in message
        assert "batch" in message
        numbers = set("".join(c if c.isdigit() else " " for c in message).split())
        assert {str(epoch), str(batch)} <= numbers or {str(epoch + 1), str(batch + 1)} <= numbers
        x, y = data()
        x, y = x.astype(dtype), np.repeat(y.astype(dtype)[:, None], STEPS, axis=1)
        for name, value in model.state_dict().items():
            assert np.isfinite(value).all(), name
        assert np.isfinite(model.evaluate(x, y, loss="mse")["loss"])
        # The update that led to the broken loss is undone: one batch back.
        p.assert_same_weights(model.state_dict(), weights[-2 if len(weights) > 1 else -1])

    def test_the_model_can_go_on_with_a_smaller_rate(self):
        model, _, _ = self.explode()
        x, y = data()
        y = np.repeat(y[:, None], STEPS, axis=1)
        model.learning_rate = 1e-3
        start = model.evaluate(x.astype("f4"), y.astype("f4"))["loss"]
        assert np.isfinite(start)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("where", ["x", "y"])
    def test_bad_values_in_the_data_are_named_before_anything_is_learned(self, value, where):
        x, y = data()
        model = make_model()
        model.predict(x)
        before = model.state_dict()
        array = x if where == "x" else y
        index = (13, 2, 1) if where == "x" else (13, 0)
        array[index] = value
        told = rf"^{where} must be finite.* {value} at \[{', '.join(map(str, index))}\]"
        with pytest.raises(ValueError, match=told):
            fit(model, x, y)
        p.assert_same_weights(model.state_dict(), before)
