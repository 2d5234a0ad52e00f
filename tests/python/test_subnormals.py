"""Numbers next to zero: results stay right, and Python's own arithmetic is left alone.

That nothing depends on the caller's settings is tested where they can be set, in C++
(`tests/native/test_float_mode.cpp`) and beside PyTorch (`test_subnormals_torch.py`).
"""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln


def tiny(shape: tuple[int, ...], dtype: np.dtype, seed: int) -> np.ndarray:
    """Numbers of which every other one is subnormal."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    values.reshape(-1)[::2] *= float(np.finfo(dtype).tiny) / 8
    return values.astype(dtype)


def python_has_subnormals() -> bool:
    """Whether this thread's arithmetic, Python's and NumPy's, still knows them."""
    least = float(np.finfo(np.float64).tiny)
    halves = np.full(5, least) / 2
    return least / 2 > 0 and bool((halves > 0).all()) and bool((halves * 2 == least).all())


def test_subnormal_input_states_and_weights_give_the_references_values(isa, dtype, threads):
    n, t, f, h = 7, 9, 5, 21
    rng = np.random.default_rng(0)
    layer = ln.LSTM(h, input_size=f, num_layers=2, dtype=dtype.name, seed=0)
    weights = {k: v.astype(dtype) for k, v in ref.random_lstm(rng, f, h, 2).items()}
    weights["weight_hh_l0"] = tiny(weights["weight_hh_l0"].shape, dtype, 1)
    layer.load_state_dict(weights)
    x = tiny((n, t, f), dtype, 2)
    state = tiny((2, n, h), dtype, 3), tiny((2, n, h), dtype, 4)
    y, final = layer(x, state)
    exact = tuple(s.astype(np.float64) for s in state)
    expected, expected_final, _ = ref.lstm_forward(
        x.astype(np.float64), p.float64(weights), 2, exact
    )
    for actual, wanted in [(y, expected), *zip(final, expected_final, strict=True)]:
        assert ref.relative_error(actual, wanted) <= p.FORWARD_TOLERANCE[dtype]


def test_a_stream_that_falls_silent_ends_in_zeros_and_agrees_with_the_layer(dtype):
    layer = ln.LSTM(16, input_size=3, dtype=dtype.name, seed=0)
    stream = ln.Sequential([layer]).stream()
    least = np.finfo(dtype).tiny
    h, c = (np.full((1, 1, 16), 1000 * least, dtype=dtype) for _ in range(2))
    stream.state = [(h, c)]
    x = np.zeros((1, 3000, 3), dtype=dtype)
    y = np.stack([stream.step(x[:, t]) for t in range(x.shape[1])], axis=1)
    whole, final = layer(x, (h, c))
    np.testing.assert_array_equal(y, whole)
    for state in (*stream.state[0], *final):
        assert not state.any()


def test_python_keeps_its_arithmetic_after_every_call(threads):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 8, 3)).astype("float32")
    y = rng.normal(size=(6, 1)).astype("float32")
    model = ln.Sequential([ln.LSTM(8, input_size=3, return_sequences=False), ln.Dense(1)], seed=0)
    found = []

    class Look(ln.Callback):
        def on_epoch_end(self, *_: object) -> None:
            found.append(python_has_subnormals())

    model.fit(x, y, epochs=2, callbacks=[Look()])
    assert found == [True, True]
    calls = [
        lambda: model.predict(x),
        lambda: model.evaluate(x, y),
        lambda: model.stream().step(x[:1, 0]),
        lambda: ln.LSTM(64, input_size=3, seed=0).forward(x)[2].backward(np.ones((6, 8, 64), "f4")),
    ]
    for call in calls:
        call()
        assert python_has_subnormals()
    with pytest.raises(ValueError, match="x"):
        model.predict(x[:, :, :2])
    assert python_has_subnormals()


def test_what_python_does_inside_a_streams_step_keeps_its_arithmetic():
    found = []

    class Asked:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            found.append(python_has_subnormals())
            return np.ones((1, 3), dtype="float32")

    model = ln.Sequential([ln.LSTM(8, input_size=3)], seed=0)
    model.stream().step(Asked())
    assert found
    assert all(found)


def test_a_learning_rate_that_would_be_zero_is_refused():
    model = ln.Sequential([ln.Dense(1, input_size=1)], seed=0)
    x = np.ones((2, 1), dtype="float32")
    with pytest.raises(ValueError, match="learning_rate"):
        model.fit(x, x, optimizer=ln.SGD(1e-40))
