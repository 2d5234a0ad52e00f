"""Short ways into the product that several test files share. Decides nothing about truth."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from lstm_native import _core

Spec = dict[str, Any]
Tensors = dict[str, np.ndarray]
T = TypeVar("T")

# Relative to max |reference|: the numbers the project holds itself to.
FORWARD_TOLERANCE = {np.dtype("float32"): 2e-6, np.dtype("float64"): 1e-13}
# Against the reference's own BPTT; differences check the definition at 1e-7.
GRADIENT_TOLERANCE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-12}
DIFFERENCE_TOLERANCE = 1e-7

# Every set but the baseline multiplies and adds in one rounding.
FUSED_SETS = [name for name in _core.build_info()["isas_available"] if name != "generic"]

# Sizes around the vector lengths (4, 8, 16 lanes) and their multiples, where tails begin.
widths = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65])
seeds = st.integers(0, 2**32 - 1)
samples = st.integers(1, 9)
timesteps = st.integers(1, 12)
features = widths.filter(lambda n: n <= 40) | st.integers(1, 40)
hidden_sizes = widths | st.integers(1, 70)


def core(kind: str, dtype: Any) -> Any:
    """The native class of a kind ("Layer", "Network", "Trainer") for a number type."""
    return getattr(_core, f"{kind}{np.dtype(dtype).itemsize * 8}")


def lstm_spec(hidden_size: int, **options: Any) -> Spec:
    """An LSTM layer as JSON has it."""
    return {"type": "lstm", "hidden_size": hidden_size, **options}


def dense_spec(units: int, **options: Any) -> Spec:
    """A Dense layer as JSON has it."""
    return {"type": "dense", "units": units, **options}


def make_layer(spec: Spec, input_features: int, dtype: Any, seed: int = 1) -> Any:
    """A native layer with its initial weights."""
    return core("Layer", dtype)(json.dumps(spec), input_features, seed)


def randomise(layer: Any, rng: np.random.Generator, scale: float = 0.4) -> Tensors:
    """Gives every parameter random values, none special; returns them in float64."""
    values = {}
    for name, old in layer.parameters().items():
        values[name] = rng.uniform(-scale, scale, old.shape).astype(old.dtype)
    layer.set_parameters(values)
    return float64(values)


def make_trainer(layers: list[Any], dtype: Any, loss: Spec, optimizer: Spec) -> Any:
    """A native trainer over the given native layers."""
    network = core("Network", dtype)(layers)
    return core("Trainer", dtype)(network, json.dumps(loss), json.dumps(optimizer))


def network_gradients(
    layers: list[Any],
    loss: Spec,
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray | None,
    seed: int = 0,
) -> tuple[float, list[Tensors]]:
    """Loss and gradients of a whole network, read off one step of plain SGD.

    The rate is a large power of two: the change of a weight then gives the gradient with next
    to none of the weight's own rounding. The layers get their old weights back.
    """
    rate = 2.0**20
    dtype = next(iter(all_parameters(layers).values())).dtype
    trainer = make_trainer(layers, dtype, loss, {"type": "sgd", "learning_rate": rate})
    before = [layer.parameters() for layer in layers]
    rows = np.arange(len(x), dtype=np.int64)
    result = trainer.step(x, y, weights, rows, seed)
    assert result[3], "the step was refused as not finite"
    gradients = []
    for layer, old in zip(layers, before, strict=True):
        new = layer.parameters()
        gradients.append(
            {name: (old[name] - new[name]) / old[name].dtype.type(rate) for name in old}
        )
        if old:
            layer.set_parameters(old)
    return result[0], gradients


def network_loss(
    layers: list[Any], loss: Spec, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None
) -> float:
    """The loss of a whole network without dropout."""
    dtype = next(iter(all_parameters(layers).values())).dtype
    trainer = make_trainer(layers, dtype, loss, {"type": "sgd"})
    return float(trainer.evaluate(x, y, weights, np.arange(len(x), dtype=np.int64))[0])


def all_parameters(layers: list[Any]) -> Tensors:
    """Parameters of several layers, named as a network names them."""
    return {
        f"{index}.{name}": value
        for index, layer in enumerate(layers)
        for name, value in layer.parameters().items()
    }


def fresh_process(**environment: str) -> dict[str, Any]:
    """Arguments of `subprocess` for an interpreter that has chosen nothing yet.

    Its folder is not the repository's, where Python would find the package without its core.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LSTM_NATIVE_")}
    return {
        "env": {**inherited, **environment},
        "cwd": tempfile.gettempdir(),
        "text": True,
    }


def float64(tensors: Tensors) -> Tensors:
    """The same values in double precision."""
    return {name: np.asarray(value, dtype=np.float64) for name, value in tensors.items()}


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Standard normal numbers."""
    return rng.standard_normal(shape).astype(dtype)


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal shape, dtype and every bit: -0.0 is not 0.0, one NaN is not another."""
    assert actual.dtype == expected.dtype, (actual.dtype, expected.dtype)
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    if actual.tobytes() != expected.tobytes():
        first = np.argwhere((actual != expected) | (np.signbit(actual) != np.signbit(expected)))[0]
        at = tuple(int(i) for i in first)
        raise AssertionError(f"first difference at {at}: {actual[at]!r}, expected {expected[at]!r}")


def assert_same_weights(actual: Tensors, expected: Tensors) -> None:
    """Two state dictionaries hold the same names and bits."""
    assert list(actual) == list(expected)
    for name, value in expected.items():
        assert_same_bits(actual[name], value)


def check_gradients(dtype: np.dtype, found: Tensors, expected: Tensors) -> None:
    """Each array close to the reference, relative to its own largest element.

    In float32 relative to the largest of all arrays: a lone element, such as the gradient of a
    single hidden unit's state, may cancel to almost nothing.
    """
    largest = max(np.abs(value).max() for value in expected.values())
    for name, value in expected.items():
        scale = np.abs(value).max() if dtype == np.float64 else largest
        error = np.abs(found[name] - value).max() / (scale or 1.0)
        assert error <= GRADIENT_TOLERANCE[dtype], f"{name}: relative error {error:.3g}"


def run_on_threads(count: int, work: Callable[[], T]) -> T:
    """What `work` returns with so many threads."""
    before = _core.get_num_threads()
    _core.set_num_threads(count)
    try:
        return work()
    finally:
        _core.set_num_threads(before)


def on_each_set(names: list[str], work: Callable[[], T]) -> list[T]:
    """What `work` returns on each instruction set."""
    before = _core.build_info()["isa"]
    found = []
    try:
        for name in names:
            _core.set_isa(name)
            found.append(work())
    finally:
        _core.set_isa(before)
    return found
