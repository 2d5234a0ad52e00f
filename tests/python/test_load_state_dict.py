"""Weights by name: one error says all; what strict=False loads; what people give instead."""

from __future__ import annotations

import re
from collections import OrderedDict

import numpy as np
import pytest

import lstm_native as ln


def layer() -> ln.LSTM:
    return ln.LSTM(3, input_size=2, seed=0)


def model() -> ln.Sequential:
    return ln.Sequential([ln.LSTM(3, input_size=2), ln.Dense(1)], seed=0)


def nested() -> ln.Sequential:
    inner = [ln.LSTM(3, return_sequences=False), ln.Dense(2)]
    return ln.Sequential([ln.Highway(inner, window=2)], seed=0)


def tied() -> ln.Sequential:
    return ln.Sequential([ln.Embedding(5, 3), ln.LSTM(3), ln.Dense(5, tied=True)], seed=0)


def built(make):
    made = make()
    if make is nested:
        made.predict(np.zeros((1, 4, 1), dtype="float32"))
    return made


ALL = pytest.mark.parametrize("make", [layer, model, nested, tied])


def same(a, b) -> bool:
    return list(a) == list(b) and all((a[k] == b[k]).all() for k in a)


@ALL
def test_what_a_state_dict_gave_is_loaded(make):
    made = built(make)
    state = {k: v + 1 for k, v in made.state_dict().items()}
    result = made.load_state_dict(OrderedDict(reversed(state.items())))
    assert same(made.state_dict(), state)
    assert result == ([], [])
    assert (result.missing_keys, result.unexpected_keys) == ([], [])


@ALL
def test_all_names_that_do_not_fit_are_told_at_once(make):
    """Only the first missing one, and an unexpected one never, before."""
    made = built(make)
    state = made.state_dict()
    names = list(state)
    broken = {k: v + 1 for k, v in state.items() if k not in (names[0], names[-1])}
    broken |= {"other": np.ones(3), "another": np.ones(2)}
    told = f"missing: '{names[0]}', '{names[-1]}'; unexpected: 'other', 'another'"
    with pytest.raises(ValueError, match=re.escape(told)):
        made.load_state_dict(broken)
    assert same(made.state_dict(), state)
    result = made.load_state_dict(broken, strict=False)
    assert result.missing_keys == [names[0], names[-1]]
    assert result.unexpected_keys == ["other", "another"]
    expected = {k: v if k in (names[0], names[-1]) else v + 1 for k, v in state.items()}
    assert same(made.state_dict(), expected)


@ALL
@pytest.mark.parametrize("strict", [True, False])
def test_shapes_and_values_must_fit_all_the_same(make, strict):
    made = built(make)
    state = made.state_dict()
    first, *_, last = state
    wrong = state | {first: np.ones((1, 1, 1)), last: np.ones((7, 7))}
    with pytest.raises(ValueError, match="wrong shapes") as told:
        made.load_state_dict(wrong, strict=strict)
    for name, shape in ((first, "(1, 1, 1)"), (last, "(7, 7)")):
        assert f"'{name}': expected {state[name].shape}, got {shape}" in str(told.value)
    with pytest.raises(ValueError, match=f"{last} must be finite"):
        made.load_state_dict(state | {last: state[last] * np.nan}, strict=strict)
    with pytest.raises(TypeError, match=f"{last} must be float"):
        made.load_state_dict(state | {last: np.ones(state[last].shape, dtype=int)}, strict=strict)
    assert same(made.state_dict(), state)


def test_many_names_are_shortened():
    with pytest.raises(ValueError, match="and 992 more") as told:
        layer().load_state_dict({f"n{i}": np.ones(1) for i in range(1000)})
    assert len(str(told.value)) < 600


def test_not_strict_still_needs_a_name_that_fits():
    """Else a forgotten prefix would load nothing and say nothing."""
    with pytest.raises(ValueError, match="the names do not fit the layer"):
        layer().load_state_dict({"a": np.ones(2)}, strict=False)
    with pytest.raises(TypeError, match="strict must be True or False"):
        layer().load_state_dict({}, strict="no")


def test_a_layer_without_weights_takes_an_empty_state():
    dropout = ln.Dropout(0.5)
    dropout(np.zeros((1, 2), dtype="float32"))
    assert dropout.load_state_dict({}) == ([], [])
    with pytest.raises(ValueError, match="unexpected: 'a'"):
        dropout.load_state_dict({"a": np.ones(1)})
    assert dropout.load_state_dict({"a": np.ones(1)}, strict=False) == ([], ["a"])


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("prefix", ["module.", "lstm.", "net.encoder.0."])
def test_a_prefix_is_seen_and_the_line_in_the_message_works(prefix, strict):
    for made, owner in ((layer(), "layer"), (model(), "model")):
        wanted = {k: v + 1 for k, v in made.state_dict().items()}
        for more in ({}, {"head.weight": np.ones(3)}):
            state = {prefix + k: v for k, v in wanted.items()} | more
            told = re.escape(f"they fit without {prefix!r}")
            with pytest.raises(ValueError, match=told) as error:
                made.load_state_dict(state, strict=strict)
            exec(str(error.value).partition("write ")[2], {owner: made, "state": state})
            assert same(made.state_dict(), wanted)


def test_weights_of_the_only_layer_are_told_their_prefix():
    made = ln.Sequential([layer()])
    state = {k: v + 1 for k, v in layer().state_dict().items()}
    with pytest.raises(ValueError, match=re.escape("they fit behind '0.'")) as error:
        made.load_state_dict(state)
    exec(str(error.value).partition("write ")[2], {"model": made, "state": state})
    assert same(made.layers[0].state_dict(), state)


def test_weights_of_one_layer_of_several_are_told_where_they_fit():
    made = ln.Sequential([ln.LSTM(3, input_size=2), ln.LSTM(3), ln.Dense(1)], seed=0)
    for index, donor in enumerate(ln.LSTM(3, input_size=size, seed=5) for size in (2, 3)):
        state = donor.state_dict()
        with pytest.raises(ValueError, match=f"they fit the layer '{index}' alone") as error:
            made.load_state_dict(state)
        exec(str(error.value).partition("write ")[2], {"model": made, "state": state})
        assert same(made.layers[index].state_dict(), state)


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_a_checkpoint_around_the_weights_is_told(key):
    made = model()
    wanted = {k: v + 1 for k, v in made.state_dict().items()}
    state = {"epoch": 3, "optimizer": {"state": {}, "param_groups": []}, key: wanted}
    with pytest.raises(ValueError, match="they stand inside it") as error:
        made.load_state_dict(state)
    exec(str(error.value).partition("write ")[2], {"model": made, "state": state})
    assert same(made.state_dict(), wanted)


def test_transposed_kernels_are_told():
    made = layer()
    state = made.state_dict()
    told = (
        "transposed, as kernels of Keras are: 'weight_ih_l0', 'weight_hh_l0'; write state[name].T"
    )
    with pytest.raises(ValueError, match=re.escape(told)):
        made.load_state_dict({k: v.T for k, v in state.items()})
    with pytest.raises(ValueError, match="wrong shapes") as error:
        made.load_state_dict(state | {"weight_ih_l0": np.ones((5, 5))})
    assert "Keras" not in str(error.value)


def test_layers_by_other_names_are_told_which_is_which():
    made = model()
    state = {{"0": "rnn.", "1": "out."}[k[0]] + k[2:]: v + 1 for k, v in made.state_dict().items()}
    with pytest.raises(ValueError, match="they fit layer by layer") as error:
        made.load_state_dict(state)
    exec(str(error.value).partition("write ")[2], {"model": made, "state": state})
    assert same(made.state_dict(), {k: v + 1 for k, v in model().state_dict().items()})


@pytest.mark.parametrize("make", [layer, model])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda made: None, "got None"),
        (lambda made: list(made.state_dict().values()), "weights go by name"),
        (lambda made: tuple(made.state_dict().items()), "write load_state_dict(dict(...))"),
        (lambda made: iter(made.state_dict().items()), "write load_state_dict(dict(...))"),
        (lambda made: made, "give its state_dict()"),
        (lambda made: "weights.safetensors", "ln.load_model(path)"),
        (lambda made: np.ones(3), "got a ndarray"),
        (lambda made: 3, "got a int"),
    ],
)
def test_what_is_no_dict_is_told_so(make, wrong, told):
    made = make()
    with pytest.raises(TypeError, match=re.escape(told)):
        made.load_state_dict(wrong(made))


def test_files_of_numpy_are_dicts_too(tmp_path):
    made = model()
    state = {k: v + 1 for k, v in made.state_dict().items()}
    np.savez(tmp_path / "w.npz", **state)
    with np.load(tmp_path / "w.npz") as file:
        made.load_state_dict(file)
    assert same(made.state_dict(), state)
