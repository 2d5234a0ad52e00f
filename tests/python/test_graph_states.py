"""States as values: read by any layer, and outputs, also those of several layers or directions."""

from __future__ import annotations

import numpy as np
import pytest

import lstm_native as ln

D = {"dtype": "float64"}


def bridge():
    """A bidirectional encoder, whose states start a decoder through layers of their own."""
    a, b = ln.Input(features=4), ln.Input(features=3)
    _, (h, c) = ln.LSTM(3, bidirectional=True, **D)(a)
    state = ln.Dense(5, activation="tanh", **D)(h), ln.Dense(5, **D)(ln.concat([c, h]))
    y, _ = ln.LSTM(5, **D)(b, state=state)
    return ln.Model([a, b], ln.Dense(2, **D)(y), seed=0)


def three_uses():
    """A state of two layers starts another one, is read as values, and is an output."""
    a, b = ln.Input(features=4), ln.Input(features=3)
    _, h = ln.GRU(3, num_layers=2, **D)(a)
    _, k = ln.GRU(3, num_layers=2, **D)(b, state=h)
    return ln.Model([a, b], [h, ln.concat([k, ln.Dense(2, **D)(h)])], seed=0)


def caption():
    a = ln.Input(features=4)
    _, (h, _) = ln.LSTM(3, num_layers=2, **D)(a)
    return ln.Model(a, ln.LSTM(3, **D)(ln.Repeat(4)(h))[0], seed=0)


@pytest.mark.parametrize("make", [bridge, three_uses, caption])
def test_gradients_are_central_differences(make):
    model = make()
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(4, 5 - i, symbol.features)) for i, symbol in enumerate(model.inputs)]
    answers = model.predict(x if len(x) > 1 else x[0])
    several = isinstance(answers, list)
    y = [rng.normal(size=one.shape) for one in (answers if several else [answers])]
    given = (x if len(x) > 1 else x[0], y if several else y[0])
    _, gradients = model.gradients(*given)
    weights = model.state_dict()
    for name, values in weights.items():
        index = tuple(rng.integers(0, size) for size in values.shape)
        losses = []
        for step in (1e-6, -1e-6):
            moved = {**weights, name: values.copy()}
            moved[name][index] += step
            model.load_state_dict(moved)
            losses.append(model.evaluate(*given)["loss"])
        model.load_state_dict(weights)
        wanted = (losses[0] - losses[1]) / 2e-6
        assert gradients[name][index] == pytest.approx(wanted, rel=1e-7, abs=1e-9), name


@pytest.mark.parametrize(
    "options",
    [{"num_layers": 2}, {"bidirectional": True}, {"num_layers": 3, "bidirectional": True}, {}],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_values_the_runs_of_a_state_stand_side_by_side(dtype, options, tmp_path):
    layer = ln.LSTM(3, dtype=dtype, seed=0, **options)
    x = np.random.default_rng(0).normal(size=(5, 6, 4)).astype(dtype)
    _, (h, c) = layer(x)
    symbol = ln.Input(features=4)
    _, states = layer(symbol)
    model = ln.Model(symbol, list(states))
    assert [one.features for one in states] == [3 * len(h)] * 2
    for got, state in zip(model.predict(x), (h, c), strict=True):
        assert np.array_equal(got, np.moveaxis(state, 0, 1).reshape(5, -1))
    model.save(tmp_path / "states.safetensors")
    again = ln.load_model(tmp_path / "states.safetensors")
    assert all(map(np.array_equal, again.predict(x), model.predict(x)))


def test_a_stream_reads_what_a_held_state_says():
    """At each step, beside what is stepped."""
    a, b = ln.Input(features=4, name="a"), ln.Input(features=3, name="b")
    _, h = ln.GRU(3, bidirectional=True)(a)
    y, _ = ln.GRU(5)(ln.concat([b, h]))
    model = ln.Model([a, b], ln.Dense(2)(ln.concat([y, ln.Dense(2)(h)])), seed=0)
    rng = np.random.default_rng(0)
    held, x = (rng.normal(size=(2, steps, f)).astype("float32") for steps, f in ((6, 4), (5, 3)))
    stream = model.stream(2, a=held)
    got = np.stack([stream.step(x[:, t]) for t in range(5)], axis=1)
    assert np.array_equal(got, model.predict([held, x]))


@pytest.mark.parametrize("given", ["predict", "fit", "gradients"])
def test_a_sequence_is_no_state(given):
    """Its steps would be taken for samples."""
    a, b = ln.Input(features=4), ln.Input(features=3)
    y, _ = ln.GRU(4, name="reader")(a, state=ln.Dense(4)(b))
    model = ln.Model([a, b], y, seed=0)
    x = [np.zeros((5, 6, 4)), np.zeros((5, 6, 3))]
    call = {
        "predict": lambda: model.predict(x),
        "fit": lambda: model.fit(x, np.zeros((5, 6, 4)), verbose=0),
        "gradients": lambda: model.gradients(x, np.zeros((5, 6, 4))),
    }[given]
    with pytest.raises(ValueError, match=r"'reader'.*'h': expected a state, without time axis"):
        call()
    assert model.predict([x[0], x[1][:, 0]]).shape == (5, 6, 4)


def test_weights_of_attention_enter_no_layer():
    memory = ln.Input(features=4)
    _, weights = ln.Attention("dot")(memory, memory, return_weights=True)
    with pytest.raises(ValueError, match="as many features as a memory has steps"):
        ln.Dense(2)(weights)
    assert ln.Model(memory, weights).predict(np.zeros((2, 3, 4))).shape == (2, 3, 3)
