"""What cannot be decoded is refused, with what was expected and what came."""

from __future__ import annotations

import numpy as np
import pytest
from decoding_helpers import V, language_model, translator

import lstm_native as ln


def numbers_in() -> ln.Sequential:
    return ln.Sequential([ln.LSTM(4, input_size=3), ln.Dense(3)], seed=0)


def narrow() -> ln.Sequential:
    return ln.Sequential([ln.Embedding(V, 4), ln.LSTM(4), ln.Dense(V - 1)], seed=0)


def two_outputs() -> ln.Model:
    x = ln.Input(tokens=V, name="x")
    y, _ = ln.LSTM(4)(ln.Embedding(V, 4)(x))
    return ln.Model(x, {"word": ln.Dense(V)(y), "kind": ln.Dense(3)(y)}, seed=0)


def overflowing(*signs: int) -> ln.Sequential:
    """Infinities of these signs are summed up."""
    layers = [ln.Embedding(V, 1), ln.Dense(len(signs), use_bias=False)]
    model = ln.Sequential([*layers, ln.Dense(V, use_bias=False)], seed=0)
    weights = {"1.weight": np.float32([[3e38 * sign] for sign in signs])}
    weights |= {"0.weight": np.full((V, 1), 3e38), "2.weight": np.ones((V, len(signs)))}
    model.load_state_dict({name: value.astype("float32") for name, value in weights.items()})
    return model


SOURCE = np.ones((1, 3), int)
MODELS = {
    "an input of values": (numbers_in, {}, "expected an input of tokens"),
    "another number of outputs": (narrow, {}, f"expected {V} values, one for each token.*{V - 1}"),
    "a sigmoid": (lambda: language_model(activation="sigmoid"), {}, "sigmoid"),
    "several outputs": (two_outputs, {}, "'word', 'kind'"),
    "an output that names none": (two_outputs, {"output": "kind"}, f"expected {V} values"),
    "an unknown output": (two_outputs, {"output": "words"}, "one of word, kind"),
    "several stepped inputs": (translator, {}, "'source', 'target'; hold the others"),
    "nothing to step": (translator, {"source": SOURCE, "target": SOURCE}, "all inputs are held"),
    "another number of sentences": (
        translator,
        {"source": np.ones((2, 3), int)},
        "expected 1 samp",
    ),
    "NaN": (lambda: overflowing(1, -1), {}, "prompt 0, step 0.*NaN"),
    "infinity": (lambda: overflowing(1), {}, "prompt 0, step 0.*got infinity"),
    "nothing possible": (lambda: overflowing(-1), {}, "prompt 0, step 0.*-infinity for all"),
}
CALLS = {"generate": {}, "beam_search": {"width": 3}}


@pytest.mark.parametrize("case", MODELS)
@pytest.mark.parametrize("call", CALLS)
def test_models_that_say_nothing_of_tokens(case, call):
    make, options, told = MODELS[case]
    with pytest.raises(ValueError, match=told):
        getattr(make(), call)([[1]], steps=2, **options, **CALLS[call])


ARGUMENTS = {
    "no prompts": ([], {}, ValueError, "prompts"),
    "no tokens": (np.zeros((2, 0), int), {}, ValueError, "prompts"),
    "an empty prompt": ([[1], []], {}, (ValueError, TypeError), r"prompts\[1\]"),
    "one axis": (np.array([1, 2]), {}, ValueError, r"prompts\[None\]"),
    "floats": ([[1.0]], {}, TypeError, "prompts.*integer"),
    "out of range": ([[V]], {}, ValueError, "prompts"),
    "below": ([[1], [2, -1]], {}, ValueError, r"prompts\[1\]"),
    "lengths of a list": ([[1], [2, 3]], {"lengths": [1, 2]}, ValueError, "has its own"),
    "a length of 0": ([[1, 2]], {"lengths": [0]}, ValueError, "lengths from 1"),
    "no steps": ([[1]], {"steps": 0}, ValueError, "steps"),
    "half a step": ([[1]], {"steps": 1.5}, TypeError, "steps"),
    "an end that is no token": ([[1]], {"end": V}, ValueError, f"end.*at most {V - 1}"),
    "a negative end": ([[1]], {"end": -1}, ValueError, "end"),
    "allow": ([[1]], {"allow": [True]}, TypeError, "allow"),
    "a mask of numbers": ([[1]], {"allow": lambda p: np.ones((1, V))}, TypeError, "booleans"),
    "a mask of another shape": (
        [[1]],
        {"allow": lambda p: np.ones((2, V), bool)},
        ValueError,
        rf"\(1, {V}\)",
    ),
    "all forbidden": (
        [[1]],
        {"allow": lambda p: np.zeros(V, bool)},
        ValueError,
        "prompt 0, step 0: all tokens are forbidden",
    ),
    "an unknown name": ([[1]], {"source": SOURCE}, TypeError, "source"),
    "a name from elsewhere": ([[1]], {"num_beams": 4}, TypeError, "width=4"),
    "another one": ([[1]], {"eos_token_id": 2}, TypeError, "write end=2"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
@pytest.mark.parametrize("call", CALLS)
def test_arguments_of_both(case, call):
    prompts, options, error, told = ARGUMENTS[case]
    with pytest.raises(error, match=told):
        getattr(language_model(), call)(prompts, **{"steps": 2, **CALLS[call], **options})


OWN = {
    "temperature": ("generate", {"temperature": -1.0}, "temperature"),
    "an infinite one": ("generate", {"temperature": np.inf}, "temperature"),
    "top_k": ("generate", {"temperature": 1.0, "top_k": 0}, "top_k"),
    "top_p": ("generate", {"temperature": 1.0, "top_p": 0.0}, "top_p"),
    "top_p above 1": ("generate", {"temperature": 1.0, "top_p": 1.5}, "top_p"),
    "top_k without drawing": ("generate", {"top_k": 3}, "nothing is drawn"),
    "top_p without drawing": ("generate", {"top_p": 0.5}, "nothing is drawn"),
    "a seed without drawing": ("generate", {"seed": 0}, "nothing is drawn"),
    "width": ("beam_search", {"width": 0}, "width"),
    "n_best": ("beam_search", {"width": 2, "n_best": 3}, r"n_best.*width \(2\)"),
    "length_penalty": ("beam_search", {"length_penalty": np.nan}, "length_penalty"),
}


@pytest.mark.parametrize("case", OWN)
def test_arguments_of_one(case):
    call, options, told = OWN[case]
    with pytest.raises(ValueError, match=told):
        getattr(language_model(), call)([[1]], steps=2, **options)


def test_an_unknown_input_of_a_model_is_named():
    with pytest.raises(
        TypeError, match=r"no input named 'sauce'; the inputs are 'source', 'target'"
    ):
        translator().generate([[1]], steps=1, sauce=SOURCE)


def test_a_model_without_weights_is_not_decoded():
    with pytest.raises(RuntimeError, match="no weights yet"):
        ln.Sequential([ln.LSTM(3), ln.Dense(3)]).generate([[1]], steps=1)


def test_a_layer_that_cannot_be_streamed_says_so():
    layers = [ln.Embedding(V, 4), ln.Bidirectional(ln.LSTM(4), ln.LSTM(4)), ln.Dense(V)]
    model = ln.Sequential(layers, seed=0)
    with pytest.raises(ValueError, match=r"stream|direction"):
        model.beam_search([[1]], steps=1)
