"""What `predict` does where the short way does not serve: lists, states, batches, an iterable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.lengths import Lengths
from lstm_native.network.stack import Stack
from lstm_native.training._batches import (
    Source,
    inputs_of,
    is_batches,
    prefixed,
    refuse_beside,
    refuse_steps,
)
from lstm_native.training._windows import Carry, check_stateful, states_kept

__all__ = ["is_batches", "of_arrays", "of_batches", "refuse_steps"]


def of_arrays(model: Stack, x: Any, batch_size: int, *, lengths: Any, mask: Any) -> Any:
    """Run an array, or a list of sequences."""
    if type(x) is not np.ndarray or x.dtype.kind == "O":
        from lstm_native.training import _ragged  # which loads what trains a model

        sequences = _ragged.sequences_in(x, model)
        if sequences is not None or (isinstance(x, (list, tuple)) and not x):
            return _ragged.predict(model, sequences or [], batch_size, lengths=lengths, mask=mask)
    if x is not None and not model._stateful:
        from lstm_native.training._mapped import is_mapped

        if is_mapped(x) and len(x) > batch_size and x.ndim > 1:
            return _of_mapped(model, x, batch_size, lengths=lengths, mask=mask)
    x, ends, holes = model._check_input(x, lengths, mask)
    y = _of_checked(model, x, ends, batch_size)
    return y if holes is None else holes.open(y)


def _of_mapped(
    model: Stack, x: NDArray[Any], batch_size: int, *, lengths: Any, mask: Any
) -> NDArray[Any]:
    """Run samples in a file, of which only a batch is in memory at a time."""
    beside = {}
    for name, value in (("lengths", lengths), ("mask", mask)):
        if value is None:
            continue
        given = as_array(value, name=name)
        if given.shape[:1] != (len(x),):
            raise ValueError(
                f"{name}: expected one for each of the {len(x)} samples, got shape {given.shape}"
            )
        beside[name] = given
    y: NDArray[Any] | None = None
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        try:
            found = of_arrays(
                model,
                np.asarray(x[part]).copy(),
                batch_size,
                lengths=beside["lengths"][part] if "lengths" in beside else None,
                mask=beside["mask"][part] if "mask" in beside else None,
            )
        except (TypeError, ValueError) as error:
            raise prefixed(error, f"samples {start} to {min(part.stop, len(x)) - 1}") from None
        if y is None:
            y = np.empty((len(x), *found.shape[1:]), dtype=found.dtype)
        y[part] = found
    assert y is not None
    return y


def _of_checked(model: Stack, x: NDArray[Any], ends: Lengths, batch_size: int) -> NDArray[Any]:
    if not len(x):
        return np.empty(model._output_shape(x), dtype=model.dtype)
    if model._stateful:
        return _stateful(model, x, ends, batch_size)
    if len(x) <= batch_size:
        whole: NDArray[Any] = model._network.predict(x, ends)
        return whole
    y = np.empty(model._output_shape(x), dtype=model.dtype)
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        y[part] = model._network.predict(x[part], None if ends is None else ends[part])
    return y


def _stateful(model: Stack, x: NDArray[Any], ends: Lengths, batch_size: int) -> NDArray[Any]:
    """Run batches in order, each going on where the one before it ended."""
    y = np.empty(model._output_shape(x), dtype=model.dtype)
    check_stateful(model, len(x), batch_size, shuffle=False)
    carry = Carry(model, windows=False)
    with states_kept(model):
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            carry.begin_batch()
            y[part], states = model._network.predict(
                x[part], None if ends is None else ends[part], carry.given()
            )
            carry.take(states)
    return y


def of_batches(
    model: Stack,
    x: Any,
    *,
    run: Callable[..., Any],
    steps: Any,
    given: dict[str, Any],
    probabilities: bool = False,
) -> Any:
    """Run what an iterable gives, and put it together: an array, or a list of sequences.

    `run` is the model's `predict`.
    """
    refuse_beside("x", **given)
    found: list[Any] = []
    in_lists = False
    with states_kept(model):
        for index, item in enumerate(Source(x, name="x", steps=steps).go_through()):
            try:
                parts = inputs_of(item, lambda one: _are_sequences(one, model))
                if is_batches(parts["x"]):
                    raise TypeError(f"expected an array, got {type(parts['x']).__name__}")
                y = run(**parts, probabilities=probabilities)
                if found and isinstance(y, list) != in_lists:
                    raise ValueError("expected an array as before, or a list as before")
                if found and not in_lists and y.shape[1:] != found[0].shape[1:]:
                    raise ValueError(
                        f"expected answers of shape (N, {', '.join(map(str, found[0].shape[1:]))}) "
                        f"as before, got {y.shape}; give lists of sequences, or run each batch "
                        "with predict_on_batch"
                    )
            except (TypeError, ValueError) as error:
                raise prefixed(error, f"batch {index + 1} of x") from None
            in_lists = isinstance(y, list)
            found += y if in_lists else [y]
    return found if in_lists else np.concatenate(found)


def _are_sequences(x: Any, model: Stack) -> bool:
    """Whether a list is a batch of sequences: the model takes no samples (N, F)."""
    from lstm_native.training._ragged import sequences_in

    try:
        if sequences_in(x, model) is None:
            return False
    except (TypeError, ValueError):
        return False  # such as [x, y]
    try:
        if model.built:
            model._network.output_shape(0)
            return False
    except ValueError:
        pass
    return True
