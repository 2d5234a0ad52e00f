"""What the recurrent layers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from numpy.typing import NDArray

from lstm_native._base import activations
from lstm_native._base.checks import check_bool, check_choice, check_positive_int, check_real
from lstm_native._base.signatures import WrittenOut
from lstm_native._base.values import as_values
from lstm_native.layers._carried import State
from lstm_native.layers.layer import Layer, check_rate, check_size, optional_size

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MERGES = ("concat", "sum")

FORGET_BIAS = 1.0  # by default


class RecurrentOptions(TypedDict, total=False):
    """What all recurrent layers take by name; described in `Recurrent`."""

    input_size: int | None
    num_layers: int
    bidirectional: bool
    merge: str
    return_sequences: bool
    dropout: float
    input_dropout: float
    residual: bool
    reverse: bool
    stateful: bool
    checkpoint: bool
    bias: bool
    dtype: str
    seed: int | None
    name: str | None


class RecurringOptions(RecurrentOptions, total=False):
    """What the cells with recurrent weights take as well; described in `Recurring`."""

    recurrent_dropout: float
    weight_drop: float
    gate_clip: float | None


class Recurrent(Layer, WrittenOut):
    """What the recurrent layers have in common: stacking, directions, dropout, states.

    Not to be used itself. Input (N, T, F); output (N, T, D H), or the last step (N, D H) with
    `return_sequences=False`, where D is 2 for two directions that are not summed and else 1. A
    sequence's output depends on that sequence and the weights alone, bit for bit: not on its
    batch, on what pads it, nor on the number of threads.

    Parameters
    ----------
    input_size : int, optional
        F; by default taken from the first input.
    num_layers : int
        Layers stacked on one another.
    bidirectional : bool
        Whether each stacked layer runs in both directions and hands on both outputs, the forward
        direction's first (Schuster & Paliwal 1997, "Bidirectional recurrent neural networks").
    merge : {"concat", "sum"}
        Whether the outputs of two directions stand side by side or are added.
    return_sequences : bool
        Output of every step, or of the last alone. The last step of a reverse direction is the
        first of the sequence.
    dropout : float
        Share of values dropped between stacked layers in training, in [0, 1). A ValueError with
        one layer, where it would have no effect.
    input_dropout : float
        Share of the inputs of each stacked layer dropped in training, with one mask for all steps
        of a sequence (Gal & Ghahramani 2016).
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
        exist, as with PyTorch's `bias=False`.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights: input weights Glorot uniform per gate (Glorot & Bengio 2010),
        recurrent weights orthogonal per gate (Saxe et al. 2014).
    name : str, optional
        In a `Model`; by default after the kind of layer.
    """

    _letters: ClassVar[str] = "h"
    _gives_state: ClassVar[bool] = True
    # Names that a specification has for what the constructor calls otherwise.
    _activation_names: ClassVar[tuple[str, ...]] = ()

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
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
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
        self.bias = check_bool(bias, name="bias")

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
            "bias": self.bias,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        for name in cls._activation_names:
            if name in spec:
                spec[name] = activations.from_spec(spec[name])
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


class Recurring(Recurrent):
    """What the cells with recurrent weights have in common.

    Parameters
    ----------
    recurrent_dropout : float
        Share of the output dropped on its way to the next step in training, with one mask for all
        steps of a sequence (Gal & Ghahramani 2016).
    weight_drop : float
        Share of the recurrent weights dropped in training, with one mask per batch (Merity et al.
        2018).
    gate_clip : float, optional
        The sums before the gates' functions are limited to [-gate_clip, gate_clip] (`clip` in
        ONNX).
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        gate_clip: float | None = None,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(hidden_size, **options)
        self.recurrent_dropout = check_rate(recurrent_dropout, name="recurrent_dropout")
        self.weight_drop = check_rate(weight_drop, name="weight_drop")
        self.gate_clip = check_limit(gate_clip, name="gate_clip")

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


def check_forget_bias(value: float, *, bias: bool) -> float:
    """Return the initial bias of the forget gate: without biases the default alone."""
    value = check_real(value, name="forget_bias")
    if not bias and value != FORGET_BIAS:
        raise ValueError(
            f"forget_bias={value} is an initial value of a bias, but bias=False; leave it out"
        )
    return value


def check_limit(value: float | None, *, name: str) -> float | None:
    """Return a limit > 0, or None where there is none."""
    return None if value is None else check_real(value, name=name, above=0.0)
