"""Which layer should be made otherwise, where a shape or the time axis does not fit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lstm_native.layers.layer import Layer


def about_dropped_time(layers: Sequence[Layer], told: str) -> str:
    """Return what to write where a layer misses the time axis that one before it drops."""
    found = re.search(r"layer (\d+): .*no time axis", told)
    before = range(int(found[1]) if found else 0)
    dropping = [i for i in before if not getattr(layers[i], "return_sequences", True)]
    return f"; {_keeping(layers, dropping[0])}" if dropping else ""


def to_drop_time(layers: Sequence[Layer]) -> str:
    """Say how the model is made to answer once for each sequence."""
    return _with_sequences(layers, returned=False)


def to_keep_time(layers: Sequence[Layer]) -> str:
    """Say how the model is made to answer at each step."""
    return _with_sequences(layers, returned=True)


def _with_sequences(layers: Sequence[Layer], *, returned: bool) -> str:
    """Say how the layer that decides about the time axis is made to keep it, or to drop it."""
    for index in reversed(range(len(layers))):
        text = repr(layers[index])
        if getattr(layers[index], "return_sequences", returned) != returned:
            if returned:
                return _keeping(layers, index)
            return f"make layer {index} {text[:-1]}, return_sequences=False)"
    if returned:
        return "no layer may drop the time axis, as return_sequences=False does"
    return "one layer must drop the time axis, such as LSTM(32, return_sequences=False)"


def _keeping(layers: Sequence[Layer], index: int) -> str:
    text = repr(layers[index])
    return f"make layer {index} {text.replace('return_sequences=False', 'return_sequences=True')}"


def with_units(layers: Sequence[Layer], units: int) -> str:
    """Say how the last layer is made to answer with so many values."""
    last = len(layers) - 1
    if type(layers[last]).__name__ == "Dense":
        return f"make layer {last}, {layers[last]!r}, a Dense({units})"
    return f"end the model with Dense({units})"
