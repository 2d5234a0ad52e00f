"""report.json, and what the figures of a report depend on."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import lstm_native as ln


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a report that any JSON reader takes (no NaN)."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def versions() -> dict[str, Any]:
    """Return what the figures of a report depend on."""
    import pandas as pd

    return {
        "lstm_native": ln.build_info(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
