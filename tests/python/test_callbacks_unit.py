"""Callbacks with a small stand-in for a model: what they decide, and what they remember."""

from __future__ import annotations

import math

import pytest
from callback_helpers import FakeModel, losses, train

from lstm_native.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgressBar,
    ReduceLROnPlateau,
)
from lstm_native.optimizers import cosine_decay


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
