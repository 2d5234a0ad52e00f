"""Losses against the reference: values, gradients, weights, masks, extreme logits."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import assume, given
from hypothesis import strategies as st

import lstm_native as ln

LOSSES = st.sampled_from(ref.LOSSES)
TOLERANCE = {np.dtype("float32"): 4e-6, np.dtype("float64"): 1e-13}


def identity_layer(width: int, dtype: np.dtype):
    """A Dense layer that answers its input: the network's output is what the test chose."""
    layer = p.make_layer(p.dense_spec(width), width, dtype)
    layer.set_parameters({"weight": np.eye(width, dtype=dtype), "bias": np.zeros(width, dtype)})
    return layer


def make_target(loss: str, rng, rows: tuple[int, ...], width: int, dtype) -> np.ndarray:
    if loss == "categorical_crossentropy":
        return rng.integers(0, width, rows)
    if loss == "binary_crossentropy":
        return rng.uniform(0, 1, (*rows, width)).round(rng.integers(0, 3)).astype(dtype)
    return p.normal(rng, (*rows, width), dtype)


def make_spec(loss: str, delta: float) -> p.Spec:
    return {"type": loss, "delta": delta} if loss == "huber" else {"type": loss}


@given(
    loss=LOSSES,
    n=st.integers(1, 40),
    t=st.none() | st.integers(1, 7),
    width=st.integers(1, 33),
    weighted=st.booleans(),
    delta=st.sampled_from([0.3, 1.0, 2.5]),
    seed=p.seeds,
)
def test_loss_and_its_gradient_match_the_reference(
    isa, dtype, threads, loss, n, t, width, weighted, delta, seed
):
    assume(width > 1 or loss != "categorical_crossentropy")  # which is refused
    rng = np.random.default_rng(seed)
    rows = (n,) if t is None else (n, t)
    x = p.normal(rng, (*rows, width), dtype)
    y = make_target(loss, rng, rows, width, dtype)
    weights = None
    if weighted:
        weights = rng.uniform(0, 3, rows).astype(dtype) * (rng.uniform(size=rows) < 0.7)
        weights.flat[0] = 1.0
    layer = identity_layer(width, dtype)

    value, gradients = p.network_gradients([layer], make_spec(loss, delta), x, y, weights)
    evaluated = p.network_loss([layer], make_spec(loss, delta), x, y, weights)

    wide = x.astype(np.float64)
    expected, dlogits = ref.loss_and_gradient(
        loss,
        wide,
        y if loss == "categorical_crossentropy" else y.astype(np.float64),
        None if weights is None else weights.astype(np.float64),
        delta=delta,
    )
    _, dw, db = ref.dense_backward(dlogits, wide, wide, np.eye(width))
    tolerance = TOLERANCE[dtype]
    assert value == evaluated
    assert value == pytest.approx(expected, rel=tolerance, abs=tolerance)
    # Gradients of single rows may cancel in the sum, so that the sum's own size says nothing:
    # judged by the largest gradient of a row times the number of rows.
    scale = max(np.abs(dlogits).sum(), 1e-30)
    limit = p.GRADIENT_TOLERANCE[dtype] * scale
    assert np.abs(gradients[0]["bias"] - db).max() <= limit
    assert np.abs(gradients[0]["weight"] - dw).max() <= limit * np.abs(wide).max()


@pytest.mark.parametrize("size", [30.0, 1000.0, 3e4])
@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_cross_entropies_of_extreme_logits_do_not_overflow(isa, dtype, loss, size):
    """Right and wrong by far: 0 and the distance, with gradients of 0 and +-1 per row."""
    layer = identity_layer(2, dtype)
    if loss == "categorical_crossentropy":
        # The loss of the wrong class is the distance of the logits.
        x, y = np.array([[0.0, size], [0.0, size]], dtype), np.array([1, 0])
        expected = size / 2
    else:
        x = np.array([[size, -size], [size, -size]], dtype)
        y = np.array([[1.0, 0.0], [0.0, 1.0]], dtype)
        expected = size / 2
    value, gradients = p.network_gradients([layer], {"type": loss}, x, y, None)
    assert value == pytest.approx(expected, rel=1e-6)
    _, dlogits = ref.loss_and_gradient(loss, x.astype(np.float64), y.astype(np.int64))
    assert np.abs(gradients[0]["bias"] - dlogits.sum(axis=0)).max() <= 1e-6


@pytest.mark.parametrize("loss", ref.LOSSES)
def test_a_masked_row_is_as_if_it_were_not_there(isa, dtype, loss):
    """Weight 0 keeps a row out of loss and gradient, whatever stands in it."""
    rng = np.random.default_rng(3)
    layer = identity_layer(4, dtype)
    x, y = p.normal(rng, (6, 4), dtype), make_target(loss, rng, (6,), 4, dtype)
    weights = np.array([1, 0, 2, 1, 0, 1], dtype)
    keep = weights > 0
    x_strange = x.copy()
    x_strange[~keep] = 1e18
    value, gradients = p.network_gradients([layer], {"type": loss}, x_strange, y, weights)
    expected, of_rest = p.network_gradients(
        [layer], {"type": loss}, x[keep], y[keep], weights[keep]
    )
    assert value == pytest.approx(expected, rel=TOLERANCE[dtype])
    tolerance = p.GRADIENT_TOLERANCE[dtype]
    for name in of_rest[0]:
        assert ref.relative_error(gradients[0][name], of_rest[0][name]) <= tolerance


def test_rows_pick_the_batch_out_of_the_arrays(isa, dtype, threads):
    """`rows` names samples of x, y and weights: the same as handing in just those."""
    rng = np.random.default_rng(0)
    layer = p.make_layer(p.lstm_spec(5), 2, dtype)
    layers = [layer, p.make_layer(p.dense_spec(3), 5, dtype)]
    x, y = p.normal(rng, (8, 4, 2), dtype), rng.integers(0, 3, (8, 4))
    weights = rng.uniform(0.5, 1, (8, 4)).astype(dtype)
    spec = {"type": "categorical_crossentropy"}
    trainer = p.make_trainer(layers, dtype, spec, {"type": "sgd"})
    rows = np.array([6, 1, 1, 3], np.int64)
    picked = trainer.evaluate(x, y, weights, rows, output=True)
    by_hand = trainer.evaluate(x[rows], y[rows], weights[rows], None, output=True)
    assert picked[:2] == by_hand[:2]
    assert picked[1] == pytest.approx(weights[rows].astype(np.float64).sum(), rel=1e-6)
    p.assert_same_bits(picked[4], by_hand[4])


def test_a_batch_without_weight_has_no_loss_and_no_gradient(isa, dtype):
    """All rows of one batch masked: nothing to learn, and nothing divided by zero."""
    layer = identity_layer(3, dtype)
    x = np.ones((2, 3), dtype)
    value, gradients = p.network_gradients(
        [layer], {"type": "mse"}, x, np.zeros((2, 3), dtype), np.zeros(2, dtype)
    )
    assert value == 0.0
    assert not any(gradient.any() for gradient in gradients[0].values())


class TestThroughSequential:
    """The same numbers through the public face."""

    def model(self, units: int, dtype: str = "float64", **options) -> ln.Sequential:
        return ln.Sequential([ln.LSTM(6, **options), ln.Dense(units)], dtype=dtype, seed=1)

    @pytest.mark.parametrize("per_step", [False, True])
    @pytest.mark.parametrize("loss", ref.LOSSES)
    def test_evaluate_matches_the_reference(self, loss, per_step):
        rng = np.random.default_rng(0)
        model = self.model(3, return_sequences=per_step)
        rows = (7, 4) if per_step else (7,)
        x = rng.standard_normal((7, 4, 2))
        y = make_target(loss, rng, rows, 3, np.dtype("float64"))
        weights = rng.uniform(0, 1, rows)
        mask = rng.uniform(size=rows) < 0.6
        output = model.predict(x)
        plain = model.evaluate(x, y, loss=loss, batch_size=3)["loss"]
        assert plain == pytest.approx(ref.loss_and_gradient(loss, output, y)[0], rel=1e-12)
        both = model.evaluate(x, y, loss=loss, batch_size=3, sample_weight=weights, mask=mask)
        expected = ref.loss_and_gradient(loss, output, y, weights * mask)[0]
        assert both["loss"] == pytest.approx(expected, rel=1e-12)

    def test_a_weight_per_sample_counts_for_each_of_its_steps(self):
        rng = np.random.default_rng(0)
        model = self.model(2)
        x, y = rng.standard_normal((5, 4, 2)), rng.standard_normal((5, 4, 2))
        weights = rng.uniform(0, 1, 5)
        per_sample = model.evaluate(x, y, loss="mse", sample_weight=weights)["loss"]
        per_step = np.repeat(weights[:, None], 4, axis=1)
        expected = ref.loss_and_gradient("mse", model.predict(x), y, per_step)[0]
        assert per_sample == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("delta", [0.25, 1.0, 3.0])
    def test_huber_has_its_delta(self, delta):
        rng = np.random.default_rng(0)
        model = self.model(1, return_sequences=False)
        x, y = rng.standard_normal((9, 4, 2)), 3 * rng.standard_normal((9, 1))
        found = model.evaluate(x, y, loss=ln.Huber(delta))["loss"]
        expected = ref.loss_and_gradient("huber", model.predict(x), y, delta=delta)[0]
        assert found == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("integer", ["int8", "uint8", "int16", "int32", "uint32", "int64"])
    def test_labels_of_any_integer_type(self, integer):
        rng = np.random.default_rng(0)
        model = self.model(3)
        x, y = rng.standard_normal((4, 5, 2)), rng.integers(0, 3, (4, 5))
        loss = "categorical_crossentropy"
        expected = model.evaluate(x, y, loss=loss)
        assert model.evaluate(x, y.astype(integer), loss=loss) == expected

    def test_loss_of_an_epoch_is_the_weighted_mean_over_its_rows(self):
        """Not the mean of batch means: the last batch is smaller, and weights differ."""
        rng = np.random.default_rng(0)
        model = self.model(1, return_sequences=False)
        x, y = rng.standard_normal((7, 4, 2)), rng.standard_normal((7, 1))
        weights = rng.uniform(0, 1, 7)
        model.predict(x)
        before = ref.loss_and_gradient("mse", model.predict(x), y, weights)[0]
        history = model.fit(
            x,
            y,
            batch_size=3,
            loss="mse",
            optimizer=ln.SGD(1e-12),
            sample_weight=weights,
            verbose=False,
        )
        assert history.history["loss"][0] == pytest.approx(before, rel=1e-9)
