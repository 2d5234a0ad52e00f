"""Arrays of any memory layout and byte order simply work: the same bits as a plain one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import product as p
import pytest

import lstm_native as ln

N, T, F, K = 6, 4, 3, 2
CE = "categorical_crossentropy"


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return p.normal(rng, (N, T, F), "float32"), p.normal(rng, (N, K), "float32")


def spread(array: np.ndarray) -> np.ndarray:
    """The same values with gaps between them in memory."""
    gap = np.nan if array.dtype.kind == "f" else -99
    wide = np.full(tuple(2 * n for n in array.shape), gap, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def unaligned(array: np.ndarray) -> np.ndarray:
    raw = np.zeros(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    assert not view.flags.aligned
    return view


def reversed_twice(array: np.ndarray) -> np.ndarray:
    flip = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[flip])[flip]


def swapped(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder())


class Subclass(np.ndarray):
    """An array type of somebody else."""


LAYOUTS = {
    "spread": spread,
    "fortran": np.asfortranarray,
    "read_only": read_only,
    "byte_swapped": swapped,
    "negative_strides": reversed_twice,
    "unaligned": unaligned,
    "subclass": lambda a: a.view(Subclass),
    "list": lambda a: a.tolist(),
    "swapped_fortran_read_only": lambda a: read_only(np.asfortranarray(swapped(a))),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_memory_does_not_matter(dtype, layout):
    change = LAYOUTS[layout]
    x, y = data()
    x, y = x.astype(dtype), y.astype(dtype)
    weights = np.linspace(0.5, 1.5, N).astype(dtype)

    def run(change: Callable) -> tuple[ln.Sequential, ln.History, np.ndarray]:
        model = ln.Sequential(
            [ln.LSTM(5, return_sequences=False), ln.Dense(K)], dtype=dtype.name, seed=1
        )
        history = model.fit(
            change(x),
            change(y),
            epochs=2,
            batch_size=4,
            sample_weight=change(weights),
            validation_data=(change(x), change(y)),
            seed=1,
            verbose=False,
        )
        return model, history, model.predict(change(x))

    model, history, output = run(change)
    expected, expected_history, expected_output = run(lambda a: a)
    p.assert_same_bits(output, expected_output)
    p.assert_same_weights(model.state_dict(), expected.state_dict())
    assert history.history == expected_history.history


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_layout_of_states_gradients_and_weights_does_not_matter(dtype, layout):
    change = LAYOUTS[layout]
    rng = np.random.default_rng(0)
    x, dy = p.normal(rng, (N, T, F), dtype), p.normal(rng, (N, T, 5), dtype)
    state = tuple(p.normal(rng, (1, N, 5), dtype) for _ in "hc")
    weights = {
        k: p.normal(rng, v.shape, dtype)
        for k, v in ln.LSTM(5, input_size=F, dtype=dtype.name).state_dict().items()
    }

    def run(change: Callable) -> tuple:
        layer = ln.LSTM(5, input_size=F, dtype=dtype.name)
        layer.load_state_dict({k: change(v) for k, v in weights.items()})
        y, final, tape = layer.forward(change(x), tuple(change(s) for s in state))
        dx, dstate, gradients = tape.backward(change(dy), tuple(change(s) for s in state))
        return y, *final, dx, *dstate, *gradients.values()

    for found, expected in zip(run(change), run(lambda a: a), strict=True):
        p.assert_same_bits(found, expected)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "list"])
def test_layout_of_tokens_and_labels_does_not_matter(layout):
    change = LAYOUTS[layout]
    rng = np.random.default_rng(0)
    tokens, labels = rng.integers(0, 7, (N, T)), rng.integers(0, 3, (N, T))
    model = ln.Sequential([ln.Embedding(7, 4), ln.LSTM(5), ln.Dense(3)], seed=1)
    expected = model.evaluate(tokens, labels, loss=CE)
    assert model.evaluate(change(tokens), change(labels), loss=CE) == expected
    p.assert_same_bits(model.predict(change(tokens)), model.predict(tokens))


def test_float64_data_are_rounded_once_for_a_float32_model():
    model = ln.Sequential([ln.LSTM(5), ln.Dense(K)], seed=1)
    x = np.random.default_rng(0).standard_normal((N, T, F))
    p.assert_same_bits(model.predict(x), model.predict(x.astype(np.float32)))


def test_pandas_objects_are_arrays():
    pandas = pytest.importorskip("pandas")
    x = np.random.default_rng(0).standard_normal((N, 4)).astype(np.float32)
    layer = ln.Dense(3, input_size=4, seed=1)
    frame = pandas.DataFrame(x, columns=list("abcd"))
    p.assert_same_bits(layer(frame)[0], layer(x)[0])
