"""What layers of several inputs have in common."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from lstm_native._base.inputs import Entering, check_entering
from lstm_native._base.native import native_class
from lstm_native.layers.building import check_seed
from lstm_native.layers.layer import Layer
from lstm_native.layers.symbols import Port, apply, is_symbolic


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
        return self._answers(given, state, lengths)

    def forward(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse (TypeError): gradients of several inputs are those of a `Model`."""
        raise TypeError(
            f"{type(self).__name__} has several inputs, and no tape of its own: make an "
            "ln.Model(inputs, outputs) of it, whose gradients(x, y) has them"
        )

    def _answers(self, given: list[Any], state: Any, lengths: Any) -> Any:
        ends = list(lengths) if lengths is not None else [None] * len(given)
        if len(ends) != len(given):
            raise ValueError(
                f"lengths: expected one for each of {len(given)} inputs, got {len(ends)}"
            )
        arrays, steps = [], []
        for index, (one, end) in enumerate(zip(given, ends, strict=True)):
            array, found = self._check_one(index, one, end)
            arrays.append(array)
            steps.append(found)
        sizes = [one.shape[-1] for one in arrays]
        size: Any = sizes[0] if len(sizes) == 1 else sizes
        before = self._state_of_building()
        try:
            self._build(size, dtype=self.dtype, seed=check_seed(self._seed))
            network, states = self._network_of(len(given), state, len(arrays[0]))
            outputs, _, _ = network.predict_all([*arrays, *states], [*steps, *[None] * len(states)])
        except (TypeError, ValueError):
            self._set_building(before)
            raise
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _check_one(self, index: int, x: Any, lengths: Any) -> tuple[Any, Any]:
        features = np.shape(x)[-1] if np.ndim(x) else 0
        try:
            array, ends, _ = check_entering(x, Entering(features, 0), self.dtype, lengths)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"input {index}: {error}") from None
        return array, ends

    def _network_of(self, count: int, state: Any, samples: int) -> tuple[Any, list[Any]]:
        """Return a network of this layer alone."""
        if state is not None:
            raise ValueError(f"state: {type(self).__name__} has no state, expected None")
        ports = [Port(*port) for port in self._native.inputs]
        outputs = [Port(*port) for port in self._native.outputs]
        network = native_class("Network", self.dtype)(
            [(f"x{i}", port.features, 0) for i, port in enumerate(ports[:count])],
            [self.type_name],
            [(self.type_name, 0, [(i, 0) for i in range(count)])],
            [(port.name, (count, k)) for k, port in enumerate(outputs)],
            [self._native],
        )
        return network, []


def _listed(inputs: tuple[Any, ...]) -> list[Any]:
    one_list = len(inputs) == 1 and isinstance(inputs[0], (list, tuple))
    given = list(inputs[0]) if one_list else list(inputs)
    if not given:
        raise TypeError("expected inputs, got none")
    return given
