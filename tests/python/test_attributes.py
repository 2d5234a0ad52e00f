"""One rule: what is assigned has effect, or is refused with a message that says how it is done."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import pickle
import re
from unittest import mock

import family
import numpy as np
import pytest

import lstm_native as ln
from lstm_native import losses, optimizers
from lstm_native._base import attributes, hints_attributes
from lstm_native.metrics import MetricSet
from lstm_native.progress import ProgressBar

LAYERS = {
    **{kind: functools.partial(getattr(ln, kind), 4) for kind in family.KINDS},
    "Dense": lambda: ln.Dense(4),
    "Embedding": lambda: ln.Embedding(4, 3),
    "Dropout": lambda: ln.Dropout(0.5),
    "LayerNorm": lambda: ln.LayerNorm(),
    "Activation": lambda: ln.Activation("tanh"),
    "ActivityRegularization": lambda: ln.ActivityRegularization(),
    "Highway": lambda: ln.Highway([ln.LSTM(4, return_sequences=False)], window=2),
    "Residual": lambda: ln.Residual([ln.LSTM(4)]),
    "ConvLSTM": lambda: ln.ConvLSTM(2, 3, input_shape=(4, 4, 1)),
}
OTHERS = {
    "Sequential": lambda: ln.Sequential([ln.LSTM(4)]),
    "EarlyStopping": lambda: ln.EarlyStopping(),
    "ModelCheckpoint": lambda: ln.ModelCheckpoint("m"),
    "CSVLogger": lambda: ln.CSVLogger("m"),
    "LearningRateScheduler": lambda: ln.LearningRateScheduler(lambda epoch, rate: rate),
    "ReduceLROnPlateau": lambda: ln.ReduceLROnPlateau(),
    "ProgressBar": lambda: ProgressBar(epochs=1, samples=1, batch_size=1),
    "MinMaxScaler": lambda: ln.MinMaxScaler(),
    "MetricSet": lambda: MetricSet(["mse"], loss=losses.parse("mse")),
}
MADE = LAYERS | OTHERS


@pytest.mark.parametrize("name", MADE)
def test_no_option_of_a_constructor_can_be_assigned_afterwards(name):
    """Nor deleted. `dense.stateful = True` was shown by repr and did nothing."""
    made = MADE[name]()
    before = repr(made)
    for option in inspect.signature(type(made)).parameters:
        if option == "name":  # which models that are made later take up
            continue
        kept = getattr(made, option, None)
        with pytest.raises(AttributeError, match=rf"{name}\.{option} cannot be changed after"):
            setattr(made, option, "x")
        with pytest.raises(AttributeError, match="cannot be deleted"):
            delattr(made, option)
        assert getattr(made, option, None) is kept
    assert repr(made) == before


@pytest.mark.parametrize("name", MADE)
def test_unknown_names_are_refused(name):
    with pytest.raises(AttributeError, match="has no attribute 'no_such_thing'"):
        MADE[name]().no_such_thing = 1


def test_the_message_says_how_it_is_done():
    with pytest.raises(
        AttributeError,
        match=re.escape("make a new one, LSTM(..., return_sequences=False)"),
    ):
        ln.LSTM(4).return_sequences = False
    with pytest.raises(AttributeError, match=re.escape("model.stream(..., batch_size=3)")):
        ln.Sequential([ln.LSTM(4, input_size=1)]).stream().batch_size = 3
    with pytest.raises(AttributeError, match=r"write layer\.trainable = False"):
        ln.Dense(1).requires_grad = False
    with pytest.raises(AttributeError, match="did you mean 'optimizer'"):
        ln.Sequential([ln.LSTM(4)]).optimzer = "sgd"
    with pytest.raises(AttributeError, match=r"write fit\(\.\.\., batch_size"):
        ln.Sequential([ln.LSTM(4)]).batch_size = 3
    with pytest.raises(AttributeError, match="write fit"):
        ln.StandardScaler().scale = np.ones(1)


def test_results_and_class_attributes_are_not_assigned():
    layer = ln.LSTM(4, input_size=1)
    for name, value in (("built", True), ("type_name", "gru"), ("has_weights", False)):
        with pytest.raises(AttributeError, match=f"LSTM.{name} cannot be assigned"):
            setattr(layer, name, value)
    with pytest.raises(AttributeError, match=r"Dense\.stateful cannot be assigned"):
        ln.Dense(1).stateful = True
    with pytest.raises(AttributeError, match="cannot be assigned"):
        ln.EarlyStopping().best = 1.0
    _, _, tape = layer.forward(np.zeros((1, 2, 1), dtype="float32"))
    with pytest.raises(AttributeError):
        tape.layer = layer
    with pytest.raises(AttributeError):
        ln.Highway([ln.Dense(1)], window=1).layers.append(ln.Dense(1))


def test_what_has_effect_may_be_assigned():
    layer = ln.LSTM(4, input_size=1, stateful=True)
    layer.state = (np.ones((1, 2, 4)), np.ones((1, 2, 4)))
    assert layer.state[0].shape == (1, 2, 4)
    layer._note = 1
    history = ln.History()
    history.interrupted = True
    assert history == ln.History(interrupted=True)
    with pytest.raises(AttributeError):
        history.losses = []


def test_a_method_may_be_replaced_by_a_function_and_put_back():
    """Tests do so; anything else in its place is a mistake."""
    model = ln.Sequential([ln.LSTM(4)])
    model.predict = lambda x: "mine"
    assert model.predict(0) == "mine"
    del model.predict
    assert model.predict(np.zeros((1, 2, 3), dtype="float32")).shape == (1, 2, 4)
    with pytest.raises(AttributeError, match="cannot be assigned"):
        model.predict = np.zeros(3)


class Tagger(ln.LSTM):
    note = "of the class"

    def __init__(self, size: int) -> None:
        self.before = 1
        super().__init__(size, return_sequences=False)
        self.tag = 1
        self.tag = 2
        self.weight = 3
        self.name = "tagger"


def test_subclasses_have_attributes_of_their_own():
    layer = Tagger(4)
    layer.extra, layer.tag, layer.note = 5, 6, 7
    assert (layer.before, layer.extra, layer.tag, layer.note, layer.weight) == (1, 5, 6, 7, 3)
    del layer.extra
    assert not hasattr(layer, "extra")
    with pytest.raises(AttributeError, match="cannot be changed after construction"):
        layer.hidden_size = 5
    with pytest.raises(AttributeError, match="freezing"):
        layer.requires_grad = False

    class Freezable(ln.LSTM):
        trainable = True  # says itself what it means

    mine = Freezable(4)
    mine.trainable = False
    assert not mine.trainable

    class Patient(ln.EarlyStopping):
        pass

    patient = Patient("loss")
    patient.seen = 1
    with pytest.raises(AttributeError):
        patient.monitor = "val_loss"


SETTINGS = [optimizers.Optimizer(), ln.SGD(), ln.Adam(), ln.AdamW(), ln.RMSprop()]


@pytest.mark.parametrize("optimizer", SETTINGS)
def test_optimizers_say_how_a_setting_is_changed(optimizer):
    """A bare FrozenInstanceError before."""
    for field in dataclasses.fields(optimizer):
        with pytest.raises(dataclasses.FrozenInstanceError, match="optimizers are settings"):
            setattr(optimizer, field.name, 0.5)
    with pytest.raises(
        AttributeError,
        match=re.escape("with_learning_rate(0.01), or model.learning_rate = 0.01"),
    ):
        optimizer.learning_rate = 0.01
    with pytest.raises(AttributeError, match="no setting 'lr'; it has learning_rate"):
        optimizer.lr = 0.01
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del optimizer.learning_rate


def test_losses_say_how_a_setting_is_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match=re.escape("Huber(delta=2.0)")):
        ln.Huber().delta = 2.0


def test_frozen_subclasses_may_have_attributes():
    class Mine(ln.Adam):
        pass

    mine = Mine(0.5)
    mine.note = 1
    assert mine.note == 1
    with pytest.raises(AttributeError):
        mine.learning_rate = 1.0


def test_guarded_objects_are_copied_and_pickled_as_before():
    stopping = pickle.loads(pickle.dumps(ln.EarlyStopping("loss", patience=3)))
    assert stopping.patience == 3
    with pytest.raises(AttributeError):
        stopping.patience = 4
    scaler = copy.deepcopy(ln.MinMaxScaler().fit([1.0, 3.0]))
    assert scaler.transform([2.0]).tolist() == [0.5]


def test_names_from_elsewhere_have_their_hints_and_stay_out_of_sight():
    for home, names in attributes.ELSEWHERE.items():
        assert set(names.split()) <= set(hints_attributes.NAMES[home]), home
    model = ln.Sequential([ln.LSTM(4)])
    for name in attributes.ELSEWHERE["Stack"].split():
        assert not hasattr(model, name)
        assert name not in dir(model)
        with pytest.raises(AttributeError, match=f"no attribute '{name}': "):
            getattr(model, name)


@pytest.mark.parametrize("name", MADE)
def test_what_has_no_value_yet_is_passed_over_by_those_who_look_around(name):
    """RuntimeError out of hasattr, inspect and mocks before; it still is one for those who ask."""
    made = MADE[name]()
    members = dict(inspect.getmembers(made))
    mock.create_autospec(made)
    for attribute in ("learning_rate", "parameter_count", "state"):
        if attribute in members or not isinstance(made, (ln.Layer, ln.Sequential)):
            continue
        assert not hasattr(made, attribute)
        assert getattr(made, attribute, None) is None


def test_what_has_no_value_yet_says_when_it_will():
    model, layer = ln.Sequential([ln.LSTM(4)]), ln.LSTM(4)
    for error in (RuntimeError, AttributeError):
        with pytest.raises(error, match="it gets one in fit"):
            model.learning_rate  # noqa: B018
        with pytest.raises(error, match="the model has no weights yet"):
            model.parameter_count  # noqa: B018
        with pytest.raises(error, match="make it with stateful=True"):
            layer.state  # noqa: B018
        with pytest.raises(error, match="has no weights yet"):
            layer.state_dict()
    with pytest.raises(AttributeError, match=r"parameter_count cannot be assigned: it follows"):
        model.parameter_count = 3


# -- loss and optimiser of a model ---------------------------------------------------------

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3, 2)).astype("float32")
Y = RNG.normal(size=(12, 1)).astype("float32")


def make(built: bool = True) -> ln.Sequential:
    first = ln.LSTM(4, input_size=2 if built else None, return_sequences=False)
    return ln.Sequential([first, ln.Dense(1)], seed=1)


def fit(model: ln.Sequential, **options) -> ln.Sequential:
    model.fit(X, Y, batch_size=5, epochs=2, seed=3, verbose=False, **options)
    return model


def same(a: ln.Sequential, b: ln.Sequential) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize("value", ["sgd", ln.SGD(0.1, momentum=0.5)])
def test_an_assigned_optimizer_trains_from_then_on(value, tmp_path):
    """The rate was shown, training and file went on with the old one."""
    expected = fit(fit(make()), optimizer=value)
    model = fit(make())
    model.optimizer = value
    assert model.learning_rate == optimizers.parse(value).learning_rate
    model.save(tmp_path / "m")
    loaded = ln.load_model(tmp_path / "m")
    assert loaded.optimizer == optimizers.parse(value)
    assert same(fit(model), expected)
    assert same(fit(loaded), expected)


@pytest.mark.parametrize("built", [True, False])
def test_settings_may_be_assigned_before_the_first_fit(built, tmp_path):
    expected = fit(make(built), optimizer=ln.SGD(0.1), loss="mae")
    model = make(built)
    model.optimizer, model.loss = ln.SGD(0.1), "mae"
    model.predict(X)
    model.save(tmp_path / "m")
    loaded = ln.load_model(tmp_path / "m")
    assert (loaded.optimizer, loaded.loss) == (ln.SGD(0.1), losses.parse("mae"))
    assert same(fit(model), expected)
    assert same(fit(loaded), expected)


def test_an_assigned_loss_trains_and_measures(tmp_path):
    expected = fit(fit(make()), loss="mae", optimizer="adam")
    model = fit(make())
    model.loss = "mae"
    assert model.evaluate(X, Y)["loss"] == fit(make()).evaluate(X, Y, loss="mae")["loss"]
    model.save(tmp_path / "m")
    assert ln.load_model(tmp_path / "m").loss == losses.parse("mae")
    assert same(fit(model), expected)


def test_assigning_what_is_there_keeps_the_state():
    expected = fit(fit(make()))
    model = fit(make())
    model.optimizer, model.loss = model.optimizer, "mse"
    assert same(fit(model), expected)
    model = fit(make())
    model.optimizer = ln.Adam(1e-3)  # another object: afresh
    assert not same(fit(model), expected)


class Switch(ln.Callback):
    def __init__(self, batch: int, **settings) -> None:
        self.batch, self.settings, self.seen = batch, settings, 0

    def on_batch_end(self, model, batch, logs) -> None:
        self.seen += 1
        if self.seen == self.batch:
            for name, value in self.settings.items():
                setattr(model, name, value)


def test_a_callback_may_assign_them_and_the_next_batch_follows():
    rows = {"shuffle": False, "verbose": False, "epochs": 1, "seed": 0}
    model = make()
    model.fit(X, Y, batch_size=4, callbacks=Switch(1, optimizer="sgd", loss="mae"), **rows)
    other = make()
    other.fit(X[:4], Y[:4], batch_size=4, **rows)
    other.fit(X[4:], Y[4:], batch_size=4, optimizer="sgd", loss="mae", **rows)
    assert same(model, other)
    assert model.loss == losses.parse("mae")
    history = make().fit(
        X, Y, validation_data=(X, Y), callbacks=Switch(1, loss="mae"), verbose=False, seed=0
    )
    other = make()
    other.fit(X, Y, verbose=False, seed=0)
    assert history.history["val_loss"] == [other.evaluate(X, Y, loss="mae")["loss"]]


def test_wrong_settings_change_nothing():
    model = fit(make())
    before = model._training
    for name, value in (
        ("optimizer", None),
        ("optimizer", ln.Adam),
        ("optimizer", "adamm"),
        ("optimizer", ln.SGD(1e300)),
        ("loss", None),
        ("loss", "no loss"),
        ("learning_rate", 1e300),
        ("learning_rate", 1e-300),
        ("learning_rate", -1.0),
        ("metadata", {"a": 1}),
        ("metadata", "text"),
        ("stop_training", 1),
    ):
        with pytest.raises((TypeError, ValueError)):
            setattr(model, name, value)
        assert model._training is before, name
    assert model.learning_rate == 1e-3
    assert same(fit(model), fit(fit(make())))


def test_metadata_may_be_assigned(tmp_path):
    model = make()
    model.metadata = {"unit": "mm"}
    model.save(tmp_path / "m")
    assert ln.load_model(tmp_path / "m").metadata == {"unit": "mm"}
