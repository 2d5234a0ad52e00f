"""Forecasts of one series or many, and how good they are on held-out rows.

`lstm-native forecast` is this package's face on the command line. From Python:

    import lstm_native as ln

    forecast = ln.forecast.Forecaster(horizon=6).fit(sales).predict()

It needs pandas: pip install 'lstm-native[forecast]'.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstm_native.forecast.errors import DataError
    from lstm_native.forecast.forecaster import Forecaster

__all__ = ["DataError", "Forecaster"]

_HOMES = {"DataError": "errors", "Forecaster": "forecaster"}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lstm_native.forecast' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"lstm_native.forecast.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return what there is, loaded or not."""
    return sorted({*globals(), *__all__})
