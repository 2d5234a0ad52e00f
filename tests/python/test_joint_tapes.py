"""Layers of several inputs, led back by their own tape: differences, and what is refused."""

from __future__ import annotations

from typing import Any

import every_layer
import numpy as np
import pytest
from every_layer import CASES

import lstm_native as ln
from lstm_native.layers.joint import Joint

JOINTS = [name for name, case in CASES.items() if isinstance(case.layer("float64"), Joint)]
STEP = 1e-6


@pytest.mark.parametrize("name", JOINTS)
def test_gradients_are_central_differences(name):
    """Of every input, every part of the initial state and every parameter, through all outputs."""
    case = CASES[name]
    layer, inputs, states = every_layer.built(case)
    rng = np.random.default_rng(1)
    given = every_layer.arguments(case, states)
    y, final, tape = layer.forward(*inputs, **given)
    outputs = y if isinstance(y, tuple) else (y,)
    finals = () if final is None else final if isinstance(final, tuple) else (final,)
    dy = [rng.normal(size=one.shape) for one in outputs]
    dfinals = [rng.normal(size=one.shape) for one in finals]

    def loss() -> float:
        found = every_layer.parts(layer(*inputs, **given))
        # A call answers (y, state, others): as forward's y and state, in another order.
        order = [outputs[0], *finals, *outputs[1:]]
        weights = [dy[0], *dfinals, *dy[1:]]
        assert [one.shape for one in found] == [one.shape for one in order]
        return float(sum((a * b).sum() for a, b in zip(found, weights, strict=True)))

    dx, dstate, grads = tape.backward(
        tuple(dy) if isinstance(y, tuple) else dy[0],
        None if final is None else tuple(dfinals) if isinstance(final, tuple) else dfinals[0],
    )
    begins = () if dstate is None else dstate if isinstance(dstate, tuple) else (dstate,)
    weights = layer.state_dict()
    assert grads.keys() == weights.keys()
    checked = [*zip(inputs, dx, strict=True), *zip(states, begins, strict=True)]
    for value, gradient in checked:
        assert gradient.shape == value.shape
        for place in np.ndindex(value.shape):
            check(value, place, gradient, loss)
    for key, gradient in grads.items():
        place = tuple(rng.integers(0, size) for size in gradient.shape)
        value = weights[key].copy()

        def of_weights(value: Any = value, key: str = key) -> float:
            layer.load_state_dict({**weights, key: value})
            return loss()

        check(value, place, gradient, of_weights)


def check(value: Any, place: Any, gradient: Any, loss: Any) -> None:
    before = value[place]
    found = []
    for sign in (1.0, -1.0):
        value[place] = before + sign * STEP
        found.append(loss())
    value[place] = before
    difference = (found[0] - found[1]) / (2 * STEP)
    assert abs(difference - gradient[place]) <= 1e-7 * max(1.0, abs(difference))


@pytest.mark.parametrize("name", JOINTS)
def test_forward_answers_what_a_call_does(name, dtype):
    case = CASES[name]
    layer, inputs, states = every_layer.built(case, dtype.name)
    given = every_layer.arguments(case, states)
    y, state, _ = layer.forward(*inputs, **given)
    found = every_layer.parts(layer._answer(y, state))
    for one, other in zip(found, every_layer.parts(layer(*inputs, **given)), strict=True):
        assert np.array_equal(one, other)


def attention() -> tuple[Any, Any]:
    layer, inputs, _ = every_layer.built(CASES["Attention general"])
    return layer, inputs


def test_a_tape_leads_back_once():
    layer, inputs = attention()
    y, _, tape = layer.forward(*inputs)
    tape.backward(y)
    with pytest.raises(RuntimeError, match="already used"):
        tape.backward(y)


def test_weights_that_change_meanwhile_are_refused():
    layer, inputs = attention()
    y, _, tape = layer.forward(*inputs)
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="weights have changed"):
        tape.backward(y)


def test_inputs_may_be_overwritten_before_the_way_back():
    layer, inputs = attention()
    y, _, tape = layer.forward(*inputs)
    (wanted, _), _, _ = layer.forward(*inputs)[2].backward(y)
    inputs[0][...] = np.nan
    (found, _), _, _ = tape.backward(y)
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize(
    ("dy", "told"),
    [
        (lambda y: y[:, :-1], "dy.*expected shape"),
        (lambda y: (y, y), "dy: expected 1"),
        (lambda y: np.full_like(y, np.nan), "dy"),
        (lambda y: None, "at least one output"),
    ],
    ids=["shape", "number", "nan", "nothing"],
)
def test_gradients_that_do_not_fit_are_refused(dy, told):
    layer, inputs = attention()
    y, _, tape = layer.forward(*inputs)
    with pytest.raises(ValueError, match=told):
        tape.backward(dy(y))
    assert tape.backward(y)[0][0].shape == inputs[0].shape  # and the tape is as it was


def test_parts_that_are_left_out_count_as_zeros():
    layer, inputs = attention()
    y, _, tape = layer.forward(*inputs, return_weights=True)
    zeros = np.zeros_like(y[1])
    found = tape.backward((y[0], None))[0]
    wanted = layer.forward(*inputs, return_weights=True)[2].backward((y[0], zeros))[0]
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one, other)


def test_a_state_of_other_parts_is_refused():
    layer, inputs, _ = every_layer.built(CASES["AttentionLSTM luong"])
    y, (h, c, _), tape = layer.forward(*inputs)
    with pytest.raises(ValueError, match=r"dstate: expected \(h, c, context\)"):
        tape.backward(y, (h, c))
    with pytest.raises(ValueError, match="no state"):
        ln.Add().forward(inputs[0], inputs[0], state=h)
