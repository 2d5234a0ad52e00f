"""Losses and their gradients with respect to a model's output, in NumPy and float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.diagnostics.functions import Values, sigmoid
from lstm_native.losses import BinaryCrossentropy, CategoricalCrossentropy, Huber, Loss


def loss_and_gradient(
    loss: Loss, output: NDArray[Any], target: NDArray[Any], weights: NDArray[Any] | None
) -> tuple[float, Values]:
    """Return the loss of a batch, as `evaluate` has it, and its gradient.

    Parameters
    ----------
    loss : Loss
    output : (..., K)
        Predictions, or logits for the cross-entropies.
    target : (..., K), or for classes integers (...) or probabilities (..., K)
    weights : (...) or None
        One for each row, not negative.

    Returns
    -------
    loss : float
        The weighted mean over the rows; 0 where all weights are 0.
    gradient : (..., K)
    """
    p = output.astype(np.float64)
    if isinstance(loss, CategoricalCrossentropy):
        soft = target if target.ndim == p.ndim else np.eye(p.shape[-1])[target]
        losses, slopes = _of_classes(p, _smooth(loss, soft.astype(np.float64), p.shape[-1]))
    else:
        elements, slopes = _of_values(loss, p, target.astype(np.float64))
        losses, slopes = elements.mean(axis=-1), slopes / p.shape[-1]
    w = np.ones(losses.shape) if weights is None else weights.astype(np.float64)
    total = w.sum()
    if total == 0.0:
        return 0.0, np.zeros_like(p)
    # Rows of weight 0 are left out rather than multiplied: 0 * inf is not 0.
    counts = w > 0.0
    share = (w / total)[..., np.newaxis]
    gradient = np.where(counts[..., np.newaxis], slopes * share, 0.0)
    return float((losses[counts] * w[counts]).sum() / total), gradient


def _of_values(loss: Loss, p: Values, t: Values) -> tuple[Values, Values]:
    """Return each element's loss, and its derivative."""
    e = p - t
    if loss.name == "mse":
        return e**2, 2.0 * e
    if loss.name == "mae":
        return np.abs(e), np.sign(e)
    if isinstance(loss, Huber):
        d = loss.delta
        return np.where(np.abs(e) <= d, 0.5 * e**2, d * (np.abs(e) - 0.5 * d)), np.clip(e, -d, d)
    if isinstance(loss, BinaryCrossentropy):
        t = _smooth(loss, t, 2)
        return np.logaddexp(0.0, p) - p * t, sigmoid(p) - t
    raise ValueError(f"the gradient of the loss '{loss.name}' is not known here")


def _smooth(
    loss: BinaryCrossentropy | CategoricalCrossentropy, target: Values, classes: int
) -> Values:
    return target + loss.label_smoothing * (1.0 / classes - target)


def _of_classes(logits: Values, target: Values) -> tuple[Values, Values]:
    """Return -sum(target * log softmax(logits)) of each row, and its gradient."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    gradient = np.exp(log_p) * target.sum(axis=-1, keepdims=True) - target
    return -(target * log_p).sum(axis=-1), gradient
