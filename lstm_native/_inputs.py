"""What a layer or network takes in: values or tokens, and how long the sequences are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._checks import as_array, as_tokens, as_values

_LAYOUT = "(samples, timesteps, features) or (samples, features)"

Lengths = NDArray[np.int64] | None
"""(N,) true lengths of padded sequences; None when all are whole."""


def check_input(
    x: Any, native: Any, dtype: str, lengths: Any = None, mask: Any = None
) -> tuple[NDArray[Any], Lengths]:
    """Return `x` as the input of a native layer or network, and the lengths of its sequences.

    What stands behind the end of a sequence may be anything of the right dtype. Errors say what
    is wrong with either.
    """
    ends = None
    if native.takes_tokens:
        if lengths is not None or mask is not None:
            x = as_array(x, name="x")
            ends = as_lengths(lengths, mask, shape=x.shape, axes=2)
            if ends is not None and x.ndim == 2:
                x = np.where(true_steps(ends, x.shape[1]), x, x.dtype.type(0))
        tokens = as_tokens(x, name="x", vocabulary=vocabulary_of(native), ndim=(1, 2))
        return tokens, ends
    spec = first_spec(native)
    if spec["type"] == "conv_lstm":
        x = flat_images(x, (spec["height"], spec["width"], spec["channels"]), name="x")
    return _check_values(x, dtype, native.input_features, lengths, mask)


def check_first_values(
    x: Any, dtype: str, lengths: Any = None, mask: Any = None
) -> tuple[NDArray[Any], Lengths]:
    """Return the same where the number of features is still open."""
    return _check_values(x, dtype, None, lengths, mask)


def _check_values(
    x: Any, dtype: str, features: int | None, lengths: Any, mask: Any
) -> tuple[NDArray[Any], Lengths]:
    ends = None
    if lengths is not None or mask is not None:
        x = as_array(x, name="x")
        ends = as_lengths(lengths, mask, shape=x.shape, axes=3)
    values = as_values(
        x, name="x", dtype=dtype, ndim=(2, 3), features=features, layout=_LAYOUT, lengths=ends
    )
    return values, ends


def as_lengths(lengths: Any, mask: Any, *, shape: tuple[int, ...], axes: int) -> Lengths:
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
    >>> as_lengths(None, [[True, False], [True, True]], shape=(2, 2), axes=2)
    array([1, 2])
    """
    name = "lengths" if mask is None else "mask"
    if lengths is not None and mask is not None:
        raise ValueError("give lengths or mask, not both: they say the same")
    if len(shape) == axes - 1:
        raise ValueError(f"{name}: expected x with a time axis, got shape {shape}")
    if len(shape) != axes:
        return None  # x itself is refused
    samples, steps = shape[:2]
    found = as_array(lengths if mask is None else mask, name=name)
    if mask is not None:
        ends = _lengths_of_mask(found, (samples, steps))
    else:
        if found.dtype.kind not in "iu":
            raise TypeError(f"lengths must have an integer dtype, got {found.dtype}")
        if found.shape != (samples,):
            raise ValueError(f"lengths: expected shape {(samples,)}, got {found.shape}")
        wrong = (found < 0) | (found > steps)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"lengths: expected 0 to {steps} (the timesteps of x), got {found[row]} for "
                f"sequence {row}"
            )
        ends = np.require(found, dtype=np.int64, requirements=["C", "A"])
    return None if (ends == steps).all() else ends


def true_steps(lengths: NDArray[np.int64], timesteps: int) -> NDArray[np.bool_]:
    """Return (N, T), True for the steps that a sequence has."""
    found: NDArray[np.bool_] = np.arange(timesteps) < lengths[:, np.newaxis]
    return found


def _lengths_of_mask(mask: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.int64]:
    if mask.dtype.kind != "b":
        raise TypeError(f"mask must hold bools, got {mask.dtype}; convert with mask != 0")
    if mask.shape != shape:
        raise ValueError(f"mask: expected shape {shape} (samples, timesteps), got {mask.shape}")
    ends = mask.sum(axis=1, dtype=np.int64)
    holes = mask & ~true_steps(ends, shape[1])
    if holes.any():
        row, position = (int(i) for i in np.argwhere(holes)[0])
        raise ValueError(
            "mask: expected True first and then False in each row, but row "
            f"{row} is True at position {position}, behind a False at position "
            f"{int(np.argmin(mask[row]))}"
        )
    return ends


def flat_images(x: Any, image: tuple[int, int, int], *, name: str) -> NDArray[Any]:
    """Return rows of images as rows of values; rows of values stay what they are."""
    array = as_array(x, name=name)
    if array.ndim < 4:
        return array
    if array.shape[-3:] != image:
        raise ValueError(
            f"{name}: expected images of (height, width, channels) {image}, got {array.shape[-3:]}"
        )
    return array.reshape(*array.shape[:-3], -1)


def first_spec(native: Any) -> dict[str, Any]:
    """Return what a native layer is, or the first one of a native network."""
    layer = native if hasattr(native, "spec") else native.layers[0]
    spec: dict[str, Any] = json.loads(layer.spec)
    return spec


def vocabulary_of(native: Any) -> int:
    """Return how many tokens a native layer or network that takes tokens knows."""
    size: int = first_spec(native)["vocabulary"]
    return size
