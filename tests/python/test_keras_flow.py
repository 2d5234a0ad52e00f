"""Keras as the truth for batches that go on from one another, and its PyDataset as a source."""

from __future__ import annotations

import os

import numpy as np
import product as p
import pytest
from fit_helpers import data, fit, make_model

import lstm_native as ln

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")


def test_stateful_predict_in_batches():
    """Keras 3073."""
    x = np.random.default_rng(0).standard_normal((6, 5, 3)).astype("float32")
    theirs = keras.Sequential(
        [keras.Input(batch_shape=(2, 5, 3)), keras.layers.LSTM(4, stateful=True)]
    )
    kernel, recurrent, bias = (np.asarray(w) for w in theirs.get_weights())
    ours = ln.Sequential([ln.LSTM(4, stateful=True, return_sequences=False)])
    ours.predict(x)
    ours.reset_states()
    # Both have the gates in the order i, f, g, o.
    ours.load_state_dict(
        {
            "0.weight_ih_l0": kernel.T.copy(),
            "0.weight_hh_l0": recurrent.T.copy(),
            "0.bias_ih_l0": bias,
            "0.bias_hh_l0": np.zeros_like(bias),
        }
    )
    expected = theirs.predict(x, batch_size=2, verbose=0)
    np.testing.assert_allclose(ours.predict(x, batch_size=2), expected, rtol=0, atol=2e-6)
    assert np.abs(ours.predict(x[:2]) - expected[:2]).max() > 1e-3  # the states are gone on


def test_a_pydataset_trains_as_arrays_do():
    class Batches(keras.utils.PyDataset):
        """As in Keras's own documentation: no IndexError behind the end."""

        def __init__(self):
            super().__init__()
            self.x, self.y = data()
            self.ended = 0

        def __len__(self):
            return 3

        def __getitem__(self, index):
            rows = slice(8 * index, 8 * index + 8)
            return self.x[rows], self.y[rows]

        def on_epoch_end(self):
            self.ended += 1

    arrays, batches, source = make_model(), make_model(), Batches()
    fit(arrays, *data(), shuffle=False)
    batches.fit(source, epochs=3, seed=3, verbose=False)
    p.assert_same_weights(batches.state_dict(), arrays.state_dict())
    assert source.ended == 3
    p.assert_same_bits(batches.predict(source), arrays.predict(data()[0]))
