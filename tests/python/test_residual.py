"""Residual: the inner layers plus the input, in one pass, in training, in files and in streams."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln


@given(n=p.samples, t=p.timesteps, width=p.features, hidden=st.integers(1, 20), seed=p.seeds)
def test_residual_adds_its_input_to_the_inner_layers(isa, dtype, n, t, width, hidden, seed):
    rng = np.random.default_rng(seed)
    inner = [p.lstm_spec(hidden), p.dense_spec(width)]
    layer = p.make_layer({"type": "residual", "layers": inner}, width, dtype)
    w = p.randomise(layer, rng)
    x = p.normal(rng, (n, t, width), dtype)
    y, state, _ = layer.forward(x, None, False, 0)
    assert not state
    lstm = {k.removeprefix("layers.0."): v for k, v in w.items() if k.startswith("layers.0.")}
    x64 = x.astype(np.float64)
    h = ref.lstm_forward(x64, lstm, 1)[0]
    expected = x64 + ref.dense_forward(h, w["layers.1.weight"], w["layers.1.bias"])
    assert ref.relative_error(y, expected) <= 2 * p.FORWARD_TOLERANCE[dtype]


def test_layers_that_give_zero_leave_the_input_as_it_is(isa, dtype, threads):
    layer = ln.Residual([ln.Dense(4)], dtype=dtype.name, seed=0)
    x = p.normal(np.random.default_rng(0), (3, 5, 4), dtype)
    layer(x)
    layer.load_state_dict({k: np.zeros_like(v) for k, v in layer.state_dict().items()})
    y, _, tape = layer.forward(x)
    p.assert_same_bits(y, x + dtype.type(0))
    dy = p.normal(np.random.default_rng(1), x.shape, dtype)
    p.assert_same_bits(tape.backward(dy)[0], dy + dtype.type(0))


def deep(dtype: str = "float32") -> ln.Sequential:
    """Recurrent layers of several sizes, one of them two Residuals deep."""
    inside = ln.Residual([ln.LSTM(6, num_layers=2), ln.Dense(5, activation="tanh")])
    layers = [
        ln.LSTM(5, input_size=2),
        ln.Residual([ln.LSTM(7), ln.Dense(5), inside]),
        ln.Residual([ln.LayerNorm()]),
        ln.LSTM(3),
    ]
    return ln.Sequential(layers, dtype=dtype, seed=3)


def test_a_stream_gives_the_bits_of_predict(isa, dtype):
    model = deep(dtype.name)
    x = p.normal(np.random.default_rng(0), (3, 8, 2), dtype)
    stream = model.stream(3)
    for _ in range(2):
        y = np.stack([stream.step(np.ascontiguousarray(x[:, t])) for t in range(8)], axis=1)
        p.assert_same_bits(y, model.predict(x))
        stream.reset()


def test_a_stream_can_be_given_the_state_inside_a_residual():
    model = deep()
    x = p.normal(np.random.default_rng(0), (2, 8, 2), np.dtype("float32"))
    first, second = model.stream(2), model.stream(2)
    for t in range(4):
        first.step(np.ascontiguousarray(x[:, t]))
    state = first.state
    shapes = [None if s is None else [a.shape for a in s] for s in state]
    assert shapes[1:] == [[(1, 2, 7)] * 2 + [(2, 2, 6)] * 2, None, [(1, 2, 3)] * 2]
    second.state = state
    for t in range(4, 8):
        step = np.ascontiguousarray(x[:, t])
        p.assert_same_bits(second.step(step), first.step(step))
    with pytest.raises(ValueError, match=r"state\[1\]: expected 4 arrays, got 2 arrays"):
        second.state = (state[0], state[1][:2], *state[2:])


def test_training_repeats_and_comes_back_from_a_file(tmp_path, threads):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 6, 2)), rng.standard_normal((20, 6, 3))

    def trained() -> ln.Sequential:
        model = deep("float64")
        model.fit(x, y, epochs=2, verbose=False, seed=1)
        return model

    one = trained()
    p.assert_same_weights(trained().state_dict(), one.state_dict())
    assert "1.layers.2.layers.0.weight_ih_l1" in one.state_dict()
    one.save(tmp_path / "m.safetensors")
    again = ln.load_model(tmp_path / "m.safetensors")
    p.assert_same_bits(again.predict(x), one.predict(x))
    assert isinstance(again.layers[1], ln.Residual)
    assert [type(layer) for layer in again.layers[1].layers] == [ln.LSTM, ln.Dense, ln.Residual]
    one.fit(x, y, epochs=3, initial_epoch=2, verbose=False, seed=1)
    again.fit(x, y, epochs=3, initial_epoch=2, verbose=False, seed=1)
    p.assert_same_weights(again.state_dict(), one.state_dict())


def test_the_summary_counts_the_inner_parameters():
    model = ln.Sequential([ln.Residual([ln.Dense(4, input_size=4)])], seed=0)
    assert "Residual   (N, T, 4)             20" in model.summary()
    assert model.parameter_count == 20


def test_inner_layers_must_keep_the_shape():
    x = np.ones((2, 3, 4), np.float32)
    with pytest.raises(ValueError, match=r"features as they take \(4\), got 5"):
        ln.Residual([ln.Dense(5)])(x)
    with pytest.raises(ValueError, match="keep the 3 steps of the input, got no time axis"):
        ln.Residual([ln.LSTM(4, return_sequences=False)])(x)
    with pytest.raises(ValueError, match="an embedding only as a network's first layer"):
        ln.Sequential([ln.Residual([ln.Embedding(4, 4)])])
    with pytest.raises(ValueError, match="at least one"):
        ln.Residual([])
    built = ln.Dense(4)
    built(x)
    with pytest.raises(ValueError, match="a Residual builds its own layers"):
        ln.Residual([built])


def test_what_cannot_be_streamed_alone_cannot_inside():
    model = ln.Sequential([ln.Residual([ln.LSTM(2, input_size=2, reverse=True)])], seed=0)
    with pytest.raises(ValueError, match="LSTM: cannot be streamed"):
        model.stream()
