"""No samples, N = 0: an answer of no rows; nothing to train on."""

from __future__ import annotations

import numpy as np
import pytest
from test_lengths import LAYERS, VOCABULARY, WIDTH

import lstm_native as ln


def empty(name: str, dtype: str, steps: int = 4) -> np.ndarray:
    if name == "embedding":
        return np.zeros((0, steps), int)
    return np.zeros((0, steps, WIDTH), dtype)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_answers_no_samples_with_none(dtype, name):
    layer = LAYERS[name](dtype=dtype.name, seed=1)
    one = empty(name, dtype.name).repeat(0, axis=0)
    rows = np.zeros((2, *one.shape[1:]), one.dtype)
    wanted, state, _ = layer.forward(rows)
    y, final, tape = layer.forward(one)
    calls = (layer(one), layer(one, lengths=[]))
    for found in (y, *(call[0] if isinstance(call, tuple) else call for call in calls)):
        assert found.shape == (0, *wanted.shape[1:])
        assert found.dtype == dtype
    found, expected = ([s] if isinstance(s, np.ndarray) else s or () for s in (final, state))
    assert [s.shape for s in found] == [(s.shape[0], 0, s.shape[2]) for s in expected]
    dx, dstate, grads = tape.backward(y, final)
    assert (dx is None) if name == "embedding" else (dx.shape == one.shape and dx.dtype == dtype)
    assert (dstate is None) == (final is None)
    assert {k: v.shape for k, v in grads.items()} == {
        k: v.shape for k, v in layer.state_dict().items()
    }
    assert not any(np.any(gradient) for gradient in grads.values())
    with pytest.raises(RuntimeError):
        tape.backward(y)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("stateful", [True, False])
def test_predict_answers_no_samples_with_none(dtype, timed, stateful):
    layers = [ln.LSTM(4, return_sequences=timed, stateful=stateful), ln.Dense(2)]
    model = ln.Sequential(layers, dtype=dtype.name)
    for given in (np.zeros((0, 5, WIDTH)), np.zeros((0, 5, WIDTH), "float32")):
        y = model.predict(given)
        assert y.shape == ((0, 5, 2) if timed else (0, 2))
        assert y.dtype == dtype
    assert model.predict(np.zeros((0, 5, WIDTH)), mask=np.zeros((0, 5), bool)).shape == y.shape
    assert model.predict(np.zeros((3, 5, WIDTH))).shape[0] == 3  # no state of none was kept


def test_a_call_of_no_samples_leaves_no_state_behind():
    layer = ln.LSTM(4, input_size=WIDTH, stateful=True)
    layer(np.zeros((0, 3, WIDTH), "float32"))
    assert layer.state is None
    layer(np.zeros((2, 3, WIDTH), "float32"))


def test_images_rows_and_tokens_too():
    layer = ln.ConvLSTM(2, 3, input_shape=(4, 3, 2), seed=0)
    y, state, tape = layer.forward(np.zeros((0, 5, 4, 3, 2), "float32"))
    assert y.shape == (0, 5, 4, 3, 2)
    assert [part.shape for part in state] == [(1, 0, 4, 3, 2)] * 2
    assert tape.backward(y)[0].shape == (0, 5, 4, 3, 2)
    assert ln.Dense(2, input_size=3)(np.zeros((0, 3), "float32")).shape == (0, 2)
    model = ln.Sequential([ln.Embedding(VOCABULARY, 3), ln.GRU(2, return_sequences=False)])
    assert model.predict(np.zeros((0, 4), int)).shape == (0, 2)


def test_an_empty_list_is_a_list_of_no_sequences():
    model = ln.Sequential([ln.LSTM(4, input_size=WIDTH), ln.Dense(2)])
    assert model.predict([]) == []
    last = ln.Sequential([ln.LSTM(4, input_size=WIDTH, return_sequences=False), ln.Dense(2)])
    assert last.predict([]).shape == (0, 2)
    with pytest.raises(RuntimeError, match="no weights yet"):
        ln.Sequential([ln.LSTM(4)]).predict([])


def test_a_state_of_no_samples_goes_on_as_such():
    layer = ln.LSTM(4, input_size=WIDTH, seed=1)
    x = np.zeros((0, 3, WIDTH), "float32")
    _, state = layer(x)
    assert layer(x, state)[1][0].shape == (1, 0, 4)
    with pytest.raises(ValueError, match=r"state h: expected shape \(1, 0, 4\), got \(1, 2, 4\)"):
        layer(x, layer(np.zeros((2, 3, WIDTH), "float32"))[1])


def test_there_is_nothing_to_train_on_or_to_measure():
    model = ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(1)])
    x, y = np.zeros((0, 5, WIDTH)), np.zeros((0, 1))
    for call in (lambda: model.fit(x, y, verbose=False), lambda: model.evaluate(x, y)):
        with pytest.raises(ValueError, match=r"x has no samples: its shape is \(0, 5, 3\)"):
            call()
    good = np.zeros((2, 5, WIDTH)), np.zeros((2, 1))
    with pytest.raises(ValueError, match="validation_data: x has no samples"):
        model.fit(*good, validation_data=(x, y), verbose=False)
    with pytest.raises(ValueError, match=r"x: .*holds nothing"):
        model.fit([], [], verbose=False)


@pytest.mark.parametrize("samples", [0, 2])
def test_no_steps_are_no_sequence(samples):
    """As in PyTorch and Keras; a sequence of length 0 stands in an array that has steps."""
    x = np.zeros((samples, 0, WIDTH), "float32")
    for call in (ln.LSTM(4), ln.LSTM(4, input_size=WIDTH), ln.Sequential([ln.LSTM(4)]).predict):
        with pytest.raises(ValueError, match=rf"x is empty: its shape is \({samples}, 0, 3\)"):
            call(x)


def test_a_stream_has_at_least_one_sequence():
    model = ln.Sequential([ln.LSTM(4, input_size=WIDTH)])
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        model.stream(batch_size=0)
