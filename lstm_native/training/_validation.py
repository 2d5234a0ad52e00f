"""What a training is validated on: checked before anything is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_native.training._batches import is_batches, prefixed, refuse_beside, refuse_steps
from lstm_native.training._data import Batches
from lstm_native.training._samples import Data
from lstm_native.training._settings import TrainingSettings
from lstm_native.training._windows import check_one_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from lstm_native.training._fit_options import Options


def split(
    model: TrainingSettings,
    data: Data | Batches,
    options: Options,
    check: Callable[..., Data | Batches],
    *,
    given: Any,
    lengths: Any,
    mask: Any,
    steps: Any,
    padding: str = "",
) -> tuple[Data | Batches, Data | Batches | None]:
    """Return what to train on and what to validate on.

    Parameters
    ----------
    check : callable
        (x, y, **options of check_samples) -> samples ready for the core.
    given : (x, y), (x, y, sample_weight), iterable of batches or None
        validation_data.
    lengths, mask, steps
        validation_lengths, validation_mask, validation_steps.
    padding : {"", "lengths", "mask"}
        What tells the padding of the samples to train on.
    """
    share = options.validation_split
    if given is None:
        refuse_steps("validation_data", validation_steps=steps)
        for name, value in (("lengths", lengths), ("mask", mask)):
            if value is not None:
                raise ValueError(f"validation_{name} needs validation_data, whose steps it tells")
        if not share:
            return data, None
        parts = _cut(data, share)
        _check_sizes(model, parts[1], options, f"validation_split={share}")
        return parts
    if share:
        raise ValueError("give validation_data or validation_split, not both")
    if is_batches(given):
        refuse_beside("validation_data", validation_lengths=lengths, validation_mask=mask)
        held_out = check(
            given,
            None,
            name="validation_data",
            steps=steps,
            steps_name="validation_steps",
            passes=options.epochs - options.initial_epoch,
        )
        return data, held_out
    refuse_steps("validation_data", validation_steps=steps)
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise ValueError(
            "validation_data must be (x, y), (x, y, sample_weight) or an iterable of batches, got "
            + (f"{len(given)} values" if isinstance(given, (tuple, list)) else type(given).__name__)
        )
    if isinstance(given, list) and all(isinstance(part, tuple) for part in given):
        raise TypeError(
            "validation_data: a list of batches? Give it as a function: "
            "validation_data=lambda: batches"
        )
    x, y, *weight = given
    if is_batches(x):
        raise TypeError(
            f"validation_data: expected (x, y) of arrays, got x a {type(x).__name__}; give an "
            "iterable of batches alone: validation_data=batches"
        )
    try:
        held_out = check(
            x, y, sample_weight=weight[0] if weight else None, lengths=lengths, mask=mask
        )
    except (TypeError, ValueError) as error:
        raise prefixed(error, "validation_data") from None
    if (
        padding
        and isinstance(held_out, Data)
        and held_out.ragged is None
        and lengths is None
        and mask is None
    ):
        other = "lengths" if padding == "mask" else "mask"
        raise ValueError(
            f"validation_data has no {padding}: give validation_{padding}= (or "
            f"validation_{other}=); if it has no padding, "
            "validation_mask=np.ones(x.shape[:2], bool)"
        )
    _check_sizes(model, held_out, options, "validation_data")
    return data, held_out


def padding_told(lengths: Any, mask: Any) -> str:
    """Return the name of the argument that tells which steps are padding; "" for none."""
    if lengths is not None:
        return "lengths"
    return "mask" if mask is not None and np.ndim(mask) == 2 else ""


def _cut(data: Data | Batches, share: float) -> tuple[Data, Data]:
    assert not isinstance(data, Batches)
    count = round(len(data) * share)
    if not 0 < count < len(data):
        raise ValueError(
            f"validation_split={share} of {len(data)} samples leaves "
            f"{len(data) - count} to train on and {count} to validate"
        )
    parts = data.part(slice(0, -count)), data.part(slice(-count, None)).without_classes()
    for part, what in zip(parts, ("train on", "validate"), strict=True):
        if not part.counts():
            raise ValueError(
                f"validation_split={share}: all rows of the part to {what} are masked or have "
                "weight 0"
            )
    return parts


def _check_sizes(
    model: TrainingSettings, data: Data | Batches, options: Options, where: str
) -> None:
    assert not isinstance(data, Batches)
    if model._stateful:
        try:
            check_one_size(len(data), options.batch_size)
        except ValueError as error:
            raise prefixed(error, where) from None
