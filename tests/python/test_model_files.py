"""Model files seen from Python: others read them, and what was saved comes back.

The PyPI package `safetensors` is the outside truth about the format.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import product as p
import pytest
from model_file_helpers import (
    METADATA,
    data,
    make_model,
    read_metadata,
    trained_model,
)
from safetensors.numpy import load_file, save_file

import lstm_native as ln

# -- what others see -----------------------------------------------------------------------


def test_the_safetensors_package_reads_our_file(tmp_path, dtype):
    model = trained_model(dtype.name)
    path = tmp_path / "model.safetensors"
    model.save(path, metadata=METADATA)
    tensors = load_file(path)
    state = model.state_dict()
    slots = {name for name in tensors if name.startswith("optimizer.")}
    assert slots == {
        f"optimizer.{slot}.{name}" for slot in ("exp_avg", "exp_avg_sq") for name in state
    }
    p.assert_same_weights({name: tensors[name] for name in state}, state)
    assert set(tensors) == slots | set(state)


def test_the_metadata_are_as_documented(model_path):
    metadata = read_metadata(model_path)
    assert {key: text for key, text in metadata.items() if key.startswith("user.")} == {
        f"user.{key}": text for key, text in METADATA.items()
    }
    assert metadata["format"] == "lstm_native"
    assert metadata["format_version"] == "1"
    assert metadata["lstm_native_version"] == ln.build_info()["version"]
    network = json.loads(metadata["network"])
    assert network["dtype"] == "float32"
    assert network["input_features"] == 3
    assert [layer["type"] for layer in network["layers"]] == ["lstm", "highway", "dense"]
    trainer = json.loads(metadata["trainer"])
    assert trainer["iterations"] == 1
    assert trainer["loss"] == {"type": "mae"}
    assert trainer["optimizer"]["type"] == "adam"
    assert trainer["optimizer"]["learning_rate"] == 0.01


def test_a_file_saved_again_by_the_package_loads(model_path, tmp_path):
    again = tmp_path / "again.safetensors"
    save_file(load_file(model_path), again, metadata=read_metadata(model_path))
    first, second = ln.load_model(model_path), ln.load_model(again)
    x, y = data()
    p.assert_same_bits(second.predict(x), first.predict(x))
    assert second.metadata == METADATA
    for model in (first, second):  # the optimiser's state came along too
        model.fit(x, y, epochs=2, seed=3, verbose=False)
    p.assert_same_weights(second.state_dict(), first.state_dict())


def test_the_data_of_our_files_are_aligned(model_path):
    content = model_path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    header = json.loads(content[8 : 8 + length])
    for name, tensor in header.items():
        if name != "__metadata__":
            assert tensor["data_offsets"][0] % 4 == 0


# -- what comes back -----------------------------------------------------------------------


def test_metadata_and_dtype_come_back(tmp_path, dtype):
    path = tmp_path / "model.safetensors"
    model = make_model(dtype.name)
    model.save(path, metadata=METADATA)
    loaded = ln.load_model(path)
    assert loaded.metadata == METADATA
    assert loaded.dtype == dtype.name
    assert loaded.optimizer is None
    p.assert_same_weights(loaded.state_dict(), model.state_dict())
    loaded.save(path)
    assert ln.load_model(path).metadata == METADATA


def test_the_same_model_gives_the_same_bytes(model_path, tmp_path):
    again = tmp_path / "again.safetensors"
    ln.load_model(model_path).save(again)
    assert again.read_bytes() == model_path.read_bytes()


@pytest.mark.parametrize("name", ["plain", "with space", "näme.safetensors", "模型"])
def test_any_file_name_will_do(tmp_path, name):
    path = tmp_path / name
    make_model().save(path)
    assert os.listdir(tmp_path) == [name]
    p.assert_same_weights(ln.load_model(str(path)).state_dict(), make_model().state_dict())


def with_bias(path: Path, value: float) -> np.ndarray:
    """Changes one weight of the file; returns the tensor."""
    tensors = load_file(path)
    tensors["2.bias"][0] = value
    save_file(tensors, path, metadata=read_metadata(path))
    return tensors["2.bias"]


@pytest.mark.parametrize("value", [-0.0, 1e-45, 3e38])
def test_weights_are_data(model_path, value):
    bias = with_bias(model_path, value)
    p.assert_same_bits(ln.load_model(model_path).state_dict()["2.bias"], bias)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_refused_as_load_state_dict_does(model_path, value):
    with_bias(model_path, value)
    message = rf'tensor "2.bias": expected finite weights, got {value} at position 0'
    with pytest.raises(ValueError, match=message):
        ln.load_model(model_path)


@pytest.mark.parametrize("metadata", [{"a": 1}, {1: "a"}, {"a": None}, {b"a": "b"}])
def test_metadata_are_text(tmp_path, metadata):
    with pytest.raises(TypeError, match="metadata"):
        make_model().save(tmp_path / "model", metadata=metadata)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", [None, 3, ["m"]])
def test_a_path_that_is_none(path):
    model = ln.Sequential([ln.Dense(1, input_size=1)])
    with pytest.raises(TypeError, match=r"path must be a path or a file .*, got .*to_bytes"):
        model.save(path)
