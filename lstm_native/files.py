"""Model files: safetensors with JSON metadata, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from lstm_native import _core
from lstm_native._training_settings import check_metadata
from lstm_native.layer import check_seed
from lstm_native.layers import layer_from_spec
from lstm_native.model import Sequential


def save_model(
    model: Sequential, path: str | os.PathLike[str], metadata: Mapping[str, str]
) -> None:
    """Write a model to a file, as `Sequential.save` says, with `metadata` beside its own."""
    merged = check_metadata({**model.metadata, **metadata})
    _core.save_model(os.fsencode(path), model._built_network(), model._trainer, merged)


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """Return the model that `Sequential.save` wrote.

    Loading runs no code from the file and allocates no more than the file's size justifies.

    Raises
    ------
    OSError
        The file cannot be read (FileNotFoundError, ...).
    ValueError
        It is no model file, is damaged, or was written by another version of the format.
    """
    network, trainer, metadata = _core.load_model(os.fsencode(path))
    natives = network.layers
    layers = [layer_from_spec(json.loads(native.spec)) for native in natives]
    dtype = "float64" if isinstance(network, _core.Network64) else "float32"
    for layer, native in zip(layers, natives, strict=True):
        layer._set_building((native, dtype, check_seed(None)))
    model = Sequential(layers, dtype=dtype)
    model._network = network
    model.metadata = metadata
    if trainer is not None:
        model._restore_training(trainer)
    return model
