"""The true steps of padded sequences, as lengths or as a mask, which may have holes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array

Lengths = NDArray[np.int64] | None
"""(N,) true lengths of padded sequences; None when all are whole."""


class Holes:
    """A mask that is not True first and then False: padding in front, steps missing in between.

    Closed, each sequence has its true steps one after another from step 0 on, and lengths. What
    comes back is opened again: each step in its old place, zeros at the others.
    """

    __slots__ = ("ends", "mask")  # no dataclass: making one takes a share of the import

    def __init__(self, mask: NDArray[np.bool_], ends: NDArray[np.int64]) -> None:
        self.mask = mask  # (N, T)
        self.ends = ends  # (N,), how many are True

    @property
    def steps(self) -> int:
        """Steps of the longest sequence, at least 1."""
        return max(int(self.ends.max()), 1)

    @property
    def lengths(self) -> Lengths:
        """Of the closed sequences."""
        return None if (self.ends == self.steps).all() else self.ends

    def check_steps(self, steps: int) -> None:
        """Refuse an output of another number of steps: it has no place for the holes."""
        if steps != self.steps:
            raise ValueError(
                f"mask: has holes, and the output has another number of steps ({steps}) than what "
                f"is left of x ({self.steps}), so that they have no place in it; take the masked "
                "steps out of x and give lengths"
            )

    def close(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return (N, T, ...) as (N, steps, ...): the true steps, and others behind each end."""
        order = np.argsort(~self.mask, axis=1, kind="stable")[:, : self.steps]
        return _steps_at(x, order)

    def open(self, y: NDArray[Any]) -> NDArray[Any]:
        """Undo `close`; what has no time axis stays as it is."""
        if y.ndim < 3:
            return y
        self.check_steps(y.shape[1])
        places = np.maximum(np.cumsum(self.mask, axis=1) - 1, 0)
        is_true = self.mask.reshape(self.mask.shape + (1,) * (y.ndim - 2))
        opened: NDArray[Any] = np.where(is_true, _steps_at(y, places), y.dtype.type(0))
        return opened


def _steps_at(x: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """Return of each sequence of (N, T, ...) the steps at these places (N, S)."""
    rows = places + np.arange(len(x))[:, np.newaxis] * x.shape[1]
    found: NDArray[Any] = x.reshape(-1, *x.shape[2:]).take(rows, axis=0)
    return found  # much faster than x[n, places]


def steps_of_input(
    lengths: Any, mask: Any, *, shape: tuple[int, ...], axes: int
) -> tuple[Lengths, Holes | None]:
    """Return how many steps each sequence has, or where they are, from `lengths` or from a mask.

    Parameters
    ----------
    lengths : int array_like, (N,), or None
    mask : bool array_like, (N, T), or None
        True: a step of the sequence. False: it is skipped.
    shape : tuple of int
        Of the input, (N, T, ...).
    axes : int
        How many axes an input with a time axis has. Another input is refused elsewhere, unless it
        has one axis less.

    Raises
    ------
    ValueError
        Both are given, the input has no time axis, a length is out of range, another shape.
    TypeError
        Lengths that are no integers, a mask that holds no bools.

    Examples
    --------
    >>> steps_of_input(None, [[True, False], [True, True]], shape=(2, 2), axes=2)
    (array([1, 2]), None)
    >>> _, holes = steps_of_input(None, [[False, True], [True, True]], shape=(2, 2), axes=2)
    >>> holes.close(np.array([[7, 1], [2, 3]]))
    array([[1, 7],
           [2, 3]])
    """
    if lengths is None and mask is None:
        return None, None
    check_one_of(lengths, mask)
    if len(shape) == axes - 1:
        name = "lengths" if mask is None else "mask"
        raise ValueError(f"{name}: expected x with a time axis, got shape {shape}")
    if len(shape) != axes or 0 in shape[1:]:
        return None, None  # x itself is refused
    samples, steps = shape[:2]
    if mask is None:
        ends = _check_lengths(as_array(lengths, name="lengths"), samples, steps)
    else:
        found = _check_mask(as_array(mask, name="mask"), (samples, steps))
        ends = found.sum(axis=1, dtype=np.int64)
        if (found[:, 1:] & ~found[:, :-1]).any():
            return None, Holes(found, ends)
    return (None if (ends == steps).all() else ends), None


def check_one_of(lengths: Any, mask: Any) -> None:
    """Refuse lengths and a mask together."""
    if lengths is not None and mask is not None:
        raise ValueError("lengths and mask say the same: give one of them")


def true_steps(lengths: NDArray[np.int64], timesteps: int) -> NDArray[np.bool_]:
    """Return (N, T), True for the steps that a sequence has."""
    found: NDArray[np.bool_] = np.arange(timesteps) < lengths[:, np.newaxis]
    return found


def _check_lengths(lengths: NDArray[Any], samples: int, steps: int) -> NDArray[np.int64]:
    if lengths.dtype.kind not in "iu" and lengths.size:
        raise TypeError(
            f"lengths: expected integers, got {lengths.dtype}; convert with lengths.astype('int64')"
        )
    if lengths.shape != (samples,):
        hint = "; write np.ravel(lengths)" if lengths.ndim > 1 and lengths.size == samples else ""
        raise ValueError(
            f"lengths: expected shape {(samples,)}, got {lengths.shape}, one for each sequence"
            f"{hint}"
        )
    wrong = np.flatnonzero((lengths < 0) | (lengths > steps))
    if len(wrong):
        raise ValueError(
            f"lengths: expected values from 0 to {steps} (timesteps), got {lengths[wrong[0]]} at "
            f"{wrong[0]}"
        )
    return np.require(lengths, dtype=np.int64, requirements=["C", "A"])


def _check_mask(mask: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    check_is_mask(mask)
    if mask.shape != shape:
        hint = ""
        if mask.ndim == 3 and mask.shape == (*shape, 1):
            hint = "; write mask[..., 0]"
        elif mask.shape == shape[::-1]:
            hint = "; write mask.T"
        raise ValueError(
            f"mask: expected shape {shape} (samples, timesteps), got {mask.shape}{hint}"
        )
    return mask


def check_is_mask(mask: NDArray[Any]) -> None:
    """Refuse a mask that holds no bools, and say what they mean."""
    if mask.dtype.kind != "b":
        raise TypeError(
            f"mask: expected booleans, got {mask.dtype}; where 1 marks a true step, write mask != "
            "0; where 1 marks padding, as in PyTorch's key_padding_mask, mask == 0"
        )
