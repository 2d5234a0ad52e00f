"""Bad input: Python's own exception types, expected and actual in the message, nothing changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import product as p
import pytest

import lstm_native as ln

N, T, F, K = 6, 4, 3, 2


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return p.normal(rng, (N, T, F), "float32"), p.normal(rng, (N, K), "float32")


def trained_model() -> ln.Sequential:
    model = ln.Sequential([ln.LSTM(5, return_sequences=False), ln.Dense(K)], seed=1)
    x, y = data()
    model.fit(x, y, optimizer=ln.Adam(0.01), seed=1, verbose=False)
    return model


def with_value(array: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    changed = array.copy()
    changed[index] = value
    return changed


X, Y = data()
LABELS = np.array([0, 1, 1, 0, 1, 0])
CE = "categorical_crossentropy"


def fit(**options) -> Callable[[ln.Sequential], object]:
    options = {"x": X, "y": Y, "verbose": False, **options}
    return lambda model: model.fit(options.pop("x"), options.pop("y"), **options)


def predict(x, **options) -> Callable[[ln.Sequential], object]:
    return lambda model: model.predict(x, **options)


# name: call, exception, words that the message must hold
MODEL_CASES = {
    # What x may be.
    "x_rank_1": (predict(X[0, 0]), ValueError, ["x", "3 dimensions", "1", "(3,)"]),
    "x_rank_2": (predict(X[0]), ValueError, ["(samples, timesteps, features)", "3 dim", "2"]),
    "x_rank_4": (predict(X[None]), ValueError, ["x", "3 dimensions", "4", "(1, 6, 4, 3)"]),
    "x_features": (predict(X[:, :, :2]), ValueError, ["x", "3 features", "(6, 4, 2)"]),
    "x_no_samples": (predict(X[:0]), ValueError, ["x", "empty", "(0, 4, 3)"]),
    "x_no_steps": (predict(X[:, :0]), ValueError, ["x", "empty", "(6, 0, 3)"]),
    "x_int": (predict(np.ones((2, 4, 3), int)), TypeError, ["x", "float32", "int64", "astype"]),
    "x_bool": (predict(np.ones((2, 4, 3), bool)), TypeError, ["x", "float32", "bool"]),
    "x_complex": (predict(X.astype(complex)), TypeError, ["x", "complex128"]),
    "x_object": (predict(X.astype(object)), TypeError, ["x", "object"]),
    "x_str": (predict(X.astype(str)), TypeError, ["x", "float32", "<U"]),
    "x_longdouble": (predict(X.astype(np.longdouble)), TypeError, ["x", "float128"]),
    "x_none": (predict(None), ValueError, ["x", "3 dimensions", "0"]),
    "x_ragged": (predict([[[1.0, 2.0, 3.0]], [[1.0]]]), ValueError, ["x", "array"]),
    "x_masked": (predict(np.ma.masked_array(X)), TypeError, ["x", "masked", "filled"]),
    "x_nan": (predict(with_value(X, (4, 1, 2), np.nan)), ValueError, ["x", "nan", "[4, 1, 2]"]),
    "x_inf": (predict(with_value(X, (0, 3, 1), np.inf)), ValueError, ["x", "inf", "[0, 3, 1]"]),
    "x_too_large_for_float32": (
        predict(with_value(X.astype(np.float64), (5, 0, 0), 1e300)),
        ValueError,
        ["x", "float32", "1e+300", "[5, 0, 0]"],
    ),
    "predict_batch_size_0": (predict(X, batch_size=0), ValueError, ["batch_size", "1", "0"]),
    # What y may be.
    "y_rank": (fit(y=Y[:, :, None]), ValueError, ["y", "(6, 2)", "(6, 2, 1)"]),
    "y_features": (fit(y=Y[:, :1]), ValueError, ["y", "(6, 2)", "(6, 1)"]),
    "y_samples": (fit(y=Y[:5]), ValueError, ["y", "6", "5"]),
    "y_int_for_mse": (fit(y=LABELS[:, None] * [1, 1]), TypeError, ["y", "float", "int64"]),
    "y_nan": (fit(y=with_value(Y, (3, 1), np.nan)), ValueError, ["y", "nan", "[3, 1]"]),
    "y_object": (fit(y=Y.astype(object)), TypeError, ["y", "object"]),
    "y_none": (fit(y=None), (TypeError, ValueError), ["y"]),
    "labels_float": (fit(y=LABELS * 1.0, loss=CE), TypeError, ["y", "integer", "float64"]),
    "labels_one_hot": (fit(y=Y, loss=CE), (TypeError, ValueError), ["y", "(6,)|integer"]),
    "labels_too_large": (fit(y=LABELS * 2, loss=CE), ValueError, ["y", "[0, 2)", "2", "[1]"]),
    "labels_negative": (fit(y=-LABELS, loss=CE), ValueError, ["y", "[0, 2)", "-1", "[1]"]),
    "labels_rank": (fit(y=LABELS[:, None, None], loss=CE), ValueError, ["y", "(6,)", "(6, 1, 1)"]),
    "binary_target_range": (
        fit(y=np.full((6, 2), 1.5), loss="binary_crossentropy"),
        ValueError,
        ["y", "1.5"],
    ),
    # Weights and masks.
    "weights_shape": (fit(sample_weight=np.ones(5)), ValueError, ["sample_weight", "6", "5"]),
    "weights_negative": (
        fit(sample_weight=np.array([1, 1, -2, 1, 1, 1.0])),
        ValueError,
        ["sample_weight", "negative", "-2", "[2]"],
    ),
    "weights_nan": (fit(sample_weight=np.full(6, np.nan)), ValueError, ["sample_weight", "nan"]),
    "weights_all_zero": (fit(sample_weight=np.zeros(6)), ValueError, ["sample_weight", "0"]),
    "weights_int": (fit(sample_weight=np.ones(6, int)), TypeError, ["sample_weight", "int64"]),
    "mask_shape": (fit(mask=np.ones((6, 3), bool)), ValueError, ["mask", "(6, 3)"]),
    "mask_dtype": (fit(mask=np.ones(6)), TypeError, ["mask", "bool", "float64"]),
    "mask_all_false": (fit(mask=np.zeros(6, bool)), ValueError, ["mask", "True"]),
    "class_weight_for_values": (fit(class_weight={0: 1.0}), ValueError, ["class_weight", "mse"]),
    "class_weight_unknown": (
        fit(y=LABELS, loss=CE, class_weight={2: 1.0}),
        ValueError,
        ["class_weight", "1", "2"],
    ),
    "class_weight_negative": (
        fit(y=LABELS, loss=CE, class_weight={1: -1.0}),
        ValueError,
        ["class_weight", "-1"],
    ),
    # Settings of fit.
    "epochs_0": (fit(epochs=0), ValueError, ["epochs", "1", "0"]),
    "epochs_float": (fit(epochs=1.5), TypeError, ["epochs", "integer", "1.5"]),
    "batch_size_negative": (fit(batch_size=-4), ValueError, ["batch_size", "1", "-4"]),
    "batch_size_float": (fit(batch_size=8.0), TypeError, ["batch_size", "integer", "8.0"]),
    "initial_epoch": (fit(initial_epoch=-1), ValueError, ["initial_epoch", "0", "-1"]),
    "split_1": (fit(validation_split=1.0), ValueError, ["validation_split", "1"]),
    "split_negative": (fit(validation_split=-0.1), ValueError, ["validation_split", "-0.1"]),
    "split_and_data": (
        fit(validation_split=0.5, validation_data=(X, Y)),
        ValueError,
        ["validation_split", "validation_data"],
    ),
    "validation_features": (
        fit(validation_data=(X[:, :, :2], Y)),
        ValueError,
        ["validation", "3 features", "(6, 4, 2)"],
    ),
    "validation_nan": (
        fit(validation_data=(with_value(X, (2, 0, 1), np.nan), Y)),
        ValueError,
        ["validation", "nan", "[2, 0, 1]"],
    ),
    "validation_no_pair": (
        fit(validation_data=X),
        (TypeError, ValueError),
        ["validation_data"],
    ),
    "loss_unknown": (fit(loss="mean_cubed"), ValueError, ["loss", "mean_cubed", "mse", "huber"]),
    "loss_type": (fit(loss=3), TypeError, ["loss", "3"]),
    "optimizer_unknown": (fit(optimizer="adamm"), ValueError, ["adamm", "adam", "sgd"]),
    "optimizer_type": (fit(optimizer=0.1), TypeError, ["optimizer", "0.1"]),
    "metric_unknown": (fit(metrics=["maee"]), ValueError, ["maee", "mae"]),
    "metric_does_not_fit": (fit(metrics=["accuracy"]), ValueError, ["accuracy", "mse"]),
    "callback_type": (fit(callbacks=[print]), TypeError, ["callbacks", "print"]),
    "seed_negative": (fit(seed=-1), ValueError, ["seed", "-1"]),
    "seed_type": (fit(seed=0.5), TypeError, ["seed", "0.5"]),
    "lengths": (fit(lengths=[5] * 6), ValueError, ["lengths", "0 to 4", "5"]),
    # Rates and weights set from outside.
    "rate_zero": (lambda m: setattr(m, "learning_rate", 0.0), ValueError, ["learning_rate", "0"]),
    "rate_type": (lambda m: setattr(m, "learning_rate", "x"), TypeError, ["learning_rate", "x"]),
    "weights_missing": (
        lambda m: m.load_state_dict({k: v for k, v in m.state_dict().items() if k != "1.bias"}),
        ValueError,
        ["1.bias"],
    ),
    "weights_unknown": (
        lambda m: m.load_state_dict({**m.state_dict(), "2.bias": np.zeros(2, np.float32)}),
        ValueError,
        ["2.bias"],
    ),
    "weights_wrong_shape": (
        lambda m: m.load_state_dict({**m.state_dict(), "1.bias": np.zeros(3, np.float32)}),
        ValueError,
        ["1.bias", "2", "3"],
    ),
    "weights_not_finite": (
        lambda m: m.load_state_dict({**m.state_dict(), "1.bias": np.full(2, np.nan, np.float32)}),
        ValueError,
        ["1.bias", "nan"],
    ),
    "weights_complex": (
        lambda m: m.load_state_dict({**m.state_dict(), "1.bias": np.zeros(2, complex)}),
        TypeError,
        ["1.bias", "complex128"],
    ),
    "evaluate_shape": (lambda m: m.evaluate(X, Y[:, :1]), ValueError, ["y", "(6, 2)", "(6, 1)"]),
    "evaluate_nan": (
        lambda m: m.evaluate(with_value(X, (1, 1, 1), np.nan), Y),
        ValueError,
        ["x", "nan", "[1, 1, 1]"],
    ),
}


def check_message(message: str, words: list[str]) -> None:
    for word in words:
        assert any(one in message for one in word.split("|")), f"no {word!r} in {message!r}"


@pytest.mark.parametrize("name", MODEL_CASES)
def test_a_model_refuses_and_stays_as_it_was(name):
    call, exception, words = MODEL_CASES[name]
    model = trained_model()
    twin = trained_model()
    history = model.history
    with pytest.raises(exception) as raised:
        call(model)
    check_message(str(raised.value), words)
    p.assert_same_weights(model.state_dict(), twin.state_dict())
    assert model.history is history
    # Not only the weights: the optimiser's state too.
    x, y = data()
    for one in (model, twin):
        one.fit(x, y, seed=2, verbose=False)
    p.assert_same_weights(model.state_dict(), twin.state_dict())


# name: call, exception, words
CONSTRUCTION_CASES = {
    "lstm_size_0": (lambda: ln.LSTM(0), ValueError, ["hidden_size", "1", "0"]),
    "lstm_size_negative": (lambda: ln.LSTM(-3), ValueError, ["hidden_size", "1", "-3"]),
    "lstm_size_float": (lambda: ln.LSTM(8.0), TypeError, ["hidden_size", "integer", "8.0"]),
    "lstm_size_bool": (lambda: ln.LSTM(True), TypeError, ["hidden_size", "bool"]),
    "lstm_size_huge": (
        lambda: ln.LSTM(2**40, input_size=2**40).state_dict(),
        ValueError,
        ["hidden_size"],
    ),
    "lstm_input_0": (lambda: ln.LSTM(4, input_size=0), ValueError, ["input_size", "1", "0"]),
    "lstm_layers_0": (lambda: ln.LSTM(4, num_layers=0), ValueError, ["num_layers", "1", "0"]),
    "lstm_dropout_1": (lambda: ln.LSTM(4, dropout=1.0), ValueError, ["dropout", "1"]),
    "lstm_dropout_negative": (lambda: ln.LSTM(4, dropout=-0.5), ValueError, ["dropout", "-0.5"]),
    "lstm_dropout_type": (lambda: ln.LSTM(4, dropout="x"), TypeError, ["dropout", "x"]),
    "lstm_forget_nan": (lambda: ln.LSTM(4, forget_bias=np.nan), ValueError, ["forget_bias", "nan"]),
    "lstm_sequences": (
        lambda: ln.LSTM(4, return_sequences=1),
        TypeError,
        ["return_sequences", "1"],
    ),
    "lstm_dtype": (
        lambda: ln.LSTM(4, dtype="float16"),
        ValueError,
        ["dtype", "float64", "float16"],
    ),
    "lstm_seed": (lambda: ln.LSTM(4, input_size=1, seed=-1), ValueError, ["seed", "-1"]),
    "lstm_positional": (lambda: ln.LSTM(4, 3), TypeError, ["positional"]),
    "lstm_unknown": (lambda: ln.LSTM(4, hidden=3), TypeError, ["hidden"]),
    "dense_units_0": (lambda: ln.Dense(0), ValueError, ["units", "1", "0"]),
    "dense_activation": (
        lambda: ln.Dense(4, activation="gelu"),
        ValueError,
        ["activation", "gelu", "tanh", "softmax"],
    ),
    "dense_bias": (lambda: ln.Dense(4, use_bias="no"), TypeError, ["use_bias", "no"]),
    "embedding_vocabulary": (lambda: ln.Embedding(0, 4), ValueError, ["vocabulary", "1", "0"]),
    "embedding_features": (lambda: ln.Embedding(4, -1), ValueError, ["features", "1", "-1"]),
    "dropout_rate": (lambda: ln.Dropout(1.0), ValueError, ["rate", "1"]),
    "layer_norm_epsilon": (lambda: ln.LayerNorm(epsilon=0.0), ValueError, ["epsilon", "0"]),
    "activation_name": (lambda: ln.Activation("swish"), ValueError, ["swish", "relu"]),
    "highway_window": (lambda: ln.Highway([ln.Dense(1)], window=0), ValueError, ["window", "0"]),
    "highway_empty": (lambda: ln.Highway([], window=2), ValueError, ["layer"]),
    "sequential_empty": (lambda: ln.Sequential([]), ValueError, ["layer"]),
    "sequential_type": (lambda: ln.Sequential([print]), TypeError, ["print"]),
    "sequential_dtype": (
        lambda: ln.Sequential([ln.Dense(1)], dtype="int32"),
        ValueError,
        ["dtype", "float32", "int32"],
    ),
    "threads_0": (lambda: ln.set_num_threads(0), ValueError, ["1", "0"]),
    "threads_type": (lambda: ln.set_num_threads(1.5), TypeError, ["1.5|int"]),
}


@pytest.mark.parametrize("name", CONSTRUCTION_CASES)
def test_sizes_and_names_are_checked_when_they_are_given(name):
    call, exception, words = CONSTRUCTION_CASES[name]
    with pytest.raises(exception) as raised:
        call()
    check_message(str(raised.value), words)


class TestLayers:
    """The door of single layers."""

    def layer(self) -> ln.LSTM:
        return ln.LSTM(5, input_size=F, seed=1)

    @pytest.mark.parametrize(
        ("call", "exception", "words"),
        [
            (lambda a: a(X[0]), ValueError, ["(samples, timesteps, features)", "3 dim", "2"]),
            (lambda a: a(X[:, :, :2]), ValueError, ["x", "3 features", "(6, 4, 2)"]),
            (lambda a: a(X.astype(int)), TypeError, ["x", "int64"]),
            (lambda a: a(with_value(X, (1, 2, 0), np.nan)), ValueError, ["nan", "[1, 2, 0]"]),
            (lambda a: a(X, np.zeros((1, N, 5))), (TypeError, ValueError), ["state"]),
            (
                lambda a: a(X, (np.zeros((1, N, 5)), np.zeros((1, N, 4)))),
                ValueError,
                ["state", "(1, 6, 5)", "(1, 6, 4)"],
            ),
            (
                lambda a: a(X, (np.zeros((1, 2, 5)), np.zeros((1, 2, 5)))),
                ValueError,
                ["state", "(1, 6, 5)", "(1, 2, 5)"],
            ),
            (
                lambda a: a(X, (np.zeros((1, N, 5)), np.full((1, N, 5), np.inf))),
                ValueError,
                ["state", "inf"],
            ),
            (lambda a: a(X, lengths=[5] * N), ValueError, ["lengths", "0 to 4", "5"]),
            (lambda a: a.forward(X, lengths=[4.0] * N), TypeError, ["lengths", "float64"]),
            (
                lambda a: a.load_state_dict({**a.state_dict(), "weight_ih_l0": np.zeros((20, 4))}),
                ValueError,
                ["weight_ih_l0", "(20, 3)", "(20, 4)"],
            ),
            (
                lambda a: a.load_state_dict({}),
                ValueError,
                ["weight_ih_l0"],
            ),
        ],
    )
    def test_lstm(self, call, exception, words):
        layer = self.layer()
        before = layer.state_dict()
        with pytest.raises(exception) as raised:
            call(layer)
        check_message(str(raised.value), words)
        p.assert_same_weights(layer.state_dict(), before)

    def test_a_layer_without_state_takes_none(self):
        state = (np.zeros((1, 2, 3)), np.zeros((1, 2, 3)))
        with pytest.raises(ValueError, match="state"):
            ln.Dense(2, input_size=3)(np.ones((2, 3), np.float32), state)

    def test_a_gradient_must_have_the_shape_of_the_output(self):
        layer = self.layer()
        y, _, tape = layer.forward(X)
        with pytest.raises(ValueError, match=r"\(6, 4, 5\).*\(6, 4, 4\)"):
            tape.backward(np.zeros((N, T, 4), np.float32))
        # Refused at the door, so the tape is still whole.
        tape.backward(y)

    @pytest.mark.parametrize(
        ("tokens", "exception", "words"),
        [
            (np.array([[0, 7]]), ValueError, ["[0, 7)", "7", "[0, 1]"]),
            (np.array([[-1, 2]]), ValueError, ["[0, 7)", "-1", "[0, 0]"]),
            (np.array([[0.0, 1.0]]), TypeError, ["integer", "float64"]),
            (np.array([[True]]), TypeError, ["integer", "bool"]),
            (np.zeros((0, 2), int), ValueError, ["empty", "(0, 2)"]),
        ],
    )
    def test_embedding(self, tokens, exception, words):
        with pytest.raises(exception) as raised:
            ln.Embedding(7, 4, seed=0)(tokens)
        check_message(str(raised.value), words)

    def test_highway_needs_its_window(self):
        model = ln.Sequential(
            [ln.Highway([ln.LSTM(3, return_sequences=False), ln.Dense(1)], window=5)], seed=0
        )
        with pytest.raises(ValueError, match=r"4.*5|5.*4"):
            model.predict(X)

    def test_highway_layers_must_end_without_time_axis(self):
        model = ln.Sequential([ln.Highway([ln.LSTM(3)], window=2)], seed=0)
        with pytest.raises(ValueError, match=r"return_sequences|time|step"):
            model.predict(X)

    def test_lstm_after_the_last_step_has_no_steps(self):
        model = ln.Sequential([ln.LSTM(3, return_sequences=False), ln.LSTM(3)], seed=0)
        with pytest.raises(ValueError, match=r"return_sequences|time|step|dimensions"):
            model.predict(X)
