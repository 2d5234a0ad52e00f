"""Streams: the same bits as predict, one step at a time; what enters them is checked."""

from __future__ import annotations

import contextlib
import gc
import pickle
import sys
import threading
import weakref

import numpy as np
import product as p
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln


def values(shape: tuple[int, ...], dtype="float32", seed: int = 0) -> np.ndarray:
    return p.normal(np.random.default_rng(seed), shape, dtype)


def make_model(dtype="float32", features: int = 3, seed: int = 1) -> ln.Sequential:
    """Every kind of layer that takes numbers and can be streamed."""
    layers = [ln.LSTM(19, input_size=features, num_layers=2, dropout=0.3), ln.LayerNorm()]
    layers += [ln.Dropout(0.5), ln.Dense(6, activation="sigmoid"), ln.Activation("softmax")]
    return ln.Sequential([*layers, ln.LSTM(5), ln.Dense(4)], dtype=str(dtype), seed=seed)


@given(
    hidden=p.hidden_sizes, features=p.features, samples=p.samples, steps=p.timesteps, seed=p.seeds
)
def test_steps_have_the_bits_of_predict(isa, dtype, hidden, features, samples, steps, seed):
    layers = [ln.LSTM(hidden, input_size=features, num_layers=1 + seed % 2), ln.Dense(2)]
    model = ln.Sequential(layers, dtype=str(dtype), seed=seed)
    x = values((samples, steps, features), dtype, seed)
    stream = model.stream(samples)
    y = [stream.step(x[:, t]) for t in range(steps)]
    p.assert_same_bits(np.stack(y, axis=1), model.predict(x))


def test_every_kind_of_layer(isa, dtype):
    model = make_model(dtype)
    x = values((3, 9, 3), dtype)
    stream = model.stream(batch_size=3)
    y = np.stack([stream.step(x[:, t]) for t in range(9)], axis=1)
    p.assert_same_bits(y, model.predict(x))


def test_without_sequences_a_step_answers_for_the_steps_so_far(dtype):
    layers = [ln.LSTM(9, input_size=3, return_sequences=False), ln.Dense(2)]
    model = ln.Sequential(layers, dtype=str(dtype), seed=1)
    x = values((2, 7, 3), dtype)
    stream = model.stream(2)
    for t in range(7):
        p.assert_same_bits(stream.step(x[:, t]), model.predict(x[:, : t + 1]))


def test_tokens(isa):
    model = ln.Sequential([ln.Embedding(11, 4), ln.LSTM(5), ln.Dense(11)], seed=1)
    tokens = np.random.default_rng(0).integers(0, 11, (3, 6))
    whole = model.predict(tokens)
    for dtype in (np.int64, np.int8, np.uint16, ">i4"):
        stream = model.stream(3)
        given = tokens.astype(dtype)
        for t in range(6):
            p.assert_same_bits(stream.step(given[:, t]), whole[:, t])
    assert model.stream().step([3]).shape == (1, 11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "change",
    {
        "other precision": lambda x: x.astype("float64" if x.dtype == "float32" else "float32"),
        "float16": lambda x: x.astype("float16"),
        "byte order": lambda x: x.astype(x.dtype.newbyteorder()),
        "list": lambda x: x.tolist(),
        "fortran": np.asfortranarray,
        "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
        "subclass": lambda x: x.view(type("Sub", (np.ndarray,), {})),
        "dtype with metadata": lambda x: x.astype(np.dtype(x.dtype, metadata={"a": 1})),
        "unaligned": lambda x: (
            np.frombuffer(b"0" + x.tobytes(), "u1")[1:].view(x.dtype).reshape(x.shape)
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_any_layout_is_the_same_step(dtype, change):
    x = values((2, 3)).astype("float16").astype(dtype)  # no rounding on the way
    model = make_model(dtype)
    changed = change[1](x)
    p.assert_same_bits(model.stream(2).step(changed), model.stream(2).step(x))


def with_value(value: float) -> np.ndarray:
    x = values((2, 3))
    x[1, 2] = value
    return x


BAD = {
    "features": (values((2, 4)), ValueError, ["x", "(2, 3)", "(2, 4)"]),
    "batch": (values((3, 3)), ValueError, ["x", "(2, 3)", "(3, 3)"]),
    "time axis": (values((2, 1, 3)), ValueError, ["x", "(2, 3)", "(2, 1, 3)"]),
    "flat": (values((6,)), ValueError, ["x", "(2, 3)", "(6,)"]),
    "nan": (with_value(np.nan), ValueError, ["x must be finite", "[1, 2]"]),
    "inf": (with_value(np.inf), ValueError, ["x must be finite", "inf at [1, 2]"]),
    "minus inf": (with_value(-np.inf), ValueError, ["x must be finite"]),
    "too large": (np.full((2, 3), 1e300), ValueError, ["x must fit float32"]),
    "ints": (np.ones((2, 3), int), TypeError, ["x must be float16", "int64"]),
    "list of ints": ([[1, 2, 3]] * 2, TypeError, ["x must be float16", "int64"]),
    "bools": (np.ones((2, 3), bool), TypeError, ["bool"]),
    "complex": (np.ones((2, 3), complex), TypeError, ["complex128"]),
    "object": (np.ones((2, 3), object), TypeError, ["object"]),
    "str": ("abc", TypeError, ["x", "text", "abc"]),
    "none": (None, TypeError, ["x", "None"]),
    "masked": (np.ma.masked_array(values((2, 3))), TypeError, ["masked"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_changes_nothing(name):
    x, error, words = BAD[name]
    model = make_model()
    stream, other = model.stream(2), model.stream(2)
    good = values((2, 3), seed=3)
    stream.step(good), other.step(good)
    with pytest.raises(error) as caught:
        stream.step(x)
    for word in words:
        assert word in str(caught.value)
    p.assert_same_bits(stream.step(good), other.step(good))


@pytest.mark.parametrize(
    ("x", "error", "word"),
    [
        (np.array([1, 4]), ValueError, "[0, 4)"),
        (np.array([-1, 0]), ValueError, "[0, 4)"),
        ([1, 4], ValueError, "4 at [1]"),
        (np.array([1]), ValueError, "(2,)"),
        (np.array([1.0, 2.0]), TypeError, "integer"),
        (np.array([[1, 2]]), ValueError, "(1, 2)"),
    ],
)
def test_bad_tokens(x, error, word):
    model = ln.Sequential([ln.Embedding(4, 2), ln.LSTM(3)], seed=1)
    stream = model.stream(2)
    with pytest.raises(error) as caught:
        stream.step(x)
    assert word in str(caught.value)
    p.assert_same_bits(stream.step([1, 2]), model.predict(np.array([[1], [2]]))[:, 0])


def test_large_and_tiny_numbers_are_numbers(dtype):
    info = np.finfo(dtype)
    x = np.array([[info.max, info.min, info.tiny, info.smallest_subnormal, -0.0] * 9], dtype)
    model = ln.Sequential([ln.LSTM(3, input_size=45)], dtype=str(dtype), seed=0)
    model.stream().step(x)
    for i in range(45):
        for value in (np.nan, np.inf, -np.inf):
            bad = x.copy()
            bad[0, i] = value
            with pytest.raises(ValueError, match="finite"):
                model.stream().step(bad)


# out ----------------------------------------------------------------------------------------------


def test_out_is_filled_and_returned():
    model = make_model()
    x, out = values((2, 3)), np.empty((2, 4), "float32")
    assert model.stream(2).step(x, out=out) is out
    p.assert_same_bits(out, model.stream(2).step(x))
    new = model.stream(2).step(x, out=None)
    assert new is not out


def read_only(x: np.ndarray) -> np.ndarray:
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    ("out", "error"),
    [
        (np.empty((2, 3), "float32"), ValueError),
        (np.empty((1, 4), "float32"), ValueError),
        (np.empty((2, 4), "float64"), TypeError),
        (np.empty((4, 2), "float32").T, TypeError),
        (read_only(np.empty((2, 4), "float32")), ValueError),
        (np.frombuffer(bytearray(33), "u1")[1:].view("float32").reshape(2, 4), ValueError),
        ([[0.0] * 4] * 2, TypeError),
    ],
)
def test_a_bad_out_changes_nothing(out, error):
    model = make_model()
    x = values((2, 3))
    stream = model.stream(2)
    with pytest.raises(error, match="out"):
        stream.step(x, out=out)
    p.assert_same_bits(stream.step(x), model.stream(2).step(x))


def test_out_must_not_lie_in_x():
    stream = ln.Sequential([ln.LSTM(4, input_size=4)], seed=0).stream(2)
    memory = values((4, 4))
    for start in (1, 2):
        with pytest.raises(ValueError, match="shares no memory"):
            stream.step(memory[1:3], out=memory[start : start + 2])
    stream.step(memory[:2], out=memory[2:])


@pytest.mark.parametrize("call", ["()", "(x, x)", "(x, y=x)", "(x, x=x)", "(out=x)"])
def test_wrong_calls_are_type_errors(call):
    stream, x = make_model().stream(), values((1, 3))
    with pytest.raises(TypeError, match="step"):
        eval(f"stream.step{call}", {"stream": stream, "x": x})
    assert stream.step(x=x).shape == (1, 4)


# state --------------------------------------------------------------------------------------------


def test_state_leaves_and_enters(dtype):
    model = make_model(dtype)
    stream, other = model.stream(2), model.stream(2)
    assert all((t == 0).all() for s in stream.state if s for t in s)
    x = values((2, 6, 3), dtype)
    for t in range(3):
        stream.step(x[:, t])
    state = stream.state
    assert [None if s is None else [t.shape for t in s] for s in state] == (
        [[(2, 2, 19)] * 2, None, None, None, None, [(1, 2, 5)] * 2, None]
    )
    h, c = model.layers[0](x[:, :3])[1]
    p.assert_same_bits(state[0][0], h)
    p.assert_same_bits(state[0][1], c)
    other.state = state
    other.state = [s if s is None else [t.tolist() for t in s] for s in state]
    for t in range(3, 6):
        p.assert_same_bits(other.step(x[:, t]), stream.step(x[:, t]))
    state[0][0][:] = 9.0  # a copy: nobody minds
    stream.reset()
    p.assert_same_bits(stream.step(x[:, 0]), model.predict(x[:, :1])[:, 0])


H = np.zeros((1, 2, 4), "float32")


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        (None, TypeError, ["state", "sequence"]),
        ([(H, H)], ValueError, ["2 layers", "1"]),
        ([(H, H), (H, H)], ValueError, ["state[1]", "no state"]),
        ([None, None], ValueError, ["state[0]", "(h, c)"]),
        ([(H,), None], ValueError, ["state[0]", "(h, c)", "1"]),
        ([(H, H[:, :1]), None], ValueError, ["state[0][1]", "(1, 2, 4)", "(1, 1, 4)"]),
        ([(H + 1, H + np.nan), None], ValueError, ["state[0][1]", "finite"]),
        ([(H + 1, H.astype(int)), None], TypeError, ["state[0][1]", "int64"]),
    ],
)
def test_bad_state_changes_nothing(state, error, words):
    stream = ln.Sequential([ln.LSTM(4, input_size=3), ln.Dense(2)], seed=0).stream(2)
    stream.step(values((2, 3)))
    before = stream.state[0]
    with pytest.raises(error) as caught:
        stream.state = state
    for word in words:
        assert word in str(caught.value)
    for now, then in zip(stream.state[0], before, strict=True):
        p.assert_same_bits(now, then)


# the model behind it ------------------------------------------------------------------------------


def test_keeps_the_weights_of_its_making():
    model = make_model()
    x = values((8, 5, 3))
    before = model.predict(x[:1])
    stream, moved = model.stream(), model.stream()
    moved.step(x[:1, 0])
    model.fit(x, values((8, 5, 4)), verbose=False, seed=0)
    assert not np.array_equal(model.predict(x[:1]), before)
    for t in range(5):
        p.assert_same_bits(stream.step(x[:1, t]), before[:, t])
        if t:
            p.assert_same_bits(moved.step(x[:1, t]), before[:, t])
    model.load_state_dict(make_model(seed=9).state_dict())
    p.assert_same_bits(model.stream().step(x[:1, 0]), model.predict(x[:1, :1])[:, 0])


def test_outlives_its_model_and_leaks_nothing():
    model = make_model()
    stream = model.stream()
    whole = model.predict(values((1, 1, 3)))
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    x = values((1, 3))
    p.assert_same_bits(stream.step(x), whole[:, 0])
    counts = []
    for _ in range(3):
        for _ in range(100):
            stream.step(x, out=stream.step(x))
            with pytest.raises(ValueError, match="expected shape"):
                stream.step(values((2, 2)))
        counts.append(sys.getrefcount(x.dtype))
    assert max(counts) - min(counts) < 50


def test_streams_of_one_model_in_several_threads():
    model = ln.Sequential([ln.LSTM(160, input_size=160)], seed=0)  # large: the GIL is released
    x = values((4, 30, 160))
    whole = model.predict(x)
    bad: list[int] = []

    def run(i: int) -> None:
        stream = model.stream()
        for t in range(x.shape[1]):
            if not np.array_equal(stream.step(x[i : i + 1, t])[0], whole[i, t]):
                bad.append(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not bad


def test_one_stream_takes_one_call_at_a_time():
    stream = ln.Sequential([ln.LSTM(1024, input_size=64)], seed=0).stream(64)
    x = values((64, 64))
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            with contextlib.suppress(RuntimeError):
                stream.step(x)

    def reset_often() -> None:
        for _ in range(100_000):
            stream.reset()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="one call at a time"):
            reset_often()
    finally:
        stop.set()
        thread.join()
    stream.reset()


def test_what_cannot_be_streamed_is_refused_when_it_is_made():
    inner = [ln.LSTM(4, return_sequences=False), ln.Dense(1)]
    highway = ln.Sequential([ln.Highway(inner, window=3)])
    with pytest.raises(RuntimeError, match="no weights yet"):
        highway.stream()
    highway.predict(values((1, 4, 2)))
    with pytest.raises(ValueError, match="Highway: cannot be streamed"):
        highway.stream()
    twice = [ln.LSTM(4, input_size=2, return_sequences=False), ln.LSTM(4)]
    with pytest.raises(ValueError, match="layer 1: LSTM"):
        ln.Sequential(twice).stream()


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (2**25, ValueError), (1.0, TypeError), (True, TypeError)]
)
def test_batch_size_is_checked(size, error):
    with pytest.raises(error, match="batch_size"):
        make_model().stream(size)


def test_a_stream_cannot_be_pickled_and_says_what_it_is():
    stream = make_model().stream(2)
    assert repr(stream) == "Stream(batch_size=2, dtype='float32')"
    assert stream.batch_size == 2
    assert isinstance(stream, ln.Stream)
    with pytest.raises(TypeError, match=r"model\.stream"):
        pickle.dumps(stream)
    native = type(stream._native)
    with pytest.raises(TypeError, match="not initialised"):
        native.__new__(native).step(values((1, 3)))
    with pytest.raises(TypeError):
        type("Sub", (native,), {})


@given(st.integers(1, 200), st.data())
def test_nan_is_found_wherever_it_is(size, data):
    stream = ln.Sequential([ln.Dense(1, input_size=size)], seed=0).stream()
    x = np.ones((1, size), "float32")
    stream.step(x)
    x[0, data.draw(st.integers(0, size - 1))] = data.draw(st.sampled_from([np.nan, np.inf]))
    with pytest.raises(ValueError, match="finite"):
        stream.step(x)
