"""Numbers beside symbols, and Scale, which they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import product as p
import pytest

import lstm_native as ln

RNG = np.random.default_rng(0)
A, B = (RNG.normal(size=(3, 4, 2)) for _ in range(2))
WRITTEN: dict[str, Any] = {
    "a - b": lambda a, b: a - b,
    "-a": lambda a, b: -a,
    "2 * a": lambda a, b: 2 * a,
    "a * 2": lambda a, b: a * 2,
    "a + 1": lambda a, b: a + 1,
    "1 + a": lambda a, b: 1 + a,
    "a - 1": lambda a, b: a - 1,
    "1 - a": lambda a, b: 1 - a,
    "a / 4": lambda a, b: a / 4,
    "numpy's numbers": lambda a, b: np.float32(0.5) * a - np.int64(3),
    "all of it": lambda a, b: (1 - a) * b + 0.5 * (a - 2 * b) / 3,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_symbols_are_written_as_numpy_is(name, dtype, tmp_path):
    """Values, steps of a stream, and the file; a - b has the bits of a subtraction."""
    a, b = ln.Input(features=2, name="a"), ln.Input(features=2, name="b")
    end = ln.Add()([WRITTEN[name](a, b), 0 * b])  # so that both inputs lead somewhere
    model = ln.Model([a, b], end, dtype=dtype.name)
    x = [A.astype(dtype), B.astype(dtype)]
    wanted = WRITTEN[name](*x)
    found = model.predict(x)
    assert found.dtype == dtype
    assert np.abs(found - wanted).max() <= 4 * np.finfo(dtype).eps * np.abs(wanted).max()
    if name == "a - b":
        p.assert_same_bits(found, wanted)
    stream = model.stream(3)
    steps = [stream.step([x[0][:, t], x[1][:, t]]) for t in range(4)]
    p.assert_same_bits(np.stack(steps, axis=1), found)
    model.save(tmp_path / "model")
    p.assert_same_bits(ln.load_model(tmp_path / "model").predict(x), found)


def test_gradients_go_through_them():
    """d/dx of the gate z x + (1 - z) x0, the highway of Srivastava et al. 2015."""
    x = ln.Input(features=2, name="x")
    z = ln.Dense(2, activation="sigmoid", name="z")(x)
    y = z * ln.Dense(2, name="other")(x) + (1 - z) * x
    model = ln.Model(x, y, dtype="float64", seed=0)
    _, gradients = model.gradients(A, B, loss="mse")
    weights = model.state_dict()
    for name, gradient in gradients.items():
        place = tuple(RNG.integers(0, size) for size in gradient.shape)
        ends = []
        for sign in (1e-6, -1e-6):
            moved = {**weights, name: weights[name].copy()}
            moved[name][place] += sign
            model.load_state_dict(moved)
            ends.append(model.gradients(A, B, loss="mse")[0])
        assert abs((ends[0] - ends[1]) / 2e-6 - gradient[place]) <= 1e-7


def test_states_may_be_scaled():
    x = ln.Input(features=2)
    y, h = ln.GRU(3)(x)
    z, _ = ln.GRU(3)(y, state=0.5 * h)
    assert ln.Model(x, z, seed=0).predict(A.astype("float32")).shape == (3, 4, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda z: z + np.ones(2),
        lambda z: "2" * z,
        lambda z: z - True,
        lambda z: z / z,
        lambda z: 1 / z,
        lambda z: z**2,
        lambda z: z - None,
        lambda z: z * 1j,
    ],
)
def test_what_is_neither_symbol_nor_number_is_refused(wrong):
    with pytest.raises(TypeError, match=r"unsupported operand|symbols go with"):
        wrong(ln.Input(features=2))


def test_numbers_must_be_finite():
    z = ln.Input(features=2)
    with pytest.raises(ZeroDivisionError):
        z / 0
    with pytest.raises(ValueError, match="factor"):
        float("inf") * z
    with pytest.raises(ValueError, match="offset"):
        ln.Scale(offset=float("nan"))


def test_a_sequential_takes_it_and_lengths_pass():
    model = ln.Sequential([ln.Scale(2.0, 1.0), ln.Last()], dtype="float64")
    found = model.predict(A, lengths=[4, 1, 2])
    wanted = np.stack([A[0, 3], A[1, 0], A[2, 1]]) * 2 + 1
    assert np.allclose(found, wanted, rtol=1e-15)
