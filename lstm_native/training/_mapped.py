"""Samples in memory-mapped arrays, which may be larger than memory: one batch of them at a time.

The file is gone through once, in pieces, to say what does not fit before anything is learned; then
each batch is read, checked and converted when its turn comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.shape_hints import about_samples
from lstm_native._base.values import check_same_length
from lstm_native.training._batches import prefixed
from lstm_native.training._samples import Batch, Data, Rows

# Values of x that are looked at together: a few megabytes.
_PIECE = 1 << 20


def is_mapped(array: Any) -> bool:
    """Whether an array's numbers are those of a file."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def pieces(x: NDArray[Any]) -> Iterator[slice]:
    """Yield the samples of an array, some at a time."""
    size = max(_PIECE // max(math.prod(x.shape[1:]), 1), 1)
    for start in range(0, len(x), size):
        yield slice(start, start + size)


@dataclass(frozen=True)
class Mapped(Data):
    """`Data` whose x and y stay in their files.

    check : (x, y, weights of classes or not, sample_weight, lengths, mask) -> Data of some samples.
    beside : sample_weight, lengths and mask of all samples, where they are given.
    """

    check: Callable[..., Data]
    beside: dict[str, NDArray[Any]]
    classes: bool  # whether the weights of classes count

    def part(self, rows: slice) -> Mapped:
        """Return some of the samples."""
        beside = {name: value[rows] for name, value in self.beside.items()}
        return replace(self, x=self.x[rows], y=self.y[rows], beside=beside)

    def without_classes(self) -> Mapped:
        """Return the same without the weights of classes: for validation."""
        return replace(self, classes=False)

    def counts(self) -> bool:
        """Whether any row counts in the loss."""
        return any(self._read(rows).counts() for rows in pieces(self.x))

    @cached_property
    def mean_weight(self) -> float:
        """Mean weight of the rows that count in the loss of training."""
        if not self.classes and "sample_weight" not in self.beside:
            return 1.0
        total = number = 0.0
        for rows in pieces(self.x):
            found = self._read(rows)
            counting = 1.0
            if found.trained is not None:
                weights = found.trained
                if found.timesteps and found.lengths is not None:
                    weights = weights * (np.arange(weights.shape[1]) < found.lengths[:, np.newaxis])
                counting = float(np.count_nonzero(weights))
                total += float(weights.sum(dtype=np.float64))
            number += counting
        return total / number if total else 1.0

    def take(self, rows: Rows) -> Batch:
        """Return one batch: a copy of its samples alone."""
        found = self._read(rows)
        return found.take(slice(None))

    def _read(self, rows: Rows) -> Data:
        return self.check(
            self.x[rows],
            self.y[rows],
            self.classes,
            **{name: value[rows] for name, value in self.beside.items()},
        )


def check_mapped(x: NDArray[Any], y: Any, check: Callable[..., Data], **beside: Any) -> Data:
    """Return samples and targets that stay in their files, checked piece by piece.

    check : (x, y, weights of classes or not, **beside) -> Data.
    """
    y = as_array(y, name="y")
    given = {
        name: as_array(value, name=name) for name, value in beside.items() if value is not None
    }
    if len(x) == 0 or x.ndim < 2 or y.ndim == 0:
        return check(x, y, True, **given)  # which says what is wrong
    check_same_length(x, y, names=("x", "y"), hint=about_samples(x.shape, len(y)))
    for name, value in given.items():
        if value.ndim == 0 or len(value) != len(x):
            raise ValueError(
                f"{name}: expected one for each of the {len(x)} samples, got shape {value.shape}"
            )
    first: Data | None = None
    for rows in pieces(x):
        try:
            found = check(
                x[rows], y[rows], True, **{name: value[rows] for name, value in given.items()}
            )
        except (TypeError, ValueError) as error:
            stop = min(rows.stop, len(x))
            raise prefixed(error, f"samples {rows.start} to {stop - 1}") from None
        first = first or found
    assert first is not None
    mapped = Mapped(
        x, y, None, None, first.timesteps, None, first.probabilities, check, given, classes=True
    )
    if not mapped.counts():
        raise ValueError("sample_weight, mask: no row counts")
    return mapped
