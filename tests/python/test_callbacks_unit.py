"""Callbacks with a small stand-in for a model: what they do to it, and to files and streams."""

import csv
import io
import math
import os
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


@pytest.mark.parametrize(
    ("callback", "told"),
    [
        (EarlyStopping("val_loss"), "'val_loss' .* loss, mae; give validation_data or val"),
        (ReduceLROnPlateau("val_mae"), "'val_mae' .*give validation_data or validation_split"),
        (EarlyStopping("rmse"), r"'rmse' .* loss, mae; give metrics=\['rmse'\]"),
        (ModelCheckpoint("m", save_best_only=True), "'val_loss' .*give validation_data"),
        (ModelCheckpoint("m-{val_loss}"), "no value for 'val_loss'; .*give validation_data"),
        (ModelCheckpoint("m-{loss:d}"), "path 'm-{loss:d}': Unknown format code 'd'"),
    ],
)
def test_logs_that_will_be_missing_are_told_before_training(callback, told):
    with pytest.raises(ValueError, match=told):
        CallbackList([Callback(), callback]).check_logs(["loss", "mae"], 0)


def test_a_checkpoint_refuses_what_it_would_ignore():
    with pytest.raises(ValueError, match="need save_best_only=True"):
        ModelCheckpoint("m", monitor="val_mae")


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
    for name in ("m", "{epoch}/m", "m-{loss}", "a/b/c/m"):
        checkpoint = ModelCheckpoint(tmp_path / "file" / name)
        with pytest.raises(NotADirectoryError, match="file"):
            checkpoint.check_logs(["loss"], 0)
    with pytest.raises(OSError, match="file"):
        ModelCheckpoint(tmp_path / "file" / "m").on_train_begin(FakeModel())
    with pytest.raises(IsADirectoryError, match="is a folder: give the name of a file"):
        ModelCheckpoint(tmp_path).check_logs(["loss"], 0)
    ModelCheckpoint(tmp_path / "new" / "m-{loss}").check_logs(["loss"], 0)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # a check leaves nothing behind


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", "/some/temporary/name")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    for callback in (ModelCheckpoint(tmp_path / "m"), CSVLogger(tmp_path / "log.csv")):
        with pytest.raises(PermissionError, match=tmp_path.name):
            callback.check_logs(["loss"], 0)


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


def test_a_csv_that_does_not_fit_is_told_before_training_and_stays(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n0,1.0\n")
    told = "has the columns epoch, loss, but the logs are epoch, loss, val_loss"
    for append, first in ((True, 0), (True, 1), (False, 1)):
        with pytest.raises(ValueError, match=told):
            CSVLogger(path, append=append).check_logs(["loss", "val_loss"], first)
    CSVLogger(path).check_logs(["loss", "val_loss"], 0)  # begins anew
    CSVLogger(path, append=True).check_logs(["loss"], 1)
    assert path.read_text() == "epoch,loss\n0,1.0\n"


def test_a_csv_that_cannot_be_written_is_told_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere'$"):
        CSVLogger(tmp_path / "nowhere" / "log.csv").check_logs(["loss"], 0)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        CSVLogger(tmp_path).check_logs(["loss"], 0)
    with pytest.raises(OSError, match="nowhere"):
        CSVLogger(tmp_path / "nowhere" / "log.csv").on_train_begin(FakeModel())


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("0,1.0,3.0\n1,1.0,2.0\n2,1.0,9.0\n3,1.0,9.0\n", ["0", "1"]),
        ("0,1.0,3.0\n1,1.0,2.0", ["0", "1"]),
        ("0,1.0,3.0\n1,1.0,2.0\n2,1.", ["0", "1"]),  # killed while it wrote
        ("0,1.0,3.0\n1,1.0,2.0\n3,1.0,9.0\n0,1.0,3.0\n1,1.0,2.0\n", ["0", "1", "3", "0", "1"]),
        ("", []),
    ],
)
def test_a_resumed_csv_goes_on_and_has_each_epoch_once(tmp_path, before, kept, append):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n" + before)
    train(CSVLogger(path, append=append), losses(5, 4), first_epoch=2)
    assert read(path)[0] == ["epoch", "loss", "val_loss"]
    assert [row[0] for row in read(path)[1:]] == [*kept, "2", "3"]
    assert all(len(row) == 3 for row in read(path))


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_a_csv_may_be_no_plain_file(tmp_path):
    """A pipe, as /dev/stdout may be one."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    callback = CSVLogger(path)
    callback.check_logs(["loss"], 0)
    train(callback, losses(2))
    assert os.read(reader, 100) == b"epoch,loss,val_loss\n0,1.0,2.0\n"
    os.close(reader)


def test_a_resumed_csv_may_be_new(tmp_path):
    train(CSVLogger(tmp_path / "log.csv"), losses(5), first_epoch=2)
    assert read(tmp_path / "log.csv") == [["epoch", "loss", "val_loss"], ["2", "1.0", "5.0"]]


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
    with pytest.raises(
        TypeError, match=r"callbacks must be Callback objects, got <class .*Note\(\)$"
    ):
        CallbackList([Note])
    note = Note("d")
    with pytest.raises(ValueError, match="stands in the list twice"):
        CallbackList([note, Note("e"), note])


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("on_train_batch_end", "write on_batch_end"),
        ("on_batch_begin", "write on_epoch_begin, or a loop over train_on_batch"),
        ("on_test_end", "write on_epoch_end, which comes after the validation"),
        ("on_predict_end", "write code around predict"),
    ],
)
def test_a_hook_that_would_never_be_called_is_told(name, instead):
    mine = type("Mine", (Callback,), {name: lambda self, *_: None})
    with pytest.raises(TypeError, match=rf"Mine\.{name} would never be called; {instead}"):
        CallbackList([mine()])
    own = type("Own", (Callback,), {"on_improvement": lambda self, *_: None})
    assert CallbackList([own()]).callbacks


def test_a_list_in_a_list_is_one_list():
    stopping, checkpoint = EarlyStopping(), ModelCheckpoint("m", save_best_only=True)
    inner = CallbackList([stopping, checkpoint])
    for callbacks in (inner, [inner], [CallbackList(inner)]):
        assert CallbackList(callbacks).callbacks == [stopping, checkpoint]
        assert len(CallbackList(callbacks).states()) == 2


def test_what_saves_the_model_takes_its_turn_last():
    seen = []

    class Note(Callback):
        def __init__(self, name):
            self.name = name

        def on_epoch_end(self, model, epoch, logs):
            seen.append(self.name)

    class Model(FakeModel):
        def save(self, path):
            seen.append(path)

    callbacks = CallbackList([Note("a"), ModelCheckpoint("m1"), Note("b"), ModelCheckpoint("m2")])
    callbacks.on_epoch_end(Model(), 0, {"loss": 1.0})
    assert seen == ["a", "b", "m1", "m2"]


WATCHERS = [
    lambda: EarlyStopping(patience=3, restore_best_weights=True),
    lambda: ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1),
    lambda: ModelCheckpoint("m{epoch}", save_best_only=True),
]


@pytest.mark.parametrize("cut", range(1, 8))
@pytest.mark.parametrize("make", WATCHERS)
def test_a_state_carried_over_gives_the_decisions_of_one_training(make, cut):
    values = (5, 3, 4, 2, 2, 3, 1, 2, 3)
    whole, first, second = FakeModel(), FakeModel(), FakeModel()

    def go(model, callback, epochs):
        for epoch in epochs:
            callback.on_epoch_begin(model, epoch)
            model.weight = float(epoch)
            callback.on_epoch_end(model, epoch, {"val_loss": float(values[epoch])})

    callback = make()
    go(whole, callback, range(len(values)))
    expected = callback.state_dict()
    callback.on_train_end(whole)

    before, after = CallbackList([make()]), CallbackList([make()])
    go(first, before, range(cut))
    states = before.states()
    second.learning_rate, second.saved = first.learning_rate, first.saved
    after.on_train_begin(second)
    after.load_states(states)
    go(second, after, range(cut, len(values)))
    found = after.callbacks[0].state_dict()
    after.on_train_end(second)
    assert found == expected
    for name in ("learning_rate", "saved", "stop_training", "weight"):
        assert getattr(second, name) == getattr(whole, name)


def test_each_state_finds_its_own_callback():
    def make():
        return [
            EarlyStopping("loss"),
            EarlyStopping(),
            ModelCheckpoint("a", save_best_only=True),
            ModelCheckpoint("b"),
            ModelCheckpoint("c", save_best_only=True),
        ]

    first = CallbackList(make())
    names = list(first.states())
    assert names == [
        "EarlyStopping(loss)",
        "EarlyStopping(val_loss)",
        "ModelCheckpoint(val_loss)",
        "ModelCheckpoint(val_loss)#1",
    ]
    train(first.callbacks[1], losses(3, 2))
    train(first.callbacks[4], losses(1))
    second = CallbackList([*reversed(make()[:2]), *make()[2:]])  # others change their places freely
    second.load_states(first.states())
    bests = [getattr(callback, "best", None) for callback in second.callbacks]
    assert bests == [2.0, math.inf, math.inf, None, 1.0]


@pytest.mark.parametrize("make", WATCHERS)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(make):
    callback = make()
    before = callback.state_dict()
    for wrong in (
        {},
        {**before, "more": 1},
        {**before, "mode": "max"},
        {**before, "best": "low"},
        *({**before, key: "x"} for key in ("waited", "resting", "best_epoch") if key in before),
    ):
        name = next(iter(CallbackList([callback]).states()))
        with pytest.raises(ValueError, match=r"callbacks: what the model holds of .* does not fit"):
            CallbackList([callback]).load_states({name: wrong})
        assert callback.state_dict() == before


def test_best_weights_that_were_not_kept_are_told():
    first, second = EarlyStopping(), EarlyStopping(restore_best_weights=True)
    train(first, losses(1))
    with pytest.raises(ValueError, match="it holds no best weights"):
        second.load_state_dict(first.state_dict())


def test_a_resumed_training_that_never_began_puts_no_weights_back():
    first, second = (EarlyStopping(restore_best_weights=True) for _ in range(2))
    model = FakeModel()
    first.on_epoch_end(model, 0, {"val_loss": 1.0})
    model.weight = 7.0
    second.on_train_begin(model)
    second.load_state_dict(first.state_dict())
    second.on_train_end(model)
    assert model.weight == 7.0


@pytest.mark.parametrize("state", [[], {1: 2}, {"a": object()}, {"a": {"b": 1}}, {"a": [b""]}])
def test_a_state_that_no_file_could_hold_is_told(state):
    class Mine(Callback):
        def state_dict(self):
            return state

    with pytest.raises(TypeError, match=r"Mine.state_dict\(\)"):
        CallbackList([Mine()]).states()


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
    show(Broken(error, terminal=terminal, good=good))


def test_streams_that_are_none_do_not_end_a_training():
    bare = Bare()
    show(bare)
    assert bare.text.count("\n") == 2
    for file in (object(), closed()):
        show(file)


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
    show(Terminal())


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
