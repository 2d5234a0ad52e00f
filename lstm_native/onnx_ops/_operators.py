"""The operators as functions: ONNX's order of gates, axes and weights, and ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lstm_native.layers.lstm import LSTM
from lstm_native.layers.recurrent import GRU, RNN
from lstm_native.onnx_ops._nodes import Values, activation_options, flag, read_inputs, threshold

# Where the gates of this library (i, f, g, o; r, z, n) stand in ONNX's order (iofc; zrh).
_LSTM_ORDER = (0, 2, 3, 1)
_LSTM_COUPLED_ORDER = (0, 3, 1)
_GRU_ORDER = (1, 0, 2)
# The same for peepholes: i, f, o in iof.
_PEEPHOLE_ORDER = (0, 2, 1)
_PEEPHOLE_COUPLED_ORDER = (0, 1)


def lstm(
    X: Any,
    W: Any,
    R: Any,
    B: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    initial_c: Any = None,
    P: Any = None,
    *,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
) -> tuple[Values, Values, Values]:
    """Run the ONNX operator LSTM: one layer, in one or two directions.

    With f, g, h the three activations, and P of each gate (zero unless given) Gers and
    Schmidhuber's peepholes (2000, "Recurrent nets that time and count")::

        i = f(W_i x + R_i h + Wb_i + Rb_i + P_i * C)    c = g(W_c x + R_c h + Wb_c + Rb_c)
        f = f(W_f x + R_f h + Wb_f + Rb_f + P_f * C)    C' = f * C + i * c
        o = f(W_o x + R_o h + Wb_o + Rb_o + P_o * C')   H' = o * h(C')

    Parameters
    ----------
    X : array_like, (seq_length, batch_size, input_size)
        float32 or float64; every other input of floats has the same dtype.
    W : array_like, (num_directions, 4 hidden_size, input_size)
        Gates in the order i, o, f, c.
    R : array_like, (num_directions, 4 hidden_size, hidden_size)
    B : array_like, (num_directions, 8 hidden_size), optional
        Wb and then Rb; zeros by default.
    sequence_lens : array_like of int, (batch_size,), optional
        True lengths, from 0 to seq_length. What stands behind them is not read. A sequence of
        length 0 ends in its initial state.
    initial_h, initial_c : array_like, (num_directions, batch_size, hidden_size), optional
        Zeros by default.
    P : array_like, (num_directions, 3 hidden_size), optional
        Peepholes in the order i, o, f; none by default.
    activations : sequence of str, optional
        f, g, h for each direction, by default ("Sigmoid", "Tanh", "Tanh"). One of "Relu", "Tanh",
        "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu",
        "Softsign", "Softplus".
    activation_alpha, activation_beta : sequence of float, optional
        Taken in the order of `activations` by those of them that have an alpha or a beta; the
        others take none. Where the values end, and by default, the functions' own: Affine 1 and 0,
        LeakyRelu 0.01, ThresholdedRelu 1, ScaledTanh 1 and 1, HardSigmoid 0.2 and 0.5, Elu 1.
    clip : float, optional
        What enters the gates' activations (f and g) is limited to [-clip, clip].
    direction : {"forward", "reverse", "bidirectional"}
        The two of "bidirectional" stand in this order in every input and output.
    hidden_size : int, optional
        By default taken from R.
    input_forget : {0, 1}
        1: f = 1 - i, and the forget gate's weights are not used.
    layout : {0, 1}
        1: X is (batch_size, seq_length, input_size), Y (batch_size, seq_length, num_directions,
        hidden_size), states (batch_size, num_directions, hidden_size).

    Returns
    -------
    Y : ndarray, (seq_length, num_directions, batch_size, hidden_size)
        H of every step; zero beyond a sequence's end.
    Y_h, Y_c : ndarray, (num_directions, batch_size, hidden_size)
        H and C after the last step of each sequence, which in reverse is its first.

    Raises
    ------
    TypeError
        float16 or another dtype that is neither float32 nor float64, or mixed dtypes.
    ValueError
        A wrong shape, an unknown activation, too many of them or of their values, a length out
        of range, or an attribute that is none of the operator's.
    """
    inputs = read_inputs(X, W, R, B, sequence_lens, 4, hidden_size, direction, layout)
    coupled = flag(input_forget, name="input_forget")
    weights = inputs.in_order(_LSTM_COUPLED_ORDER if coupled else _LSTM_ORDER)
    if P is not None:
        shape = (inputs.directions, 3 * inputs.hidden_size)
        kept = list(_PEEPHOLE_COUPLED_ORDER if coupled else _PEEPHOLE_ORDER)
        for own, rows in zip(weights, inputs.values(P, "P", shape), strict=True):
            own["peephole_l0"] = rows.reshape(3, inputs.hidden_size)[kept]
    names = ("gate_activation", "cell_activation", "output_activation")
    options = activation_options(
        names,
        ("Sigmoid", "Tanh", "Tanh"),
        inputs.directions,
        (activations, activation_alpha, activation_beta),
    )
    common = {
        "coupled_gates": coupled,
        "peephole": P is not None,
        "gate_clip": threshold(clip),
    }
    initial = {"initial_h": initial_h, "initial_c": initial_c}
    y, (y_h, y_c) = inputs.run(LSTM, weights, [common | own for own in options], initial)
    return y, y_h, y_c


def gru(
    X: Any,
    W: Any,
    R: Any,
    B: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    *,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
) -> tuple[Values, Values]:
    """Run the ONNX operator GRU (Cho et al. 2014): one layer, in one or two directions.

    With f, g the two activations::

        z = f(W_z x + R_z h + Wb_z + Rb_z)      H' = (1 - z) * n + z * h
        r = f(W_r x + R_r h + Wb_r + Rb_r)
        n = g(W_h x + R_h (r * h) + Rb_h + Wb_h)      linear_before_reset = 0
        n = g(W_h x + r * (R_h h + Rb_h) + Wb_h)      otherwise

    Parameters
    ----------
    X : array_like, (seq_length, batch_size, input_size)
    W : array_like, (num_directions, 3 hidden_size, input_size)
        Gates in the order z, r, h.
    R : array_like, (num_directions, 3 hidden_size, hidden_size)
    B : array_like, (num_directions, 6 hidden_size), optional
    sequence_lens, initial_h
        As in `lstm`.
    activations : sequence of str, optional
        f, g for each direction, by default ("Sigmoid", "Tanh").
    activation_alpha, activation_beta, clip, direction, hidden_size, layout
        As in `lstm`.
    linear_before_reset : {0, 1}
        1: the reset gate acts behind the recurrent product, as in PyTorch and Keras.

    Returns
    -------
    Y : ndarray, (seq_length, num_directions, batch_size, hidden_size)
    Y_h : ndarray, (num_directions, batch_size, hidden_size)

    Raises
    ------
    TypeError, ValueError
        As in `lstm`.
    """
    inputs = read_inputs(X, W, R, B, sequence_lens, 3, hidden_size, direction, layout)
    options = activation_options(
        ("gate_activation", "candidate_activation"),
        ("Sigmoid", "Tanh"),
        inputs.directions,
        (activations, activation_alpha, activation_beta),
    )
    common = {
        "reset_after": flag(linear_before_reset, name="linear_before_reset"),
        "gate_clip": threshold(clip),
    }
    y, (y_h,) = inputs.run(
        GRU,
        inputs.in_order(_GRU_ORDER),
        [common | own for own in options],
        {"initial_h": initial_h},
    )
    return y, y_h


def rnn(
    X: Any,
    W: Any,
    R: Any,
    B: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    *,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
) -> tuple[Values, Values]:
    """Run the ONNX operator RNN (Elman 1990): one layer, in one or two directions.

    With f the activation: H' = f(W x + R h + Wb + Rb).

    Parameters
    ----------
    X : array_like, (seq_length, batch_size, input_size)
    W : array_like, (num_directions, hidden_size, input_size)
    R : array_like, (num_directions, hidden_size, hidden_size)
    B : array_like, (num_directions, 2 hidden_size), optional
    sequence_lens, initial_h
        As in `lstm`.
    activations : sequence of str, optional
        f for each direction, by default "Tanh". Of two for a single direction, as the schema's
        own default has them, the first counts.
    activation_alpha, activation_beta, clip, direction, hidden_size, layout
        As in `lstm`.

    Returns
    -------
    Y : ndarray, (seq_length, num_directions, batch_size, hidden_size)
    Y_h : ndarray, (num_directions, batch_size, hidden_size)

    Raises
    ------
    TypeError, ValueError
        As in `lstm`.
    """
    inputs = read_inputs(X, W, R, B, sequence_lens, 1, hidden_size, direction, layout)
    if activations is not None and not isinstance(activations, str) and len(activations) == 2:
        activations = list(activations)[: inputs.directions]
    options = activation_options(
        ("activation",),
        ("Tanh",),
        inputs.directions,
        (activations, activation_alpha, activation_beta),
    )
    common = {"gate_clip": threshold(clip)}
    y, (y_h,) = inputs.run(
        RNN, inputs.in_order((0,)), [common | own for own in options], {"initial_h": initial_h}
    )
    return y, y_h
