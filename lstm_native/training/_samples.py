"""Samples, targets and row weights, and the batches of them that the core takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.lengths import Lengths, true_steps
from lstm_native.training._columns import (
    Column,
    Input,
    Rows,
    Sequences,
    cut,
    padded_inputs,
    part_of,
    rows_of,
    values_in,
)
from lstm_native.training._targets import mean_of_counting

# Batches whose samples are sorted by length together: enough that a batch's lengths are alike, and
# few enough that its samples differ from epoch to epoch.
_POOL = 64


@dataclass(frozen=True)
class Target:
    """Targets and row weights of one loss.

    output : which output of the network, from 0.
    weights : of the rows in metrics, and in an evaluation.
    trained : of the rows in the loss of training, with those of the classes.
    timesteps : of the output; 0: it has no time axis.
    lengths : of the output's sequences.
    probabilities : what a cross-entropy takes the output for.
    """

    y: Column
    weights: Column | None
    trained: Column | None
    timesteps: int
    lengths: Lengths
    probabilities: bool
    output: int = 0

    def part(self, rows: slice) -> Target:
        """Return some of the samples."""
        weights = part_of(self.weights, rows)
        return replace(
            self,
            y=part_of(self.y, rows),
            weights=weights,
            trained=weights if self.trained is self.weights else part_of(self.trained, rows),
            lengths=part_of(self.lengths, rows),
        )

    def counts(self) -> bool:
        """Whether any row counts in the loss."""
        if self.timesteps and self.lengths is not None and not self.lengths.any():
            return False
        weights = values_in(self.trained)
        return weights is None or bool(weights.any())

    @property
    def mean_weight(self) -> float:
        """Mean weight of the rows that count in the loss of training."""
        counts = None
        whole = not isinstance(self.trained, Sequences)
        if self.timesteps and self.lengths is not None and whole:
            counts = true_steps(self.lengths, self.timesteps)
        return mean_of_counting(values_in(self.trained), counts)

    def balanced(self) -> Target:
        """Return the same with weights in training whose mean is 1."""
        return self.divided(self.mean_weight)

    def divided(self, mean: float) -> Target:
        """Return the same with weights in training that are divided by this."""
        if self.trained is None or mean == 1.0:
            return self
        if isinstance(self.trained, Sequences):
            flat = self.trained.flat
            scaled: Column = Sequences((flat / mean).astype(flat.dtype), self.trained.starts)
        else:
            scaled = (self.trained / mean).astype(self.trained.dtype)
        return replace(self, trained=scaled)


@dataclass(slots=True)
class Seen:
    """Targets and weights of one loss in a batch, as metrics see them; all steps, all rows."""

    y: NDArray[Any]
    weights: NDArray[Any] | None
    lengths: Lengths
    timesteps: int
    output: int


@dataclass(slots=True)  # made for every batch: a frozen one would take three times as long
class Batch:
    """What one call of the core takes: `rows` of the arrays, or all of them.

    x, lengths, y, weights and trained are arrays, or lists with one for each input or loss.
    """

    x: Any
    y: Any
    weights: Any
    lengths: Any
    trained: Any
    targets: tuple[Seen, ...]
    rows: NDArray[np.int64] | None = None

    @property
    def timesteps(self) -> int:
        """Steps of the longest output with a time axis."""
        return max(one.timesteps for one in self.targets)

    @property
    def longest(self) -> int:
        """Steps of the longest sequence of the batch."""
        return max(self._longest(one) for one in self.targets)

    def _longest(self, one: Seen) -> int:
        if one.lengths is None:
            return one.timesteps
        return int((one.lengths if self.rows is None else one.lengths[self.rows]).max())

    def seen(self, first: int, steps: int) -> list[tuple[NDArray[Any], NDArray[Any] | None]]:
        """Return targets and row weights of a window (steps 0: of everything), for metrics."""
        return [self._seen(one, first, steps) for one in self.targets]

    def _seen(self, one: Seen, first: int, steps: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
        def of_batch(array: NDArray[Any]) -> NDArray[Any]:
            part = array[:, first : first + steps] if steps else array
            found: NDArray[Any] = part if self.rows is None else part[self.rows]
            return found

        weights = None if one.weights is None else of_batch(one.weights)
        if one.timesteps and one.lengths is not None:
            ends = one.lengths if self.rows is None else one.lengths[self.rows]
            counts = true_steps(ends - first, steps or one.timesteps)
            counts = counts[:, : one.timesteps - first]
            weights = counts.astype(np.float32) if weights is None else weights * counts
        return of_batch(one.y), weights


@dataclass(frozen=True)
class Data:
    """Samples, targets and row weights: one entry for each input and each loss.

    alone : whether the core gets arrays, of the one input and the one loss, in place of lists.
    steps_of : (steps of each input) -> steps of each output. Needed for sequences in lists, which
        are padded batch by batch.
    """

    inputs: tuple[Input, ...]
    targets: tuple[Target, ...]
    alone: bool
    steps_of: Callable[[list[int]], Sequence[int]]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.inputs[0].values)

    @cached_property
    def ragged(self) -> NDArray[np.int64] | None:
        """The lengths by which sequences in lists are sorted; None where there are none."""
        for one in self.inputs:
            if isinstance(one.values, Sequences):
                return one.lengths
        return None

    @property
    def timesteps(self) -> int:
        """Steps of the longest output; 0 where one has no time axis."""
        found = [one.timesteps for one in self.targets]
        return max(found) if all(found) else 0

    @property
    def longest(self) -> int:
        """Steps of the longest sequence, of outputs with a time axis."""
        return self.timesteps

    @property
    def probabilities(self) -> tuple[bool, ...]:
        """What the cross-entropies take the outputs for."""
        return tuple(one.probabilities for one in self.targets)

    def part(self, rows: slice) -> Data:
        """Return some of the samples."""
        return replace(
            self,
            inputs=tuple(one.part(rows) for one in self.inputs),
            targets=tuple(one.part(rows) for one in self.targets),
        )

    def without_classes(self) -> Data:
        """Return the same without the weights of classes: for validation."""
        return replace(
            self, targets=tuple(replace(one, trained=one.weights) for one in self.targets)
        )

    def balanced(self) -> Data:
        """Return the same with weights that each loss can take as they are: of several, mean 1."""
        if self.alone:
            return self
        return replace(self, targets=tuple(one.balanced() for one in self.targets))

    def counts(self) -> bool:
        """Whether rows count in each loss."""
        return all(one.counts() for one in self.targets)

    @cached_property
    def mean_weight(self) -> float:
        """What the weights of a batch are measured by."""
        return self.targets[0].mean_weight if self.alone else 1.0

    @cached_property
    def _whole(self) -> tuple[Any, ...]:
        """What a batch has of arrays."""
        seen = tuple(
            Seen(one.y, one.weights, one.lengths, one.timesteps, one.output)  # type: ignore[arg-type]
            for one in self.targets
        )
        return self._batch_of(
            [one.values for one in self.inputs],
            [one.lengths for one in self.inputs],
            seen,
            [one.trained for one in self.targets],
        )

    def _batch_of(
        self, x: list[Any], lengths: list[Any], seen: tuple[Seen, ...], trained: list[Any]
    ) -> tuple[Any, ...]:
        y, weights = [one.y for one in seen], [one.weights for one in seen]
        if self.alone:
            return x[0], y[0], weights[0], lengths[0], trained[0], seen
        return x, y, weights, lengths, trained, seen

    def take(self, rows: Rows) -> Batch:
        """Return one batch; of arrays without a copy, of sequences padded to the longest."""
        if self.ragged is not None:
            if isinstance(rows, slice):
                rows = np.arange(*rows.indices(len(self)))
            return self._padded(rows)
        if isinstance(rows, slice):
            return Batch(*self.part(rows)._whole)
        return Batch(*self._whole, rows)  # type: ignore[call-arg]

    def _padded(self, rows: NDArray[np.int64]) -> Batch:
        x, ends, steps = padded_inputs(self.inputs, rows)
        steps_out = self.steps_of(steps)
        seen, trained = [], []
        for one in self.targets:
            # Sequences of labels have steps of their own, and count as one row.
            longest = steps_out[one.output] if one.timesteps else 0
            weights = rows_of(one.weights, rows, longest)
            lengths = None if one.lengths is None else one.lengths[rows]
            if lengths is not None and (lengths == longest).all():
                lengths = None
            seen.append(Seen(rows_of(one.y, rows, longest), weights, lengths, longest, one.output))
            same = one.trained is one.weights
            trained.append(weights if same else rows_of(one.trained, rows, longest))
        return Batch(*self._batch_of(x, ends, tuple(seen), trained))

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield the batches of an evaluation; of sequences in lists of similar lengths."""
        if self.ragged is not None:
            yield from cut(np.argsort(self.ragged, kind="stable"), size)
            return
        for start in range(0, len(self), size):
            yield slice(start, start + size)

    def shuffled(self, size: int, seed: int, epoch: int) -> Iterator[Rows]:
        """Yield the batches of an epoch: a function of seed and epoch alone.

        Those of sequences in lists are of similar lengths.
        """
        random = np.random.default_rng([seed, epoch])
        order = random.permutation(len(self)).astype(np.int64, copy=False)
        if self.ragged is None:
            yield from cut(order, size)
            return
        batches: list[NDArray[np.int64]] = []
        for pool in cut(order, _POOL * size):
            batches += cut(pool[np.argsort(self.ragged[pool], kind="stable")], size)
        for index in random.permutation(len(batches)):
            yield batches[index]
