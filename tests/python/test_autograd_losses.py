"""Losses as primitives of the package autograd, and models of it that train."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import product as p
import pytest

import lstm_native as ln

RNG = np.random.default_rng(0)
LOSSES: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "mse": ("mse", RNG.normal(size=(3, 4, 2)), (3, 4, 2)),
    "huber": (ln.Huber(0.5), RNG.normal(size=(3, 2)), (3, 2)),
    "binary": ("binary_crossentropy", RNG.integers(0, 2, (5, 1)) * 1.0, (5, 1)),
    "classes": ("categorical_crossentropy", RNG.integers(0, 4, (3, 4)), (3, 4, 4)),
    "quantile": (ln.losses.Quantile(), RNG.normal(size=(4, 1)), (4, 3)),
    "gaussian": (ln.losses.Gaussian(), RNG.normal(size=(4, 1)), (4, 2)),
    "ctc": (ln.losses.CTC(blank=2), [[0, 1], [1, 1], [0, -1]], (3, 5, 3)),
    "no targets": (ln.losses.UnitGaussianKL(), None, (4, 6)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_central_differences(name):
    kind, y_true, shape = LOSSES[name]
    f = ln.autograd.loss(kind)
    y = RNG.normal(size=shape)

    def of(y: Any) -> Any:
        return 3.0 * f(y_true, anp.sin(y)) ** 2

    gradient = autograd.grad(of)(y)
    for _ in range(4):
        place = tuple(RNG.integers(0, size) for size in shape)
        ends = []
        for sign in (1e-6, -1e-6):
            moved = y.copy()
            moved[place] += sign
            ends.append(of(moved))
        difference = (ends[0] - ends[1]) / 2e-6
        assert abs(difference - gradient[place]) <= 1e-7 * max(1.0, abs(difference))


def test_weights_and_lengths_are_those_of_the_loss():
    y_true, y = RNG.normal(size=(3, 4, 1)), RNG.normal(size=(3, 4, 1)).astype("float32")
    options = {"sample_weight": np.array([[1.0, 2, 0, 1]] * 3), "lengths": [4, 1, 2]}
    wanted = ln.MeanSquaredError().value_and_gradient(y_true, y, **options)
    f = ln.autograd.loss("mse")
    value, gradient = autograd.value_and_grad(lambda y: f(y_true, y, **options))(y)
    assert value == wanted[0]
    assert np.array_equal(gradient, wanted[1])
    assert gradient.dtype == np.float32


def test_ctc_takes_lengths_of_both_sides():
    logits = RNG.normal(size=(3, 6, 4))
    labels, ends = np.array([[0, 1, 2], [1, 1, 9], [2, 9, 9]]), [3, 2, 1]
    value = ln.autograd.ctc(logits, labels, [6, 4, 5], ends, blank=3)
    padded = [[0, 1, 2], [1, 1, -1], [2, -1, -1]]
    wanted = ln.losses.CTC(blank=3).value_and_gradient(padded, logits, lengths=[6, 4, 5])
    assert value == wanted[0]
    found = autograd.grad(ln.autograd.ctc)(logits, labels, [6, 4, 5], ends, blank=3)
    assert np.array_equal(found, wanted[1])


@pytest.mark.parametrize(
    ("call", "kind", "told"),
    [
        (lambda: ln.autograd.loss("nonsense"), ValueError, "nonsense"),
        (
            lambda: autograd.grad(lambda y: ln.autograd.loss("mse")(y, np.ones((2, 1))))(
                np.ones((2, 1))
            ),
            TypeError,
            "differentiable in y_pred alone",
        ),
        (
            lambda: ln.autograd.ctc(np.zeros((1, 4, 3)), [[1, 2]], label_lengths=[3]),
            ValueError,
            "numbers from 0 to 2",
        ),
        (
            lambda: ln.autograd.ctc(np.zeros((1, 4, 3)), [[1, 2]], label_lengths=[1, 1]),
            ValueError,
            "expected integers of shapes",
        ),
    ],
    ids=["name", "targets", "length", "shape"],
)
def test_what_does_not_fit_is_refused(call, kind, told):
    with pytest.raises(kind, match=told):
        call()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_learns_as_sequential_fit_does(dtype):
    """One batch per epoch, the same weights, the same optimiser: the same numbers."""
    x = RNG.normal(size=(8, 6, 2)).astype(dtype)
    y = RNG.normal(size=(8, 1)).astype(dtype)
    model = ln.Sequential([ln.LSTM(5, return_sequences=False), ln.Dense(1)], seed=0, dtype=dtype)
    model.predict(x)  # builds it
    lstm, dense = model.layers
    params = {"lstm": lstm.state_dict(), "dense": dense.state_dict()}
    f, g, mse = map(
        lambda make, one: make(one),
        (ln.autograd.function, ln.autograd.function, ln.autograd.loss),
        (lstm, dense, "mse"),
    )

    def loss(params: Any) -> Any:
        h, _ = f(params["lstm"], x)
        return mse(y, g(params["dense"], h))

    flat = {f"{i}.{k}": v for i, one in enumerate(params.values()) for k, v in one.items()}
    optimizer = ln.Adam(0.01)
    for _ in range(5):
        found = autograd.grad(loss)(params)
        grads = {f"{i}.{k}": v for i, one in enumerate(found.values()) for k, v in one.items()}
        optimizer.update(flat, grads)
    model.fit(x, y, epochs=5, batch_size=8, optimizer=ln.Adam(0.01), shuffle=False, verbose=False)
    for name, value in model.state_dict().items():
        assert np.array_equal(value, flat[name]), name


def test_the_package_is_loaded_when_it_is_asked_for():
    code = (
        "import sys, lstm_native as ln; assert 'autograd' not in sys.modules;"
        "sys.modules['autograd'] = None\n"
        "try: ln.autograd\n"
        "except ImportError as error: print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        **p.fresh_process(),
    )
    assert "pip install 'lstm_native[autograd]'" in found.stdout
