"""What a model is given or answers with, sample by sample: arrays, or sequences of own lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.lengths import Lengths


@dataclass(frozen=True)
class Sequences:
    """Sequences one behind the other: (sum of lengths, ...)."""

    flat: NDArray[Any]
    starts: NDArray[np.int64]  # (N + 1,)

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each."""
        return np.diff(self.starts)

    def padded(self, rows: NDArray[np.int64], steps: int) -> NDArray[Any]:
        """Return (rows, steps, ...), zeros behind the end of each sequence."""
        if not len(self.flat):
            return np.zeros((len(rows), steps, *self.flat.shape[1:]), dtype=self.flat.dtype)
        places = self.starts[rows][:, np.newaxis] + np.arange(steps)
        out = self.flat.take(places, axis=0, mode="clip")
        out[places >= self.starts[rows + 1][:, np.newaxis]] = 0
        return out

    def part(self, rows: slice) -> Sequences:
        """Return some of them."""
        first, last, _ = rows.indices(len(self))
        starts = self.starts[first : last + 1]
        return Sequences(self.flat[starts[0] : starts[-1]], starts - starts[0])


def in_one(parts: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """Return a copy of all rows, where the parts have rows of one dtype and shape; else None.

    What is in one array is checked and converted in one go, however many the parts are.
    """
    if len({(part.dtype, part.shape[1:]) for part in parts}) != 1:
        return None
    return np.concatenate(parts)


def starts_of(lengths: Any) -> NDArray[np.int64]:
    """Return where sequences of these lengths begin, and where the last one ends."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


Rows = NDArray[np.int64] | slice
Column = NDArray[Any] | Sequences
"""One entry for each sample."""


def part_of(column: Any, rows: slice) -> Any:
    """Return some samples of a column; None stays None."""
    if column is None:
        return None
    return column.part(rows) if isinstance(column, Sequences) else column[rows]


def rows_of(column: Any, rows: NDArray[np.int64], steps: int) -> Any:
    """Return these samples of a column as an array of so many steps (0: no time axis).

    An array that is longer is cut: behind them none of these samples has a step.
    """
    if column is None:
        return None
    if isinstance(column, Sequences):
        return column.padded(rows, steps)
    found = column[rows]
    return np.ascontiguousarray(found[:, :steps]) if steps and found.shape[1] > steps else found


def values_in(column: Any) -> Any:
    """Return all values of a column, one sequence behind the other."""
    return column.flat if isinstance(column, Sequences) else column


@dataclass(frozen=True)
class Input:
    """What one input of the network is given; lengths None: all steps are true, or no time axis."""

    values: Column
    lengths: Lengths

    def part(self, rows: slice) -> Input:
        """Return some of the samples."""
        return Input(part_of(self.values, rows), part_of(self.lengths, rows))


def padded_inputs(
    inputs: Sequence[Input], rows: NDArray[np.int64]
) -> tuple[list[NDArray[Any]], list[Lengths], list[int]]:
    """Return of these samples what each input is given, its lengths and its steps."""
    x, ends, steps = [], [], []
    for one in inputs:
        lengths = None if one.lengths is None else one.lengths[rows]
        if isinstance(one.values, Sequences):
            assert lengths is not None
            longest = max(int(lengths.max()), 1)
            x.append(one.values.padded(rows, longest))
            ends.append(None if (lengths == longest).all() else lengths)
        else:
            x.append(one.values[rows])
            ends.append(lengths)
            longest = one.values.shape[1] if one.values.ndim == one_step(one.values) + 1 else 0
        steps.append(longest)
    return x, ends, steps


def one_step(values: NDArray[Any]) -> int:
    """Return how many axes an input without a time axis has: tokens one, values two."""
    return 1 if values.dtype.kind == "i" else 2


def cut(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield batches of so many samples; the last one may be smaller."""
    for start in range(0, len(order), size):
        yield order[start : start + size]


def is_mapped(array: Any) -> bool:
    """Whether an array's numbers are those of a file."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False
