"""Losses by their names, and what to write for those of other libraries."""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import Any

from lstm_native._base.attributes import freeze
from lstm_native._base.shown import nearest, shown
from lstm_native.losses._base import KINDS, Loss
from lstm_native.losses._classes import (
    BinaryCrossentropy,
    BinaryFocal,
    CategoricalCrossentropy,
    CategoricalFocal,
)
from lstm_native.losses._ctc import CTC
from lstm_native.losses._function import FunctionLoss
from lstm_native.losses._likelihoods import Gaussian, NegativeBinomial, Poisson, StudentT
from lstm_native.losses._mixture import GaussianMixture2D, UnitGaussianKL
from lstm_native.losses._values import (
    CosineSimilarity,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Quantile,
)

KINDS |= {
    kind.name: kind
    for kind in (
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        BinaryFocal,
        CategoricalFocal,
        CosineSimilarity,
        Quantile,
        Poisson,
        NegativeBinomial,
        Gaussian,
        StudentT,
        GaussianMixture2D,
        UnitGaussianKL,
        CTC,
        FunctionLoss,
    )
}


def _refusal(loss: Loss, name: str, value: Any) -> str:
    kind = type(loss).__name__
    return (
        f"losses are settings and cannot be changed: make a new one, {kind}({name}={value!r}), "
        "and give it to fit(loss=...), or set model.loss"
    )


freeze((Loss, *KINDS.values()), _refusal)

#: The canonical names.
NAMES: tuple[str, ...] = tuple(name for name in KINDS if name != FunctionLoss.name)

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
    "cosinesimilarity": "cosine",
    "cosineembeddingloss": "cosine",
    "ctcloss": "ctc",
    "binaryfocalcrossentropy": "binary_focal",
    "categoricalfocalcrossentropy": "categorical_focal",
    "pinball": "quantile",
    "pinballloss": "quantile",
    "quantileloss": "quantile",
    "gaussiannll": "gaussian",
    "gaussiannllloss": "gaussian",
    "kl": "unit_gaussian_kl",
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
    loss : str, Loss or function
        A canonical name ("mse", "ctc", ...: `NAMES`), a name as Keras or PyTorch spells it
        ("mean_squared_error", "MeanSquaredError", "CrossEntropyLoss", ...), an object, or a
        function for `FunctionLoss`.

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.
    TypeError
        Neither a name nor a loss.
    NotImplementedError
        A class of one's own.

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
    if _is_own_function(loss):
        return FunctionLoss(loss)
    if not isinstance(loss, str):
        raise TypeError(
            f"loss must be a name ({', '.join(NAMES)}), a loss object or a function, got "
            f"{shown(loss)}{_to_write(loss)}"
        )
    plain = loss.replace("_", "").lower()
    name = _ALIASES.get(plain)
    if name is None:
        hint = f"; {_ELSEWHERE[plain]}" if plain in _ELSEWHERE else nearest(loss.lower(), NAMES)
        raise ValueError(f"unknown loss {shown(loss)}; known are {', '.join(NAMES)}{hint}")
    return KINDS[name]()


# Their functions and modules are callable, but give no gradient: our own losses are meant.
_OTHERS = ("torch", "keras", "tensorflow", "jax", "flax", "optax", "sklearn", "tf_keras")


def _is_own_function(loss: Any) -> bool:
    """Whether it may be a function that returns value and gradient."""
    if not callable(loss) or isinstance(loss, (type, BuiltinFunctionType)):
        return False
    kind = type(loss).__name__.replace("_", "").lower()
    if kind in _ALIASES or kind in _ELSEWHERE:  # an object of another library's class
        return False
    home = getattr(loss, "__module__", None) or type(loss).__module__
    return str(home).partition(".")[0] not in _OTHERS


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
        return "; a loss of one's own is a Python function (y_true, y_pred) -> (value, gradient)"
    return ""


def _check_known(loss: Loss) -> None:
    """Refuse what seems to compute a loss of its own: the core knows its own alone."""
    if loss.name in KINDS and not callable(loss):
        return
    from lstm_native._base.hints_words import OWN_LOOP

    raise NotImplementedError(
        f"loss: {type(loss).__name__} seems to compute a loss of its own, and classes that do are "
        f"not there yet; known are {', '.join(NAMES)}, and functions (y_true, y_pred) -> (value, "
        "gradient). A loop of one's own takes any, by its gradient dy: " + OWN_LOOP
    )
