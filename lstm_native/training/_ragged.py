"""Sequences of different lengths in lists: checked, kept without padding, padded per batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array, parts_of, sequences_of
from lstm_native._base.inputs import vocabulary_of
from lstm_native._base.values import as_tokens, as_values, as_weights
from lstm_native.losses import Loss
from lstm_native.network._layer_hints import to_drop_time, to_keep_time
from lstm_native.network.stack import MANY_STEPS
from lstm_native.training._samples import Batch, Rows, cut
from lstm_native.training._target_hints import explain_targets
from lstm_native.training._targets import (
    Counts,
    check_targets,
    label_sequences,
    mean_of_counting,
    no_targets,
    row_weights,
)

if TYPE_CHECKING:
    from lstm_native.network.stack import Stack

# Batches whose samples are sorted by length together: enough that a batch's lengths are alike, and
# few enough that its samples differ from epoch to epoch.
_POOL = 64


def sequences_in(x: Any, model: Stack) -> list[NDArray[Any]] | None:
    """Return the arrays of a list of sequences, or None where `x` is one array of them."""
    ndim = 1 if model.layers[0]._known_input_size == 0 else 2
    return sequences_of(x, ndim=ndim, name="x")


@dataclass(frozen=True)
class Sequences:
    """Sequences one behind the other: (sum of lengths, ...)."""

    flat: NDArray[Any]
    starts: NDArray[np.int64]  # (N + 1,)

    @staticmethod
    def of(parts: Sequence[NDArray[Any]]) -> Sequences:
        """Return copies of the parts."""
        starts = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([len(part) for part in parts], out=starts[1:])
        return Sequences(np.concatenate(parts), starts)

    def padded(self, rows: NDArray[np.int64], steps: int) -> NDArray[Any]:
        """Return (rows, steps, ...), zeros behind the end of each sequence."""
        out = np.zeros((len(rows), steps, *self.flat.shape[1:]), dtype=self.flat.dtype)
        for to, row in zip(out, rows, strict=True):
            part = self.flat[self.starts[row] : self.starts[row + 1]]
            to[: len(part)] = part
        return out

    def part(self, rows: slice) -> Sequences:
        """Return some of them."""
        first, last, _ = rows.indices(len(self.starts) - 1)
        starts = self.starts[first : last + 1]
        return Sequences(self.flat[starts[0] : starts[-1]], starts - starts[0])


@dataclass(frozen=True)
class Ragged:
    """Samples, targets and row weights like `_samples.Data`, for sequences in lists."""

    x: Sequences
    y: Sequences | NDArray[Any]  # of an output with a time axis, or without
    weights: Sequences | NDArray[Any] | None
    lengths: NDArray[np.int64]
    trained: Sequences | NDArray[Any] | None
    probabilities: bool

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.lengths)

    @property
    def timesteps(self) -> int:
        """Steps of the longest output with a time axis, else 0."""
        return self.longest if isinstance(self.y, Sequences) else 0

    @property
    def longest(self) -> int:
        """Steps of the longest sequence."""
        return max(int(self.lengths.max()), 1)

    def part(self, rows: slice) -> Ragged:
        """Return some of the samples."""

        def of_part(of: Any) -> Any:
            return of.part(rows) if isinstance(of, Sequences) else None if of is None else of[rows]

        weights = of_part(self.weights)
        return Ragged(
            self.x.part(rows),
            of_part(self.y),
            weights,
            self.lengths[rows],
            weights if self.trained is self.weights else of_part(self.trained),
            self.probabilities,
        )

    def without_classes(self) -> Ragged:
        """Return the same without the weights of classes: for validation."""
        return replace(self, trained=self.weights)

    def counts(self) -> bool:
        """Whether any row counts in the loss."""
        if isinstance(self.y, Sequences) and not self.lengths.any():
            return False
        weights = _flat(self.trained)
        return weights is None or bool(weights.any())

    @cached_property
    def mean_weight(self) -> float:
        """Mean weight of the rows that count in the loss of training."""
        return mean_of_counting(_flat(self.trained), None)

    def take(self, rows: Rows) -> Batch:
        """Return one batch, padded to its own longest sequence."""
        assert not isinstance(rows, slice)
        lengths = self.lengths[rows]
        steps = max(int(lengths.max()), 1)

        def of_batch(array: Any) -> Any:
            if isinstance(array, Sequences):
                return array.padded(rows, steps)
            return None if array is None else array[rows]

        weights = of_batch(self.weights)
        return Batch(
            of_batch(self.x),
            of_batch(self.y),
            weights,
            None if (lengths == steps).all() else lengths,
            steps if isinstance(self.y, Sequences) else 0,
            None,
            weights if self.trained is self.weights else of_batch(self.trained),
        )

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield the batches of an evaluation, of sequences of similar lengths."""
        return cut(np.argsort(self.lengths, kind="stable"), size)

    def shuffled(self, size: int, seed: int, epoch: int) -> Iterator[Rows]:
        """Yield the batches of an epoch, of similar lengths, as a function of seed and epoch."""
        random = np.random.default_rng([seed, epoch])
        order = random.permutation(len(self)).astype(np.int64, copy=False)
        batches: list[NDArray[np.int64]] = []
        for pool in cut(order, _POOL * size):
            batches += cut(pool[np.argsort(self.lengths[pool], kind="stable")], size)
        for index in random.permutation(len(batches)):
            yield batches[index]


def _flat(weights: Sequences | NDArray[Any] | None) -> NDArray[Any] | None:
    return weights.flat if isinstance(weights, Sequences) else weights


def check_sequences(model: Stack, x: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return each sequence ready for the core; a model that is not built gets its weights here."""
    if not model.built:
        # An empty list says nothing of its features.
        features = next((part.shape[-1] for part in x if part.ndim == 2 and part.shape[-1]), 0)
        if not features:
            raise ValueError(
                f"x: all {len(x)} sequences are empty, and the number of features is not known: "
                "give input_size to the first layer"
            )
        for index, part in enumerate(x):
            _check_sequence(part, f"x[{index}]", None, features, model.dtype)
        model._check_input(np.zeros((1, 1, features), dtype=model.dtype))
    network = model._network
    vocabulary = vocabulary_of(network) if network.takes_tokens else None
    return [
        _check_sequence(part, f"x[{i}]", vocabulary, network.input_features, model.dtype)
        for i, part in enumerate(x)
    ]


def _check_sequence(
    part: NDArray[Any], name: str, vocabulary: int | None, features: int, dtype: str
) -> NDArray[Any]:
    if len(part) == 0:  # a sequence may be empty
        return np.zeros((0,) if vocabulary else (0, features), np.int64 if vocabulary else dtype)
    if vocabulary is not None:
        return as_tokens(part, name=name, vocabulary=vocabulary, ndim=1)
    return as_values(part, name=name, dtype=dtype, ndim=2, features=features)


def check_ragged(
    model: Stack,
    x: Sequence[NDArray[Any]],
    y: Any,
    loss: Loss,
    *,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    some: bool = True,
) -> Ragged:
    """Return samples and targets in lists, checked; or say what does not fit.

    some : whether a row must count, as in all but one batch of several.
    """
    parts = check_sequences(model, x)
    count = len(parts)
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    timesteps, features = model._network.output_shape(int(max(lengths.max(), 1)))
    timed = timesteps > 0
    probabilities = model._network.reads_probabilities(loss._native())
    if loss.takes_sequences or not loss.takes_targets:
        return _check_aside(
            model,
            parts,
            lengths,
            y,
            loss,
            (count, timesteps, features),
            probabilities,
            sample_weight=sample_weight,
            class_weight=class_weight,
            some=some,
        )
    parts_of_y = parts_of(y)  # of a column, by place and not by label
    y = as_array(y, name="y") if parts_of_y is None else parts_of_y
    _check_count(y, count, "y")
    targets: Sequences | NDArray[Any]
    if timed:
        if not lengths.any():
            raise ValueError(f"x: all {count} sequences are empty")
        targets, counts = _target_sequences(model, y, lengths, features, loss)
        flat, rows = targets.flat, (int(lengths.sum()),)
    else:
        _refuse_steps(model, y, lengths)
        target = as_array(y, name="y")
        explain_targets(model.layers, 0, target, (count, features), loss)
        flat, counts = check_targets(target, None, (count, features), loss, model.dtype)
        targets, rows = flat, (count,)
    weights = row_weights(
        _weights(sample_weight, lengths, timed, model.dtype, some=some),
        counts,
        class_weight,
        flat,
        (*rows, features),
        loss,
        model.dtype,
        some=some,
    )

    def in_sequences(of: NDArray[Any] | None) -> Sequences | NDArray[Any] | None:
        if of is None or not isinstance(targets, Sequences):
            return of
        return Sequences(of, targets.starts)

    measured = in_sequences(weights.measured)
    return Ragged(
        Sequences.of(parts),
        targets,
        measured,
        lengths,
        measured if weights.trained is weights.measured else in_sequences(weights.trained),
        probabilities,
    )


def _check_aside(
    model: Stack,
    parts: Sequence[NDArray[Any]],
    lengths: NDArray[np.int64],
    y: Any,
    loss: Loss,
    output: tuple[int, int, int],
    probabilities: bool,
    *,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    some: bool,
) -> Ragged:
    """Return samples whose targets are sequences of labels, or none, and have no steps of x."""
    count, timesteps, features = output
    timed = timesteps > 0
    if loss.takes_sequences and not timed:
        raise ValueError(
            f"the loss '{loss.name}' needs a model that answers at each step; "
            f"{to_keep_time(model.layers)}"
        )
    targets: Sequences | NDArray[Any]
    if loss.takes_sequences:
        targets = label_sequences(y, lengths, output, loss)
        rows, timed = (count,), False
    else:
        loss._target_shape(features)
        rows = (int(lengths.sum()),) if timed else (count,)
        targets = no_targets(y, rows, loss, model.dtype)
        if timed:
            starts = np.zeros(count + 1, dtype=np.int64)
            np.cumsum(lengths, out=starts[1:])
            targets = Sequences(targets, starts)
    weights = row_weights(
        _weights(sample_weight, lengths, timed, model.dtype, some=some),
        None,
        class_weight,
        targets.flat if isinstance(targets, Sequences) else targets,
        (*rows, features),
        loss,
        model.dtype,
        some=some,
    )
    # There are no classes to weigh: both are the same.
    measured: Sequences | NDArray[Any] | None = weights.measured
    if weights.measured is not None and isinstance(targets, Sequences):
        measured = Sequences(weights.measured, targets.starts)
    return Ragged(Sequences.of(parts), targets, measured, lengths, measured, probabilities)


def _refuse_steps(model: Stack, y: Any, lengths: NDArray[np.int64]) -> None:
    """Refuse a list of targets for each step where the model answers once for each sequence."""
    in_steps = isinstance(y, list) and all(
        np.ndim(part) and len(part) == n for part, n in zip(y, lengths, strict=True)
    )
    if in_steps and lengths.max() > 1:
        raise ValueError(
            "y: expected one target for each sequence, got one for each step; to answer at each, "
            f"{to_keep_time(model.layers)}"
        )


def _target_sequences(
    model: Stack, y: Any, lengths: NDArray[np.int64], features: int, loss: Loss
) -> tuple[Sequences, Counts]:
    """Return the targets, and which of their rows count."""
    parts: list[NDArray[Any]] = []
    counting: list[NDArray[np.bool_]] = []
    for index, length in enumerate(lengths):
        name = f"y[{index}]"
        part = as_array(y[index], name=name)
        if part.ndim == 0 or len(part) != length:
            raise ValueError(
                f"{name}: expected {length} steps, as many as x[{index}] has, got shape "
                f"{part.shape}"
                + (
                    f"; to answer once for each, {to_drop_time(model.layers)}"
                    if part.size == 1
                    else ""
                )
            )
        if not length:
            continue
        found, counts = check_targets(part, None, (int(length), features), loss, model.dtype, name)
        if parts and found.ndim != parts[0].ndim:
            raise ValueError(
                f"{name}: expected class indices in all sequences, or probabilities in all, got "
                f"shape {part.shape} behind others"
            )
        parts.append(found)
        counting.append(np.ones(len(found), dtype=bool) if counts is None else counts)
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    counts = np.concatenate(counting)
    return Sequences(np.concatenate(parts), starts), None if counts.all() else counts


def _weights(
    weight: Any, lengths: NDArray[np.int64], timed: bool, dtype: str, *, some: bool
) -> NDArray[Any] | None:
    """Return one weight per row, from one per sample or a list with one per step."""
    if weight is None:
        return None
    _check_count(weight, len(lengths), "sample_weight")
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


def _check_count(values: Any, count: int, name: str) -> None:
    sized = hasattr(values, "__len__") and getattr(values, "ndim", 1) > 0
    if not sized or len(values) != count:
        got = len(values) if sized else repr(values)
        raise ValueError(f"{name}: expected one for each of the {count} sequences of x, got {got}")


def refuse_lengths(**given: Any) -> None:
    """Refuse lengths or a mask beside a list of sequences."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name}: x is a list of sequences, which have their own lengths")


def predict(
    model: Stack, x: Sequence[NDArray[Any]], batch_size: int, *, lengths: Any, mask: Any
) -> list[NDArray[Any]] | NDArray[Any]:
    """Return a list of outputs, or an array where the output has no time axis."""
    refuse_lengths(lengths=lengths, mask=mask)
    if model._stateful:
        raise ValueError("x: a stateful model takes its sequences as an array, not as a list")
    if not x:
        timesteps, features = model._built_network().output_shape(MANY_STEPS)
        return [] if timesteps else np.empty((0, features), dtype=model.dtype)
    parts = check_sequences(model, x)
    sequences = Sequences.of(parts)
    ends_of_all = np.diff(sequences.starts)
    timesteps, _ = model._network.output_shape(max(int(ends_of_all.max()), 1))
    found: list[Any] = [None] * len(parts)
    for rows in cut(np.argsort(ends_of_all, kind="stable"), batch_size):
        ends = ends_of_all[rows]
        steps = max(int(ends.max()), 1)
        y = model._network.predict(sequences.padded(rows, steps), ends)
        for row, one, end in zip(rows, y, ends, strict=True):
            found[row] = one[:end].copy() if timesteps else one
    return found if timesteps else np.stack(found)
