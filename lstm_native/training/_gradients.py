"""Gradients of a batch, and an update made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import optimizers
from lstm_native._base.arrays import as_array
from lstm_native._updates import checked_gradients, refuse_not_finite
from lstm_native.layers.building import check_seed
from lstm_native.training import _rates
from lstm_native.training._columns import Sequences
from lstm_native.training._data import Batches, check_samples, whole
from lstm_native.training._inputs import check_inputs, masks_of_samples
from lstm_native.training._loop import check_finite, prepare_trainer, update
from lstm_native.training._measures import Measures
from lstm_native.training._samples import Batch
from lstm_native.training._saving import Saving
from lstm_native.training._windows import Carry, Window, check_carried

if TYPE_CHECKING:
    from lstm_native.optimizers import Optimizer


def gradients(
    model: Saving,
    x: Any,
    y: Any,
    loss: Any,
    seed: int | None,
    loss_weights: Any,
    *,
    inputs: bool,
    **given: Any,
) -> tuple[Any, ...]:
    """Return loss and gradients of a batch; see `Sequential.gradients`."""
    seed = check_seed(seed)
    chosen = model._loss_for(loss, loss_weights)
    data = check_samples(model, x, y, chosen, **given)
    check_carried(model, len(data))
    prepare_trainer(model, chosen, None)
    trainer = model._training.trainer
    found = Measures(chosen, model._form_out, (), data.probabilities)
    carry = Carry(model, windows=False)
    batch = whole(data)
    of_inputs = _zeros_like(batch, model) if inputs else None
    try:
        update(
            model,
            batch,
            Window(),
            carry,
            found,
            seed,
            Batches.mean_weight,
            now=False,
            of_inputs=of_inputs,
        )
        all_of_them: dict[str, NDArray[Any]] = trainer.gradients()
    finally:
        trainer.forget_gradients()
    frozen = _rates.frozen(trainer)
    kept = {name: value for name, value in all_of_them.items() if name not in frozen}
    value = found.result()["loss"]
    if of_inputs is None:
        return value, kept
    return value, kept, _as_given(model, x, of_inputs, given)


def _zeros_like(batch: Batch, model: Saving) -> list[Any]:
    """Return arrays for the gradients of a batch's inputs; None for tokens."""
    arrays = batch.x if isinstance(batch.x, list) else [batch.x]
    return [
        None if model._takes_tokens(i) else np.zeros(np.shape(one), model.dtype)
        for i, one in enumerate(arrays)
    ]


def _as_given(model: Saving, x: Any, found: list[Any], given: dict[str, Any]) -> Any:
    """Return the gradients of the inputs in the form of `x`."""
    form = model._form_in
    entries = form.entries(x, "x")
    _, masks = masks_of_samples(given.get("mask"), model)
    ends = form.entries(given.get("lengths"), "lengths", optional=True)
    inputs = check_inputs(model, entries, ends, masks)
    answer: list[Any] = []
    for one, column, holes, gradient in zip(
        entries, inputs.columns, inputs.closed, found, strict=True
    ):
        if gradient is None:
            answer.append(None)
        elif isinstance(column.values, Sequences):
            lengths = column.values.lengths
            answer.append([part[:end] for part, end in zip(gradient, lengths, strict=True)])
        else:
            opened = gradient if holes is None else holes.open(gradient)
            answer.append(opened.reshape(as_array(one, name="x").shape))  # images are images
    return form.joined(answer)


def apply_gradients(model: Saving, grads: Any, optimizer: str | Optimizer | None) -> float:
    """Make one update from gradients; see `Sequential.apply_gradients`."""
    values = model.state_dict()
    if optimizer is not None and optimizers.parse(optimizer) in (
        model._training.given,
        model.optimizer,
    ):
        optimizer = None
    prepare_trainer(model, model._loss_for(None), optimizer)
    trainer = model._training.trainer
    frozen = _rates.frozen(trainer)
    found = checked_gradients(
        {name: value for name, value in values.items() if name not in frozen}, grads
    )
    refuse_not_finite(found)
    norm: float
    norm, finite = trainer.apply_gradients(
        [found.get(name, np.zeros_like(value)) for name, value in values.items()]
    )
    check_finite(0.0, norm, finite, None)
    return norm
