"""What the layers that look at a memory have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from lstm_native.layers._carried import State
from lstm_native.layers.joint import Joint
from lstm_native.layers.symbols import apply
from lstm_native.layers.tape import Tape


class Looking(Joint):
    """A layer with a memory as its second input."""

    def _forward(
        self,
        given: tuple[Any, Any],
        lengths: Any,
        state: Any,
        remembered: Sequence[str],
        training: bool,
        seed: int | None,
    ) -> tuple[Any, State, Tape]:
        found, tape = self._pass(given, lengths, state, remembered, training, seed)
        assert tape is not None
        y = tuple(found[name] for name in remembered)
        return y if len(y) > 1 else y[0], self._final(found), tape

    def _final(self, found: dict[str, NDArray[Any]]) -> State:
        """Return the final state, of what has left at the ports."""
        return None

    def _on(self, symbols: tuple[Any, Any], lengths: Any, states: Any) -> Any:
        if any(one is not None for one in lengths):
            raise TypeError(
                "lengths are given with the data, to model.fit and model.predict: in a network "
                "they ride along with each symbol"
            )
        return apply(self, symbols, states)
