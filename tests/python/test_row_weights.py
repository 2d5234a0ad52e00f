"""Weights of rows: of samples and of classes, in batches of any size."""

from __future__ import annotations

import math

import numpy as np
import product as p
import pytest
import reference as ref
from fit_helpers import FEATURES, SAMPLES, STEPS, data, fit, make_model
from test_losses_numeric import identity_layer

import lstm_native as ln
from lstm_native import losses
from lstm_native.training._data import check_samples

CE = "categorical_crossentropy"
MSE = losses.parse("mse")
RNG = np.random.default_rng(5)


def moved(x, y, *, batch_size: int, total_rate: float = 1e-7, **options) -> dict[str, np.ndarray]:
    """How an epoch moves the weights, at so small a rate that its batches hardly see each other."""
    units = 2 if options.get("loss") == CE else 1
    model = make_model(units, return_sequences=np.ndim(y) == 3 or np.shape(y)[1:2] == (STEPS,))
    model.predict(x)
    before = model.state_dict()
    batches = math.ceil(len(x) / batch_size)
    rate = ln.SGD(total_rate / batches)
    fit(model, x, y, epochs=1, batch_size=batch_size, optimizer=rate, **options)
    return {name: value - before[name] for name, value in model.state_dict().items()}


def alike(first, second, tolerance: float = 1e-5) -> bool:
    return all(ref.relative_error(first[name], second[name]) <= tolerance for name in first)


@pytest.mark.parametrize("batch_size", [1, 4, 5])
@pytest.mark.parametrize("kind", ["samples", "classes"])
def test_weights_count_in_batches_of_any_size(batch_size, kind):
    x, y = data()
    options = {"sample_weight": RNG.uniform(0.1, 5, SAMPLES)}
    if kind == "classes":
        y, options = np.arange(SAMPLES) % 2, {"class_weight": {1: 9.0}, "loss": CE}
    whole = moved(x, y, batch_size=SAMPLES, **options)
    assert alike(moved(x, y, batch_size=batch_size, **options), whole)
    plain = {name: value for name, value in options.items() if name == "loss"}
    assert not alike(moved(x, y, batch_size=batch_size, **plain), whole, 1e-2)


def test_only_the_ratios_of_weights_matter_to_what_is_learnt():
    x, y = data()
    weights = RNG.uniform(0.1, 5, SAMPLES)
    one = moved(x, y, batch_size=3, sample_weight=weights)
    assert alike(moved(x, y, batch_size=3, sample_weight=1000 * weights), one, 1e-12)


def test_weights_of_one_change_no_bit():
    x, y = data()
    models = make_model(), make_model()
    fit(models[0], x, y)
    fit(models[1], x, y, sample_weight=np.ones(SAMPLES))
    p.assert_same_weights(models[1].state_dict(), models[0].state_dict())


def test_the_gradient_of_a_batch_is_that_of_the_reference():
    dtype = np.dtype("float64")
    x, y = RNG.standard_normal((7, 3)), RNG.standard_normal((7, 3))
    weights = np.array([0.5, 2, 0, 1, 3, 0, 1.5])
    layer = identity_layer(3, dtype)
    sgd = {"type": "sgd", "learning_rate": 1.0}
    for mean in (0.25, 1.0, 3.0):
        trainer = p.make_trainer([layer], dtype, {"type": "mse"}, sgd)
        before = layer.parameters()["bias"]
        found = trainer.step(x, y, weights, None, 0, mean_weight=mean)
        loss, gradient = ref.loss_and_gradient("mse", x, y, weights, mean_weight=mean)
        assert found[0] == pytest.approx(loss, rel=1e-13)  # the weighted mean as ever
        step = before - layer.parameters()["bias"]
        assert ref.relative_error(step, gradient.sum(axis=0)) <= 1e-13
        layer.set_parameters({"weight": np.eye(3), "bias": np.zeros(3)})


class TestMeanWeight:
    """Of the rows that count in the loss of training."""

    def test_without_weights_it_is_one(self):
        x, y = data()
        assert check_samples(make_model(), x, y, MSE).mean_weight == 1.0
        mask = np.arange(SAMPLES) % 3 > 0
        assert check_samples(make_model(), x, y, MSE, mask=mask).mean_weight == 1.0

    def test_padding_and_weights_of_zero_do_not_count(self):
        x, y = data()[0], RNG.standard_normal((SAMPLES, STEPS, 1))
        lengths = np.arange(SAMPLES) % STEPS
        weights = RNG.uniform(0.1, 5, (SAMPLES, STEPS)) * (RNG.uniform(size=y.shape[:2]) < 0.7)
        counts = (np.arange(STEPS) < lengths[:, None]) & (weights > 0)
        options = {"sample_weight": weights, "lengths": lengths}
        found = check_samples(make_model(return_sequences=True), x, y, MSE, **options)
        assert found.mean_weight == pytest.approx(weights[counts].mean())
        part = found.part(slice(3, 9))
        assert part.mean_weight == pytest.approx(weights[3:9][counts[3:9]].mean())

    def test_of_sequences_in_lists(self):
        lengths = [3, 0, 5, 1]
        x = [RNG.standard_normal((n, FEATURES)) for n in lengths]
        y = [part[:, :1] for part in x]
        weights = [RNG.uniform(0.1, 5, n) for n in lengths]
        model = make_model(return_sequences=True)
        found = check_samples(model, x, y, MSE, sample_weight=weights)
        assert found.mean_weight == pytest.approx(np.concatenate(weights).mean())
        assert found.part(slice(2, 4)).mean_weight == pytest.approx(
            np.concatenate(weights[2:]).mean()
        )


@pytest.mark.parametrize("options", [{"tbptt": 2}, {"lengths": np.arange(SAMPLES) % STEPS + 1}])
def test_weights_in_windows_and_beside_lengths(options):
    x, y = data()[0], RNG.standard_normal((SAMPLES, STEPS, 1))
    weights = RNG.uniform(0.5, 5, (SAMPLES, STEPS))
    found = moved(x, y, batch_size=1, sample_weight=weights, **options)
    plain = moved(x, y, batch_size=1, **options)
    scaled = moved(x, y, batch_size=1, sample_weight=3 * weights, **options)
    assert alike(scaled, found, 1e-12)
    assert not alike(plain, found, 1e-2)


class TestClassWeights:
    """They weigh the loss of training alone."""

    X = np.random.default_rng(0).standard_normal((SAMPLES, STEPS, FEATURES))
    Y = np.arange(SAMPLES) % 3
    WEIGHTS = {0: 0.25, 2: 8.0}  # noqa: RUF012
    STILL = {"loss": CE, "optimizer": ln.SGD(1e-30), "epochs": 1}  # noqa: RUF012

    def test_metrics_do_not_see_them_in_training_or_validation(self):
        weights = RNG.uniform(0.5, 2, SAMPLES)
        model = make_model(3)
        history = fit(
            model,
            self.X,
            self.Y,
            class_weight=self.WEIGHTS,
            sample_weight=weights,
            validation_data=(self.X, self.Y, weights),
            metrics=["accuracy"],
            **self.STILL,
        ).history
        right = model.predict(self.X).argmax(-1) == self.Y
        expected = pytest.approx(np.average(right, weights=weights))
        assert history["accuracy"][0] == history["val_accuracy"][0] == expected
        plain = model.evaluate(self.X, self.Y, sample_weight=weights)
        assert history["val_loss"][0] == pytest.approx(plain["loss"], rel=1e-12)
        table = np.array([0.25, 1.0, 8.0])[self.Y]
        weighted = model.evaluate(self.X, self.Y, sample_weight=weights * table)
        assert history["loss"][0] == pytest.approx(weighted["loss"], rel=1e-12)

    def test_a_part_split_off_for_validation_is_plain(self):
        model = make_model(3)
        history = fit(
            model, self.X, self.Y, class_weight=self.WEIGHTS, validation_split=0.4, **self.STILL
        ).history
        held_out = slice(12, None)
        expected = model.evaluate(self.X[held_out], self.Y[held_out])["loss"]
        assert history["val_loss"][0] == pytest.approx(expected, rel=1e-12)

    def test_in_lists_of_sequences(self):
        model = make_model(3, return_sequences=True)
        x = [self.X[i, : 1 + i % STEPS] for i in range(SAMPLES)]
        y = [np.full(len(part), i % 3) for i, part in enumerate(x)]
        history = fit(
            model,
            x,
            y,
            class_weight=self.WEIGHTS,
            validation_data=(x, y),
            metrics="accuracy",
            **self.STILL,
        ).history
        assert history["accuracy"] == pytest.approx(history["val_accuracy"])
        assert history["loss"][0] != pytest.approx(history["val_loss"][0], rel=1e-3)

    @pytest.mark.parametrize("key", [int, np.int64, np.uint8])
    def test_of_one_hot_rows_and_of_any_integer_key(self, key):
        models = make_model(3), make_model(3)
        fit(models[0], self.X, self.Y, loss=CE, class_weight=self.WEIGHTS)
        weights = {key(c): w for c, w in self.WEIGHTS.items()}
        fit(models[1], self.X, np.eye(3)[self.Y], loss=CE, class_weight=weights)
        p.assert_same_weights(models[1].state_dict(), models[0].state_dict())

    @pytest.mark.parametrize(
        ("weights", "error", "told"),
        [
            ({"0": 2.0}, TypeError, r"class_weight: class must be an integer, got '0' \(str\)"),
            ({0: None}, TypeError, r"class_weight\[0\] must be a number, got None"),
            ({0: -1.0}, ValueError, r"class_weight\[0\] must be .*>= 0, got -1"),
            ({0: math.nan}, ValueError, r"class_weight\[0\] must be finite"),
            ({3: 1.0}, ValueError, "class_weight: class must be at most 2, got 3"),
            ([1.0, 2.0, 3.0], TypeError, r"such as \{0: 1.0, 1: 5.0\}, got \[1.0"),
            ("balanced", TypeError, "must map classes to weights, .* got 'balanced'"),
            ({0: 0.0, 1: 0.0, 2: 0.0}, ValueError, "class_weight: all 20 weights are 0"),
            ({0: 1e300}, ValueError, "class_weight must fit float32"),
        ],
    )
    def test_what_is_no_weight_is_refused(self, weights, error, told):
        with pytest.raises(error, match=told):
            fit(make_model(3, "float32"), self.X, self.Y, loss=CE, class_weight=weights)

    def test_soft_labels_have_no_class(self):
        soft = np.full((SAMPLES, 3), 1 / 3)
        with pytest.raises(ValueError, match="one class per row, but y has probabilities; give"):
            fit(make_model(3), self.X, soft, loss=CE, class_weight=self.WEIGHTS)

    def test_a_training_part_without_weight_is_refused(self):
        weights = {0: 0.0, 1: 0.0}
        y = np.sort(self.Y)
        with pytest.raises(ValueError, match=r"all rows of the part to train on .* weight 0"):
            fit(make_model(3), self.X, y, loss=CE, class_weight=weights, validation_split=0.3)


def test_sample_weights_of_another_shape_say_which_shapes_go():
    x, y = data()[0], RNG.standard_normal((SAMPLES, STEPS, 1))
    told = (
        r"sample_weight: expected shape \(20, 5\), or \(20,\) of one weight per sample, got \(5,\)"
    )
    with pytest.raises(ValueError, match=told):
        fit(make_model(return_sequences=True), x, y, sample_weight=np.ones(STEPS))


def test_sample_weights_with_an_axis_too_many_say_how_it_goes():
    x, y = data()
    for shape, timed, write in (
        ((SAMPLES, 1), False, r"np\.ravel\(sample_weight\)"),
        ((SAMPLES, 1), True, r"np\.ravel\(sample_weight\)"),
        ((SAMPLES, STEPS, 1), True, r"sample_weight\[\.\.\., 0\]"),
    ):
        weight = np.ones(shape)
        target = np.zeros((SAMPLES, STEPS, 1)) if timed else y
        model = make_model(return_sequences=timed)
        with pytest.raises(ValueError, match=f"sample_weight: .*; write {write}$"):
            fit(model, x, target, sample_weight=weight)
        mended = np.ravel(weight) if "ravel" in write else weight[..., 0]
        fit(model, x, target, epochs=1, sample_weight=mended)
