"""One step of an optimiser for training loops that are written in Python."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.arrays import as_array
from lstm_native._base.native import native_class
from lstm_native._base.state_dicts import names_text
from lstm_native.layers.layer import Layer
from lstm_native.network.stack import Stack

_Arrays = dict[str, NDArray[Any]]


class Settings(Protocol):
    """What a step asks of an optimiser."""

    @property
    def learning_rate(self) -> float:
        """The rate of the step."""

    def to_json(self) -> str:
        """Return all settings."""


class Memory:
    """The state of an optimiser's own steps; empty until the first.

    An optimiser with another learning rate that was made of this one holds the same memory.

    restore : what makes a memory of a state in a pickle: a function with a public home.
    """

    def __init__(self, restore: Callable[[dict[str, Any]], Memory]) -> None:
        self._restore = restore
        self.native: Any = None
        self.settings = ""  # all but the learning rate, which comes along with each step
        self.dtype = ""
        self.shapes: dict[str, tuple[int, ...]] = {}

    def begin(self, settings: str, values: _Arrays) -> None:
        """Make zeros for these parameters."""
        dtype = next(iter(values.values())).dtype.name
        shapes = {name: value.shape for name, value in values.items()}
        native = native_class("Optimizer", dtype)(settings, list(shapes.items()))
        self.settings, self.dtype, self.shapes, self.native = settings, dtype, shapes, native

    def clear(self) -> None:
        """Forget the state and what it was for."""
        self.native = None

    def check_same(self, values: _Arrays) -> None:
        """Refuse other parameters than those that the state belongs to."""
        remedy = "call optimizer.reset() to begin anew, or make an optimizer for each"
        told = [
            text
            for text, names in (
                ("missing", [name for name in self.shapes if name not in values]),
                ("new", [name for name in values if name not in self.shapes]),
            )
            for text in ([f"{text}: {names_text(names)}"] if names else [])
        ]
        told += [
            f"'{name}' had shape {self.shapes[name]}, now {value.shape}"
            for name, value in values.items()
            if self.shapes.get(name, value.shape) != value.shape
        ][:3]
        found = next(iter(values.values())).dtype.name
        if found != self.dtype:
            told.append(f"they were {self.dtype}, now {found}")
        if told:
            raise ValueError(
                "params: the optimizer's state belongs to other parameters "
                f"({'; '.join(told)}); {remedy}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a pickle or a copy holds."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("_restore", "native")}
        if self.native is not None:
            state["updates"], state["tensors"] = self.native.state()
        return self._restore, (state,)

    def go_on_from(self, state: dict[str, Any]) -> None:
        """Take a state over that a pickle held."""
        made, tensors = state.pop("updates", None), state.pop("tensors", None)
        self.__dict__.update(state)
        if made is not None:
            self.native = native_class("Optimizer", self.dtype)(
                self.settings, list(self.shapes.items())
            )
            self.native.set_state(made, tensors)


def update(optimizer: Settings, memory: Memory, params: Any, grads: Any) -> Any:
    """Change the parameters by one step; see `Optimizer.update`."""
    if isinstance(params, (Layer, Stack)):
        values = params.state_dict()
        _step(optimizer, memory, values, grads)
        params.load_state_dict(values)
        return params
    if not isinstance(params, Mapping):
        raise TypeError(
            "params: expected a layer, a model, or a dict of names and arrays, got "
            f"{type(params).__name__}; write optimizer.update(layer, grads). What state_dict() "
            "gives are copies: changing them changes no layer until load_state_dict(...)"
        )
    values = _checked_parameters(params)
    given = {name: np.require(value, requirements=["C", "A"]) for name, value in values.items()}
    _step(optimizer, memory, given, grads)
    for name, value in values.items():
        if given[name] is not value:  # a copy in the order that the core wants
            value[...] = given[name]
    return params


def _checked_parameters(params: Mapping[str, Any]) -> _Arrays:
    """Return the arrays, all of one dtype and each of them one that can be changed."""
    if not params:
        raise ValueError("params: expected at least one array, got none")
    dtypes: dict[str, str] = {}
    seen: dict[int, str] = {}
    for name, value in params.items():
        label = f"params['{name}']"
        if not isinstance(value, np.ndarray):
            raise TypeError(
                f"{label} must be a NumPy array, which is changed in place, got "
                f"{type(value).__name__}; write np.asarray(...) first"
            )
        if value.dtype not in (np.dtype("float32"), np.dtype("float64")):
            raise TypeError(f"{label} must be float32 or float64, got {value.dtype}")
        if not value.flags.writeable:
            raise ValueError(f"{label} is read-only, but is to be changed in place; copy it first")
        if value.size == 0:
            raise ValueError(f"{label} is empty: its shape is {value.shape}")
        if id(value) in seen:
            raise ValueError(
                f"{label} is the same array as params['{seen[id(value)]}']: it would be changed "
                "twice; give it once, with the sum of its gradients"
            )
        seen[id(value)] = name
        dtypes[value.dtype.name] = name
    _check_apart(params)
    if len(dtypes) > 1:
        listed = ", ".join(f"'{name}' is {dtype}" for dtype, name in dtypes.items())
        raise TypeError(f"params must have one dtype, but {listed}")
    return dict(params)


def _check_apart(params: Mapping[str, Any]) -> None:
    """Refuse two arrays with memory in common: the numbers there would be changed twice."""
    for (first, a), (second, b) in itertools.combinations(params.items(), 2):
        views = a.base is not None or b.base is not None
        if views and np.may_share_memory(a, b) and np.shares_memory(a, b):
            raise ValueError(
                f"params['{second}'] shares memory with params['{first}']: what they have in "
                "common would be changed twice; give the whole array once, with its gradient"
            )


def _step(optimizer: Settings, memory: Memory, values: _Arrays, grads: Any) -> None:
    gradients = checked_gradients(values, grads)
    begins = memory.native is None
    if begins:
        memory.begin(optimizer.to_json(), values)
    else:
        memory.check_same(values)
    names = list(memory.shapes)
    try:
        norm, done = memory.native.update(
            optimizer.learning_rate,
            [values[name] for name in names],
            [gradients[name] for name in names],
        )
    except BaseException:
        if begins:
            memory.clear()
        raise
    if not done:
        if begins:
            memory.clear()
        _refuse(gradients, norm)


def checked_gradients(values: _Arrays, grads: Any) -> _Arrays:
    """Return a gradient for each parameter, in the core's form."""
    if not isinstance(grads, Mapping):
        raise TypeError(
            "grads: expected a dict of names and arrays, as tape.backward returns it, got "
            f"{type(grads).__name__}"
        )
    missing = [name for name in values if name not in grads]
    unknown = [name for name in grads if name not in values]
    if missing or unknown:
        told = [f"missing: {names_text(missing)}"] * bool(missing)
        told += [f"unknown: {names_text(unknown)}"] * bool(unknown)
        raise ValueError(f"grads: expected one for each parameter; {'; '.join(told)}")
    found = {}
    for name, value in values.items():
        given = as_array(grads[name], name=f"grads['{name}']")
        if given.dtype.kind != "f":
            raise TypeError(f"grads['{name}'] must be floating point, got {given.dtype}")
        if given.shape != value.shape:
            raise ValueError(
                f"grads['{name}']: expected shape {value.shape}, that of the parameter, got "
                f"{given.shape}"
            )
        with np.errstate(over="ignore"):  # becomes infinite, which is reported
            found[name] = np.require(given, dtype=value.dtype, requirements=["C", "A"])
    return found


def refuse_not_finite(gradients: _Arrays) -> None:
    """Refuse gradients with NaN or infinity, before anything has changed."""
    bad = [name for name, value in gradients.items() if not _core.all_finite(value)]
    if bad:
        raise FloatingPointError(
            f"grads: NaN or infinity in {names_text(bad)}; nothing has changed"
        )


def _refuse(gradients: _Arrays, norm: float) -> None:
    refuse_not_finite(gradients)
    raise FloatingPointError(
        f"grads: the step overflows, their norm is {norm:g}; the parameters have not changed. A "
        "smaller learning rate or clip_norm may help"
    )
