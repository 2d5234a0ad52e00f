"""Convolution, pooling and Bidirectional with strides and paddings beside Keras."""

from __future__ import annotations

import os

import numpy as np
import pytest
import reference as ref
from plain_calls import answer

import lstm_native as ln

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
N, T, F = 3, 10, 4


def close(actual: np.ndarray, expected) -> None:
    assert ref.relative_error(actual, np.asarray(expected)) <= 1e-5


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize(
    ("size", "stride", "dilation"), [(3, 1, 1), (4, 2, 1), (2, 3, 1), (3, 1, 2)]
)
def test_conv1d_is_keras(size, stride, dilation, padding):
    x = np.random.default_rng(0).standard_normal((N, T, F)).astype("float32")
    theirs = keras.layers.Conv1D(
        5, size, strides=stride, dilation_rate=dilation, padding=padding, activation="tanh"
    )
    expected = theirs(x)
    ours = ln.Conv1D(5, size, stride, dilation, padding, "tanh", input_size=F)
    kernel, bias = (np.asarray(w) for w in theirs.get_weights())
    ours.load_state_dict({"weight": kernel.transpose(2, 1, 0), "bias": bias})
    close(answer(ours, x), expected.detach())


# No mean with "same": Keras on PyTorch counts the padding in it, on TensorFlow it does not.
@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 1), (3, 2), (2, 3)])
@pytest.mark.parametrize(
    ("ours", "theirs", "padding"),
    [
        ("MaxPool1D", "MaxPooling1D", "valid"),
        ("MaxPool1D", "MaxPooling1D", "same"),
        ("MeanPool1D", "AveragePooling1D", "valid"),
    ],
)
def test_pools_are_keras(ours, theirs, size, stride, padding):
    x = np.random.default_rng(0).standard_normal((N, T, F)).astype("float32")
    expected = getattr(keras.layers, theirs)(size, stride, padding=padding)(x)
    close(answer(getattr(ln, ours)(size, stride, padding), x), expected)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", [True, False], ids=["sequences", "last"])
def test_bidirectional_is_keras(merge, sequences):
    x = np.random.default_rng(0).standard_normal((N, T, F)).astype("float32")
    theirs = keras.layers.Bidirectional(
        keras.layers.LSTM(5, return_sequences=sequences, bias_initializer="glorot_uniform"),
        merge_mode=merge,
    )
    expected = theirs(x)
    ours = ln.Bidirectional(ln.LSTM(5, return_sequences=sequences, input_size=F), merge=merge)
    weights = [np.asarray(w) for w in theirs.get_weights()]
    state = {}
    for place, (kernel, recurrent, bias) in enumerate((weights[:3], weights[3:])):
        state[f"layers.{place}.weight_ih_l0"] = kernel.T
        state[f"layers.{place}.weight_hh_l0"] = recurrent.T
        state[f"layers.{place}.bias_ih_l0"] = bias
        state[f"layers.{place}.bias_hh_l0"] = np.zeros_like(bias)
    ours.load_state_dict(state)
    close(answer(ours, x), expected.detach())
