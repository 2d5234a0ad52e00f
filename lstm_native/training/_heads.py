"""Targets and weights of each loss, checked against the output it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array, parts_of
from lstm_native._base.lengths import Holes, Lengths, true_steps
from lstm_native._base.shape_hints import about_samples
from lstm_native._base.values import as_mask, check_same_length
from lstm_native.losses import Loss
from lstm_native.network._layer_hints import to_keep_time
from lstm_native.training._columns import Sequences, starts_of
from lstm_native.training._inputs import Inputs
from lstm_native.training._ragged import (
    check_count,
    in_sequences,
    refuse_steps,
    sequence_weights,
    target_sequences,
)
from lstm_native.training._samples import Target
from lstm_native.training._target_hints import explain_targets
from lstm_native.training._targets import (
    Counts,
    check_targets,
    label_sequences,
    no_targets,
    row_weights,
    sample_weights,
)

if TYPE_CHECKING:
    from lstm_native.network.stack import Stack


@dataclass(frozen=True)
class Given:
    """What one loss is given."""

    y: Any
    sample_weight: Any = None
    class_weight: Mapping[int, float] | None = None


@dataclass(frozen=True)
class Place:
    """The output that a loss belongs to.

    steps, lengths : 0: it has no time axis.
    """

    output: int
    features: int
    steps: int
    lengths: Lengths


def check_target(
    model: Stack,
    inputs: Inputs,
    given: Given,
    loss: Loss,
    place: Place,
    kept: NDArray[np.bool_] | None,
    *,
    some: bool,
    mask_given: bool,
) -> Target:
    """Return targets ready for the core, or say what does not fit.

    kept : which samples count; None: all.
    some : whether a row must count, as in all but one batch of several.
    mask_given : whether padding was told by a mask, for messages.
    """
    if kept is not None and inputs.ragged:
        raise ValueError("mask: x is a list of sequences, which have their own lengths")
    if loss.takes_sequences:
        return _check_labels(model, inputs, given, loss, place, kept, some=some)
    if not loss.takes_targets:
        loss._target_shape(place.features)  # refuses outputs that it cannot have
    check = _check_ragged if inputs.ragged else _check_arrays
    return check(model, inputs, given, loss, place, kept, some=some, mask_given=mask_given)


def _check_labels(
    model: Stack,
    inputs: Inputs,
    given: Given,
    loss: Loss,
    place: Place,
    kept: NDArray[np.bool_] | None,
    *,
    some: bool,
) -> Target:
    """Return targets that are sequences of labels: each sample is one row."""
    count = len(inputs)
    if not place.steps:
        hint = f"; {to_keep_time(model._hint_layers)}" if model._hint_layers else ""
        raise ValueError(f"the loss '{loss.name}' needs a model that answers at each step{hint}")
    kept = None if kept is None else as_mask(kept, name="mask", shape=(count,))
    output = (count, place.steps, place.features)
    labels = label_sequences(given.y, place.lengths, output, loss)
    of_samples = (count, place.features)
    if inputs.ragged:
        ones = np.ones(count, dtype=np.int64)
        weights = sequence_weights(given.sample_weight, ones, False, model.dtype, some=some)
    else:
        weights = sample_weights(given.sample_weight, of_samples[:1], model.dtype, some=some)
    found = row_weights(
        weights, kept, given.class_weight, labels, of_samples, loss, model.dtype, some=some
    )
    probabilities = model._network.reads_probabilities(loss._native(), place.output)
    return Target(labels, found.measured, found.trained, 0, None, probabilities, place.output)


def _check_arrays(
    model: Stack,
    inputs: Inputs,
    given: Given,
    loss: Loss,
    place: Place,
    kept: NDArray[np.bool_] | None,
    *,
    some: bool,
    mask_given: bool,
) -> Target:
    x, holes = inputs.columns[0].values, inputs.holes_of(place.output)
    assert isinstance(x, np.ndarray)
    timed = place.steps > 0
    if timed and holes is not None:
        holes.check_steps(place.steps)
    if loss.takes_targets:
        target = as_array(given.y, name="y")
        if target.ndim:
            check_same_length(x, target, names=("x", "y"), hint=about_samples(x.shape, len(target)))
    probabilities = model._network.reads_probabilities(loss._native(), place.output)
    # Of y and the weights as they are given: with their holes.
    steps = () if not timed else (place.steps if holes is None else holes.mask.shape[1],)
    output = (len(x), *steps, place.features)
    rows = output[:-1]
    counts = _rows_that_count(rows, place.lengths, holes) if timed else None
    if counts is not None and not counts.any():
        name = "mask" if mask_given else "lengths"
        raise ValueError(f"{name}: all {len(x)} sequences are empty")
    if kept is not None:
        kept = as_mask(kept, name="mask", shape=rows[:1])
        kept = np.broadcast_to(kept[:, np.newaxis], rows) if timed else kept
        counts = kept if counts is None else kept & counts
        if not counts.any():
            raise ValueError("mask: all samples that count are empty sequences")
    if not loss.takes_targets:
        checked, left = no_targets(given.y, rows, loss, model.dtype), counts
    else:
        if model._hint_layers:
            closed = inputs.closed[0]
            before = inputs.steps()[0] if closed is None else closed.mask.shape[1]
            explain_targets(model._hint_layers, before, target, output, loss)
        checked, left = check_targets(target, counts, output, loss, model.dtype)
    weights_given = sample_weights(given.sample_weight, rows, model.dtype, some=some)
    if left is counts and kept is None and weights_given is None:
        left = None  # the core knows the ends, and holes are closed below
    weights = row_weights(
        weights_given, left, given.class_weight, checked, output, loss, model.dtype, some=some
    )
    measured, trained = weights.measured, weights.trained
    if timed and holes is not None:
        checked = holes.close(checked)
        same = trained is measured
        measured = None if measured is None else holes.close(measured)
        trained = measured if same or trained is None else holes.close(trained)
    return Target(
        checked, measured, trained, place.steps, place.lengths, probabilities, place.output
    )


def _check_ragged(
    model: Stack,
    inputs: Inputs,
    given: Given,
    loss: Loss,
    place: Place,
    kept: NDArray[np.bool_] | None,
    *,
    some: bool,
    mask_given: bool,
) -> Target:
    """Return the targets of sequences in lists."""
    count, timed = len(inputs), place.steps > 0
    of_x = next(one.lengths for one in inputs.columns if one.lengths is not None)
    lengths = place.lengths
    if lengths is None:
        lengths = np.full(count, place.steps, dtype=np.int64) if timed else of_x
    probabilities = model._network.reads_probabilities(loss._native(), place.output)
    targets: Any
    counts: Counts = None
    if not loss.takes_targets:
        rows = (int(lengths.sum()),) if timed else (count,)
        flat = targets = no_targets(given.y, rows, loss, model.dtype)
        if timed:
            targets = Sequences(flat, starts_of(lengths))
    elif timed:
        y = _listed(given.y, count)
        if not lengths.any():
            raise ValueError(f"x: all {count} sequences are empty")
        targets, counts = target_sequences(
            model, y, lengths, place.features, loss, as_x=np.array_equal(lengths, of_x)
        )
        flat, rows = targets.flat, (int(lengths.sum()),)
    else:
        y = _listed(given.y, count)
        refuse_steps(model, y, lengths)
        target = as_array(y, name="y")
        if model._hint_layers:
            explain_targets(model._hint_layers, 0, target, (count, place.features), loss)
        flat, counts = check_targets(target, None, (count, place.features), loss, model.dtype)
        targets, rows = flat, (count,)
    weights = row_weights(
        sequence_weights(given.sample_weight, lengths, timed, model.dtype, some=some),
        counts,
        given.class_weight,
        flat,
        (*rows, place.features),
        loss,
        model.dtype,
        some=some,
    )
    measured = in_sequences(weights.measured, targets)
    same = weights.trained is weights.measured
    return Target(
        targets,
        measured,
        measured if same else in_sequences(weights.trained, targets),
        place.steps,
        lengths if timed else None,
        probabilities,
        place.output,
    )


def _listed(y: Any, count: int) -> Any:
    """Return what stands for each sequence."""
    parts = parts_of(y)  # of a column, by place and not by label
    found = as_array(y, name="y") if parts is None else parts
    check_count(found, count, "y")
    return found


def _rows_that_count(
    rows: tuple[int, ...], ends: Lengths, holes: Holes | None
) -> NDArray[np.bool_] | None:
    """Return which steps of (N, T) the sequences have; None for all."""
    if holes is not None:
        return holes.mask
    return None if ends is None else true_steps(ends, rows[1])
