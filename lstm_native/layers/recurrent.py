"""The recurrent layers beside the LSTM: GRU, vanilla RNN, minLSTM, minGRU."""

from __future__ import annotations

from typing import Any

from lstm_native._base import activations
from lstm_native._base.activations import Activation, check_activation
from lstm_native._base.checks import check_bool, check_choice
from lstm_native.layers._recurrent import (
    RECURRING_OPTIONS,
    SHARED_OPTIONS,
    Recurrent,
    Recurring,
    pick,
)
from lstm_native.layers.layer import Layer, check_rate


class GRU(Recurring):
    """Gated recurrent unit (Cho et al. 2014).

    For each step, u being the recurrent sum of n::

        r = sigmoid(W_r x + b_r + U_r h + c_r)      u = U_n h + c_n
        z = sigmoid(W_z x + b_z + U_z h + c_z)      h' = (1 - z) * n + z * h
        n = tanh   (W_n x + b_n + r * u)

    or, with `reset_after=False`, n = tanh(W_n x + b_n + U_n (r * h) + c_n). Input, output and what
    a sequence's output depends on are those of `LSTM`; the state is h (layers D', N, H).

    Parameters
    ----------
    hidden_size : int
        H, the number of hidden units.
    reset_after : bool
        Whether the reset gate acts behind the recurrent product, as in PyTorch and by default in
        Keras, or before it, as in the paper (`linear_before_reset` in ONNX).
    gate_activation, candidate_activation : str or tuple
        The functions of r and z, and of n; see `LSTM`.
    zoneout : float
        Share of outputs that stay as they were (Krueger et al. 2017).
    input_size, num_layers, bidirectional, merge, return_sequences, dropout, input_dropout, \
recurrent_dropout, weight_drop, gate_clip, residual, reverse, stateful, checkpoint, bias, dtype, \
seed
        As in `LSTM`.

    Raises
    ------
    ValueError, TypeError
        As in `LSTM`.

    Notes
    -----
    Parameters, in PyTorch's names, shapes and gate order (r, z, n): `weight_ih_l0` (3H, F),
    `weight_hh_l0` (3H, H), `bias_ih_l0` (3H,), `bias_hh_l0` (3H,), and so on as in `LSTM`; the
    biases are missing with `bias=False`.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> y, h = ln.GRU(8, seed=0)(np.zeros((2, 5, 3), dtype="float32"))
    >>> y.shape, h.shape
    ((2, 5, 8), (1, 2, 8))
    """

    type_name = "gru"
    _activation_names = ("gate_activation", "candidate_activation")

    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        merge: str = "concat",
        return_sequences: bool = True,
        reset_after: bool = True,
        gate_activation: Activation = "sigmoid",
        candidate_activation: Activation = "tanh",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        gate_clip: float | None = None,
        residual: bool = False,
        reverse: bool = False,
        stateful: bool = False,
        checkpoint: bool = False,
        bias: bool = True,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(hidden_size, **pick(locals(), RECURRING_OPTIONS))
        self.reset_after = check_bool(reset_after, name="reset_after")
        self.gate_activation = check_activation(gate_activation, name="gate_activation")
        self.candidate_activation = check_activation(
            candidate_activation, name="candidate_activation"
        )
        self.zoneout = check_rate(zoneout, name="zoneout")

    def _spec(self) -> dict[str, Any]:
        return {
            **super()._spec(),
            "reset_after": self.reset_after,
            "gate_activation": activations.to_spec(self.gate_activation),
            "candidate_activation": activations.to_spec(self.candidate_activation),
            "zoneout": self.zoneout,
        }


class RNN(Recurring):
    """The plain recurrent network (Elman 1990): h' = activation(W x + b + U h + c).

    Input, output and what a sequence's output depends on are those of `LSTM`; the state is h
    (layers D', N, H).

    Parameters
    ----------
    hidden_size : int
        H, the number of hidden units.
    activation : str or tuple
        See `LSTM`.
    recurrent_init : {"orthogonal", "identity"}
        Initial recurrent weights. The identity, with "relu", is the IRNN of Le et al. 2015, "A
        simple way to initialize recurrent networks of rectified linear units".
    zoneout : float
        Share of outputs that stay as they were (Krueger et al. 2017).
    input_size, num_layers, bidirectional, merge, return_sequences, dropout, input_dropout, \
recurrent_dropout, weight_drop, gate_clip, residual, reverse, stateful, checkpoint, bias, dtype, \
seed
        As in `LSTM`.

    Raises
    ------
    ValueError, TypeError
        As in `LSTM`.

    Notes
    -----
    Parameters, in PyTorch's names and shapes: `weight_ih_l0` (H, F), `weight_hh_l0` (H, H),
    `bias_ih_l0` (H,), `bias_hh_l0` (H,), and so on as in `LSTM`; the biases are missing with
    `bias=False`.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> y, h = ln.RNN(8, seed=0)(np.zeros((2, 5, 3), dtype="float32"))
    >>> y.shape, h.shape
    ((2, 5, 8), (1, 2, 8))
    """

    type_name = "rnn"
    _activation_names = ("activation",)

    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        merge: str = "concat",
        return_sequences: bool = True,
        activation: Activation = "tanh",
        recurrent_init: str = "orthogonal",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        gate_clip: float | None = None,
        residual: bool = False,
        reverse: bool = False,
        stateful: bool = False,
        checkpoint: bool = False,
        bias: bool = True,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(hidden_size, **pick(locals(), RECURRING_OPTIONS))
        self.activation = check_activation(activation, name="activation")
        self.recurrent_init = check_choice(
            recurrent_init, name="recurrent_init", choices=("orthogonal", "identity")
        )
        self.zoneout = check_rate(zoneout, name="zoneout")

    def _spec(self) -> dict[str, Any]:
        return {
            **super()._spec(),
            "activation": activations.to_spec(self.activation),
            "identity_init": self.recurrent_init == "identity",
            "zoneout": self.zoneout,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        identity = spec.pop("identity_init", False)
        spec["recurrent_init"] = "identity" if identity else "orthogonal"
        return super()._from_spec(spec)


class _InputGated(Recurrent):
    """What the cells of Feng et al. 2024 have in common: gates that see the input alone."""

    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        merge: str = "concat",
        return_sequences: bool = True,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        residual: bool = False,
        reverse: bool = False,
        stateful: bool = False,
        checkpoint: bool = False,
        bias: bool = True,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(hidden_size, **pick(locals(), SHARED_OPTIONS))


class MinLSTM(_InputGated):
    """The minLSTM of Feng et al. 2024, "Were RNNs all we needed?": no recurrent weights.

    For each step::

        i = sigmoid(W_i x + b_i)      g = W_g x + b_g
        f = sigmoid(W_f x + b_f)      h' = (f * h + i * g) / (f + i)

    Parameters
    ----------
    hidden_size : int
        H, the number of hidden units.
    input_size, num_layers, bidirectional, merge, return_sequences, dropout, input_dropout, \
residual, reverse, stateful, checkpoint, bias, dtype, seed
        As in `LSTM`.

    Notes
    -----
    Parameters: `weight_ih_l0` (3H, F), `bias_ih_l0` (3H,), gates in the order i, f, g; the biases
    are missing with `bias=False`.
    """

    type_name = "min_lstm"


class MinGRU(_InputGated):
    """The minGRU of Feng et al. 2024, "Were RNNs all we needed?": no recurrent weights.

    For each step::

        z = sigmoid(W_z x + b_z)      n = W_n x + b_n      h' = (1 - z) * h + z * n

    Parameters
    ----------
    hidden_size : int
        H, the number of hidden units.
    input_size, num_layers, bidirectional, merge, return_sequences, dropout, input_dropout, \
residual, reverse, stateful, checkpoint, bias, dtype, seed
        As in `LSTM`.

    Notes
    -----
    Parameters: `weight_ih_l0` (2H, F), `bias_ih_l0` (2H,), gates in the order z, n; the biases are
    missing with `bias=False`.
    """

    type_name = "min_gru"
