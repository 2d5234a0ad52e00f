"""Targets of categorical cross-entropy: labels, one-hot rows, soft labels, and labels ignored."""

from __future__ import annotations

import json

import numpy as np
import padded
import product as p
import pytest
import reference as ref
from fit_helpers import FEATURES, SAMPLES, STEPS, fit, make_model
from hypothesis import given
from hypothesis import strategies as st
from test_losses_numeric import TOLERANCE, identity_layer

import lstm_native as ln

CE = "categorical_crossentropy"
CLASSES = 3


def class_data(steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    rows = (SAMPLES,) if steps is None else (SAMPLES, steps)
    return rng.standard_normal((SAMPLES, STEPS, FEATURES)), rng.integers(0, CLASSES, rows)


def soft_rows(rng, rows: tuple[int, ...], width: int = CLASSES) -> np.ndarray:
    return rng.dirichlet(np.ones(width), rows)


def trained(y: np.ndarray, **options) -> tuple[dict, dict]:
    """History and weights of a training on these targets."""
    model = make_model(CLASSES, return_sequences=np.shape(y)[1:2] == (STEPS,))
    options = {"loss": CE, "metrics": ["accuracy"], "validation_split": 0.25, **options}
    history = fit(model, class_data()[0], y, **options)
    return history.history, model.state_dict()


@given(
    n=st.integers(1, 12),
    t=st.none() | st.integers(1, 5),
    width=st.integers(2, 20),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    soft=st.booleans(),
    weighted=st.booleans(),
    seed=p.seeds,
)
def test_soft_labels_and_smoothing_match_the_reference(
    isa, dtype, threads, n, t, width, smoothing, soft, weighted, seed
):
    rng = np.random.default_rng(seed)
    rows = (n,) if t is None else (n, t)
    x = p.normal(rng, (*rows, width), dtype)
    y = soft_rows(rng, rows, width).astype(dtype) if soft else rng.integers(0, width, rows)
    weights = rng.uniform(0.1, 2, rows).astype(dtype) if weighted else None
    spec = {"type": CE, "label_smoothing": smoothing}
    layer = identity_layer(width, dtype)
    value, gradients = p.network_gradients([layer], spec, x, y, weights)
    assert value == p.network_loss([layer], spec, x, y, weights)
    wide = x.astype(np.float64)
    given_weights = None if weights is None else weights.astype(np.float64)
    target = y.astype(np.float64) if soft else y
    expected, dlogits = ref.loss_and_gradient(CE, wide, target, given_weights, smoothing=smoothing)
    _, dw, db = ref.dense_backward(dlogits, wide, wide, np.eye(width))
    assert value == pytest.approx(expected, rel=TOLERANCE[dtype], abs=TOLERANCE[dtype])
    limit = p.GRADIENT_TOLERANCE[dtype] * max(np.abs(dlogits).sum(), 1e-30)
    assert np.abs(gradients[0]["bias"] - db).max() <= limit
    assert np.abs(gradients[0]["weight"] - dw).max() <= limit * np.abs(wide).max()


@pytest.mark.parametrize("width", [1, 5])
def test_smoothed_binary_targets_match_the_reference(isa, dtype, width):
    rng = np.random.default_rng(0)
    x, y = p.normal(rng, (9, width), dtype), rng.integers(0, 2, (9, width)).astype(dtype)
    spec = {"type": "binary_crossentropy", "label_smoothing": 0.3}
    value, gradients = p.network_gradients([identity_layer(width, dtype)], spec, x, y, None)
    expected, dlogits = ref.loss_and_gradient(
        spec["type"], x.astype(np.float64), y.astype(np.float64), smoothing=0.3
    )
    assert value == pytest.approx(expected, rel=TOLERANCE[dtype])
    assert ref.relative_error(gradients[0]["bias"], dlogits.sum(0)) <= p.GRADIENT_TOLERANCE[dtype]


WAYS = {
    "column": lambda y: y[..., None],
    "int8": lambda y: y.astype("int8"),
    "one-hot ints": lambda y: np.eye(CLASSES, dtype=int)[y],
    "one-hot bools": lambda y: np.eye(CLASSES, dtype=bool)[y],
    "one-hot floats": lambda y: np.eye(CLASSES, dtype="float32")[y],
    "one-hot list": lambda y: np.eye(CLASSES)[y].tolist(),
}


@pytest.mark.parametrize("steps", [None, STEPS])
@pytest.mark.parametrize("way", WAYS)
def test_labels_teach_alike_however_they_are_written(way, steps):
    _, y = class_data(steps)
    history, weights = trained(y)
    found_history, found_weights = trained(WAYS[way](y))
    assert found_history == history
    p.assert_same_weights(found_weights, weights)


def test_labels_of_pandas():
    pd = pytest.importorskip("pandas")
    _, y = class_data()
    _, weights = trained(y)
    frame = pd.DataFrame({"y": y})
    for given_y in (frame[["y"]], frame["y"], pd.get_dummies(frame["y"])):
        p.assert_same_weights(trained(given_y)[1], weights)


def test_accuracy_under_soft_labels_is_by_the_likeliest_class():
    x, _ = class_data()
    soft = soft_rows(np.random.default_rng(1), (SAMPLES,))
    model = make_model(CLASSES)
    right = model.predict(x).argmax(axis=-1) == soft.argmax(axis=-1)
    found = model.evaluate(x, soft, loss=CE, metrics="accuracy", batch_size=7)
    assert found["accuracy"] == pytest.approx(right.mean())
    assert 0 < right.mean() < 1


def test_a_metric_function_sees_the_targets_as_they_were_given():
    x, y = class_data()
    hot = np.eye(CLASSES)[y]

    def share(y_true, y_pred):
        assert y_true.shape == y_pred.shape
        return (y_true.argmax(-1) == y_pred.argmax(-1)).mean()

    found = make_model(CLASSES).evaluate(x, hot, loss=CE, metrics=[share, "accuracy"])
    assert found["share"] == pytest.approx(found["accuracy"])


class TestIgnoredLabels:
    LOSS = ln.CategoricalCrossentropy(ignore_index=-100)

    def test_ignored_rows_are_as_masked_ones(self):
        x, y = class_data(STEPS)
        mask = np.random.default_rng(1).uniform(size=y.shape) < 0.7
        options = {"epochs": 2, "metrics": ["accuracy"], "class_weight": {1: 3.0}}
        # Some batches have no row that counts.
        mask[:9] = False
        masked, ignored = (make_model(CLASSES, return_sequences=True) for _ in range(2))
        weights = mask.astype(float)
        expected = fit(masked, x, y, loss=CE, sample_weight=weights, shuffle=False, **options)
        labels = np.where(mask, y, -100)
        found = fit(ignored, x, labels, loss=self.LOSS, shuffle=False, **options)
        assert found.history == expected.history
        p.assert_same_weights(ignored.state_dict(), masked.state_dict())

    def test_one_of_the_classes_may_be_the_ignored_one(self):
        x, y = class_data()
        loss = ln.CategoricalCrossentropy(ignore_index=1)
        model = make_model(CLASSES)
        found = model.evaluate(x, y, loss=loss, metrics="accuracy")
        keep = y != 1
        expected = model.evaluate(x[keep], y[keep], loss=CE, metrics="accuracy")
        assert found == pytest.approx(expected, rel=1e-12)

    def test_in_lists_of_sequences(self):
        rng = np.random.default_rng(0)
        tokens, labels = padded.tokens(rng, 7), padded.tokens(rng, 3)
        model = ln.Sequential([ln.Embedding(7, 4), ln.GRU(4), ln.Dense(3)], seed=0)
        marked = [np.where(np.arange(len(y)) % 2 == 1, -100, y) for y in labels]
        weights = [1.0 - np.arange(len(y)) % 2 for y in labels]
        found = model.evaluate(tokens, marked, loss=self.LOSS, metrics="accuracy", batch_size=2)
        expected = model.evaluate(
            tokens, labels, loss=CE, metrics="accuracy", sample_weight=weights, batch_size=2
        )
        assert found == pytest.approx(expected, rel=1e-12)

    def test_what_cannot_be_is_refused(self):
        x, y = class_data()
        model = make_model(CLASSES)
        with pytest.raises(ValueError, match=r"y: labels must lie in \[0, 3\).* is -1 at"):
            model.fit(x, np.where(y == 1, -1, y), loss=self.LOSS)
        with pytest.raises(ValueError, match=r"y: no row counts.*ignore_index"):
            model.fit(x, np.full(SAMPLES, -100), loss=self.LOSS)
        with pytest.raises(
            ValueError, match=r"ignore_index needs class indices, such as y\.argmax"
        ):
            model.fit(x, np.eye(CLASSES)[y], loss=self.LOSS)


def test_lists_of_soft_labels_are_as_padded_ones():
    rng = np.random.default_rng(0)
    tokens = padded.tokens(rng, 7)
    lengths = [len(part) for part in tokens]
    soft = [soft_rows(rng, (n,)) for n in lengths]
    model = ln.Sequential([ln.Embedding(7, 4), ln.GRU(4), ln.Dense(3)], dtype="float64", seed=0)
    found = model.evaluate(tokens, soft, loss=CE, metrics="accuracy", batch_size=2)
    steps = max(lengths)
    x, y = np.zeros((5, steps), int), np.zeros((5, steps, 3))
    for i, n in enumerate(lengths):
        x[i, :n], y[i, :n] = tokens[i], soft[i]
    expected = model.evaluate(x, y, loss=CE, metrics="accuracy", lengths=np.array(lengths))
    assert found == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match=r"y\[\d\]: expected class indices in all sequences, or"):
        model.evaluate(tokens, [*soft[:-1], soft[-1].argmax(-1)], loss=CE)


X, LABELS = class_data()
HOT = np.eye(CLASSES)[LABELS]
REFUSED = {
    "floats": (LABELS * 1.0, TypeError, r"y: labels .*float64; .*y.astype\('int64'\)"),
    "bools": (LABELS > 0, TypeError, r"bool; class indices are needed: y.astype\('int64'\)"),
    "strings": (LABELS.astype(str), TypeError, r"got <U21; names become .*np.unique\(y, return"),
    "objects": (LABELS.astype(object), TypeError, r"got object; if they are integers, use y.as"),
    "logits": (X[:, 0], ValueError, r"one-hot rows or probabilities.*but y\[0\] sums to"),
    "two classes": (HOT + np.roll(HOT, 1, 1), ValueError, r"sums to 2 .*binary_crossentropy"),
    "no class": (HOT * [1, 1, 0], ValueError, r"y\[\d+\] sums to 0 "),
    "negative": (HOT * 3 - 2 / 3, ValueError, "lowest value of -0.66"),
    "NaN": (np.where(HOT > 0, np.nan, 0.0), ValueError, "y must be finite"),
    "counts": (HOT.astype(int) * 5, ValueError, r"y\[0\] sums to 5"),
    "columns": (HOT[:, :2], ValueError, r"shape \(20,\), or one-hot rows.* \(20, 3\), got \(20, 2"),
    "too long": (np.append(LABELS, 1), ValueError, "x has 20 samples but y has 21"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_targets_that_are_none_are_refused_with_what_to_write(case):
    y, error, told = REFUSED[case]
    model = make_model(CLASSES)
    model.predict(X)
    before = model.state_dict()
    with pytest.raises(error, match=told):
        fit(model, X, y, loss=CE)
    p.assert_same_weights(model.state_dict(), before)


@pytest.mark.parametrize(
    ("units", "loss", "y", "told"),
    [
        (3, "mse", LABELS, "class labels go with categorical_crossentropy"),
        (3, "binary_crossentropy", LABELS[:, None], "labels go with categorical_crossentropy"),
        (1, "binary_crossentropy", HOT[:, :2], r"give y\[\.\.\., 1\], or two outputs"),
    ],
)
def test_labels_under_another_loss_say_which_takes_them(units, loss, y, told):
    with pytest.raises(ValueError, match=f"y: expected shape .*{told}"):
        fit(make_model(units), X, y, loss=loss)


def test_binary_targets_of_other_kinds_say_how_they_become_zero_and_one():
    loss = "binary_crossentropy"
    with pytest.raises(TypeError, match="expects targets from 0 to 1, got <U3; names become"):
        fit(make_model(1), X, np.where(LABELS > 0, "yes", "no"), loss=loss)
    with pytest.raises(ValueError, match=r"-1 and 1 become 0 and 1 with \(y \+ 1\) / 2"):
        fit(make_model(1), X, np.where(LABELS > 0, 1.0, -1.0), loss=loss)


@pytest.mark.parametrize("kind", [int, bool])
def test_integers_for_values_name_the_argument(kind):
    y = LABELS[:, None].astype(kind)
    with pytest.raises(TypeError, match=r"y must be float.*convert with y.astype\('float32'\)"):
        fit(make_model(1), X, y)
    with pytest.raises(TypeError, match=r"convert with sample_weight.astype\('float32'\)"):
        fit(make_model(1), X, y * 1.0, sample_weight=np.ones(SAMPLES, kind))


def test_a_file_has_the_settings_of_a_loss_and_no_line_more(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "m.lstm"
    for loss, expected in (
        (CE, {"type": CE}),
        ("binary_crossentropy", {"type": "binary_crossentropy"}),
        (
            ln.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25, ignore_index=-1),
            {"type": CE, "from_logits": True, "label_smoothing": 0.25, "ignore_index": -1},
        ),
    ):
        model = make_model(CLASSES)
        y = HOT if loss == "binary_crossentropy" else LABELS
        fit(model, X, y, loss=loss, epochs=1)
        model.save(path)
        with safe_open(path, "numpy") as file:
            assert json.loads(file.metadata()["trainer"])["loss"] == expected
        assert ln.load_model(path).loss == ln.losses.parse(loss)
