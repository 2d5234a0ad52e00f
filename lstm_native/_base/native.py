"""The core's classes, of which there is one for each dtype."""

from __future__ import annotations

from typing import Any

from lstm_native import _core

_BITS = {"float32": "32", "float64": "64"}


def native_class(kind: str, dtype: str) -> Any:
    """Return the core's class of a kind ("Layer", "Network", "Trainer") for a dtype."""
    return getattr(_core, kind + _BITS[dtype])
