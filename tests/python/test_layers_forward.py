"""Forward passes against the float64 reference: every layer, number type and instruction set."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Within the forward tolerance of the actual array's number type."""
    error = ref.relative_error(actual, expected)
    assert error <= p.FORWARD_TOLERANCE[actual.dtype], f"relative error {error:.3g}"


@given(
    shape=st.tuples(p.samples, p.timesteps, p.features, p.hidden_sizes),
    num_layers=st.integers(1, 3),
    with_state=st.booleans(),
    seed=p.seeds,
)
def test_lstm_matches_the_reference(isa, dtype, threads, shape, num_layers, with_state, seed):
    n, t, f, h = shape
    rng = np.random.default_rng(seed)
    layer = ln.LSTM(h, input_size=f, num_layers=num_layers, dtype=dtype.name, seed=0)
    weights = {k: v.astype(dtype) for k, v in ref.random_lstm(rng, f, h, num_layers).items()}
    layer.load_state_dict(weights)
    x = p.normal(rng, (n, t, f), dtype)
    state = None
    if with_state:
        state = (
            p.normal(rng, (num_layers, n, h), dtype),
            p.normal(rng, (num_layers, n, h), dtype),
        )

    y, (h_final, c_final) = layer(x, state)

    expected, (h_expected, c_expected), _ = ref.lstm_forward(
        x.astype(np.float64),
        p.float64(weights),
        num_layers,
        None if state is None else (state[0].astype(np.float64), state[1].astype(np.float64)),
    )
    assert y.dtype == h_final.dtype == c_final.dtype == dtype
    close(y, expected)
    close(h_final, h_expected)
    close(c_final, c_expected)


@pytest.mark.parametrize(
    ("n", "t", "f", "h"),
    [(67, 20, 40, 70), (3, 150, 5, 129), (130, 9, 1, 33), (2, 40, 257, 96)],
    ids=["rows_over_threads", "long_and_wide", "many_rows_one_feature", "many_features"],
)
def test_lstm_sizes_beyond_one_tile(isa, dtype, threads, n, t, f, h):
    rng = np.random.default_rng(n)
    layer = p.make_layer(p.lstm_spec(h, num_layers=2), f, dtype)
    weights = {k: v.astype(dtype) for k, v in ref.random_lstm(rng, f, h, 2).items()}
    layer.set_parameters(weights)
    x = p.normal(rng, (n, t, f), dtype)
    y, state, _ = layer.forward(x, None, False, 0)
    expected, expected_state, _ = ref.lstm_forward(x.astype(np.float64), p.float64(weights), 2)
    assert y.dtype == state[0].dtype == state[1].dtype == dtype
    close(y, expected)
    close(state[0], expected_state[0])
    close(state[1], expected_state[1])


def test_last_step_only_is_the_last_step_of_the_sequence(isa, dtype):
    whole = ln.LSTM(13, input_size=5, dtype=dtype.name, seed=3)
    last = ln.LSTM(13, input_size=5, return_sequences=False, dtype=dtype.name, seed=3)
    x = p.normal(np.random.default_rng(0), (4, 7, 5), dtype)
    (y, state), (y_last, state_last) = whole(x), last(x)
    assert y_last.shape == (4, 13)
    p.assert_same_bits(y_last, np.ascontiguousarray(y[:, -1]))
    p.assert_same_bits(state_last[0], state[0])
    p.assert_same_bits(state_last[1], state[1])
    p.assert_same_bits(y_last, state[0][-1])


def test_no_initial_state_is_a_state_of_zeros(isa, dtype):
    layer = ln.LSTM(9, input_size=3, num_layers=2, dtype=dtype.name, seed=1)
    x = p.normal(np.random.default_rng(0), (2, 4, 3), dtype)
    zeros = np.zeros((2, 2, 9), dtype)
    p.assert_same_bits(layer(x)[0], layer(x, (zeros, zeros))[0])


def test_a_sequence_in_two_halves_is_the_whole(isa, dtype):
    """The final state, handed in again, continues as if nothing had happened: the same bits."""
    layer = ln.LSTM(17, input_size=6, num_layers=2, dtype=dtype.name, seed=1)
    x = p.normal(np.random.default_rng(0), (3, 11, 6), dtype)
    whole, final = layer(x)
    first, state = layer(x[:, :4])
    second, state = layer(x[:, 4:], state)
    p.assert_same_bits(np.concatenate([first, second], axis=1), whole)
    p.assert_same_bits(state[0], final[0])
    p.assert_same_bits(state[1], final[1])


def test_run_and_remember_answers_as_run(isa, dtype):
    layer = ln.LSTM(17, input_size=6, num_layers=2, dtype=dtype.name, seed=1)
    x = p.normal(np.random.default_rng(0), (3, 5, 6), dtype)
    y, state = layer(x)
    y_taped, state_taped, _ = layer.forward(x)
    p.assert_same_bits(y_taped, y)
    p.assert_same_bits(state_taped[0], state[0])
    p.assert_same_bits(state_taped[1], state[1])


def test_saturated_gates_stay_exact(isa, dtype):
    """Pre-activations in the thousands: gates of exactly 0 and 1, no NaN, c counts the steps."""
    layer = p.make_layer(p.lstm_spec(5), 1, dtype)
    zero = {k: np.zeros_like(v) for k, v in layer.parameters().items()}
    zero["bias_ih_l0"][:] = 5000.0
    layer.set_parameters(zero)
    y, (h, c), _ = layer.forward(np.zeros((2, 6, 1), dtype), None, False, 0)
    p.assert_same_bits(c, np.full((1, 2, 5), 6.0, dtype))
    close(y, np.broadcast_to(np.tanh(np.arange(1.0, 7.0))[:, None], (2, 6, 5)))
    zero["bias_ih_l0"][:5] = -5000.0
    layer.set_parameters(zero)
    _, (h, c), _ = layer.forward(np.zeros((2, 6, 1), dtype), None, False, 0)
    assert not h.any()
    assert not c.any()


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
@given(
    rows=st.integers(1, 40),
    features=p.features,
    units=p.hidden_sizes,
    bias=st.booleans(),
    time_axis=st.booleans(),
    seed=p.seeds,
)
def test_dense_matches_the_reference(
    isa, dtype, activation, rows, features, units, bias, time_axis, seed
):
    rng = np.random.default_rng(seed)
    layer = ln.Dense(
        units, activation=activation, use_bias=bias, input_size=features, dtype=dtype.name, seed=0
    )
    weights = {
        k: rng.uniform(-0.5, 0.5, v.shape).astype(dtype) for k, v in layer.state_dict().items()
    }
    assert list(weights) == (["weight", "bias"] if bias else ["weight"])
    layer.load_state_dict(weights)
    x = p.normal(rng, (rows, 3, features) if time_axis else (rows, features), dtype)
    y = layer(x)

    double = p.float64(weights)
    expected = ref.dense_forward(
        x.astype(np.float64), double["weight"], double.get("bias"), activation
    )
    # A row of a product is judged by the size of its terms: a lone result that cancels
    # to almost nothing says nothing about the sum.
    terms = np.abs(x).astype(np.float64) @ np.abs(double["weight"]).T
    scale = np.abs(expected).max() if activation in ("sigmoid", "softmax") else terms.max()
    error = np.abs(y - expected).max() / max(scale, np.abs(expected).max())
    assert error <= p.FORWARD_TOLERANCE[dtype], f"relative error {error:.3g}"


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_activation_layer_matches_the_reference(isa, dtype, activation):
    x = p.normal(np.random.default_rng(0), (3, 5, 19), dtype) * dtype.type(4)
    layer = p.make_layer({"type": "activation", "activation": activation}, 19, dtype)
    y, state, _ = layer.forward(x, None, False, 0)
    assert not state
    close(y, ref.activate(activation, x.astype(np.float64)))


def test_activations_at_their_ends(isa, dtype):
    """Exact at 0 and where they saturate; NaN stays NaN."""
    x = np.array([[0.0, 1e4, -1e4, np.inf, -np.inf]], dtype)

    def run(name: str, values: np.ndarray) -> np.ndarray:
        layer = p.make_layer({"type": "activation", "activation": name}, values.shape[1], dtype)
        return layer.forward(values, None, False, 0)[0]

    assert run("tanh", x).tolist() == [[0.0, 1.0, -1.0, 1.0, -1.0]]
    assert run("sigmoid", x).tolist() == [[0.5, 1.0, 0.0, 1.0, 0.0]]
    assert run("softmax", x[:, :3]).tolist() == [[0.0, 1.0, 0.0]]
    for name in ("tanh", "sigmoid", "relu", "softmax"):
        assert np.isnan(run(name, np.full((1, 21), np.nan, dtype))).all(), name


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_activation_bits_do_not_depend_on_the_place_in_a_vector(isa, dtype, name):
    """The body of a vector and its tail give the same bits."""
    x = p.normal(np.random.default_rng(0), (1, 37), dtype) * dtype.type(3)

    def run(values: np.ndarray) -> np.ndarray:
        layer = p.make_layer({"type": "activation", "activation": name}, values.shape[1], dtype)
        return layer.forward(np.ascontiguousarray(values), None, False, 0)[0]

    whole = run(x)
    for start in range(37):
        p.assert_same_bits(run(x[:, start:]), np.ascontiguousarray(whole[:, start:]))


@given(n=p.samples, t=p.timesteps, width=p.features, vocabulary=st.integers(1, 50), seed=p.seeds)
def test_embedding_looks_up_rows(isa, dtype, n, t, width, vocabulary, seed):
    rng = np.random.default_rng(seed)
    layer = ln.Embedding(vocabulary, width, dtype=dtype.name, seed=1)
    weight = layer.state_dict()["weight"]
    assert (weight.shape, weight.dtype) == ((vocabulary, width), dtype)
    tokens = rng.integers(0, vocabulary, (n, t))
    y = layer(tokens)

    p.assert_same_bits(y, ref.embedding_forward(tokens, weight))
    p.assert_same_bits(layer(tokens[:, 0]), ref.embedding_forward(tokens[:, 0], weight))


@given(n=p.samples, t=p.timesteps, width=st.integers(2, 70), seed=p.seeds)
def test_layer_norm_matches_the_reference(isa, dtype, n, t, width, seed):
    rng = np.random.default_rng(seed)
    layer = p.make_layer({"type": "layer_norm", "epsilon": 1e-3}, width, dtype)
    weights = p.randomise(layer, rng, scale=2.0)
    x = p.normal(rng, (n, t, width), dtype)
    y, state, _ = layer.forward(x, None, False, 0)
    assert not state
    expected = ref.layer_norm_forward(
        x.astype(np.float64), weights["weight"], weights["bias"], epsilon=1e-3
    )
    close(y, expected)


def test_layer_norm_of_a_constant_row_is_its_bias(isa, dtype):
    layer = p.make_layer({"type": "layer_norm"}, 19, dtype)
    weights = p.randomise(layer, np.random.default_rng(0))
    y, _, _ = layer.forward(np.full((2, 19), 0.5, dtype), None, False, 0)
    p.assert_same_bits(y, np.tile(weights["bias"].astype(dtype), (2, 1)))


def test_layer_norm_keeps_its_digits_far_from_zero(isa, dtype):
    """A mean far larger than the spread: the two-pass variance does not cancel."""
    offset = 4096.0
    spread = np.arange(16.0) / 8
    layer = p.make_layer({"type": "layer_norm"}, 16, dtype)
    y, _, _ = layer.forward((offset + spread)[None].astype(dtype), None, False, 0)
    expected = ref.layer_norm_forward(spread[None], np.ones(16), np.zeros(16))
    assert ref.relative_error(y, expected) <= 10 * p.FORWARD_TOLERANCE[dtype]


@given(
    n=p.samples,
    window=st.integers(1, 6),
    extra=st.integers(0, 5),
    width=st.integers(1, 20),
    units=st.integers(1, 9),
    seed=p.seeds,
)
def test_highway_adds_a_linear_view_of_the_last_steps(
    isa, dtype, n, window, extra, width, units, seed
):
    rng = np.random.default_rng(seed)
    inner = [p.lstm_spec(7, return_sequences=False), p.dense_spec(units)]
    layer = p.make_layer({"type": "highway", "window": window, "layers": inner}, width, dtype)
    weights = p.randomise(layer, rng)
    assert weights["weight"].shape == (units, window * width)
    x = p.normal(rng, (n, window + extra, width), dtype)
    y, _, _ = layer.forward(x, None, False, 0)
    x = x.astype(np.float64)
    lstm = {k.removeprefix("layers.0."): v for k, v in weights.items() if k.startswith("layers.0.")}
    beside = ref.dense_forward(
        ref.lstm_forward(x, lstm, 1)[0][:, -1],
        weights["layers.1.weight"],
        weights["layers.1.bias"],
    )
    expected = ref.highway_forward(x, beside, weights["weight"], weights["bias"])
    # Judged by the size of the terms, as in test_dense_matches_the_reference.
    scale = 0.4 * np.abs(x[:, -window:]).reshape(n, -1).sum(axis=1).max()
    assert np.abs(y - expected).max() <= p.FORWARD_TOLERANCE[dtype] * max(
        scale, np.abs(expected).max()
    )


def test_dropout_does_nothing_outside_training(isa, dtype):
    x = p.normal(np.random.default_rng(0), (3, 4, 5), dtype)
    layer = p.make_layer({"type": "dropout", "rate": 0.7}, 5, dtype)
    p.assert_same_bits(layer.forward(x, None, False, 1)[0], x)
    stacked = p.make_layer(p.lstm_spec(6, num_layers=2, dropout=0.7), 5, dtype)
    plain = p.make_layer(p.lstm_spec(6, num_layers=2), 5, dtype)
    plain.set_parameters(stacked.parameters())
    p.assert_same_bits(stacked.forward(x, None, False, 1)[0], plain.forward(x, None, False, 1)[0])


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.75])
def test_dropout_keeps_the_expected_share_and_the_mean(isa, dtype, rate):
    """Inverted dropout: a value is 0, or itself / (1 - rate); and the mask follows the seed."""
    layer = p.make_layer({"type": "dropout", "rate": rate}, 50, dtype)
    ones = np.ones((40, 20, 50), dtype)
    y, _, _ = layer.forward(ones, None, True, 7)
    kept = dtype.type(1) / dtype.type(1 - rate)
    assert set(np.unique(y)) <= {dtype.type(0), np.unique(y)[-1]}
    assert np.unique(y)[-1] == pytest.approx(kept, rel=1e-6)
    share = np.count_nonzero(y) / y.size
    # 40000 independent draws: five standard deviations.
    assert abs(share - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / y.size)
    # No axis shares its mask.
    for axis in range(3):
        assert np.unique(y.any(axis=axis)).tolist() == [True] or np.ptp(y, axis=axis).any()
    p.assert_same_bits(layer.forward(ones, None, True, 7)[0], y)
    assert (layer.forward(ones, None, True, 8)[0] != y).any()


def test_layers_in_a_row_are_the_layers_one_after_the_other(isa, dtype, threads):
    """A Sequential answers exactly what its layers answer by hand, and as the reference does."""
    rng = np.random.default_rng(0)
    model = ln.Sequential(
        [
            ln.LSTM(18),
            ln.LayerNorm(),
            ln.Dropout(0.5),
            ln.LSTM(11, return_sequences=False),
            ln.Dense(4, activation="tanh"),
        ],
        dtype=dtype.name,
        seed=2,
    )
    x = p.normal(rng, (5, 9, 3), dtype)
    y = model.predict(x)
    w = p.float64(model.state_dict())

    def part(index: int) -> dict[str, np.ndarray]:
        prefix = f"{index}."
        return {k.removeprefix(prefix): v for k, v in w.items() if k.startswith(prefix)}

    z = ref.lstm_forward(x.astype(np.float64), part(0), 1)[0]
    z = ref.layer_norm_forward(z, **part(1))
    z = ref.lstm_forward(z, part(3), 1)[0][:, -1]
    expected = ref.dense_forward(z, **part(4), activation="tanh")
    # Two recurrent layers and a normalisation between them, which magnifies their rounding.
    error = ref.relative_error(y, expected)
    assert error <= 5 * p.FORWARD_TOLERANCE[dtype], f"relative error {error:.3g}"
