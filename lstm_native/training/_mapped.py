"""Samples in memory-mapped arrays, which may be larger than memory: one batch of them at a time.

The file is gone through once, in pieces, to say what does not fit before anything is learned; then
each batch is read, checked and converted when its turn comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.lengths import true_steps
from lstm_native._base.shape_hints import about_samples
from lstm_native._base.values import check_same_length
from lstm_native.training._batches import prefixed
from lstm_native.training._columns import Rows
from lstm_native.training._samples import Batch, Data, Target

# Values of x that are looked at together: a few megabytes.
_PIECE = 1 << 20

Entries = Mapping[str, Sequence[Any]]
"""x, y, sample_weight, lengths and mask: for each input or output an array, or None."""


def pieces(x: Sequence[NDArray[Any]]) -> Iterator[slice]:
    """Yield the samples of arrays, some at a time."""
    size = max(_PIECE // max(sum(math.prod(one.shape[1:]) for one in x), 1), 1)
    for start in range(0, len(x[0]), size):
        yield slice(start, start + size)


@dataclass(frozen=True)
class Mapped(Data):
    """`Data` whose arrays stay in their files. Inputs and targets are those of the first piece.

    check : (entries, whether the weights of classes count) -> Data of some samples.
    entries : of all samples.
    means : what the weights of each loss are divided by.
    """

    check: Callable[[Entries, bool], Data]
    entries: Entries
    classes: bool
    means: tuple[float, ...] = ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.entries["x"][0])

    def part(self, rows: slice) -> Mapped:
        """Return some of the samples."""
        return replace(self, entries=_rows_of(self.entries, rows))

    def without_classes(self) -> Mapped:
        """Return the same without the weights of classes: for validation."""
        return replace(self, classes=False)

    def balanced(self) -> Mapped:
        """Return the same with weights that each loss can take as they are: of several, mean 1."""
        return self if self.alone else replace(self, means=tuple(self._means))

    def counts(self) -> bool:
        """Whether rows count in each loss."""
        left = set(range(len(self.targets)))
        for rows in pieces(self.entries["x"]):
            found = self._read(rows)
            left -= {k for k in left if found.targets[k].counts()}
            if not left:
                return True
        return False

    @cached_property
    def mean_weight(self) -> float:
        """What the weights of a batch are measured by."""
        return self._means[0] if self.alone else 1.0

    @cached_property
    def _means(self) -> list[float]:
        """Mean weight, for each loss, of the rows that count in it."""
        weighted = any(one is not None for one in self.entries["sample_weight"])
        if not self.classes and not weighted:
            return [1.0] * len(self.targets)
        sums = [(0.0, 0.0)] * len(self.targets)
        for rows in pieces(self.entries["x"]):
            for k, target in enumerate(self._read(rows).targets):
                total, number = _sum_of(target)
                sums[k] = sums[k][0] + total, sums[k][1] + number
        return [total / number if total else 1.0 for total, number in sums]

    def take(self, rows: Rows) -> Batch:
        """Return one batch: a copy of its samples alone."""
        found = self._read(rows)
        if self.means:
            pairs = zip(found.targets, self.means, strict=True)
            found = replace(found, targets=tuple(one.divided(mean) for one, mean in pairs))
        return found.take(slice(None))

    def _read(self, rows: Rows) -> Data:
        return self.check(_rows_of(self.entries, rows), self.classes)


def _rows_of(entries: Entries, rows: Rows) -> dict[str, list[Any]]:
    return {
        name: [None if one is None else one[rows] for one in several]
        for name, several in entries.items()
    }


def _sum_of(target: Target) -> tuple[float, float]:
    """Return the sum of the weights of the rows that count, and how many these are."""
    weights: Any = target.trained
    if weights is None:
        return 0.0, 1.0
    if target.timesteps and target.lengths is not None:
        weights = weights * true_steps(target.lengths, target.timesteps)
    return float(weights.sum(dtype=np.float64)), float(np.count_nonzero(weights))


def check_mapped(entries: Entries, check: Callable[[Entries, bool], Data]) -> Data:
    """Return samples and targets that stay in their files, checked piece by piece."""
    given = {
        name: [None if one is None else as_array(one, name=name) for one in several]
        for name, several in entries.items()
    }
    x = given["x"]
    first_x = x[0]
    assert first_x is not None
    some = [one for several in given.values() for one in several if one is not None]
    if len(first_x) == 0 or first_x.ndim < 2 or any(one.ndim == 0 for one in some):
        return check(given, True)  # which says what is wrong
    for one in given["y"]:
        if one is not None:
            hint = about_samples(first_x.shape, len(one))
            check_same_length(first_x, one, names=("x", "y"), hint=hint)
    for name, several in given.items():
        for one in several:
            if one is not None and len(one) != len(first_x):
                raise ValueError(
                    f"{name}: expected one for each of the {len(first_x)} samples, got shape "
                    f"{one.shape}"
                )
    first: Data | None = None
    for rows in pieces([one for one in x if one is not None]):
        try:
            found = check(_rows_of(given, rows), True)
        except (TypeError, ValueError) as error:
            stop = min(rows.stop, len(first_x))
            raise prefixed(error, f"samples {rows.start} to {stop - 1}") from None
        first = first or found
    assert first is not None
    mapped = Mapped(
        first.inputs, first.targets, first.alone, first.steps_of, check, given, classes=True
    )
    if not mapped.counts():
        raise ValueError("sample_weight, mask: no row counts")
    return mapped
