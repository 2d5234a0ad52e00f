"""True lengths of padded sequences, as numbers or as a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._checks import as_array


def as_lengths(lengths: Any, mask: Any, x: Any) -> NDArray[np.int64] | None:
    """Return the true lengths of the N sequences of x, (N, T, ...), or None for all of T.

    Raises
    ------
    TypeError
        Lengths that are no integers, a mask that is not boolean.
    ValueError
        Both given; another shape; a length beyond T; a mask whose True come not first in a row.
    """
    if lengths is None and mask is None:
        return None
    if lengths is not None and mask is not None:
        raise ValueError("lengths and mask say the same: give one of them")
    shape = np.shape(x)
    if len(shape) < 2:
        raise ValueError(
            f"lengths: expected x of shape (samples, timesteps, ...), got shape {shape}"
        )
    samples, steps = shape[:2]
    if lengths is None:
        return _from_mask(as_array(mask, name="mask"), samples, steps)
    array = as_array(lengths, name="lengths")
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths: expected integers, got {array.dtype}")
    if array.shape != (samples,):
        raise ValueError(f"lengths: expected shape ({samples},), got {array.shape}")
    bad = np.flatnonzero((array < 0) | (array > steps))
    if len(bad):
        raise ValueError(
            f"lengths: expected values from 0 to {steps} (timesteps), "
            f"got {array[bad[0]]} at {bad[0]}"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _from_mask(mask: NDArray[Any], samples: int, steps: int) -> NDArray[np.int64]:
    if mask.dtype != np.bool_:
        raise TypeError(f"mask: expected booleans, got {mask.dtype}")
    if mask.shape != (samples, steps):
        raise ValueError(f"mask: expected shape ({samples}, {steps}), got {mask.shape}")
    late = np.argwhere(mask[:, 1:] & ~mask[:, :-1])
    if len(late):
        row, step = late[0]
        raise ValueError(
            f"mask: expected each row to be True first and then False, got True again in row "
            f"{row} at step {step + 1}"
        )
    return np.ascontiguousarray(mask.sum(axis=1), dtype=np.int64)


def without_padding(x: Any, lengths: NDArray[np.int64]) -> Any:
    """Return x with zeros for what stands behind the true lengths, whatever stood there."""
    x = np.asarray(x)
    real = np.arange(x.shape[1]) < lengths[:, None]
    if real.all():
        return x
    return np.where(real.reshape(real.shape + (1,) * (x.ndim - 2)), x, np.zeros((), x.dtype))
