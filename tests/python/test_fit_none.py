"""None means the default wherever people write it, and verbose is what Keras has."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap

import numpy as np
import product as p
import pytest
from fit_helpers import data, fit, make_model

import lstm_native as ln

NONES = (
    "batch_size",
    "loss",
    "optimizer",
    "metrics",
    "validation_data",
    "validation_split",
    "shuffle",
    "class_weight",
    "sample_weight",
    "mask",
    "callbacks",
    "lengths",
    "validation_lengths",
    "tbptt",
    "steps_per_epoch",
    "validation_steps",
)


def test_none_is_the_default_everywhere():
    x, y = data(samples=300)
    plain, nones = make_model(), make_model()
    expected = plain.fit(x, y, seed=3, verbose=False)
    found = nones.fit(x, y, seed=3, verbose=False, **dict.fromkeys(NONES))
    assert found.history == expected.history
    p.assert_same_weights(nones.state_dict(), plain.state_dict())
    names = ("batch_size", "loss", "metrics", "sample_weight", "lengths", "mask", "steps")
    assert nones.evaluate(x, y, **dict.fromkeys(names)) == plain.evaluate(x, y)
    names = ("batch_size", "lengths", "mask", "steps")
    p.assert_same_bits(nones.predict(x, **dict.fromkeys(names)), plain.predict(x))
    names = ("sample_weight", "lengths", "mask", "loss", "metrics")
    assert nones.test_on_batch(x, y, **dict.fromkeys(names)) == plain.test_on_batch(x, y)
    names = (*names, "class_weight", "optimizer")
    expected = plain.train_on_batch(x, y, seed=1)
    assert nones.train_on_batch(x, y, seed=1, **dict.fromkeys(names)) == expected


def test_a_single_callback_and_a_single_metric_need_no_list():
    x, y = data()
    history = fit(make_model(), x, y, metrics="mae", callbacks=ln.EarlyStopping("mae"))
    assert "mae" in history.history
    assert "mae" in make_model().evaluate(x, y, metrics="mae")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    ("verbose", "shown"),
    [
        (False, "nothing"),
        (0, "nothing"),
        (np.int64(0), "nothing"),
        (True, "bar"),
        (np.bool_(True), "bar"),
        (1, "bar"),
        ("auto", "bar"),
        (None, "bar"),
        (2, "lines"),
    ],
)
def test_what_is_shown(monkeypatch, verbose, shown, terminal):
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    fit(make_model(), *data(), verbose=verbose)
    text = stream.getvalue()
    assert (text == "") == (shown == "nothing")
    assert ("\r" in text) == (shown == "bar" and terminal)
    if shown == "lines":
        assert len(text.splitlines()) == 3


@pytest.mark.parametrize(
    ("verbose", "error"),
    [(3, ValueError), (-1, ValueError), ("yes", ValueError), (1.0, TypeError), ([], TypeError)],
)
def test_another_verbose_is_told_the_choices(verbose, error):
    with pytest.raises(error, match=r"verbose must be 0 or False .*'auto'.*2 \(one line per epoch"):
        fit(make_model(), *data(), verbose=verbose)


class NoIsatty:
    def write(self, text):
        return len(text)


class Raising:
    def isatty(self):
        return True

    def write(self, text):
        raise RuntimeError("no")

    def flush(self):
        raise RuntimeError("no")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [lambda: None, NoIsatty, Raising, closed, object])
def test_no_stderr_ends_a_training(monkeypatch, make):
    """Keras 8395."""
    x, y = data()
    quiet, shown = make_model(), make_model()
    fit(quiet, x, y)
    monkeypatch.setattr(sys, "stderr", make())
    history = fit(shown, x, y, verbose=True)
    monkeypatch.undo()
    assert history.epoch == [0, 1, 2]
    p.assert_same_weights(shown.state_dict(), quiet.state_dict())


def test_an_error_of_a_callback_still_comes_out(monkeypatch):
    class Broken(ln.Callback):
        def on_batch_end(self, model, batch, logs):
            raise OSError("of the callback")

    monkeypatch.setattr(sys, "stderr", Raising())
    with pytest.raises(OSError, match="of the callback"):
        fit(make_model(), *data(), verbose=True, callbacks=Broken())


@pytest.mark.skipif(os.name == "nt", reason="POSIX file descriptors")
@pytest.mark.parametrize("how", ["os.dup2(w, 2)", "os.close(2)"])
def test_a_broken_pipe_is_no_end(how):
    script = textwrap.dedent(
        f"""
        import os
        import numpy as np, lstm_native as ln
        r, w = os.pipe()
        os.close(r)
        {how}
        model = ln.Sequential([ln.LSTM(3, return_sequences=False), ln.Dense(1)])
        x = np.ones((64, 5, 2))
        model.fit(x, x[:, 0, :1], epochs=3)
        print(model.history.epoch)
        """
    )
    found = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60, **p.fresh_process()
    )
    assert (found.returncode, found.stdout) == (0, "[0, 1, 2]\n")


def test_a_dense_layer_without_an_activation_is_linear_as_in_keras():
    x = np.ones((2, 3), dtype="float32")
    none, linear = ln.Dense(2, activation=None, seed=0), ln.Dense(2, seed=0)
    assert none.activation == "linear"
    assert np.array_equal(none(x)[0], linear(x)[0])


def test_none_is_the_default_of_epochs_and_of_probabilities():
    x, y = data()
    by_default, by_none = make_model(), make_model()
    by_default.fit(x, y, seed=3, verbose=False)
    history = by_none.fit(x, y, epochs=None, initial_epoch=None, seed=3, verbose=False)
    assert history.epoch == [0]
    p.assert_same_weights(by_none.state_dict(), by_default.state_dict())
    p.assert_same_bits(by_none.predict(x, probabilities=None), by_default.predict(x))
