"""What the recurrent layers have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from lstm_native._base import activations
from lstm_native._base.checks import (
    as_values,
    check_bool,
    check_choice,
    check_positive_int,
    check_real,
)
from lstm_native.layers._carried import State
from lstm_native.layers.layer import Layer, check_rate, check_size, optional_size

_MERGES = ("concat", "sum")

FORGET_BIAS = 1.0  # by default

# What the constructors hand on, by name.
SHARED_OPTIONS = (
    "input_size",
    "num_layers",
    "bidirectional",
    "merge",
    "return_sequences",
    "dropout",
    "input_dropout",
    "residual",
    "reverse",
    "stateful",
    "checkpoint",
    "bias",
    "dtype",
    "seed",
)
RECURRING_OPTIONS = (*SHARED_OPTIONS, "recurrent_dropout", "weight_drop", "gate_clip")


def pick(arguments: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of these names."""
    return {name: arguments[name] for name in names}


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
        bias: bool,
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
    return None if value is None else check_real(value, name=name, above=0.0)
