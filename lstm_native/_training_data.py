"""What fit and evaluate are given: arrays, lists of sequences, or an iterable of batches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lstm_native._batches import (
    Batches,
    Source,
    is_batches,
    refuse_beside,
    refuse_missing_targets,
    refuse_steps,
)
from lstm_native._ragged import Ragged, check_ragged, refuse_lengths, sequences_in
from lstm_native._samples import Data, check_data
from lstm_native.losses import Loss

if TYPE_CHECKING:
    from lstm_native.model import Sequential


def check_samples(
    model: Sequential,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    lengths: Any = None,
    mask: Any = None,
    **weights: Any,
) -> Data | Ragged:
    """Return samples and targets ready for the core, or say what does not fit."""
    sequences = sequences_in(x, model)
    if sequences is None:
        return check_data(model, x, y, loss, lengths=lengths, mask=mask, **weights)
    refuse_lengths(lengths=lengths, mask=mask)
    return check_ragged(model, sequences, y, loss, **weights)


def check_source(
    model: Sequential,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    call: str = "fit",
    name: str = "x",
    steps: Any = None,
    steps_name: str = "steps",
    goes_on: bool = False,
    passes: int = 1,
    beside: Mapping[str, Any] | None = None,
    class_weight: Any = None,
    **given: Any,
) -> Data | Ragged | Batches:
    """Return samples and targets, or batches of them, ready for the core.

    `beside` are arguments that say nothing beside an iterable of batches.
    """
    if not is_batches(x):
        refuse_steps(name, **{steps_name: steps})
        if y is None:
            refuse_missing_targets(x, call)
        return check_samples(model, x, y, loss, class_weight=class_weight, **given)
    refuse_beside(name, y=y, **given, **(beside or {}))
    source = Source(
        x, name=name, steps=steps, steps_name=steps_name, goes_on=goes_on, passes=passes
    )
    check = partial(_check_batch, model, loss, class_weight)
    return Batches(source, check, name=name, one_size=model._stateful)


def _check_batch(
    model: Sequential, loss: Loss, class_weight: Any, *, x: Any, y: Any, **given: Any
) -> Data | Ragged:
    return check_samples(model, x, y, loss, class_weight=class_weight, **given)
