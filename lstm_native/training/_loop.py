"""Training and evaluation: what happens around the core's one call per batch."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from threading import get_ident
from typing import Any

import numpy as np

from lstm_native import optimizers
from lstm_native._base.callback import Callback, CallbackList
from lstm_native._base.checks import check_positive_int
from lstm_native._base.native import native_class
from lstm_native.history import History
from lstm_native.layers.building import check_seed
from lstm_native.losses import Loss
from lstm_native.optimizers import Optimizer
from lstm_native.training import _rates
from lstm_native.training._columns import cut
from lstm_native.training._data import Batches, check_samples, check_source, whole
from lstm_native.training._fit_options import EVALUATE_BATCH, Options
from lstm_native.training._losses import Losses, heads_of, native_losses
from lstm_native.training._measures import Measures
from lstm_native.training._samples import Batch, Data
from lstm_native.training._saving import Saving
from lstm_native.training._settings import Training
from lstm_native.training._validation import padding_told, split
from lstm_native.training._windows import (
    Carry,
    Window,
    check_carried,
    check_stateful,
    check_tbptt,
    states_aside,
    states_kept,
    windows_of,
)

__all__ = [
    "Options",
    "check_source",
    "evaluate",
    "evaluation_size",
    "fit",
    "padding_told",
    "train_on_batch",
]


def fit(
    model: Saving,
    data: Data | Batches,
    loss: Loss | Losses,
    optimizer: str | Optimizer | None,
    options: Options,
    *,
    metrics: Any,
    validation_data: Any,
    validation_lengths: Any,
    validation_mask: Any,
    validation_steps: Any,
    callbacks: Callback | Iterable[Callback] | None,
    tbptt: Any,
    padding: str = "",
) -> History:
    """Train; see `Sequential.fit`. `padding` names the argument that tells it in x."""
    if model._in_training is not None and model._training_thread == get_ident():
        raise RuntimeError("fit is running on this model; call it when it has ended")
    if isinstance(data, Batches):  # a stateful model's validation has batches as training has
        options = replace(options, batch_size=data.samples)
    for head in heads_of(loss):
        if tbptt is not None and head.loss.takes_sequences:
            raise ValueError(f"tbptt: the loss '{head.loss.name}' looks at whole sequences")
    train, validation = split(
        model,
        data,
        options,
        partial(check_source, model, loss=loss),
        given=validation_data,
        lengths=validation_lengths,
        mask=validation_mask,
        steps=validation_steps,
        padding=padding,
    )
    if isinstance(metrics, Iterator):
        metrics = list(metrics)  # for each epoch's validation
    found = Measures(loss, model._form_out, metrics, data.probabilities)
    if isinstance(train, Data):
        train = train.balanced()
    window = check_tbptt(model, train, tbptt)
    _check_states(model, train, options.batch_size, shuffle=options.shuffle)
    hooks = _hooks(callbacks, options, train, window)
    hooks.check_logs(_names_of_logs(found, validation is not None), options.initial_epoch)
    prepare_trainer(model, loss, optimizer)

    history = model.history = History()
    model.stop_training = False
    resumed = model._callback_states if options.initial_epoch else {}
    try:
        hooks.on_train_begin(model)
        hooks.load_states(resumed)
        hooks.states()  # one that a file could not hold is told now
        model._in_training, model._training_thread = hooks, get_ident()
        for epoch in range(options.initial_epoch, options.epochs):
            hooks.on_epoch_begin(model, epoch)
            logs = _train_epoch(model, train, found, hooks, options, epoch, window)
            if validation is not None:
                size = options.batch_size if model._stateful else EVALUATE_BATCH
                now = model._training.loss or loss  # a callback may have set another
                with states_aside(model):
                    results = evaluate(model, validation, now, metrics, size, window)
                logs |= {f"val_{name}": value for name, value in results.items()}
            history.record(epoch, logs)
            hooks.on_epoch_end(model, epoch, logs)
            if model.stop_training:
                break
    except KeyboardInterrupt:
        history.interrupted = True
        raise
    finally:
        # No call before this, where another Ctrl-C could come in between.
        trained, model._in_training = model._in_training, None
        try:
            if trained is not None:
                model._callback_states = trained.states()  # before they tidy up
        finally:
            hooks.on_train_end(model)
    return history


def _names_of_logs(metrics: Measures, validated: bool) -> list[str]:
    names = list(metrics.names)
    names += [f"val_{name}" for name in names] if validated else []
    for index, name in enumerate(names):
        if name in names[:index] or name == "epoch":
            raise ValueError(f"metrics: the name '{name}' is taken; give each its own name")
    return names


def _check_states(model: Saving, data: Data | Batches, batch_size: int, *, shuffle: bool) -> None:
    if isinstance(data, Batches):
        check_carried(model, data.samples)
    else:
        check_stateful(model, len(data), batch_size, shuffle=shuffle)


def _hooks(
    callbacks: Callback | Iterable[Callback] | None,
    options: Options,
    data: Data | Batches,
    window: int | None,
) -> CallbackList:
    hooks = CallbackList(() if callbacks is None else callbacks)
    if not options.verbose:
        return hooks
    from lstm_native.progress import ProgressBar

    count: int | None
    unit, batch_size = "windows", 1
    if isinstance(data, Batches):
        unit = "batches" if window is None else unit
        count = data.count if window is None else None
    elif window is None:
        count, unit, batch_size = len(data), "samples", options.batch_size
    else:
        batches = math.ceil(len(data) / options.batch_size)
        count = batches * math.ceil(data.longest / window)
    bar = ProgressBar(
        epochs=options.epochs,
        samples=count,
        batch_size=batch_size,
        unit=unit,
        lines=options.verbose == 2,
    )
    hooks.callbacks.insert(0, bar)
    return hooks


def prepare_trainer(model: Saving, loss: Loss | Losses, optimizer: str | Optimizer | None) -> None:
    """Give the model a trainer for this loss and optimiser; keep the old one if it serves.

    The model changes in the last statement alone: whatever stops this before then has asked for
    nothing.
    """
    now = model._training
    if optimizer is None and now.optimizer is not None:
        given, chosen, again = now.given, now.optimizer, True
    else:
        given = optimizers.parse(optimizer if optimizer is not None else "adam")
        again = given is now.given and now.optimizer is not None
        # The same object: with the learning rate now in force.
        chosen = now.optimizer if again and now.optimizer is not None else given
    trainer = None
    if again:
        trainer = model._trainer if now.loss == loss else model._trainer_of_function(loss)
    if trainer is None:
        trainer = model._new_trainer(loss, chosen)
    _rates.settle(trainer, model.layers, model._names)
    trainer.forget_gradients()  # of a training that was interrupted
    model._training = Training(trainer, loss, chosen, given)


def _train_epoch(
    model: Saving,
    data: Data | Batches,
    metrics: Measures,
    hooks: CallbackList,
    options: Options,
    epoch: int,
    window: int | None,
) -> dict[str, float]:
    batches: Iterable[Batch]
    if isinstance(data, Batches):
        batches = data.batches()
    elif options.shuffle:
        # A function of seed and epoch alone, so that a resumed run visits the samples alike.
        batches = map(data.take, data.shuffled(options.batch_size, options.seed, epoch))
    else:
        order = cut(np.arange(len(data), dtype=np.int64), options.batch_size)
        batches = map(data.take, order)
    metrics.reset()
    # A callback may have set other ones.
    _rates.settle(model._training.trainer, model.layers, model._names)
    watched = bool(hooks.callbacks)
    seed, mean_weight = options.seed, data.mean_weight
    carry = Carry(model, windows=window is not None)
    count = 0
    for batch in batches:
        carry.begin_batch()
        for part in windows_of(batch, window):
            place = (epoch, count)
            now = (count + 1) % options.accumulate == 0
            update(model, batch, part, carry, metrics, seed, mean_weight, place, now=now)
            if watched:
                hooks.on_batch_end(model, count, metrics.result())
            count += 1
    if model._training.trainer.accumulated:  # fewer batches than others: the end of the epoch
        loss, _, norm, finite = model._training.trainer.apply()
        check_finite(loss, norm, finite, (epoch, count - 1))
    return metrics.result()


def update(
    model: Saving,
    batch: Batch,
    part: Window,
    carry: Carry,
    metrics: Measures,
    seed: int,
    mean_weight: float,
    place: tuple[int, int] | None = None,
    *,
    now: bool = True,
    of_inputs: list[Any] | None = None,
) -> None:
    """Make one update of the weights, from a window of a batch; add its loss and metrics.

    `place` is the epoch and the batch, for the message of a FloatingPointError. Without `now` the
    gradients wait for the batches to come. `of_inputs` are arrays for the gradients of the inputs.
    """
    first, steps = part
    measured = metrics.wanted
    loss, weight, norm, finite, output, states, parts = model._training.trainer.step(
        batch.x,
        batch.y,
        batch.trained,
        batch.rows,
        seed,
        measured,
        batch.lengths,
        carry.given(),
        first,
        steps,
        mean_weight,
        now,
        of_inputs,
    )
    check_finite(loss, norm, finite, place)
    carry.take(states)
    metrics.add_loss(loss, weight, parts)
    if measured:
        metrics.add_outputs(batch.seen(first, steps), output)


def check_finite(loss: float, norm: float, finite: bool, place: tuple[int, int] | None) -> None:
    if finite:
        return
    what = f"the loss became {loss}" if not np.isfinite(loss) else "a gradient overflowed"
    where = f" in epoch {place[0] + 1}, batch {place[1] + 1}" if place else ""
    raise FloatingPointError(
        f"{what}{where} (gradient norm {norm}); the model has the last weights that gave "
        "finite values. A smaller learning rate or clip_norm may help"
    )


def evaluate(
    model: Saving,
    data: Data | Batches,
    loss: Loss | Losses,
    metrics: Any,
    batch_size: int,
    window: int | None = None,
) -> dict[str, float]:
    """Return loss and metrics over all samples; see `Sequential.evaluate`."""
    _check_states(model, data, batch_size, shuffle=False)
    trainer = model._trainer if model._training.loss == loss else None
    if trainer is None:
        plain = optimizers.parse("sgd")
        trainer = native_class("Trainer", model.dtype)(
            model._network, native_losses(loss), plain.to_json()
        )
    found = Measures(loss, model._form_out, metrics, data.probabilities)
    carry = Carry(model, windows=window is not None)
    batches: Iterable[Batch]
    if isinstance(data, Batches):
        batches = data.batches()
    elif model._stateful:  # each batch goes on from the one before: none may change its place
        batches = map(data.take, cut(np.arange(len(data), dtype=np.int64), batch_size))
    else:
        batches = map(data.take, data.in_order(batch_size))
    with states_kept(model):
        for batch in batches:
            carry.begin_batch()
            for first, steps in windows_of(batch, window):
                value, weight, _, _, output, states, parts = trainer.evaluate(
                    batch.x,
                    batch.y,
                    batch.weights,
                    batch.rows,
                    found.wanted,
                    batch.lengths,
                    carry.given(),
                    first,
                    steps,
                )
                carry.take(states)
                found.add_loss(value, weight, parts)
                if found.wanted:
                    found.add_outputs(batch.seen(first, steps), output)
    return found.result()


def evaluation_size(model: Saving, batch_size: Any) -> int:
    """Return the samples of a batch of `evaluate`; None: all of a stateful model, else 256."""
    if batch_size is None:
        return sys.maxsize if model._stateful else EVALUATE_BATCH
    return check_positive_int(batch_size, name="batch_size")


def train_on_batch(
    model: Saving,
    x: Any,
    y: Any,
    loss: Any,
    optimizer: str | Optimizer | None,
    metrics: Any,
    seed: int | None,
    loss_weights: Any = None,
    **given: Any,
) -> dict[str, float]:
    """Make one update; see `Sequential.train_on_batch`."""
    seed = check_seed(seed)
    chosen = model._loss_for(loss, loss_weights)
    data = check_samples(model, x, y, chosen, **given)
    found = Measures(chosen, model._form_out, metrics, data.probabilities)
    check_carried(model, len(data))
    known = (model._training.given, model.optimizer)
    if optimizer is not None and optimizers.parse(optimizer) in known:
        # Written out in every call, it is not meant to start afresh, nor to undo a learning rate
        # that was set since.
        optimizer = None
    prepare_trainer(model, chosen, optimizer)
    carry = Carry(model, windows=False)
    update(model, whole(data), Window(), carry, found, seed, Batches.mean_weight)
    return found.result()
