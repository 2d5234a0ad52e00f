"""Gradients: against the reference's back-propagation, and against differences of the product.

The reference says what the gradient should be; central differences say it again without any
formula, for every layer, loss and option.
"""

from __future__ import annotations

import json

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln

F64 = np.dtype("float64")
DROPOUT_SEED = 11


@given(
    shape=st.tuples(p.samples, p.timesteps, p.features, p.hidden_sizes),
    num_layers=st.integers(1, 3),
    with_state=st.booleans(),
    return_sequences=st.booleans(),
    seed=p.seeds,
)
def test_lstm_gradients_match_the_reference(
    isa, dtype, threads, shape, num_layers, with_state, return_sequences, seed
):
    n, t, f, h = shape
    rng = np.random.default_rng(seed)
    layer = p.make_layer(
        p.lstm_spec(h, num_layers=num_layers, return_sequences=return_sequences), f, dtype
    )
    weights = {k: v.astype(dtype) for k, v in ref.random_lstm(rng, f, h, num_layers).items()}
    layer.set_parameters(weights)
    x = p.normal(rng, (n, t, f), dtype)
    dy = p.normal(rng, (n, t, h) if return_sequences else (n, h), dtype)
    state = dstate = None
    if with_state:
        state, dstate = (
            tuple(p.normal(rng, (num_layers, n, h), dtype) for _ in "hc") for _ in range(2)
        )

    _, _, tape = layer.forward(x, state, True, 0)
    dx, dstate_initial, gradients = tape.backward(dy, dstate)

    def double(pair):
        return None if pair is None else tuple(a.astype(F64) for a in pair)

    _, _, ref_tape = ref.lstm_forward(x.astype(F64), p.float64(weights), num_layers, double(state))
    dy_steps = dy.astype(F64)
    if not return_sequences:
        dy_steps = np.zeros((n, t, h))
        dy_steps[:, -1] = dy
    expected = ref.lstm_backward(dy_steps, double(dstate), p.float64(weights), ref_tape)

    assert list(gradients) == list(weights)
    assert all(gradient.dtype == dtype for gradient in gradients.values())
    p.check_gradients(
        dtype,
        {"x": dx, "h": dstate_initial[0], "c": dstate_initial[1], **gradients},
        {"x": expected[0], "h": expected[1][0], "c": expected[1][1], **expected[2]},
    )


@pytest.mark.parametrize(("n", "t", "f", "h"), [(67, 20, 40, 70), (3, 150, 5, 129)])
def test_lstm_gradients_beyond_one_tile(isa, dtype, threads, n, t, f, h):
    """Sizes that are split over threads and time chunks."""
    rng = np.random.default_rng(n)
    layer = p.make_layer(p.lstm_spec(h), f, dtype)
    weights = {k: v.astype(dtype) for k, v in ref.random_lstm(rng, f, h).items()}
    layer.set_parameters(weights)
    x, dy = p.normal(rng, (n, t, f), dtype), p.normal(rng, (n, t, h), dtype)
    _, _, tape = layer.forward(x, None, True, 0)
    dx, _, gradients = tape.backward(dy, None)
    _, _, ref_tape = ref.lstm_forward(x.astype(F64), p.float64(weights), 1)
    expected = ref.lstm_backward(dy.astype(F64), None, p.float64(weights), ref_tape)
    p.check_gradients(dtype, {"x": dx, **gradients}, {"x": expected[0], **expected[2]})


def _lstm(**options):
    return p.lstm_spec(5, **options)


# name, layer, shape of x
LAYERS = {
    "lstm": (_lstm(), (2, 4, 3)),
    "lstm_one_step_one_unit": (p.lstm_spec(1), (1, 1, 1)),
    "lstm_last_step": (_lstm(return_sequences=False), (2, 4, 3)),
    "lstm_three_layers": (p.lstm_spec(3, num_layers=3), (2, 4, 3)),
    "lstm_dropout_between": (_lstm(num_layers=2, dropout=0.4), (2, 4, 3)),
    "lstm_vector_tail": (p.lstm_spec(9), (2, 2, 2)),
    "lstm_reverse": (_lstm(num_layers=2, dropout=0.4, reverse=True), (2, 4, 3)),
    "lstm_reverse_last_step": (_lstm(reverse=True, return_sequences=False), (2, 4, 3)),
    "lstm_two_ways": (_lstm(bidirectional=True), (2, 4, 3)),
    "lstm_two_ways_last_step": (_lstm(bidirectional=True, return_sequences=False), (2, 4, 3)),
    "lstm_two_ways_stacked": (_lstm(bidirectional=True, num_layers=3, dropout=0.4), (2, 4, 3)),
    "dense_linear": (p.dense_spec(4), (2, 3, 5)),
    "dense_no_bias": (p.dense_spec(4, bias=False), (3, 5)),
    "dense_relu": (p.dense_spec(4, activation="relu"), (2, 3, 5)),
    "dense_sigmoid": (p.dense_spec(4, activation="sigmoid"), (2, 3, 5)),
    "dense_tanh": (p.dense_spec(4, activation="tanh"), (2, 3, 5)),
    "dense_softmax": (p.dense_spec(4, activation="softmax"), (2, 3, 5)),
    "activation_relu": ({"type": "activation", "activation": "relu"}, (3, 6)),
    "activation_sigmoid": ({"type": "activation", "activation": "sigmoid"}, (3, 6)),
    "activation_tanh": ({"type": "activation", "activation": "tanh"}, (2, 3, 6)),
    "activation_softmax": ({"type": "activation", "activation": "softmax"}, (2, 3, 6)),
    "layer_norm": ({"type": "layer_norm"}, (2, 3, 6)),
    "layer_norm_vectors": ({"type": "layer_norm", "epsilon": 0.1}, (3, 9)),
    "dropout": ({"type": "dropout", "rate": 0.4}, (2, 3, 6)),
    "highway": (
        {
            "type": "highway",
            "window": 3,
            "layers": [_lstm(return_sequences=False, bidirectional=True), p.dense_spec(2)],
        },
        (2, 4, 3),
    ),
    # The linear path adds to what the last inner layer remembers as its own output.
    "highway_ends_in_tanh": (
        {
            "type": "highway",
            "window": 2,
            "layers": [_lstm(return_sequences=False), p.dense_spec(2, activation="tanh")],
        },
        (2, 4, 3),
    ),
    "highway_ends_in_activation": (
        {
            "type": "highway",
            "window": 2,
            "layers": [
                _lstm(return_sequences=False),
                {"type": "activation", "activation": "sigmoid"},
            ],
        },
        (2, 4, 3),
    ),
    "residual": ({"type": "residual", "layers": [p.lstm_spec(3)]}, (2, 4, 3)),
    # What the inner layer remembers as its own output is not what the Residual gives.
    "residual_ends_in_tanh": (
        {
            "type": "residual",
            "layers": [p.dense_spec(5), p.dense_spec(3, activation="tanh")],
        },
        (2, 3),
    ),
    "residual_in_residual_with_dropout": (
        {
            "type": "residual",
            "layers": [
                {"type": "layer_norm"},
                {
                    "type": "residual",
                    "layers": [p.lstm_spec(4), {"type": "dropout", "rate": 0.3}, p.lstm_spec(3)],
                },
            ],
        },
        (2, 4, 3),
    ),
    "highway_whole_window_with_dropout": (
        {
            "type": "highway",
            "window": 3,
            "layers": [
                _lstm(num_layers=2, dropout=0.3),
                {"type": "layer_norm"},
                {"type": "dropout", "rate": 0.3},
                _lstm(return_sequences=False),
                p.dense_spec(1, activation="tanh"),
            ],
        },
        (2, 3, 2),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_gradients_match_central_differences(isa, threads, name):
    """Every element of every gradient: input, initial state, parameters."""
    spec, shape = LAYERS[name]
    rng = np.random.default_rng(1)
    layer = p.make_layer(spec, shape[-1], F64)
    weights = p.randomise(layer, rng)
    x = rng.standard_normal(shape)
    state = dstate = None
    if spec["type"] == "lstm":
        runs = spec.get("num_layers", 1) * (2 if spec.get("bidirectional") else 1)
        size = (runs, shape[0], spec["hidden_size"])
        state = (rng.standard_normal(size), rng.standard_normal(size))
        dstate = (rng.standard_normal(size), rng.standard_normal(size))

    y, _, tape = layer.forward(x, state, True, DROPOUT_SEED)
    dy = rng.standard_normal(y.shape)
    dx, dstate_initial, gradients = tape.backward(dy, dstate)

    def value(x=x, state=state) -> float:
        """<dy, y> + <dstate, final state>: the scalar whose gradient was taken."""
        y, final, _ = layer.forward(x, state, True, DROPOUT_SEED)
        total = (y * dy).sum()
        return (
            total
            if dstate is None
            else total + sum(np.vdot(*q) for q in zip(final, dstate, strict=True))
        )

    def check(what: str, gradient: np.ndarray, f, at: np.ndarray) -> None:
        error = ref.relative_error(gradient, ref.central_difference(f, at))
        assert error <= p.DIFFERENCE_TOLERANCE, f"{what}: relative error {error:.3g}"

    check("x", dx, lambda a: value(x=a), x)
    if state is not None:
        check("h", dstate_initial[0], lambda a: value(state=(a, state[1])), state[0])
        check("c", dstate_initial[1], lambda a: value(state=(state[0], a)), state[1])
    assert sorted(gradients) == sorted(weights)
    for key, at in weights.items():

        def moved(a: np.ndarray, key: str = key) -> float:
            layer.set_parameters({**weights, key: a})
            return value()

        check(key, gradients[key], moved, at)
        layer.set_parameters(weights)


def test_embedding_gradient_collects_every_place_of_a_token(isa, dtype):
    layer = p.make_layer({"type": "embedding", "vocabulary": 6, "features": 5}, 0, dtype)
    rng = np.random.default_rng(0)
    tokens = np.array([[0, 3, 3, 5], [3, 0, 1, 1]])
    y, _, tape = layer.forward(tokens, None, True, 0)
    dy = p.normal(rng, y.shape, dtype)
    _, _, gradients = tape.backward(dy, None)
    weight = layer.parameters()["weight"].astype(F64)
    expected = ref.embedding_backward(dy.astype(F64), tokens, weight)
    assert ref.relative_error(gradients["weight"], expected) <= p.GRADIENT_TOLERANCE[dtype]
    assert not gradients["weight"][[2, 4]].any()


@given(
    shape=st.tuples(p.samples, p.timesteps, p.features, p.hidden_sizes),
    num_layers=st.integers(1, 3),
    dropout=st.sampled_from([0.0, 0.5]),
    seed=p.seeds,
)
def test_lstm_gradients_along_random_directions(isa, threads, shape, num_layers, dropout, seed):
    """All gradients at once for shapes too large to go element by element."""
    n, t, f, h = shape
    rng = np.random.default_rng(seed)
    layer = p.make_layer(p.lstm_spec(h, num_layers=num_layers, dropout=dropout), f, F64)
    weights = ref.random_lstm(rng, f, h, num_layers)
    layer.set_parameters(weights)
    x = rng.standard_normal((n, t, f))
    dy = rng.standard_normal((n, t, h))
    _, _, tape = layer.forward(x, None, True, DROPOUT_SEED)
    dx, _, gradients = tape.backward(dy, None)

    # Along the gradient itself the slope is its norm: nothing cancels.
    norm = np.sqrt((dx**2).sum() + sum((g**2).sum() for g in gradients.values()))

    def along(step: np.ndarray) -> float:
        k = float(step[0]) / norm
        layer.set_parameters({name: w + k * gradients[name] for name, w in weights.items()})
        return float((layer.forward(x + k * dx, None, True, DROPOUT_SEED)[0] * dy).sum())

    slope = ref.directional_difference(along, np.zeros(1), np.ones(1))
    assert slope == pytest.approx(norm, rel=p.DIFFERENCE_TOLERANCE)


# A network that ends in K outputs, with or without time axis, for each loss.
LOSSES = {
    "mse": {"type": "mse"},
    "mae": {"type": "mae"},
    "huber": {"type": "huber", "delta": 0.7},
    "binary_crossentropy": {"type": "binary_crossentropy"},
    "categorical_crossentropy": {"type": "categorical_crossentropy"},
}
HEADS = {
    "per_sequence": [_lstm(return_sequences=False), p.dense_spec(3)],
    "per_step": [_lstm(), {"type": "layer_norm"}, p.dense_spec(3)],
    "highway": [
        {
            "type": "highway",
            "window": 2,
            "layers": [_lstm(return_sequences=False), p.dense_spec(3)],
        }
    ],
}


def build(specs: list[p.Spec], input_features: int, rng: np.random.Generator) -> list:
    """Native float64 layers with random weights, widths handed from one to the next."""
    layers, probe = [], np.zeros((1, 8, input_features))
    for spec in specs:
        layers.append(p.make_layer(spec, probe.shape[-1], F64))
        if layers[-1].parameters():
            p.randomise(layers[-1], rng)
        probe = layers[-1].forward(probe, None, False, 0)[0]
    return layers


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("loss", LOSSES)
def test_network_gradients_match_central_differences(isa, threads, loss, head, weighted):
    """The gradient that an update uses, through loss, weights and mask, for every loss."""
    rng = np.random.default_rng(5)
    layers = build(HEADS[head], 3, rng)
    x = rng.standard_normal((4, 3, 3))
    rows = (4, 3) if head == "per_step" else (4,)
    if loss == "categorical_crossentropy":
        y = rng.integers(0, 3, rows)
    elif loss == "binary_crossentropy":
        y = rng.uniform(0, 1, (*rows, 3))
    else:
        y = 2.0 * rng.standard_normal((*rows, 3))
    weights = None
    if weighted:
        weights = rng.uniform(0, 2, rows)
        weights.flat[1] = 0.0
    spec = LOSSES[loss]
    value, gradients = p.network_gradients(layers, spec, x, y, weights)
    assert value == pytest.approx(p.network_loss(layers, spec, x, y, weights), rel=1e-12)

    for layer, of_layer in zip(layers, gradients, strict=True):
        old = layer.parameters()
        for name, gradient in of_layer.items():

            def moved(a: np.ndarray, layer=layer, old=old, name=name) -> float:
                layer.set_parameters({**old, name: a})
                return p.network_loss(layers, spec, x, y, weights)

            # Steps small enough not to cross the kinks of mae and huber.
            expected = ref.central_difference(moved, old[name])
            layer.set_parameters(old)
            error = ref.relative_error(gradient, expected)
            assert error <= p.DIFFERENCE_TOLERANCE, f"{name}: relative error {error:.3g}"


def test_gradients_through_an_embedding_match_the_reference(isa, threads):
    rng = np.random.default_rng(0)
    embedding = p.make_layer({"type": "embedding", "vocabulary": 7, "features": 4}, 0, F64)
    lstm = p.make_layer(p.lstm_spec(6), 4, F64)
    dense = p.make_layer(p.dense_spec(7), 6, F64)
    layers = [embedding, lstm, dense]
    e, w, d = (p.randomise(layer, rng) for layer in layers)
    tokens, labels = rng.integers(0, 7, (3, 5)), rng.integers(0, 7, (3, 5))
    loss, gradients = p.network_gradients(
        layers, {"type": "categorical_crossentropy"}, tokens, labels, None
    )
    x = ref.embedding_forward(tokens, e["weight"])
    h, _, tape = ref.lstm_forward(x, w, 1)
    logits = ref.dense_forward(h, d["weight"], d["bias"])
    expected_loss, dlogits = ref.loss_and_gradient("categorical_crossentropy", logits, labels)
    dh, dw, db = ref.dense_backward(dlogits, h, logits, d["weight"])
    dx, _, lstm_gradients = ref.lstm_backward(dh, None, w, tape)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    expected = [
        {"weight": ref.embedding_backward(dx, tokens, e["weight"])},
        lstm_gradients,
        {"weight": dw, "bias": db},
    ]
    for ours, theirs in zip(gradients, expected, strict=True):
        for name, gradient in ours.items():
            assert ref.relative_error(gradient, theirs[name]) <= 1e-12, name


def test_a_tape_can_be_used_once():
    y, _, tape = ln.LSTM(3, input_size=2, seed=0).forward(np.ones((1, 2, 2), np.float32))
    tape.backward(y)
    with pytest.raises(RuntimeError, match="tape was already used"):
        tape.backward(y)


def test_a_tape_remembers_its_own_forward_pass():
    """Later passes do not reach back into a tape that is still open."""
    layer = p.make_layer(p.lstm_spec(4), 2, F64)
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 4))
    expected = layer.forward(x, None, True, 0)[2].backward(dy, None)
    _, _, tape = layer.forward(x, None, True, 0)
    layer.forward(rng.standard_normal((5, 7, 2)), None, True, 1)
    dx, _, gradients = tape.backward(dy, None)
    p.assert_same_bits(dx, expected[0])
    p.assert_same_weights(gradients, expected[2])


def test_specs_come_back_as_they_were_given():
    for spec, shape in LAYERS.values():
        layer = p.make_layer(spec, shape[-1], F64)
        assert spec.items() <= json.loads(layer.spec).items() or "layers" in spec
