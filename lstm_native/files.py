"""Model files: safetensors with JSON metadata, whole or not at all; copies by way of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import IO, Any

from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base import callback_states
from lstm_native._base.shown import shown
from lstm_native.layers.kinds import layer_from_spec
from lstm_native.layers.layer import Layer, check_seed, native_class
from lstm_native.model import Sequential
from lstm_native.training._settings import check_metadata


def save_model(
    model: Sequential, path: str | os.PathLike[str] | IO[bytes], metadata: Mapping[str, str]
) -> None:
    """Write a model to a file, as `Sequential.save` says, with `metadata` beside its own."""
    if hasattr(path, "write"):
        _write_all(path, model_bytes(model, metadata))
        return
    network = model._built_network()
    try:
        encoded = os.fsencode(path)
    except TypeError:
        raise TypeError(
            f"path must be a path or a file that is open for bytes, got {shown(path)}; the bytes "
            "themselves are model.to_bytes()"
        ) from None
    _core.save_model(encoded, network, model._trainer, *_beside(model, metadata))


def model_bytes(model: Sequential, metadata: Mapping[str, str]) -> bytes:
    """Return the bytes that `save_model` writes."""
    network = model._built_network()
    return _core.model_bytes(network, model._trainer, *_beside(model, metadata))


def _beside(
    model: Sequential, metadata: Mapping[str, str]
) -> tuple[dict[str, str], callback_states.Extras]:
    """Return what goes into the file beside network and trainer."""
    merged = check_metadata({**model.metadata, **metadata})
    return merged, callback_states.pack(model._callback_states)


def _write_all(file: Any, content: bytes) -> None:
    left = memoryview(content)
    while left:
        try:
            count = file.write(left)
        except TypeError as error:
            raise TypeError(
                f"{error}: a model is written to a file that is open for bytes, as open(path, "
                "'wb') gives it"
            ) from None
        if count is None:  # the object does not say: all of it
            return
        if not count:
            raise OSError(f"path: {type(file).__name__}.write took 0 of {len(left)} bytes")
        left = left[count:]


def load_model(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes],
) -> Sequential:
    """Return the model that `Sequential.save` wrote.

    Loading runs no code from the file and allocates no more than the file's size justifies.

    Parameters
    ----------
    source : path-like, bytes-like, or binary file
        A path; the content itself, as `Sequential.to_bytes` gives it; or an object whose `read()`
        gives it.

    Raises
    ------
    OSError
        The file cannot be read (FileNotFoundError, ...).
    ValueError
        It is no model file, is damaged, has weights that are not finite, or was written by another
        version of the format. For files of other programs the message says what they seem to be,
        and how their weights get into a model.
    TypeError
        Neither a path, nor bytes, nor a file that is open for bytes.
    """
    network, trainer, metadata, extras = _read(source)
    natives = network.layers
    layers = [layer_from_spec(json.loads(native.spec)) for native in natives]
    model: Sequential = _assembled(Sequential, layers, network, trainer, metadata, extras)
    return model


def _read(source: Any) -> tuple[Any, Any, dict[str, str], Any]:
    if hasattr(source, "read"):
        source = source.read()
        if isinstance(source, str):
            raise TypeError(
                "load_model: expected a file that is open for bytes, as open(path, 'rb') gives "
                "it, got one open for text"
            )
    if isinstance(source, (bytes, bytearray, memoryview)):
        view = memoryview(source)
        plain = view.c_contiguous and view.itemsize == 1
        return _core.load_model_bytes(view if plain else view.tobytes())
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"load_model: expected a path, bytes or a file, got {type(source).__name__}"
        )
    return _core.load_model(os.fsencode(source))


def _assembled(
    kind: type[Any],
    layers: list[Layer],
    network: Any,
    trainer: Any,
    metadata: dict[str, str],
    extras: Any,
) -> Any:
    """Return the model of this class around what the core has read."""
    dtype = "float64" if isinstance(network, _core.Network64) else "float32"
    states = callback_states.unpack(*extras)
    for layer, native in zip(layers, network.layers, strict=True):
        layer._set_building((native, dtype, check_seed(None)))
    model = _plain(kind, layers, dtype)
    model._network = network
    model._metadata = metadata
    model._callback_states = states
    if trainer is not None:
        model._restore_training(trainer)
    return model


def _plain(kind: type[Any], layers: Any, dtype: str) -> Any:
    """Return a model of this class whose own constructor was not called."""
    model: Any = object.__new__(kind)
    Sequential.__init__(model, layers, dtype=dtype)
    return model


# -- copies --------------------------------------------------------------------------------
#
# A pickle holds one of the two functions below, what they are given, and the attributes of the
# object. The weights, and the optimiser's state, are in it as a model file.


def reduce_layer(layer: Layer) -> tuple[Any, ...]:
    """Return a layer in parts, for pickle and copy."""
    weights = None
    if layer.built:
        if getattr(layer, "tied", False):
            raise TypeError(
                "a tied Dense computes with the weight of another layer: pickle or copy the "
                "Sequential that holds both"
            )
        weights = (layer.dtype, layer._native.input_features, layer.state_dict())
    return restore_layer, (type(layer), json.dumps(layer._spec()), weights), _attributes(layer)


def _attributes(layer: Layer) -> dict[str, Any]:
    return {name: value for name, value in vars(layer).items() if name != "_native"}


def restore_layer(
    kind: type[Layer], spec: str, weights: tuple[str, int, dict[str, NDArray[Any]]] | None
) -> Layer:
    """Return a layer without its attributes, as `reduce_layer` took it apart."""
    layer = object.__new__(kind)
    # The options of a layer that knows nothing of a subclass's constructor.
    layer.__dict__.update(vars(layer_from_spec(json.loads(spec))))
    if weights is not None:
        dtype, input_size, values = weights
        native = native_class("Layer", dtype)(spec, input_size, None)
        native.set_parameters(values)
        layer._native = native
    return layer


def reduce_model(model: Any) -> tuple[Any, ...]:
    """Return a model in parts, for pickle and copy."""
    attributes = dict(vars(model))
    layers = attributes.pop("layers")
    for name in ("_network", "_in_training"):
        attributes.pop(name, None)
    # The trainer, with the optimiser's state, is in the file.
    attributes["_training"] = attributes["_training"].with_trainer(None)
    # Attributes that are layers of the model stay so.
    places = {id(layer): index for index, layer in enumerate(layers)}
    references = {
        name: places[id(value)] for name, value in attributes.items() if id(value) in places
    }
    for name in references:
        attributes.pop(name)
    state: dict[str, Any] = {"attributes": attributes, "references": references}
    if not model.built:
        return restore_model, (type(model), None, layers, model.dtype), state
    for name in ("_metadata", "_ended_states"):
        attributes.pop(name, None)  # they are in the file
    state["layers"] = [_attributes(layer) for layer in layers]
    kinds = [(type(layer), json.dumps(layer._spec())) for layer in layers]
    return restore_model, (type(model), model_bytes(model, {}), kinds, model.dtype), state


def restore_model(kind: type[Any], content: bytes | None, layers: Any, dtype: str) -> Any:
    """Return a model without its attributes, as `reduce_model` took it apart."""
    if content is None:
        return _plain(kind, layers, dtype)
    parts = [restore_layer(layer, spec, None) for layer, spec in layers]
    return _assembled(kind, parts, *_read(content))


def set_state(model: Any, state: dict[str, Any]) -> None:
    """Give a restored model and its layers their attributes."""
    for layer, attributes in zip(model.layers, state.get("layers", ()), strict=False):
        layer.__dict__.update(attributes)
    trainer = model._training.trainer  # as the file has it
    model.__dict__.update(state["attributes"])
    if trainer is not None:
        model._training = model._training.with_trainer(trainer)
    for name, index in state["references"].items():
        model.__dict__[name] = model.layers[index]
