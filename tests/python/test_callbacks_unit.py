"""Callbacks with a small stand-in for a model: what they do to it, and to files and streams."""

import csv
import io
import math
import sys

import numpy as np
import pytest

from lstm_native.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgressBar,
    ReduceLROnPlateau,
)
from lstm_native.optimizers import cosine_decay


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


@pytest.mark.parametrize(
    ("patience", "values", "stopped"),
    [
        (0, (3, 2, 2, 1), 2),
        (1, (3, 2, 2, 1), 2),
        (2, (3, 2, 2, 1, 5, 5, 0), 5),
        (2, (3, 2, 1), None),
        (1, (3, math.nan, 2), 1),
    ],
)
def test_early_stopping_waits_for_its_patience(patience, values, stopped):
    callback = EarlyStopping(patience=patience)
    model = train(callback, losses(*values))
    assert callback.stopped_epoch == stopped
    assert model.stop_training == (stopped is not None)


def test_early_stopping_needs_more_than_min_delta():
    callback = EarlyStopping(patience=2, min_delta=0.5)
    train(callback, losses(3.0, 2.5, 2.0, 1.0))
    assert (callback.best, callback.best_epoch, callback.stopped_epoch) == (1.0, 3, None)
    callback = EarlyStopping(patience=2, min_delta=0.5)
    train(callback, losses(3.0, 2.5, 2.5, 1.0))
    assert (callback.best, callback.best_epoch, callback.stopped_epoch) == (3.0, 0, 2)


@pytest.mark.parametrize(
    ("monitor", "mode", "best"),
    [
        ("val_accuracy", "auto", 0.9),
        ("rmse", "auto", 0.1),
        ("mine", "max", 0.9),
        ("mine", "min", 0.1),
    ],
)
def test_smaller_or_larger_is_better(monitor, mode, best):
    callback = EarlyStopping(monitor, mode=mode, patience=9)
    train(callback, [{monitor: value} for value in (0.5, 0.9, 0.1, 0.3)])
    assert callback.best == best


def test_a_direction_that_nobody_can_know_must_be_given():
    for make in (EarlyStopping, ReduceLROnPlateau):
        with pytest.raises(ValueError, match="say mode='min' or mode='max'"):
            make("val_mine")
    with pytest.raises(ValueError, match="mode must be one of 'auto', 'min', 'max', got 'up'"):
        EarlyStopping(mode="up")


@pytest.mark.parametrize("patience", [1, 100])
def test_the_best_weights_come_back_however_training_ends(patience):
    callback = EarlyStopping(patience=patience, restore_best_weights=True)
    assert train(callback, losses(3, 1, 2)).weight == 2.0
    # A second run starts afresh: its best may be worse than the best of the first.
    assert train(callback, losses(9, 8)).weight == 2.0
    assert callback.best == 8


def test_without_being_asked_the_weights_stay():
    assert train(EarlyStopping(patience=1), losses(1, 2)).weight == 2.0


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping("val_mae"),
        ReduceLROnPlateau("val_mae"),
        ModelCheckpoint("m", monitor="val_mae", save_best_only=True),
    ],
)
def test_a_missing_monitor_names_what_there_is(callback):
    with pytest.raises(
        ValueError, match=r"monitor 'val_mae' is not among the logs: loss, val_loss"
    ):
        train(callback, losses(1))


def test_checkpoint_of_every_epoch_counts_finished_epochs(tmp_path):
    path = tmp_path / "runs" / "m-{epoch:03d}-{val_loss:.2f}.safetensors"
    model = train(ModelCheckpoint(path), losses(1, 0.25), first_epoch=3)
    assert model.saved == [
        str(tmp_path / "runs" / "m-004-1.00.safetensors"),
        str(tmp_path / "runs" / "m-005-0.25.safetensors"),
    ]
    assert (tmp_path / "runs").is_dir()


def test_checkpoint_of_the_best_only():
    model = train(ModelCheckpoint("m{epoch}", save_best_only=True), losses(3, 4, 2, 2, 1))
    assert model.saved == ["m1", "m3", "m5"]


def test_a_bad_checkpoint_path_is_told():
    with pytest.raises(ValueError, match=r"path 'm-{epoch': "):
        ModelCheckpoint("m-{epoch")
    with pytest.raises(ValueError, match="no value for 'mae'; there are loss, val_loss, epoch"):
        train(ModelCheckpoint("m-{mae}"), losses(1))
    with pytest.raises(ValueError, match="no value for"):
        train(ModelCheckpoint("m-{}"), losses(1))


def test_a_folder_that_cannot_be_made_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        ModelCheckpoint(tmp_path / "file" / "m").on_train_begin(FakeModel())


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_csv_is_complete_after_every_epoch(tmp_path):
    path = tmp_path / "log.csv"
    callback, model = CSVLogger(path), FakeModel()
    callback.on_train_begin(model)
    callback.on_epoch_end(model, 0, {"loss": 0.1, "val_loss": np.float32(0.5)})
    assert path.read_bytes() == b"epoch,loss,val_loss\n0,0.1,0.5\n"
    # Interrupted here, without on_train_end: the next run appends.
    train(CSVLogger(path, append=True), losses(1 / 3), first_epoch=1)
    assert read(path)[1:] == [["0", "0.1", "0.5"], ["1", "1.0", repr(1 / 3)]]
    train(CSVLogger(path), losses(2))
    assert read(path) == [["epoch", "loss", "val_loss"], ["0", "1.0", "2.0"]]


def test_csv_appended_to_keeps_its_columns(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,val_loss,loss\n")
    train(CSVLogger(path, append=True), losses(2))
    assert read(path)[1] == ["0", "2.0", "1.0"]
    with pytest.raises(ValueError, match="has the columns epoch, val_loss, loss, but the logs are"):
        train(CSVLogger(path, append=True), [{"loss": 1.0}])


def test_a_csv_that_cannot_be_written_is_told_before_training(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        CSVLogger(tmp_path / "nowhere" / "log.csv").on_train_begin(FakeModel())


def test_the_scheduler_sets_the_rate_of_each_epoch():
    seen = []

    class Look(Callback):
        def on_batch_end(self, model, batch, logs):
            seen.append(model.learning_rate)

    train(CallbackList([LearningRateScheduler(lambda epoch, lr: lr / 2), Look()]), losses(1, 1))
    assert seen == [0.05, 0.025]
    schedule = cosine_decay(1.0, epochs=2)
    assert train(LearningRateScheduler(schedule), losses(1, 1)).learning_rate == schedule(1, 1.0)


@pytest.mark.parametrize(("rate", "error"), [(0.0, ValueError), (None, TypeError)])
def test_a_rate_that_is_none_is_refused_and_the_old_one_stays(rate, error):
    model = FakeModel()
    with pytest.raises(error, match="the learning rate for epoch 0 must be"):
        train(LearningRateScheduler(lambda epoch, lr: rate), losses(1), model=model)
    assert model.learning_rate == 0.1
    with pytest.raises(TypeError, match="schedule must be a function"):
        LearningRateScheduler(0.1)


def rates(callback, values, start=1.0):
    model, found = FakeModel(), []
    model.learning_rate = start
    callback.on_train_begin(model)
    for epoch, logs in enumerate(losses(*values)):
        callback.on_epoch_end(model, epoch, logs)
        found.append(model.learning_rate)
    return found


def test_the_rate_falls_on_a_plateau():
    callback = ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.2)
    assert rates(callback, (3, 2, 2, 2, 2, 2, 2, 2)) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2]
    assert rates(callback, (3, 2)) == [1, 1]


def test_epochs_of_cooldown_do_not_count():
    callback = ReduceLROnPlateau(factor=0.5, patience=1, cooldown=2)
    assert rates(callback, (1, 1, 1, 1, 1, 1)) == [1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_a_rate_below_the_minimum_is_not_raised():
    assert rates(ReduceLROnPlateau(patience=1, min_lr=0.5), (1, 1, 1), start=0.2) == [0.2] * 3


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: EarlyStopping(patience=-1), "patience must be at least 0, got -1"),
        (lambda: EarlyStopping(min_delta=-0.1), "min_delta must be"),
        (lambda: ReduceLROnPlateau(factor=1.0), "factor must be finite and > 0 and < 1, got 1.0"),
        (lambda: ReduceLROnPlateau(patience=0), "patience must be at least 1"),
        (lambda: ReduceLROnPlateau(min_lr=0), "min_lr must be"),
        (lambda: ProgressBar(epochs=0, samples=1, batch_size=1), "epochs must be at least 1"),
    ],
)
def test_settings_are_checked(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_a_list_calls_all_in_order_and_ends_all_even_if_one_fails():
    calls = []

    class Note(Callback):
        def __init__(self, name):
            self.name = name

        def on_epoch_end(self, model, epoch, logs):
            calls.append((self.name, epoch))

        def on_train_end(self, model):
            calls.append(self.name)
            if self.name == "a":
                raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        train(CallbackList([Note("a"), Note("b")]), losses(1))
    assert calls == [("a", 0), ("b", 0), "a", "b"]
    assert len(CallbackList(Note("c")).callbacks) == 1
    with pytest.raises(TypeError, match="callbacks must be Callback objects, got <class"):
        CallbackList([Note])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(file, *, epochs=2, stop_in_second=False):
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
    bar.on_train_end(model)


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
