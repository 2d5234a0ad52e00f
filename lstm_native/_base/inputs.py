"""What a layer or network takes in: values or tokens, and how long the sequences are."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.lengths import Holes, Lengths, steps_of_input, true_steps
from lstm_native._base.shown import as_written
from lstm_native._base.values import as_tokens, as_values

_LAYOUT = "(samples, timesteps, features) or (samples, features)"

Checked = tuple[NDArray[Any], Lengths, Holes | None]
"""The input, closed where a mask has holes; the lengths of its sequences; the holes."""


class Entering(NamedTuple):
    """What an input takes: values of so many features, or tokens below `vocabulary` (else 0).

    image : (height, width, channels) that a row of values may come as, or None.
    masked : the value of steps that a Masking at the start takes for none, or None.
    """

    features: int
    vocabulary: int
    image: tuple[int, int, int] | None = None
    masked: float | None = None


def entering(native: Any) -> Entering:
    """Return what a native layer takes, or the first input of a native network."""
    if native.takes_tokens:
        return Entering(0, vocabulary_of(native))
    spec = first_spec(native)
    masked = spec["value"] if spec["type"] == "masking" else None
    return Entering(native.input_features, 0, image_of(spec), masked)


def image_of(spec: dict[str, Any]) -> tuple[int, int, int] | None:
    """Return the shape of the images that a layer takes; None for one that takes none."""
    if spec["type"] != "conv_lstm":
        return None
    return spec["height"], spec["width"], spec["channels"]


def check_input(x: Any, native: Any, dtype: str, lengths: Any = None, mask: Any = None) -> Checked:
    """Return `x` as the input of a native layer or network, and which steps its sequences have.

    What stands at other steps may be anything of the right dtype. Errors say what is wrong with
    either. No samples are an input too.
    """
    return check_entering(x, entering(native), dtype, lengths, mask)


def check_entering(
    x: Any, wanted: Entering, dtype: str, lengths: Any = None, mask: Any = None
) -> Checked:
    """Return the same of an input that takes what is wanted."""
    if wanted.vocabulary:
        x = as_array(x, name="x")
        ends, holes = steps_of_input(lengths, mask, shape=x.shape, axes=2)
        tokens = as_tokens(
            _without_padding(x, ends, holes),
            name="x",
            vocabulary=wanted.vocabulary,
            ndim=(1, 2),
            no_samples=True,
        )
        return _closed(tokens, ends, holes)
    if wanted.image is not None:
        x = flat_images(x, wanted.image, name="x")
    if wanted.masked is not None and lengths is None and mask is None:
        mask = _unmasked_steps(as_array(x, name="x"), wanted.masked, dtype)
    return _check_values(x, dtype, wanted.features, lengths, mask)


def _unmasked_steps(x: NDArray[Any], value: float, dtype: str) -> NDArray[np.bool_] | None:
    """Return (N, T), True for steps with another value; None for what is refused elsewhere."""
    if x.ndim != 3 or x.dtype.kind not in "iuf":
        return None
    found: NDArray[np.bool_] = (x.astype(dtype, copy=False) != np.dtype(dtype).type(value)).any(-1)
    return found


def check_first_values(x: Any, dtype: str, lengths: Any = None, mask: Any = None) -> Checked:
    """Return the same where the number of features is still open."""
    return _check_values(x, dtype, None, lengths, mask)


def _check_values(given: Any, dtype: str, features: int | None, lengths: Any, mask: Any) -> Checked:
    x = as_array(given, name="x")
    ends, holes = steps_of_input(lengths, mask, shape=x.shape, axes=3)
    if holes is not None:
        x = _without_padding(x, None, holes)
    try:
        values = as_values(
            x,
            name="x",
            dtype=dtype,
            ndim=(2, 3),
            features=features,
            layout=_LAYOUT,
            lengths=ends,
            no_samples=True,
        )
    except TypeError as error:
        raise TypeError(as_written(str(error), x=given)) from None
    except ValueError as error:
        from lstm_native._base.shape_hints import about_x  # loaded when there is something to tell

        raise ValueError(f"{error}{about_x(x.shape, features)}") from None
    return _closed(values, ends, holes)


def _without_padding(x: NDArray[Any], ends: Lengths, holes: Holes | None) -> NDArray[Any]:
    """Return `x` with zeros at the steps that are none, so that these fit whatever they hold."""
    if x.dtype.kind not in "iuf" or x.ndim < 2 or (ends is None and holes is None):
        return x
    if holes is not None:
        counts = holes.mask
    else:
        assert ends is not None
        counts = true_steps(ends, x.shape[1])
    return np.where(counts.reshape(counts.shape + (1,) * (x.ndim - 2)), x, x.dtype.type(0))


def _closed(x: NDArray[Any], ends: Lengths, holes: Holes | None) -> Checked:
    if holes is None:
        return x, ends, None
    return holes.close(x), holes.lengths, holes


def output_shape_for(native: Any, x: NDArray[Any], *, known: bool) -> tuple[int, int]:
    """Return (steps, features) of what a layer or network answers to a checked input.

    known : whether the number of input features was known before it came.
    """
    timed = x.ndim == (2 if native.takes_tokens else 3)
    try:
        found: tuple[int, int] = native.output_shape(x.shape[1] if timed else 0)
    except ValueError as error:
        if timed:
            raise
        from lstm_native._base.shape_hints import about_time

        hint = about_time(known=known, tokens=native.takes_tokens)
        raise ValueError(f"x has shape {x.shape}: {error}{hint}") from None
    return found


def flat_images(x: Any, image: tuple[int, int, int], *, name: str) -> NDArray[Any]:
    """Return rows of images as rows of values; rows of values stay what they are."""
    array = as_array(x, name=name)
    if array.ndim < 4:
        return array
    if array.shape[-3:] != image:
        raise ValueError(
            f"{name}: expected images of (height, width, channels) {image}, got {array.shape[-3:]}"
        )
    return array.reshape(*array.shape[:-3], image[0] * image[1] * image[2])


def first_spec(native: Any) -> dict[str, Any]:
    """Return what a native layer is, or the first one of a native network."""
    layer = native if hasattr(native, "spec") else native.layers[0]
    spec: dict[str, Any] = json.loads(layer.spec)
    return spec


def vocabulary_of(native: Any) -> int:
    """Return how many tokens a native layer or network that takes tokens knows."""
    size: int = first_spec(native)["vocabulary"]
    return size
