"""The recurrent layers: LSTM with its family, GRU, RNN, minLSTM, minGRU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from lstm_native import _activations
from lstm_native._activations import Activation, check_activation
from lstm_native._carried import State
from lstm_native._checks import (
    as_values,
    check_bool,
    check_choice,
    check_positive_int,
    check_real,
)
from lstm_native.layer import Layer, check_rate, check_size, optional_size

_MERGES = ("concat", "sum")


class Recurrent(Layer):
    """What the recurrent layers have in common: stacking, directions, dropout, states.

    Not to be used itself. Input (N, T, F); output (N, T, D H), or the last step (N, D H) with
    `return_sequences=False`, where D is 2 for two directions that are not summed and else 1. A
    sequence's output depends on that sequence and the weights alone, bit for bit: not on its
    batch, on what pads it, nor on the number of threads.
    """

    _letters: ClassVar[str] = "h"
    # Names that a specification has for what the constructor calls otherwise.
    _activation_names: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None,
        num_layers: int,
        bidirectional: bool,
        merge: str,
        return_sequences: bool,
        dropout: float,
        input_dropout: float,
        residual: bool,
        reverse: bool,
        stateful: bool,
        checkpoint: bool,
        dtype: str,
        seed: int | None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed)
        self.hidden_size = check_size(hidden_size, name="hidden_size")
        self.input_size = optional_size(input_size, name="input_size")
        self.num_layers = check_positive_int(num_layers, name="num_layers")
        self.return_sequences = check_bool(return_sequences, name="return_sequences")
        self.dropout = check_rate(dropout, name="dropout")
        if self.dropout and self.num_layers == 1:
            raise ValueError(
                f"dropout={dropout} acts between stacked layers, but num_layers is 1; "
                f"put a Dropout layer behind the {type(self).__name__} instead"
            )
        self.input_dropout = check_rate(input_dropout, name="input_dropout")
        self.bidirectional = check_bool(bidirectional, name="bidirectional")
        self.reverse = check_bool(reverse, name="reverse")
        if self.bidirectional and self.reverse:
            raise ValueError("reverse=True has no meaning with bidirectional=True, which has both")
        self.merge = check_choice(merge, name="merge", choices=_MERGES)
        if self.merge == "sum" and not self.bidirectional:
            raise ValueError("merge='sum' needs bidirectional=True: there is one direction to sum")
        self.residual = check_bool(residual, name="residual")
        if self.residual and self.num_layers == 1:
            raise ValueError(
                "residual=True acts on stacked layers from the second on, but num_layers is 1"
            )
        if self.residual and self.bidirectional and not self.return_sequences:
            raise ValueError(
                "residual=True needs return_sequences=True with bidirectional=True: the last "
                "steps of two directions have different inputs"
            )
        self.stateful = check_bool(stateful, name="stateful")
        if self.stateful and (self.bidirectional or self.reverse):
            raise ValueError(
                "stateful=True needs one direction, forward: a reverse one would begin with the "
                "state of what comes before its end"
            )
        self.checkpoint = check_bool(checkpoint, name="checkpoint")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "return_sequences": self.return_sequences,
            "dropout": self.dropout,
            "bidirectional": self.bidirectional,
            "reverse": self.reverse,
            "merge": self.merge,
            "residual": self.residual,
            "input_dropout": self.input_dropout,
            "stateful": self.stateful,
            "checkpoint": self.checkpoint,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        for name in cls._activation_names:
            if name in spec:
                spec[name] = _activations.from_spec(spec[name])
        return cls(**spec)

    @property
    def _known_input_size(self) -> int | None:
        return self.input_size

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.hidden_size,)

    def _native_state(
        self, state: State, samples: int, *, name: str
    ) -> Sequence[NDArray[Any]] | None:
        if state is None:
            return None
        letters = self._letters
        parts: Any = (state,) if len(letters) == 1 else state
        if not isinstance(parts, (tuple, list)) or len(parts) != len(letters):
            raise ValueError(f"{name}: expected ({', '.join(letters)}), got {type(state).__name__}")
        layers = self.num_layers * (2 if self.bidirectional else 1)
        return [
            as_values(
                part, name=f"{name} {letter}", dtype=self.dtype, shape=(layers, samples, size)
            )
            for letter, part, size in zip(letters, parts, self._state_sizes(), strict=True)
        ]

    def _public_state(self, state: Sequence[NDArray[Any]]) -> State:
        return state[0] if len(self._letters) == 1 else tuple(state)


class _Recurring(Recurrent):
    """What the cells with recurrent weights have in common."""

    def __init__(
        self,
        hidden_size: int,
        *,
        recurrent_dropout: float,
        weight_drop: float,
        gate_clip: float | None,
        **options: Any,
    ) -> None:
        super().__init__(hidden_size, **options)
        self.recurrent_dropout = check_rate(recurrent_dropout, name="recurrent_dropout")
        self.weight_drop = check_rate(weight_drop, name="weight_drop")
        self.gate_clip = _check_limit(gate_clip, name="gate_clip")

    def _spec(self) -> dict[str, Any]:
        return {
            **super()._spec(),
            "recurrent_dropout": self.recurrent_dropout,
            "weight_drop": self.weight_drop,
            "gate_clip": self.gate_clip or 0.0,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        for name in ("gate_clip", "cell_clip", "proj_size"):
            if name in spec:
                spec[name] = spec[name] or None
        return super()._from_spec(spec)


def _check_limit(value: float | None, *, name: str) -> float | None:
    return None if value is None else check_real(value, name=name, above=0.0)


class LSTM(_Recurring):
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
        Initial bias of the forget gate (Jozefowicz et al. 2015 recommend 1).
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
    `norm_hh_l0` (G H,), `norm_c_l0` (H,), `norm_c_bias_l0` (H,). Of two directions the second has
    `weight_ih_l0_reverse` and so on, and follows the first in the state_dict and in the state,
    layer by layer.

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
        forget_bias: float = 1.0,
        residual: bool = False,
        reverse: bool = False,
        stateful: bool = False,
        checkpoint: bool = False,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            hidden_size,
            input_size=input_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            merge=merge,
            return_sequences=return_sequences,
            dropout=dropout,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            weight_drop=weight_drop,
            gate_clip=gate_clip,
            residual=residual,
            reverse=reverse,
            stateful=stateful,
            checkpoint=checkpoint,
            dtype=dtype,
            seed=seed,
        )
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
        self.cell_clip = _check_limit(cell_clip, name="cell_clip")
        self.forget_bias = check_real(forget_bias, name="forget_bias")

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
            "gate_activation": _activations.to_spec(self.gate_activation),
            "cell_activation": _activations.to_spec(self.cell_activation),
            "output_activation": _activations.to_spec(self.output_activation),
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        pair = (spec.pop("zoneout", 0.0), spec.pop("cell_zoneout", 0.0))
        spec["zoneout"] = pair[0] if pair[0] == pair[1] else pair
        return super()._from_spec(spec)

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)


class GRU(_Recurring):
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
recurrent_dropout, weight_drop, gate_clip, residual, reverse, stateful, checkpoint, dtype, seed
        As in `LSTM`.

    Raises
    ------
    ValueError, TypeError
        As in `LSTM`.

    Notes
    -----
    Parameters, in PyTorch's names, shapes and gate order (r, z, n): `weight_ih_l0` (3H, F),
    `weight_hh_l0` (3H, H), `bias_ih_l0` (3H,), `bias_hh_l0` (3H,), and so on as in `LSTM`.

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
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            hidden_size,
            input_size=input_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            merge=merge,
            return_sequences=return_sequences,
            dropout=dropout,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            weight_drop=weight_drop,
            gate_clip=gate_clip,
            residual=residual,
            reverse=reverse,
            stateful=stateful,
            checkpoint=checkpoint,
            dtype=dtype,
            seed=seed,
        )
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
            "gate_activation": _activations.to_spec(self.gate_activation),
            "candidate_activation": _activations.to_spec(self.candidate_activation),
            "zoneout": self.zoneout,
        }


class RNN(_Recurring):
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
recurrent_dropout, weight_drop, gate_clip, residual, reverse, stateful, checkpoint, dtype, seed
        As in `LSTM`.

    Raises
    ------
    ValueError, TypeError
        As in `LSTM`.

    Notes
    -----
    Parameters, in PyTorch's names and shapes: `weight_ih_l0` (H, F), `weight_hh_l0` (H, H),
    `bias_ih_l0` (H,), `bias_hh_l0` (H,), and so on as in `LSTM`.

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
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            hidden_size,
            input_size=input_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            merge=merge,
            return_sequences=return_sequences,
            dropout=dropout,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            weight_drop=weight_drop,
            gate_clip=gate_clip,
            residual=residual,
            reverse=reverse,
            stateful=stateful,
            checkpoint=checkpoint,
            dtype=dtype,
            seed=seed,
        )
        self.activation = check_activation(activation, name="activation")
        self.recurrent_init = check_choice(
            recurrent_init, name="recurrent_init", choices=("orthogonal", "identity")
        )
        self.zoneout = check_rate(zoneout, name="zoneout")

    def _spec(self) -> dict[str, Any]:
        return {
            **super()._spec(),
            "activation": _activations.to_spec(self.activation),
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
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            hidden_size,
            input_size=input_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            merge=merge,
            return_sequences=return_sequences,
            dropout=dropout,
            input_dropout=input_dropout,
            residual=residual,
            reverse=reverse,
            stateful=stateful,
            checkpoint=checkpoint,
            dtype=dtype,
            seed=seed,
        )


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
residual, reverse, stateful, checkpoint, dtype, seed
        As in `LSTM`.

    Notes
    -----
    Parameters: `weight_ih_l0` (3H, F), `bias_ih_l0` (3H,), gates in the order i, f, g.
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
residual, reverse, stateful, checkpoint, dtype, seed
        As in `LSTM`.

    Notes
    -----
    Parameters: `weight_ih_l0` (2H, F), `bias_ih_l0` (2H,), gates in the order z, n.
    """

    type_name = "min_gru"
