"""Losses of rows by their definitions, in float64: each returns one number for each row.

Outputs are (rows, K), targets (rows, F) or class indices (rows,). Gradients are central differences
of these.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from reference.layers import sigmoid


def softplus(x):
    return np.logaddexp(0.0, x)


def positive(link, x, minimum=0.0):
    return (np.exp(x) if link == "exp" else softplus(x)) + minimum


def blocks(output, count):
    """The parameters of each value: (count, rows, F)."""
    return np.stack(np.split(output, count, axis=-1))


_lgamma = np.vectorize(math.lgamma)


def quantile(o, y, quantiles=(0.1, 0.5, 0.9)):
    """Koenker & Bassett 1978: q above, 1 - q below."""
    found = [
        np.where(y >= part, q * (y - part), (1 - q) * (part - y))
        for q, part in zip(quantiles, blocks(o, len(quantiles)), strict=True)
    ]
    return np.mean(found, axis=(0, 2))


def poisson(o, y, link="softplus"):
    rate = positive(link, o)
    return (rate - y * np.log(rate) + _lgamma(y + 1)).mean(axis=-1)


def negative_binomial(o, y, link="softplus"):
    """Salinas et al. 2020: Gamma(y + 1/a) / (y! Gamma(1/a)) (1 / (1 + a m))^(1/a) (a m / ...)^y."""
    m, a = positive(link, blocks(o, 2))
    r = 1 / a
    log = _lgamma(y + r) - _lgamma(y + 1) - _lgamma(r)
    log += -r * np.log1p(a * m) + y * np.log(a * m / (1 + a * m))
    return -log.mean(axis=-1)


def gaussian(o, y, link="softplus", minimum_scale=1e-6):
    m, s = blocks(o, 2)
    s = positive(link, s, minimum_scale)
    return -np.log(np.exp(-(((y - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi))).mean(axis=-1)


def student_t(o, y, link="softplus", minimum_scale=1e-6):
    m, s, v = blocks(o, 3)
    s, v = positive(link, s, minimum_scale), 2 + softplus(v)
    log = _lgamma((v + 1) / 2) - _lgamma(v / 2) - np.log(np.sqrt(v * np.pi) * s)
    log -= (v + 1) / 2 * np.log1p(((y - m) / s) ** 2 / v)
    return -log.mean(axis=-1)


def gaussian_mixture_2d(o, y, pen=True, link="exp", minimum_scale=1e-6):
    """Graves 2013, equations 19 to 26, with the covariance matrix written out."""
    weights, m1, m2, s1, s2, r = blocks(o[:, int(pen) :], 6)
    weights = np.exp(weights) / np.exp(weights).sum(axis=-1, keepdims=True)
    r = (1 - 1e-9) * np.tanh(r)  # so that no density is infinite
    s1, s2 = positive(link, s1, minimum_scale), positive(link, s2, minimum_scale)
    losses = []
    for row in range(len(o)):
        density = 0.0
        for j in range(weights.shape[1]):
            off = r[row, j] * s1[row, j] * s2[row, j]
            covariance = np.array([[s1[row, j] ** 2, off], [off, s2[row, j] ** 2]])
            d = y[row, :2] - [m1[row, j], m2[row, j]]
            at = np.exp(-d @ np.linalg.solve(covariance, d) / 2)
            density += weights[row, j] * at / (2 * np.pi * np.sqrt(np.linalg.det(covariance)))
        loss = -np.log(density)
        if pen:
            lifted = sigmoid(o[row, 0])
            loss -= y[row, 2] * np.log(lifted) + (1 - y[row, 2]) * np.log(1 - lifted)
        losses.append(loss)
    return np.array(losses)


def unit_gaussian_kl(o, _):
    """The integral of q log(q / p) (Kingma & Welling 2014, appendix B)."""
    m, v = blocks(o, 2)
    return -0.5 * (1 + v - m**2 - np.exp(v)).sum(axis=-1)


def binary_focal(o, y, gamma=2.0, alpha=None):
    p = sigmoid(o)
    one, zero = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    loss = -one * y * (1 - p) ** gamma * np.log(p)
    return (loss - zero * (1 - y) * p**gamma * np.log(1 - p)).mean(axis=-1)


def categorical_focal(o, y, gamma=2.0):
    p = np.exp(o) / np.exp(o).sum(axis=-1, keepdims=True)
    y = np.eye(o.shape[1])[y] if y.ndim == 1 else y
    return -(y * (1 - p) ** gamma * np.log(p)).sum(axis=-1)


def cosine(o, y):
    return 1 - (o * y).sum(axis=-1) / (np.linalg.norm(o, axis=-1) * np.linalg.norm(y, axis=-1))


ROW_LOSSES = {
    "quantile": quantile,
    "poisson": poisson,
    "negative_binomial": negative_binomial,
    "gaussian": gaussian,
    "student_t": student_t,
    "gaussian_mixture_2d": gaussian_mixture_2d,
    "unit_gaussian_kl": unit_gaussian_kl,
    "binary_focal": binary_focal,
    "categorical_focal": categorical_focal,
    "cosine": cosine,
}


def ctc(logits, labels, blank=0):
    """-log of the sum over all alignments, each of them written down (Graves et al. 2006).

    logits (T, K); labels a sequence. Infinite where there is no alignment.
    """
    steps, classes = logits.shape
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        merged = [k for i, k in enumerate(path) if i == 0 or k != path[i - 1]]
        if [k for k in merged if k != blank] == list(labels):
            total += np.exp(sum(log_p[t, k] for t, k in enumerate(path)))
    return -np.log(total) if total > 0 else np.inf
