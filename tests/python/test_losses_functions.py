"""Losses of one's own: Python functions that return value and gradient."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lstm_native as ln
from lstm_native import losses


def squared(y_true, y_pred):
    error = y_pred - y_true
    return np.mean(error**2, axis=-1), 2 * error / error.shape[-1]


def squared_of_the_batch(y_true, y_pred):
    error = y_pred - y_true
    return np.mean(error**2), 2 * error / error.size


def data(dtype="float32"):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((16, 6, 3)).astype(dtype)
    return x, rng.standard_normal((16, 6, 2)).astype(dtype)


def model(dtype="float32"):
    return ln.Sequential([ln.LSTM(5), ln.Dense(2)], dtype=dtype, seed=0)


OPTIONS = {"epochs": 3, "seed": 0, "verbose": False, "optimizer": ln.Adam(0.01)}


@pytest.mark.parametrize("function", [squared, squared_of_the_batch])
def test_it_trains_as_the_loss_that_it_is(dtype, function):
    x, y = data(dtype)
    own = model(dtype.name).fit(x, y, loss=function, **OPTIONS).history["loss"]
    known = model(dtype.name).fit(x, y, loss="mse", **OPTIONS).history["loss"]
    assert np.allclose(own, known, rtol=1e-5 if dtype == np.float32 else 1e-12)


def test_weights_lengths_and_windows_are_made_here():
    x, y = data("float64")
    rng = np.random.default_rng(1)
    given = {"sample_weight": rng.uniform(0, 2, 16), "lengths": rng.integers(1, 7, 16)}
    for more in ({}, {"tbptt": 2}):
        own, known = (
            model("float64").fit(x, y, loss=loss, **OPTIONS, **given, **more).history["loss"]
            for loss in (squared, "mse")
        )
        assert np.allclose(own, known, rtol=1e-12)


def test_one_value_for_a_batch_has_no_weights():
    x, y = data()
    with pytest.raises(ValueError, match="one value for each row, of shape"):
        model().fit(x, y, loss=squared_of_the_batch, lengths=np.full(16, 3), **OPTIONS)


@pytest.mark.parametrize(
    ("function", "kind", "told"),
    [
        (lambda y, p: 0.0, TypeError, r"to return \(value, gradient\), got"),
        (lambda y, p: (0.0, p[:, :1]), ValueError, "a gradient of y_pred's shape"),
        (lambda y, p: (np.zeros(3), p), ValueError, "one value for each row"),
        (lambda y, p: (0.0, p.astype(int)), TypeError, "a gradient of floats"),
        (lambda y, p: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_what_it_returns_is_checked_and_nothing_changes(function, kind, told):
    x, y = data()
    trained = model()
    before = trained.predict(x)
    with pytest.raises(kind, match=told):
        trained.fit(x, y, loss=function, **OPTIONS)
    assert np.array_equal(trained.predict(x), before)


def test_a_value_that_is_none_ends_the_training():
    x, y = data()
    with pytest.raises(FloatingPointError, match="the loss became nan"):
        model().fit(x, y, loss=lambda y, p: (np.nan, p), **OPTIONS)


def test_targets_of_other_sizes_and_labels():
    x, _ = data()
    seen = []

    def of_labels(y_true, y_pred):
        seen.append((y_true.dtype, y_true.shape))
        return np.zeros(y_true.shape), np.zeros_like(y_pred)

    def of_five(y_true, y_pred):
        seen.append((y_true.dtype, y_true.shape))
        return np.zeros(y_true.shape[:-1]), np.zeros_like(y_pred)

    labels = np.full((16, 6), 70)
    model().evaluate(x, labels, loss=losses.FunctionLoss(of_labels, labels=True))
    wide = np.zeros((16, 6, 5), "float32")
    model().evaluate(x, wide, loss=losses.FunctionLoss(of_five, target_features=5))
    assert seen == [(np.int64, (16, 6)), (np.float32, (16, 6, 5))]


def test_a_file_holds_its_name_and_it_can_be_given_again():
    x, y = data()
    first = model()
    first.fit(x, y, loss=squared, **OPTIONS)
    second = ln.load_model(first.to_bytes())
    assert second.loss == losses.FunctionLoss(label="squared")
    assert np.array_equal(second.predict(x), first.predict(x))
    with pytest.raises(ValueError, match=r'the function "squared".*give it again'):
        second.evaluate(x, y)
    second.loss = squared
    for one in (first, second):  # the optimiser's state went with it
        one.fit(x, y, epochs=5, initial_epoch=3, seed=0, verbose=False)
    assert np.array_equal(second.predict(x), first.predict(x))


def test_it_cannot_train_the_model_that_it_is_called_for():
    x, y = data()
    trained = model()

    def again(y_true, y_pred):
        trained.train_on_batch(x, y)
        return squared(y_true, y_pred)

    with pytest.raises(RuntimeError, match=r"its own model|fit is running"):
        trained.fit(x, y, loss=again, **OPTIONS)


def several() -> ln.Model:
    """Trained with a function as one of two losses."""
    past = ln.Input(features=3)
    code, _ = ln.LSTM(5)(past)
    made = ln.Model(past, [ln.Dense(2)(code), ln.Dense(2)(code)], seed=0)
    x, y = data()
    made.fit(x, [y, y], loss=[squared, "mse"], loss_weights=[0.5, 2.0], **OPTIONS)
    return made


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("of_several", [False, True])
def test_a_copy_goes_on_with_the_function(copied, of_several):
    x, y = data()
    one = several() if of_several else model()
    y = [y, y] if of_several else y
    if not of_several:
        one.fit(x, y, loss=squared, **OPTIONS)
    other = copied(one)
    assert other.evaluate(x, y) == one.evaluate(x, y)
    goes_on = {"seed": 0, "verbose": False}
    assert other.fit(x, y, **goes_on).history == one.fit(x, y, **goes_on).history
    for name, value in one.state_dict().items():
        assert np.array_equal(value, other.state_dict()[name])


def test_a_file_of_several_losses_goes_on_where_the_function_is_given_again():
    x, y = data()
    one = several()
    other = ln.load_model(one.to_bytes())
    goes_on = {"loss": [squared, "mse"], "loss_weights": [0.5, 2.0], "seed": 0, "verbose": False}
    wanted = one.fit(x, [y, y], **goes_on).history
    assert other.fit(x, [y, y], **goes_on).history == wanted
    for name, value in one.state_dict().items():
        assert np.array_equal(value, other.state_dict()[name])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a", r"'broken': its value is the text 'a'"),
        (None, "'broken': its value is None"),
        (1j, "expected a value of real numbers, got complex128"),
        (np.full((16, 6), 1 + 1j), "expected a value of real numbers, got complex128"),
    ],
)
def test_values_that_are_no_real_numbers_are_refused(value, told):
    def broken(y_true, y_pred):
        return value, y_pred

    x, y = data()
    with pytest.raises(TypeError, match=told):
        model().fit(x, y, loss=broken, verbose=False)
    made = several()
    before = made.state_dict()
    with pytest.raises(TypeError, match=f"^output 'dense_1': .*{told}"):
        made.fit(x, [y, y], loss=["mse", broken], verbose=False)
    assert all(np.array_equal(one, before[name]) for name, one in made.state_dict().items())
