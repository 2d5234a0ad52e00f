"""Models as the bytes of a file, and put together again; copies by way of them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from typing import IO, Any

from lstm_native import _core
from lstm_native._base import callback_states
from lstm_native._base.shown import shown
from lstm_native.layers._specs import attributes_of, own_class, restore_layer
from lstm_native.layers.building import check_seed
from lstm_native.layers.layer import Layer
from lstm_native.layers.symbols import own_name
from lstm_native.training._settings import Training, TrainingSettings, check_metadata


def _save(
    model: TrainingSettings, path: str | os.PathLike[str] | IO[bytes], metadata: Mapping[str, str]
) -> None:
    """Write a model to a file, as `Sequential.save` says, with `metadata` beside its own."""
    if hasattr(path, "write"):
        _write_all(path, _bytes_of(model, metadata))
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


def _bytes_of(model: TrainingSettings, metadata: Mapping[str, str]) -> bytes:
    """Return the bytes that `_save` writes."""
    network = model._built_network()
    return _core.model_bytes(network, model._trainer, *_beside(model, metadata))


def _beside(
    model: TrainingSettings, metadata: Mapping[str, str]
) -> tuple[dict[str, str], callback_states.Extras]:
    """Return what goes into the file beside network and trainer."""
    merged = check_metadata({**model.metadata, **metadata})
    return merged, callback_states.pack({**model._callback_states, **_forms(model)})


# Beside the states of callbacks: how inputs and outputs are given, where that does not follow from
# their number.
_FORMS = "inputs, outputs"


def _forms(model: TrainingSettings) -> dict[str, dict[str, str]]:
    forms = {"inputs": model._form_in, "outputs": model._form_out}
    if all(form.kind == ("one" if len(form) == 1 else "list") for form in forms.values()):
        return {}
    return {_FORMS: {name: form.kind for name, form in forms.items()}}


def _set_forms(model: Any, kinds: Mapping[str, Any] | None) -> None:
    if not kinds:
        return
    for name, attribute in (("inputs", "_form_in"), ("outputs", "_form_out")):
        form = getattr(model, attribute)
        kind = kinds.get(name)
        if kind not in ("one", "list", "dict") or (kind == "one" and len(form) > 1):
            raise ValueError(f"model file: expected how {name} are given, got {shown(kind)}")
        setattr(model, attribute, type(form)(form.names, kind, form.what))
    model._connect(model._network)


def _write_all(file: Any, content: bytes) -> None:
    _check_open(file, "path", to="write", mode="wb")
    kind = type(file).__name__
    left = memoryview(content)
    while left:
        try:
            count = file.write(left)
        except TypeError as error:  # a class of one's own that takes text, most likely
            raise TypeError(
                f"{error}: a model is written to a file that is open for bytes, as open(path, "
                "'wb') gives it"
            ) from None
        if count is None:
            if isinstance(file, io.RawIOBase):
                raise BlockingIOError(f"path: {kind}.write would have to wait, and does not")
            return  # the object does not say how much it took: all of it
        if not isinstance(count, int) or not 0 < count <= len(left):
            raise OSError(f"path: {kind}.write took {shown(count)} of {len(left)} bytes")
        left = left[count:]


def _check_open(file: Any, name: str, *, to: str, mode: str) -> None:
    """Refuse what says of itself that it is closed, for text, or open for something else."""
    wanted = f"{name}: expected a file that is open for bytes, as open(path, '{mode}') gives it"
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{wanted}, got one open for text")
    if getattr(file, "closed", False) is True:
        raise ValueError(f"{wanted}, got one that is closed")
    able = getattr(file, "writable" if to == "write" else "readable", None)
    if able is not None and not able():
        raise io.UnsupportedOperation(f"{wanted}, got one that is not open to {to}")


def read(source: Any) -> tuple[Any, Any, dict[str, str], Any]:
    """Return what `load_model` is given as the core reads it: network, trainer, metadata, rest."""
    if hasattr(source, "read"):
        _check_open(source, "load_model", to="read", mode="rb")
        kind = type(source).__name__
        source = source.read()
        if not isinstance(source, (bytes, bytearray, memoryview)):
            hint = "; open(path, 'rb') gives one" if isinstance(source, str) else ""
            raise TypeError(
                "load_model: expected a file whose read() gives bytes, got "
                f"{type(source).__name__} from {kind}.read(){hint}"
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


def assembled(
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
    forms = states.pop(_FORMS, None)
    names = [None] * len(layers) if network.is_row else network.structure[1]
    for layer, native, name in zip(layers, network.layers, names, strict=True):
        layer._set_building((native, dtype, check_seed(None)))
        if name is not None:
            layer.name = own_name(name, layer.type_name)
    model = _plain(kind, layers, dtype)
    model._connect(network)
    _set_forms(model, forms)
    model._metadata = metadata
    model._callback_states = states
    if trainer is not None:
        model._restore_training(trainer)
    return model


def _plain(kind: type[Any], layers: Any, dtype: str) -> Any:
    """Return a model of this class whose own constructor was not called."""
    model: Any = object.__new__(kind)
    TrainingSettings.__init__(model, layers, dtype=dtype, seed=None)
    return model


# -- copies --------------------------------------------------------------------------------
#
# A pickle holds one of the two functions below, what they are given, and the attributes of the
# object. The weights, and the optimiser's state, are in it as a model file.


def _reduce(model: Any) -> tuple[Any, ...]:
    """Return a model in parts, for pickle and copy."""
    attributes = dict(vars(model))
    layers = attributes.pop("layers")
    for name in ("_network", "_in_training", "_shown"):
        attributes.pop(name, None)
    training = attributes.pop("_training")
    # Attributes that are layers of the model stay so.
    places = {id(layer): index for index, layer in enumerate(layers)}
    references = {
        name: places[id(value)] for name, value in attributes.items() if id(value) in places
    }
    for name in references:
        attributes.pop(name)
    state: dict[str, Any] = {
        "attributes": attributes,
        "references": references,
        # The trainer, with the optimiser's state, is in the file.
        "training": (training.loss, training.optimizer, training.given),
    }
    if not model.built:
        return restore_model, (type(model), None, layers, model.dtype), state
    for name in ("_metadata", "_ended_states"):
        attributes.pop(name, None)  # they are in the file
    state["layers"] = [attributes_of(layer) for layer in layers]
    kinds = [(own_class(layer), json.dumps(layer._spec())) for layer in layers]
    return restore_model, (type(model), _bytes_of(model, {}), kinds, model.dtype), state


def restore_model(kind: type[Any], content: bytes | None, layers: Any, dtype: str) -> Any:
    """Return a model without its attributes, as `_reduce` took it apart."""
    if content is None:
        return _plain(kind, layers, dtype)
    parts = [restore_layer(layer, spec, None) for layer, spec in layers]
    return assembled(kind, parts, *read(content))


restore_model.__module__ = "lstm_native.files"  # which pickles name


def _set_state(model: Any, state: dict[str, Any]) -> None:
    """Give a restored model and its layers their attributes."""
    for layer, attributes in zip(model.layers, state.get("layers", ()), strict=False):
        layer.__dict__.update(attributes)
    model.__dict__.update(state["attributes"])
    loss, optimizer, given = state["training"]
    # The functions among the losses, which the file could not hold, are among the attributes.
    trainer = None if loss is None else model._trainer_of_function(loss)
    if trainer is None:
        trainer = model._training.trainer
    model._training = Training(trainer, loss, optimizer, given)
    for name, index in state["references"].items():
        model.__dict__[name] = model.layers[index]


class Saving(TrainingSettings):
    """The part of `Sequential` that is written to files and copied."""

    def save(
        self,
        path: str | os.PathLike[str] | IO[bytes],
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write the model to a file: weights, layers, metadata, and the optimiser's state.

        The file is safetensors with JSON metadata, written whole or not at all. What callbacks
        know of the training goes along.

        Parameters
        ----------
        path : path-like, or binary file
            An object with `write` gets the bytes, from its position on; it need not be able to
            seek. If writing fails, what it has taken so far stays written, and its position is
            behind it: only a path is written whole or not at all.
        metadata : dict of str to str, optional
            Added to `model.metadata` in the file.

        Raises
        ------
        OSError
            The file cannot be written; an older file of that name is still there.
        TypeError, ValueError
            Neither a path nor a file; one for text; one that is closed.
        """
        _save(self, path, metadata or {})

    def to_bytes(self, *, metadata: Mapping[str, str] | None = None) -> bytes:
        """Return the bytes that `save` writes; `load_model` reads them.

        A model may be pickled and deep-copied too, which takes its attributes along: history,
        seeds, the states that stateful layers carry, and those of a subclass. A layer that is
        held beside its model in what is copied is copied for itself, and so is one that two models
        share: their copies share nothing.

        Examples
        --------
        >>> import lstm_native as ln
        >>> model = ln.Sequential([ln.LSTM(8, input_size=3), ln.Dense(1)], seed=0)
        >>> ln.load_model(model.to_bytes()).parameter_count
        425
        """
        return _bytes_of(self, metadata or {})

    # -- copies ----------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the parts of a copy: weights and training state as a model file has them."""
        return _reduce(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, as `__reduce__` gave them."""
        _set_state(self, state)
