"""Tapes of passes that the core ran over something else: holes closed, or one for no sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._carried import State
from lstm_native._checks import as_array, as_values
from lstm_native._lengths import Holes
from lstm_native.layer import Tape

Gradients = tuple[NDArray[Any] | None, State, dict[str, NDArray[Any]]]


class HolesTape(Tape):
    """A pass over the true steps alone, led back from and to the places they were given in."""

    def __init__(self, closed: Tape, holes: Holes) -> None:
        self._closed = closed
        self._holes = holes

    def backward(self, dy: Any, dstate: State = None) -> Gradients:
        """As in `Tape`; `dy` at a masked step is not read, and `dx` is zero there."""
        closed, holes = self._closed, self._holes
        shape = closed._output_shape
        if len(shape) == 3:
            given = as_array(dy, name="dy")
            shape = (*holes.mask.shape, shape[2])
            if given.shape == shape and given.dtype.kind == "f":
                given = np.where(holes.mask[..., np.newaxis], given, given.dtype.type(0))
            dtype = closed._layer.dtype
            dy = holes.close(as_values(given, name="dy", dtype=dtype, shape=shape))
        dx, initial, grads = closed.backward(dy, dstate)
        return None if dx is None else holes.open(dx), initial, grads


class EmptyTape(Tape):
    """A pass of no samples: the core remembers one of zeros, of which nothing is told."""

    def __init__(self, one: Tape) -> None:
        self._one = one

    def backward(self, dy: Any, dstate: State = None) -> Gradients:
        """As in `Tape`: gradients of no samples, zeros for the parameters."""
        one = self._one
        layer, shape = one._layer, one._output_shape
        as_values(dy, name="dy", dtype=layer.dtype, shape=shape)
        layer._native_state(dstate, 0, name="dstate")
        dx, initial, grads = one._native.backward(np.zeros((1, *shape[1:]), layer.dtype), None)
        none = [part[:, :0].copy() for part in initial]
        return (
            None if dx is None else dx[:0],
            layer._public_state(none),
            {name: np.zeros_like(value) for name, value in grads.items()},
        )
