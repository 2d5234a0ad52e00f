"""pandas' names of offsets, in the spelling of the installed version."""

from __future__ import annotations

import re
from typing import Any

_RENAMED = re.compile(r"(\d*)(ME|QE|YE|YS|BME|BQE|BYE)(-[A-Z]{3})?")
_BEFORE = {"ME": "M", "QE": "Q", "YE": "A", "YS": "AS", "BME": "BM", "BQE": "BQ", "BYE": "BA"}


def offset(alias: str) -> Any:
    """Return pandas' offset of an alias in the spelling of pandas 2.2 and later ("ME", "h")."""
    import pandas as pd
    from pandas.tseries.frequencies import to_offset

    match = _RENAMED.fullmatch(alias)
    version = tuple(int(part) for part in pd.__version__.split(".")[:2])
    if match and version < (2, 2):
        alias = f"{match[1]}{_BEFORE[match[2]]}{match[3] or ''}"
    return to_offset(alias)
