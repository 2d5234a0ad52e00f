"""What layers of several inputs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.inputs import Entering, check_entering
from lstm_native._base.native import native_class
from lstm_native._base.values import as_values
from lstm_native.layers._carried import State
from lstm_native.layers.building import check_seed
from lstm_native.layers.layer import Layer
from lstm_native.layers.symbols import Port, apply, is_symbolic
from lstm_native.layers.tape import Tape


class Joint(Layer):
    """A layer of several inputs. Not to be used itself.

    Called on symbols it is written into a network; called on arrays it runs. Its inputs are given
    one after another, or in one list.
    """

    def __call__(self, *inputs: Any, state: Any = None, lengths: Any = None) -> Any:
        """Run the layer; dropout rests. Or, called on symbols, write it into a network.

        Parameters
        ----------
        *inputs : array_like or Symbol
            (N, T, F) or (N, F) each, in the order of the layer's description; or a list of them.
        state : state, optional
            Of layers with a state alone: the initial one, by default zeros.
        lengths : list of int array_like, (N,), or None, optional
            How many steps the sequences of each input have.

        Returns
        -------
        What a layer answers: y, and further outputs or the final state where it has them.

        Raises
        ------
        TypeError, ValueError
            Inputs of a number, dtype or shape that does not fit.
        """
        given = _listed(inputs)
        if any(is_symbolic(one) for one in given):
            if lengths is not None:
                raise TypeError(
                    "lengths are given with the data, to model.fit and model.predict: in a network "
                    "they ride along with each symbol"
                )
            return apply(self, given, self._states_in(state))
        found, _ = self._pass(given, lengths, state)
        return next(iter(found.values())) if len(found) == 1 else tuple(found.values())

    def forward(
        self,
        *inputs: Any,
        state: Any = None,
        lengths: Any = None,
        training: bool = True,
        seed: int | None = None,
    ) -> tuple[Any, State, Tape]:
        """Run the layer and remember it: arguments as in a call, and as in `Layer.forward`.

        Returns
        -------
        y : ndarray
        state : state or None
        tape : Tape
            `tape.backward(dy)` gives (dx, dstate, grads), where dx is a tuple with the gradient of
            each input.
        """
        found, tape = self._pass(_listed(inputs), lengths, state, ("y",), training, seed)
        assert tape is not None
        return found["y"], None, tape

    def _pass(
        self,
        given: Sequence[Any],
        lengths: Any,
        state: Any,
        remembered: Sequence[str] = (),
        training: bool = True,
        seed: int | None = None,
    ) -> tuple[dict[str, NDArray[Any]], JointTape | None]:
        """Run the layer on arrays; return what leaves at its ports, by name, and the tape.

        remembered : the outputs that a tape is to be led back from; none: no tape.
        """
        ends = list(lengths) if lengths is not None else [None] * len(given)
        if len(ends) != len(given):
            raise ValueError(
                f"lengths: expected one for each of {len(given)} inputs, got {len(ends)}"
            )
        pairs = zip(given, ends, strict=True)
        checked = [self._check_one(index, *pair) for index, pair in enumerate(pairs)]
        arrays, steps = [one[0] for one in checked], [one[1] for one in checked]
        sizes = [one.shape[-1] for one in arrays]
        before = self._state_of_building()
        try:
            size: Any = sizes[0] if len(sizes) == 1 else sizes
            self._build(size, dtype=self.dtype, seed=check_seed(self._seed))
            ports = [Port(*port) for port in self._native.inputs]
            begins = self._begins(ports[len(given) :], state, len(arrays[0]), bool(remembered))
            network = self._network(ports[: len(given) + len(begins)])
            arrays, steps = [*arrays, *begins], [*steps, *[None] * len(begins)]
            if not remembered:
                outputs, _, _ = network.predict_all(arrays, steps)
            else:
                if seed is None:
                    assert self._seed is not None
                    seed = _core.derive_seed(self._seed, self._pass_counter[0])
                outputs, native = network.forward_all(arrays, steps, check_seed(seed), training)
                self._pass_counter[0] += 1
        except (TypeError, ValueError):
            self._set_building(before)  # a refused input decides nothing
            raise
        found = dict(zip((Port(*port).name for port in self._native.outputs), outputs, strict=True))
        if not remembered:
            return found, None
        return found, JointTape(native, self, found, remembered, len(given))

    def _check_one(self, index: int, x: Any, lengths: Any) -> tuple[Any, Any]:
        features = np.shape(x)[-1] if np.ndim(x) else 0
        try:
            array, ends, _ = check_entering(x, Entering(features, 0), self.dtype, lengths)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"input {index}: {error}") from None
        return array, ends

    def _begins(
        self, ports: Sequence[Port], state: Any, samples: int, all_of_them: bool
    ) -> list[NDArray[Any]]:
        """Return the arrays (N, features) that a given state begins with.

        all_of_them : zeros too, for parts that are not given.
        """
        if state is not None:
            raise ValueError(f"state: {type(self).__name__} has no state, expected None")
        return []

    def _network(self, entering: Sequence[Port]) -> Any:
        """Return a network of this layer alone, whose inputs are the layer's first ports."""
        leaving = [Port(*port) for port in self._native.outputs]
        count = len(entering)
        return native_class("Network", self.dtype)(
            [(f"in_{port.name}", port.features, 0) for port in entering],
            [self.type_name],
            [(self.type_name, 0, [(i, 0) for i in range(count)])],
            [(port.name, (count, k)) for k, port in enumerate(leaving)],
            [self._native],
        )


class JointTape(Tape):
    """What one `forward` of a layer of several inputs remembers, to be led back once."""

    __slots__ = ("_inputs", "_joint", "_remembered", "_shapes", "_states")

    def __init__(
        self,
        native: Any,
        layer: Joint,
        outputs: dict[str, NDArray[Any]],
        remembered: Sequence[str],
        inputs: int,
    ) -> None:
        self._native = native
        self._joint = layer
        self._shapes = {name: value.shape for name, value in outputs.items()}
        self._remembered = tuple(remembered)
        self._states = [Port(*port).name for port in layer._native.outputs if port[2] == "state"]
        self._inputs = inputs

    def backward(self, dy: Any, dstate: State = None) -> Any:
        """As in `Tape`; where y is a tuple, so is dy, and None in it stands for zeros.

        Returns
        -------
        dx : tuple of ndarray
            Of each input.
        dstate : state or None
        grads : dict of str to ndarray
        """
        parts = dy if isinstance(dy, (tuple, list)) else (dy,)
        if len(parts) != len(self._remembered):
            raise ValueError(
                f"dy: expected {len(self._remembered)} "
                f"({', '.join(self._remembered)}), got {len(parts)}"
            )
        given = dict(zip(self._remembered, parts, strict=True))
        if dstate is not None:
            finals = dstate if isinstance(dstate, (tuple, list)) else (dstate,)
            if len(finals) != len(self._states):
                raise ValueError(
                    f"dstate: expected ({', '.join(self._states)}), got {len(finals)} parts"
                )
            for name, part in zip(self._states, finals, strict=True):
                given[name] = None if part is None else np.asarray(part)[0]
        checked = [
            self._checked(name, given.get(name), lengths)
            for name, lengths in zip(self._shapes, self._native.lengths, strict=True)
        ]
        if all(one is None for one in checked):
            raise ValueError("dy: expected a gradient of at least one output, got none")
        dx, gradients = self._native.backward(checked)
        prefix = f"{self._joint.type_name}."
        initial = [part[np.newaxis] for part in dx[self._inputs :]]
        return (
            tuple(dx[: self._inputs]),
            self._joint._public_state(initial) if initial else None,
            {name.removeprefix(prefix): value for name, value in gradients.items()},
        )

    def _checked(self, name: str, dy: Any, lengths: Any) -> NDArray[Any] | None:
        if dy is None:
            return None
        label = "dy" if name == "y" else f"dy of {name}"
        return as_values(
            dy, name=label, dtype=self._joint.dtype, shape=self._shapes[name], lengths=lengths
        )


def _listed(inputs: tuple[Any, ...]) -> list[Any]:
    one_list = len(inputs) == 1 and isinstance(inputs[0], (list, tuple))
    given = list(inputs[0]) if one_list else list(inputs)
    if not given:
        raise TypeError("expected inputs, got none")
    return given
