"""Layers as specifications and back, and their copies by way of them.

The classes are listed in `kinds`, which sees them all and registers them here; so a layer, which
knows this module, can make others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from lstm_native._base.native import native_class

_KINDS: dict[str, Any] = {}  # by the name that a specification has for them


def register(kinds: Iterable[Any]) -> None:
    """Make classes of layers known."""
    _KINDS.update({kind.type_name: kind for kind in kinds})


def layer_from_spec(spec: dict[str, Any]) -> Any:
    """Return the unbuilt layer that a specification describes."""
    options = dict(spec)
    if "layers" in options:
        options["layers"] = [layer_from_spec(inner) for inner in options["layers"]]
    return _KINDS[options.pop("type")]._from_spec(options)


# A pickle holds the function `restore_layer`, what it is given, and the layer's attributes.


def reduce_layer(layer: Any) -> tuple[Any, ...]:
    """Return a layer in parts, for pickle and copy."""
    weights = None
    if layer.built:
        if getattr(layer, "tied", False):
            raise TypeError(
                "a tied Dense computes with the weight of another layer: pickle or copy the "
                "Sequential that holds both"
            )
        weights = (layer.dtype, input_sizes(layer._native), layer.state_dict())
    return (
        restore_layer,
        (own_class(layer), json.dumps(layer._spec()), weights),
        attributes_of(layer),
    )


def input_sizes(native: Any) -> int | list[int]:
    """Return what a native layer was built for: features, or a list with those of each input."""
    found = [
        0 if kind == "tokens" else features
        for _, features, kind, *_ in native.inputs
        if kind != "state"
    ]
    return found[0] if len(found) == 1 else found


def own_class(layer: Any) -> type[Any] | None:
    """Return a layer's class where its kind alone does not tell it: a user's subclass."""
    kind = type(layer)
    return None if kind is _KINDS.get(kind.type_name) else kind


def attributes_of(layer: Any) -> dict[str, Any]:
    """Return what a copy of a layer gets beside its options and weights."""
    return {name: value for name, value in vars(layer).items() if name != "_native"}


def restore_layer(
    kind: type[Any] | None, spec: str, weights: tuple[str, Any, dict[str, NDArray[Any]]] | None
) -> Any:
    """Return a layer without its attributes, as `reduce_layer` took it apart.

    kind : its class, where that is none of the package.
    """
    layer: Any = object.__new__(kind or _KINDS[json.loads(spec)["type"]])
    # The options of a layer that knows nothing of a subclass's constructor.
    layer.__dict__.update(vars(layer_from_spec(json.loads(spec))))
    if weights is not None:
        dtype, input_size, values = weights
        native = native_class("Layer", dtype)(spec, input_size, None)
        native.set_parameters(values)
        layer._native = native
    return layer


restore_layer.__module__ = "lstm_native.layers"  # which pickles name
