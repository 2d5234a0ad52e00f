"""`gradients(..., inputs=True)`: central differences of the loss in the inputs themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_helpers import F, H, N, T, two_by_two

import lstm_native as ln

RNG = np.random.default_rng(0)


def check(model: Any, x: Any, y: Any, changed: Any, found: Any, **options: Any) -> None:
    """At some places of `changed`, an array inside of x."""
    for _ in range(6):
        place = tuple(RNG.integers(0, size) for size in changed.shape)
        before, ends = changed[place], []
        for sign in (1e-6, -1e-6):
            changed[place] = before + sign
            ends.append(model.gradients(x, y, seed=0, **options)[0])
        changed[place] = before
        difference = (ends[0] - ends[1]) / 2e-6
        assert abs(difference - found[place]) <= 1e-7 * max(1.0, abs(difference))


def row(**options: Any) -> ln.Sequential:
    layers = [ln.Conv1D(H, 2, padding="causal"), ln.LSTM(H), ln.Dense(1)]
    return ln.Sequential(layers, seed=0, dtype="float64", **options)


MASK = np.array([[True, False, True, True, False]] * N)
WEIGHTS = RNG.uniform(0.5, 2.0, (N, T))
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lengths": {"lengths": [5, 1, 2, 3, 4, 5]},
    "weights": {"sample_weight": WEIGHTS / WEIGHTS.mean()},  # which are taken as they are
    "holes": {"mask": MASK},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_of_a_row(name):
    model, options = row(), OPTIONS[name]
    x, y = RNG.normal(size=(N, T, F)), RNG.normal(size=(N, T, 1))
    loss, gradients, found = model.gradients(x, y, seed=0, inputs=True, **options)
    plain = model.gradients(x, y, seed=0, **options)
    assert loss == plain[0]
    assert all(np.array_equal(gradients[k], v) for k, v in plain[1].items())
    assert found.shape == x.shape
    check(model, x, y, x, found, **options)
    if name == "holes":
        assert not found[~MASK].any()


def test_of_several_inputs_with_tokens_among_them():
    model = two_by_two("float64")
    x = [RNG.normal(size=(N, T, F)), RNG.integers(0, 7, (N, T + 1))]
    y = [RNG.normal(size=(N, T, 2)), RNG.integers(0, 3, N)]
    options = {"loss": ["mse", "categorical_crossentropy"], "loss_weights": [0.5, 2.0]}
    _, _, found = model.gradients(x, y, seed=0, inputs=True, **options)
    assert found[1] is None
    check(model, x, y, x[0], found[0], **options)
    by_name = model.gradients({"x": x[0], "t": x[1]}, y, seed=0, inputs=True, **options)[2]
    assert np.array_equal(by_name[0], found[0])  # in the order of the model, which has a list


def test_of_sequences_in_a_list():
    model = row()
    x = [RNG.normal(size=(end, F)) for end in (5, 2, 3)]
    y = [RNG.normal(size=(end, 1)) for end in (5, 2, 3)]
    _, _, found = model.gradients(x, y, seed=0, inputs=True)
    assert [one.shape for one in found] == [one.shape for one in x]
    for index in range(3):
        check(model, x, y, x[index], found[index])


def test_of_images():
    layer = ln.ConvLSTM(2, 3, input_shape=(3, 2, 1), return_sequences=False)
    model = ln.Sequential([layer, ln.Dense(1)], seed=0, dtype="float64")
    x, y = RNG.normal(size=(2, 3, 3, 2, 1)), RNG.normal(size=(2, 1))
    _, _, found = model.gradients(x, y, seed=0, inputs=True)
    assert found.shape == x.shape
    check(model, x, y, x, found)


def test_frozen_layers_hand_gradients_on():
    model = row()
    x, y = RNG.normal(size=(N, T, F)), RNG.normal(size=(N, T, 1))
    model.predict(x)
    wanted = model.gradients(x, y, seed=0, inputs=True)[2]
    model.layers[0].trainable = False
    _, gradients, found = model.gradients(x, y, seed=0, inputs=True)
    assert not any(name.startswith("0.") for name in gradients)
    assert np.array_equal(found, wanted)


def test_what_does_not_count_has_no_gradient():
    model = row()
    x, y = RNG.normal(size=(N, T, F)), RNG.normal(size=(N, T, 1))
    weights = np.ones((N, T))
    weights[2] = 0.0
    found = model.gradients(x, y, seed=0, inputs=True, sample_weight=weights)[2]
    assert not found[2].any()
    assert found[1].any()
    with pytest.raises(TypeError, match="inputs"):
        model.gradients(x, y, inputs=1)
