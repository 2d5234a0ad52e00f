"""Keras's functional models as the truth: the same weights, answers, losses and histories."""

from __future__ import annotations

import os

import numpy as np
import pytest

import lstm_native as ln

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")

N, T, F, H = 8, 5, 3, 4


def test_a_functional_model_of_two_outputs():
    a, b = keras.Input((T, F), name="a"), keras.Input((F,), name="b")
    y, h, _ = keras.layers.LSTM(H, return_sequences=True, return_state=True, name="lstm")(a)
    joined = keras.layers.Concatenate()([h, b])
    outputs = {
        "each": keras.layers.Dense(1, name="each")(y),
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(joined),
    }
    theirs = keras.Model([a, b], outputs)
    losses = {"each": "mse", "kind": "sparse_categorical_crossentropy"}
    theirs.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss=losses,
        loss_weights={"each": 0.5, "kind": 1.0},
        metrics={"kind": ["accuracy"]},
    )

    x, z = ln.Input(features=F, name="a"), ln.Input(features=F, name="b")
    y2, (h2, _) = ln.LSTM(H, name="lstm")(x)
    last = ln.Last()(y2)
    assert h2.features == last.features
    ours = ln.Model(
        [x, z],
        {
            "each": ln.Dense(1, name="each")(y2),
            "kind": ln.Dense(3, activation="softmax", name="kind")(ln.concat([last, z])),
        },
    )
    kernel, recurrent, bias = (np.asarray(w) for w in theirs.get_layer("lstm").get_weights())
    state = {
        "lstm.weight_ih_l0": kernel.T,
        "lstm.weight_hh_l0": recurrent.T,
        "lstm.bias_ih_l0": bias,
        "lstm.bias_hh_l0": np.zeros_like(bias),
    }
    for name in ("each", "kind"):
        weight, offset = (np.asarray(w) for w in theirs.get_layer(name).get_weights())
        state |= {f"{name}.weight": weight.T, f"{name}.bias": offset}
    ours.load_state_dict(state)

    rng = np.random.default_rng(0)
    data = {
        "a": rng.normal(size=(N, T, F)).astype("float32"),
        "b": rng.normal(size=(N, F)).astype("float32"),
    }
    targets = {
        "each": rng.normal(size=(N, T, 1)).astype("float32"),
        "kind": rng.integers(0, 3, N),
    }
    expected = theirs.predict(data, verbose=0)
    found = ours.predict(data)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=2e-6)
    options = {"epochs": 3, "batch_size": N, "shuffle": False, "verbose": 0}
    wanted = theirs.fit(data, targets, **options).history
    # Two biases that add up move together, each by as much as Keras's one: so twice as far.
    history = ours.fit(
        data,
        targets,
        loss={"each": "mse", "kind": "categorical_crossentropy"},
        loss_weights={"each": 0.5},
        metrics={"kind": "accuracy"},
        optimizer=ln.SGD(0.1),
        **options,
    ).history
    assert set(history) == set(wanted)
    for name in history:
        np.testing.assert_allclose(history[name][0], wanted[name][0], rtol=1e-5)
        np.testing.assert_allclose(history[name], wanted[name], rtol=2e-2)
