"""What to report beside the loss: metrics, accumulated over batches with row weights.

A row is one sample, or one step of one sample when the output has a time axis. Every metric is
the weighted mean over rows, so that it does not depend on how the rows were cut into batches;
a row with weight 0 is masked out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.attributes import Guarded
from lstm_native._base.checks import check_real
from lstm_native._base.shown import nearest, shown
from lstm_native.losses import Loss

Metric = str | Callable[[NDArray[Any], NDArray[Any]], float]
"""A name, or a function of (y_true, y_pred) that returns a number."""

_Rows = NDArray[np.float64]


def _absolute_percentage(error: _Rows, true: _Rows) -> _Rows:
    # The floor keeps a target of 0 from dividing by zero; Keras has the same one.
    return 100.0 * np.abs(error) / np.maximum(np.abs(true), 1e-7)


# (error, target), each (rows, features) -> what is averaged.
_ERRORS: dict[str, Callable[[_Rows, _Rows], _Rows]] = {
    "mse": lambda error, true: np.square(error),
    "mae": lambda error, true: np.abs(error),
    "rmse": lambda error, true: np.square(error),
    "mape": _absolute_percentage,
}

#: Names that stand for a metric.
NAMES: tuple[str, ...] = ("accuracy", *_ERRORS)

# What users of Keras type, without underscores and in lower case.
_ALIASES = {
    "acc": "accuracy",
    "categoricalaccuracy": "accuracy",
    "sparsecategoricalaccuracy": "accuracy",
    "binaryaccuracy": "accuracy",
    "meansquarederror": "mse",
    "meanabsoluteerror": "mae",
    "rootmeansquarederror": "rmse",
    "meanabsolutepercentageerror": "mape",
    **{name: name for name in NAMES},
}


def canonical(name: str) -> str:
    """Return our name of a metric as Keras spells it; another name as it is.

    Examples
    --------
    >>> canonical("mean_absolute_error")
    'mae'
    """
    return _ALIASES.get(name.replace("_", "").lower(), name)


class MetricSet(Guarded):
    """Metrics of one pass over the data, filled batch by batch.

    Parameters
    ----------
    metrics : name, callable, or iterable of them
        "accuracy": share of right classes, the highest output (against the highest soft label) for
        categorical cross-entropy, and for binary cross-entropy probability > 0.5, which is logit >
        0, against target > 0.5. "mse", "mae", "rmse" in the
        (squared) unit of the targets, "mape" in percent, each over all features of a row;
        "rmse" is the root of the mean over all rows. Names as Keras spells them
        ("mean_absolute_error", "acc") are taken too, under ours in the logs. A callable
        (y_true, y_pred) -> float is called once per batch with the batch's arrays and weighted
        by its number of rows; if some rows are masked out, it gets the others alone, as
        (rows, features).
    loss : Loss
        Decides what targets and outputs are: values, or classes and logits or probabilities.
    probabilities : bool
        Whether outputs are probabilities, for a cross-entropy.

    Raises
    ------
    ValueError
        An unknown name, a name given twice, or a metric that does not go with the loss.
    TypeError
        Neither a name nor a callable.

    Examples
    --------
    >>> import numpy as np
    >>> from lstm_native import losses
    >>> found = MetricSet(["mae", "rmse"], loss=losses.parse("mse"))
    >>> found.update(np.array([[0.0], [0.0]]), np.array([[3.0], [4.0]]))
    >>> found.update(np.array([[0.0]]), np.array([[5.0]]))
    >>> {name: round(value, 4) for name, value in found.result().items()}
    {'mae': 4.0, 'rmse': 4.0825}
    """

    def __init__(
        self, metrics: Metric | Iterable[Metric], *, loss: Loss, probabilities: bool = False
    ) -> None:
        if isinstance(metrics, str) or callable(metrics):
            metrics = [metrics]
        self._loss = loss
        self._threshold = 0.5 if probabilities else 0.0
        self._metrics: dict[str, Metric] = {}
        for given in metrics:
            metric = canonical(given) if isinstance(given, str) else given
            name = _name_of(metric)
            _check_fits(metric, loss)
            if name in self._metrics or name == "loss":
                raise ValueError(f"metrics: the name '{name}' is taken; give each its own name")
            self._metrics[name] = metric
        self.reset()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the metrics, in order."""
        return tuple(self._metrics)

    def __bool__(self) -> bool:
        """Whether there is any metric."""
        return bool(self._metrics)

    def reset(self) -> None:
        """Forget all batches."""
        self._sums = dict.fromkeys(self._metrics, 0.0)
        self._weights = dict.fromkeys(self._metrics, 0.0)

    def update(
        self, y_true: NDArray[Any], y_pred: NDArray[Any], weights: NDArray[Any] | None = None
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true : ndarray
            Values or soft labels of the shape of `y_pred` (its last axis may be missing when it is
            1), or class labels of that shape without the last axis, or what the loss takes.
        y_pred : ndarray, (N, F) or (N, T, F)
            What the network answered: values, logits, or probabilities.
        weights : ndarray, optional
            One per row, (N,) or (N, T), not negative.

        Raises
        ------
        ValueError
            Shapes that do not go together.
        """
        if not self._metrics:
            return
        # What the model says of each target: of a distribution, its mean.
        point = self._loss.point(y_pred)
        self._check_shapes(y_true, y_pred, point, weights)
        features = point.shape[-1]
        if self._loss.takes_sequences:
            pred, true = y_pred, y_true
        else:
            pred = y_pred.reshape(-1, y_pred.shape[-1])
            labels = self._loss.takes_labels and y_true.ndim < y_pred.ndim
            true = y_true.reshape(-1) if labels else y_true.reshape(-1, features)
        row_weights = None if weights is None else weights.reshape(-1).astype(np.float64)
        if row_weights is not None and not row_weights.all():
            kept = row_weights != 0.0
            true, pred, row_weights = true[kept], pred[kept], row_weights[kept]
            y_true, y_pred = true, pred
        if len(pred) == 0:
            return
        total = float(len(pred)) if row_weights is None else float(row_weights.sum())
        error: _Rows | None = None
        for name, metric in self._metrics.items():
            if callable(metric):
                value = _number(metric(y_true, y_pred), name=name)
                self._sums[name] += value * len(pred)
                self._weights[name] += len(pred)
                continue
            if metric == "accuracy":
                rows = self._right(true, pred)
            else:
                if error is None:
                    true = true.astype(np.float64)
                    error = self._loss.point(pred).astype(np.float64) - true
                # As mean and sum do it, without their ceremony: this runs once per batch.
                rows = np.add.reduce(_ERRORS[metric](error, true), axis=-1) / features
            self._sums[name] += float(
                np.add.reduce(rows) if row_weights is None else rows @ row_weights
            )
            self._weights[name] += total

    def result(self) -> dict[str, float]:
        """Return the metrics of all batches so far; NaN for one that has seen no row."""
        found = {}
        for name, metric in self._metrics.items():
            weight = self._weights[name]
            value = self._sums[name] / weight if weight > 0.0 else math.nan
            found[name] = math.sqrt(value) if metric == "rmse" else value
        return found

    def _right(self, true: NDArray[Any], pred: NDArray[Any]) -> _Rows:
        """1 for each row that is right, 0 for wrong; in between for several binary features."""
        if self._loss.takes_labels:
            label = true if true.ndim == 1 else true.argmax(axis=-1)
            right = pred.argmax(axis=-1) == label
        else:
            same = (pred > self._threshold) == (true > 0.5)
            right = np.add.reduce(same, axis=-1, dtype=np.float64) / pred.shape[-1]
        return np.asarray(right, dtype=np.float64)

    def _check_shapes(
        self,
        y_true: NDArray[Any],
        y_pred: NDArray[Any],
        point: NDArray[Any],
        weights: NDArray[Any] | None,
    ) -> None:
        rows = y_pred.shape[:1] if self._loss.takes_sequences else y_pred.shape[:-1]
        # Said here, since (N,) against (N, 1) would otherwise quietly become (N, N).
        if self._loss.takes_sequences:
            fits, wanted = len(y_true) == len(y_pred), f"({len(y_pred)}, labels)"
        elif self._loss.takes_labels:
            fits = y_true.shape in (rows, y_pred.shape)
            wanted = f"{rows}"
        else:
            fits = y_true.shape == point.shape or (point.shape[-1] == 1 and y_true.shape == rows)
            wanted = f"{point.shape}"
        if not fits:
            raise ValueError(f"y_true: expected shape {wanted}, got {y_true.shape}")
        if weights is not None and weights.shape != rows:
            raise ValueError(f"weights: expected shape {rows}, got {weights.shape}")


def _number(value: Any, *, name: str) -> float:
    """Return what a metric function returned as a float; NaN and infinity are answers too."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    try:
        return check_real(value, name=f"the result of metric '{name}'")
    except ValueError:
        return float(value)


def _name_of(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    if callable(metric):
        return str(getattr(metric, "__name__", type(metric).__name__))
    raise TypeError(f"metrics must be names or callables, got {shown(metric)}")


def _check_fits(metric: Metric, loss: Loss) -> None:
    if not loss.takes_targets:
        raise ValueError(f"metrics: the loss '{loss.name}' has no targets to measure against")
    if callable(metric):
        return
    if metric not in NAMES:
        raise ValueError(
            f"unknown metric {shown(metric)}; known are {', '.join(NAMES)}, or a function "
            f"(y_true, y_pred) -> float{nearest(metric.lower(), NAMES)}"
        )
    usable = "accuracy" if loss.takes_logits else ", ".join(_ERRORS)
    if loss.takes_labels and not loss.takes_logits:
        raise ValueError(
            f"metric '{metric}' does not go with the loss '{loss.name}'; with it goes a callable "
            "(y_true, y_pred) -> float"
        )
    if (metric == "accuracy") != loss.takes_logits:
        raise ValueError(
            f"metric '{metric}' does not go with the loss '{loss.name}'; "
            f"with it go {usable}, or a callable"
        )
