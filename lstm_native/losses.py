"""What to minimise: losses by name or as objects.

The loss of a batch is the weighted mean over its rows (a row is one sample, or one step of one
sample when the output has a time axis).

Cross-entropies see how the network ends: where its last layer has a sigmoid (binary) or a softmax
(categorical), its outputs are probabilities, else logits. Both learn alike, to the last bit, since
the loss is computed from what stands before that function.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from lstm_native._base.attributes import freeze
from lstm_native._base.checks import check_bool, check_int, check_real
from lstm_native._base.settings_json import parse_json_object
from lstm_native._base.shown import nearest, shown


@dataclass(frozen=True)
class Loss:
    """Base of all losses.

    Attributes
    ----------
    name : str
        The canonical name, as in model files.
    takes_labels : bool
        True when targets are classes (indices, one-hot or soft), False when they are values.
    takes_logits : bool
        True for the cross-entropies, whose outputs are logits or probabilities.
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
        options = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            # As files were before there were more options: these stand there only where set.
            if field.name == "delta" or getattr(self, field.name) != field.default
        }
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
    """Cross-entropy of targets from 0 to 1 with predicted probabilities, each output by itself.

    With z the logit and y the target: max(z, 0) - z y + log(1 + exp(-|z|)).

    Parameters
    ----------
    from_logits : bool, optional
        None: the network's outputs are probabilities where it ends with a sigmoid, else logits.
        True and False say which, and are refused where the network contradicts. Logits that a relu
        or tanh at the end has bounded are taken with True alone.
    label_smoothing : float
        In [0, 1): the target y becomes y (1 - s) + s / 2 (Szegedy et al. 2016, "Rethinking the
        Inception architecture for computer vision").

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> BinaryCrossentropy(label_smoothing=0.1)
    BinaryCrossentropy(from_logits=None, label_smoothing=0.1)
    """

    from_logits: bool | None = None
    label_smoothing: float = 0.0
    name: ClassVar[str] = "binary_crossentropy"
    takes_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_crossentropy(self)


@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """Cross-entropy of classes, one for each row, with predicted probabilities.

    Targets are class indices, one-hot rows, or soft labels: rows of probabilities that sum to 1.
    With z the logits and y the row of probabilities: log(sum(exp(z))) - sum(z y).

    Parameters
    ----------
    from_logits : bool, optional
        None: the network's outputs are probabilities where it ends with a softmax, else logits.
        True and False say which, and are refused where the network contradicts. Logits that a relu
        or tanh at the end has bounded are taken with True alone.
    label_smoothing : float
        In [0, 1): the row y becomes y (1 - s) + s / K, K the number of classes (Szegedy et al.
        2016, "Rethinking the Inception architecture for computer vision").
    ignore_index : int, optional
        Rows with this label have no loss and no gradient, and count neither in means nor in
        metrics: -100 to have it as PyTorch does. Needs class indices.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> CategoricalCrossentropy(ignore_index=-100)
    CategoricalCrossentropy(from_logits=None, label_smoothing=0.0, ignore_index=-100)
    """

    from_logits: bool | None = None
    label_smoothing: float = 0.0
    ignore_index: int | None = None
    name: ClassVar[str] = "categorical_crossentropy"
    takes_labels: ClassVar[bool] = True
    takes_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_crossentropy(self)
        if self.ignore_index is not None:
            index = check_int(
                self.ignore_index, name="ignore_index", minimum=-(2**63), maximum=2**63 - 1
            )
            object.__setattr__(self, "ignore_index", index)


def _check_crossentropy(loss: BinaryCrossentropy | CategoricalCrossentropy) -> None:
    if loss.from_logits is not None:
        chosen = check_bool(loss.from_logits, name="from_logits")
        object.__setattr__(loss, "from_logits", chosen)
    smoothing = check_real(loss.label_smoothing, name="label_smoothing", minimum=0.0, below=1.0)
    object.__setattr__(loss, "label_smoothing", smoothing)


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

# What users of Keras and PyTorch type, without underscores and in lower case.
_ALIASES = {
    "meansquarederror": "mse",
    "meanabsoluteerror": "mae",
    "huberloss": "huber",
    "bce": "binary_crossentropy",
    "sparsecategoricalcrossentropy": "categorical_crossentropy",
    "crossentropy": "categorical_crossentropy",
    "crossentropyloss": "categorical_crossentropy",
    "mseloss": "mse",
    "l1loss": "mae",
    **{name.replace("_", ""): name for name in NAMES},
}

# Those that are nearly the same: what to write.
_ELSEWHERE = {
    **dict.fromkeys(
        ("smoothl1", "smoothl1loss"),
        "write 'huber', which is the same at beta=1, or Huber(delta=...)",
    ),
    **dict.fromkeys(
        ("bcewithlogits", "bcewithlogitsloss", "binarycrossentropywithlogits"),
        "write 'binary_crossentropy', which takes the outputs of a linear layer as logits",
    ),
    **dict.fromkeys(
        ("nll", "nllloss"),
        "write 'categorical_crossentropy' after a linear layer, without log_softmax",
    ),
    "bceloss": "write 'binary_crossentropy'",
}


def parse(loss: Any) -> Loss:
    """Return the loss that a name or an object stands for.

    Parameters
    ----------
    loss : str or Loss
        A canonical name ("mse", "mae", "huber", "binary_crossentropy",
        "categorical_crossentropy"), a name as Keras or PyTorch spells it ("mean_squared_error",
        "MeanSquaredError", "CrossEntropyLoss", ...), or an object.

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.
    TypeError
        Neither a name nor a loss.
    NotImplementedError
        A loss of one's own.

    Examples
    --------
    >>> parse("mean_squared_error").name
    'mse'
    >>> parse("sparse_categorical_crossentropy").takes_labels
    True
    """
    if isinstance(loss, Loss) and type(loss) is not Loss:
        _check_known(loss)
        return loss
    if not isinstance(loss, str):
        raise TypeError(
            f"loss must be a name ({', '.join(NAMES)}) or a loss object, got "
            f"{shown(loss)}{_to_write(loss)}"
        )
    plain = loss.replace("_", "").lower()
    name = _ALIASES.get(plain)
    if name is None:
        hint = f"; {_ELSEWHERE[plain]}" if plain in _ELSEWHERE else nearest(loss.lower(), NAMES)
        raise ValueError(f"unknown loss {shown(loss)}; known are {', '.join(NAMES)}{hint}")
    return _LOSSES[name]()


def _to_write(loss: Any) -> str:
    """Return what to write for a class, a function, or a loss of another library."""
    if isinstance(loss, type) and issubclass(loss, Loss):
        return f"; write {loss.__name__}()"
    kind = loss if hasattr(loss, "__name__") else type(loss)
    plain = kind.__name__.replace("_", "").lower()
    if plain in _ALIASES:
        return f"; write loss='{_ALIASES[plain]}'"
    if plain in _ELSEWHERE:
        return f"; {_ELSEWHERE[plain]}"
    if callable(loss):
        return (
            "; a loss of one's own goes with a loop of one's own: layer.forward, tape.backward, "
            "optimizer.update"
        )
    return ""


def _check_known(loss: Loss) -> None:
    """Refuse what seems to compute a loss of its own: the core knows its own alone."""
    if loss.name in _LOSSES and not callable(loss):
        return
    from lstm_native._base.hints import OWN_LOOP

    raise NotImplementedError(
        f"loss: {type(loss).__name__} seems to compute a loss of its own, and such are not there "
        f"yet; known are {', '.join(NAMES)}. A loop of one's own takes any, by its gradient dy: "
        + OWN_LOOP
    )
