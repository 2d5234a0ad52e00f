"""Which inputs' steps the outputs of a network have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lstm_native.layers.symbols import Port


def step_inputs(
    network: Any, timesteps: Sequence[int]
) -> tuple[list[frozenset[int]], list[frozenset[int]]]:
    """Return for each output the inputs whose steps it has, and those whose steps meet anywhere.

    A decoder's output has the steps of what it reads, not of what its state comes from, nor of what
    it attends to; behind a layer that drops the time axis there are none.

    timesteps : of each input; 0: no time axis.
    """
    inputs, _, nodes, outputs = network.structure
    shapes = iter(network.value_shapes(list(timesteps)))
    found: dict[tuple[int, int], frozenset[int]] = {}
    meet: list[frozenset[int]] = []

    def settle(place: int, port: int, origins: frozenset[int]) -> None:
        steps, _ = next(shapes)
        found[place, port] = origins if steps else frozenset()

    for place in range(len(inputs)):
        settle(place, 0, frozenset({place}))
    for number, (_, layer, sources) in enumerate(nodes):
        native = network.layers[layer]
        origins: frozenset[int] = frozenset()
        for source, port in zip(sources, map(_port, native.inputs), strict=False):
            if source[0] >= 0 and _gives_steps(native, port):
                origins |= found[tuple(source)]
        meet.append(origins)
        for port_number in range(len(native.outputs)):
            settle(len(inputs) + number, port_number, origins)
    return [found[tuple(source)] for _, source in outputs], [one for one in meet if len(one) > 1]


def _port(port: Any) -> Port:
    return Port(*port)


def _gives_steps(native: Any, port: Port) -> bool:
    """Whether the steps at an input port are those of the layer; a memory is seen as a whole."""
    if port.kind == "state":
        return False
    return port.name != "memory" or bool(json.loads(native.spec).get("causal"))
