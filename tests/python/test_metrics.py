"""Metrics against plain NumPy over all rows at once."""

import math

import numpy as np
import pytest
from fit_helpers import data, fit, make_model
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln
from lstm_native import losses
from lstm_native.metrics import MetricSet

MSE = losses.parse("mse")
BINARY = losses.parse("binary_crossentropy")
CATEGORICAL = losses.parse("categorical_crossentropy")


def batches(rng, *arrays):
    """Cut arrays along their first axis at the same random places."""
    cuts = np.sort(rng.integers(1, len(arrays[0]) + 1, size=2))
    return zip(*(np.split(array, cuts) for array in arrays), strict=True)


@given(
    samples=st.integers(2, 12),
    steps=st.integers(0, 3),
    features=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
    weighted=st.booleans(),
)
def test_values_do_not_depend_on_the_batches(samples, steps, features, seed, weighted):
    rng = np.random.default_rng(seed)
    rows = (samples, steps) if steps else (samples,)
    true = rng.normal(size=(*rows, features)).astype(np.float32)
    pred = rng.normal(size=(*rows, features)).astype(np.float32)
    weights = rng.integers(0, 3, size=rows).astype(np.float32)
    weights[0] = 1.0
    found = MetricSet(["mse", "mae", "rmse", "mape"], loss=MSE)
    for t, p, w in batches(rng, true, pred, weights):
        found.update(t, p, w if weighted else None)
    row_weights = weights if weighted else np.ones(rows)
    error = pred.astype(np.float64) - true

    def mean(values):
        return np.average(values.mean(axis=-1).ravel(), weights=row_weights.ravel())

    assert found.result() == pytest.approx(
        {
            "mse": mean(error**2),
            "mae": mean(abs(error)),
            "rmse": math.sqrt(mean(error**2)),
            "mape": mean(100 * abs(error / true)),
        }
    )


def test_rmse_is_the_root_of_the_whole_mean_not_a_mean_of_roots():
    found = MetricSet("rmse", loss=MSE)
    found.update(np.zeros((1, 1)), np.full((1, 1), 1.0))
    found.update(np.zeros((1, 1)), np.full((1, 1), 7.0))
    assert found.result() == {"rmse": 5.0}


def test_mape_of_a_zero_target_is_large_but_finite():
    found = MetricSet("mape", loss=MSE)
    found.update(np.zeros((1, 1)), np.ones((1, 1)))
    assert found.result()["mape"] == pytest.approx(1e9)


def test_targets_without_feature_axis_do_not_broadcast_into_a_square():
    found = MetricSet("mae", loss=MSE)
    found.update(np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0], [4.0]]))
    assert found.result()["mae"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("true", "pred", "weights", "told"),
    [
        ((3,), (3, 2), None, r"y_true: expected shape \(3, 2\), got \(3,\)"),
        ((2, 3), (3, 2), None, r"expected shape \(3, 2\), got \(2, 3\)"),
        ((3, 2), (3, 2), (2,), r"weights: expected shape \(3,\), got \(2,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(true, pred, weights, told):
    found = MetricSet("mae", loss=MSE)
    with pytest.raises(ValueError, match=told):
        found.update(np.zeros(true), np.zeros(pred), None if weights is None else np.ones(weights))


def test_accuracy_of_labels_is_by_the_highest_logit():
    found = MetricSet(["accuracy"], loss=CATEGORICAL)
    logits = np.array([[[1.0, 2.0, 0.0], [5.0, 2.0, 0.0]], [[0.0, 0.0, 1.0], [9.0, 1.0, 1.0]]])
    found.update(np.array([[1, 0], [0, 0]]), logits)
    assert found.result() == {"accuracy": 0.75}
    found.reset()
    found.update(np.array([[1, 0], [0, 0]]), logits, np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert found.result() == {"accuracy": 0.5}
    with pytest.raises(ValueError, match=r"y_true: expected shape \(2, 2\), got \(2,\)"):
        found.update(np.array([0, 1]), logits)


def test_binary_accuracy_is_by_the_sign_of_the_logit():
    found = MetricSet(["accuracy"], loss=BINARY)
    found.update(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.1, -5.0], [0.1, 5.0]]))
    assert found.result() == {"accuracy": 0.75}


def test_binary_accuracy_of_probabilities_is_by_one_half():
    found = MetricSet(["accuracy"], loss=BINARY, probabilities=True)
    found.update(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.6, 0.1], [0.1, 0.4]]))
    assert found.result() == {"accuracy": 0.75}


def test_accuracy_of_soft_labels_is_by_the_likeliest_class():
    found = MetricSet(["accuracy"], loss=CATEGORICAL)
    logits = np.array([[1.0, 2.0, 0.0], [5.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    soft = np.array([[0.3, 0.4, 0.3], [0.1, 0.9, 0.0], [0.2, 0.3, 0.5]])
    found.update(soft, logits)
    assert found.result()["accuracy"] == pytest.approx(2 / 3)
    found.reset()
    found.update(soft, logits, np.array([1.0, 0.0, 1.0]))
    assert found.result() == {"accuracy": 1.0}


def test_callables_are_weighted_by_rows():
    def worst(y_true, y_pred):
        return np.abs(y_pred - y_true).max()

    found = MetricSet([worst, "mae"], loss=MSE)
    assert found.names == ("worst", "mae")
    found.update(np.zeros((3, 1)), np.array([[1.0], [2.0], [3.0]]))
    found.update(np.zeros((1, 1)), np.array([[7.0]]))
    assert found.result()["worst"] == pytest.approx((3 * 3.0 + 7.0) / 4)


def test_callables_do_not_see_masked_rows():
    seen = []

    def spy(y_true, y_pred):
        seen.append((y_true.copy(), y_pred.copy()))
        return 0.0

    found = MetricSet(spy, loss=MSE)
    true, pred = np.zeros((2, 2, 1)), np.arange(4.0).reshape(2, 2, 1)
    found.update(true, pred)
    found.update(true, pred, np.array([[1.0, 0.0], [0.0, 2.0]]))
    found.update(true, pred, np.zeros((2, 2)))
    assert seen[0][1].shape == (2, 2, 1)
    np.testing.assert_array_equal(seen[1][1], [[0.0], [3.0]])
    assert len(seen) == 2


def test_a_callable_must_return_a_number():
    found = MetricSet(lambda t, p: p - t, loss=MSE)
    with pytest.raises(TypeError, match="the result of metric '<lambda>' must be a number"):
        found.update(np.zeros((2, 1)), np.ones((2, 1)))
    nothing = MetricSet(lambda t, p: math.nan, loss=MSE)
    nothing.update(np.zeros((2, 1)), np.ones((2, 1)))
    assert math.isnan(nothing.result()["<lambda>"])


def test_no_row_no_figure():
    found = MetricSet(["mae", "rmse"], loss=MSE)
    found.update(np.ones((2, 1)), np.ones((2, 1)), np.zeros(2))
    assert all(math.isnan(value) for value in found.result().values())
    assert not MetricSet((), loss=MSE)
    assert MetricSet((), loss=MSE).result() == {}


@pytest.mark.parametrize(
    ("metrics", "loss", "error", "told"),
    [
        (["mad"], MSE, ValueError, "unknown metric 'mad'; known are accuracy, mse"),
        (["mae", "mae"], MSE, ValueError, "the name 'mae' is taken"),
        ([3], MSE, TypeError, "metrics must be names or callables, got 3"),
        (["accuracy"], MSE, ValueError, "'accuracy' does not go with the loss 'mse'"),
        (["mae"], BINARY, ValueError, "'mae' does not go with the loss 'binary_crossentropy'"),
        (["rmse"], CATEGORICAL, ValueError, "with it go accuracy, or a callable"),
    ],
)
def test_metrics_that_do_not_fit_are_refused_before_training(metrics, loss, error, told):
    with pytest.raises(error, match=told):
        MetricSet(metrics, loss=loss)


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("mean_absolute_error", "mae"),
        ("MeanSquaredError", "mse"),
        ("root_mean_squared_error", "rmse"),
        ("MAPE", "mape"),
    ],
)
def test_names_as_keras_spells_them_stand_for_ours(typed, ours):
    x, y = data()
    stopping = ln.EarlyStopping(f"val_{typed}", patience=5)
    history = fit(make_model(), x, y, metrics=typed, validation_split=0.5, callbacks=[stopping])
    assert list(history.history) == ["loss", ours, "val_loss", f"val_{ours}"]
    assert stopping.best == min(history.history[f"val_{ours}"])
    with pytest.raises(ValueError, match=f"the name '{ours}' is taken"):
        MetricSet([typed, ours], loss=losses.parse("mse"))


@pytest.mark.parametrize(
    "typed", ["acc", "categorical_accuracy", "sparse_categorical_accuracy", "binary_accuracy"]
)
def test_every_accuracy_is_that_of_the_loss(typed):
    assert MetricSet(typed, loss=losses.parse("categorical_crossentropy")).names == ("accuracy",)


def test_a_function_that_has_the_name_of_an_alias_is_watched_under_its_own():
    def acc(true, pred):
        return 1.0

    stopping = ln.EarlyStopping("acc")
    fit(make_model(), *data(), epochs=1, metrics=[acc], callbacks=[stopping])
    assert (stopping.monitor, stopping.best) == ("acc", 1.0)


def test_what_is_no_metric_is_told():
    with pytest.raises(TypeError, match="metrics must be names or callables, got 5"):
        fit(make_model(), *data(), metrics=5)
