"""Losses from logits: the loss of a batch is sum(w * l) / sum(w) over its rows."""

from __future__ import annotations

import numpy as np

from reference.layers import activate, sigmoid

LOSSES = ("mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy")


def loss_and_gradient(name, output, target, weights=None, delta=1.0):
    """Loss of a batch and its gradient with respect to `output`.

    output (..., K): predictions, or logits for the cross-entropies.
    target: like output; class indices (...) for categorical cross-entropy.
    weights (...): one per row, 0 masks a row out; None: all ones.
    A row's loss is the mean over its K outputs, but the negative log-likelihood of its class
    for categorical cross-entropy. A batch whose weights are all 0 has loss 0.
    """
    rows = output.reshape(-1, output.shape[-1])
    if name == "categorical_crossentropy":
        losses, gradient = _categorical(rows, target.reshape(-1))
    else:
        elements, slopes = _ELEMENTWISE[name](rows, target.reshape(rows.shape), delta)
        losses, gradient = elements.mean(axis=1), slopes / rows.shape[1]
    w = np.ones(len(rows)) if weights is None else weights.reshape(-1)
    total = w.sum()
    if total == 0.0:
        return 0.0, np.zeros_like(output)
    # Rows of weight 0 are left out rather than multiplied: 0 * inf is not 0.
    loss = (w[w > 0] * losses[w > 0]).sum() / total
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


def _categorical(z, labels):
    """-log softmax(z)[label]."""
    shifted = z - z.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    rows = np.arange(len(z))
    gradient = activate("softmax", z).copy()
    gradient[rows, labels] -= 1.0
    return log_sum - shifted[rows, labels], gradient


_ELEMENTWISE = {"mse": _mse, "mae": _mae, "huber": _huber, "binary_crossentropy": _binary}
