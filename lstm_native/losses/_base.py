"""What all losses have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.arrays import as_array
from lstm_native._base.lengths import steps_of_input
from lstm_native._base.settings_json import parse_json_object
from lstm_native._base.values import as_labels, as_values, as_weights

KINDS: dict[str, type[Loss]] = {}
"""All losses by their names in files; filled where the package is put together."""


@dataclass(frozen=True)
class Loss:
    """Base of all losses.

    Attributes
    ----------
    name : str
        The canonical name, as in model files.
    takes_labels : bool
        True when targets are classes (indices, one-hot or soft), False when they are values.
    takes_logits : bool
        True for the losses of classes, whose outputs are logits or probabilities.
    takes_sequences : bool
        True where a target is a sequence of labels with a length of its own (CTC).
    takes_targets : bool
        False where the outputs alone say the loss.
    """

    name: ClassVar[str] = ""
    takes_labels: ClassVar[bool] = False
    takes_logits: ClassVar[bool] = False
    takes_sequences: ClassVar[bool] = False
    takes_targets: ClassVar[bool] = True
    # Settings that stand in files in any case; others only where they are not the default, so that
    # files from before there was a choice stay as they are.
    _always: ClassVar[frozenset[str]] = frozenset()

    def to_json(self) -> str:
        """Return the loss as the JSON text that model files hold.

        Examples
        --------
        >>> Huber(delta=0.5).to_json()
        '{"type": "huber", "delta": 0.5}'
        """
        options = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name in self._always or getattr(self, field.name) != field.default
        }
        return json.dumps({"type": self.name, **options})

    @staticmethod
    def from_json(text: str) -> Loss:
        """Return the loss that `to_json` wrote.

        Raises
        ------
        ValueError
            Not JSON, an unknown loss, or a field that does not belong to it.
        """
        known = {name: [f.name for f in fields(kind)] for name, kind in KINDS.items()}
        options = parse_json_object(text, name="loss", fields=known)
        return KINDS[options.pop("type")](**options)

    def value_and_gradient(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        lengths: Any = None,
    ) -> tuple[float, NDArray[Any]]:
        """Return the loss of a batch and its gradient, for a training loop of one's own.

        Parameters
        ----------
        y_true : array_like
            The targets, of the outputs' shape, or as the loss describes them: class indices
            (N,) or (N, T), label sequences (N, L) that end at the first negative, values of another
            number of features. None where the loss has no targets.
        y_pred : array_like, (N, K) or (N, T, K)
            The outputs, float32 or float64; logits for the losses of classes.
        sample_weight : array_like, optional
            One for each row, not negative: (N,) or (N, T); (N,) for CTC.
        lengths : array_like of int, (N,), optional
            How many of the T steps each output has.

        Returns
        -------
        loss : float
            The weighted mean over the rows; 0 where all weights are 0.
        gradient : ndarray
            With respect to `y_pred`, of its shape and dtype: the dy of `tape.backward(dy)`.

        Raises
        ------
        TypeError, ValueError
            Arrays that do not fit, or targets that are out of range.

        Examples
        --------
        >>> import numpy as np
        >>> loss, dy = MeanSquaredError().value_and_gradient([[1.0]], np.array([[3.0]]))
        >>> loss, float(dy[0, 0])
        (4.0, 4.0)
        """
        pred = as_array(y_pred, name="y_pred")
        pred = as_values(pred, name="y_pred", dtype=_dtype_of(pred), ndim=(2, 3))
        if getattr(self, "from_logits", None) is False:
            raise ValueError("from_logits=False: value_and_gradient takes logits")
        rows = pred.shape[:-1]
        features, labels, sequences = self._target_shape(pred.shape[-1])
        true: NDArray[Any] | None = None
        if sequences:
            true = as_label_sequences(y_true, len(pred), pred.shape[-1], name="y_true")
            rows = pred.shape[:1]
        elif labels or features:
            given = as_array(y_true, name="y_true")
            if labels and (not features or given.ndim < pred.ndim):
                limit = pred.shape[-1] if features else np.iinfo(np.int64).max
                if getattr(self, "ignore_index", None) is None and features:
                    true = as_labels(given, name="y_true", classes=limit, shape=rows)
                else:
                    true = np.require(given, dtype=np.int64, requirements=["C", "A"])
            else:
                true = as_values(given, name="y_true", dtype=pred.dtype, shape=(*rows, features))
        elif y_true is not None:
            raise ValueError(f"y_true: the loss '{self.name}' has no targets, expected None")
        if sample_weight is not None:
            sample_weight = as_weights(
                sample_weight, name="sample_weight", shape=rows, dtype=pred.dtype, some=False
            )
        if lengths is not None:
            if pred.ndim != 3:
                raise ValueError(f"lengths: y_pred has no time axis, its shape is {pred.shape}")
            lengths, _ = steps_of_input(lengths, None, shape=pred.shape, axes=3)
        found = _core.loss_value(self._native(), pred, true, sample_weight, lengths, True)
        return float(found[0]), found[1]

    def point(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return one answer for each target, of the targets' shape, from a model's outputs.

        The outputs themselves, but of a distribution its mean and of quantiles the middle one: what
        the metrics "mse", "mae", ... are measured on.
        """
        return outputs

    def _native(self) -> Any:
        """Return the loss as the core takes it."""
        return self.to_json()

    def _target_shape(self, features: int) -> tuple[int, bool, bool]:
        """Return (values of a target's row, whether it takes labels, whether sequences of them)."""
        return _core.target_shape(self._native(), features)


def _dtype_of(array: NDArray[Any]) -> str:
    return "float64" if array.dtype == np.float64 else "float32"


def as_label_sequences(y: Any, samples: int, classes: int, name: str = "y") -> NDArray[np.int64]:
    """Return label sequences as int64 (samples, L), negative behind the end of each.

    Takes such an array, or a list with one array of labels for each sample.
    """
    if isinstance(y, (list, tuple)) and len({np.shape(part) for part in y}) > 1:
        parts = [as_array(part, name=f"{name}[{i}]") for i, part in enumerate(y)]
        for i, part in enumerate(parts):
            if part.ndim != 1 or (part.size and part.dtype.kind not in "iu"):
                raise TypeError(
                    f"{name}[{i}]: expected integer labels of shape (labels,), got {part.dtype} of "
                    f"shape {part.shape}"
                )
            if part.size and part.min() < 0:
                raise ValueError(f"{name}[{i}]: expected labels >= 0, got {part.min()}")
        found = np.full((len(parts), max((len(p) for p in parts), default=0)), -1, np.int64)
        for row, part in zip(found, parts, strict=True):
            row[: len(part)] = part
    else:
        found = as_array(y, name=name)
        if found.ndim != 2 or (found.size and found.dtype.kind not in "iu"):
            raise ValueError(
                f"{name}: expected integer labels of shape (samples, labels), padded with -1 "
                f"behind the end, or a list of one array for each sample; got {found.dtype} of "
                f"shape {found.shape}"
            )
        found = np.require(found, dtype=np.int64, requirements=["C", "A"])
        behind = np.logical_or.accumulate(found < 0, axis=1)
        wrong = behind & (found >= 0)
        if wrong.any():
            index = int(np.argmax(wrong.any(axis=1)))
            raise ValueError(
                f"{name}: sequence {index} has labels behind a negative one, where it ends"
            )
    if len(found) != samples:
        raise ValueError(f"{name}: expected {samples} sequences of labels, got {len(found)}")
    if found.size and found.max() >= classes:
        raise ValueError(
            f"{name}: expected labels from 0 to {classes - 1} (the model has {classes} outputs), "
            f"got {found.max()}"
        )
    return found
