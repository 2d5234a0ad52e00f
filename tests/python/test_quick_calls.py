"""Arrays that need no conversion take a shorter way into the core: it must make no difference."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import product as p
import pytest

import lstm_native as ln

F = 4


def layers(dtype: str) -> dict[str, ln.Layer]:
    inner = [ln.LSTM(3, return_sequences=False)]
    return {
        "lstm": ln.LSTM(5, num_layers=2, dropout=0.5, dtype=dtype, seed=1),
        "last": ln.LSTM(5, return_sequences=False, dtype=dtype, seed=1),
        "dense": ln.Dense(3, activation="tanh", dtype=dtype, seed=1),
        "norm": ln.LayerNorm(dtype=dtype),
        "dropout": ln.Dropout(0.5, dtype=dtype, seed=1),
        "activation": ln.Activation("sigmoid", dtype=dtype),
        "highway": ln.Highway(inner, window=2, dtype=dtype, seed=1),
        "residual": ln.Residual([ln.LSTM(3), ln.Dense(F)], dtype=dtype, seed=1),
        "embedding": ln.Embedding(7, 2, dtype=dtype, seed=1),
    }


NAMES = sorted(layers("float32"))


def example(name: str, dtype: Any, shape: tuple[int, ...] = (3, 6), seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if name == "embedding":
        return rng.integers(0, 7, shape)
    return p.normal(rng, (*shape, F), dtype)


def state_of(name: str, dtype: Any, samples: int = 3) -> tuple[np.ndarray, ...] | None:
    if name not in ("lstm", "last"):
        return None
    shape = (2 if name == "lstm" else 1, samples, 5)
    return tuple(p.normal(np.random.default_rng(i), shape, dtype) for i in (5, 6))


def slow(x: Any) -> Any:
    """The same values in a form that must be converted."""
    if isinstance(x, tuple):
        return [slow(part) for part in x]
    return x if x is None else np.stack([x, x], axis=-1)[..., 0]


def assert_same(found: Any, expected: Any) -> None:
    """Equal types and bits, all the way down."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        p.assert_same_weights(found, expected)
    elif isinstance(found, tuple):
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
    elif isinstance(found, np.ndarray):
        p.assert_same_bits(found, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_both_ways_give_the_same(name, dtype, with_state):
    quick, other = layers(dtype.name)[name], layers(dtype.name)[name]
    x = example(name, dtype)
    state = state_of(name, dtype) if with_state else None
    quick(x), other(x)  # builds
    assert_same(quick(x, state), other(slow(x), slow(state)))
    for _ in range(2):  # two passes: dropout draws anew for each
        y, final, tape = quick.forward(x, state)
        y2, final2, tape2 = other.forward(slow(x), slow(state))
        assert_same((y, final), (y2, final2))
        dy = p.normal(np.random.default_rng(9), y.shape, dtype)
        assert_same(tape.backward(dy, final), tape2.backward(slow(dy), slow(final2)))


@pytest.mark.parametrize("ends", [[4, 0, 6], [6, 6, 6], [3, 3, 3]])
@pytest.mark.parametrize("name", NAMES)
def test_both_ways_take_lengths(name, dtype, ends):
    quick, other = layers(dtype.name)[name], layers(dtype.name)[name]
    x = example(name, dtype)
    quick(x), other(x)
    lengths = np.array(ends)
    try:
        expected = other(slow(x), lengths=ends)
    except ValueError as refused:
        with pytest.raises(ValueError, match=re.escape(str(refused))):
            quick(x, lengths=lengths)
        return
    if name != "embedding":
        x[~(np.arange(6) < lengths[:, np.newaxis])] = np.nan  # is not read
    assert_same(quick(x, lengths=lengths), expected)
    y, final, tape = quick.forward(x, lengths=lengths)
    y2, final2, tape2 = other.forward(slow(x), lengths=ends)
    assert_same((y, final), (y2, final2))
    lengths[:] = 1  # the tape has its own
    dy = p.normal(np.random.default_rng(9), y.shape, dtype)
    assert_same(tape.backward(dy), tape2.backward(slow(dy)))


@pytest.mark.parametrize("lengths", [[6, 6, 7], [6, -1, 6], [6, 6], [[6, 6, 6]]])
@pytest.mark.parametrize("call", ["__call__", "forward"])
def test_lengths_that_do_not_fit_are_refused(call, lengths):
    layer = layers("float32")["last"]
    layer(X)
    with pytest.raises(ValueError, match="lengths: expected"):
        getattr(layer, call)(X, lengths=np.array(lengths))


@pytest.mark.parametrize("name", NAMES)
def test_arrays_may_change_after_forward(name):
    layer = layers("float32")[name]
    x = example(name, "float32")
    layer(x)
    layer_two = layers("float32")[name]
    layer_two(x)
    y, _, tape = layer.forward(x)
    dy = np.ones_like(y)
    expected = layer_two.forward(x)[2].backward(dy)
    x[:], y[:] = 0, 0
    assert_same(tape.backward(dy), expected)


def with_nan(x: np.ndarray) -> np.ndarray:
    bad = x.copy()
    bad.flat[-1] = np.nan
    return bad


X = example("lstm", "float32")
H = state_of("last", "float32")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((with_nan(X),), ValueError, ["x must be finite", "[2, 5, 3]"]),
        ((X[..., :2].copy(),), ValueError, ["4 features", "(3, 6, 2)"]),
        ((X[0],), ValueError, ["no time axis"]),
        ((X[:, :0],), ValueError, ["empty"]),
        ((X.astype("int32"),), TypeError, ["int32"]),
        ((X, H[0]), ValueError, ["(h, c)"]),
        ((X, H[:1]), ValueError, ["(h, c)"]),
        ((X, (H[0], with_nan(H[1]))), ValueError, ["state c must be finite"]),
        ((X, (H[0][:, :1].copy(), H[1])), ValueError, ["state h", "(1, 3, 5)", "(1, 1, 5)"]),
        ((X, None, [6, 6, 7]), ValueError, ["lengths", "0 to 6", "7"]),
    ],
)
@pytest.mark.parametrize("call", ["__call__", "forward"])
def test_what_is_refused_is_refused_as_ever(call, arguments, error, words):
    layer = layers("float32")["last"]
    layer(X)
    with pytest.raises(error) as caught:
        getattr(layer, call)(*arguments)
    for word in words:
        assert word in str(caught.value)


def test_a_state_for_a_layer_without_one_is_refused():
    layer = layers("float32")["dense"]
    y, _, tape = layer.forward(X)
    for call in (lambda: layer(X, ()), lambda: layer(X, H), lambda: tape.backward(y, H)):
        with pytest.raises(ValueError, match="Dense has no state, expected None"):
            call()


def test_gradients_are_checked():
    layer = layers("float32")["last"]
    y, state, tape = layer.forward(X)
    with pytest.raises(ValueError, match="dy must be finite"):
        tape.backward(with_nan(y))
    with pytest.raises(ValueError, match=r"dy: expected shape \(3, 5\), got \(3, 4\)"):
        tape.backward(y[:, :4].copy())
    with pytest.raises(ValueError, match="dstate c must be finite"):
        tape.backward(y, (state[0], with_nan(state[1])))
    tape.backward(y, state)  # none of it has used the tape
    with pytest.raises(RuntimeError, match="already used"):
        tape.backward(y, state)
    _, _, tape = layer.forward(X)
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="weights have changed"):
        tape.backward(y)


def test_predict_both_ways(dtype):
    model = ln.Sequential([ln.LSTM(5), ln.Dense(2)], dtype=dtype.name, seed=1)
    x = example("lstm", dtype)
    expected = model.predict(slow(x))
    for size in (1, 2, 3, 256, 2**70):
        p.assert_same_bits(model.predict(x, batch_size=size), expected)
    with pytest.raises(ValueError, match="x must be finite"):
        model.predict(with_nan(x))
    with pytest.raises(ValueError, match="no time axis"):
        model.predict(x[0])
    words = ln.Sequential([ln.Embedding(7, 3), ln.LSTM(2)], seed=1)
    tokens = example("embedding", None)
    p.assert_same_bits(words.predict(tokens), words.predict(tokens.astype("int8")))
    for bad in (-1, 7):
        tokens[1, 2] = bad
        with pytest.raises(ValueError, match=r"tokens must lie in \[0, 7\)"):
            words.predict(tokens)


@pytest.mark.parametrize("size", [(2, 6), (30, 60)])  # with and without the GIL
def test_threads_share_a_layer(size):
    layer = ln.LSTM(24, num_layers=2, seed=0)
    x = [example("lstm", "float32", size, seed) for seed in range(4)]
    layer(x[0])

    def both(i: int) -> tuple:
        y, state, tape = layer.forward(x[i])
        return (layer(x[i]), y, state, tape.backward(np.ones_like(y)))

    expected = [both(i) for i in range(4)]
    wrong: list[int] = []

    def run(i: int) -> None:
        for _ in range(20):
            try:
                assert_same(both(i), expected[i])
            except AssertionError:
                wrong.append(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_program_may_end_while_daemon_threads_compute():
    """Before 3.14 Python unwinds a thread that wants the GIL back then: no reason to abort."""
    code = """
import threading, time
import numpy as np
import lstm_native as ln

layer = ln.LSTM(128, input_size=16, seed=0)
model = ln.Sequential([ln.LSTM(64, input_size=16), ln.Dense(1)], seed=0)
x, y = np.ones((16, 20, 16), "float32"), np.ones((16, 20, 1), "float32")


def run():
    out, _, tape = layer.forward(x)
    tape.backward(out)
    model.predict(x)
    model.fit(x, y, verbose=False)


def forever():
    while True:
        run()


run()
for _ in range(2):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        timeout=60,
        **p.fresh_process(LSTM_NATIVE_NUM_THREADS="3"),
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("quick_call", 3), ("quick_forward", 5)],
)
def test_the_short_way_checks_what_it_is_called_with(method, arguments):
    """It parses its arguments by itself: a wrong call is an error, never memory read astray."""
    native = ln.LSTM(2, input_size=3, seed=0)._built_native()
    call = getattr(native, method)
    for count in (0, arguments - 1, arguments + 1):
        with pytest.raises(TypeError, match=f"expected {arguments} arguments, got {count}"):
            call(*[None] * count)
    with pytest.raises(TypeError):
        call(x=None)
    if method == "quick_forward":
        x = np.zeros((1, 2, 3), dtype="float32")
        with pytest.raises(TypeError):
            call(x, None, None, "0", 0)
        with pytest.raises(OverflowError):
            call(x, None, None, -1, 0)


def test_the_native_classes_cannot_be_derived_from():
    """Their plain methods count on it: a subclass could hold another value."""
    native = ln.LSTM(2, input_size=3, seed=0)._built_native()
    with pytest.raises(TypeError):
        type("Derived", (type(native),), {})
    with pytest.raises(TypeError):
        type(native).quick_call(object(), None, None, None)
    empty = type(native).__new__(type(native))
    with pytest.raises(TypeError, match="not initialised"):
        empty.quick_call(None, None, None)
