"""What a layer or network takes in: values or tokens, and how long the sequences are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._checks import as_array, as_tokens, as_values
from lstm_native._lengths import Lengths, lengths_of_input, true_steps

_LAYOUT = "(samples, timesteps, features) or (samples, features)"


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
            ends = lengths_of_input(lengths, mask, shape=x.shape, axes=2)
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
        ends = lengths_of_input(lengths, mask, shape=x.shape, axes=3)
    values = as_values(
        x, name="x", dtype=dtype, ndim=(2, 3), features=features, layout=_LAYOUT, lengths=ends
    )
    return values, ends


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
