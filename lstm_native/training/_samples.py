"""Samples, targets and row weights: checked, and cut into the batches that the core takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.lengths import Holes, Lengths, check_is_mask, true_steps
from lstm_native._base.shape_hints import about_samples
from lstm_native._base.values import as_mask, check_same_length
from lstm_native.losses import Loss
from lstm_native.network._layer_hints import to_keep_time
from lstm_native.training._target_hints import explain_targets
from lstm_native.training._targets import (
    check_targets,
    label_sequences,
    mean_of_counting,
    no_targets,
    row_weights,
    sample_weights,
)

if TYPE_CHECKING:
    from lstm_native.network.stack import Stack

Rows = NDArray[np.int64] | slice


@dataclass(slots=True)  # made for every batch: a frozen one would take three times as long
class Batch:
    """What one call of the core takes: `rows` of the arrays, or all of them.

    weights : of the rows in metrics and in an evaluation.
    timesteps : of an output with a time axis, else 0.
    trained : weights of the rows in the loss of training.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    weights: NDArray[Any] | None
    lengths: Lengths
    timesteps: int
    rows: NDArray[np.int64] | None = None
    trained: NDArray[Any] | None = None

    @property
    def longest(self) -> int:
        """Steps of the longest sequence of the batch."""
        if self.lengths is None:
            return self.timesteps
        return int((self.lengths if self.rows is None else self.lengths[self.rows]).max())

    def seen(self, first: int, steps: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Return targets and row weights of a window (steps 0: of everything), for metrics."""

        def of_batch(array: NDArray[Any]) -> NDArray[Any]:
            part = array[:, first : first + steps] if steps else array
            found: NDArray[Any] = part if self.rows is None else part[self.rows]
            return found

        weights = None if self.weights is None else of_batch(self.weights)
        if self.timesteps and self.lengths is not None:
            ends = self.lengths if self.rows is None else self.lengths[self.rows]
            counts = true_steps(ends - first, steps or self.timesteps)
            counts = counts[:, : self.timesteps - first]
            weights = counts.astype(self.x.dtype) if weights is None else weights * counts
        return of_batch(self.y), weights


@dataclass(frozen=True)
class Data:
    """Samples, targets, row weights and lengths, as the core takes them."""

    x: NDArray[Any]
    y: NDArray[Any]
    weights: NDArray[Any] | None
    lengths: Lengths
    timesteps: int  # of the output; 0: it has no time axis
    trained: NDArray[Any] | None  # weights in the loss of training, with those of the classes
    probabilities: bool  # what a cross-entropy takes the outputs for

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.x)

    @property
    def longest(self) -> int:
        """Steps of the longest sequence, of an output with a time axis."""
        return self.timesteps

    def part(self, rows: slice) -> Data:
        """Return some of the samples."""
        return Data(
            self.x[rows],
            self.y[rows],
            None if self.weights is None else self.weights[rows],
            None if self.lengths is None else self.lengths[rows],
            self.timesteps,
            None if self.trained is None else self.trained[rows],
            self.probabilities,
        )

    def without_classes(self) -> Data:
        """Return the same without the weights of classes: for validation."""
        return replace(self, trained=self.weights)

    def counts(self) -> bool:
        """Whether any row counts in the loss."""
        if self.timesteps and self.lengths is not None and not self.lengths.any():
            return False
        return self.trained is None or bool(self.trained.any())

    @cached_property
    def mean_weight(self) -> float:
        """Mean weight of the rows that count in the loss of training."""
        counts = None
        if self.timesteps and self.lengths is not None:
            counts = true_steps(self.lengths, self.timesteps)
        return mean_of_counting(self.trained, counts)

    def take(self, rows: Rows) -> Batch:
        """Return one batch, without a copy."""
        if isinstance(rows, slice):
            part = self.part(rows)
            return Batch(
                part.x, part.y, part.weights, part.lengths, self.timesteps, None, part.trained
            )
        return Batch(self.x, self.y, self.weights, self.lengths, self.timesteps, rows, self.trained)

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield the batches of an evaluation."""
        for start in range(0, len(self), size):
            yield slice(start, start + size)

    def shuffled(self, size: int, seed: int, epoch: int) -> Iterator[Rows]:
        """Yield the batches of an epoch: a function of seed and epoch alone."""
        order = np.random.default_rng([seed, epoch]).permutation(len(self))
        return cut(order.astype(np.int64, copy=False), size)


def cut(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield batches of so many samples; the last one may be smaller."""
    for start in range(0, len(order), size):
        yield order[start : start + size]


def check_data(
    model: Stack,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    lengths: Any = None,
    mask: Any = None,
    some: bool = True,
) -> Data:
    """Return samples and targets ready for the core, or say what does not fit.

    some : whether a row must count, as in all but one batch of several.
    """
    kept, mask = _mask_of_samples(mask)
    x, ends, holes = model._check_input(x, lengths, mask)
    if not len(x):
        raise ValueError(f"x has no samples: its shape is {x.shape}, expected at least one")
    closed = model._output_shape(x)
    probabilities = model._network.reads_probabilities(loss._native())
    timed = len(closed) == 3
    if loss.takes_sequences:
        kept = None if kept is None else as_mask(kept, name="mask", shape=closed[:1])
        return _check_sequences(
            model,
            x,
            y,
            loss,
            closed,
            ends,
            kept,
            probabilities,
            sample_weight=sample_weight,
            class_weight=class_weight,
            some=some,
        )
    if loss.takes_targets:
        target = as_array(y, name="y")
        if target.ndim:
            check_same_length(x, target, names=("x", "y"), hint=about_samples(x.shape, len(target)))
    # Of y and the weights as they are given: with their holes.
    output = (*holes.mask.shape, closed[-1]) if timed and holes is not None else closed
    rows = output[:-1]
    counts = _rows_that_count(rows, ends, holes) if timed else None
    if counts is not None and not counts.any():
        given = "lengths" if mask is None else "mask"
        raise ValueError(f"{given}: all {len(x)} sequences are empty")
    if kept is not None:
        kept = as_mask(kept, name="mask", shape=rows[:1])
        kept = np.broadcast_to(kept[:, np.newaxis], rows) if timed else kept
        counts = kept if counts is None else kept & counts
        if not counts.any():
            raise ValueError("mask: all samples that count are empty sequences")
    steps = x.shape[1] if x.ndim == (2 if model._network.takes_tokens else 3) else 0
    steps = steps if holes is None else holes.mask.shape[1]
    if loss.takes_targets:
        explain_targets(model.layers, steps, target, output, loss)
        checked, left = check_targets(target, counts, output, loss, model.dtype)
    else:
        loss._target_shape(output[-1])  # refuses outputs that it cannot have
        checked, left = no_targets(y, rows, loss, model.dtype), counts
    given_weights = sample_weights(sample_weight, rows, model.dtype, some=some)
    if left is counts and kept is None and given_weights is None:
        left = None  # the core knows the ends, and holes are closed below
    weights = row_weights(
        given_weights, left, class_weight, checked, output, loss, model.dtype, some=some
    )
    measured, trained = weights.measured, weights.trained
    if timed and holes is not None:
        checked = holes.close(checked)
        same = trained is measured
        measured = None if measured is None else holes.close(measured)
        trained = measured if same or trained is None else holes.close(trained)
    return Data(x, checked, measured, ends, closed[1] if timed else 0, trained, probabilities)


def _check_sequences(
    model: Stack,
    x: NDArray[Any],
    y: Any,
    loss: Loss,
    output: tuple[int, ...],
    ends: Lengths,
    kept: NDArray[np.bool_] | None,
    probabilities: bool,
    *,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    some: bool,
) -> Data:
    """Return samples whose targets are sequences of labels: each sample is one row."""
    if len(output) != 3:
        raise ValueError(
            f"the loss '{loss.name}' needs a model that answers at each step; "
            f"{to_keep_time(model.layers)}"
        )
    labels = label_sequences(y, ends, output, loss)
    of_samples = (output[0], output[-1])
    weights = row_weights(
        sample_weights(sample_weight, of_samples[:1], model.dtype, some=some),
        kept,
        class_weight,
        labels,
        of_samples,
        loss,
        model.dtype,
        some=some,
    )
    return Data(x, labels, weights.measured, ends, 0, weights.trained, probabilities)


def _rows_that_count(
    rows: tuple[int, ...], ends: Lengths, holes: Holes | None
) -> NDArray[np.bool_] | None:
    """Return which steps of (N, T) the sequences have; None for all."""
    if holes is not None:
        return holes.mask
    return None if ends is None else true_steps(ends, rows[1])


def _mask_of_samples(mask: Any) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    """Return a mask of samples (N,), or one of steps, whichever it is."""
    if mask is None:
        return None, None
    found = as_array(mask, name="mask")
    check_is_mask(found)
    if found.ndim not in (1, 2):
        raise ValueError(
            f"mask: expected shape (samples,) or (samples, timesteps), got {found.shape}"
        )
    return (found, None) if found.ndim == 1 else (None, found)
