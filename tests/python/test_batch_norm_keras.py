"""BatchNorm beside Keras's: trained, at rest, and frozen, which are three things."""

from __future__ import annotations

import os

import numpy as np
import pytest
import reference as ref

import lstm_native as ln

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("trainable", [True, False], ids=["trained", "frozen"])
def test_a_network_with_it_learns_as_in_keras(trainable):
    """Five steps of SGD over all samples; statistics and weights of all layers."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=size).astype("float32") for size in ((16, 5, 3), (16, 5, 2)))
    theirs = keras.Sequential(
        [
            keras.layers.Input((5, 3)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-3),
            keras.layers.Dense(2),
        ]
    )
    norm = theirs.layers[1]
    start = [1 + rng.random(4), rng.normal(size=4), rng.normal(size=4), 1 + rng.random(4)]
    norm.set_weights([part.astype("float32") for part in start])
    norm.trainable = trainable
    layers = [ln.Dense(4), ln.BatchNorm(0.2, 1e-3), ln.Dense(2)]
    ours = ln.Sequential(layers, seed=0)
    ours.predict(x)
    names = ["weight", "bias", "running_mean", "running_var"]
    weights = {f"1.{name}": part for name, part in zip(names, start, strict=True)}
    for index in (0, 2):
        kernel, bias = (np.array(w) for w in theirs.layers[index].get_weights())
        weights |= {f"{index}.weight": kernel.T, f"{index}.bias": bias}
    ours.load_state_dict(weights)
    layers[1].trainable = trainable

    theirs.compile(keras.optimizers.SGD(0.05), "mse")
    theirs.fit(x, y, batch_size=16, epochs=5, shuffle=False, verbose=0)
    ours.fit(
        x, y, batch_size=16, epochs=5, shuffle=False, optimizer=ln.SGD(0.05), loss="mse", verbose=0
    )
    found = ours.state_dict()
    # Keras's running variance is of the biased one, ours as PyTorch's of the unbiased one.
    for name, value in zip(names[:3], norm.get_weights(), strict=False):
        assert ref.relative_error(found[f"1.{name}"], np.array(value)) <= 1e-4
    if not trainable:
        assert np.array_equal(found["1.running_mean"], start[2].astype("float32"))
        assert np.array_equal(found["1.running_var"], start[3].astype("float32"))
        assert ref.relative_error(ours.predict(x), theirs.predict(x, verbose=0)) <= 1e-4
    for index in (0, 2):
        kernel, bias = (np.array(w) for w in theirs.layers[index].get_weights())
        assert ref.relative_error(found[f"{index}.weight"], kernel.T) <= 1e-4
        # One before a normalisation by the batch changes nothing: its gradient is rounding.
        assert np.abs(found[f"{index}.bias"] - bias).max() <= 1e-5
