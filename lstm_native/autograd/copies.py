"""Copies of a layer that hold the parameters that a function is called with."""

from __future__ import annotations

import copy
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from lstm_native._base.state_dicts import match
from lstm_native.layers.layer import Layer
from lstm_native.layers.tape import Tape

Parameters = dict[str, Any]
_Found = TypeVar("_Found")


class _Copy:
    """A layer, and the passes through it that may still be led back."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.tapes: weakref.WeakSet[Tape] = weakref.WeakSet()


class Copies:
    """Layers of one kind, each with parameters of its own.

    A tape can be led back as long as its layer's weights stay. So a layer is given others only when
    none of its tapes is left, and calls with several parameters in one trace have several layers.
    """

    def __init__(self, layer: Layer) -> None:
        self._lock = threading.Lock()
        self._copies = [_Copy(copy.deepcopy(layer))]

    def run(self, params: Parameters, call: Callable[[Layer], _Found]) -> _Found:
        """Return what `call` makes of a layer with these parameters.

        Where it returns a tuple that ends with a tape, the layer keeps its parameters as long as
        that is there.
        """
        with self._lock:
            chosen = self._with(params)
            found = call(chosen.layer)
            if isinstance(found, tuple) and isinstance(found[-1], Tape):
                chosen.tapes.add(found[-1])
            return found

    def apart(self, params: Parameters) -> Layer:
        """Return a layer with these parameters that nobody else uses."""
        with self._lock:
            layer = copy.deepcopy(self._copies[0].layer)
        if layer.built:
            layer.load_state_dict(params)
        return layer

    def _with(self, params: Parameters) -> _Copy:
        # Compared with what the layers hold, so that a change in place is seen.
        for one in self._copies:
            if one.layer.built and one.layer._native.holds(params):
                return one
        first = self._copies[0].layer
        if not first.built:  # a layer without weights, at its first call
            if params:
                raise ValueError(f"params: {first!r} has no parameters, got {sorted(params)}")
            return self._copies[0]
        own = first.state_dict()
        values, _ = match(own, params, owner="layer", dtype=first.dtype, strict=True)
        for one in self._copies:
            if one.layer._native.holds(values):
                return one
        free = next((one for one in self._copies if not one.tapes), None)
        if free is None:
            free = _Copy(copy.deepcopy(first))
        free.layer._native.set_parameters(values)
        self._copies = [free, *(one for one in self._copies if one.tapes and one is not free)]
        return free
