"""BatchNorm: statistics over true steps in training, running ones else, and who moves them."""

from __future__ import annotations

import contextlib

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st
from plain_calls import answer, remember

import lstm_native as ln

LENGTHS = np.array([5, 0, 2, 3])
SHAPE = (4, 5, 3)


def made(dtype: str, rng: np.random.Generator, features: int = 3, **options) -> tuple:
    """A layer with weights and running statistics that are none of the first ones."""
    layer = ln.BatchNorm(dtype=dtype, **options)
    answer(layer, np.zeros((2, features), dtype))
    values = p.randomise(layer._native, rng)
    values["running_var"] = np.abs(values["running_var"]).astype(dtype).astype(np.float64) + 0.5
    layer.load_state_dict({k: v.astype(dtype) for k, v in values.items()})
    return layer, p.float64(layer.state_dict())


def true_rows(x: np.ndarray, ragged: bool) -> np.ndarray:
    if not ragged:
        return x.reshape(-1, x.shape[-1])
    return np.concatenate([row[:n] for row, n in zip(x, LENGTHS, strict=True)])


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}], ids=str)
@pytest.mark.parametrize("ragged", [False, True], ids=["whole", "lengths"])
def test_training_uses_the_batch_and_a_call_the_running_statistics(dtype, threads, ragged, options):
    rng = np.random.default_rng(0)
    layer, values = made(dtype.name, rng, momentum=0.25, epsilon=1e-3, **options)
    x = p.normal(rng, SHAPE, dtype)
    lengths = {"lengths": LENGTHS} if ragged else {}
    if ragged:
        for row, n in zip(x, LENGTHS, strict=True):
            row[n:] = np.nan
    rows = true_rows(x.astype(np.float64), ragged)
    weight, bias = values.get("weight", np.ones(3)), values.get("bias", np.zeros(3))

    def close(y: np.ndarray, expected: np.ndarray) -> None:
        assert ref.relative_error(true_rows(y, ragged), expected) <= p.FORWARD_TOLERANCE[dtype]
        if ragged:
            for row, n in zip(y, LENGTHS, strict=True):
                assert not row[n:].any()

    running = (values["running_mean"], values["running_var"])
    close(answer(layer, x, **lengths), ref.batch_norm(rows, weight, bias, 1e-3, running))
    y, _ = remember(layer, x, **lengths)
    close(y, ref.batch_norm(rows, weight, bias, 1e-3))
    moved = ref.moved_statistics(rows, *running, 0.25)
    found = layer.state_dict()
    assert ref.relative_error(found["running_mean"], moved[0]) <= p.FORWARD_TOLERANCE[dtype]
    assert ref.relative_error(found["running_var"], moved[1]) <= p.FORWARD_TOLERANCE[dtype]
    close(answer(layer, x, **lengths), ref.batch_norm(rows, weight, bias, 1e-3, moved))


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}], ids=str)
@pytest.mark.parametrize("ragged", [False, True], ids=["whole", "lengths"])
def test_gradients_match_central_differences(threads, ragged, options):
    rng = np.random.default_rng(0)
    layer, values = made("float64", rng, **options)
    x = rng.standard_normal(SHAPE)
    lengths = {"lengths": LENGTHS} if ragged else {}
    y, backward = remember(layer, x, **lengths)
    dy = rng.standard_normal(y.shape)
    dx, gradients = backward(dy)
    trained = [name for name in values if not name.startswith("running")]
    assert list(gradients) == trained

    def value(at: np.ndarray) -> float:
        return float((remember(layer, at, **lengths)[0] * dy).sum())

    assert ref.relative_error(dx, ref.central_difference(value, x)) <= p.DIFFERENCE_TOLERANCE
    for name in trained:

        def of_weight(changed: np.ndarray, name: str = name) -> float:
            layer.load_state_dict({**values, name: changed})
            return value(x)

        expected = ref.central_difference(of_weight, values[name])
        assert ref.relative_error(gradients[name], expected) <= p.DIFFERENCE_TOLERANCE


@given(rows=st.integers(1, 60), features=p.features, padding=st.integers(0, 9), seed=p.seeds)
def test_the_same_bits_on_any_number_of_threads_and_with_any_padding(
    dtype, rows, features, padding, seed
):
    rng = np.random.default_rng(seed)
    x, dy = (p.normal(rng, (3, rows, features), dtype) for _ in range(2))

    def everything(extra: int) -> list[np.ndarray]:
        layer = ln.BatchNorm(dtype=dtype.name)
        wide = np.pad(x, [(0, 0), (0, extra), (0, 0)])
        options = {"lengths": np.full(3, rows)} if extra else {}
        y, backward = remember(layer, wide, **options)
        dx, gradients = backward(np.pad(dy, [(0, 0), (0, extra), (0, 0)]))
        found = [y[:, :rows], dx[:, :rows], *gradients.values(), *layer.state_dict().values()]
        return [np.ascontiguousarray(array) for array in found]

    alone = p.run_on_threads(1, lambda: everything(0))
    for count, extra in ((4, 0), (3, padding)):
        for one, other in zip(
            alone, p.run_on_threads(count, lambda extra=extra: everything(extra)), strict=True
        ):
            p.assert_same_bits(other, one)


def test_rows_do_not_depend_on_one_another_outside_of_training(isa, dtype):
    rng = np.random.default_rng(0)
    layer, _ = made(dtype.name, rng)
    x = p.normal(rng, (6, 3), dtype)
    whole = answer(layer, x)
    for n in range(6):
        p.assert_same_bits(answer(layer, x[n : n + 1]), whole[n : n + 1])


def test_one_row_is_its_own_mean():
    layer = ln.BatchNorm(dtype="float64")
    y, _ = remember(layer, np.array([[3.0, -1.0]]))
    assert not y.any()
    np.testing.assert_allclose(layer.state_dict()["running_mean"], [0.3, -0.1])
    np.testing.assert_allclose(layer.state_dict()["running_var"], [0.9, 0.9])


# -- in models -----------------------------------------------------------------------------------


def model(**options) -> ln.Sequential:
    layers = [ln.Conv1D(4, 3, padding="causal"), ln.BatchNorm(**options), ln.LSTM(3), ln.Dense(1)]
    return ln.Sequential(layers, dtype="float64", seed=0)


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((12, 6, 2)) * 3 + 1, rng.standard_normal((12, 6, 1))


def statistics(found: ln.Sequential) -> list[np.ndarray]:
    return [v for k, v in found.state_dict().items() if "running" in k]


def test_fit_moves_running_statistics_and_nothing_else_does():
    x, y = data()
    made = model()
    made.predict(x)
    first = statistics(made)
    assert not first[0].any()
    made.fit(x, y, epochs=1, batch_size=4, verbose=False, seed=0, shuffle=False)
    moved = statistics(made)
    assert moved[0].any()
    made.predict(x)
    made.evaluate(x, y)
    for one, other in zip(moved, statistics(made), strict=True):
        p.assert_same_bits(one, other)


def test_weight_decay_does_not_reach_running_statistics():
    """Of a step that learns nothing: all weights shrink, the statistics are those of the batch."""
    x, y = data()
    found = []
    for decay in (0.0, 0.5):
        made = model(momentum=1.0)
        made.fit(
            x, y, epochs=1, batch_size=12, verbose=False, seed=0,
            optimizer=ln.AdamW(0.1, weight_decay=decay),
        )  # fmt: skip
        found.append(statistics(made))
    for one, other in zip(*found, strict=True):
        p.assert_same_bits(one, other)


@pytest.mark.filterwarnings("ignore")
def test_a_step_that_is_refused_moves_no_statistics():
    x, y = data()
    made = model()
    made.predict(x)
    before = statistics(made)
    y[0, 0] = 1e200
    history = None
    with contextlib.suppress(ArithmeticError, RuntimeError, ValueError):
        history = made.fit(x, y, epochs=1, batch_size=12, verbose=False, seed=0)
    assert history is None or not np.isfinite(history.history["loss"]).all()
    for one, other in zip(before, statistics(made), strict=True):
        p.assert_same_bits(one, other)


def test_a_saved_model_goes_on_with_the_same_bits(tmp_path):
    x, y = data()
    made = model()
    made.fit(x, y, epochs=2, batch_size=5, verbose=False, seed=0)
    made.save(tmp_path / "m.safetensors")
    loaded = ln.load_model(tmp_path / "m.safetensors")
    p.assert_same_weights(loaded.state_dict(), made.state_dict())
    p.assert_same_bits(loaded.predict(x), made.predict(x))


def test_a_stream_has_the_bits_of_predict():
    x, y = data()
    made = model()
    made.fit(x, y, epochs=1, verbose=False, seed=0)
    stream = made.stream(12)
    expected = made.predict(x)
    for t in range(x.shape[1]):
        p.assert_same_bits(stream.step(x[:, t]), np.ascontiguousarray(expected[:, t]))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"momentum": 1.5}, "momentum must be"),
        ({"momentum": -0.1}, "momentum must be"),
        ({"epsilon": 0.0}, "epsilon must be"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        ln.BatchNorm(**options)


def frozen_models(dtype) -> dict:
    """BatchNorm whose weights are frozen, alone, inside of another layer, and with it."""

    def of(layer, freeze):
        model = ln.Sequential([ln.Dense(3), layer, ln.Dense(1)], seed=0, dtype=dtype.name)
        freeze.trainable = False
        return model

    inner, whole = ln.BatchNorm(), ln.Residual([ln.BatchNorm()])
    alone, plain = ln.BatchNorm(), ln.BatchNorm(scale=False, center=False)
    return {
        "alone": of(alone, alone),
        "without weights": of(plain, plain),
        "inside": of(ln.Residual([inner]), inner),
        "with its container": of(whole, whole),
    }


@pytest.mark.parametrize("name", frozen_models(np.dtype("float32")))
def test_frozen_statistics_are_used_in_training_and_stay(dtype, name):
    """As in Keras: a frozen BatchNorm is at rest, and each row for itself again."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4, 2)).astype(dtype), rng.normal(size=(8, 4, 1)).astype(dtype)
    model = frozen_models(dtype)[name]
    model.predict(x)
    state = model.state_dict()
    state |= {k: 1.0 + rng.random(v.shape) for k, v in state.items() if "running" in k}
    model.load_state_dict(state)
    found = model.gradients(x, y, loss="mse", seed=0)
    assert abs(found[0] - model.evaluate(x, y, loss="mse")["loss"]) <= 1e-6
    parts = [model.gradients(x[i : i + 1], y[i : i + 1], loss="mse", seed=0)[1] for i in range(8)]
    for key, whole in found[1].items():
        mean = np.mean([part[key] for part in parts], axis=0)
        assert np.abs(whole - mean).max() <= 1e-5 * max(1.0, np.abs(mean).max())
    model.fit(x, y, epochs=2, verbose=False, seed=0)
    after = model.state_dict()
    for key, value in state.items():
        assert ("running" in key) <= np.array_equal(after[key], value.astype(dtype)), key
    for layer in model.layers:  # and it learns again once it may
        for one in (layer, *getattr(layer, "layers", ())):
            one.trainable = True
    model.fit(x, y, epochs=1, verbose=False, seed=0)
    assert not any(np.array_equal(model.state_dict()[k], after[k]) for k in state if "running" in k)


def test_a_tape_of_a_frozen_layer_is_that_of_a_layer_at_rest(dtype):
    x = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(dtype)
    layer = ln.BatchNorm(dtype=dtype.name)
    layer.forward(x)
    before = layer.state_dict()
    wanted_y, _, wanted = layer.forward(x, training=False)
    layer.trainable = False
    y, _, tape = layer.forward(x)
    p.assert_same_bits(y, layer(x))
    p.assert_same_bits(y, wanted_y)
    p.assert_same_bits(tape.backward(y)[0], wanted.backward(y)[0])
    p.assert_same_weights(layer.state_dict(), before)


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a model"])
def test_sequences_without_steps_tell_nothing(dtype, inside):
    """Not NaN, nor a row of zeros that moves the statistics."""
    x = np.full((3, 4, 2), np.nan, dtype)
    if not inside:
        layer = ln.BatchNorm(dtype=dtype.name)
        y, _, tape = layer.forward(x, lengths=[0, 0, 0])
        assert not y.any()
        dx, _, grads = tape.backward(np.ones_like(x))
        assert not dx.any()
        assert not any(g.any() for g in grads.values())
        found = layer.state_dict()
    else:
        layers = [ln.BatchNorm(), ln.GRU(3, return_sequences=False), ln.Dense(1)]
        model = ln.Sequential(layers, seed=0, dtype=dtype.name)
        history = model.fit(
            x, np.ones((3, 1), dtype), lengths=[0, 0, 0], epochs=2, verbose=False
        ).history
        assert np.isfinite(history["loss"]).all()
        found = {k.removeprefix("0."): v for k, v in model.state_dict().items() if k[0] == "0"}
    assert not found["running_mean"].any()
    assert (found["running_var"] == 1).all()
