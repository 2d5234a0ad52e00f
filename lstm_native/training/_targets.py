"""Targets as the losses take them, and what each row of them weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.values import as_class_weights, as_labels, as_values, as_weights
from lstm_native.losses import CategoricalCrossentropy, Loss
from lstm_native.losses._base import as_label_sequences

# What a row of soft labels may be away from a sum of 1, here as in the core: the rounding of
# 16-bit probabilities.
_SUM_TOLERANCE = 1e-3

Counts = NDArray[np.bool_] | None
"""Which rows count; None: all of them."""


@dataclass(frozen=True)
class RowWeights:
    """What each row weighs; None: all of them 1.

    measured : in metrics, and in the loss on validation data.
    trained : in the loss of training, where the weights of classes come on top.
    """

    measured: NDArray[Any] | None
    trained: NDArray[Any] | None


def check_targets(
    target: NDArray[Any],
    counts: Counts,
    output: tuple[int, ...],
    loss: Loss,
    dtype: str,
    name: str = "y",
) -> tuple[NDArray[Any], Counts]:
    """Return targets as the loss takes them, and the rows that count with them.

    A row that does not count may hold anything.

    Parameters
    ----------
    target : ndarray
    counts : ndarray of bool, of the rows' shape, or None
    output : tuple of int
        Shape of the network's output: the rows, then its features.

    Returns
    -------
    targets : ndarray
        Values of the output's shape; for classes int64 labels of the rows' shape, or soft labels
        of the output's shape.
    counts : ndarray of bool or None
        Without the rows whose label the loss ignores.
    """
    features, labels, _ = loss._target_shape(output[-1])
    if labels:
        if not features:
            return _check_labels(target, counts, output[:-1], name), counts
        return _check_classes(target, counts, output, loss, dtype, name)
    rows = output[:-1]
    output = (*rows, features)
    given = target
    if counts is not None and target.dtype.kind == "f" and target.shape in (output, rows):
        target = _blanked(target, counts, whole=target.shape == rows)
    if loss.takes_logits and target.dtype.kind in "biu":
        target = target.astype(dtype)  # 0 and 1 are meant, whatever they are written as
    if loss.takes_logits and target.dtype.kind in "US":
        raise TypeError(
            f"{name}: {loss.name} expects targets from 0 to 1, got {target.dtype}; names become 0 "
            f"and 1 with {name} == 'the name of class 1'"
        )
    if output[-1] == 1 and target.shape == rows:
        target = target.reshape(output)
    if target.shape != output and target.size:
        raise ValueError(_expected_values(given, output, loss, name))
    values = as_values(target, name=name, dtype=dtype, shape=output)
    if loss.takes_logits and (values.min() < 0.0 or values.max() > 1.0):
        told = f"{loss.name} expects targets from 0 to 1, got {values.min()} to {values.max()}"
        if values.min() == -1.0 and values.max() == 1.0:
            told += f"; -1 and 1 become 0 and 1 with ({name} + 1) / 2"
        raise ValueError(f"{name}: {told}")
    return values, counts


def _expected_values(target: NDArray[Any], output: tuple[int, ...], loss: Loss, name: str) -> str:
    """Return what to say of targets of another shape than the output's."""
    rows, features = output[:-1], output[-1]
    told = f"{name}: expected shape {output}, got {target.shape}"
    if target.shape in (rows, (*rows, 1)) and target.dtype.kind in "iu":
        told += f"; class labels go with {CategoricalCrossentropy.name}"
    elif loss.takes_logits and features == 1 and target.shape == (*rows, 2):
        told += (
            f"; if its two columns are two classes, give {name}[..., 1], or two outputs and "
            f"{CategoricalCrossentropy.name}"
        )
    return told


def no_targets(y: Any, rows: tuple[int, ...], loss: Loss, dtype: str) -> NDArray[Any]:
    """Return what stands for the targets of a loss without them: no value for each row."""
    if y is not None:
        raise ValueError(
            f"y: the loss '{loss.name}' has no targets, the outputs alone say it; leave y away"
        )
    return np.empty((*rows, 0), dtype=dtype)


def label_sequences(
    y: Any, ends: NDArray[np.int64] | None, output: tuple[int, ...], loss: Loss
) -> NDArray[np.int64]:
    """Return sequences of labels as the core takes them, each of them fit for its steps.

    Parameters
    ----------
    ends : ndarray or None
        How many of the output's steps each sample has; None: all.
    output : tuple of int
        Of what the model answers, (N, T, K).
    """
    loss._target_shape(output[-1])  # refuses outputs without the blank
    labels = as_label_sequences(y, output[0], output[-1])
    blank, there = getattr(loss, "blank", None), labels >= 0
    blanks = (labels == blank).any(axis=1)
    if blanks.any():
        raise ValueError(
            f"y: sequence {int(blanks.argmax())} has the label {blank}, which is the blank; "
            "another one is chosen with CTC(blank=...)"
        )
    count = there.sum(axis=1)
    least = count + ((labels[:, 1:] == labels[:, :-1]) & there[:, 1:]).sum(axis=1)
    steps = np.full(output[0], output[1]) if ends is None else ends
    if (least > steps).any() and not getattr(loss, "zero_infinity", False):
        i = int((least > steps).argmax())
        raise ValueError(
            f"y: sequence {i}: its {count[i]} labels need at least {least[i]} steps (one each, and "
            f"a blank between two that are the same), got {steps[i]}; "
            "CTC(zero_infinity=True) leaves such sequences out"
        )
    return labels


def _check_labels(
    target: NDArray[Any], counts: Counts, rows: tuple[int, ...], name: str
) -> NDArray[np.int64]:
    """Return labels of any number."""
    if target.dtype.kind not in "iu" or target.shape != rows:
        raise ValueError(
            f"{name}: expected integer labels of shape {rows}, got {target.dtype} of shape "
            f"{target.shape}"
        )
    kept = target if counts is None else _blanked(target, counts, whole=True)
    return np.require(kept, dtype=np.int64, requirements=["C", "A"])


def _check_classes(
    target: NDArray[Any],
    counts: Counts,
    output: tuple[int, ...],
    loss: Loss,
    dtype: str,
    name: str,
) -> tuple[NDArray[Any], Counts]:
    """Return labels, or soft ones, and the rows that count."""
    rows, classes = output[:-1], output[-1]
    if target.dtype.kind in "USOMm":
        numbers = f"if they are integers, use {name}.astype('int64'); "
        raise TypeError(
            f"{name}: expected class indices, one-hot rows or probabilities, got {target.dtype}; "
            f"{numbers if target.dtype.kind == 'O' else ''}names become indices with "
            f"np.unique({name}, return_inverse=True)[1]"
        )
    if target.shape == output and classes > 1:
        return _soft_labels(target, counts, loss, dtype, name), counts
    if target.shape == (*rows, 1):
        target = target.reshape(rows)
    if target.shape != rows and target.size:
        raise ValueError(
            f"{name}: expected class indices of shape {rows}, or one-hot rows or probabilities of "
            f"shape {output}, got {target.shape}"
        )
    ignored = getattr(loss, "ignore_index", None)
    if ignored is not None and target.dtype.kind in "iu":
        kept = target != ignored
        counts = kept if counts is None else counts & kept
    if counts is not None and target.dtype.kind in "iu":
        target = _blanked(target, counts, whole=True)
    return as_labels(target, name=name, classes=classes, shape=rows), counts


def _soft_labels(
    target: NDArray[Any], counts: Counts, loss: Loss, dtype: str, name: str
) -> NDArray[Any]:
    """Return rows of probabilities; one-hot rows are such."""
    if getattr(loss, "ignore_index", None) is not None:
        raise ValueError(
            f"{name}: ignore_index needs class indices, such as {name}.argmax(axis=-1), got "
            f"one-hot rows or probabilities of shape {target.shape}"
        )
    if target.dtype.kind in "biu":
        target = target.astype(dtype)
    if counts is not None and target.dtype.kind == "f":
        target = _blanked(target, counts, whole=False)
    values = as_values(target, name=name, dtype=dtype)
    sums = values.sum(axis=-1, dtype=np.float64)
    wrong = (np.abs(sums - 1.0) > _SUM_TOLERANCE) | (values.min(axis=-1) < 0.0)
    if counts is not None:
        wrong &= counts
    if wrong.any():
        row = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        at = ", ".join(str(int(i)) for i in row)
        raise ValueError(
            f"{name}: of the output's shape {target.shape}, it is taken for one-hot rows or "
            f"probabilities, which are not negative and sum to 1, but {name}[{at}] sums to "
            f"{sums[row]:g} with a lowest value of {values[row].min():g}. Class indices have shape "
            f"{target.shape[:-1]} and an integer dtype; several classes of a row at once go with "
            "binary_crossentropy"
        )
    return values


def _blanked(target: NDArray[Any], counts: NDArray[np.bool_], *, whole: bool) -> NDArray[Any]:
    """Return the targets with zeros in the rows that do not count."""
    kept = counts if whole else counts[..., np.newaxis]
    found: NDArray[Any] = np.where(kept, target, target.dtype.type(0))
    return found


def sample_weights(
    weight: Any, rows: tuple[int, ...], dtype: str, *, some: bool = True
) -> NDArray[Any] | None:
    """Return one weight per row, from one per row or one per sample."""
    if weight is None:
        return None
    given = as_array(weight, name="sample_weight")
    if given.shape in ((*rows, 1), (*rows[:1], 1)) and given.shape != rows:
        write = "np.ravel(sample_weight)" if given.ndim == 2 else "sample_weight[..., 0]"
        raise ValueError(
            f"sample_weight: expected shape {rows[: given.ndim - 1]}, got {given.shape}; "
            f"write {write}"
        )
    if len(rows) == 2:
        if given.shape == rows[:1]:
            given = np.broadcast_to(given[:, None], rows)  # one weight for all steps of a sample
        elif given.shape != rows:
            raise ValueError(
                f"sample_weight: expected shape {rows}, or {rows[:1]} of one weight per sample, "
                f"got {given.shape}"
            )
    return as_weights(given, name="sample_weight", shape=rows, dtype=dtype, some=some)


def row_weights(
    weights: NDArray[Any] | None,
    counts: Counts,
    class_weight: Mapping[int, float] | None,
    y: NDArray[Any],
    output: tuple[int, ...],
    loss: Loss,
    dtype: str,
    *,
    some: bool = True,
) -> RowWeights:
    """Return what the rows weigh, from weights, rows that count and the weights of classes.

    some : whether a row must be left that counts, as in all but one batch of several.
    """
    if counts is not None:
        if some and not counts.any():
            raise ValueError("y: no row counts, all of them have the label of ignore_index")
        if some and weights is not None and not (counts * weights).any():
            raise ValueError(
                "sample_weight: no row counts, those with a weight are masked, behind an end, or "
                "have the label of ignore_index"
            )
        weights = counts if weights is None else counts * weights
    if weights is not None:
        weights = as_weights(
            weights.astype(dtype),
            name="sample_weight",
            shape=output[:-1],
            dtype=dtype,
            some=some,
        )
    if class_weight is None:
        return RowWeights(weights, weights)
    trained = _class_factors(class_weight, y, output, loss)
    if weights is not None:
        trained = trained * weights
    return RowWeights(
        weights,
        as_weights(trained, name="class_weight", shape=output[:-1], dtype=dtype, some=some),
    )


def _class_factors(
    class_weight: Mapping[int, float], y: NDArray[Any], output: tuple[int, ...], loss: Loss
) -> NDArray[np.float64]:
    """Return the weight of each row's class."""
    # Rows that do not count are all zeros.
    if loss.takes_logits and y.shape == output and ((y != 0.0) & (y != 1.0)).any():
        raise ValueError(
            "class_weight needs one class per row, but y has probabilities; give the weight of "
            "each row as sample_weight"
        )
    if loss.takes_labels and not loss.takes_sequences:
        classes, labels = output[-1], y.argmax(axis=-1) if y.shape == output else y
    elif loss.takes_logits and output[-1] == 1:
        classes, labels = 2, (y[..., 0] > 0.5).astype(np.int64)
    else:
        raise ValueError(
            f"class_weight needs one class per row; {loss.name} with {output[-1]} outputs has none"
        )
    factors = as_class_weights(class_weight, name="class_weight", classes=classes)
    found: NDArray[np.float64] = factors[labels]
    return found


def mean_of_counting(weights: NDArray[Any] | None, counts: Counts) -> float:
    """Return the mean weight of the rows whose weight is not 0; 1 where there is none."""
    if weights is None:
        return 1.0
    found = weights if counts is None else weights[counts]
    found = found[found > 0.0]
    return float(found.mean(dtype=np.float64)) if found.size else 1.0
