"""The state that a stateful layer carries from one call to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.attributes import NotYetError

State = tuple[NDArray[Any], ...] | NDArray[Any] | None
"""(h, c) of an LSTM, each (layers * directions, N, H); None for a layer without state."""


class Carrying:
    """The part of a layer that keeps a state between calls."""

    stateful: bool = False
    # In the core's form; empty: zeros.
    _carried: tuple[NDArray[Any], ...] = ()

    @property
    def state(self) -> State:
        """The state that the next call of a stateful layer begins with; None stands for zeros.

        May be set. RuntimeError for a layer that is not stateful.
        """
        self._check_stateful()
        if not self._carried:
            return None
        return self._public_state([part.copy() for part in self._carried])

    @state.setter
    def state(self, value: State) -> None:
        self._check_stateful()
        if value is None:
            self._carried = ()
            return
        first = np.asarray(value[0] if isinstance(value, (tuple, list)) else value)
        samples = first.shape[1] if first.ndim == 3 else 0
        given = self._native_state(value, samples, name="state")
        assert given is not None
        self._carried = tuple(np.array(part) for part in given)

    def reset_state(self) -> None:
        """Let the next call of a stateful layer begin with zeros, for any number of sequences."""
        self._carried = ()

    def _check_stateful(self) -> None:
        if not self.stateful:
            raise NotYetError(
                f"{type(self).__name__} keeps no state between calls: make it with stateful=True"
            )

    def _carried_for(self, samples: int) -> tuple[NDArray[Any], ...] | None:
        """Return the carried state as the initial one of so many sequences."""
        if not self._carried:
            return None
        before = self._carried[0].shape[1]
        if before != samples:
            raise ValueError(
                f"stateful {type(self).__name__}: expected {before} sequences, as many as in the "
                f"call before, got {samples}; reset the state to begin with others"
            )
        return self._carried

    def _native_state(
        self, state: State, samples: int, *, name: str
    ) -> Sequence[NDArray[Any]] | None:
        if state is not None:
            raise ValueError(f"{name}: {type(self).__name__} has no state, expected None")
        return None

    def _public_state(self, state: Sequence[NDArray[Any]]) -> State:
        return None
