"""What to minimise: losses by name or as objects.

All cross-entropies take logits. The loss of a batch is the weighted mean over its rows (a row
is one sample, or one step of one sample when the output has a time axis).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from lstm_native._attributes import freeze
from lstm_native._checks import check_real, parse_json_object


@dataclass(frozen=True)
class Loss:
    """Base of all losses.

    Attributes
    ----------
    name : str
        The canonical name, as in model files.
    takes_labels : bool
        True when targets are integer class indices, False when they are values.
    takes_logits : bool
        True when the network's output is read as logits.
    """

    name: ClassVar[str] = ""
    takes_labels: ClassVar[bool] = False
    takes_logits: ClassVar[bool] = False

    def to_json(self) -> str:
        """Return the loss as the JSON text that model files hold.

        Examples
        --------
        >>> Huber(delta=0.5).to_json()
        '{"type": "huber", "delta": 0.5}'
        """
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({"type": self.name, **options})

    @staticmethod
    def from_json(text: str) -> Loss:
        """Return the loss that `to_json` wrote.

        Raises
        ------
        ValueError
            Not JSON, an unknown loss, or a field that does not belong to it.
        """
        known = {name: [f.name for f in fields(kind)] for name, kind in _LOSSES.items()}
        options = parse_json_object(text, name="loss", fields=known)
        return _LOSSES[options.pop("type")](**options)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of (prediction - target)^2 over the features of a row."""

    name: ClassVar[str] = "mse"


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean of |prediction - target| over the features of a row."""

    name: ClassVar[str] = "mae"


@dataclass(frozen=True)
class Huber(Loss):
    """Quadratic near zero, linear beyond `delta` (Huber 1964).

    With e = prediction - target: e^2 / 2 where |e| <= delta, else
    delta * (|e| - delta / 2).

    Parameters
    ----------
    delta : float
        Where the square turns into a line; > 0, in the unit of the targets.

    Examples
    --------
    >>> Huber(0.5)
    Huber(delta=0.5)
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "delta", check_real(self.delta, name="delta", above=0.0))


@dataclass(frozen=True)
class BinaryCrossentropy(Loss):
    """Cross-entropy of targets in [0, 1] with sigmoid(logit), each feature by itself."""

    name: ClassVar[str] = "binary_crossentropy"
    takes_logits: ClassVar[bool] = True


@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """Cross-entropy of a class index with softmax(logits) over the last axis."""

    name: ClassVar[str] = "categorical_crossentropy"
    takes_labels: ClassVar[bool] = True
    takes_logits: ClassVar[bool] = True


_LOSSES: dict[str, type[Loss]] = {
    kind.name: kind
    for kind in (
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
        BinaryCrossentropy,
        CategoricalCrossentropy,
    )
}


def _refusal(loss: Loss, name: str, value: Any) -> str:
    kind = type(loss).__name__
    return (
        f"losses are settings and cannot be changed: make a new one, {kind}({name}={value!r}), "
        "and give it to fit(loss=...), or set model.loss"
    )


freeze((Loss, *_LOSSES.values()), _refusal)

#: The canonical names.
NAMES: tuple[str, ...] = tuple(_LOSSES)

# What Keras users type, without underscores and in lower case.
_ALIASES = {
    "meansquarederror": "mse",
    "meanabsoluteerror": "mae",
    "huberloss": "huber",
    "bce": "binary_crossentropy",
    "sparsecategoricalcrossentropy": "categorical_crossentropy",
    **{name.replace("_", ""): name for name in NAMES},
}


def parse(loss: Any) -> Loss:
    """Return the loss that a name or an object stands for.

    Parameters
    ----------
    loss : str or Loss
        A canonical name ("mse", "mae", "huber", "binary_crossentropy",
        "categorical_crossentropy"), a name as Keras spells it ("mean_squared_error",
        "MeanSquaredError", "sparse_categorical_crossentropy", ...), or an object.

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.
    TypeError
        Neither a name nor a loss.

    Examples
    --------
    >>> parse("mean_squared_error").name
    'mse'
    >>> parse("sparse_categorical_crossentropy").takes_labels
    True
    """
    if isinstance(loss, Loss) and type(loss) is not Loss:
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"loss must be a name ({', '.join(NAMES)}) or a loss object, got {loss!r}")
    name = _ALIASES.get(loss.replace("_", "").lower())
    if name is None:
        raise ValueError(f"unknown loss '{loss}'; known are {', '.join(NAMES)}")
    return _LOSSES[name]()
