"""The ONNX operators as functions: layouts, directions, lengths, and what they refuse."""

from __future__ import annotations

import numpy as np
import onnx_helpers
import product as p
import pytest

import lstm_native as ln

KINDS = tuple(onnx_helpers.INPUTS)
OPERATORS = {kind: getattr(ln.onnx_ops, kind.lower()) for kind in KINDS}
T, N, F, H = 6, 4, 3, 5


def inputs_of(kind, directions=1, dtype="float64", **options):
    rng = np.random.default_rng(0)
    return onnx_helpers.random_inputs(rng, kind, (T, N, F, H), directions, dtype=dtype, **options)


def without_lengths(kind, directions=1, **options):
    return inputs_of(kind, directions, without=("sequence_lens",), **options)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("kind", KINDS)
def test_layout_1_is_layout_0_with_the_batch_in_front(kind, direction):
    inputs = inputs_of(kind, 1 + (direction == "bidirectional"))
    swapped = {
        name: value.swapaxes(0, 1) if name in ("X", "initial_h", "initial_c") else value
        for name, value in inputs.items()
    }
    y, *states = OPERATORS[kind](**inputs, direction=direction)
    y_1, *states_1 = OPERATORS[kind](**swapped, direction=direction, layout=1)
    p.assert_same_bits(y_1, y.transpose(2, 0, 1, 3).copy())
    for state, state_1 in zip(states, states_1, strict=True):
        p.assert_same_bits(state_1, state.swapaxes(0, 1).copy())


@pytest.mark.parametrize("unlike", [False, True], ids=["same_functions", "unlike_functions"])
@pytest.mark.parametrize("kind", KINDS)
def test_two_directions_are_two_calls(kind, unlike):
    """Whether one layer runs both or, with functions of their own, a layer each."""
    inputs = without_lengths(kind, 2)
    own = {"LSTM": 3, "GRU": 2, "RNN": 1}[kind]
    functions = ["Softsign"] * own + ["Relu" if unlike else "Softsign"] * own
    y, *states = OPERATORS[kind](**inputs, direction="bidirectional", activations=functions)
    for d, direction in enumerate(("forward", "reverse")):
        part = {k: v if k == "X" else v[d : d + 1] for k, v in inputs.items()}
        y_d, *states_d = OPERATORS[kind](
            **part, direction=direction, activations=functions[d * own : (d + 1) * own]
        )
        p.assert_same_bits(y[:, d : d + 1].copy(), y_d)
        for state, state_d in zip(states, states_d, strict=True):
            p.assert_same_bits(state[d : d + 1], state_d)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_sequence_is_as_if_alone(kind, direction):
    """Cut at its end, whatever stands behind it; and one without steps keeps its state."""
    lengths = np.array([3, 0, T, 1])
    inputs = inputs_of(kind) | {"sequence_lens": lengths}
    for n, length in enumerate(lengths):
        inputs["X"][length:, n] = np.nan
    y, *states = OPERATORS[kind](**inputs, direction=direction)
    for n, length in enumerate(lengths):
        assert (y[length:, :, n] == 0).all()
        initial = [inputs[k][:, n] for k in ("initial_h", "initial_c") if k in inputs]
        if length == 0:
            for state, begin in zip(states, initial, strict=True):
                p.assert_same_bits(state[:, n], begin)
            continue
        alone = {k: v for k, v in inputs.items() if k != "sequence_lens"}
        alone["X"] = inputs["X"][:length, n : n + 1]
        alone |= {k: v[:, n : n + 1] for k, v in inputs.items() if k.startswith("initial")}
        y_n, *states_n = OPERATORS[kind](**alone, direction=direction)
        p.assert_same_bits(y[:length, :, n : n + 1].copy(), y_n)
        for state, state_n in zip(states, states_n, strict=True):
            p.assert_same_bits(state[:, n : n + 1].copy(), state_n)


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_have_the_dtype_of_x(dtype, kind):
    outputs = OPERATORS[kind](**without_lengths(kind, dtype=dtype))
    assert all(output.dtype == dtype and output.flags.c_contiguous for output in outputs)


def test_a_state_that_is_left_out_is_zeros():
    inputs = without_lengths("LSTM")
    zeros = inputs | {"initial_c": np.zeros((1, N, H))}
    del inputs["initial_c"]
    for found, wanted in zip(ln.onnx_ops.lstm(**inputs), ln.onnx_ops.lstm(**zeros), strict=True):
        p.assert_same_bits(found, wanted)


def test_coupled_gates_do_not_read_the_forget_gate():
    inputs = without_lengths("LSTM")
    before = ln.onnx_ops.lstm(**inputs, input_forget=1)
    for name in ("W", "R"):
        inputs[name][:, 2 * H : 3 * H] = 9.0
    inputs["B"][:, 2 * H : 3 * H] = 9.0
    inputs["P"][:, 2 * H :] = 9.0
    for found, wanted in zip(ln.onnx_ops.lstm(**inputs, input_forget=1), before, strict=True):
        p.assert_same_bits(found, wanted)


def test_rnn_takes_the_default_of_its_schema():
    """Which names a function for either direction, of which there may be one."""
    inputs = without_lengths("RNN")
    for found, wanted in zip(
        ln.onnx_ops.rnn(**inputs, activations=["Tanh", "Tanh"]),
        ln.onnx_ops.rnn(**inputs),
        strict=True,
    ):
        p.assert_same_bits(found, wanted)


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        (
            "LSTM",
            {"X": np.zeros((T, N))},
            r"X: expected 3 dimensions .*, got 2 with shape \(6, 4\)",
        ),
        (
            "LSTM",
            {"W": np.zeros((1, 4 * H, 2))},
            r"W: expected shape \(1, 20, 3\), got \(1, 20, 2\)",
        ),
        (
            "GRU",
            {"W": np.zeros((1, 4 * H, F))},
            r"W: expected shape \(1, 15, 3\), got \(1, 20, 3\)",
        ),
        (
            "LSTM",
            {"R": np.zeros((2, 4 * H, H))},
            r"R: expected shape \(1, 20, 5\), got \(2, 20, 5\)",
        ),
        ("RNN", {"B": np.zeros((1, H))}, r"B: expected shape \(1, 10\), got \(1, 5\)"),
        ("LSTM", {"P": np.zeros((1, 4 * H))}, r"P: expected shape \(1, 15\), got \(1, 20\)"),
        ("GRU", {"initial_h": np.zeros((1, N, 2))}, r"initial_h: expected shape \(1, 4, 5\)"),
        ("LSTM", {"initial_c": np.zeros((N, 1, H))}, r"initial_c: expected shape \(1, 4, 5\)"),
        ("LSTM", {"hidden_size": 7}, r"W: expected shape \(1, 28, 3\), got \(1, 20, 3\)"),
        ("LSTM", {"direction": "backward"}, "direction must be one of 'forward'.* got 'backward'"),
        ("LSTM", {"layout": 2}, "layout must be at most 1, got 2"),
        ("LSTM", {"clip": 0.0}, "clip must be finite and > 0, got 0"),
        ("LSTM", {"activations": ["Tanh"]}, r"activations: expected 3 names, .* got \['Tanh'\]"),
        ("GRU", {"activations": "Tanh"}, "activations: expected 2 names, .* got 'Tanh'"),
        ("RNN", {"activations": ["tanh"]}, r"activations\[0\] must be one of 'Relu'.* got 'tanh'"),
        (
            "RNN",
            {"activations": ["Elu"], "activation_alpha": [0.1, 0.2]},
            r"activation_alpha: expected at most 1 values for \['Elu'\], got 2",
        ),
        ("RNN", {"activation_beta": [1.0]}, "activation_beta: expected at most 0 values"),
        ("GRU", {"W": np.full((1, 3 * H, F), np.nan)}, "W must be finite"),
        ("GRU", {"X": np.full((T, N, F), np.nan)}, "x must be finite"),
    ],
)
def test_refused_values(kind, changed, message):
    with pytest.raises(ValueError, match=message):
        OPERATORS[kind](**(without_lengths(kind) | changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"X": np.zeros((T, N, F), "float16")}, "X must be float32 or float64, got float16"),
        ({"X": np.zeros((T, N, F), "int64")}, "X must be float32 or float64, got int64"),
        (
            {"R": np.zeros((1, H, H), "float32")},
            "R: expected float64, the dtype of X, got float32",
        ),
        ({"layout": 0.5}, "layout must be an integer"),
        ({"clip": "1"}, "clip must be a number"),
    ],
)
def test_refused_types(changed, message):
    with pytest.raises(TypeError, match=message):
        ln.onnx_ops.rnn(**(without_lengths("RNN") | changed))


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([1, 2, 3], ValueError, r"lengths: expected shape \(4,\), got \(3,\)"),
        ([1, 2, 3, T + 1], ValueError, "lengths: expected values from 0 to 6 .*, got 7 at 3"),
        ([1, 2, 3, -1], ValueError, "lengths: expected values from 0 to 6 .*, got -1 at 3"),
        ([1.0, 2.0, 3.0, 4.0], TypeError, "lengths: expected integers, got float64"),
    ],
)
def test_refused_lengths(lengths, error, message):
    with pytest.raises(error, match=message):
        ln.onnx_ops.rnn(**without_lengths("RNN"), sequence_lens=lengths)
