"""GaussianSample: draws in training, means in prediction, and a gradient through the draw."""

from __future__ import annotations

import numpy as np
import pytest
import reference as ref

import lstm_native as ln


def autoencoder(dtype="float32", kl=False):
    layers = [ln.Dense(6), ln.GaussianSample()]
    return ln.Sequential(
        [*layers[: 1 if kl else 2], *([] if kl else [ln.Dense(4)])], dtype=dtype, seed=0
    )


def test_prediction_is_the_mean_and_streams_alike(dtype):
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(dtype)
    model = ln.Sequential([ln.GaussianSample()], dtype=dtype.name)
    assert np.array_equal(model.predict(x), x[:, :3])
    assert np.array_equal(model.stream(batch_size=5).step(x), x[:, :3])


def test_training_draws_with_the_predicted_scale():
    """Of zeros as outputs, targets of zero cost the mean square of the draw."""
    x = np.zeros((20_000, 2), "float64")
    x[:, 1] = 2 * np.log(3.0)  # a standard deviation of 3
    model = ln.Sequential([ln.GaussianSample(), ln.Dense(1, bias=False)], dtype="float64", seed=0)
    model.predict(x[:1])
    model.load_state_dict({"1.weight": np.ones((1, 1))})
    given = {"loss": "mse", "optimizer": ln.SGD(1e-12)}
    losses = [
        model.train_on_batch(x, np.zeros((len(x), 1)), seed=s, **given)["loss"] for s in (0, 0, 1)
    ]
    assert np.allclose(losses, 9.0, rtol=0.05)
    assert len(set(losses)) == 3  # of the seed, and of how many updates there were


def test_the_gradient_goes_through_the_draw():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((7, 3)), rng.standard_normal((7, 4))
    start = autoencoder("float64")
    start.predict(x)
    weights = start.state_dict()

    def loss_of(values):
        model = autoencoder("float64")
        model.predict(x)
        model.load_state_dict({**weights, "0.weight": values})
        given = {"loss": "mse", "optimizer": ln.SGD(1e-12), "seed": 3}
        return model.train_on_batch(x, y, **given)["loss"]

    expected = ref.central_difference(loss_of, weights["0.weight"], step=1e-3)
    start.train_on_batch(x, y, loss="mse", optimizer=ln.SGD(1.0), seed=3)
    found = weights["0.weight"] - start.state_dict()["0.weight"]
    assert ref.relative_error(found, expected) <= 1e-7


def test_steps_draw_alike_whatever_pads_them():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 5, 3)), rng.standard_normal((4, 5, 4))
    ends = np.array([5, 2, 3, 1])
    found = []
    for fill in (0.0, 1e6):
        for row, end in zip(x, ends, strict=True):
            row[end:] = fill
        model = autoencoder("float64")
        model.fit(x, y, lengths=ends, epochs=2, seed=0, verbose=False)
        found.append(model.state_dict()["0.weight"])
    assert np.array_equal(*found)


def test_an_odd_number_of_features_is_refused():
    with pytest.raises(ValueError, match="an even number of features"):
        ln.Sequential([ln.GaussianSample()]).predict(np.zeros((2, 5), "float32"))


def test_the_divergence_is_a_loss_of_its_inputs():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((32, 3)).astype("float32")
    model = autoencoder(kl=True)
    history = model.fit(
        x, loss="unit_gaussian_kl", epochs=40, optimizer=ln.Adam(0.05), seed=0, verbose=False
    ).history["loss"]
    assert history[-1] < 0.1 * history[0]
