"""AR and TAR: what they add to the loss and to the gradients of a training step, and where not."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln

F64 = np.dtype("float64")
MSE = {"type": "mse"}


def spec(activity: float, temporal: float) -> p.Spec:
    return {"type": "activity_regularization", "activity": activity, "temporal": temporal}


FACTORS = {"activity": (2.0, 0.0), "temporal": (0.0, 3.0), "both": (0.7, 1.3), "none": (0.0, 0.0)}


@pytest.mark.parametrize("factors", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize("shape", [(3, 5, 4), (2, 1, 3), (1, 2, 1), (40, 30, 20)])
def test_a_training_step_has_the_penalty_in_its_loss_and_gradients(
    isa, dtype, threads, shape, factors
):
    """A Dense before it: its weights' gradients, by the reference's chain rule."""
    rng = np.random.default_rng(0)
    units = 6
    dense = p.make_layer(p.dense_spec(units), shape[-1], dtype)
    w = p.randomise(dense, rng)
    layers = [dense, p.make_layer(spec(*factors), units, dtype)]
    x = p.normal(rng, shape, dtype)
    target = p.normal(rng, (*shape[:2], units), dtype)
    loss, gradients = p.network_gradients(layers, MSE, x, target, None)

    x64 = x.astype(F64)
    y = ref.dense_forward(x64, w["weight"], w["bias"])
    plain, dy = ref.loss_and_gradient("mse", y, target.astype(F64))
    penalty, dpenalty = ref.activity_penalty(y, *factors)
    _, dweight, dbias = ref.dense_backward(dy + dpenalty, x64, y, w["weight"])
    assert loss == pytest.approx(plain + penalty, rel=1e-12 if dtype == F64 else 1e-5)
    p.check_gradients(dtype, gradients[0], {"weight": dweight, "bias": dbias})


def test_gradients_of_a_network_match_central_differences(isa, threads):
    """The penalty between recurrent layers and inside a Highway, by differences of the loss."""
    rng = np.random.default_rng(1)
    inner = [p.lstm_spec(4), spec(0.5, 2.0), p.lstm_spec(3, return_sequences=False), spec(1.5, 0)]
    specs = [p.lstm_spec(5), spec(1.0, 0.7), {"type": "highway", "window": 2, "layers": inner}]
    widths = [2, 5, 5]
    layers = [p.make_layer(s, width, F64) for s, width in zip(specs, widths, strict=True)]
    for layer in layers:
        if layer.parameters():
            p.randomise(layer, rng)
    x, y = rng.standard_normal((2, 4, 2)), rng.standard_normal((2, 3))
    trainer = p.make_trainer(layers, F64, MSE, {"type": "sgd", "learning_rate": 2.0**-200})

    def value() -> float:
        return float(trainer.step(x, y, None, None, 0)[0])

    _, gradients = p.network_gradients(layers, MSE, x, y, None)
    for layer, of_layer in zip(layers, gradients, strict=True):
        old = layer.parameters()
        for name, gradient in of_layer.items():

            def moved(a: np.ndarray, layer=layer, old=old, name=name) -> float:
                layer.set_parameters({**old, name: a})
                return value()

            expected = ref.central_difference(moved, old[name])
            layer.set_parameters(old)
            error = ref.relative_error(gradient, expected)
            assert error <= p.DIFFERENCE_TOLERANCE, f"{name}: relative error {error:.3g}"


def test_outside_training_nothing_is_added(isa, dtype):
    rng = np.random.default_rng(2)
    x = p.normal(rng, (3, 4, 5), dtype)
    layer = ln.ActivityRegularization(2.0, 1.0, dtype=dtype.name)
    p.assert_same_bits(layer(x), x)
    y, _, tape = layer.forward(x)
    p.assert_same_bits(y, x)
    dy = p.normal(rng, x.shape, dtype)
    p.assert_same_bits(tape.backward(dy)[0], dy)

    plain = ln.Sequential([ln.Dense(2)], dtype=dtype.name, seed=1)
    charged = ln.Sequential(
        [ln.Dense(2), ln.ActivityRegularization(2.0, 1.0)], dtype=dtype.name, seed=1
    )
    target = p.normal(rng, (3, 4, 2), dtype)
    p.assert_same_bits(charged.predict(x), plain.predict(x))
    assert charged.evaluate(x, target, loss="mse") == plain.evaluate(x, target, loss="mse")


def test_fit_reports_the_loss_with_the_penalty_and_validation_without():
    rng = np.random.default_rng(3)
    x, target = rng.standard_normal((6, 4, 3)), rng.standard_normal((6, 4, 2))
    layers = [ln.Dense(2), ln.ActivityRegularization(activity=2.0, temporal=5.0)]
    model = ln.Sequential(layers, dtype="float64", seed=1)
    y = model.predict(x)
    history = model.fit(
        x,
        target,
        loss="mse",
        optimizer=ln.SGD(1e-30),
        validation_data=(x, target),
        verbose=False,
        seed=0,
    )
    plain = ((y - target) ** 2).mean()
    assert history.history["loss"][0] == pytest.approx(
        plain + ref.activity_penalty(y, 2.0, 5.0)[0], rel=1e-12
    )
    assert history.history["val_loss"][0] == pytest.approx(plain, rel=1e-12)


def test_the_bits_do_not_depend_on_threads(dtype):
    rng = np.random.default_rng(4)
    x, target = p.normal(rng, (64, 50, 8), dtype), p.normal(rng, (64, 50, 16), dtype)

    def trained() -> tuple[list[float], p.Tensors]:
        layers = [ln.LSTM(16), ln.ActivityRegularization(0.5, 1.0)]
        model = ln.Sequential(layers, dtype=dtype.name, seed=1)
        history = model.fit(x, target, epochs=2, verbose=False, seed=0)
        return history.history["loss"], model.state_dict()

    one, two = (p.run_on_threads(count, trained) for count in (1, 2))
    assert one[0] == two[0]
    p.assert_same_weights(one[1], two[1])


def test_a_file_brings_it_back(tmp_path):
    layers = [ln.LSTM(3, input_size=2), ln.ActivityRegularization(0.25, 4.0)]
    model = ln.Sequential(layers, seed=0)
    model.save(tmp_path / "m.safetensors")
    found = ln.load_model(tmp_path / "m.safetensors").layers[1]
    assert isinstance(found, ln.ActivityRegularization)
    assert (found.activity, found.temporal) == (0.25, 4.0)
    assert "ActivityRegularization" in model.summary()


def test_streams_hand_values_on():
    layers = [ln.LSTM(3, input_size=2), ln.ActivityRegularization(0.25, 4.0)]
    model = ln.Sequential(layers, seed=0)
    x = p.normal(np.random.default_rng(0), (1, 4, 2), np.float32)
    stream = model.stream()
    y = np.stack([stream.step(x[:, t]) for t in range(4)], axis=1)
    p.assert_same_bits(y, model.predict(x))


@pytest.mark.parametrize("name", ["activity", "temporal"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_factors_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        ln.ActivityRegularization(**{name: value})
    with pytest.raises(TypeError, match=name):
        ln.ActivityRegularization(**{name: "1"})


def test_differences_in_time_need_a_time_axis():
    x = np.ones((2, 3), np.float32)
    assert ln.ActivityRegularization(activity=1.0)(x).shape == (2, 3)
    with pytest.raises(ValueError, match="temporal needs a time axis"):
        ln.ActivityRegularization(temporal=1.0)(x)
