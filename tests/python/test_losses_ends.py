"""Cross-entropies of models that end with a sigmoid or softmax: read as what they are."""

from __future__ import annotations

import numpy as np
import padded
import product as p
import pytest
import reference as ref
from fit_helpers import FEATURES, STEPS, fit, make_model

import lstm_native as ln

BINARY, CATEGORICAL = "binary_crossentropy", "categorical_crossentropy"
ENDS = {
    "sigmoid": (BINARY, 1, lambda: [ln.Dense(1, activation="sigmoid")]),
    "sigmoid of several": (BINARY, 3, lambda: [ln.Dense(3, activation="sigmoid")]),
    "softmax": (CATEGORICAL, 3, lambda: [ln.Dense(3, activation="softmax")]),
    "a layer of its own": (CATEGORICAL, 3, lambda: [ln.Dense(3), ln.Activation("softmax")]),
    "behind it what hands on": (
        BINARY,
        1,
        lambda: [ln.Dense(1), ln.Activation("sigmoid"), ln.Dropout(0.0), ln.Activation("linear")],
    ),
}


def separable(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((count, STEPS, FEATURES)).astype("float32")
    return x, (x.sum(axis=(1, 2)) > 0).astype(int)


def targets(loss: str, units: int, rows: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.integers(0, 3, rows) if loss == CATEGORICAL else rng.integers(0, 2, (*rows, units))


def pair(end, units: int, dtype: str = "float64", **options) -> tuple[ln.Sequential, ln.Sequential]:
    """A model with this end and one with a linear end, with the same weights."""
    options = {"return_sequences": False, **options}
    models = [
        ln.Sequential([ln.LSTM(6, input_size=FEATURES, **options), *layers], dtype=dtype, seed=1)
        for layers in (end(), [ln.Dense(units)])
    ]
    models[1].load_state_dict(models[0].state_dict())
    return models[0], models[1]


@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
def test_the_accuracy_of_separable_data_is_the_true_one(activation):
    x, y = separable()
    layers = [ln.LSTM(8, return_sequences=False), ln.Dense(1, activation=activation)]
    model = ln.Sequential(layers, seed=0)
    options = {"epochs": 15, "batch_size": 32, "optimizer": ln.Adam(0.02), "metrics": "accuracy"}
    history = fit(model, x, y, loss=BINARY, validation_data=(x, y), **options).history
    answers = model.predict(x)[:, 0] > (0.5 if activation == "sigmoid" else 0.0)
    assert history["val_accuracy"][-1] == np.mean(answers == y) > 0.95
    assert history["accuracy"][-1] > 0.95
    assert history["loss"][-1] < 0.2


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ENDS)
def test_a_model_learns_alike_with_its_activation_and_without(isa, name, dtype, sequences):
    """The same losses, metrics and weights, to the last bit; probabilities instead of logits."""
    loss, units, end = ENDS[name]
    x = p.normal(np.random.default_rng(0), (9, STEPS, FEATURES), dtype)
    lengths = np.array([5, 1, 3, 5, 2, 5, 4, 1, 5])
    y = targets(loss, units, (9, STEPS) if sequences else (9,))
    weights = np.random.default_rng(2).uniform(0.5, 2, 9).astype(dtype)
    activated, linear = pair(end, units, dtype, return_sequences=sequences)
    options = {"loss": loss, "metrics": "accuracy", "lengths": lengths, "sample_weight": weights}
    histories = [fit(m, x, y, batch_size=4, **options).history for m in (activated, linear)]
    assert histories[0] == histories[1]
    for name, value in linear.state_dict().items():
        p.assert_same_bits(activated.state_dict()[name], value)
    del options["sample_weight"]
    assert activated.evaluate(x, y, **options) == linear.evaluate(x, y, **options)
    outputs = activated.predict(x, lengths=lengths)
    p.assert_same_bits(linear.predict(x, lengths=lengths, probabilities=True), outputs)
    p.assert_same_bits(activated.predict(x, lengths=lengths, probabilities=True), outputs)


@pytest.mark.parametrize("from_logits", [None, False])
def test_loss_and_accuracy_are_those_of_the_probabilities(from_logits):
    x, y = separable(50)
    layers = [ln.LSTM(8, return_sequences=False), ln.Dense(1, activation="sigmoid")]
    model = ln.Sequential(layers, dtype="float64", seed=0)
    q = model.predict(x.astype(float))[:, 0]
    loss = ln.BinaryCrossentropy(from_logits=from_logits)
    found = model.evaluate(x.astype(float), y, loss=loss, metrics="accuracy")
    assert found["loss"] == pytest.approx(-np.where(y, np.log(q), np.log(1 - q)).mean(), rel=1e-12)
    assert found["accuracy"] == np.mean((q > 0.5) == y)


def test_a_metric_function_sees_probabilities():
    x, y = separable(50)
    layers = [ln.LSTM(8, return_sequences=False), ln.Dense(1, activation="sigmoid")]
    model = ln.Sequential(layers, seed=0)

    def right(y_true, y_pred):
        assert 0 <= y_pred.min() <= y_pred.max() <= 1
        return np.mean((y_pred > 0.5) == (y_true > 0.5))

    history = fit(model, x, y, loss=BINARY, metrics=["accuracy", right], epochs=1).history
    assert history["right"] == pytest.approx(history["accuracy"])


def test_what_is_saturated_and_wrong_learns():
    """A float32 sigmoid of 40 is exactly 1, its slope exactly 0."""
    model = ln.Sequential([ln.Dense(1, input_size=1, activation="sigmoid")], seed=0)
    model.load_state_dict({"0.weight": np.float32([[0]]), "0.bias": np.float32([40])})
    x, y = np.zeros((4, 1), "float32"), np.zeros((4, 1), "float32")
    assert (model.predict(x) == 1).all()
    history = fit(model, x, y, loss=BINARY, epochs=60, optimizer=ln.SGD(1.0)).history
    assert history["loss"][0] == pytest.approx(40.0)
    assert history["loss"][-1] < 0.1


REFUSED = {
    "sigmoid under classes": (
        [ln.Dense(3, activation="sigmoid")],
        CATEGORICAL,
        "end with softmax or without an activation",
    ),
    "softmax under binary": (
        [ln.Dense(3, activation="softmax")],
        BINARY,
        "For one class per row take categorical_crossentropy",
    ),
    "one output for classes": ([ln.Dense(1)], CATEGORICAL, "Take binary_crossentropy, or give"),
    "softmax of one": ([ln.Dense(1, activation="softmax")], "mse", "always 1. End with sigmoid"),
    "logits said of a sigmoid": (
        [ln.Dense(3, activation="sigmoid")],
        ln.BinaryCrossentropy(from_logits=True),
        "ends with a sigmoid, whose outputs are probabilities. Leave from_logits away",
    ),
    "probabilities said of logits": (
        [ln.Dense(3)],
        ln.CategoricalCrossentropy(from_logits=False),
        r"Dense\(\.\.\., activation='softmax'\)",
    ),
    "Dropout of probabilities": (
        [ln.Dense(3, activation="softmax"), ln.Dropout(0.5)],
        CATEGORICAL,
        "Put it before the last layer",
    ),
    "relu under binary": (
        [ln.Dense(1, activation="relu")],
        BINARY,
        r"relu, which holds the logits to 0 and above. End with a Dense without relu, or say "
        "from_logits=True",
    ),
    "tanh under classes": (
        [ln.Dense(3), ln.Activation("tanh")],
        CATEGORICAL,
        "tanh, which holds the logits to -1 to 1",
    ),
    "softmax of a softmax": (
        [ln.Dense(3, activation="softmax"), ln.Activation("softmax")],
        CATEGORICAL,
        "softmax of a softmax, .* Leave one of the two activations away",
    ),
    "sigmoid of a tanh": (
        [ln.Dense(1, activation="tanh"), ln.Activation("sigmoid")],
        BINARY,
        "sigmoid of a tanh, .* or say from_logits=False",
    ),
    "sigmoid of a cell": ([ln.RNN(3, activation="sigmoid")], BINARY, "Put a Dense behind it"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_contradicts_the_model_is_refused_before_anything_is_trained(case):
    layers, loss, told = REFUSED[case]
    model = ln.Sequential([ln.LSTM(4, input_size=FEATURES), *layers], seed=0)
    x = np.zeros((2, STEPS, FEATURES), "float32")
    features = model.predict(x).shape[-1]
    y = np.zeros((2, STEPS), int) if loss == CATEGORICAL else np.zeros((2, STEPS, features))
    if isinstance(loss, ln.CategoricalCrossentropy):
        y = np.zeros((2, STEPS), int)
    before = model.state_dict()
    for call in (fit, ln.Sequential.evaluate):
        with pytest.raises(ValueError, match=f"loss: .*{told}"):
            call(model, x, y, loss=loss)
    p.assert_same_weights(model.state_dict(), before)
    assert model.loss is None


def test_bounded_logits_may_be_meant():
    x, y = separable(50)
    layers = [ln.LSTM(8, return_sequences=False), ln.Dense(1, activation="tanh")]
    model = ln.Sequential(layers, seed=0)
    fit(model, x, y, loss=ln.BinaryCrossentropy(from_logits=True), epochs=1)
    assert np.isfinite(model.evaluate(x, y)["loss"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"from_logits": 1}, TypeError),
        ({"label_smoothing": 1.0}, ValueError),
        ({"label_smoothing": -0.1}, ValueError),
        ({"label_smoothing": "a bit"}, TypeError),
        ({"ignore_index": 2.0}, TypeError),
        ({"ignore_index": 2**63}, ValueError),
    ],
)
def test_settings_are_checked(options, error):
    with pytest.raises(error, match=next(iter(options))):
        ln.CategoricalCrossentropy(**options)


class TestProbabilities:
    """`predict(x, probabilities=True)`."""

    def model(self, loss: str, units: int, **options) -> ln.Sequential:
        model = make_model(units, **options)
        x = np.random.default_rng(0).standard_normal((6, STEPS, FEATURES))
        rows = (6, STEPS) if options.get("return_sequences") else (6,)
        fit(model, x, targets(loss, units, rows), loss=loss, epochs=1)
        return model

    def test_after_loading_too(self, tmp_path):
        model = self.model(CATEGORICAL, 3)
        model.save(tmp_path / "m.lstm")
        x = np.random.default_rng(0).standard_normal((300, STEPS, FEATURES))
        found = ln.load_model(tmp_path / "m.lstm").predict(x, probabilities=True)
        assert found == pytest.approx(ref.activate("softmax", model.predict(x)), rel=1e-12)
        p.assert_same_bits(model.predict(x, probabilities=True, batch_size=7), found)

    def test_zeros_behind_an_end_stay_zeros(self):
        model = self.model(BINARY, 2, return_sequences=True)
        x = np.random.default_rng(0).standard_normal((2, STEPS, FEATURES))
        lengths = np.array([2, STEPS])
        mask = np.arange(STEPS) < lengths[:, None]
        for options in ({"lengths": lengths}, {"mask": mask}):
            found = model.predict(x, probabilities=True, **options)
            assert (found[mask] > 0).all()
            assert not found[~mask].any()

    def test_of_lists_of_sequences(self):
        rng = np.random.default_rng(0)
        model = self.model(CATEGORICAL, 3, return_sequences=True)
        x = [rng.standard_normal((n, FEATURES)) for n in padded.LENGTHS]
        expected = [ref.activate("softmax", y) for y in model.predict(x)]
        for found, wanted in zip(model.predict(x, probabilities=True), expected, strict=True):
            assert found == pytest.approx(wanted, rel=1e-12)
        last = self.model(CATEGORICAL, 3)
        assert last.predict(x, probabilities=True).sum(axis=-1) == pytest.approx(np.ones(len(x)))

    def test_a_stateful_model_goes_on_once(self):
        model = self.model(BINARY, 1)
        twins = [
            ln.Sequential([ln.LSTM(6, stateful=True), ln.Dense(1, activation=a)], dtype="float64")
            for a in ("linear", "sigmoid")
        ]
        x = np.random.default_rng(0).standard_normal((6, STEPS, FEATURES))
        for twin in twins:
            twin.predict(x)
            twin.load_state_dict(model.state_dict())
            twin.reset_states()
        twins[0].loss = model.loss
        for _ in range(2):
            p.assert_same_bits(twins[0].predict(x, probabilities=True), twins[1].predict(x))

    def test_a_model_that_says_nothing_of_probabilities_is_asked_what_to_do(self):
        x = np.random.default_rng(0).standard_normal((6, STEPS, FEATURES))
        model = make_model(1)
        for got in ("no loss yet", "the loss 'mse'"):
            with pytest.raises(ValueError, match=f"trained with a cross-entropy, or .* got {got}"):
                model.predict(x, probabilities=True)
            fit(model, x, x[:, 0, :1])
        with pytest.raises(TypeError, match="probabilities must be True or False, got 1"):
            model.predict(x, probabilities=1)

    def test_an_end_that_gives_probabilities_needs_no_loss(self):
        x = np.random.default_rng(0).standard_normal((6, STEPS, FEATURES))
        model = ln.Sequential([ln.LSTM(4), ln.Dense(3, activation="softmax")], seed=0)
        p.assert_same_bits(model.predict(x, probabilities=True), model.predict(x))
