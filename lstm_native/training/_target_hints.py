"""What to write instead, where targets have not the shape of the model's output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from lstm_native.layers.layer import Layer
from lstm_native.losses import Loss
from lstm_native.network._layer_hints import to_drop_time, to_keep_time, with_units


def explain_targets(
    layers: Sequence[Layer],
    steps: int,
    target: NDArray[Any],
    output: tuple[int, ...],
    loss: Loss,
    name: str = "y",
) -> None:
    """Refuse targets whose axes are not the output's, where the sizes tell how to mend it.

    Parameters
    ----------
    steps : int
        Of the input; 0: it has no time axis.
    target : ndarray
    output : tuple of int
        Of what the model answers: (N, T, K) or (N, K).
    """
    *rows, features = output
    if not loss.takes_labels:
        wanted = loss._target_shape(features)[0]
        if wanted != features:  # its outputs are parameters: what is said of units would be wrong
            output, features = (*rows, wanted), wanted
            if target.shape == output or target.shape[: len(rows)] == tuple(rows):
                return
    shape = target.shape
    told = f"{name}: expected shape {output}, got {shape}"
    if len(rows) == 2:
        if len(shape) == 1 or (len(shape) == 2 and shape[1] != rows[1]):
            raise ValueError(
                f"{told}: the model answers at each of the {rows[1]} steps; to answer once for "
                f"each sequence, {to_drop_time(layers)}"
            )
    elif steps > 1 and len(shape) in (2, 3) and shape[1] == steps:
        if len(shape) == 3 or shape[1] != features:
            raise ValueError(
                f"{told}: the model answers once for each sequence; to answer at each of its "
                f"{steps} steps, {to_keep_time(layers)}"
            )
    elif len(shape) == 3 and not loss.takes_labels:
        size = shape[1] * shape[2]
        units = "" if size == features else f" and {with_units(layers, size)}"
        raise ValueError(
            f"{told}: the model answers with one axis; write {name}.reshape(len({name}), -1){units}"
        )
    if loss.takes_labels or shape[: len(rows)] != tuple(rows):
        return
    found = 1 if len(shape) == len(rows) else shape[-1]
    if (found == 1 and target.dtype.kind in "iu") or (
        loss.takes_logits and (found, features) == (2, 1)
    ):
        return  # classes, most likely: what is said of them is better
    if len(shape) in (len(rows), len(rows) + 1) and found != features:
        raise ValueError(
            f"{told}: {found} value{'s' if found > 1 else ''} for each row, but the model answers "
            f"with {features}; {with_units(layers, found)}"
        )
