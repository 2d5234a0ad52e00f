"""Model files: safetensors with JSON metadata, whole or not at all."""

from __future__ import annotations

import json
import os
from typing import IO, Any

from lstm_native.graph import Model
from lstm_native.layers import layer_from_spec
from lstm_native.model import Sequential
from lstm_native.training._saving import assembled, read, restore_model

__all__ = ["load_model", "restore_model"]


def load_model(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes],
) -> Any:
    """Return the model that `save` of a `Sequential` or a `Model` wrote.

    Loading runs no code from the file and allocates no more than the file's size justifies.

    Parameters
    ----------
    source : path-like, bytes-like, or binary file
        A path; the content itself, as `Sequential.to_bytes` gives it; or an object whose `read()`
        gives it, from its position to its end. It need not be able to seek.

    Raises
    ------
    OSError
        The file cannot be read (FileNotFoundError, ...).
    ValueError
        It is no model file, is damaged, has weights that are not finite, or was written by another
        version of the format. For files of other programs the message says what they seem to be,
        and how their weights get into a model. Or a file object is closed.
    TypeError
        Neither a path, nor bytes, nor a file that is open for bytes.
    """
    network, trainer, metadata, extras = read(source)
    natives = network.layers
    layers = [layer_from_spec(json.loads(native.spec)) for native in natives]
    kind = Sequential if network.is_row else Model
    return assembled(kind, layers, network, trainer, metadata, extras)
