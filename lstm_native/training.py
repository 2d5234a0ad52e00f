"""Training and evaluation: what happens around the core's one call per batch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import optimizers
from lstm_native._callback import Callback, CallbackList
from lstm_native._checks import check_bool, check_int, check_positive_int, check_real
from lstm_native._ragged import Ragged, check_ragged, is_ragged, refuse_lengths
from lstm_native._samples import Data, check_data, cut
from lstm_native._windows import (
    Carry,
    check_stateful,
    check_tbptt,
    states_aside,
    windows_of,
)
from lstm_native.history import History
from lstm_native.layer import check_seed, native_class
from lstm_native.losses import Loss
from lstm_native.metrics import Metric, MetricSet
from lstm_native.optimizers import Optimizer

if TYPE_CHECKING:
    from lstm_native.model import Sequential

_EVALUATE_BATCH = 256


@dataclass(frozen=True)
class Options:
    """The settings of a fit, checked."""

    epochs: int
    batch_size: int
    validation_split: float
    shuffle: bool
    seed: int
    initial_epoch: int
    verbose: bool

    @staticmethod
    def check(
        *,
        epochs: Any,
        batch_size: Any,
        validation_split: Any,
        shuffle: Any,
        seed: Any,
        initial_epoch: Any,
        verbose: Any,
    ) -> Options:
        """Return the settings, or say which one is wrong."""
        return Options(
            epochs=check_positive_int(epochs, name="epochs"),
            batch_size=check_positive_int(batch_size, name="batch_size"),
            validation_split=check_real(
                validation_split, name="validation_split", minimum=0.0, below=1.0
            ),
            shuffle=check_bool(shuffle, name="shuffle"),
            seed=check_seed(seed),
            initial_epoch=check_int(initial_epoch, name="initial_epoch", minimum=0),
            verbose=check_bool(verbose, name="verbose"),
        )


def check_samples(
    model: Sequential,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    lengths: Any = None,
    mask: Any = None,
    **weights: Any,
) -> Data | Ragged:
    """Return samples and targets ready for the core, or say what does not fit."""
    if not is_ragged(x, model):
        return check_data(model, x, y, loss, lengths=lengths, mask=mask, **weights)
    refuse_lengths(lengths=lengths, mask=mask)
    return check_ragged(model, x, y, loss, **weights)


def fit(
    model: Sequential,
    data: Data | Ragged,
    loss: Loss,
    optimizer: str | Optimizer | None,
    options: Options,
    *,
    metrics: Metric | Iterable[Metric],
    validation_data: tuple[Any, ...] | None,
    validation_lengths: Any,
    callbacks: Callback | Iterable[Callback],
    tbptt: Any,
) -> History:
    """Train; see `Sequential.fit`."""
    metric_list = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
    train, validation = _split(
        model, data, loss, options.validation_split, validation_data, validation_lengths
    )
    found = MetricSet(metric_list, loss=loss, probabilities=data.probabilities)
    window = check_tbptt(model, train, tbptt)
    check_stateful(model, len(train), options.batch_size, shuffle=options.shuffle)
    hooks = _hooks(callbacks, options, train, window)
    _prepare_trainer(model, loss, optimizer)

    history = model.history = History()
    model.stop_training = False
    try:
        hooks.on_train_begin(model)
        for epoch in range(options.initial_epoch, options.epochs):
            hooks.on_epoch_begin(model, epoch)
            logs = _train_epoch(model, train, found, hooks, options, epoch, window)
            if validation is not None:
                size = options.batch_size if model._stateful else _EVALUATE_BATCH
                with states_aside(model):
                    results = evaluate(model, validation, loss, metric_list, size, window)
                logs |= {f"val_{name}": value for name, value in results.items()}
            history.record(epoch, logs)
            hooks.on_epoch_end(model, epoch, logs)
            if model.stop_training:
                break
    except KeyboardInterrupt:
        history.interrupted = True
        raise
    finally:
        hooks.on_train_end(model)
    return history


def _split(
    model: Sequential,
    data: Data | Ragged,
    loss: Loss,
    share: float,
    validation_data: tuple[Any, ...] | None,
    validation_lengths: Any,
) -> tuple[Data | Ragged, Data | Ragged | None]:
    if validation_data is not None:
        if share:
            raise ValueError("give validation_data or validation_split, not both")
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError("validation_data must be (x, y) or (x, y, sample_weight)")
        x, y, *weight = validation_data
        try:
            held_out = check_samples(
                model,
                x,
                y,
                loss,
                sample_weight=weight[0] if weight else None,
                lengths=validation_lengths,
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation_data: {error}") from None
        return data, held_out
    if validation_lengths is not None:
        raise ValueError("validation_lengths needs validation_data, whose sequences they measure")
    if not share:
        return data, None
    count = round(len(data) * share)
    if not 0 < count < len(data):
        raise ValueError(
            f"validation_split={share} of {len(data)} samples leaves "
            f"{len(data) - count} to train on and {count} to validate"
        )
    parts = data.part(slice(0, -count)), data.part(slice(-count, None)).without_classes()
    for part, what in zip(parts, ("train on", "validate"), strict=True):
        if not part.counts():
            raise ValueError(
                f"validation_split={share}: all rows of the part to {what} are masked or have "
                "weight 0"
            )
    return parts


def _hooks(
    callbacks: Callback | Iterable[Callback],
    options: Options,
    data: Data | Ragged,
    window: int | None,
) -> CallbackList:
    hooks = CallbackList(callbacks)
    if options.verbose:
        from lstm_native.progress import ProgressBar

        if window is None:
            bar = ProgressBar(
                epochs=options.epochs, samples=len(data), batch_size=options.batch_size
            )
        else:
            windows = math.ceil(len(data) / options.batch_size) * math.ceil(data.longest / window)
            bar = ProgressBar(epochs=options.epochs, samples=windows, batch_size=1, unit="windows")
        hooks.callbacks.insert(0, bar)
    return hooks


def _prepare_trainer(model: Sequential, loss: Loss, optimizer: str | Optimizer | None) -> None:
    """Give the model a trainer for this loss and optimiser; keep the old one if it serves."""
    if optimizer is None and model.optimizer is not None:
        chosen, again = model.optimizer, True
    else:
        chosen = optimizers.parse(optimizer if optimizer is not None else "adam")
        again = chosen is model._given_optimizer
        model._given_optimizer = chosen
        if again and model.optimizer is not None:
            chosen = model.optimizer  # the same object, with the learning rate now in force
    if model._trainer is None or not again or model.loss != loss:
        trainer = native_class("Trainer", model.dtype)
        model._trainer = trainer(model._network, loss.to_json(), chosen.to_json())
    model.loss = loss
    model.optimizer = chosen


def _train_epoch(
    model: Sequential,
    data: Data | Ragged,
    metrics: MetricSet,
    hooks: CallbackList,
    options: Options,
    epoch: int,
    window: int | None,
) -> dict[str, float]:
    if options.shuffle:
        # A function of seed and epoch alone, so that a resumed run visits the samples alike.
        order = data.shuffled(options.batch_size, options.seed, epoch)
    else:
        order = cut(np.arange(len(data), dtype=np.int64), options.batch_size)
    metrics.reset()
    measured, watched = bool(metrics), bool(hooks.callbacks)
    mean = _Mean()
    carry = Carry(model, windows=window is not None)
    count = 0
    for rows in order:
        batch = data.take(rows)
        carry.begin_batch()
        for first, steps in windows_of(batch, window):
            loss, weight, norm, finite, output, states = model._trainer.step(
                batch.x,
                batch.y,
                batch.trained,
                batch.rows,
                options.seed,
                measured,
                batch.lengths,
                carry.given(),
                first,
                steps,
                data.mean_weight,
            )
            if not finite:
                what = (
                    f"the loss became {loss}" if not np.isfinite(loss) else "a gradient overflowed"
                )
                raise FloatingPointError(
                    f"{what} in epoch {epoch + 1}, batch {count + 1} (gradient norm {norm}); the "
                    "model has the last weights that gave finite values. A smaller learning rate "
                    "or clip_norm may help"
                )
            carry.take(states)
            mean.add(loss, weight)
            if measured:
                y, weights = batch.seen(first, steps)
                metrics.update(y, output, weights)
            if watched:
                hooks.on_batch_end(model, count, {"loss": mean.value} | metrics.result())
            count += 1
    return {"loss": mean.value} | metrics.result()


def evaluate(
    model: Sequential,
    data: Data | Ragged,
    loss: Loss,
    metrics: Metric | Iterable[Metric],
    batch_size: int,
    window: int | None = None,
) -> dict[str, float]:
    """Return loss and metrics over all samples; see `Sequential.evaluate`."""
    check_stateful(model, len(data), batch_size, shuffle=False)
    trainer = model._trainer
    if trainer is None or model.loss != loss:
        plain = optimizers.parse("sgd")
        trainer = native_class("Trainer", model.dtype)(
            model._network, loss.to_json(), plain.to_json()
        )
    found = MetricSet(metrics, loss=loss, probabilities=data.probabilities)
    mean = _Mean()
    carry = Carry(model, windows=window is not None)
    for rows in data.in_order(batch_size):
        batch = data.take(rows)
        carry.begin_batch()
        for first, steps in windows_of(batch, window):
            value, weight, _, _, output, states = trainer.evaluate(
                batch.x,
                batch.y,
                batch.weights,
                batch.rows,
                bool(found),
                batch.lengths,
                carry.given(),
                first,
                steps,
            )
            carry.take(states)
            mean.add(value, weight)
            if found:
                y, weights = batch.seen(first, steps)
                found.update(_read_only(y), output, weights)
    return {"loss": mean.value} | found.result()


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that a metric function cannot write through."""
    view: NDArray[Any] = array.view()
    view.flags.writeable = False
    return view


class _Mean:
    """A weighted mean, number by number."""

    def __init__(self) -> None:
        self._sum = self._weight = 0.0

    def add(self, value: float, weight: float) -> None:
        self._sum += value * weight
        self._weight += weight

    @property
    def value(self) -> float:
        return self._sum / self._weight if self._weight else math.nan
