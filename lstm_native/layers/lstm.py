"""The LSTM and its family."""

from __future__ import annotations

from typing import Any

from lstm_native._base import activations
from lstm_native._base.activations import Activation, check_activation
from lstm_native._base.checks import check_bool
from lstm_native.layers._recurrent import (
    FORGET_BIAS,
    RECURRING_OPTIONS,
    Recurring,
    check_forget_bias,
    check_limit,
    pick,
)
from lstm_native.layers.layer import Layer, check_rate, optional_size


class LSTM(Recurring):
    r"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    For each step, with :math:`\sigma` the logistic function::

        i = sigmoid(W_i x + U_i h + b_i)      c' = f * c + i * g
        f = sigmoid(W_f x + U_f h + b_f)      h' = o * tanh(c')
        g = tanh   (W_g x + U_g h + b_g)
        o = sigmoid(W_o x + U_o h + b_o)

    Input (N, T, F); output (N, T, D R), or the last step (N, D R) with `return_sequences=False`,
    where D is 2 for two directions that are not summed and else 1, and R is `proj_size` or H. The
    state is (h, c): h (layers D', N, R) and c (layers D', N, H), D' directions. A sequence's
    output depends on that sequence and the weights alone, bit for bit: not on its batch, on what
    pads it, nor on the number of threads.

    Parameters
    ----------
    hidden_size : int
        H, the number of hidden units.
    input_size : int, optional
        F; by default taken from the first input.
    num_layers : int
        Layers stacked on one another.
    bidirectional : bool
        Whether each stacked layer runs in both directions and hands on both outputs, the forward
        direction's first (Schuster & Paliwal 1997, "Bidirectional recurrent neural networks").
    merge : {"concat", "sum"}
        Whether the outputs of two directions stand side by side or are added.
    proj_size : int, optional
        R < H: the output is W_hr h (Sak et al. 2014), and recurs as such.
    return_sequences : bool
        Output of every step, or of the last alone. The last step of a reverse direction is the
        first of the sequence.
    peephole : bool
        Gates see the cell state: p_i * c and p_f * c are added to the sums of i and f,
        p_o * c' to that of o (Gers & Schmidhuber 2000).
    coupled_gates : bool
        f = 1 - i ("CIFG", Greff et al. 2017): no weights for f.
    input_gate, forget_gate, output_gate : bool
        False: the gate is always 1 and has no weights (Greff et al. 2017).
    gate_activation, cell_activation, output_activation : str or tuple
        The functions of i, f, o; of g; and of c'. "sigmoid", "tanh", "linear", "relu", "affine",
        "leaky_relu", "thresholded_relu", "scaled_tanh", "hard_sigmoid", "elu", "softsign",
        "softplus", as the ONNX operator LSTM defines them, or (name, alpha), (name, alpha, beta).
    layer_norm : bool
        Normalise W x and U h, each over all gates, and c' in the output (Ba et al. 2016,
        "Layer normalization", equations 20-22; epsilon 1e-5).
    dropout : float
        Share of values dropped between stacked layers in training, in [0, 1). A ValueError with
        one layer, where it would have no effect.
    input_dropout, recurrent_dropout : float
        Shares of the inputs of each stacked layer, and of the output on its way to the next step,
        dropped in training, with one mask for all steps of a sequence (Gal & Ghahramani 2016).
    weight_drop : float
        Share of the recurrent weights dropped in training, with one mask per batch (Merity et al.
        2018).
    zoneout : float or (float, float)
        Share of outputs, and of cell states, that stay as they were (Krueger et al. 2017): at
        random in training, else the mean of both.
    cell_clip : float, optional
        c' is limited to [-cell_clip, cell_clip].
    gate_clip : float, optional
        The sums before the gates' functions are limited likewise (`clip` in ONNX).
    forget_bias : float
        Initial bias of the forget gate (Jozefowicz et al. 2015 recommend 1). Another value than
        the default is a ValueError with `bias=False`.
    residual : bool
        Stacked layers from the second on add their input to their output.
    reverse : bool
        Whether to run from the end of each sequence to its start, all stacked layers alike. The
        output stands in the order of the input. A ValueError with `bidirectional`.
    stateful : bool
        A call begins with the state the last one ended with, until `reset_state`.
    checkpoint : bool
        Training keeps the state of about sqrt(T) steps alone and computes the others again on the
        way back (Chen et al. 2016): the same bits in less memory, at about 4/3 of the time.
    bias : bool
        False: nothing is added to the sums, and the parameters `bias_ih_*` and `bias_hh_*` do not
        exist, as with PyTorch's `bias=False`; the forget gate begins about half open. With
        `layer_norm` the gains stay, and `norm_c_bias_*` goes too.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights: input weights Glorot uniform per gate (Glorot & Bengio 2010),
        recurrent weights orthogonal per gate (Saxe et al. 2014), peepholes zero.

    Raises
    ------
    ValueError, TypeError
        A size, rate or number out of range or of the wrong type; options that exclude each other.

    Notes
    -----
    Parameters, in PyTorch's names, shapes and gate order, of the G gates that exist (i, f, g, o):
    `weight_ih_l0` (G H, F), `weight_hh_l0` (G H, R), `bias_ih_l0` (G H,), `bias_hh_l0` (G H,), and
    so on for `_l1`, whose `weight_ih_l1` is (G H, D R). Then, where they exist, `peephole_l0`
    (K, H) with rows for those of i, f, o there are, `weight_hr_l0` (R, H), `norm_ih_l0` (G H,),
    `norm_hh_l0` (G H,), `norm_c_l0` (H,), `norm_c_bias_l0` (H,). With `bias=False` those whose name
    has `bias` in it are missing. Of two directions the second has `weight_ih_l0_reverse` and so on,
    and follows the first in the state_dict and in the state, layer by layer.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> layer = ln.LSTM(8, seed=0)
    >>> y, (h, c) = layer(np.zeros((2, 5, 3), dtype="float32"))
    >>> y.shape, h.shape
    ((2, 5, 8), (1, 2, 8))
    """

    type_name = "lstm"
    _letters = "hc"
    _activation_names = ("gate_activation", "cell_activation", "output_activation")

    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        merge: str = "concat",
        proj_size: int | None = None,
        return_sequences: bool = True,
        peephole: bool = False,
        coupled_gates: bool = False,
        input_gate: bool = True,
        forget_gate: bool = True,
        output_gate: bool = True,
        gate_activation: Activation = "sigmoid",
        cell_activation: Activation = "tanh",
        output_activation: Activation = "tanh",
        layer_norm: bool = False,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float | tuple[float, float] = 0.0,
        cell_clip: float | None = None,
        gate_clip: float | None = None,
        forget_bias: float = FORGET_BIAS,
        residual: bool = False,
        reverse: bool = False,
        stateful: bool = False,
        checkpoint: bool = False,
        bias: bool = True,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(hidden_size, **pick(locals(), RECURRING_OPTIONS))
        self.proj_size = optional_size(proj_size, name="proj_size")
        if self.proj_size is not None and self.proj_size >= self.hidden_size:
            raise ValueError(
                f"proj_size must be smaller than hidden_size {hidden_size}, got {proj_size}"
            )
        self.peephole = check_bool(peephole, name="peephole")
        self.coupled_gates = check_bool(coupled_gates, name="coupled_gates")
        self.input_gate = check_bool(input_gate, name="input_gate")
        self.forget_gate = check_bool(forget_gate, name="forget_gate")
        self.output_gate = check_bool(output_gate, name="output_gate")
        for name in ("input_gate", "forget_gate"):
            if self.coupled_gates and not getattr(self, name):
                raise ValueError(f"coupled_gates=True needs {name}=True: it makes one of the other")
        if self.peephole and not (self.input_gate or self.forget_gate or self.output_gate):
            raise ValueError("peephole=True needs a gate that can look at the cell state")
        self.gate_activation = check_activation(gate_activation, name="gate_activation")
        self.cell_activation = check_activation(cell_activation, name="cell_activation")
        self.output_activation = check_activation(output_activation, name="output_activation")
        self.layer_norm = check_bool(layer_norm, name="layer_norm")
        if isinstance(zoneout, (tuple, list)):
            if len(zoneout) != 2:
                raise ValueError(
                    f"zoneout: expected a rate or (hidden, cell), got {len(zoneout)} values"
                )
            self.zoneout: float | tuple[float, float] = (
                check_rate(zoneout[0], name="zoneout"),
                check_rate(zoneout[1], name="zoneout"),
            )
        else:
            self.zoneout = check_rate(zoneout, name="zoneout")
        self.cell_clip = check_limit(cell_clip, name="cell_clip")
        self.forget_bias = check_forget_bias(forget_bias, bias=self.bias)

    def _spec(self) -> dict[str, Any]:
        hidden, cell = self.zoneout if isinstance(self.zoneout, tuple) else (self.zoneout,) * 2
        return {
            **super()._spec(),
            "forget_bias": self.forget_bias,
            "proj_size": self.proj_size or 0,
            "peephole": self.peephole,
            "coupled_gates": self.coupled_gates,
            "input_gate": self.input_gate,
            "forget_gate": self.forget_gate,
            "output_gate": self.output_gate,
            "layer_norm": self.layer_norm,
            "zoneout": hidden,
            "cell_zoneout": cell,
            "cell_clip": self.cell_clip or 0.0,
            "gate_activation": activations.to_spec(self.gate_activation),
            "cell_activation": activations.to_spec(self.cell_activation),
            "output_activation": activations.to_spec(self.output_activation),
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        pair = (spec.pop("zoneout", 0.0), spec.pop("cell_zoneout", 0.0))
        spec["zoneout"] = pair[0] if pair[0] == pair[1] else pair
        return super()._from_spec(spec)

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)
