"""Training and evaluation, as the models call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstm_native.training._loop import (
        Options,
        check_source,
        evaluate,
        evaluation_size,
        fit,
        padding_told,
        train_on_batch,
    )

__all__ = [
    "Options",
    "check_source",
    "evaluate",
    "evaluation_size",
    "fit",
    "padding_told",
    "train_on_batch",
]


def __getattr__(name: str) -> Any:
    """Load the loop when it is first used: a program that only runs a model does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lstm_native.training import _loop

    return getattr(_loop, name)
