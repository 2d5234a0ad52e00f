"""Bidirectional of any pair of layers, and Reverse: each sequence from its true end."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref
from plain_calls import answer, remember

import lstm_native as ln

LENGTHS = np.array([6, 0, 3, 1])
T, F = 6, 3

PAIRS = {
    "lstm": lambda d: ln.Bidirectional(ln.LSTM(4), dtype=d, seed=0),
    "gru_and_rnn": lambda d: ln.Bidirectional(ln.GRU(4), ln.RNN(4), merge="mul", dtype=d, seed=0),
    "last": lambda d: ln.Bidirectional(
        ln.LSTM(4, return_sequences=False), merge="ave", dtype=d, seed=0
    ),
    "conv": lambda d: ln.Bidirectional(
        ln.Conv1D(4, 2, padding="causal"), ln.GRU(4), merge="sum", dtype=d, seed=0
    ),
    "strided": lambda d: ln.Bidirectional(ln.Conv1D(4, 3, 2, padding="same"), dtype=d, seed=0),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_padded_batch_gives_what_each_sequence_gives_alone(isa, dtype, threads, name):
    rng = np.random.default_rng(0)
    layer = PAIRS[name](dtype.name)
    x = p.normal(rng, (4, T, F), dtype)
    for row, n in zip(x, LENGTHS, strict=True):
        row[n:] = np.nan
    y, backward = remember(layer, x, lengths=LENGTHS)
    p.assert_same_bits(answer(layer, x, lengths=LENGTHS), y)
    timed = y.ndim == 3
    ends = -(-LENGTHS // 2) if name == "strided" else LENGTHS
    dy = p.normal(rng, y.shape, dtype)
    if timed:
        for row, n in zip(dy, ends, strict=True):
            row[n:] = np.nan
    dx, _ = backward(dy)
    for n, length in enumerate(LENGTHS):
        if length == 0:
            assert not y[n].any()
            continue
        own, own_backward = remember(layer, x[n : n + 1, :length])
        p.assert_same_bits(y[n, : ends[n]] if timed else y[n], own[0])
        own_dy = np.ascontiguousarray(dy[n : n + 1, : ends[n]] if timed else dy[n : n + 1])
        p.assert_same_bits(dx[n, :length], own_backward(own_dy)[0][0])
        assert not dx[n, length:].any()


@pytest.mark.parametrize("name", PAIRS)
def test_gradients_match_central_differences(name):
    rng = np.random.default_rng(0)
    layer = PAIRS[name]("float64")
    x = rng.standard_normal((4, T, F))
    y, backward = remember(layer, x, lengths=LENGTHS)
    ends = -(-LENGTHS // 2) if name == "strided" else LENGTHS
    dy = rng.standard_normal(y.shape)
    if y.ndim == 3:
        for row, n in zip(dy, ends, strict=True):
            row[n:] = 0
    dx, gradients = backward(dy)

    def value(at: np.ndarray) -> float:
        return float((answer(layer, at, lengths=LENGTHS) * dy).sum())

    assert ref.relative_error(dx, ref.central_difference(value, x)) <= p.DIFFERENCE_TOLERANCE
    weights = layer.state_dict()
    assert list(weights) == list(gradients)
    for key, before in weights.items():

        def of_weight(changed: np.ndarray, key: str = key) -> float:
            layer.load_state_dict({**weights, key: changed})
            return value(x)

        expected = ref.central_difference(of_weight, before)
        assert ref.relative_error(gradients[key], expected) <= p.DIFFERENCE_TOLERANCE


def test_two_lstms_are_a_bidirectional_lstm(dtype):
    rng = np.random.default_rng(0)
    whole = ln.LSTM(4, input_size=F, bidirectional=True, dtype=dtype.name, seed=3)
    pair = ln.Bidirectional(ln.LSTM(4, input_size=F), dtype=dtype.name)
    weights = {}
    for name, value in whole.state_dict().items():
        place = 1 if name.endswith("_reverse") else 0
        weights[f"layers.{place}.{name.removesuffix('_reverse')}"] = value
    pair.load_state_dict(weights)
    x = p.normal(rng, (4, T, F), dtype)
    p.assert_same_bits(answer(pair, x, lengths=LENGTHS), whole(x, lengths=LENGTHS)[0])


def test_reverse_turns_true_steps(dtype):
    x = p.normal(np.random.default_rng(0), (4, T, F), dtype)
    layer = ln.Reverse(dtype=dtype.name)
    y, backward = remember(layer, x, lengths=LENGTHS)
    for row, given, n in zip(y, x, LENGTHS, strict=True):
        p.assert_same_bits(row[:n], np.ascontiguousarray(given[:n][::-1]))
        assert not row[n:].any()
    p.assert_same_bits(backward(x)[0], y)


def test_files_hold_pairs(tmp_path):
    model = ln.Sequential([PAIRS["gru_and_rnn"]("float32"), ln.Dense(1)], seed=0)
    x = np.ones((2, 5, F), "float32")
    y = model.predict(x)
    model.save(tmp_path / "m.safetensors")
    loaded = ln.load_model(tmp_path / "m.safetensors")
    assert repr(loaded.layers[0].backward_layer) == "RNN(hidden_size=4)"
    p.assert_same_bits(loaded.predict(x), y)


def test_what_does_not_fit_is_refused():
    x = np.ones((2, 5, F), "float32")
    with pytest.raises(ValueError, match="as many output features, got 3 and 4"):
        answer(ln.Bidirectional(ln.GRU(3), ln.GRU(4), merge="sum"), x)
    with pytest.raises(ValueError, match="as many steps, got 5 and 0"):
        answer(ln.Bidirectional(ln.GRU(3), ln.GRU(3, return_sequences=False)), x)
    with pytest.raises(ValueError, match="Bidirectional: expected an input with a time axis"):
        answer(ln.Bidirectional(ln.Dense(3)), x[:, 0])
    with pytest.raises(ValueError, match="merge"):
        ln.Bidirectional(ln.GRU(3), merge="max")
    with pytest.raises(TypeError, match="layers must be layers"):
        ln.Bidirectional("lstm")
    model = ln.Sequential([ln.Bidirectional(ln.GRU(3))])
    model.predict(x)
    with pytest.raises(ValueError, match="Bidirectional: cannot be streamed"):
        model.stream()
