"""What a model looks like: a table of its layers, their outputs and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lstm_native.layers.layer import Layer

# Enough steps for the window of any Highway, to ask for a shape where the length is open.
_MANY_STEPS = 1 << 24


def table(layers: Sequence[Layer], parameter_count: int) -> str:
    """Return the table that `Sequential.summary` shows, of layers that are built."""
    rows = [("layer", "output", "parameters")]
    timed = True
    for layer in layers:
        steps = _MANY_STEPS if timed else 0
        if timed and layer._wanted_steps is not None:
            steps = layer._wanted_steps
        timesteps, features = layer._native.output_shape(steps)
        timed = timesteps > 0
        rows.append((type(layer).__name__, _shape(timesteps, features), f"{_count(layer):,}"))
    rows.append(("total", "", f"{parameter_count:,}"))
    return "\n".join(f"{a:<10} {b:<12} {c:>11}".rstrip() for a, b, c in rows)


class Place(NamedTuple):
    """An input or a node of a graph, as it is shown.

    shape : of its first output.
    reads : names of what it reads, with the port where it is not the first.
    """

    name: str
    layer: Layer | None
    shape: str
    reads: list[str]


def places_of(network: Any, layers: Sequence[Layer]) -> tuple[list[Place], dict[str, str]]:
    """Return the inputs and nodes of a native network in order, and what each output is."""
    inputs, _, nodes, outputs = network.structure
    shapes = _value_shapes(network, len(inputs))
    places = []
    ports: list[list[str]] = []
    for name, features, vocabulary in inputs:
        shape = shapes[len(ports)] if shapes else f"(..., {features})"
        places.append(Place(name, None, "tokens" if vocabulary else shape, []))
        ports.append(["x"])
    value = len(inputs)
    for name, number, sources in nodes:
        layer = layers[number]
        shape = shapes[value] if shapes else f"(..., {layer._native.outputs[0][1]})"
        reads = [_named(places, ports, source) for source in sources if source[0] >= 0]
        places.append(Place(name, layer, shape, reads))
        ports.append([port[0] for port in layer._native.outputs])
        value += len(ports[-1])
    return places, {name: _named(places, ports, source) for name, source in outputs}


def _named(places: list[Place], ports: list[list[str]], source: tuple[int, int]) -> str:
    place, port = source
    return places[place].name + (f".{ports[place][port]}" if port else "")


def _value_shapes(network: Any, inputs: int) -> list[str]:
    """Return the shapes of all values, where all inputs have a time axis, or none has."""
    for steps in (_MANY_STEPS, 0):
        try:
            return [_shape(t, f) for t, f in network.value_shapes([steps] * inputs)]
        except ValueError:
            continue
    return []


def graph_table(network: Any, layers: Sequence[Layer]) -> str:
    """Return the table that `Model.summary` shows."""
    places, outputs = places_of(network, layers)
    rows = [("node", "layer", "output", "parameters", "reads")]
    seen: list[Layer] = []
    for place in places:
        kind, count = "Input", ""
        if place.layer is not None:
            again = any(place.layer is one for one in seen)
            kind = type(place.layer).__name__
            count = "shared" if again else f"{_count(place.layer):,}"
            seen.append(place.layer)
        rows.append((place.name, kind, place.shape, count, ", ".join(place.reads)))
    rows.append(("total", "", "", f"{network.parameter_count:,}", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}  {e}".rstrip()
        for a, b, c, d, e in rows
    ]
    shown = [name if name == of else f"{name} = {of}" for name, of in outputs.items()]
    return "\n".join([*lines, f"outputs: {', '.join(shown)}"])


def _shape(timesteps: int, features: int) -> str:
    if not timesteps:
        return f"(N, {features})"
    if timesteps >= _MANY_STEPS // 1024:  # depends on that of the input
        return f"(N, {'T' if timesteps == _MANY_STEPS else 'T*'}, {features})"
    return f"(N, {timesteps}, {features})"


def _count(layer: Layer) -> int:
    return sum(value.size for value in layer.state_dict().values())
