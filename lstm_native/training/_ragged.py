"""Targets and weights of sequences in lists: one after another, as the outputs have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.values import as_weights
from lstm_native.losses import Loss
from lstm_native.network._layer_hints import to_drop_time, to_keep_time
from lstm_native.training._columns import Sequences, in_one, starts_of
from lstm_native.training._targets import Counts, check_targets

if TYPE_CHECKING:
    from lstm_native.network.stack import Stack


def refuse_steps(model: Stack, y: Any, lengths: NDArray[np.int64]) -> None:
    """Refuse a list of targets for each step where the model answers once for each sequence."""
    in_steps = isinstance(y, list) and all(
        np.ndim(part) and len(part) == n for part, n in zip(y, lengths, strict=True)
    )
    if in_steps and lengths.max() > 1:
        raise ValueError(
            "y: expected one target for each sequence, got one for each step; to answer at each, "
            f"{to_keep_time(model._hint_layers)}"
        )


def target_sequences(
    model: Stack, y: Any, lengths: NDArray[np.int64], features: int, loss: Loss, *, as_x: bool
) -> tuple[Sequences, Counts]:
    """Return the targets, and which of their rows count.

    lengths : of the output.
    as_x : whether they are those of x.
    """
    parts: list[NDArray[Any]] = []
    for index, length in enumerate(lengths.tolist()):
        name = f"y[{index}]"
        part = as_array(y[index], name=name)
        if part.ndim == 0 or len(part) != length:
            whose = f"x[{index}]" if as_x else f"the output for sample {index}"
            raise ValueError(
                f"{name}: expected {length} steps, as many as {whose} has, got shape "
                f"{part.shape}"
                + (
                    f"; to answer once for each, {to_drop_time(model._hint_layers)}"
                    if part.size == 1
                    else ""
                )
            )
        parts.append(part)
    flat, counts = _check_parts(parts, features, loss, model.dtype)
    return Sequences(flat, starts_of(lengths)), counts


def _check_parts(
    parts: list[NDArray[Any]], features: int, loss: Loss, dtype: str
) -> tuple[NDArray[Any], Counts]:
    """Return the targets of all sequences, and which of their rows count."""
    together = in_one([part for part in parts if len(part)])
    if together is not None:
        try:
            flat, kept = check_targets(together, None, (len(together), features), loss, dtype)
            return flat, None if kept is None or kept.all() else kept
        except (TypeError, ValueError):
            pass  # the slower way says which
    found: list[NDArray[Any]] = []
    counting: list[NDArray[np.bool_]] = []
    for index, part in enumerate(parts):
        if not len(part):
            continue
        name = f"y[{index}]"
        target, counts = check_targets(part, None, (len(part), features), loss, dtype, name)
        if found and target.ndim != found[0].ndim:
            raise ValueError(
                f"{name}: expected class indices in all sequences, or probabilities in all, got "
                f"shape {part.shape} behind others"
            )
        found.append(target)
        counting.append(np.ones(len(target), dtype=bool) if counts is None else counts)
    counts = np.concatenate(counting)
    return np.concatenate(found), None if counts.all() else counts


def sequence_weights(
    weight: Any, lengths: NDArray[np.int64], timed: bool, dtype: str, *, some: bool
) -> NDArray[Any] | None:
    """Return one weight per row, from one per sample or a list with one per step."""
    if weight is None:
        return None
    check_count(weight, len(lengths), "sample_weight")
    if timed and isinstance(weight, (list, tuple)) and np.ndim(weight[0]) == 1:
        given = [as_array(part, name=f"sample_weight[{i}]") for i, part in enumerate(weight)]
        for index, (part, length) in enumerate(zip(given, lengths, strict=True)):
            if part.shape != (length,):
                raise ValueError(
                    f"sample_weight[{index}]: expected shape {(int(length),)}, got {part.shape}"
                )
        flat = np.concatenate([part for part in given if len(part)])
        return as_weights(flat, name="sample_weight", shape=flat.shape, dtype=dtype, some=some)
    if getattr(weight, "shape", ()) == (len(lengths), 1):
        raise ValueError(
            f"sample_weight: expected shape {lengths.shape}, got {weight.shape}; write "
            "np.ravel(sample_weight)"
        )
    per_sample = as_weights(
        weight, name="sample_weight", shape=lengths.shape, dtype=dtype, some=some
    )
    return np.repeat(per_sample, lengths) if timed else per_sample


def check_count(values: Any, count: int, name: str) -> None:
    """Refuse what has not one entry for each sample."""
    sized = hasattr(values, "__len__") and getattr(values, "ndim", 1) > 0
    if not sized or len(values) != count:
        got = len(values) if sized else repr(values)
        raise ValueError(f"{name}: expected one for each of the {count} sequences of x, got {got}")


def in_sequences(of: NDArray[Any] | None, like: Any) -> Any:
    """Return rows one behind the other in the sequences of a column."""
    if of is None or not isinstance(like, Sequences):
        return of
    return Sequences(of, like.starts)


__all__: Sequence[str] = (
    "check_count",
    "in_sequences",
    "refuse_steps",
    "sequence_weights",
    "target_sequences",
)
