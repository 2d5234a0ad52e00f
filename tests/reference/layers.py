"""Layers without memory: activations, Dense, Embedding, LayerNorm, Highway. Float64."""

from __future__ import annotations

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow for large |x|."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0 / (1.0 + e), e / (1.0 + e))


def activate(name: str, z: np.ndarray) -> np.ndarray:
    """The named activation; softmax acts on the last axis."""
    if name == "linear":
        return z
    if name == "relu":
        return np.maximum(z, 0.0)
    if name == "sigmoid":
        return sigmoid(z)
    if name == "tanh":
        return np.tanh(z)
    if name == "softmax":
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)
    raise ValueError(f"unknown activation {name!r}")


def activate_backward(name: str, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Gradient with respect to z, from the activation's output y = activate(name, z)."""
    if name == "linear":
        return dy
    if name == "relu":
        return dy * (y > 0.0)
    if name == "sigmoid":
        return dy * y * (1.0 - y)
    if name == "tanh":
        return dy * (1.0 - y**2)
    if name == "softmax":
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
    raise ValueError(f"unknown activation {name!r}")


def dense_forward(x, weight, bias, activation="linear"):
    """activation(x W^T + b): x (..., F), weight (units, F), bias (units,) or None."""
    z = x @ weight.T
    return activate(activation, z if bias is None else z + bias)


def dense_backward(dy, x, y, weight, activation="linear"):
    """Returns dx and the gradients of weight and bias."""
    dz = activate_backward(activation, y, dy)
    rows, x_rows = dz.reshape(-1, dz.shape[-1]), x.reshape(-1, x.shape[-1])
    return dz @ weight, rows.T @ x_rows, rows.sum(axis=0)


def embedding_forward(tokens, weight):
    """tokens (N, T) of indices, weight (vocabulary, features) -> (N, T, features)."""
    return weight[tokens]


def embedding_backward(dy, tokens, weight):
    """Gradient of weight: each row collects the gradients of every place its token stood."""
    gradient = np.zeros_like(weight)
    np.add.at(gradient, tokens, dy)
    return gradient


def layer_norm_forward(x, weight, bias, epsilon=1e-5):
    """(x - mean) / sqrt(var + epsilon) * weight + bias over the last axis, biased variance.

    Ba, Kiros & Hinton 2016, "Layer Normalization", equations 3 and 4.
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    return centred / deviation * weight + bias


def layer_norm_backward(dy, x, weight, epsilon=1e-5):
    """Returns dx and the gradients of weight and bias."""
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    normal = centred / deviation
    d_normal = dy * weight
    dx = d_normal - d_normal.mean(axis=-1, keepdims=True)
    dx = (dx - normal * (d_normal * normal).mean(axis=-1, keepdims=True)) / deviation
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * normal).sum(axis=axes), dy.sum(axis=axes)


def activity_penalty(y, activity, temporal):
    """AR and TAR over y (N, T, F) or (N, F), and their gradient.

    Merity, Keskar & Socher 2018, "Regularizing and optimizing LSTM language models", section 4.3,
    with the mean of squares in the place of their norm.
    """
    value, gradient = activity * (y**2).mean(), 2 * activity * y / y.size
    if y.ndim == 3 and y.shape[1] > 1:
        change = y[:, 1:] - y[:, :-1]
        value += temporal * (change**2).mean()
        gradient[:, 1:] += 2 * temporal * change / change.size
        gradient[:, :-1] -= 2 * temporal * change / change.size
    return value, gradient


def highway_forward(x, inner, weight, bias):
    """inner + W vec(last `window` steps of x) + b, oldest step first.

    x (N, T, F), inner (N, out) = what the layers beside the highway answer,
    weight (out, window * F), bias (out,). The autoregressive part of Lai et al. 2018,
    "Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks", equation 8.
    """
    return inner + _last_steps(x, weight) @ weight.T + bias


def highway_linear_backward(dy, x, weight):
    """The linear path's share of dx, and the gradients of weight and bias."""
    dx = np.zeros_like(x)
    window = weight.shape[1] // x.shape[2]
    dx[:, -window:] = (dy @ weight).reshape(x.shape[0], window, x.shape[2])
    return dx, dy.T @ _last_steps(x, weight), dy.sum(axis=0)


def _last_steps(x, weight):
    window = weight.shape[1] // x.shape[2]
    return x[:, -window:].reshape(x.shape[0], -1)
