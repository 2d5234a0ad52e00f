"""What a layer's `forward` remembers, and how it is led back."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.lengths import Holes
from lstm_native._base.values import as_values
from lstm_native.layers._carried import Carrying, State

Gradients = tuple[NDArray[Any] | None, State, dict[str, NDArray[Any]]]


class Tape:
    """What one `layer.forward` remembers, to be led back once.

    The layer's weights must not change in between.
    """

    __slots__ = ("__weakref__", "_layer", "_native", "_output_shape", "_samples")

    def __init__(
        self,
        native: Any,
        layer: Carrying,
        output_shape: tuple[int, ...],
        samples: int,
    ):
        self._native = native
        self._layer = layer
        self._output_shape = output_shape
        self._samples = samples

    def backward(self, dy: Any, dstate: State = None) -> Gradients:
        """Back-propagate through the pass, and through time (Werbos 1990).

        Parameters
        ----------
        dy : array_like, shape of y
            Gradient of the loss with respect to y.
        dstate : state, optional
            Gradient with respect to the final state, as `forward` returned it.

        Returns
        -------
        dx : ndarray, shape of x, or None
            None when the input was tokens.
        dstate : state or None
            Gradient with respect to the initial state.
        grads : dict of str to ndarray
            Gradient of each parameter, named and shaped as in `state_dict`.

        Raises
        ------
        RuntimeError
            The tape was used before: its memory has been overwritten on the way back.
        ValueError, TypeError
            Gradients of the wrong shape or dtype.
        """
        quick = self._native.quick(dy, dstate)
        if quick is not None:
            found: Gradients = quick
            return found
        layer = self._layer
        dy = as_values(
            dy,
            name="dy",
            dtype=layer.dtype,
            shape=self._output_shape,
            lengths=self._native.lengths,
        )
        given = layer._native_state(dstate, self._samples, name="dstate")
        dx, initial, grads = self._native.backward(dy, given)
        return dx, layer._public_state(initial), grads

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: it is one pass, with the memory of that pass."""
        raise TypeError(
            "Tape cannot be pickled or copied; call backward here and pass the gradients on, or "
            "call forward on a copy of the layer"
        )


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
