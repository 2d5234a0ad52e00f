"""What the layers that look at a memory have in common."""

from __future__ import annotations

from typing import Any

from lstm_native._base.native import native_class
from lstm_native.layers.building import check_seed
from lstm_native.layers.joint import Joint
from lstm_native.layers.symbols import Port, apply


class Looking(Joint):
    """A layer with a memory as its second input."""

    def _look(
        self, x: Any, memory: Any, lengths: Any, memory_lengths: Any, state: Any
    ) -> dict[str, Any]:
        """Run the layer on arrays; return what leaves at its ports, by name."""
        x, ends = self._check_one(0, x, lengths)
        memory, memory_ends = self._check_one(1, memory, memory_lengths)
        before = self._state_of_building()
        try:
            sizes = [x.shape[-1], memory.shape[-1]]
            self._build(sizes, dtype=self.dtype, seed=check_seed(self._seed))
            ports = [Port(*port) for port in self._native.inputs]
            names = [Port(*port).name for port in self._native.outputs]
            begins = self._begins(ports[2:], state, len(x))
            count = 2 + len(begins)
            network = native_class("Network", self.dtype)(
                [(f"in_{port.name}", port.features, 0) for port in ports[:count]],
                [self.type_name],
                [(self.type_name, 0, [(i, 0) for i in range(count)])],
                [(name, (count, k)) for k, name in enumerate(names)],
                [self._native],
            )
            ends_of_all = [ends, memory_ends, *[None] * len(begins)]
            outputs, _, _ = network.predict_all([x, memory, *begins], ends_of_all)
        except (TypeError, ValueError):
            self._set_building(before)  # a refused input decides nothing
            raise
        return dict(zip(names, outputs, strict=True))

    def _begins(self, ports: list[Port], state: Any, samples: int) -> list[Any]:
        """Return the arrays (N, features) that a given state begins with."""
        return []

    def _on(self, symbols: tuple[Any, Any], lengths: Any, states: Any) -> Any:
        if any(one is not None for one in lengths):
            raise TypeError(
                "lengths are given with the data, to model.fit and model.predict: in a network "
                "they ride along with each symbol"
            )
        return apply(self, symbols, states)
