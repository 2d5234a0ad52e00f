"""A model run node by node and led back, its recurrent layers one step at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.lengths import Lengths, true_steps
from lstm_native.diagnostics.results import LayerFlow, Values
from lstm_native.diagnostics.steps import Recurrence
from lstm_native.layers import layer_from_spec
from lstm_native.layers._recurrent import Recurrent
from lstm_native.layers.joint import Joint
from lstm_native.layers.layer import Layer
from lstm_native.layers.simple import Activation, Dense
from lstm_native.layers.symbols import Port
from lstm_native.layers.tape import Tape
from lstm_native.network.stack import Stack

Source = tuple[int, int]
"""(place, port): inputs first, then nodes."""


class Edge(NamedTuple):
    """What stands at a port: (N, T, F) or (N, F), of states (stacked, N, F)."""

    values: NDArray[Any]
    lengths: Lengths = None


class Passed(NamedTuple):
    """A node that was run; sources: of its values, and of its states."""

    place: int
    layer: Layer
    tape: Tape | Recurrence
    values: list[Source]
    states: list[Source]


class Walk:
    """One pass over all samples, at rest: dropout is left out, and zoneout takes its mean.

    Parameters
    ----------
    model : Sequential or Model
    inputs : list of (values, lengths)
        As they enter it.
    before_activation : list of int
        Outputs whose last activation is left out, for a loss that takes it into its own account.
    """

    def __init__(
        self, model: Stack, inputs: Sequence[tuple[Any, Lengths]], before_activation: Sequence[int]
    ) -> None:
        self._model = model
        entering, self._names, self._nodes, leaving = model._network.structure
        self._inputs = len(entering)
        self._leaving: list[Source] = [source for _, source in leaving]
        self._edges: dict[Source, Edge] = {}
        self._passed: list[Passed] = []
        for place, (values, lengths) in enumerate(inputs):
            if lengths is not None:  # what stands behind the ends is not read
                true = true_steps(lengths, values.shape[1])
                rest = true.reshape(true.shape + (1,) * (values.ndim - 2))
                values = np.where(rest, values, values.dtype.type(0))
            self._edges[place, 0] = Edge(values, lengths)
        linear = {self._end(output) for output in before_activation}
        for number, (name, layer, sources) in enumerate(self._nodes):
            self._run(number, name, model.layers[layer], sources, number in linear)

    def outputs(self) -> Iterator[Edge]:
        """Yield what leaves, in order; a state as (N, features)."""
        for source in self._leaving:
            edge = self._edges[source]
            yield Edge(edge.values[0]) if self._is_state(source) else edge

    def back(
        self, gradients: Mapping[int, NDArray[Any]]
    ) -> tuple[list[LayerFlow], dict[str, Values]]:
        """Lead gradients of outputs, by number, back; return the layers and all weights' own."""
        sums: dict[Source, NDArray[Any]] = {}
        for output, gradient in gradients.items():
            source = self._leaving[output]
            _add(sums, source, gradient[np.newaxis] if self._is_state(source) else gradient)
        layers: list[LayerFlow] = []
        of_weights: dict[str, Values] = {}
        for passed in reversed(self._passed):
            found = self._back_through(passed, sums)
            if found is None:
                continue
            flows, grads = found
            layers = flows + layers
            name = self._names[self._nodes[passed.place - self._inputs][1]]
            for parameter, g in grads.items():
                # A tied Dense has no weight of its own: its gradient is one of the Embedding's.
                tied = getattr(passed.layer, "tied", False) and parameter == "weight"
                key = f"{self._names[0] if tied else name}.{parameter}"
                of_weights[key] = of_weights.get(key, 0.0) + g.astype(np.float64)
        return layers, of_weights

    def _run(
        self, number: int, name: str, layer: Layer, sources: Sequence[Source], linear: bool
    ) -> None:
        place = self._inputs + number
        ports = [Port(*port) for port in layer._native.inputs]
        sources = [*sources, *[(-1, 0)] * (len(ports) - len(sources))]
        given = [s for s, port in zip(sources, ports, strict=True) if port.kind != "state"]
        begins = [s for s, port in zip(sources, ports, strict=True) if port.kind == "state"]
        begins = begins if any(at >= 0 for at, _ in begins) else []
        edges = [self._value(source) for source in given]
        states = [self._state(*pair) for pair in zip(begins, ports[len(given) :], strict=False)]
        first, lengths = edges[0]
        tape: Tape | Recurrence
        ends: list[Lengths]
        if isinstance(layer, Recurrent):
            active = np.ones(first.shape[:2], dtype=bool)
            if lengths is not None:
                active = true_steps(lengths, first.shape[1])
            tape = Recurrence(layer, name, active)
            y, final = tape.forward(first, states or None)
            found, ends = [y, *final], [lengths if y.ndim == 3 else None]
        elif isinstance(layer, Joint):
            leaving = [Port(*port) for port in layer._native.outputs]
            values_of = [port.name for port in leaving if port.kind != "state"]
            x, true = [edge.values for edge in edges], [edge.lengths for edge in edges]
            named, joint = layer._pass(x, true, states or None, values_of, training=False)
            assert joint is not None
            tape, ends = joint, joint._native.lengths
            found = [v if k in values_of else v[np.newaxis] for k, v in named.items()]
        else:
            run = _linear(layer, self._model) if linear else layer
            # The base's: a ConvLSTM's own takes images, and here are rows.
            y, after, tape = Layer.forward(run, first, _public(states), lengths, training=False)
            parts = after if isinstance(after, tuple) else () if after is None else (after,)
            found, ends = [y, *parts], [tape._native.lengths]
        for port_number, values in enumerate(found):
            end = ends[port_number] if port_number < len(ends) else None
            self._edges[place, port_number] = Edge(values, end)
        self._passed.append(Passed(place, layer, tape, given, begins))

    def _back_through(
        self, passed: Passed, sums: dict[Source, NDArray[Any]]
    ) -> tuple[list[LayerFlow], Mapping[str, NDArray[Any]]] | None:
        edges = [
            (port, self._edges[passed.place, port])
            for port in range(len(passed.layer._native.outputs))
        ]
        found = [sums.get((passed.place, port)) for port, _ in edges]
        if all(one is None for one in found):
            return None
        dy = [
            np.zeros_like(edge.values) if one is None else one
            for one, (_, edge) in zip(found, edges, strict=True)
        ]
        of_inputs, begins, grads, flows = _lead_back(passed, dy)
        for source, gradient in zip(passed.values, of_inputs, strict=True):
            if gradient is not None and source[0] >= 0:
                _add(sums, source, gradient[np.newaxis] if self._is_state(source) else gradient)
        for source, gradient in zip(passed.states, begins, strict=False):
            if source[0] >= 0:
                _add(sums, source, gradient if self._is_state(source) else gradient[0])
        return flows, grads

    def _value(self, source: Source) -> Edge:
        edge = self._edges[source]
        return Edge(edge.values[0]) if self._is_state(source) else edge

    def _state(self, source: Source, port: Port) -> NDArray[Any]:
        """Return what a state begins with, (stacked, N, features)."""
        if source[0] < 0:
            samples = len(self._edges[0, 0].values)
            return np.zeros((port.stacked, samples, port.features), self._model.dtype)
        values = self._edges[source].values
        return values if self._is_state(source) else values[np.newaxis]

    def _is_state(self, source: Source) -> bool:
        place, port = source
        if place < self._inputs:
            return False
        layer = self._model.layers[self._nodes[place - self._inputs][1]]
        return Port(*layer._native.outputs[port]).kind == "state"

    def _end(self, output: int) -> int:
        """Return the node whose activation an output ends with."""
        place, _ = self._leaving[output]
        while place >= self._inputs:
            _, layer, sources = self._nodes[place - self._inputs]
            if getattr(self._model.layers[layer], "activation", "linear") != "linear":
                break
            place, _ = sources[0]
        return place - self._inputs


def _lead_back(passed: Passed, dy: list[NDArray[Any]]) -> tuple[Any, Any, Any, list[LayerFlow]]:
    """Lead gradients of all ports back through a node.

    Returns gradients of its values, of its initial states, of its weights, and what is told of it.
    """
    tape: Any = passed.tape
    if isinstance(tape, Recurrence):
        of_x, begins, flows = tape.backward(dy[0], dy[1:])
        return [of_x], begins, tape.gradients(), flows
    kinds = [port[2] for port in passed.layer._native.outputs]
    values = [one for one, kind in zip(dy, kinds, strict=True) if kind != "state"]
    states = [one for one, kind in zip(dy, kinds, strict=True) if kind == "state"]
    if isinstance(passed.layer, Joint):
        dx, dstate, grads = tape.backward(values, _public(states))
    else:
        of_x, dstate, grads = tape.backward(values[0], _public(states))
        dx = [of_x]
    parts = dstate if isinstance(dstate, tuple) else [] if dstate is None else [dstate]
    return dx, parts, grads, []


def _public(state: Sequence[NDArray[Any]]) -> Any:
    """Return the parts of a state as layers take it."""
    if not state:
        return None
    return state[0] if len(state) == 1 else tuple(state)


def _add(sums: dict[Source, NDArray[Any]], source: Source, gradient: NDArray[Any]) -> None:
    sums[source] = sums[source] + gradient if source in sums else gradient


def _linear(layer: Layer, model: Stack) -> Layer:
    """Return a Dense with the same weights and no activation, or what hands values on."""
    if isinstance(layer, Activation):
        linear: Layer = layer_from_spec({**layer._spec(), "activation": "linear"})
        linear._build(layer._native.input_features, dtype=layer.dtype, seed=0)
        return linear
    assert isinstance(layer, Dense)
    weights = layer.state_dict()
    if layer.tied:
        weights["weight"] = model.layers[0].state_dict()["weight"]
    linear = layer_from_spec({**layer._spec(), "activation": "linear", "tied": False})
    linear._build(weights["weight"].shape[1], dtype=layer.dtype, seed=0)
    linear.load_state_dict(weights)
    return linear
