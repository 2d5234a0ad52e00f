"""Copies: a pickled or copied model or layer goes on, bit for bit, as the original does."""

from __future__ import annotations

import copy
import functools
import multiprocessing
import pickle
from collections.abc import Callable
from typing import Any

import family
import numpy as np
import product as p
import pytest

import lstm_native as ln


def by_pickle(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol=protocol))


COPIES = {
    **{f"pickle {protocol}": by_pickle(protocol) for protocol in range(2, 6)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.fixture(params=COPIES)
def copied(request):
    return COPIES[request.param]


def data(dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return p.normal(rng, (12, 6, 3), dtype), p.normal(rng, (12, 1), dtype)


def make_model(dtype: str = "float32", **options: Any) -> ln.Sequential:
    layers = [
        ln.LSTM(5, num_layers=2, dropout=0.25, **options),
        ln.Highway([ln.GRU(4, return_sequences=False), ln.Dense(2)], window=3),
        ln.Dropout(0.25),
        ln.Dense(1, seed=7),
    ]
    return ln.Sequential(layers, dtype=dtype, seed=1)


def fit(model: ln.Sequential, **options: Any) -> ln.History:
    x, y = data(model.dtype)
    return model.fit(x, y, batch_size=4, seed=2, verbose=False, **options)


def test_a_trained_model_goes_on_as_the_original(copied, dtype):
    model = make_model(dtype.name)
    fit(model, epochs=2, loss="huber", optimizer=ln.Adam(0.01, clip_norm=1.0))
    model.learning_rate = 0.004
    model.metadata["unit"] = "kWh"
    other = copied(model)
    assert type(other) is ln.Sequential
    assert repr(other) == repr(model)
    assert other.metadata == {"unit": "kWh"}
    assert other.history == model.history
    assert other.loss == model.loss
    assert other.learning_rate == 0.004
    for one in (model, other):
        fit(one, epochs=4, initial_epoch=2)
    p.assert_same_weights(other.state_dict(), model.state_dict())
    assert other.history == model.history


def test_a_copy_shares_nothing_with_the_original(copied):
    model = make_model()
    fit(model, epochs=1)
    other = copied(model)
    before = model.state_dict()
    fit(other, epochs=2)
    other.metadata["new"] = "text"
    p.assert_same_weights(model.state_dict(), before)
    assert model.metadata == {}
    assert len(model.history.epoch) == 1


def test_the_very_optimizer_of_the_fit_before_stays_so_in_a_copy():
    """A given optimiser that is the object of the fit before goes on; another starts afresh."""
    model, optimizer = make_model(), ln.Adam(0.01)
    fit(model, epochs=1, optimizer=optimizer)
    other, same = pickle.loads(pickle.dumps((model, optimizer)))
    fit(model, epochs=2, optimizer=optimizer)
    fit(other, epochs=2, optimizer=same)
    p.assert_same_weights(other.state_dict(), model.state_dict())


def test_a_model_without_weights_gets_those_of_the_original(copied):
    model = make_model()
    other = copied(model)
    assert not other.built
    x, _ = data()
    p.assert_same_bits(other.predict(x), model.predict(x))


def test_a_model_that_is_built_but_not_trained(copied):
    model = make_model(input_size=3)
    assert model.built
    p.assert_same_weights(copied(model).state_dict(), model.state_dict())


def test_the_states_of_stateful_layers_come_along(copied):
    model = ln.Sequential([ln.LSTM(4, input_size=3, stateful=True), ln.Dense(1)], seed=0)
    x, _ = data()
    model.predict(x)
    other = copied(model)
    p.assert_same_bits(other.states[0][0], model.states[0][0])
    p.assert_same_bits(other.predict(x), model.predict(x))


def test_tied_weights_stay_tied(copied):
    model = ln.Sequential([ln.Embedding(9, 4), ln.LSTM(4), ln.Dense(9, tied=True)], seed=0)
    tokens = np.arange(10).reshape(2, 5) % 9
    model.predict(tokens)
    other = copied(model)
    assert set(other.state_dict()) == set(model.state_dict())
    for one in (model, other):
        one.fit(tokens, tokens, loss="categorical_crossentropy", epochs=2, seed=1, verbose=False)
    p.assert_same_weights(other.state_dict(), model.state_dict())
    with pytest.raises(TypeError, match="Sequential that holds both"):
        copied(model.layers[2])
    assert not copied(ln.Dense(9, tied=True)).built


LAYERS = {
    **{kind: functools.partial(getattr(ln, kind), 4, seed=3) for kind in family.KINDS},
    "LSTM": lambda: ln.LSTM(4, num_layers=2, dropout=0.5, peephole=True, seed=3),
    "GRU": lambda: ln.GRU(4, bidirectional=True, merge="sum", seed=3),
    "RNN": lambda: ln.RNN(4, activation=("leaky_relu", 0.1), seed=3),
    "Dense": lambda: ln.Dense(4, activation="relu", seed=3),
    "LayerNorm": lambda: ln.LayerNorm(epsilon=0.1),
    "Dropout": lambda: ln.Dropout(0.5, seed=3),
    "Residual": lambda: ln.Residual([ln.LSTM(3), ln.LayerNorm()], seed=3),
    "Highway": lambda: ln.Highway([ln.LSTM(3, return_sequences=False)], window=2, seed=3),
    "float64": lambda: ln.LSTM(4, dtype="float64", zoneout=(0.1, 0.2), proj_size=2, seed=3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_goes_on_as_the_original(copied, name):
    layer = LAYERS[name]()
    unbuilt = copied(layer)
    assert not unbuilt.built
    assert repr(unbuilt) == repr(layer)
    x, _ = data(layer.dtype)
    for _ in range(2):  # each pass draws its dropout anew
        layer.forward(x)
    other = copied(layer)
    assert repr(other) == repr(layer)
    p.assert_same_weights(other.state_dict(), layer.state_dict())
    third = layer.forward(x)[0]
    p.assert_same_bits(other.forward(x)[0], third)
    for _ in range(3):
        again = unbuilt.forward(x)[0]
    if name != "LayerNorm":  # all others have a seed, from which all follows
        p.assert_same_weights(unbuilt.state_dict(), layer.state_dict())
    p.assert_same_bits(again, third)


def test_a_layer_of_a_model_is_copied_with_its_weights_alone(copied):
    model = make_model(input_size=3)
    layer = copied(model.layers[0])
    p.assert_same_weights(layer.state_dict(), model.layers[0].state_dict())
    layer.load_state_dict({name: v * 0 for name, v in layer.state_dict().items()})
    assert model.layers[0].state_dict()["weight_ih_l0"].any()


def test_a_layers_carried_state_comes_along(copied):
    layer = ln.GRU(4, stateful=True, seed=0)
    x, _ = data()
    layer(x)
    p.assert_same_bits(copied(layer)(x)[0], layer(x)[0])


class Encoder(ln.LSTM):
    """A layer with a constructor of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(4, seed=1)
        self.name = name


class Tagger(ln.Sequential):
    """A model with a constructor and attributes of its own."""

    def __init__(self, tags: list[str]) -> None:
        self.encoder = Encoder("first")
        super().__init__([self.encoder, ln.Dense(len(tags))], seed=2)
        self.tags = tags


@pytest.mark.parametrize("built", [False, True])
def test_subclasses_keep_their_class_and_attributes(copied, built):
    model = Tagger(["noun", "verb"])
    x, _ = data()
    if built:
        model.predict(x)
    other = copied(model)
    assert type(other) is Tagger
    assert other.tags == ["noun", "verb"]
    assert type(other.encoder) is Encoder
    assert other.encoder is other.layers[0]
    assert other.encoder.name == "first"
    p.assert_same_bits(other.predict(x), model.predict(x))


def test_an_attribute_may_lead_back_to_the_model():
    model = make_model(input_size=3)
    model._friend = model
    other = copy.deepcopy(model)
    assert other._friend is other


def _predict(model: ln.Sequential) -> np.ndarray:
    return model.predict(data()[0])


def test_another_process_gives_the_same_bits():
    model = make_model(input_size=3)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        p.assert_same_bits(pool.apply(_predict, (model,)), _predict(model))


def test_a_pickle_names_no_code_of_ours_but_plain_functions():
    model = make_model()
    fit(model, epochs=1)
    import pickletools

    stack: list[Any] = []
    names = set()
    for opcode, argument, _ in pickletools.genops(pickle.dumps(model, protocol=4)):
        if opcode.name == "STACK_GLOBAL":
            module, name = [text for text in stack if isinstance(text, str)][-2:]
            if module.startswith("lstm_native"):
                names.add(f"{module}.{name}")
        stack.append(argument)
    assert "lstm_native.files.restore_model" in names
    assert not any("_core" in name for name in names), names


def test_streams_and_tapes_say_what_to_do_instead(copied):
    model = make_model(input_size=3)
    layer = model.layers[0]
    _, _, tape = layer.forward(data()[0])
    with pytest.raises(TypeError, match="call backward here"):
        copied(tape)
    stream = ln.Sequential([ln.LSTM(4, input_size=3)]).stream()
    with pytest.raises(TypeError, match=r"model\.stream"):
        copied(stream)


def test_metadata_that_are_no_text_are_refused_as_in_a_file():
    model = make_model(input_size=3)
    model.metadata["n"] = 3
    with pytest.raises(TypeError, match="metadata"):
        copy.deepcopy(model)
