"""Damaged, hostile and foreign model files: each is a ValueError that says why, at little cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import product as p
import pytest
from model_file_helpers import (
    model_header,
    raw_file,
    read_metadata,
)
from safetensors.numpy import load_file, save_file

import lstm_native as ln


def test_every_truncated_file_is_a_value_error(model_path):
    content = model_path.read_bytes()
    for size in [*range(0, 600, 7), *range(600, len(content), 97), len(content) - 1]:
        model_path.unlink()
        model_path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="expected"):
            ln.load_model(model_path)


def test_a_longer_file_is_a_value_error(model_path):
    with model_path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match="bytes in all"):
        ln.load_model(model_path)


HUGE = {"type": "lstm", "hidden_size": 2**24}
HOSTILE = {
    "empty": b"",
    "text": b"epoch,loss\n0,1.5\n",
    "huge header": (2**63).to_bytes(8, "little") + b"{}",
    "no JSON": raw_file("{nan}"),
    "pickle": b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94",
    "deep nesting": raw_file('{"a":' + "[" * 200_000),
    "deep metadata": raw_file(model_header('{"layers":' + "[" * 200_000)),
    "no model": raw_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
    "offset outside": raw_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}),
    "negative offset": raw_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}),
    "huge shape": raw_file({"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}}),
    "repeated key": raw_file('{"__metadata__":{},"__metadata__":{}}'),
    "huge layer": raw_file(
        model_header({"dtype": "float32", "input_features": 2**24, "layers": [HUGE]})
    ),
    "many layers": raw_file(
        model_header({"dtype": "float32", "input_features": 1, "layers": [HUGE] * 5000})
    ),
    "negative layer": raw_file(
        model_header(
            {"dtype": "float32", "input_features": 1, "layers": [{"type": "dense", "units": -1}]}
        )
    ),
    "no layers": raw_file(model_header({"dtype": "float32", "input_features": 1, "layers": []})),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_value_error(tmp_path, name):
    path = tmp_path / "model.safetensors"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(ValueError, match="expected") as caught:
        ln.load_model(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


def rewrite(path: Path, change: Callable[[dict, dict], None]) -> None:
    """Save the file again with changed tensors and metadata."""
    tensors, metadata = load_file(path), read_metadata(path)
    change(tensors, metadata)
    save_file(tensors, path, metadata=metadata)


def other_version(tensors: dict, metadata: dict) -> None:
    metadata.update(format_version="3", lstm_native_version="7.1")


def other_program(tensors: dict, metadata: dict) -> None:
    metadata["format"] = "pt"


def missing_tensor(tensors: dict, metadata: dict) -> None:
    del tensors["0.bias_hh_l0"]


def extra_tensor(tensors: dict, metadata: dict) -> None:
    tensors["3.bias"] = np.zeros(1, np.float32)


def other_shape(tensors: dict, metadata: dict) -> None:
    tensors["2.weight"] = tensors["2.weight"].T.copy()


def other_dtype(tensors: dict, metadata: dict) -> None:
    tensors["2.weight"] = tensors["2.weight"].astype(np.float16)


def missing_state(tensors: dict, metadata: dict) -> None:
    del tensors["optimizer.exp_avg.2.bias"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            other_version,
            r'expected format_version "1", "1.1" or "2", .* got "3", written by lstm_native "7.1"',
        ),
        (other_program, r'got "pt": a safetensors file, but no model'),
        (missing_tensor, r'expected tensor "0.bias_hh_l0", got none'),
        (extra_tensor, r'got "3.bias"'),
        (other_shape, r'"2.weight": expected F32 \(1, 2\), got F32 \(2, 1\)'),
        (other_dtype, r'"2.weight": expected F32 \(1, 2\), got F16 \(1, 2\)'),
        (missing_state, r'expected tensor "optimizer.exp_avg.2.bias", got none'),
    ],
)
def test_a_refusal_says_what_is_wrong(model_path, change, message):
    rewrite(model_path, change)
    with pytest.raises(ValueError, match=message):
        ln.load_model(model_path)


LIMITED = """
import re, resource, sys
import lstm_native as ln
path, refused = sys.argv[1], sys.argv[2] == "refused"
def peak():  # getrusage would count what the parent had
    with open("/proc/self/status") as file:
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", file.read())[1])
ln.load_model(ln.Sequential([ln.Dense(1, input_size=1)]).to_bytes())
start = peak()
try:
    model = ln.load_model(path)
    model.save(path + ".again")
except ValueError:
    assert refused
else:
    assert not refused
grown = peak() - start
seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime
print(grown, seconds)
"""


def load_measured(path: Path, outcome: str) -> tuple[float, float]:
    """Load in a process of its own: how many times the file's size it grew, and its seconds."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs Linux's /proc")
    found = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), outcome],
        capture_output=True,
        timeout=60,
        **p.fresh_process(),
    )
    assert found.returncode == 0, found.stderr
    kib, seconds = map(float, found.stdout.split())
    return kib * 1024 / path.stat().st_size, seconds


def claim(layers: list[dict], tensors: int, values: int) -> bytes:
    """A file of so many small tensors that claims to be a network of these layers."""
    header = model_header({"dtype": "float32", "input_features": 1, "layers": layers})
    for i in range(tensors):
        header[f"{i}"] = {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]}
    left = values - tensors
    header["z"] = {"dtype": "F32", "shape": [left], "data_offsets": [4 * tensors, 4 * values]}
    return raw_file(header, bytes(4 * values))


THIN = {"type": "rnn", "hidden_size": 1, "num_layers": 1024}


@pytest.mark.parametrize(
    ("layers", "tensors"),
    [
        pytest.param([THIN] * 120, 0, id="claimed"),
        pytest.param([THIN] * 9, 36_000, id="there, of other names"),
        pytest.param([{"type": "highway", "window": 1, "layers": [THIN] * 119}], 0, id="nested"),
    ],
)
def test_a_hostile_file_of_many_tensors_costs_no_more_than_its_size(tmp_path, layers, tensors):
    """Of 2 MB: looked up one after another they took 48 seconds and 169 MB."""
    path = tmp_path / "model"
    path.write_bytes(claim(layers, tensors, 500_000))
    growth, seconds = load_measured(path, "refused")
    assert growth < 16
    assert seconds < 4  # of which the import takes most


def test_a_valid_file_of_many_tensors_loads_and_saves_in_no_time(tmp_path):
    layers: list[ln.Layer] = [ln.LSTM(1, num_layers=1000, input_size=1)]
    layers += [ln.RNN(1, num_layers=1000, bidirectional=True) for _ in range(8)]
    model = ln.Sequential(layers, seed=0)
    assert len(model.state_dict()) == 68_000
    path = tmp_path / "model"
    model.save(path)
    assert path.stat().st_size > 5_000_000
    _, seconds = load_measured(path, "valid")
    assert seconds < 6
    assert (tmp_path / "model.again").read_bytes() == path.read_bytes()
