"""Layers without a state, called alike whether or not they answer with an empty one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Backward = Callable[[np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]]


def answer(layer: Any, x: Any, **options: Any) -> np.ndarray:
    """What the layer gives, alone."""
    found = layer(x, **options)
    return found[0] if isinstance(found, tuple) else found


def remember(layer: Any, x: Any, **options: Any) -> tuple[np.ndarray, Backward]:
    """The layer's training pass, and the function from dy to (dx, {name: gradient})."""
    found = layer.forward(x, **options)
    tape = found[-1]

    def backward(dy: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        led = tape.backward(dy)
        return led[0], led[-1]

    return found[0], backward
