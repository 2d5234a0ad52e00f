"""A Dense that uses the Embedding's weight: one parameter, two uses, the sum of their gradients."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln

F64 = np.dtype("float64")
VOCABULARY, FEATURES = 11, 6
LOSS = {"type": "categorical_crossentropy"}


def model_of(dtype: str = "float32", *, tied: bool = True, seed: int = 1) -> ln.Sequential:
    return ln.Sequential(
        [
            ln.Embedding(VOCABULARY, FEATURES),
            ln.LSTM(FEATURES),
            ln.Dense(VOCABULARY, tied=tied),
        ],
        dtype=dtype,
        seed=seed,
    )


def untied_twin(model: ln.Sequential) -> ln.Sequential:
    """The same network with a second copy of the weight."""
    twin = model_of(model.dtype, tied=False)
    twin.load_state_dict({**model.state_dict(), "2.weight": model.state_dict()["0.weight"]})
    return twin


def tokens(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, VOCABULARY, shape)


def test_there_is_one_weight(tmp_path):
    model = model_of()
    names = set(model.state_dict())
    assert {name for name in names if "l0" not in name} == {"0.weight", "2.bias"}
    assert set(model.layers[2].state_dict()) == {"bias"}
    twin = untied_twin(model)
    assert model.parameter_count == twin.parameter_count - VOCABULARY * FEATURES
    assert sum(v.size for v in model.state_dict().values()) == model.parameter_count
    assert f"(N, T, {VOCABULARY})            {VOCABULARY}" in model.summary()
    model.fit(tokens((8, 4)), tokens((8, 4), 1), loss=LOSS["type"], verbose=False)
    model.save(tmp_path / "m.safetensors")
    numpy_files = pytest.importorskip("safetensors.numpy")
    stored = numpy_files.load_file(tmp_path / "m.safetensors")
    assert not [name for name in stored if name.endswith("2.weight")]
    assert stored["0.weight"].shape == (VOCABULARY, FEATURES)


def test_it_answers_as_an_untied_twin_with_the_same_weights(isa, dtype, threads):
    model = model_of(dtype.name)
    x = tokens((5, 7))
    p.assert_same_bits(model.predict(x), untied_twin(model).predict(x))


def test_it_sees_every_change_of_the_weight(dtype):
    """Through the model, the Embedding, an update, and in a tape that has become stale."""
    model = model_of(dtype.name)
    x, y = tokens((3, 5)), tokens((3, 5), 1)
    model.predict(x)
    model.load_state_dict({k: v * 2 for k, v in model.state_dict().items()})
    p.assert_same_bits(model.predict(x), untied_twin(model).predict(x))
    model.fit(x, y, loss=LOSS["type"], verbose=False, seed=0)
    p.assert_same_bits(model.predict(x), untied_twin(model).predict(x))
    h = p.normal(np.random.default_rng(0), (2, FEATURES), dtype)
    dy, _, tape = model.layers[2].forward(h)
    weight = model.layers[0].state_dict()["weight"]
    model.layers[0].load_state_dict({"weight": weight * 3})
    p.assert_same_bits(model.predict(x), untied_twin(model).predict(x))
    with pytest.raises(RuntimeError, match="weights have changed"):
        tape.backward(dy)


def test_gradients_of_both_uses_are_added(isa, threads):
    rng = np.random.default_rng(0)
    model = model_of("float64")
    layers = [layer._native for layer in model.layers]
    for layer in layers:
        p.randomise(layer, rng)
    x, y = tokens((3, 5)), tokens((3, 5), 1)
    value, gradients = p.network_gradients(layers, LOSS, x, y, None)
    twin = untied_twin(model)
    two = [layer._native for layer in twin.layers]
    expected_value, expected = p.network_gradients(two, LOSS, x, y, None)
    assert value == expected_value
    total = expected[0]["weight"] + expected[2]["weight"]
    assert ref.relative_error(gradients[0]["weight"], total) <= 1e-12

    old = layers[0].parameters()["weight"]

    def moved(a: np.ndarray) -> float:
        layers[0].set_parameters({"weight": a})
        return p.network_loss(layers, LOSS, x, y, None)

    difference = ref.central_difference(moved, old)
    layers[0].set_parameters({"weight": old})
    assert ref.relative_error(gradients[0]["weight"], difference) <= p.DIFFERENCE_TOLERANCE
    for name in ("weight_ih_l0", "weight_hh_l0"):
        assert ref.relative_error(gradients[1][name], expected[1][name]) <= 1e-12
    assert ref.relative_error(gradients[2]["bias"], expected[2]["bias"]) <= 1e-12


def test_its_own_tape_gives_the_gradient_of_the_weight():
    model = model_of("float64")
    h = np.random.default_rng(0).standard_normal((2, FEATURES))
    y, _, tape = model.layers[2].forward(h)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx, _, gradients = tape.backward(dy)
    weight = model.layers[0].state_dict()["weight"]
    dx_expected, dweight, dbias = ref.dense_backward(dy, h, y, weight)
    assert ref.relative_error(dx, dx_expected) <= 1e-13
    assert ref.relative_error(gradients["weight"], dweight) <= 1e-13
    assert ref.relative_error(gradients["bias"], dbias) <= 1e-13


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
def test_training_goes_on_from_a_file_as_if_it_had_never_stopped(tmp_path, optimizer):
    x, y = tokens((16, 6)), tokens((16, 6), 1)
    model = model_of()
    model.fit(x, y, epochs=2, loss=LOSS["type"], optimizer=optimizer, verbose=False, seed=2)
    model.save(tmp_path / "m.safetensors")
    again = ln.load_model(tmp_path / "m.safetensors")
    assert again.layers[2].tied
    p.assert_same_bits(again.predict(x), model.predict(x))
    for each in (model, again):
        each.fit(x, y, epochs=4, initial_epoch=2, verbose=False, seed=2)
    p.assert_same_weights(again.state_dict(), model.state_dict())


def test_it_learns_to_copy():
    """The loss falls: the update moves the one weight along the summed gradient."""
    x = tokens((64, 5))
    model = model_of(seed=0)
    history = model.fit(
        x, x, epochs=80, loss=LOSS["type"], optimizer=ln.Adam(0.02), verbose=False, seed=0
    )
    assert history.history["loss"][-1] < 0.1 * history.history["loss"][0]


def test_streams_keep_the_weights_of_their_making(dtype):
    model = model_of(dtype.name)
    x = tokens((2, 6))
    expected = model.predict(x)
    stream = model.stream(2)
    model.load_state_dict({k: v * 0 for k, v in model.state_dict().items()})
    y = np.stack([stream.step(np.ascontiguousarray(x[:, t])) for t in range(6)], axis=1)
    p.assert_same_bits(y, expected)


def test_it_needs_an_embedding_that_fits():
    def build(*layers: ln.Layer) -> None:
        ln.Sequential([*layers])

    with pytest.raises(ValueError, match="layer 1: Dense: tied, it needs an Embedding"):
        build(ln.Dense(4, input_size=3), ln.Dense(4, tied=True))
    with pytest.raises(ValueError, match=r"expected 9 units \(the Embedding's vocabulary\), got 8"):
        build(ln.Embedding(9, 4), ln.Dense(8, tied=True))
    with pytest.raises(ValueError, match=r"expected 4 input features.*, got 5"):
        build(ln.Embedding(9, 4), ln.LSTM(5), ln.Dense(9, tied=True))
    with pytest.raises(ValueError, match=r"tied: expected false inside another layer"):
        build(ln.Embedding(9, 9), ln.Residual([ln.Dense(9, tied=True)]))
    with pytest.raises(TypeError, match="tied"):
        ln.Dense(3, tied=1)


def test_alone_it_says_that_it_has_no_weight():
    layer = ln.Dense(4, tied=True, input_size=3)
    with pytest.raises(ValueError, match="no weight of its own"):
        layer(np.ones((2, 3), np.float32))


def test_it_cannot_serve_two_embeddings():
    dense = ln.Dense(5, tied=True)
    ln.Sequential([ln.Embedding(5, 3), dense])
    with pytest.raises(ValueError, match="tied to the Embedding of another network"):
        ln.Sequential([ln.Embedding(5, 3), dense])
