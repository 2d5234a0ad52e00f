"""Symbols: values that are not there yet, from which a network is written down."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple, NoReturn

import numpy as np

from lstm_native._base.attributes import Guarded
from lstm_native._base.checks import check_int, check_positive_int
from lstm_native._base.shown import shown
from lstm_native.layers._specs import layer_from_spec

# This module knows no layers, which know it: where a layer is meant, its type says Any.
_MAX_FEATURES = 2**24
_MAX_NAME = 200
_order = itertools.count()


class Port(NamedTuple):
    """Where something enters a layer or leaves it, as the core tells it.

    kind : "values", "tokens" or "state".
    features : of a row; of tokens how many there are; -1 for any number.
    """

    name: str
    features: int
    kind: str
    stacked: int
    optional: bool


class Node:
    """One use of a layer, or an input of the network.

    Attributes
    ----------
    layer : Layer or None
        None: an input.
    sources : tuple of Symbol or None
        What each input port reads; None: nothing.
    inputs, outputs : tuple of Port
    name : str or None
        Of an input.
    order : int
        Nodes are numbered as they are made.
    """

    __slots__ = ("inputs", "layer", "name", "order", "outputs", "sources")

    def __init__(
        self,
        layer: Any,
        sources: Sequence[Symbol | None],
        outputs: Sequence[Port],
        name: str | None = None,
        inputs: Sequence[Port] = (),
    ) -> None:
        self.layer = layer
        self.sources = tuple(sources)
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.name = name
        self.order = next(_order)


class Symbol(Guarded):
    """What an input will hold, or a layer answer: layers are called on it to write a network.

    Made by `Input` and by calling a layer on symbols; `Model` makes a network of them. Symbols may
    be added, subtracted and multiplied, with one another (`z + y`, `z - y`, `z * y`: `Add`,
    `Multiply`) and with numbers (`2 * z`, `z + 1`, `1 - z`, `z / 2`, `-z`: `Scale`).

    Attributes
    ----------
    features : int or None
        Of a row; None for tokens. A state of several layers or directions is (runs, N, H) where it
        starts another layer, and for all others its runs side by side, (N, runs * H).
    tokens : int or None
        How many tokens there are; None for values.
    """

    __slots__ = ("_made", "node", "port")
    _made_by = "ln.Input"
    __array_ufunc__ = None  # NumPy leaves operators to this class

    def __init__(self, node: Node, port: int) -> None:
        self._made = False
        self.node = node
        self.port = port

    @property
    def _port(self) -> Port:
        return self.node.outputs[self.port]

    @property
    def features(self) -> int | None:
        """Values of a row; None for tokens."""
        port = self._port
        return None if port.kind == "tokens" else port.stacked * port.features

    @property
    def tokens(self) -> int | None:
        """How many tokens there are; None for values."""
        return self._port.features if self._port.kind == "tokens" else None

    def __add__(self, other: Any) -> Any:
        """Add a symbol, feature by feature, or a number."""
        return (
            _merged("add", self, other)
            if _is_symbol(other)
            else _scaled(self, 1.0, _number(self, other))
        )

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        """Multiply by a symbol, feature by feature, or by a number."""
        return (
            _merged("multiply", self, other)
            if _is_symbol(other)
            else _scaled(self, _number(self, other), 0.0)
        )

    __rmul__ = __mul__

    def __neg__(self) -> Any:
        """Change the sign."""
        return _scaled(self, -1.0, 0.0)

    def __sub__(self, other: Any) -> Any:
        """Subtract a symbol, feature by feature, or a number."""
        if _is_symbol(other):
            return _merged("add", self, -other)
        return _scaled(self, 1.0, -_number(self, other))

    def __rsub__(self, other: Any) -> Any:
        """Subtract the symbol from a number."""
        return _scaled(self, -1.0, _number(self, other))

    def __truediv__(self, other: Any) -> Any:
        """Divide by a number (ZeroDivisionError: by 0)."""
        return _scaled(self, 1.0 / _number(self, other), 0.0)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse (TypeError): there are no numbers yet."""
        raise TypeError(
            f"{self!r} is a symbol, which has no numbers yet: call layers on it, and make a model "
            "with ln.Model(inputs, outputs)"
        )

    def __bool__(self) -> NoReturn:
        """Refuse (TypeError): there are no numbers yet."""
        raise TypeError("a symbol has no numbers yet, and cannot decide anything")

    def __iter__(self) -> NoReturn:
        """Refuse (TypeError): a layer without a state gives one symbol."""
        raise TypeError(
            f"{self!r} is one symbol: layers without a state return y alone, recurrent ones "
            "(y, state)"
        )

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: models are."""
        raise TypeError("Symbol cannot be pickled or copied; pickle the Model")

    def __repr__(self) -> str:
        """Return what it is of."""
        port, node = self._port, self.node
        of = f"Input {node.name!r}" if node.layer is None and node.name else "Input"
        if node.layer is not None:
            of = node.layer.name or type(node.layer).__name__
        what = f"{port.features} tokens" if port.kind == "tokens" else f"{self.features} features"
        if port.features < 0:
            what = "a feature for each step of the memory"
        return f"<Symbol {of}{f'.{port.name}' if self.port else ''}: {what}>"


def is_symbolic(x: Any) -> bool:
    """Whether `x` is a symbol, or a list that begins with one."""
    if isinstance(x, (list, tuple)):
        return any(isinstance(one, Symbol) for one in x)
    return isinstance(x, Symbol)


def Input(  # noqa: N802 - it stands beside the layers
    features: int | None = None, *, tokens: int | None = None, name: str | None = None
) -> Symbol:
    """Return a symbol for an input of a network.

    Parameters
    ----------
    features : int
        Values of a row: the input will be (N, T, features), or (N, features).
    tokens : int
        How many tokens there are: the input will be integers (N, T), or (N,), from 0 to
        tokens - 1. One of the two is to be given.
    name : str, optional
        By default "input", "input_1", ..., in the order of the model's inputs.

    Raises
    ------
    TypeError, ValueError
        Neither features nor tokens, or both; sizes out of range; a name with '.', '/' or control
        characters.

    Examples
    --------
    >>> import lstm_native as ln
    >>> x = ln.Input(features=8)
    >>> y, (h, c) = ln.LSTM(64)(x)
    >>> y.features
    64
    """
    if (features is None) == (tokens is None):
        raise TypeError("Input: expected either features=... (values) or tokens=... (integers)")
    if tokens is not None:
        port = Port("x", check_positive_int(tokens, name="tokens"), "tokens", 1, False)
    else:
        size = check_int(features, name="features", minimum=1, maximum=_MAX_FEATURES)
        port = Port("x", size, "values", 1, False)
    return Symbol(Node(None, (), (port,), check_name(name)), 0)


def check_name(name: Any) -> str | None:
    """Return a name of a layer, an input or an output, as model files can hold it."""
    if name is None:
        return None
    if not isinstance(name, str):
        raise TypeError(f"name must be text, got {shown(name)}")
    good = 0 < len(name.encode()) <= _MAX_NAME and name.isprintable()
    if not good or "." in name or "/" in name:
        raise ValueError(
            f"name: expected 1 to {_MAX_NAME} characters without '.', '/' and control characters, "
            f"got {shown(name)}"
        )
    return name


def own_name(name: str, kind: str) -> str | None:
    """Return a name that was given; None for one of its kind, as it has without: "lstm_1".

    What comes from a model is called anew in another one, where its number may be taken.
    """
    begin, _, number = name.rpartition("_")
    return None if name == kind or (begin == kind and number.isdecimal()) else name


def apply(layer: Any, values: Sequence[Any], states: Sequence[Any]) -> Any:
    """Return what a layer answers to these symbols: its values, and its states where it has some.

    values : for the layer's ports of values and tokens, in order.
    states : for its ports of states, in order; empty or None: zeros.
    """
    kind = type(layer).__name__
    for symbol in (*values, *states):
        if symbol is not None and not isinstance(symbol, Symbol):
            raise TypeError(
                f"{layer!r}: expected symbols alone, got {type(symbol).__name__} beside them; an "
                "array is given to the model, at an Input"
            )
        if symbol is not None and symbol.tokens and layer._known_input_size != 0:
            raise ValueError(
                f"{layer!r}: expected values, got tokens ({symbol!r}); put an Embedding before it"
            )
        if symbol is not None and symbol._port.features < 0:
            raise ValueError(
                f"{layer!r}: {symbol!r} has as many features as a memory has steps, which no layer "
                "takes; it may be an output of the model"
            )
    try:
        ports = layer._ports([s.features or 0 if s is not None else 0 for s in values])
    except ValueError as error:
        if len(values) == 1:
            raise
        raise ValueError(f"{error}; the inputs are {', '.join(map(repr, values))}") from None
    wanted = [port for port in ports[0] if port.kind != "state"]
    if len(values) > len(wanted):
        raise TypeError(
            f"{kind}: expected at most {len(wanted)} inputs "
            f"({', '.join(port.name for port in wanted)}), got {len(values)}"
        )
    left, begins = iter(values), iter(states)
    sources: list[Symbol | None] = []
    for port in ports[0]:
        source = next(begins if port.kind == "state" else left, None)
        _check_fit(layer, port, source)
        sources.append(source)
    node = Node(layer, sources, ports[1], inputs=ports[0])
    symbols = [Symbol(node, index) for index in range(len(node.outputs))]
    answers = [one for one in symbols if one._port.kind != "state"]
    ends = [one for one in symbols if one._port.kind == "state"]
    if ends:
        answers.append(layer._public_state(ends))
    return answers[0] if len(answers) == 1 else tuple(answers)


def _check_fit(layer: Any, port: Port, source: Symbol | None) -> None:
    where = f"{layer!r}: {port.name}"
    if source is None:
        if not port.optional:
            raise TypeError(f"{where}: expected a symbol, got none")
        return
    given = source._port
    if (given.kind == "tokens") != (port.kind == "tokens"):
        told = "; put an Embedding before it" if given.kind == "tokens" else ""
        raise ValueError(f"{where}: expected {_kind(port)}, got {_kind(given)} ({source!r}){told}")
    if port.kind == "tokens":
        if port.features and given.features > port.features:
            raise ValueError(
                f"{where}: expected at most {port.features} tokens, got {given.features}"
            )
        return
    if port.kind != "state" and given.stacked > 1:  # its runs are read side by side
        given = given._replace(features=given.stacked * given.features, stacked=1)
    if (given.stacked, given.features) != (port.stacked, port.features) and port.features >= 0:
        raise ValueError(f"{where}: expected {_size(port)}, got {_size(given)} ({source!r})")


def _kind(port: Port) -> str:
    return "tokens" if port.kind == "tokens" else "values"


def _size(port: Port) -> str:
    runs = f"{port.stacked} x " if port.stacked > 1 else ""
    return f"{runs}{port.features} features"


def _is_symbol(value: Any) -> bool:
    return isinstance(value, Symbol)


def _number(one: Symbol, other: Any) -> Any:
    """Return what stands beside a symbol, if it is a number."""
    if isinstance(other, Real) and not isinstance(other, (bool, np.bool_)):
        return other
    # NumPy would put an answer of its own behind NotImplemented.
    raise TypeError(
        "symbols go with symbols and numbers in +, - and *, and with numbers in /; got "
        f"{one!r} and {type(other).__name__} (an array is given to the model, at an Input)"
    )


def _merged(kind: str, one: Symbol, other: Symbol) -> Any:
    layer: Any = layer_from_spec({"type": kind})
    return layer(one, other)


def _scaled(symbol: Symbol, factor: Any, offset: Any) -> Any:
    layer: Any = layer_from_spec({"type": "scale", "factor": factor, "offset": offset})
    return layer(symbol)
