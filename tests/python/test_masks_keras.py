"""Masks with holes and padding in front mean what they mean in Keras."""

from __future__ import annotations

import os

import numpy as np
import pytest

import lstm_native as ln

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

# Keras's own conversions of PyTorch's tensors.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

N, T, F, H = 5, 7, 3, 4
HOLES = np.array(
    [
        [0, 0, 0, 1, 1, 1, 1],
        [1, 0, 1, 1, 0, 0, 1],
        [0, 1, 0, 0, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0, 0],
    ],
    dtype=bool,
)
FRONT = np.arange(T) >= np.array([3, 0, 6, 1, 5])[:, None]
KINDS = {"LSTM": ln.LSTM, "GRU": ln.GRU, "SimpleRNN": ln.RNN}
# Keras's order of gates in ours: i f c o of an LSTM as they are; z r h of a GRU as r z h.
ORDER = {"LSTM": [0, 1, 2, 3], "GRU": [1, 0, 2], "SimpleRNN": [0]}


def parameters(kind: str, weights: list[np.ndarray], suffix: str = "") -> dict[str, np.ndarray]:
    """Keras's kernel, recurrent kernel and bias under our names."""
    kernel, recurrent, bias = (np.asarray(w) for w in weights)

    def gates(array: np.ndarray) -> np.ndarray:
        parts = np.split(array, len(ORDER[kind]))
        return np.concatenate([parts[i] for i in ORDER[kind]])

    of_input, of_state = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    return {
        f"weight_ih_l0{suffix}": gates(kernel.T),
        f"weight_hh_l0{suffix}": gates(recurrent.T),
        f"bias_ih_l0{suffix}": gates(of_input),
        f"bias_hh_l0{suffix}": gates(of_state),
    }


def pair(kind: str, *, both: bool, sequences: bool):
    """The same layer in Keras and here."""
    keras.utils.set_random_seed(3)
    make = getattr(keras.layers, kind)
    theirs = make(H, return_sequences=sequences, bias_initializer="glorot_uniform")
    if both:
        theirs = keras.layers.Bidirectional(theirs)
    theirs.build((None, T, F))
    ours = KINDS[kind](H, input_size=F, bidirectional=both, return_sequences=sequences)
    weights = [w.numpy() if hasattr(w, "numpy") else np.asarray(w) for w in theirs.get_weights()]
    state = parameters(kind, weights[:3])
    if both:
        state |= parameters(kind, weights[3:], "_reverse")
    ours.load_state_dict(state)
    return theirs, ours


@pytest.mark.parametrize("mask", [HOLES, FRONT], ids=["holes", "in_front"])
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_at_true_steps_are_keras_s(kind, both, sequences, mask):
    theirs, ours = pair(kind, both=both, sequences=sequences)
    x = np.random.default_rng(0).standard_normal((N, T, F)).astype("float32")
    wanted = keras.ops.convert_to_numpy(theirs(x, mask=mask))
    found, _ = ours(np.where(mask[..., None], x, np.nan), mask=mask)
    if sequences:
        found, wanted = found[mask], wanted[mask]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", [HOLES, FRONT], ids=["holes", "in_front"])
def test_the_final_state_is_keras_s(mask):
    theirs, ours = pair("LSTM", both=False, sequences=False)
    theirs.return_state = True
    x = np.random.default_rng(0).standard_normal((N, T, F)).astype("float32")
    _, *wanted = theirs(x, mask=mask)
    _, found = ours(x, mask=mask)
    for part, state in zip(found, wanted, strict=True):
        np.testing.assert_allclose(part[0], keras.ops.convert_to_numpy(state), rtol=1e-5, atol=1e-6)


def test_what_pad_sequences_makes_by_default_goes_in_as_it_is():
    """Padding in front, zeros: Keras masks them behind Embedding(mask_zero=True)."""
    tokens = keras.utils.pad_sequences([[3, 1], [2, 4, 5, 1], [6]])
    keras.utils.set_random_seed(0)
    embedding = keras.layers.Embedding(7, F, mask_zero=True)
    theirs, ours = pair("LSTM", both=False, sequences=False)
    wanted = keras.ops.convert_to_numpy(keras.Sequential([embedding, theirs])(tokens))
    model = ln.Sequential([ln.Embedding(7, F), ours])
    model.layers[0].load_state_dict({"weight": embedding.get_weights()[0]})
    found = model.predict(tokens, mask=tokens != 0)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_loss_over_masked_steps_is_keras_s():
    """Per sequence of equal numbers of true steps, where the two means agree."""
    mask = np.array([[0, 1, 1, 0, 1], [1, 0, 1, 1, 0]], dtype=bool)
    keras.utils.set_random_seed(1)
    lstm = keras.layers.LSTM(H, return_sequences=True)
    theirs = keras.Sequential([keras.layers.Masking(-9.0), lstm])
    x = np.random.default_rng(0).standard_normal((2, 5, F)).astype("float32")
    y = np.random.default_rng(1).standard_normal((2, 5, H)).astype("float32")
    given = np.where(mask[..., None], x, np.float32(-9.0))
    theirs.compile(loss="mse", optimizer="sgd")
    theirs(given)
    model = ln.Sequential([ln.LSTM(H, input_size=F)])
    weights = parameters("LSTM", theirs.get_weights())
    model.layers[0].load_state_dict(weights)
    found = model.evaluate(x, y, mask=mask)["loss"]
    answers = keras.ops.convert_to_numpy(theirs(given))
    errors = ((answers - y) ** 2).mean(axis=-1)
    assert found == pytest.approx(errors[mask].mean(), rel=1e-5)
