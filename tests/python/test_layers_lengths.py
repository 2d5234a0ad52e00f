"""Lengths in ConvLSTM, Residual and ActivityRegularization: padding is not read and means nothing.

A padded batch must give what each sequence gives alone at its true length.
"""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref
from plain_calls import answer

import lstm_native as ln

T = 6
LENGTHS = np.array([6, 0, 3, 1, 5])
FEATURES = 8  # images of 2 x 2 x 2


def conv(**options) -> ln.ConvLSTM:
    return ln.ConvLSTM(3, 2, input_shape=(2, 2, 2), **options)


LAYERS = {
    "conv_lstm": lambda dtype: conv(dtype=dtype, seed=0),
    "conv_lstm_peephole": lambda dtype: conv(peephole=True, dtype=dtype, seed=0),
    "conv_lstm_reverse": lambda dtype: conv(reverse=True, dtype=dtype, seed=0),
    "conv_lstm_last": lambda dtype: conv(return_sequences=False, dtype=dtype, seed=0),
    "residual": lambda dtype: ln.Residual(
        [ln.LSTM(5), ln.Dense(FEATURES), ln.LayerNorm()], dtype=dtype, seed=0
    ),
    "residual_reverse": lambda dtype: ln.Residual(
        [ln.Dense(4), ln.LSTM(4, bidirectional=True)], dtype=dtype, seed=0
    ),
    "activity_regularization": lambda dtype: ln.ActivityRegularization(1.0, 2.0, dtype=dtype),
}


def flat(array: np.ndarray, rows: int) -> np.ndarray:
    """Values of an array whose first axes are rows."""
    return array.reshape(*array.shape[:rows], -1)


@pytest.mark.parametrize("name", LAYERS)
def test_a_padded_batch_gives_what_each_sequence_gives_alone(isa, dtype, threads, name):
    rng = np.random.default_rng(0)
    layer = LAYERS[name](dtype.name)
    x = p.normal(rng, (len(LENGTHS), T, FEATURES), dtype)
    for n, length in enumerate(LENGTHS):
        x[n, length:] = np.nan
    y, state, tape = layer.forward(x, lengths=LENGTHS)
    p.assert_same_bits(answer(layer, x, lengths=LENGTHS), y)
    p.assert_same_bits(answer(layer, x, mask=np.arange(T) < LENGTHS[:, None]), y)
    timed = y.shape[1] == T and not name.endswith("last")
    dy = p.normal(rng, y.shape, dtype)
    if timed:
        for n, length in enumerate(LENGTHS):
            dy[n, length:] = np.nan
    dx, _, gradients = tape.backward(dy)
    total = {key: np.zeros(value.shape) for key, value in gradients.items()}
    for n, length in enumerate(LENGTHS):
        if timed:
            assert not y[n, length:].any()
        assert not dx[n, length:].any()
        if length == 0:
            assert not y[n].any()
            continue
        own, final, own_tape = layer.forward(x[n : n + 1, :length])
        p.assert_same_bits(y[n, :length] if timed else y[n], own[0])
        if state is not None:
            for whole, part in zip(state, final, strict=True):
                p.assert_same_bits(whole[:, n], part[:, 0])
        own_dx, _, own_gradients = own_tape.backward(
            np.ascontiguousarray(dy[n : n + 1, :length] if timed else dy[n : n + 1])
        )
        p.assert_same_bits(dx[n, :length], own_dx[0])
        for key, value in own_gradients.items():
            total[key] += value
    if total:
        p.check_gradients(dtype, gradients, total)


def test_of_no_steps_a_conv_lstm_keeps_its_initial_state(dtype):
    rng = np.random.default_rng(1)
    layer = conv(dtype=dtype.name, seed=0)
    x = p.normal(rng, (2, T, FEATURES), dtype)
    state = tuple(p.normal(rng, (1, 2, 2, 2, 3), dtype) for _ in "hc")
    _, final, tape = layer.forward(x, state, lengths=[0, 2])
    dstate = tuple(p.normal(rng, part.shape, dtype) for part in final)
    _, initial, _ = tape.backward(np.zeros((2, T, 2, 2, 3), dtype), dstate)
    for given, found, wanted, back in zip(state, final, dstate, initial, strict=True):
        p.assert_same_bits(found[:, 0], given[:, 0])
        p.assert_same_bits(back[:, 0], wanted[:, 0])


def test_the_penalty_is_a_mean_over_true_steps():
    rng = np.random.default_rng(2)
    x, target = rng.standard_normal((5, T, 3)), rng.standard_normal((5, T, 2))
    layers = [ln.Dense(2), ln.ActivityRegularization(2.0, 5.0)]
    model = ln.Sequential(layers, dtype="float64", seed=1)
    y = model.predict(x)
    real = np.arange(T) < LENGTHS[:, None]
    squares = (y[real] ** 2).mean()
    change = np.concatenate([np.diff(y[n, :k], axis=0) for n, k in enumerate(LENGTHS) if k])
    penalty = 2.0 * squares + 5.0 * (change**2).mean()
    plain = model.evaluate(x, target, loss="mse", lengths=LENGTHS)["loss"]
    history = model.fit(
        x,
        target,
        lengths=LENGTHS,
        loss="mse",
        optimizer=ln.SGD(1e-30),
        verbose=False,
        shuffle=False,
        seed=0,
    )
    assert history.history["loss"][0] == pytest.approx(plain + penalty, rel=1e-12)


@pytest.mark.parametrize("name", ["residual", "conv_lstm", "tied"])
def test_padding_changes_no_bit_of_a_training(name, dtype):
    """Two widths of padding, the same weights after an epoch."""
    rng = np.random.default_rng(3)
    layers = {
        "residual": lambda: [ln.Residual([ln.LSTM(FEATURES)]), ln.Dense(2)],
        "conv_lstm": lambda: [conv(), ln.Dense(2)],
        "tied": lambda: [ln.Embedding(7, 4), ln.LSTM(4), ln.Dense(7, tied=True)],
    }[name]
    tokens = name == "tied"
    shape = (len(LENGTHS), T) if tokens else (len(LENGTHS), T, FEATURES)
    x = rng.integers(0, 7, shape) if tokens else p.normal(rng, shape, dtype)
    y = rng.integers(0, 7, shape) if tokens else p.normal(rng, (*shape[:2], 2), dtype)
    wider = [(0, 0), (0, 4)]
    found = []
    for pad in (False, True):
        model = ln.Sequential(layers(), dtype=dtype.name, seed=1)
        data = [np.pad(a, wider + [(0, 0)] * (a.ndim - 2)) if pad else a for a in (x, y)]
        loss = "categorical_crossentropy" if tokens else "mse"
        model.fit(*data, lengths=LENGTHS, loss=loss, epochs=2, verbose=False, seed=0)
        found.append(model.state_dict())
    p.assert_same_weights(found[1], found[0])


def test_a_tied_dense_takes_lengths_by_itself():
    model = ln.Sequential([ln.Embedding(7, 4), ln.Dense(7, tied=True)], dtype="float64", seed=0)
    rng = np.random.default_rng(4)
    h, dy = rng.standard_normal((5, T, 4)), rng.standard_normal((5, T, 7))
    _, _, tape = model.layers[1].forward(h, lengths=LENGTHS)
    _, _, gradients = tape.backward(dy)
    real = np.arange(T) < LENGTHS[:, None]
    assert ref.relative_error(gradients["weight"], dy[real].T @ h[real]) <= 1e-13


def test_windows_carry_the_state_of_a_conv_lstm_and_refuse_what_cannot():
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((3, T, FEATURES)), rng.standard_normal((3, T, 12))
    losses = []
    for tbptt in (None, 2):
        model = ln.Sequential([conv()], dtype="float64", seed=1)
        history = model.fit(
            x, y, tbptt=tbptt, optimizer=ln.SGD(1e-30), verbose=False, shuffle=False, seed=0
        )
        losses.append(history.history["loss"][0])
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
    with pytest.raises(ValueError, match="steps to come"):
        ln.Sequential([conv(reverse=True)], dtype="float64").fit(x, y, tbptt=2, verbose=False)
    inner = ln.Residual([ln.LSTM(FEATURES)])
    with pytest.raises(ValueError, match="not carried"):
        ln.Sequential([inner], dtype="float64").fit(x, x, tbptt=2, verbose=False)
    with pytest.raises(ValueError, match="stateful has no effect in a Residual"):
        ln.Residual([ln.LSTM(FEATURES, stateful=True)])
