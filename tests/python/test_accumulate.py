"""Gradients of several batches for one update, and gradients in a loop of one's own."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
from fit_helpers import SAMPLES, Raise, Recorder, cut, data, fit, make_model

import lstm_native as ln


def assert_close(found, wanted, dtype="float64"):
    tolerance = 1e-10 if dtype == np.float64 else 2e-5
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance / 10)


@pytest.mark.parametrize("shuffle", [True, False])
def test_it_is_a_batch_so_many_times_as_large(isa, dtype, shuffle):
    x, y = (array.astype(dtype) for array in data())
    large, small = make_model(dtype=dtype.name), make_model(dtype=dtype.name)
    options = {"shuffle": shuffle, "optimizer": ln.SGD(0.1, momentum=0.5), "metrics": ["mae"]}
    wanted = fit(large, x, y, batch_size=12, **options)
    found = fit(small, x, y, batch_size=4, accumulate=3, **options)  # 12 and 8: 3 parts and 2
    assert_close(small.state_dict(), large.state_dict(), dtype)
    for name, values in wanted.history.items():
        assert found.history[name] == pytest.approx(values, rel=1e-4)


def test_weights_lengths_and_ends_of_epochs_count_as_in_one_batch():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((SAMPLES, 5, 3))
    y = rng.standard_normal((SAMPLES, 5, 1))
    options = {
        "lengths": rng.integers(1, 6, SAMPLES),
        "sample_weight": rng.integers(0, 3, SAMPLES).astype(float),
        "shuffle": False,
        "optimizer": ln.SGD(0.1),
    }
    large, small = (make_model(return_sequences=True) for _ in range(2))
    fit(large, x, y, batch_size=SAMPLES, **options)
    fit(small, x, y, batch_size=3, accumulate=7, **options)
    assert_close(small.state_dict(), large.state_dict())


def test_batches_of_any_sizes_from_an_iterable():
    x, y = data()
    parts = [slice(0, 5), slice(5, 6), slice(6, 13), slice(13, 20)]
    large, small = make_model(), make_model()
    fit(large, x, y, batch_size=SAMPLES, shuffle=False)
    options = {"epochs": 3, "seed": 3, "verbose": False}
    small.fit(lambda: [(x[part], y[part]) for part in parts], accumulate=4, **options)
    # Adam divides by the gradient's size, and so magnifies its rounding.
    for name, value in large.state_dict().items():
        np.testing.assert_allclose(small.state_dict()[name], value, rtol=1e-6, atol=1e-9)


def test_one_is_what_it_was_and_callbacks_see_every_batch():
    x, y = data()
    plain, one, two = make_model(), make_model(), make_model()
    fit(plain, x, y)
    fit(one, x, y, accumulate=None)
    p.assert_same_weights(one.state_dict(), plain.state_dict())
    recorder = Recorder()
    fit(two, x, y, epochs=1, accumulate=2, callbacks=[recorder])
    assert recorder.names().count("batch_end") == 3
    assert two._trainer.iterations == 2


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_bad_numbers_are_refused(value):
    x, y = data()
    with pytest.raises((TypeError, ValueError), match="accumulate must be"):
        fit(make_model(), x, y, accumulate=value)


def test_what_an_interrupted_fit_left_waiting_is_forgotten():
    x, y = data()
    model, other = make_model(), make_model()
    for one in (model, other):
        one.predict(x)
    with pytest.raises(RuntimeError, match="mine"):
        fit(model, x, y, accumulate=3, callbacks=[Raise(RuntimeError("mine"), epoch=0, batch=0)])
    assert model._trainer.accumulated == 1
    model.train_on_batch(x, y, seed=0)
    other.train_on_batch(x, y, seed=0)
    p.assert_same_weights(model.state_dict(), other.state_dict())


def test_a_loss_that_is_not_finite_ends_it():
    x, y = data()
    y[10] = 1e308
    model = make_model()
    model.predict(x)
    before = model.state_dict()
    with pytest.raises(FloatingPointError, match="epoch 1, batch 2"):
        fit(model, x, y, batch_size=8, accumulate=3, shuffle=False)
    p.assert_same_weights(model.state_dict(), before)


@pytest.mark.parametrize(
    "optimizer", [ln.Adam(0.01, clip_norm=0.1), ln.SGD(0.1, momentum=0.9), ln.NAdam(0.01)]
)
def test_gradients_and_apply_are_train_on_batch(dtype, optimizer):
    x, y = (array.astype(dtype) for array in data())
    options = {"num_layers": 2, "dropout": 0.3}
    model, other = (make_model(dtype=dtype.name, **options) for _ in range(2))
    for _ in range(3):
        for a, b in cut(x, y):
            loss, grads = model.gradients(a, b, seed=3)
            norm = model.apply_gradients(grads, optimizer=optimizer)
            logs = other.train_on_batch(a, b, optimizer=optimizer, seed=3)
            assert logs["loss"] == loss
            total = sum((g.astype(np.float64) ** 2).sum() for g in grads.values())
            assert norm == pytest.approx(np.sqrt(total), rel=1e-6)
    p.assert_same_weights(model.state_dict(), other.state_dict())
    assert model.optimizer == optimizer


def test_gradients_are_central_differences():
    x, y = data()
    model = make_model()
    weight = np.linspace(0.5, 2.0, SAMPLES)
    loss, grads = model.gradients(x, y, loss="mse", sample_weight=weight)
    state = model.state_dict()
    rng = np.random.default_rng(1)
    direction = {name: rng.standard_normal(value.shape) for name, value in state.items()}
    slope = sum((grads[name] * direction[name]).sum() for name in state)

    def at(step):
        model.load_state_dict({name: state[name] + step * direction[name] for name in state})
        # The gradient is of the mean over all rows, the report of the weighted one.
        found = (model.predict(x) - y) ** 2
        return (weight[:, None] * found).mean()

    assert (at(1e-6) - at(-1e-6)) / 2e-6 == pytest.approx(slope, rel=1e-7)
    model.load_state_dict(state)
    assert loss == model.evaluate(x, y, sample_weight=weight)["loss"]


def test_gradients_change_nothing_and_leave_frozen_layers_out():
    x, y = data()
    model = make_model()
    model.predict(x)
    before = model.state_dict()
    model.layers[0].trainable = False
    _, grads = model.gradients(x, y)
    assert set(grads) == {"1.weight", "1.bias"}
    p.assert_same_weights(model.state_dict(), before)
    assert model._trainer.iterations == 0
    model.apply_gradients(grads)
    assert np.array_equal(model.state_dict()["0.weight_hh_l0"], before["0.weight_hh_l0"])
    assert not np.array_equal(model.state_dict()["1.bias"], before["1.bias"])


def test_bad_gradients_are_refused_and_nothing_has_changed():
    x, y = data()
    model = make_model()
    model.train_on_batch(x, y, seed=0)
    before = model.state_dict()
    _, grads = model.gradients(x, y)
    with pytest.raises(ValueError, match=r"missing: '1\.bias'"):
        model.apply_gradients({k: v for k, v in grads.items() if k != "1.bias"})
    with pytest.raises(ValueError, match="expected shape"):
        model.apply_gradients({**grads, "1.bias": np.zeros(2)})
    with pytest.raises(TypeError, match="expected a dict"):
        model.apply_gradients(list(grads.values()))
    with pytest.raises(FloatingPointError, match=r"NaN or infinity in .*1\.bias"):
        model.apply_gradients({**grads, "1.bias": np.array([np.nan])})
    with pytest.raises(TypeError, match="y is missing"):
        model.gradients(x)
    p.assert_same_weights(model.state_dict(), before)
    assert model._trainer.iterations == 1
