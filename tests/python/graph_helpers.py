"""Models of graphs that several test files share."""

from __future__ import annotations

from typing import Any

import numpy as np

import lstm_native as ln

N, T, F, H = 6, 5, 3, 4
VOCABULARY = 7


def two_by_two(dtype: str = "float32", **options: Any) -> ln.Model:
    """Values and tokens to a value at each step and to a class of the whole."""
    x = ln.Input(features=F, name="x")
    t = ln.Input(tokens=VOCABULARY, name="t")
    y, (h, _) = ln.LSTM(H, name="encoder")(x)
    e = ln.Embedding(VOCABULARY, H, name="words")(t)
    z, _ = ln.GRU(H, name="reader", return_sequences=False)(e, state=h)
    value = ln.Dense(2, name="value")(y)
    kind = ln.Dense(3, name="kind")(z)
    return ln.Model([x, t], [value, kind], seed=0, dtype=dtype, **options)


def data_of_two(n: int = N, dtype: str = "float32", seed: int = 0) -> tuple[list[Any], list[Any]]:
    """What `two_by_two` is trained on."""
    rng = np.random.default_rng(seed)
    x = [rng.normal(size=(n, T, F)).astype(dtype), rng.integers(0, VOCABULARY, (n, T + 1))]
    y = [rng.normal(size=(n, T, 2)).astype(dtype), rng.integers(0, 3, n)]
    return x, y


LOSSES = ["mse", "categorical_crossentropy"]


def fit_two(model: ln.Model, **options: Any) -> Any:
    """Two epochs of it."""
    x, y = data_of_two()
    given = {"loss": LOSSES, "epochs": 2, "batch_size": 4, "verbose": 0, "seed": 3} | options
    return model.fit(x, y, **given)


def same_bits(one: Any, other: Any) -> bool:
    """Whether two answers, or dicts of arrays, are the same numbers."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_bits(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same_bits, one, other))
    return bool(np.array_equal(one, other))


def encoder_decoder(**options: Any) -> ln.Model:
    """An encoder's state begins a decoder."""
    source = ln.Input(tokens=VOCABULARY, name="source")
    target = ln.Input(tokens=VOCABULARY, name="target")
    _, state = ln.LSTM(H, name="encoder")(ln.Embedding(VOCABULARY, 3)(source))
    y, _ = ln.LSTM(H, name="decoder")(ln.Embedding(VOCABULARY, 3)(target), state=state)
    return ln.Model([source, target], ln.Dense(VOCABULARY, name="word")(y), seed=1, **options)
