"""Models whose files are tested, and files made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import product as p
from safetensors import safe_open

import lstm_native as ln

METADATA = {"unit": "kWh", "": "empty key", "schlüssel": 'ä\n"\\\u2028'}


def make_model(dtype: str = "float32") -> ln.Sequential:
    highway = ln.Highway([ln.LSTM(4, return_sequences=False), ln.Dense(2)], window=3)
    return ln.Sequential([ln.LSTM(5, input_size=3), highway, ln.Dense(1)], dtype=dtype, seed=1)


def data(dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return p.normal(rng, (12, 6, 3), dtype), p.normal(rng, (12, 1), dtype)


def trained_model(dtype: str = "float32") -> ln.Sequential:
    model = make_model(dtype)
    model.fit(*data(dtype), epochs=1, loss="mae", optimizer=ln.Adam(0.01), seed=2, verbose=False)
    return model


def read_metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="numpy") as file:
        return file.metadata()


def raw_file(header: Any, data: bytes = b"") -> bytes:
    """A safetensors file by hand; `header` is JSON, or an object to write as JSON."""
    text = header if isinstance(header, str) else json.dumps(header)
    return len(text.encode()).to_bytes(8, "little") + text.encode() + data


def model_header(network: Any) -> dict[str, Any]:
    """The header of a model file without tensors; `network` as in `raw_file`."""
    text = network if isinstance(network, str) else json.dumps(network)
    known = {"format": "lstm_native", "format_version": "1", "network": text}
    return {"__metadata__": known}
