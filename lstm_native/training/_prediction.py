"""What `predict` does where the short way does not serve: lists, states, batches, an iterable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.lengths import Lengths
from lstm_native.network.form import Form
from lstm_native.network.stack import MANY_STEPS, Stack
from lstm_native.training._batches import (
    FIELDS,
    Source,
    inputs_of,
    is_batches,
    prefixed,
    refuse_beside,
    refuse_steps,
)
from lstm_native.training._columns import cut, is_mapped, padded_inputs
from lstm_native.training._inputs import Inputs, check_inputs, refuse_lengths, sequences_in
from lstm_native.training._windows import Carry, check_stateful, states_kept

__all__ = ["is_batches", "of_arrays", "of_batches", "refuse_steps"]


def of_arrays(model: Stack, x: Any, batch_size: int, *, lengths: Any, mask: Any) -> Any:
    """Run arrays, or lists of sequences."""
    form = model._form_in
    xs = form.entries(x, "x")
    if len(xs) == 1 and isinstance(xs[0], (list, tuple)) and not xs[0]:
        refuse_lengths(lengths=lengths, mask=mask)
        return _of_none(model)
    ends = form.entries(lengths, "lengths", optional=True)
    if not model._stateful and any(is_mapped(one) and len(one) > batch_size for one in xs):
        masks = form.entries(mask, "mask", optional=True)
        return _of_mapped(model, {"x": xs, "lengths": ends, "mask": masks}, batch_size)
    inputs = check_inputs(model, xs, ends, form.entries(mask, "mask", optional=True))
    if inputs.ragged:
        if model._stateful:
            raise ValueError("x: a stateful model takes its sequences as an array, not as a list")
        return model._form_out.joined(_of_sequences(model, inputs, batch_size))
    found = _of_checked(model, inputs, batch_size)
    if inputs.holes:
        pairs = zip(inputs.holes, found, strict=True)
        found = [y if holes is None else holes.open(y) for holes, y in pairs]
    return model._form_out.joined(found)


def _of_mapped(model: Stack, given: Mapping[str, list[Any]], batch_size: int) -> Any:
    """Run samples in files, of which only a batch is in memory at a time."""
    form = model._form_in
    arrays = {
        name: [None if one is None else as_array(one, name=name) for one in entries]
        for name, entries in given.items()
    }
    samples = len(next(one for one in arrays["x"] if one is not None))
    for name, entries in arrays.items():
        for one in entries:
            if one is not None and one.shape[:1] != (samples,):
                raise ValueError(
                    f"{name}: expected one for each of the {samples} samples, got shape {one.shape}"
                )
    found: list[NDArray[Any]] = []
    for start in range(0, samples, batch_size):
        part = slice(start, start + batch_size)
        pieces = {
            name: form.joined([None if one is None else np.array(one[part]) for one in entries])
            for name, entries in arrays.items()
        }
        for name in ("lengths", "mask"):
            if all(one is None for one in arrays[name]):
                pieces[name] = None
        try:
            answer = of_arrays(
                model, pieces["x"], batch_size, lengths=pieces["lengths"], mask=pieces["mask"]
            )
        except (TypeError, ValueError) as error:
            raise prefixed(error, f"samples {start} to {min(part.stop, samples) - 1}") from None
        answers = model._form_out.entries(answer, "y")
        found = found or [np.empty((samples, *y.shape[1:]), dtype=y.dtype) for y in answers]
        for to, y in zip(found, answers, strict=True):
            to[part] = y
    return model._form_out.joined(found)


def _of_none(model: Stack) -> Any:
    """Return the answer to an empty list of sequences."""
    if model._stateful:
        raise ValueError("x: a stateful model takes its sequences as an array, not as a list")
    model._built_network()
    shapes = model._output_shapes_for([MANY_STEPS], 0)
    found: list[Any] = [[] if len(s) == 3 else np.empty(s, dtype=model.dtype) for s in shapes]
    return model._form_out.joined(found)


def _of_checked(model: Stack, inputs: Inputs, batch_size: int) -> list[NDArray[Any]]:
    x: list[Any] = [one.values for one in inputs.columns]
    ends = [one.lengths for one in inputs.columns]
    samples = len(inputs)
    shapes = model._output_shapes_for(inputs.steps(), samples)
    if not samples:
        return [np.empty(shape, dtype=model.dtype) for shape in shapes]
    if model._stateful:
        check_stateful(model, samples, batch_size, shuffle=False)
    elif samples <= batch_size:
        whole: list[NDArray[Any]] = model._network.predict_all(x, ends)[0]
        return whole
    found = [np.empty(shape, dtype=model.dtype) for shape in shapes]
    carry = Carry(model, windows=False)
    with states_kept(model):
        for start in range(0, samples, batch_size):
            part = slice(start, start + batch_size)
            carry.begin_batch()  # stateful layers go on where the batch before it ended
            outputs, _, states = model._network.predict_all(
                [one[part] for one in x], [_part(one, part) for one in ends], carry.given()
            )
            carry.take(states)
            for to, y in zip(found, outputs, strict=True):
                to[part] = y
    return found


def _part(lengths: Lengths, rows: slice) -> Lengths:
    return None if lengths is None else lengths[rows]


def _of_sequences(model: Stack, inputs: Inputs, batch_size: int) -> list[Any]:
    """Return for each output a list of sequences, or an array where it has no time axis."""
    lengths = next(one.lengths for one in inputs.columns if one.lengths is not None)
    found: list[list[Any]] = [[None] * len(inputs) for _ in range(len(model._form_out))]
    for rows in cut(np.argsort(lengths, kind="stable"), batch_size):
        x, ends, _ = padded_inputs(inputs.columns, rows)
        outputs, ends_out, _ = model._network.predict_all(x, ends)
        for to, y, of_output in zip(found, outputs, ends_out, strict=True):
            ends_of_rows = [y.shape[1]] * len(rows) if of_output is None else of_output.tolist()
            for row, answer, end in zip(rows.tolist(), y, ends_of_rows, strict=True):
                to[row] = answer[:end].copy() if y.ndim == 3 else answer
    timed = [y.ndim == 3 for y in outputs]
    return [
        parts if is_timed else np.stack(parts) for parts, is_timed in zip(found, timed, strict=True)
    ]


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
    form = model._form_out
    found: list[list[Any]] = [[] for _ in range(len(form))]
    in_lists = [False] * len(form)
    with states_kept(model):
        for index, item in enumerate(Source(x, name="x", steps=steps).go_through()):
            try:
                parts = inputs_of(item, lambda one: _is_x(one, model))
                if is_batches(parts["x"]):
                    raise TypeError(f"expected an array, got {type(parts['x']).__name__}")
                answers = form.entries(run(**parts, probabilities=probabilities), "y")
                for to, y, before in zip(found, answers, in_lists, strict=True):
                    _check_as_before(y, to, before)
            except (TypeError, ValueError) as error:
                raise prefixed(error, f"batch {index + 1} of x") from None
            in_lists = [isinstance(y, list) for y in answers]
            for to, y, listed in zip(found, answers, in_lists, strict=True):
                to += y if listed else [y]
    return form.joined(
        [
            parts if listed else np.concatenate(parts)
            for parts, listed in zip(found, in_lists, strict=True)
        ]
    )


def _check_as_before(y: Any, found: list[Any], in_lists: bool) -> None:
    if found and isinstance(y, list) != in_lists:
        raise ValueError("expected an array as before, or a list as before")
    if found and not in_lists and y.shape[1:] != found[0].shape[1:]:
        raise ValueError(
            f"expected answers of shape (N, {', '.join(map(str, found[0].shape[1:]))}) "
            f"as before, got {y.shape}; give lists of sequences, or run each batch "
            "with predict_on_batch"
        )


def _holds_all(x: Any, form: Form) -> bool:
    return isinstance(x, Mapping) or (isinstance(x, (list, tuple)) and len(x) == len(form))


def _is_x(x: Any, model: Stack) -> bool:
    """Whether it is x alone: the inputs, or a batch of sequences where no (N, F) is taken."""
    form = model._form_in
    if isinstance(x, Mapping):
        return form.named and set(x) == set(form.names) and not set(x) <= set(FIELDS)
    if isinstance(x, tuple):  # with targets the first of it has all inputs
        return len(x) == len(form) > 1 and not _holds_all(x[0], form)
    if not form.single:
        return True
    try:
        if sequences_in(x, model) is None:
            return False
    except (TypeError, ValueError):
        return False  # such as [x, y]
    try:
        if model.built:
            model._output_shapes_for([0], 1)
            return False
    except ValueError:
        pass
    return True
