"""Layers that move along the time axis, one sequence at a time: convolution, pooling, reshaping.

Slow loops in float64. A function of one sequence takes x (steps, features) at its true length;
`each_alone` makes a padded batch of what it gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.layers import activate


def each_alone(
    layer: Callable[[np.ndarray], np.ndarray], x: np.ndarray, lengths: np.ndarray | None = None
) -> np.ndarray:
    """What the function of one sequence gives for each of x (N, T, F), zeros behind each end."""
    if lengths is None:
        return np.stack([layer(sequence) for sequence in x])
    found = [layer(sequence[:n]) for sequence, n in zip(x, lengths, strict=True)]
    if found[0].ndim == 1:
        return np.stack(found)
    whole = layer(np.zeros_like(x[0]))
    y = np.zeros((len(x), *whole.shape))
    for row, part in zip(y, found, strict=True):
        row[: len(part)] = part
    return y


def windows(steps: int, size: int, stride: int, dilation: int, padding: str) -> list[list[int]]:
    """For each step of the output the steps of the input it looks at.

    Some may lie outside: before 0 or behind the end. As in Keras: "valid" has windows that lie
    inside as a whole; "causal" ends each at a step of the input; "same" has as many as causal, in
    the middle, with the odd step of padding at the end.
    """
    span = (size - 1) * dilation + 1
    if padding == "valid":
        count, before = max((steps - span) // stride + 1, 0) if steps >= span else 0, 0
    else:
        count = -(-steps // stride)
        total = max((count - 1) * stride + span - steps, 0)
        before = span - 1 if padding == "causal" else total // 2
    return [[t * stride - before + j * dilation for j in range(size)] for t in range(count)]


def conv1d(x, weight, bias=None, stride=1, dilation=1, padding="valid", activation="linear"):
    """A convolution over time: x (T, F), weight (filters, F, size), bias (filters,) or None."""
    filters, _, size = weight.shape
    found = windows(len(x), size, stride, dilation, padding)
    y = np.zeros((len(found), filters))
    for t, steps in enumerate(found):
        for j, s in enumerate(steps):
            if 0 <= s < len(x):
                y[t] += weight[:, :, j] @ x[s]
        if bias is not None:
            y[t] += bias
    return activate(activation, y)


def pool1d(kind, x, size, stride, padding):
    """The greatest ("max") or mean value of each window's steps, of those that are there."""
    reduce = {"max": np.max, "mean": np.mean}[kind]
    found = windows(len(x), size, stride, 1, padding)
    y = np.zeros((len(found), x.shape[1]))
    for t, steps in enumerate(found):
        y[t] = reduce(x[[s for s in steps if 0 <= s < len(x)]], axis=0)
    return y


def pool(kind, x):
    """The "last", the greatest ("max") or the mean step of x (T, F); zeros where there is none."""
    if len(x) == 0:
        return np.zeros(x.shape[1])
    return {"last": lambda: x[-1], "max": lambda: x.max(axis=0), "mean": lambda: x.mean(axis=0)}[
        kind
    ]()


def batch_norm(x, weight, bias, epsilon, statistics=None):
    """(x - mean) / sqrt(variance + epsilon) * weight + bias over rows x (rows, F).

    Ioffe & Szegedy 2015, "Batch normalization", algorithm 1. statistics: (mean, variance), by
    default those of the rows, the variance biased.
    """
    mean, variance = (x.mean(axis=0), x.var(axis=0)) if statistics is None else statistics
    return (x - mean) / np.sqrt(variance + epsilon) * weight + bias


def moved_statistics(x, mean, variance, momentum):
    """Running mean and (unbiased) variance behind a batch of rows x (rows, F)."""
    own = x.var(axis=0) * len(x) / max(len(x) - 1, 1)
    return (1 - momentum) * mean + momentum * x.mean(axis=0), (
        1 - momentum
    ) * variance + momentum * own


def dot(a, b, normalise=False, epsilon=1e-12):
    """Inner product over the last axis, which stays with one feature."""
    if normalise:
        a, b = (
            v / np.sqrt(np.maximum((v**2).sum(axis=-1, keepdims=True), epsilon)) for v in (a, b)
        )
    return (a * b).sum(axis=-1, keepdims=True)


def merge(kind, *inputs):
    """Inputs (N, T, F_i), or (N, F_i), which is repeated at each step beside ones with steps."""
    timed = [x for x in inputs if x.ndim == 3]
    if timed:
        steps = timed[0].shape[1]
        inputs = tuple(
            x if x.ndim == 3 else np.repeat(x[:, np.newaxis], steps, axis=1) for x in inputs
        )
    if kind == "concat":
        return np.concatenate(inputs, axis=-1)
    if kind == "multiply":
        return np.prod(np.stack(inputs), axis=0)
    total = np.sum(np.stack(inputs), axis=0)
    return total / len(inputs) if kind == "average" else total
