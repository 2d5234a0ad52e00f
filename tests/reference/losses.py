"""Losses from logits: the loss of a batch is sum(w * l) / sum(w) over its rows."""

from __future__ import annotations

import numpy as np

from reference.layers import activate, sigmoid

LOSSES = ("mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy")


def loss_and_gradient(
    name, output, target, weights=None, delta=1.0, smoothing=0.0, mean_weight=None
):
    """Loss of a batch and its gradient with respect to `output`.

    output (..., K): predictions, or logits for the cross-entropies.
    target: like output; for categorical cross-entropy class indices (...), or rows of
    probabilities like output.
    weights (...): one per row, 0 masks a row out; None: all ones.
    A row's loss is the mean over its K outputs, but the negative log-likelihood of its class
    for categorical cross-entropy. A batch whose weights are all 0 has loss 0.
    smoothing: of the targets of cross-entropies, towards 1/2 or 1/K.
    mean_weight: of a larger set that the batch is part of; the gradient is then
    sum(w * g) / (rows with w > 0 * mean_weight).
    """
    rows = output.reshape(-1, output.shape[-1])
    if name == "categorical_crossentropy":
        if target.ndim < output.ndim:
            target = np.eye(output.shape[-1])[target.reshape(-1)]
        target = target.reshape(rows.shape)
        losses, gradient = _categorical(rows, target + smoothing * (1 / rows.shape[1] - target))
    else:
        if smoothing:
            target = target + smoothing * (0.5 - target)
        elements, slopes = _ELEMENTWISE[name](rows, target.reshape(rows.shape), delta)
        losses, gradient = elements.mean(axis=1), slopes / rows.shape[1]
    w = np.ones(len(rows)) if weights is None else weights.reshape(-1)
    total = w.sum()
    if total == 0.0:
        return 0.0, np.zeros_like(output)
    # Rows of weight 0 are left out rather than multiplied: 0 * inf is not 0.
    loss = (w[w > 0] * losses[w > 0]).sum() / total
    if mean_weight is not None:
        total = np.count_nonzero(w) * mean_weight
    return loss, (gradient * (w / total)[:, None]).reshape(output.shape)


def _mse(p, t, _):
    return (p - t) ** 2, 2.0 * (p - t)


def _mae(p, t, _):
    return np.abs(p - t), np.sign(p - t)


def _huber(p, t, delta):
    """Huber 1964: a square up to delta, a line of the same slope beyond."""
    e = p - t
    inside = np.abs(e) <= delta
    return (
        np.where(inside, 0.5 * e**2, delta * (np.abs(e) - 0.5 * delta)),
        np.clip(e, -delta, delta),
    )


def _binary(z, t, _):
    """-t log(s) - (1 - t) log(1 - s) with s = sigmoid(z), written so that nothing overflows."""
    return np.maximum(z, 0.0) - z * t + np.log1p(np.exp(-np.abs(z))), sigmoid(z) - t


def _categorical(z, t):
    """-sum(t * log softmax(z))."""
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = activate("softmax", z) * t.sum(axis=1, keepdims=True) - t
    return -(t * log_p).sum(axis=1), gradient


_ELEMENTWISE = {"mse": _mse, "mae": _mae, "huber": _huber, "binary_crossentropy": _binary}
