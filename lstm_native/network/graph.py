"""Layers that read one another's outputs, written with symbols: what a `Model` is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_native import _core
from lstm_native._base.arrays import sequences_of
from lstm_native._base.inputs import Checked, Entering, check_entering, image_of
from lstm_native._base.native import native_class
from lstm_native._base.shown import shown
from lstm_native.layers.building import BUILDING
from lstm_native.layers.layer import Layer
from lstm_native.layers.symbols import Node, Port, Symbol, check_name, own_name
from lstm_native.network.decoding import Decoding
from lstm_native.network.form import Form, Kind
from lstm_native.network.stream import Stream

Structure = tuple[list[Any], list[str], list[Any], list[Any]]
"""(name, features, vocabulary) of inputs; names of layers; (name, number of the layer, sources) of
nodes; (name, source) of outputs. A source is (place, port): inputs first, then nodes."""

_INPUT = "input"  # what one without a name is called


class Written:
    """A network as symbols say it, in the core's terms.

    Attributes
    ----------
    layers : list of Layer
    structure : tuple
    inputs, outputs : Form
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.entering, kind_in, given = _listed(inputs, "inputs")
        self.leaving, kind_out, named = _listed(outputs, "outputs")
        for index, symbol in enumerate(self.entering):
            if symbol.node.layer is not None:
                raise ValueError(f"inputs: expected symbols made by ln.Input, got {symbol!r}")
            if any(symbol is one for one in self.entering[:index]):
                raise ValueError(f"inputs: {symbol!r} stands there twice")
        self._nodes = _reached(self.leaving, {symbol.node for symbol in self.entering})
        self.layers: list[Layer] = []
        for node in self._nodes:
            assert node.layer is not None
            if not any(node.layer is layer for layer in self.layers):
                self.layers.append(node.layer)
        if not self.layers:
            raise ValueError("outputs: expected what layers answer, got inputs alone")
        self._check_stateful()
        names = _Names()
        chosen = [
            label or symbol.node.name for label, symbol in zip(given, self.entering, strict=True)
        ]
        for name in filter(None, chosen):
            names.take(name, "inputs", "give names of your own with a dict, {name: symbol}")
        layer_names = self._name_layers(names)
        input_names = [name or names.free(_INPUT) for name in chosen]
        node_names = self._name_nodes(names, layer_names)
        self._places = {symbol.node: i for i, symbol in enumerate(self.entering)}
        self._places |= {node: len(input_names) + i for i, node in enumerate(self._nodes)}
        output_names = [
            label or self._name_of(symbol, input_names, node_names)
            for label, symbol in zip(named, self.leaving, strict=True)
        ]
        for name in output_names:
            if output_names.count(name) > 1:
                raise ValueError(
                    f"outputs: two of one name, '{name}'; give names of your own with a dict, "
                    "{name: symbol}"
                )
            if len(output_names) > 1 and (f"{name}_".startswith("val_") or name == "loss"):
                raise ValueError(
                    f"outputs: the logs of fit call other losses by the name '{name}'; give a name "
                    "of your own with a dict, {name: symbol}"
                )
        self.inputs = Form(input_names, kind_in, "input")
        self.outputs = Form(output_names, kind_out, "output")
        self.structure: Structure = (
            [
                (name, symbol.features or 0, symbol.tokens or 0)
                for name, symbol in zip(input_names, self.entering, strict=True)
            ],
            layer_names,
            [
                (name, self._number_of(node.layer), [self._source(one) for one in node.sources])
                for name, node in zip(node_names, self._nodes, strict=True)
            ],
            [
                (name, self._source(symbol))
                for name, symbol in zip(output_names, self.leaving, strict=True)
            ],
        )

    def sizes(self) -> list[int | list[int]]:
        """Return what each layer is to be built for: features, or a list of those of its inputs."""
        found: list[int | list[int]] = []
        for layer in self.layers:
            node = next(node for node in self._nodes if node.layer is layer)
            features = [
                symbol.features or 0  # of a state of several runs: side by side
                for symbol, port in zip(node.sources, node.inputs, strict=True)
                if symbol is not None and port.kind != "state"
            ]
            found.append(features[0] if len(features) == 1 else features)
        return found

    def _check_stateful(self) -> None:
        for layer in self.layers:
            used = [node for node in self._nodes if node.layer is layer]
            if not layer.stateful:
                continue
            if len(used) > 1:
                raise ValueError(
                    f"{layer!r}: stateful, but used {len(used)} times: make one layer for each use"
                )
            sources = zip(used[0].sources, used[0].inputs, strict=True)
            if any(one is not None and port.kind == "state" for one, port in sources):
                raise ValueError(f"{layer!r}: stateful, but its state is given by a symbol")

    def _number_of(self, layer: Layer | None) -> int:
        return next(i for i, one in enumerate(self.layers) if one is layer)

    def _source(self, symbol: Symbol | None) -> tuple[int, int]:
        return (-1, 0) if symbol is None else (self._places[symbol.node], symbol.port)

    def _name_layers(self, names: _Names) -> list[str]:
        for layer in self.layers:
            if layer.name is not None:
                names.take(layer.name, f"{layer!r}", "layer.name = ... gives it another one")
        return [layer.name or names.free(layer.type_name) for layer in self.layers]

    def _name_nodes(self, names: _Names, layer_names: list[str]) -> list[str]:
        """Name each use of a layer: the first one as the layer, others after it."""
        found = []
        for index, node in enumerate(self._nodes):
            name = layer_names[self._number_of(node.layer)]
            first = all(before.layer is not node.layer for before in self._nodes[:index])
            found.append(name if first else names.free(f"{name}_again"))
        return found

    def _name_of(self, symbol: Symbol, inputs: list[str], nodes: list[str]) -> str:
        place = self._places[symbol.node]
        name = inputs[place] if place < len(inputs) else nodes[place - len(inputs)]
        return f"{name}_{symbol._port.name}" if symbol.port else name


class _Names:
    """Names that are taken."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str, what: str, hint: str) -> None:
        if name in self._taken:
            raise ValueError(f"{what}: the name '{name}' is taken; {hint}")
        self._taken.add(name)

    def free(self, name: str) -> str:
        """Return the name, or with the first number that is free, and take it."""
        number, found = 0, name
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found


def _listed(given: Any, what: str) -> tuple[list[Symbol], Kind, list[str | None]]:
    """Return symbols, how they were given, and the names that a dict gives them."""
    kind: Kind = "list"
    names: list[str | None]
    if isinstance(given, Mapping):
        kind = "dict"
        names = [check_name(name) for name in given]
        symbols = list(given.values())
    elif isinstance(given, (list, tuple)):
        symbols, names = list(given), [None] * len(given)
    else:
        kind, symbols, names = "one", [given], [None]
    if not symbols:
        raise ValueError(f"{what}: expected at least one symbol, got none")
    for symbol in symbols:
        if isinstance(symbol, tuple) and any(isinstance(part, Symbol) for part in symbol):
            raise TypeError(
                f"{what}: expected a symbol, got a tuple of {len(symbol)}: a recurrent layer gives "
                "(y, state)"
            )
        if not isinstance(symbol, Symbol):
            raise TypeError(
                f"{what}: expected symbols, got {type(symbol).__name__}: {shown(symbol)}"
            )
    return symbols, kind, names


def _reached(outputs: Sequence[Symbol], inputs: set[Node]) -> list[Node]:
    """Return the nodes that the outputs depend on, in the order in which they were made."""
    found: set[Node] = set()
    used: set[Node] = set()
    left = [symbol.node for symbol in outputs]
    while left:
        node = left.pop()
        if node in found or node in used:
            continue
        if node.layer is None:
            if node not in inputs:
                raise ValueError(
                    f"inputs: {Symbol(node, 0)!r} is read, but is not among the model's inputs"
                )
            used.add(node)
            continue
        found.add(node)
        left += [symbol.node for symbol in node.sources if symbol is not None]
    for node in inputs:
        if node not in used:
            raise ValueError(f"inputs: {Symbol(node, 0)!r} leads to no output")
    return sorted(found, key=lambda node: node.order)


def symbols_of(network: Any, layers: Sequence[Layer]) -> tuple[list[Symbol], list[Symbol]]:
    """Return new symbols of a native network's inputs and outputs."""
    inputs, _, nodes, outputs = network.structure
    made = [
        Node(
            None,
            (),
            (Port("x", size or vocabulary, _kind(vocabulary), 1, False),),
            own_name(name, _INPUT),
        )
        for name, size, vocabulary in inputs
    ]

    def at(source: tuple[int, int]) -> Symbol | None:
        return None if source[0] < 0 else Symbol(made[source[0]], source[1])

    for _, number, sources in nodes:
        layer = layers[number]
        ports = [Port(*port) for port in layer._native.outputs]
        read = [Port(*port) for port in layer._native.inputs]
        made.append(Node(layer, [at(source) for source in sources], ports, inputs=read))
    entering = [Symbol(node, 0) for node in made[: len(inputs)]]
    leaving = [at(source) for _, source in outputs]
    return entering, [symbol for symbol in leaving if symbol is not None]


def _kind(vocabulary: int) -> str:
    return "tokens" if vocabulary else "values"


class Graph(Decoding):
    """The part of `Model` that builds its layers and takes its inputs."""

    _structure: Structure

    def _begin(self, written: Written) -> None:
        """Build what the layers have not yet, all or nothing."""
        names = written.structure[1]
        with BUILDING:
            before = [layer._state_of_building() for layer in self.layers]
            try:
                for name, layer, size in zip(names, self.layers, written.sizes(), strict=True):
                    seed = _core.layer_seed(self._seed, name)
                    layer._build(size, dtype=self.dtype, seed=seed)
                natives = [layer._native for layer in self.layers]
                network = native_class("Network", self.dtype)(*written.structure, natives)
            except BaseException:
                for layer, state in zip(self.layers, before, strict=True):
                    layer._set_building(state)
                raise
        self._form_in, self._form_out = written.inputs, written.outputs
        self._connect(network)

    def _connect(self, network: Any) -> None:
        super()._connect(network)
        self._structure = network.structure
        inputs, _, _, outputs = self._structure
        if "_form_in" not in self.__dict__:
            for what, entries in (("input", inputs), ("output", outputs)):
                kind: Kind = "one" if len(entries) == 1 else "list"
                form = Form([entry[0] for entry in entries], kind, what)
                setattr(self, "_form_in" if what == "input" else "_form_out", form)
        self._quick = self._form_in.single and self._form_out.single

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self._structure[1])

    @property
    def _node_layers(self) -> tuple[Layer, ...]:
        return tuple(self.layers[number] for _, number, _ in self._structure[2])

    def _entering(self, index: int) -> Entering:
        _, features, vocabulary = self._structure[0][index]
        image, masked = None, set()
        for _, number, sources in self._structure[2]:
            if (index, 0) in map(tuple, sources):
                spec = json.loads(self._network.layers[number].spec)
                masked.add(spec["value"] if spec["type"] == "masking" else None)
                if tuple(sources[0]) == (index, 0):
                    image = image or image_of(spec)
        # What is masked for one reader alone is no mask of the input.
        return Entering(features, vocabulary, image, masked.pop() if len(masked) == 1 else None)

    def _takes_tokens(self, index: int) -> bool:
        return bool(self._structure[0][index][2])

    def _check_entry(self, index: int, x: Any, lengths: Any, mask: Any) -> Checked:
        return check_entering(x, self._entering(index), self.dtype, lengths, mask)

    def stream(self, batch_size: int = 1, **held: Any) -> Stream:
        """Return the model as a stream, which is given one step at a time.

        Parameters
        ----------
        batch_size : int
            Sequences that run side by side.
        **held : array_like, by the names of inputs
            Inputs that are known as a whole beforehand, (batch_size, T, F), or a list of sequences:
            the sentence that a decoder translates. What depends on them alone is computed once; it
            is where states begin, or a memory to attend to.

        Returns
        -------
        Stream
            `stream.step(x)` takes one step of each input that is not held, (batch_size, F) or
            tokens (batch_size,), in a list or dict where there are several, and returns one of each
            output that depends on them. It keeps the weights the model has now.

        Raises
        ------
        ValueError, TypeError
            Unknown names; another number of sequences than batch_size; nothing is left to step; a
            layer that cannot be streamed, with its name.
        """
        given = self._check_all_held("stream", held)
        return Stream(
            self._network,
            batch_size,
            dtype=self.dtype,
            entering=[self._entering(i) for i in range(len(self._form_in))],
            forms=(self._form_in, self._form_out),
            held=given,
        )

    def _check_all_held(self, call: str, held: Mapping[str, Any]) -> list[Checked | None] | None:
        names = self._form_in.names
        unknown = [name for name in held if name not in names]
        if unknown:
            raise self._unexpected(
                call,
                held,
                f"{call}: no input named {unknown[0]!r}; the inputs are "
                f"{', '.join(map(repr, names))}",
            )
        if not held:
            return None
        return [
            self._check_held(i, held[name]) if name in held else None
            for i, name in enumerate(names)
        ]

    def _check_held(self, index: int, x: Any) -> Checked:
        name = self._form_in.names[index]
        tokens = self._takes_tokens(index)
        try:
            parts = sequences_of(x, ndim=1 if tokens else 2, name=name)
            if parts is None:
                return self._check_entry(index, x, None, None)
            lengths = np.array([len(part) for part in parts], dtype=np.int64)
            padded = np.zeros(
                (len(parts), max(int(lengths.max()), 1), *np.shape(parts[0])[1:]),
                dtype=np.int64 if tokens else self.dtype,
            )
            for to, part in zip(padded, parts, strict=True):
                to[: len(part)] = part
            return self._check_entry(index, padded, lengths, None)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"input '{name}': {error}") from None

    def summary(self) -> str:
        """Return a table of the nodes: layer, output, parameters, and what each reads.

        Examples
        --------
        >>> import lstm_native as ln
        >>> x = ln.Input(features=3)
        >>> y, _ = ln.LSTM(8)(x)
        >>> print(ln.Model(x, ln.Dense(1)(y)).summary())
        node      layer     output        parameters  reads
        input     Input     (N, T, 3)
        lstm      LSTM      (N, T, 8)            416  input
        dense     Dense     (N, T, 1)              9  lstm
        total                                    425
        outputs: dense
        """
        from lstm_native.network.summary import graph_table

        return graph_table(self._network, self.layers)

    def __repr__(self) -> str:
        """Return the inputs, the outputs and the dtype."""
        return (
            f"{type(self).__name__}(inputs={list(self._form_in.names)}, "
            f"outputs={list(self._form_out.names)}, dtype={self.dtype!r})"
        )
