"""`gradient_flow` of graphs: what training has, node by node, with states on edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import product as p
import pytest
from graph_helpers import VOCABULARY, F, H, N, T, data_of_two, encoder_decoder, two_by_two

import lstm_native as ln
from lstm_native.diagnostics import gradient_flow

RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, T, F))


def attending() -> ln.Model:
    """An encoder, attention to it, and a layer that attends in its own steps, over strides."""
    x = ln.Input(features=F, name="x")
    memory, _ = ln.LSTM(H, bidirectional=True, merge="sum", name="encoder")(
        ln.Conv1D(H, 2, 2, padding="same")(x)
    )
    y, state = ln.GRU(H, name="reader")(x, state=0.5 * ln.Dense(H)(ln.Last()(memory)))
    looked = ln.Attention("general")(y, memory)
    z, _ = ln.AttentionLSTM(H, name="writer")(ln.concat([looked, y]), memory)
    end = ln.Dense(1, name="end")(ln.LayerNorm()(z) - y)
    return ln.Model(x, [end, ln.Dense(2, name="last")(state)], dtype="float64", seed=0)


def shared() -> ln.Model:
    """A layer used twice, its second state from its first, and three stacked layers."""
    x = ln.Input(features=F, name="x")
    layer = ln.LSTM(F, name="shared")
    y, state = layer(x)
    z, _ = layer(y, state=state)
    w, h = ln.GRU(H, num_layers=3, residual=True, name="deep")(z * y)
    q, _ = ln.GRU(H, num_layers=3, name="deeper", return_sequences=False)(w, state=h)
    return ln.Model(x, ln.Dense(2)(q), dtype="float64", seed=0)


def probabilities() -> ln.Model:
    """Ends that cross-entropies take for probabilities, and one in the middle."""
    x = ln.Input(features=F, name="x")
    y, _ = ln.RNN(H)(x)
    gate = ln.Dense(H, activation="sigmoid", name="gate")(y)
    kind = ln.Dense(3, activation="softmax", name="kind")(y * gate)
    sure = ln.Activation("sigmoid")(ln.Dense(1, name="sure")(ln.Last()(y)))
    return ln.Model(x, {"kind": kind, "sure": sure}, dtype="float64", seed=0)


def tokens() -> tuple[Any, ...]:
    source, target = RNG.integers(0, VOCABULARY, (2, N, T))
    words = RNG.integers(0, VOCABULARY, (N, T))
    return encoder_decoder(dtype="float64"), [source, target], words


CASES: dict[str, Any] = {
    "encoder and decoder": lambda: (*tokens(), {"loss": "categorical_crossentropy"}),
    "lengths": lambda: (
        *tokens(),
        {
            "loss": "categorical_crossentropy",
            "lengths": [RNG.integers(1, T + 1, N), RNG.integers(1, T + 1, N)],
        },
    ),
    "two by two": lambda: (
        two_by_two("float64"),
        *data_of_two(dtype="float64"),
        {
            "loss": ["mse", "categorical_crossentropy"],
            "loss_weights": [0.5, 3.0],
            "sample_weight": np.array([0.5, 1.5, 1.0, 0.7, 1.3, 1.0]),  # their mean is 1
        },
    ),
    "attention": lambda: (
        attending(),
        X,
        [RNG.normal(size=(N, T, 1)), RNG.normal(size=(N, 2))],
        {"loss": "mse", "lengths": RNG.integers(1, T + 1, N)},
    ),
    "shared": lambda: (shared(), X, RNG.normal(size=(N, 2)), {"loss": "mse"}),
    "probabilities": lambda: (
        probabilities(),
        X,
        {"kind": RNG.integers(0, 3, (N, T)), "sure": RNG.integers(0, 2, (N, 1))},
        {"loss": {"kind": "categorical_crossentropy", "sure": "binary_crossentropy"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_loss_and_norm_are_those_of_training(name):
    model, x, y, options = CASES[name]()
    before = model.state_dict()
    found = gradient_flow({"it": model}, x, y, **options)["it"]
    value, gradients = model.gradients(x, y, **options)
    norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
    assert abs(found.loss - value) <= 1e-12 * abs(value)
    assert abs(found.gradient_norm - norm) <= 1e-11 * norm
    if "loss_weights" not in options:  # which evaluate has from fit alone
        tested = model.evaluate(x, y, **options)
        assert abs(found.loss - tested["loss"]) <= 1e-12 * abs(found.loss)
    p.assert_same_weights(model.state_dict(), before)


def test_a_chain_written_as_a_graph_has_the_same_flow():
    layers = [ln.LSTM(H, num_layers=2), ln.GRU(H, bidirectional=True), ln.Last(), ln.Dense(1)]
    chain = ln.Sequential(layers, dtype="float64", seed=0)
    chain.predict(X)
    x = ln.Input(features=F)
    y = layers[0](x)[0]
    y = layers[3](layers[2](layers[1](y)[0]))
    lengths, target = [5, 1, 2, 3, 4, 5], RNG.normal(size=(N, 1))
    flows = gradient_flow({"a": chain, "b": ln.Model(x, y)}, X, target, lengths=lengths)
    one, other = flows["a"], flows["b"]
    assert (one.loss, one.gradient_norm) == (other.loss, other.gradient_norm)
    assert len(one.layers) == len(other.layers) == 4
    for a, b in zip(one.layers, other.layers, strict=True):
        p.assert_same_bits(a.dh_samples, b.dh_samples)
        assert a.decay == b.decay
    assert [layer.name.split()[0] for layer in other.layers] == ["lstm", "lstm", "gru", "gru"]


def test_the_gradient_at_a_state_that_is_handed_on_is_a_central_difference():
    """The encoder's last step acts through its state alone."""
    source, target = ln.Input(features=F, name="source"), ln.Input(features=F, name="target")
    encoder, decoder, dense = ln.LSTM(H, name="encoder"), ln.LSTM(H), ln.Dense(1)
    _, state = encoder(source)
    y, _ = decoder(target, state=state)
    model = ln.Model([source, target], dense(y), dtype="float64", seed=0)
    goal = RNG.normal(size=(N, T, 1))
    flow = gradient_flow(model, [X, -X], goal)["LSTM"]
    found = next(layer for layer in flow.layers if layer.name.startswith("encoder"))
    _, (h, c) = encoder(X)
    gradient = np.zeros_like(h)
    for place in np.ndindex(h.shape):
        ends = []
        for sign in (1e-6, -1e-6):
            moved = h.copy()
            moved[place] += sign
            ends.append(((dense(decoder(-X, (moved, c))[0]) - goal) ** 2).mean())
        gradient[place] = (ends[0] - ends[1]) / 2e-6
    expected = N * np.linalg.norm(gradient[0], axis=1)
    assert np.abs(found.dh_samples[:, -1] - expected).max() <= 1e-7 * expected.max()


def test_layers_rest():
    """Dropout, also inside of others, and running statistics: the loss is that of evaluate."""
    x = ln.Input(features=F)
    y, _ = ln.LSTM(H, zoneout=0.3)(ln.BatchNorm()(x))
    y = ln.Residual([ln.Dense(H), ln.Dropout(0.5), ln.BatchNorm()])(y)
    model = ln.Model(x, ln.Dense(1)(ln.Dropout(0.5)(y)), dtype="float64", seed=0)
    goal = RNG.normal(size=(N, T, 1))
    model.fit(X, goal, epochs=2, verbose=0, seed=0)
    before = model.state_dict()
    found = gradient_flow(model, X, goal)["LSTM"]
    assert abs(found.loss - model.evaluate(X, goal)["loss"]) <= 1e-12
    p.assert_same_weights(model.state_dict(), before)


def test_lists_of_sequences_are_what_padded_ones_are():
    model = encoder_decoder(dtype="float64")
    ends = [np.array([5, 1, 2, 3, 4, 5]), np.array([1, 2, 3, 4, 5, 2])]
    x = [RNG.integers(0, VOCABULARY, (N, T)) for _ in range(2)]
    y = RNG.integers(0, VOCABULARY, (N, T))
    lists = [
        [row[:end] for row, end in zip(a, e, strict=True)] for a, e in zip(x, ends, strict=True)
    ]
    of_y = [row[:end] for row, end in zip(y, ends[1], strict=True)]
    loss = "categorical_crossentropy"
    padded = gradient_flow(model, x, y, loss, lengths=ends)["LSTM"]
    listed = gradient_flow(model, lists, of_y, loss)["LSTM"]
    assert padded.loss == listed.loss
    for a, b in zip(padded.layers, listed.layers, strict=True):
        p.assert_same_bits(a.dh_samples, b.dh_samples)


def test_what_has_no_recurrent_node_is_refused():
    x = ln.Input(features=F)
    with pytest.raises(ValueError, match="no recurrent layer of its own"):
        gradient_flow(ln.Model(x, ln.Dense(1)(x), seed=0), X, X[..., :1])
