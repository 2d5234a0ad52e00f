"""True lengths of padded sequences, as numbers or as a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._checks import as_array

Lengths = NDArray[np.int64] | None
"""(N,) true lengths of padded sequences; None when all are whole."""


def lengths_of_input(lengths: Any, mask: Any, *, shape: tuple[int, ...], axes: int) -> Lengths:
    """Return how many steps each sequence has, from `lengths` or from a mask.

    Parameters
    ----------
    lengths : int array_like, (N,), or None
    mask : bool array_like, (N, T), or None
        Each row True first, then False.
    shape : tuple of int
        Of the input, (N, T, ...).
    axes : int
        How many axes an input with a time axis has. Another input is refused elsewhere, unless it
        has one axis less.

    Raises
    ------
    ValueError
        Both are given, the input has no time axis, a length is out of range, a row of the mask
        has True behind False.
    TypeError
        Lengths that are no integers, a mask that holds no bools.

    Examples
    --------
    >>> lengths_of_input(None, [[True, False], [True, True]], shape=(2, 2), axes=2)
    array([1, 2])
    """
    if lengths is None and mask is None:
        return None
    if lengths is not None and mask is not None:
        raise ValueError("lengths and mask say the same: give one of them")
    if len(shape) == axes - 1:
        name = "lengths" if mask is None else "mask"
        raise ValueError(f"{name}: expected x with a time axis, got shape {shape}")
    if len(shape) != axes or 0 in shape:
        return None  # x itself is refused
    samples, steps = shape[:2]
    if mask is None:
        ends = _check_lengths(as_array(lengths, name="lengths"), samples, steps)
    else:
        ends = _lengths_of_mask(as_array(mask, name="mask"), (samples, steps))
    return None if (ends == steps).all() else ends


def true_steps(lengths: NDArray[np.int64], timesteps: int) -> NDArray[np.bool_]:
    """Return (N, T), True for the steps that a sequence has."""
    found: NDArray[np.bool_] = np.arange(timesteps) < lengths[:, np.newaxis]
    return found


def _check_lengths(lengths: NDArray[Any], samples: int, steps: int) -> NDArray[np.int64]:
    if lengths.dtype.kind not in "iu":
        raise TypeError(f"lengths: expected integers, got {lengths.dtype}")
    if lengths.shape != (samples,):
        raise ValueError(f"lengths: expected shape {(samples,)}, got {lengths.shape}")
    wrong = np.flatnonzero((lengths < 0) | (lengths > steps))
    if len(wrong):
        raise ValueError(
            f"lengths: expected values from 0 to {steps} (timesteps), got {lengths[wrong[0]]} at "
            f"{wrong[0]}"
        )
    return np.require(lengths, dtype=np.int64, requirements=["C", "A"])


def _lengths_of_mask(mask: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.int64]:
    if mask.dtype.kind != "b":
        raise TypeError(f"mask: expected booleans, got {mask.dtype}; convert with mask != 0")
    if mask.shape != shape:
        raise ValueError(f"mask: expected shape {shape} (samples, timesteps), got {mask.shape}")
    late = np.argwhere(mask[:, 1:] & ~mask[:, :-1])
    if len(late):
        row, step = (int(i) for i in late[0])
        raise ValueError(
            f"mask: expected each row to be True first and then False, got True again in row "
            f"{row} at position {step + 1}"
        )
    ends: NDArray[np.int64] = mask.sum(axis=1, dtype=np.int64)
    return ends
