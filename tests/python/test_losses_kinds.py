"""Likelihoods, quantiles, mixtures, focal and cosine losses: values, gradients, refusals."""

from __future__ import annotations

import os

import numpy as np
import pytest
import reference as ref

import lstm_native as ln
from lstm_native import losses

os.environ.setdefault("KERAS_BACKEND", "torch")

VALUES = {np.dtype("float32"): 3e-6, np.dtype("float64"): 1e-12}
GRADIENTS = {np.dtype("float32"): 2e-5, np.dtype("float64"): 1e-7}
FEATURES = 3

# What a loss's targets are, and how many outputs it has for three of them.
COUNTS, REAL, UNIT, CLASSES, PEN, NONE = "counts", "real", "unit", "classes", "pen", "none"
KINDS = {
    "quantile": (REAL, 3 * FEATURES),
    "poisson": (COUNTS, FEATURES),
    "negative_binomial": (COUNTS, 2 * FEATURES),
    "gaussian": (REAL, 2 * FEATURES),
    "student_t": (REAL, 3 * FEATURES),
    "gaussian_mixture_2d": (PEN, 1 + 6 * 4),
    "unit_gaussian_kl": (NONE, 2 * FEATURES),
    "binary_focal": (UNIT, FEATURES),
    "categorical_focal": (CLASSES, FEATURES),
    "cosine": (REAL, FEATURES),
}
OPTIONS = {
    "quantile": [{"quantiles": (0.05, 0.5, 0.7)}],
    "poisson": [{"link": "exp"}],
    "negative_binomial": [{"link": "exp"}],
    "gaussian": [{"link": "exp"}],
    "student_t": [{"link": "exp"}],
    "gaussian_mixture_2d": [{"link": "softplus"}, {"minimum_scale": 0.3}, {"pen": False}],
    "binary_focal": [{"gamma": 0.0}, {"gamma": 0.5, "alpha": 0.25}],
    "categorical_focal": [{"gamma": 0.5}, {"gamma": 0.0}],
}
CASES = [(name, {}) for name in KINDS] + [(k, o) for k, list_ in OPTIONS.items() for o in list_]


def targets(kind: str, rng, rows: int, options, dtype):
    if kind == NONE:
        return None
    if kind == CLASSES:
        return rng.integers(0, FEATURES, rows)
    y = rng.standard_normal((rows, FEATURES))
    if kind == COUNTS:
        y = rng.integers(0, 40, y.shape)
    if kind == UNIT:
        y = rng.uniform(0, 1, y.shape)
    if kind == PEN:
        y[:, 2] = y[:, 2] > 0
        y = y if options.get("pen", True) else y[:, :2]
    return np.ascontiguousarray(y, dtype=dtype)


def problem(name: str, options, dtype, rows: int = 7):
    kind, outputs = KINDS[name]
    rng = np.random.default_rng(len(name))
    outputs -= not options.get("pen", True)
    o = np.ascontiguousarray(1.5 * rng.standard_normal((rows, outputs)), dtype=dtype)
    return (
        losses.Loss.from_json(losses.parse(name).to_json()).__class__(**options),
        o,
        targets(kind, rng, rows, options, dtype),
    )


def in_double(array):
    return array.astype("float64") if array is not None and array.dtype.kind == "f" else array


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_value_and_gradient_are_those_of_the_definition(isa, dtype, case, weighted):
    name, options = case
    loss, o, y = problem(name, options, dtype)
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2, len(o)).astype(dtype) if weighted else None
    if weighted:
        weights[2] = 0

    def mean(at):
        rows = ref.ROW_LOSSES[name](at, in_double(y), **options)
        return np.average(rows, weights=weights)

    value, gradient = loss.value_and_gradient(y, o, sample_weight=weights)
    assert value == pytest.approx(mean(in_double(o)), rel=VALUES[dtype], abs=VALUES[dtype])
    slopes = ref.central_difference(mean, in_double(o))
    assert gradient.dtype == dtype
    assert ref.relative_error(gradient, slopes) <= GRADIENTS[dtype]
    if weighted:
        assert not gradient[2].any()


@pytest.mark.parametrize("name", KINDS)
def test_a_masked_row_may_hold_anything(dtype, name):
    loss, o, y = problem(name, {}, dtype)
    weights = np.ones(len(o), dtype)
    weights[4] = 0
    expected = loss.value_and_gradient(y, o, sample_weight=weights)
    o = o.copy()
    o[4] = 1e30
    found = loss.value_and_gradient(y, o, sample_weight=weights)
    assert found[0] == expected[0]
    assert np.array_equal(found[1], expected[1])


@pytest.mark.parametrize("name", sorted(KINDS.keys() - {"unit_gaussian_kl"}))
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_outputs_of_any_size_have_finite_losses(dtype, name, size):
    """Of Kullback-Leibler it is not so: exp(1e4) is its value."""
    loss, o, y = problem(name, {}, dtype, rows=64)
    o = np.where(o > 0, dtype.type(size), dtype.type(-size))
    value, gradient = loss.value_and_gradient(y, o)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_negative_binomial_of_no_shape_is_poisson():
    y = np.array([[0.0], [3.0], [400.0]])
    mean = np.array([[0.3], [-1.0], [350.0]])
    poisson, slopes = losses.Poisson().value_and_gradient(y, mean)
    for shape in (-25.0, -40.0, -1e4):
        o = np.concatenate([mean, np.full_like(mean, shape)], axis=1)
        found, gradient = losses.NegativeBinomial().value_and_gradient(y, o)
        assert found == pytest.approx(poisson, rel=1e-6 if shape == -25 else 1e-11)
        assert ref.relative_error(gradient[:, :1], slopes) <= 1e-6


@pytest.mark.parametrize("shape", [-30.0, -12.0, -5.0, -2.2, -2.1, 0.0, 8.0])
def test_a_negative_binomial_changes_with_its_shape_as_its_differences_say(shape):
    """From nearly Poisson, where the definition cancels, to a heavy tail: both series meet."""
    loss = losses.NegativeBinomial("exp")
    for y in (0.0, 1.0, 17.0, 300.0):
        target = np.array([[y]])

        def value(at, target=target):
            return loss.value_and_gradient(target, at)[0]

        at = np.array([[2.0, shape]])
        slopes = ref.central_difference(value, at, step=1e-2)
        found = loss.value_and_gradient(target, at)[1]
        assert np.abs(found - slopes).max() <= 1e-7 * max(1.0, np.abs(slopes).max())


class TestDistributions:
    """What outputs stand for."""

    COUNT = 40_000

    @pytest.mark.parametrize("name", ["poisson", "negative_binomial", "gaussian", "student_t"])
    def test_samples_have_the_mean_and_the_variance(self, name):
        loss, o, _ = problem(name, {}, np.dtype("float64"), rows=2)
        o[:, -FEATURES:] = np.abs(o[:, -FEATURES:]) + (5 if name == "student_t" else 0)
        draws = loss.sample(o, seed=0, count=self.COUNT)
        assert draws.shape == (self.COUNT, 2, FEATURES)
        deviation = np.sqrt(loss.variance(o))
        assert (np.abs(draws.mean(axis=0) - loss.mean(o)) <= 0.03 * deviation).all()
        assert np.allclose(draws.std(axis=0), deviation, rtol=0.05)
        assert np.array_equal(loss.sample(o, seed=3), loss.sample(o, seed=3))
        assert loss.mean(o.astype("float32")).dtype == np.float32

    def test_a_gaussian_has_its_quantiles(self):
        o = np.array([[1.0, 0.5]])
        loss = losses.Gaussian()
        draws = loss.sample(o, seed=1, count=self.COUNT)
        for q in (0.1, 0.5, 0.95):
            assert (draws < loss.quantile(o, q)).mean() == pytest.approx(q, abs=0.01)

    def test_a_mixture_draws_points_and_pens(self):
        loss, o, _ = problem("gaussian_mixture_2d", {}, np.dtype("float64"), rows=1)
        draws = loss.sample(np.repeat(o, self.COUNT, axis=0), seed=0)
        assert draws.shape == (self.COUNT, 3)
        assert set(np.unique(draws[:, 2])) == {0.0, 1.0}
        assert np.allclose(draws.mean(axis=0), loss.mean(o)[0], atol=0.06 * draws.std(axis=0).max())
        of = loss.parameters(o)
        second = 0.0  # E[x x'], from the covariance matrices
        for j in range(4):
            s1, s2 = of["scales"][0, j]
            off = of["correlations"][0, j] * s1 * s2
            m = of["means"][0, j]
            covariance = np.array([[s1**2, off], [off, s2**2]])
            second += of["weights"][0, j] * (covariance + np.outer(m, m))
        found = draws[:, :2].T @ draws[:, :2] / self.COUNT
        assert np.allclose(found, second, atol=0.05 * np.abs(second).max())

    def test_quantiles_are_blocks(self):
        loss = losses.Quantile([0.1, 0.6])
        o = np.arange(8.0).reshape(2, 4)
        assert loss.split(o).shape == (2, 2, 2)
        assert np.array_equal(loss.point(o), o[:, 2:])  # 0.6 is nearest to the median
        with pytest.raises(ValueError, match="expected a multiple of 2 features"):
            loss.split(np.zeros((2, 3)))


class TestFit:
    """Models end with as many outputs as the loss has parameters, and learn."""

    @pytest.mark.parametrize("name", KINDS)
    @pytest.mark.parametrize("sequences", [False, True])
    def test_training_lowers_the_loss(self, name, sequences):
        kind, outputs = KINDS[name]
        rng = np.random.default_rng(0)
        rows = (12, 5) if sequences else (12,)
        x = rng.standard_normal((12, 5, 2)).astype("float32")
        y = targets(kind, rng, int(np.prod(rows)), {}, "float32")
        if y is not None:
            y = y.reshape(*rows, *y.shape[1:])
        model = ln.Sequential([ln.LSTM(8, return_sequences=sequences), ln.Dense(outputs)], seed=0)
        lengths = rng.integers(1, 6, 12)
        history = model.fit(
            x,
            y,
            loss=name,
            epochs=15,
            lengths=lengths,
            optimizer=ln.Adam(0.03),
            seed=0,
            verbose=False,
        ).history["loss"]
        assert history[-1] < history[0]
        again = model.evaluate(x, y, lengths=lengths)["loss"]
        assert again <= history[-1] + 0.1 * abs(history[-1])
        restored = ln.load_model(model.to_bytes())
        assert restored.loss == model.loss
        assert restored.evaluate(x, y, lengths=lengths)["loss"] == again

    def test_errors_are_those_of_the_mean(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((20, 3)).astype("float32")
        y = rng.standard_normal((20, 2)).astype("float32")
        model = ln.Sequential([ln.Dense(4)], seed=0)
        loss = losses.Gaussian()
        found = model.evaluate(x, y, loss=loss, metrics=["mae", "rmse"])
        error = loss.mean(model.predict(x)) - y
        assert found["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-6)
        assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-6)

    def test_windows_of_time(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((6, 12, 2)).astype("float32")
        y = rng.standard_normal((6, 12, 1)).astype("float32")
        model = ln.Sequential([ln.LSTM(5), ln.Dense(3)], seed=0)
        history = model.fit(x, y, loss="quantile", tbptt=4, epochs=8, seed=0, verbose=False)
        assert history.history["loss"][-1] < history.history["loss"][0]


class TestRefusals:
    """What does not fit is said before anything is trained."""

    @pytest.mark.parametrize(
        ("name", "outputs", "told"),
        [
            ("quantile", 4, "quantile expects a multiple of 3 outputs"),
            ("gaussian", 3, "gaussian expects a multiple of 2 outputs"),
            ("student_t", 4, "student_t expects a multiple of 3 outputs"),
            ("gaussian_mixture_2d", 6, "expects 1 \\+ 6 outputs for each component, got 6"),
            ("unit_gaussian_kl", 1, "expects a multiple of 2 outputs"),
        ],
    )
    def test_outputs(self, name, outputs, told):
        x = np.zeros((4, 2), "float32")
        y = None if name == "unit_gaussian_kl" else np.zeros((4, 1), "float32")
        model = ln.Sequential([ln.Dense(outputs)])
        with pytest.raises(ValueError, match=told):
            model.fit(x, y, loss=name, verbose=False)
        assert model.loss is None

    def test_targets(self):
        x = np.zeros((4, 2), "float32")
        model = ln.Sequential([ln.Dense(4)])
        for name, y, told in (
            ("gaussian", np.zeros((4, 4)), r"y: expected shape \(4, 2\), got \(4, 4\)"),
            ("negative_binomial", np.full((4, 2), -1.0), "expects counts >= 0, got -1 in row 0"),
            ("unit_gaussian_kl", np.zeros((4, 2)), "has no targets.*leave y away"),
            ("binary_focal", np.full((4, 4), 2.0), "targets from 0 to 1"),
        ):
            with pytest.raises(ValueError, match=told):
                model.fit(x, y, loss=name, epochs=1, verbose=False)
        with pytest.raises(TypeError, match="y is missing"):
            model.fit(x, loss="gaussian", verbose=False)
        with pytest.raises(ValueError, match="no targets to measure against"):
            model.fit(x, loss="unit_gaussian_kl", metrics="mae", verbose=False)

    def test_a_pen_that_is_neither_up_nor_down(self):
        y = np.array([[0.0, 0.0, 2.0]])
        with pytest.raises(ValueError, match="the pen to be 1 \\(lifted\\) or 0, got 2 in row 0"):
            losses.GaussianMixture2D().value_and_gradient(y, np.zeros((1, 7)))

    @pytest.mark.parametrize(
        ("make", "told"),
        [
            (lambda: losses.Quantile([0.5, 0.1]), "quantiles must be ascending"),
            (lambda: losses.Quantile([]), "quantiles must be ascending"),
            (lambda: losses.Quantile([1.0]), "quantiles must be finite and > 0 and < 1"),
            (lambda: losses.Gaussian("log"), "link must be one of"),
            (lambda: losses.StudentT(minimum_scale=-1), "minimum_scale must be"),
            (lambda: losses.BinaryFocal(gamma=-1), "gamma must be"),
            (lambda: losses.BinaryFocal(alpha=1), "alpha must be"),
            (lambda: losses.CTC(blank=-1), "blank must be at least 0"),
        ],
    )
    def test_settings(self, make, told):
        with pytest.raises(ValueError, match=told):
            make()


class TestTorch:
    """The same numbers as PyTorch's losses and distributions."""

    @staticmethod
    def check(loss, y, o, theirs):
        torch = pytest.importorskip("torch")
        at = torch.tensor(o, requires_grad=True)
        value = theirs(torch, at, torch.tensor(y)).mean()
        value.backward()
        found, gradient = loss.value_and_gradient(y, o)
        assert found == pytest.approx(value.item(), rel=1e-11)
        assert ref.relative_error(gradient, at.grad.numpy()) <= 1e-9

    def test_gaussian(self):
        loss, o, y = problem("gaussian", {"link": "exp", "minimum_scale": 0.0}, np.dtype("f8"))
        self.check(
            loss,
            y,
            o,
            lambda torch, at, y: torch.nn.GaussianNLLLoss(full=True, reduction="none")(
                at[:, :3], y, at[:, 3:].exp() ** 2
            ),
        )

    def test_poisson(self):
        loss, o, y = problem("poisson", {"link": "exp"}, np.dtype("f8"))
        self.check(
            loss,
            y,
            o,
            lambda torch, at, y: (
                torch.nn.PoissonNLLLoss(reduction="none")(at, y) + torch.lgamma(y + 1)
            ),
        )

    def test_negative_binomial(self):
        loss, o, y = problem("negative_binomial", {}, np.dtype("f8"))

        def theirs(torch, at, y):
            mean, shape = torch.nn.functional.softplus(at).chunk(2, dim=-1)
            return -torch.distributions.NegativeBinomial(
                1 / shape, logits=(mean * shape).log()
            ).log_prob(y)

        self.check(loss, y, o, theirs)

    def test_student_t(self):
        loss, o, y = problem("student_t", {}, np.dtype("f8"))

        def theirs(torch, at, y):
            m, s, v = at.chunk(3, dim=-1)
            plus = torch.nn.functional.softplus
            return -torch.distributions.StudentT(2 + plus(v), m, plus(s) + 1e-6).log_prob(y)

        self.check(loss, y, o, theirs)

    def test_mixture(self):
        loss, o, y = problem("gaussian_mixture_2d", {}, np.dtype("f8"))

        def theirs(torch, at, y):
            d = torch.distributions
            w, m1, m2, s1, s2, r = at[:, 1:].chunk(6, dim=-1)
            s1, s2, r = s1.exp() + 1e-6, s2.exp() + 1e-6, (1 - 1e-9) * r.tanh()
            zero = torch.zeros_like(r)
            factor = torch.stack([s1, zero, r * s2, s2 * (1 - r * r).sqrt()], dim=-1).reshape(
                *r.shape, 2, 2
            )
            points = d.MultivariateNormal(torch.stack([m1, m2], dim=-1), scale_tril=factor)
            mixture = d.MixtureSameFamily(d.Categorical(logits=w), points)
            pen = torch.nn.functional.binary_cross_entropy_with_logits(
                at[:, 0], y[:, 2], reduction="none"
            )
            return pen - mixture.log_prob(y[:, :2])

        self.check(loss, y, o, theirs)

    def test_kullback_leibler(self):
        loss, o, _ = problem("unit_gaussian_kl", {}, np.dtype("f8"))
        torch = pytest.importorskip("torch")
        d = torch.distributions
        m, v = torch.tensor(o).chunk(2, dim=-1)
        of = d.kl_divergence(d.Normal(m, (v / 2).exp()), d.Normal(torch.zeros_like(m), 1.0))
        assert loss.value_and_gradient(None, o)[0] == pytest.approx(of.sum(-1).mean().item())

    def test_cosine(self):
        loss, o, y = problem("cosine", {}, np.dtype("f8"))
        self.check(
            loss,
            y,
            o,
            lambda torch, at, y: torch.nn.CosineEmbeddingLoss(reduction="none")(
                at, y, torch.ones(len(y))
            ),
        )


def test_focal_losses_are_those_of_keras():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    o = rng.standard_normal((8, 3)).astype("float32")
    y = rng.integers(0, 2, (8, 3)).astype("float32")
    kind = keras.losses.BinaryFocalCrossentropy
    for alpha in (None, 0.25):
        theirs = kind(alpha is not None, alpha=alpha or 0.5, gamma=2.0, from_logits=True)(y, o)
        ours = losses.BinaryFocal(2.0, alpha).value_and_gradient(y, o)[0]
        assert ours == pytest.approx(float(theirs), rel=1e-5)
    hot = np.eye(3, dtype="float32")[rng.integers(0, 3, 8)]
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, from_logits=True)(hot, o)
    ours = losses.CategoricalFocal().value_and_gradient(hot, o)[0]
    assert ours == pytest.approx(float(theirs), rel=1e-5)
