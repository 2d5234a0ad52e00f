"""Layers of several inputs, called on arrays: values against the reference, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln

KINDS = {"concat": ln.Concat, "add": ln.Add, "multiply": ln.Multiply, "average": ln.Average}


def draw(rng, dtype, shape, widths, timed) -> list[np.ndarray]:
    n, t = shape
    return [
        p.normal(rng, (n, t, f) if steps else (n, f), dtype)
        for f, steps in zip(widths, timed, strict=True)
    ]


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert ref.relative_error(actual, expected) <= p.FORWARD_TOLERANCE[actual.dtype]


@given(
    shape=st.tuples(p.samples, p.timesteps),
    widths=st.lists(p.features, min_size=2, max_size=4),
    timed=st.lists(st.booleans(), min_size=4, max_size=4),
    seed=p.seeds,
)
@pytest.mark.parametrize("kind", KINDS)
def test_several_inputs_become_one(dtype, threads, kind, shape, widths, timed, seed):
    if kind != "concat":
        widths = widths[:1] * len(widths)
    rng = np.random.default_rng(seed)
    inputs = draw(rng, dtype, shape, widths, timed[: len(widths)])
    found = KINDS[kind](dtype=dtype.name)(inputs)
    close(found, ref.merge(kind, *(x.astype(np.float64) for x in inputs)))


@pytest.mark.parametrize("normalise", [False, True], ids=["dot", "cosine"])
@pytest.mark.parametrize("timed", [(True, True), (True, False), (False, True), (False, False)])
def test_dot_is_the_inner_product_of_features(isa, dtype, threads, timed, normalise):
    rng = np.random.default_rng(0)
    a, b = draw(rng, dtype, (3, 5), [7, 7], timed)
    found = ln.Dot(normalise, dtype=dtype.name)([a, b])
    a, b = (x.astype(np.float64) for x in (a, b))
    if any(timed):
        a, b = (x if x.ndim == 3 else x[:, np.newaxis] for x in (a, b))
    close(found, ref.dot(a, b, normalise))


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "features": (lambda: ln.Add()([np.ones((2, 3)), np.ones((2, 4))]), "as many features"),
    "steps": (
        lambda: ln.Multiply()([np.ones((2, 3, 4)), np.ones((2, 5, 4))]),
        "as many timesteps, got 3",
    ),
    "one": (lambda: ln.Concat()([np.ones((2, 3))]), "at least two inputs, got 1"),
    "three": (lambda: ln.Dot()([np.ones((2, 3))] * 3), "expected two inputs, got 3"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_inputs_that_do_not_fit_one_another_are_refused(name):
    call, told = REFUSED[name]
    with pytest.raises(ValueError, match=told):
        call()


def test_lengths_that_disagree_are_refused_with_the_layer_and_the_sequence():
    """In a model two edges can have lengths of their own: here those of a strided convolution."""
    x = ln.Input(features=2)
    halved = ln.Conv1D(3, 2, 2, padding="same")(x)
    masked = ln.MaxPool1D(2, 2, "valid")(ln.Dense(3)(x))
    model = ln.Model(x, ln.Add()([halved, masked]), seed=0)
    values = np.ones((2, 4, 2), "float32")
    assert model.predict(values).shape == (2, 2, 3)
    with pytest.raises(
        ValueError, match=r"Add: expected inputs of the same lengths, got 2 .*and 1"
    ):
        model.predict(values, lengths=[4, 3])


def test_a_row_beside_steps_is_repeated_in_a_network_with_lengths(dtype):
    """A summary of the sequence at each of its steps, and its gradient from the true ones alone."""
    rng = np.random.default_rng(0)
    x = ln.Input(features=3)
    joined = ln.concat([x, ln.MeanPool()(x)])
    model = ln.Model(x, ln.LSTM(4)(joined)[0], dtype=dtype.name, seed=0)
    values = p.normal(rng, (3, 6, 3), dtype)
    lengths = np.array([6, 2, 4])
    for row, n in zip(values, lengths, strict=True):
        row[n:] = np.nan
    y = model.predict(values, lengths=lengths)
    for n, length in enumerate(lengths):
        own = model.predict(values[n : n + 1, :length])
        p.assert_same_bits(y[n, :length], own[0])
        assert not y[n, length:].any()
