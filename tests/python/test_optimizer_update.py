"""An optimiser's single step, for training loops that are written in Python."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
import threading

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln

OPTIMIZERS = {
    "sgd": lambda: ln.SGD(0.1),
    "momentum": lambda: ln.SGD(0.1, momentum=0.9, weight_decay=0.05),
    "nesterov": lambda: ln.SGD(0.1, momentum=0.8, nesterov=True, clip_norm=0.2),
    "clipped": lambda: ln.SGD(0.1, clip_value=0.01),
    "adam": lambda: ln.Adam(0.03, weight_decay=0.1),
    "adam_clipped": lambda: ln.Adam(0.03, clip_norm=0.1, clip_value=0.05),
    "adamw": lambda: ln.AdamW(0.03, beta1=0.8),
    "amsgrad": lambda: ln.Adam(0.03, amsgrad=True),
    "nadam": lambda: ln.NAdam(0.03, weight_decay=0.1),
    "adagrad": lambda: ln.Adagrad(0.03, initial_accumulator_value=0.1),
    "rmsprop": lambda: ln.RMSprop(0.01, momentum=0.7),
}


def data(dtype):
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 5, 3)).astype(dtype), rng.normal(size=(6, 2)).astype(dtype)


def make(dtype) -> ln.Sequential:
    layers = [ln.LSTM(4, input_size=3, return_sequences=False), ln.Dense(2)]
    return ln.Sequential(layers, dtype=np.dtype(dtype).name, seed=1)


def gradients(model, x, y):
    """Of the mean squared error, by hand."""
    h, _, first = model.layers[0].forward(x)
    found, _, second = model.layers[1].forward(h)
    # As the core rounds it: in double, and then once.
    dy = 2.0 * (found.astype(np.float64) - y) * (1.0 / (found.shape[1] * len(found)))
    dh, _, top = second.backward(dy.astype(found.dtype))
    _, _, bottom = first.backward(dh)
    return {f"{i}.{k}": v for i, part in enumerate((bottom, top)) for k, v in part.items()}


def same(a, b) -> bool:
    return list(a) == list(b) and all(a[k].tobytes() == b[k].tobytes() for k in a)


WAYS = [
    (name, way)
    for name in OPTIMIZERS
    for way in ("model", "layers", "arrays")
    if way != "layers" or OPTIMIZERS[name]().clip_norm is None  # the norm is over all layers
]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_the_bits_are_those_of_fit(isa, dtype, name, way):
    x, y = data(dtype)
    trained, model = make(dtype), make(dtype)
    options = {"batch_size": len(x), "epochs": 7, "shuffle": False, "verbose": False}
    trained.fit(x, y, optimizer=OPTIMIZERS[name](), **options)
    optimizer = OPTIMIZERS[name]()
    each = [OPTIMIZERS[name]() for _ in model.layers]
    for _ in range(7):
        grads = gradients(model, x, y)
        if way == "model":
            assert optimizer.update(model, grads) is model
        elif way == "arrays":
            model.load_state_dict(optimizer.update(model.state_dict(), grads))
        else:
            for i, (layer, own) in enumerate(zip(model.layers, each, strict=True)):
                own.update(layer, {k[2:]: v for k, v in grads.items() if k[0] == str(i)})
    assert same(model.state_dict(), trained.state_dict())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_rules_are_those_of_the_reference(dtype, name):
    rng = np.random.default_rng(1)
    optimizer = OPTIMIZERS[name]()
    settings = json.loads(optimizer.to_json())
    rule = ref.OPTIMIZERS[settings.pop("type")](
        **{k: v for k, v in settings.items() if v != 0.0 or k == "weight_decay"}
    )
    arrays = {"w": rng.normal(size=(5, 3)).astype(dtype), "b": rng.normal(size=7).astype(dtype)}
    wanted = {k: v.astype(np.float64) for k, v in arrays.items()}
    for _ in range(20):
        grads = {k: rng.normal(size=v.shape).astype(dtype) for k, v in arrays.items()}
        rule.step(wanted, {k: v.astype(np.float64) for k, v in grads.items()})
        assert optimizer.update(arrays, grads) is arrays
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    for k in arrays:
        assert ref.relative_error(arrays[k], wanted[k]) <= tolerance


def example(dtype="float64"):
    rng = np.random.default_rng(2)
    params = {"w": rng.normal(size=(4, 3)).astype(dtype), "b": rng.normal(size=4).astype(dtype)}
    return params, {k: rng.normal(size=v.shape).astype(dtype) for k, v in params.items()}


def test_arrays_of_any_layout_are_changed_in_place():
    params, grads = example()
    wanted = ln.Adam().update(copy.deepcopy(params), grads)
    table = np.zeros((8, 6))
    odd = {"w": table[::2, ::2], "b": np.zeros(4)[::-1]}
    for k, v in odd.items():
        v[...] = params[k]
    kept = odd["w"]
    found = ln.Adam().update(
        {"b": odd["b"], "w": odd["w"]}, {k: np.asfortranarray(v) for k, v in grads.items()}
    )
    assert found["w"] is kept
    assert all((found[k] == wanted[k]).all() for k in wanted)
    assert (table[::2, ::2] == wanted["w"]).all()
    assert not table[1::2].any()


def test_gradients_are_not_changed_and_may_be_lists_or_of_another_width():
    params, grads = example("float32")
    before = copy.deepcopy(grads)
    ln.SGD(clip_value=1e-3, clip_norm=1e-3).update(params, grads)
    assert same(grads, before)
    ln.SGD().update({"w": np.zeros(2, dtype="float32")}, {"w": [1.0, 2.0]})


REFUSED = {
    "names": (
        lambda p, g: (p, {"w": g["w"], "x": 1.0, "y": 2.0}),
        ValueError,
        "missing: 'b'; unknown: 'x', 'y'",
    ),
    "shape": (lambda p, g: (p, g | {"b": g["b"][:3]}), ValueError, r"grads\['b'\]: expected shape"),
    "integers": (lambda p, g: (p, g | {"b": np.ones(4, int)}), TypeError, "floating point"),
    "not a dict": (lambda p, g: (p, list(g.values())), TypeError, "grads: expected a dict"),
    "list": (
        lambda p, g: (list(p.values()), g),
        TypeError,
        r"write optimizer.update\(layer, grads\)",
    ),
    "a list, with copies in mind": (
        lambda p, g: (list(p.values()), g),
        TypeError,
        r"state_dict\(\) gives are copies",
    ),
    "overlapping views": (
        lambda p, g: (
            {"w": p["w"].reshape(-1)[:4], "v": p["w"].reshape(-1)[2:6]},
            {"w": np.ones(4), "v": np.ones(4)},
        ),
        ValueError,
        r"params\['v'\] shares memory with params\['w'\]",
    ),
    "a list inside": (lambda p, g: (p | {"b": [1.0] * 4}, g), TypeError, "NumPy array"),
    "two dtypes": (lambda p, g: (p | {"b": p["b"].astype("f4")}, g), TypeError, "one dtype"),
    "half": (lambda p, g: (p | {"b": p["b"].astype("f2")}, g), TypeError, "float32 or float64"),
    "read-only": (lambda p, g: (p | {"b": locked(p["b"])}, g), ValueError, "read-only"),
    "twice": (
        lambda p, g: ({"w": p["w"], "v": p["w"]}, {"w": g["w"], "v": g["w"]}),
        ValueError,
        "the same array",
    ),
    "none": (lambda p, g: ({}, {}), ValueError, "at least one"),
    "NaN": (lambda p, g: (p, g | {"b": g["b"] * np.nan}), FloatingPointError, "'b'; nothing has"),
    "infinite": (lambda p, g: (p, g | {"w": g["w"] / 0.0}), FloatingPointError, "'w'"),
    "too large": (lambda p, g: (p, g | {"w": g["w"] + 1e300}), FloatingPointError, "overflows"),
}


def test_views_that_have_nothing_in_common_are_parameters():
    whole = np.ones(6)
    ln.SGD(1.0).update(
        {"even": whole[::2], "odd": whole[1::2]}, {"even": [1.0] * 3, "odd": [2.0] * 3}
    )
    assert whole.tolist() == [0.0, -1.0] * 3


def locked(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_step_changes_nothing(name, steps):
    optimizer, twin = ln.Adam(), ln.Adam()
    params, grads = example()
    other = copy.deepcopy(params)
    for _ in range(steps):
        optimizer.update(params, grads)
        twin.update(other, grads)
    broken, error, told = REFUSED[name]
    given = broken(params, grads)
    with pytest.raises(error, match=told):
        optimizer.update(*given)
    assert same(params, other)
    assert same(optimizer.update(params, grads), twin.update(other, grads))


def test_a_layer_is_not_changed_by_a_refused_step():
    x, y = data("float32")
    model = make("float32")
    before = model.state_dict()
    grads = gradients(model, x, y)
    with pytest.raises(FloatingPointError):
        ln.SGD().update(model, grads | {"1.bias": grads["1.bias"] * np.nan})
    with pytest.raises(ValueError, match=r"missing: '1\.bias'"):
        ln.SGD().update(model, {k: v for k, v in grads.items() if k != "1.bias"})
    assert same(model.state_dict(), before)


def test_the_state_belongs_to_its_parameters():
    optimizer = ln.Adam()
    params, grads = example()
    optimizer.update(params, grads)
    for wrong in (
        {"w": params["w"]},
        params | {"v": np.ones(2)},
        params | {"b": np.ones(5)},
        {k: v.astype("float32") for k, v in params.items()},
    ):
        with pytest.raises(ValueError, match=re.escape("call optimizer.reset()")):
            optimizer.update(wrong, wrong)
    optimizer.reset()
    wrong = {"w": np.ones(2)}
    assert same(
        optimizer.update(wrong, {"w": np.ones(2)}),
        ln.Adam().update({"w": np.ones(2)}, {"w": np.ones(2)}),
    )


def test_the_state_goes_with_another_rate_with_copies_and_pickles():
    params, grads = example()
    optimizer = ln.Adam(0.1)
    plain = (repr(optimizer), hash(optimizer), optimizer.to_json())
    optimizer.update(params, grads)
    assert (repr(optimizer), hash(optimizer), optimizer.to_json()) == plain
    assert optimizer == ln.Adam(0.1)
    copies = [copy.copy(optimizer), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))]
    results = [other.update(copy.deepcopy(params), grads) for other in copies]
    expected = optimizer.update(copy.deepcopy(params), grads)
    assert all(same(found, expected) for found in results)
    fresh = ln.Adam(0.1).update(copy.deepcopy(params), grads)
    assert not same(expected, fresh)


def test_schedules_keep_the_state():
    rates = [0.1, 0.05, 0.025]
    params, grads = example()
    first, second = copy.deepcopy(params), copy.deepcopy(params)
    optimizer = ln.SGD(rates[0], momentum=0.9)
    for rate in rates:
        optimizer = optimizer.with_learning_rate(rate)
        optimizer.update(first, grads)
    base = ln.SGD(1.0, momentum=0.9)
    for rate in rates:  # also when the one that it was made of never made a step
        base.with_learning_rate(rate).update(second, grads)
    assert same(first, second)
    momentum = {k: np.zeros_like(v) for k, v in params.items()}
    for rate in rates:
        for k, v in params.items():
            momentum[k] = 0.9 * momentum[k] + grads[k]
            v -= rate * momentum[k]
    for k in params:
        np.testing.assert_allclose(first[k], params[k], rtol=1e-14)


def test_fit_and_update_have_states_of_their_own():
    x, y = data("float32")
    optimizer = ln.Adam(0.01)
    model, other = make("float32"), make("float32")
    fit = {"batch_size": 6, "epochs": 2, "verbose": False, "seed": 0}
    params, grads = example()
    model.fit(x, y, optimizer=optimizer, **fit)
    optimizer.update(params, grads)
    model.fit(x, y, optimizer=optimizer, **fit)
    other.fit(x, y, optimizer=ln.Adam(0.01), **fit)
    other.fit(x, y, **fit)
    assert same(model.state_dict(), other.state_dict())
    assert same(params, ln.Adam(0.01).update(example()[0], grads))
    model.learning_rate = 0.5
    assert optimizer.learning_rate == 0.01


def test_a_step_that_overflows_leaves_the_parameters():
    params = {"w": np.full(3, 3e38, dtype="float32")}
    optimizer = ln.SGD(1e38)
    with pytest.raises(FloatingPointError, match="have not changed"):
        optimizer.update(params, {"w": np.full(3, -1e3, dtype="float32")})
    assert (params["w"] == np.float32(3e38)).all()


def test_tied_weights_and_nested_layers():
    inner = [ln.LSTM(3), ln.Dense(2)]
    layer = ln.Residual(inner, seed=0)
    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype("float32")
    y, _, tape = layer.forward(x)
    before = layer.state_dict()
    _, _, grads = tape.backward(np.ones_like(y))
    ln.SGD(0.5).update(layer, grads)
    after = layer.state_dict()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value - np.float32(0.5) * grads[name])
    assert not (layer(x)[0] == y).all()

    model = ln.Sequential([ln.Embedding(5, 3), ln.LSTM(3), ln.Dense(5, tied=True)], seed=0)
    weights = model.state_dict()
    ln.SGD(1.0).update(model, {k: np.ones_like(v) for k, v in weights.items()})
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, weights[name] - np.float32(1.0))


def test_threads_take_turns():
    params = {"w": np.zeros(2000)}
    optimizer = ln.SGD(1.0)
    grads = {"w": np.ones(2000)}

    def work() -> None:
        own = {"w": params["w"].copy()}
        for _ in range(50):
            optimizer.update(own, grads)
        assert (own["w"] == -50.0).all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# What Python does when it looks for garbage, as when new memory is asked for: it asks for an
# optimiser's state, which may be just being read, and so do other threads.
COLLECTIONS = """
import gc, threading, time
import lstm_native as ln
from lstm_native import _core

shapes = [(f"w{i}", [2]) for i in range(50)]
native = _core.Optimizer64(ln.Adam(0.1).to_json(), shapes)
state = native.state  # asking for it would make an object of its own

def asks(phase, info):
    if phase == "start":
        time.sleep(0)  # lets other threads run
        state()

def work():
    for _ in range(50):
        native.set_state(*state())

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
gc.callbacks.append(asks)
gc.set_threshold(1)
kept = []  # so that each list is new memory
for i in range(200):
    kept.append([[] for _ in range(i % 4)])
    kept.append(state())
gc.callbacks.clear()
for thread in threads:
    thread.join()
"""


def test_garbage_collections_and_threads_may_ask_for_the_state():
    subprocess.run(
        [sys.executable, "-c", COLLECTIONS], check=True, timeout=120, **p.fresh_process()
    )
