"""The progress bar: what it shows where, and that no stream ends a training by it."""

from __future__ import annotations

import io
import sys

import pytest
from callback_helpers import FakeModel, losses, train

from lstm_native.callbacks import ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(file, *, epochs=2, stop_in_second=False) -> int:
    """Show a training; return how many epochs came to their end."""
    ended = 0
    bar, model = ProgressBar(epochs=epochs, samples=100, batch_size=32, file=file), FakeModel()
    bar.on_train_begin(model)
    for epoch in range(epochs):
        bar.on_epoch_begin(model, epoch)
        for batch in range(4):
            bar.on_batch_end(model, batch, {"loss": 0.5})
            if stop_in_second and epoch == 1:
                break
        else:
            bar.on_epoch_end(model, epoch, {"loss": 0.25, "val_mae": 123.456})
            ended += 1
    bar.on_train_end(model)
    return ended


def test_without_a_terminal_there_is_one_line_per_epoch():
    file = io.StringIO()
    show(file)
    lines = file.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Epoch 1/2: ")
    assert lines[1].endswith(" samples/s, loss=0.25, val_mae=123.5")
    assert "\r" not in file.getvalue()


@pytest.mark.parametrize("stop", [False, True])
def test_in_a_terminal_there_is_one_bar_per_epoch_and_each_ends_its_line(stop):
    file = Terminal()
    show(file, stop_in_second=stop)
    lines = file.getvalue().split("\n")
    assert [line.count("Epoch 1/2") > 0 for line in lines] == [True, False, False]
    assert "Epoch 2/2" in lines[1]
    assert lines[2] == ""
    last = lines[0].split("\r")[-1]
    assert "100%" in last
    assert "samples/s, loss=0.25, val_mae=123.5" in last


def test_the_bar_is_drawn_ten_times_a_second_at_most(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("lstm_native.progress.time.perf_counter", lambda: clock[0])
    drawn = []
    bar, model = ProgressBar(epochs=1, samples=1000, batch_size=1, file=Terminal()), FakeModel()
    monkeypatch.setattr(bar, "_draw", drawn.append)
    bar.on_train_begin(model)
    bar.on_epoch_begin(model, 0)
    for batch in range(1000):
        clock[0] += 0.001
        bar.on_batch_end(model, batch, {"loss": 1.0})
    bar.on_train_end(model)
    assert 8 <= len(drawn) <= 10


def test_samples_per_second_count_training_only(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("lstm_native.progress.time.perf_counter", lambda: clock[0])
    file = io.StringIO()
    bar, model = ProgressBar(epochs=1, samples=100, batch_size=64, file=file), FakeModel()
    bar.on_train_begin(model)
    bar.on_epoch_begin(model, 0)
    for batch in range(2):
        clock[0] += 0.5
        bar.on_batch_end(model, batch, {"loss": 1.0})
    clock[0] += 100.0  # validation
    bar.on_epoch_end(model, 0, {"loss": 1.0})
    assert file.getvalue() == "Epoch 1/1: 100 samples/s, loss=1\n"


def test_progress_goes_to_the_stderr_of_the_moment(capsys, monkeypatch):
    show(None, epochs=1)
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.startswith("Epoch 1/1: ")
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    show(None, epochs=1)


class Broken(io.StringIO):
    """A stream that fails from its n-th write on."""

    def __init__(self, error, *, terminal, good):
        super().__init__()
        self.error, self.terminal, self.good = error, terminal, good

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.good -= 1
        if self.good < 0:
            raise self.error
        return super().write(text)


class Bare:
    """What people put in the place of stderr: something with `write`, and no more."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


def closed():
    file = io.StringIO()
    file.close()
    return file


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("good", [0, 1, 2, 5])
@pytest.mark.parametrize(
    "error", [BrokenPipeError(32, "Broken pipe"), ValueError("closed"), RuntimeError("any")]
)
def test_a_stream_that_breaks_does_not_end_a_training(error, good, terminal):
    assert show(Broken(error, terminal=terminal, good=good)) == 2


def test_streams_that_are_none_do_not_end_a_training():
    bare = Bare()
    show(bare)
    assert bare.text.count("\n") == 2
    for file in (object(), closed()):
        assert show(file) == 2


def test_without_tqdm_a_terminal_gets_lines(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    file = Terminal()
    show(file)
    assert [line[:10] for line in file.getvalue().splitlines()] == ["Epoch 1/2:", "Epoch 2/2:"]


def test_a_bar_that_cannot_be_made_shows_nothing(monkeypatch):
    class Failing:
        def __init__(self, **_):
            raise RuntimeError("no bar")

    monkeypatch.setattr("tqdm.tqdm", Failing)
    file = Terminal()
    assert show(file) == 2
    assert file.getvalue() == ""


def test_an_interruption_while_the_bar_is_drawn_comes_out():
    with pytest.raises(KeyboardInterrupt):
        show(Broken(KeyboardInterrupt(), terminal=True, good=0))


def test_lines_can_be_had_in_a_terminal_too():
    file = Terminal()
    bar = ProgressBar(epochs=1, samples=10, batch_size=10, lines=True, file=file)
    train(bar, losses(1))
    assert file.getvalue().startswith("Epoch 1/1: ")
    assert "\r" not in file.getvalue()


def test_batches_of_unknown_number_are_counted():
    file = Terminal()
    bar = ProgressBar(epochs=1, samples=None, batch_size=1, unit="batches", file=file)
    train(bar, losses(1))
    assert "Epoch 1/1 1 batches" in file.getvalue().split("\r")[-1]
