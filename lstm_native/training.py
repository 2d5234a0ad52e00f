"""Training and evaluation: what happens around the core's one call per batch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import optimizers
from lstm_native._callback import Callback, CallbackList
from lstm_native._checks import (
    as_array,
    as_class_weights,
    as_labels,
    as_mask,
    as_values,
    as_weights,
    check_bool,
    check_int,
    check_positive_int,
    check_real,
    check_same_length,
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


@dataclass(frozen=True)
class Data:
    """Samples, targets and row weights, as the core takes them."""

    x: NDArray[Any]
    y: NDArray[Any]
    weights: NDArray[Any] | None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.x)

    def part(self, rows: slice) -> Data:
        """Return some of the samples."""
        return Data(
            self.x[rows], self.y[rows], None if self.weights is None else self.weights[rows]
        )


def check_data(
    model: Sequential,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    mask: Any = None,
) -> Data:
    """Return samples and targets ready for the core, or say what does not fit."""
    x = model._check_input(x)
    target = as_array(y, name="y")
    if target.ndim:
        check_same_length(x, target, names=("x", "y"))
    output = model._output_shape(x)
    rows = output[:-1]
    counts = None if mask is None else as_mask(mask, name="mask", shape=rows)
    # A row that does not count may hold any label or value, even NaN.
    if loss.takes_labels:
        if counts is not None and target.shape == rows and target.dtype.kind in "iu":
            target = np.where(counts, target, 0)
        checked: NDArray[Any] = as_labels(target, name="y", classes=output[-1], shape=rows)
    else:
        if counts is not None and target.dtype.kind == "f" and target.shape in (output, rows):
            kept = counts if target.shape == rows else counts[..., np.newaxis]
            target = np.where(kept, target, target.dtype.type(0))
        checked = _check_values(target, output, loss, model.dtype)
    weights = _row_weights(sample_weight, rows, model.dtype)
    if class_weight is not None:
        by_class = _class_weights(class_weight, checked, output, loss)
        weights = by_class if weights is None else by_class * weights
    if counts is not None:
        weights = counts if weights is None else counts * weights
    if weights is not None:
        weights = as_weights(
            weights.astype(model.dtype), name="sample_weight", shape=rows, dtype=model.dtype
        )
    return Data(x, checked, weights)


def _check_values(y: NDArray[Any], output: tuple[int, ...], loss: Loss, dtype: str) -> NDArray[Any]:
    if loss.takes_logits and y.dtype.kind in "biu":
        y = y.astype(dtype)  # 0 and 1 are meant, whatever they are written as
    if output[-1] == 1 and y.shape == output[:-1]:
        y = y.reshape(output)
    values = as_values(y, name="y", dtype=dtype, shape=output)
    if loss.takes_logits and (values.min() < 0.0 or values.max() > 1.0):
        raise ValueError(
            f"y: {loss.name} expects targets from 0 to 1, got {values.min()} to {values.max()}"
        )
    return values


def _row_weights(weight: Any, rows: tuple[int, ...], dtype: str) -> NDArray[Any] | None:
    if weight is None:
        return None
    given = as_array(weight, name="sample_weight")
    if len(rows) == 2 and given.shape == rows[:1]:
        given = np.broadcast_to(given[:, None], rows)  # one weight for all steps of a sample
    return as_weights(given, name="sample_weight", shape=rows, dtype=dtype)


def _class_weights(
    class_weight: Mapping[int, float], y: NDArray[Any], output: tuple[int, ...], loss: Loss
) -> NDArray[Any]:
    if loss.takes_labels:
        classes, labels = output[-1], y
    elif loss.takes_logits and output[-1] == 1:
        classes, labels = 2, (y[..., 0] > 0.5).astype(np.int64)
    else:
        raise ValueError(
            f"class_weight needs one class per row; {loss.name} with {output[-1]} outputs has none"
        )
    weights = as_class_weights(class_weight, name="class_weight", classes=classes)
    return np.asarray(weights[labels])


def fit(
    model: Sequential,
    data: Data,
    loss: Loss,
    optimizer: str | Optimizer | None,
    options: Options,
    *,
    metrics: Metric | Iterable[Metric],
    validation_data: tuple[Any, ...] | None,
    callbacks: Callback | Iterable[Callback],
) -> History:
    """Train; see `Sequential.fit`."""
    metric_list = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
    train, validation = _split(model, data, loss, options.validation_split, validation_data)
    found = MetricSet(metric_list, loss=loss)
    hooks = _hooks(callbacks, options, len(train))
    _prepare_trainer(model, loss, optimizer)

    history = model.history = History()
    model.stop_training = False
    try:
        hooks.on_train_begin(model)
        for epoch in range(options.initial_epoch, options.epochs):
            hooks.on_epoch_begin(model, epoch)
            logs = _train_epoch(model, train, found, hooks, options, epoch)
            if validation is not None:
                results = evaluate(model, validation, loss, metric_list, _EVALUATE_BATCH)
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
    data: Data,
    loss: Loss,
    share: float,
    validation_data: tuple[Any, ...] | None,
) -> tuple[Data, Data | None]:
    if validation_data is not None:
        if share:
            raise ValueError("give validation_data or validation_split, not both")
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError("validation_data must be (x, y) or (x, y, sample_weight)")
        x, y, *weight = validation_data
        try:
            held_out = check_data(model, x, y, loss, sample_weight=weight[0] if weight else None)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation_data: {error}") from None
        return data, held_out
    if not share:
        return data, None
    count = round(len(data) * share)
    if not 0 < count < len(data):
        raise ValueError(
            f"validation_split={share} of {len(data)} samples leaves "
            f"{len(data) - count} to train on and {count} to validate"
        )
    parts = data.part(slice(0, -count)), data.part(slice(-count, None))
    for part, what in zip(parts, ("train on", "validate"), strict=True):
        if part.weights is not None and not part.weights.any():
            raise ValueError(
                f"validation_split={share}: all rows of the part to {what} are masked or have "
                "weight 0"
            )
    return parts


def _hooks(
    callbacks: Callback | Iterable[Callback], options: Options, samples: int
) -> CallbackList:
    hooks = CallbackList(callbacks)
    if options.verbose:
        from lstm_native.progress import ProgressBar

        bar = ProgressBar(epochs=options.epochs, samples=samples, batch_size=options.batch_size)
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
    data: Data,
    metrics: MetricSet,
    hooks: CallbackList,
    options: Options,
    epoch: int,
) -> dict[str, float]:
    # A function of seed and epoch alone, so that a resumed run visits the samples alike.
    if options.shuffle:
        order = np.random.default_rng([options.seed, epoch]).permutation(len(data))
    else:
        order = np.arange(len(data))
    order = order.astype(np.int64, copy=False)
    metrics.reset()
    measured, watched = bool(metrics), bool(hooks.callbacks)
    mean = _Mean()
    for batch, start in enumerate(range(0, len(data), options.batch_size)):
        rows = order[start : start + options.batch_size]
        loss, weight, norm, finite, output = model._trainer.step(
            data.x, data.y, data.weights, rows, options.seed, measured
        )
        if not finite:
            what = f"the loss became {loss}" if not np.isfinite(loss) else "a gradient overflowed"
            raise FloatingPointError(
                f"{what} in epoch {epoch + 1}, batch {batch + 1} (gradient norm {norm}); the model "
                "has the last weights that gave finite values. A smaller learning rate or "
                "clip_norm may help"
            )
        mean.add(loss, weight)
        if measured:
            weights = None if data.weights is None else data.weights[rows]
            metrics.update(data.y[rows], output, weights)
        if watched:
            hooks.on_batch_end(model, batch, {"loss": mean.value} | metrics.result())
    return {"loss": mean.value} | metrics.result()


def evaluate(
    model: Sequential,
    data: Data,
    loss: Loss,
    metrics: Metric | Iterable[Metric],
    batch_size: int,
) -> dict[str, float]:
    """Return loss and metrics over all samples; see `Sequential.evaluate`."""
    trainer = model._trainer
    if trainer is None or model.loss != loss:
        plain = optimizers.parse("sgd")
        trainer = native_class("Trainer", model.dtype)(
            model._network, loss.to_json(), plain.to_json()
        )
    found = MetricSet(metrics, loss=loss)
    mean = _Mean()
    for part in _parts(data, batch_size):
        value, weight, _, _, output = trainer.evaluate(
            part.x, part.y, part.weights, None, bool(found)
        )
        mean.add(value, weight)
        if found:
            found.update(_read_only(part.y), output, part.weights)
    return {"loss": mean.value} | found.result()


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that a metric function cannot write through."""
    view: NDArray[Any] = array.view()
    view.flags.writeable = False
    return view


def _parts(data: Data, size: int) -> Iterator[Data]:
    for start in range(0, len(data), size):
        yield data.part(slice(start, start + size))


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
