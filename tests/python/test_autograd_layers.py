"""Layers as primitives of the package autograd: every one, in all that it is differentiable in."""

from __future__ import annotations

import copy
import gc
import threading
from typing import Any

import autograd
import autograd.numpy as anp
import every_layer
import numpy as np
import product as p
import pytest
from every_layer import CASES

import lstm_native as ln

STEP = 1e-6


def check(value: Any, gradient: Any, loss: Any, rng: np.random.Generator) -> None:
    """Central differences at three places."""
    for _ in range(3):
        place = tuple(rng.integers(0, size) for size in value.shape)
        before, found = value[place], []
        for sign in (1.0, -1.0):
            value[place] = before + sign * STEP
            found.append(float(loss()))
        value[place] = before
        difference = (found[0] - found[1]) / (2 * STEP)
        assert abs(difference - gradient[place]) <= 1e-7 * max(1.0, abs(difference))


def test_every_kind_of_layer_has_a_case():
    assert not every_layer.missing()


@pytest.mark.parametrize("training", [False, True], ids=["at rest", "training"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_central_differences(name, training):
    """With NumPy code before and behind the layer, which is called twice with the same weights."""
    case = CASES[name]
    layer, inputs, states = every_layer.built(case)
    f = ln.autograd.function(layer)
    rng = np.random.default_rng(1)
    factors = [rng.normal() for _ in range(20)]

    def loss(params: Any, inputs: Any, states: Any) -> Any:
        given = every_layer.arguments(case, [anp.tanh(one) for one in states])
        before = inputs if case.tokens else [anp.sin(one) for one in inputs]
        total = 0.0
        for seed in (3, 4):
            found = every_layer.parts(f(params, *before, training=training, seed=seed, **given))
            for factor, part in zip(factors, found, strict=False):
                total = total + factor * anp.sum(anp.exp(-part) * part)
        return total

    params = layer.state_dict()
    wanted = (0, 2) if case.tokens else (0, 1, 2)
    gradients = autograd.grad(loss, wanted)(params, inputs, states)
    assert gradients[0].keys() == params.keys()
    if not case.tokens:
        for value, gradient in zip(inputs, gradients[1], strict=True):
            check(value, gradient, lambda: loss(params, inputs, states), rng)
    for value, gradient in zip(states, gradients[-1], strict=True):
        check(value, gradient, lambda: loss(params, inputs, states), rng)
    for key, gradient in gradients[0].items():
        if not key.startswith("running"):  # those are no weights: their gradient is zero
            check(params[key], gradient, lambda: loss(params, inputs, states), rng)


@pytest.mark.parametrize("name", CASES)
def test_a_function_answers_what_the_layer_does(name, dtype):
    case = CASES[name]
    layer, inputs, states = every_layer.built(case, dtype.name)
    given = every_layer.arguments(case, states)
    found = ln.autograd.function(layer)(layer.state_dict(), *inputs, **given)
    for one, other in zip(
        every_layer.parts(found), every_layer.parts(layer(*inputs, **given)), strict=True
    ):
        p.assert_same_bits(one, other)


def lstm(dtype: str = "float64", **options: Any) -> tuple[ln.LSTM, Any]:
    layer = ln.LSTM(3, input_size=2, seed=0, dtype=dtype, **options)
    return layer, ln.autograd.function(layer)


X = np.random.default_rng(0).normal(size=(2, 5, 2))


def energy(f: Any) -> Any:
    """A loss of what an LSTM answers."""

    def of(params: Any, x: Any = X) -> Any:
        y, (_, c) = f(params, x)
        return anp.sum(y**2) + anp.sum(c * 0.5)

    return of


def test_it_equals_an_lstm_written_in_numpy():
    """The equations of docs/family.md, differentiated by autograd itself."""
    layer, f = lstm()
    params = {k: v + 0.1 for k, v in layer.state_dict().items()}

    def written(params: Any, x: Any) -> Any:
        def sigmoid(a: Any) -> Any:
            return 1.0 / (1.0 + anp.exp(-a))

        h, c = anp.zeros((2, 3)), anp.zeros((2, 3))
        total = 0.0
        for t in range(x.shape[1]):
            a = anp.dot(x[:, t], params["weight_ih_l0"].T) + params["bias_ih_l0"]
            a = a + anp.dot(h, params["weight_hh_l0"].T) + params["bias_hh_l0"]
            i, g, o = sigmoid(a[:, :3]), anp.tanh(a[:, 6:9]), sigmoid(a[:, 9:])
            c = sigmoid(a[:, 3:6]) * c + i * g
            h = o * anp.tanh(c)
            total = total + anp.sum(h**2)
        return total + anp.sum(c * 0.5)

    value, found = autograd.value_and_grad(energy(f), (0, 1))(params, X)
    wanted_value, wanted = autograd.value_and_grad(written, (0, 1))(params, X)
    assert abs(value - wanted_value) <= 1e-12
    assert np.abs(found[1] - wanted[1]).max() <= 1e-12
    for name in params:
        assert np.abs(found[0][name] - wanted[0][name]).max() <= 1e-12


def test_steps_in_a_loop_equal_one_pass():
    """A cell called once for each step, all of its tapes kept until the way back."""
    layer, f = lstm()

    def looped(params: Any, x: Any) -> Any:
        state, total = None, 0.0
        for t in range(x.shape[1]):
            y, state = f(params, x[:, t : t + 1], state)
            total = total + anp.sum(y**2)
        return total + anp.sum(state[1] * 0.5)

    params = layer.state_dict()
    found = autograd.grad(looped, (0, 1))(params, X)
    wanted = autograd.grad(energy(f), (0, 1))(params, X)
    assert np.abs(found[1] - wanted[1]).max() <= 1e-13
    for name in params:
        assert np.abs(found[0][name] - wanted[0][name]).max() <= 1e-13


def test_a_function_reads_the_parameters_of_each_call():
    """Several in one trace, changed in place between calls, and as float64 for a float32 layer."""
    layer, f = lstm()
    params = layer.state_dict()
    other = {k: v * 0.5 for k, v in params.items()}

    def both(params: Any, other: Any) -> Any:
        y, state = f(params, X)
        z, _ = f(other, X, state)
        y2, _ = f(params, anp.tanh(z)[:, :, :2])
        return anp.sum(y * z) + anp.sum(y2)

    gradients = autograd.grad(both, (0, 1))(params, other)
    rng = np.random.default_rng(1)
    for mine, gradient in zip((params, other), gradients, strict=True):
        for key in mine:
            check(mine[key], gradient[key], lambda: both(params, other), rng)
    before = autograd.grad(energy(f))(params)
    params["weight_hh_l0"] *= 2.0
    after = autograd.grad(energy(f))(params)
    assert not np.allclose(before["weight_hh_l0"], after["weight_hh_l0"])
    layer32, f32 = lstm("float32")
    wide = {k: v.astype(np.float64) for k, v in layer32.state_dict().items()}
    found = autograd.grad(energy(f32), (0, 1))(wide, X)
    assert found[0]["weight_hh_l0"].dtype == found[1].dtype == np.float64
    narrow = autograd.grad(energy(f32), (0, 1))(layer32.state_dict(), X.astype(np.float32))
    assert narrow[0]["weight_hh_l0"].dtype == narrow[1].dtype == np.float32
    assert np.array_equal(found[0]["weight_hh_l0"], narrow[0]["weight_hh_l0"])


def test_the_layer_is_left_as_it_is():
    layer, f = lstm()
    before = layer.state_dict()
    autograd.grad(energy(f))({k: v + 1.0 for k, v in before.items()})
    p.assert_same_weights(layer.state_dict(), before)


def test_unchanged_parameters_are_loaded_once():
    layer, f = lstm()
    params = layer.state_dict()
    version = id(f._copies._copies[0].layer._native)
    for _ in range(3):
        autograd.grad(energy(f))(params)
    gc.collect()
    assert len(f._copies._copies) == 1
    assert id(f._copies._copies[0].layer._native) == version
    for _ in range(3):  # new ones, while none of the old tapes is left: the same layer
        params = {k: v * 1.1 for k, v in params.items()}
        autograd.grad(energy(f))(params)
        gc.collect()
    assert len(f._copies._copies) == 1


def test_a_jacobian_leads_one_pass_back_several_times():
    layer, f = lstm()
    params = layer.state_dict()
    found = autograd.jacobian(lambda x: f(params, x)[0][:, -1].ravel())(X)
    assert found.shape == (6, *X.shape)
    rng = np.random.default_rng(0)
    x = X.copy()
    for k in range(6):
        check(x, found[k], lambda k=k: f(params, x)[0][:, -1].ravel()[k], rng)


def test_second_derivatives_are_refused():
    layer, f = lstm()
    params = layer.state_dict()
    first = autograd.grad(lambda x: energy(f)(params, x))
    with pytest.raises(NotImplementedError, match="first derivatives alone"):
        autograd.grad(lambda x: anp.sum(first(x)))(X)
    value = autograd.grad(lambda a: a * anp.sum(first(X)))(2.0)  # nothing inside depends on a
    assert np.isclose(value, first(X).sum())
    mse = ln.autograd.loss("mse")
    slope = autograd.grad(lambda y: mse(np.zeros((2, 1)), y))
    with pytest.raises(NotImplementedError, match="first derivatives alone"):
        autograd.grad(lambda y: anp.sum(slope(y)))(np.ones((2, 1)))


def test_dropout_acts_in_training_alone_and_follows_its_seed():
    layer = ln.Dropout(0.5, seed=1)
    f = ln.autograd.function(layer)
    x = np.ones((20, 3), "float32")
    p.assert_same_bits(f({}, x), x)
    p.assert_same_bits(f(None, x, training=True, seed=5), f({}, x, training=True, seed=5))
    assert not np.array_equal(f({}, x, training=True), f({}, x, training=True))


def test_running_statistics_move_in_the_caller_s_arrays_in_training_alone():
    layer, (x,), _ = every_layer.built(CASES["BatchNorm"])
    f, params = ln.autograd.function(layer), layer.state_dict()
    before = copy.deepcopy(params)
    f(params, x)
    p.assert_same_weights(params, before)
    autograd.grad(lambda q: anp.sum(f(q, x, training=True) ** 3))(params)
    layer.forward(x)
    p.assert_same_weights(params, layer.state_dict())
    for value in params.values():
        value.flags.writeable = False
    with pytest.raises(ValueError, match="must be an array that can be written"):
        f(params, x, training=True)


def test_threads_may_share_a_function():
    layer, f = lstm()
    params = [{k: v * s for k, v in layer.state_dict().items()} for s in (0.5, 1.0, 1.5, 2.0)]
    wanted = [autograd.grad(energy(f))(one) for one in params]
    found: list[Any] = [None] * len(params)

    def work(i: int) -> None:
        for _ in range(20):
            found[i] = autograd.grad(energy(f))(params[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(params))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, wanted, strict=True):
        p.assert_same_weights(one, other)


REFUSED = {
    "no layer": (lambda: ln.autograd.function("lstm"), TypeError, "expected a layer, got str"),
    "stateful": (
        lambda: ln.autograd.function(ln.LSTM(2, input_size=1, stateful=True)),
        ValueError,
        "carries no state",
    ),
    "no weights": (lambda: ln.autograd.function(ln.LSTM(2)), RuntimeError, "give input_size"),
    "params": (lambda: lstm()[1]([1.0], X), TypeError, "params: expected a dict.*got list"),
    "names": (lambda: lstm()[1]({"w": np.ones(1)}, X), ValueError, "names do not fit the layer"),
    "too many": (
        lambda: ln.autograd.function(ln.Dropout(0.5))({"w": np.ones(1)}, X),
        ValueError,
        "has no parameters",
    ),
    "arguments": (lambda: lstm()[1]({}, X, colour=1), TypeError, "colour"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    call, kind, told = REFUSED[name]
    with pytest.raises(kind, match=told):
        call()
