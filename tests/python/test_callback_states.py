"""What callbacks know travels in the model file, and is nobody else's business."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import product as p
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import lstm_native as ln

STATES: dict[str, dict[str, Any]] = {
    "EarlyStopping": {
        "best": float("inf"),
        "worst": float("-inf"),
        "waited": 3,
        "best_epoch": None,
        "active": True,
        "name": 'ä"\n\u2028',
        "past": [1, 2.5, None, [float("nan")]],
        "best_state": {"0.weight": np.arange(6, dtype="float32").reshape(2, 3)},
        "empty": {},
    },
    "ReduceLROnPlateau 2": {"scale": np.array(0.5), "mask": np.array([True, False])},
    "nothing": {},
}


def make_model(states: dict[str, Any] | None = None) -> ln.Sequential:
    model = ln.Sequential([ln.LSTM(3, input_size=2), ln.Dense(1)], seed=0)
    if states is not None:
        model._callback_states = states
    return model


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        p.assert_same_bits(found, expected)
        assert found.flags.writeable
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert type(found) is type(expected)
        assert found == expected or (found != found and expected != expected)


def test_the_states_come_back_as_they_were(tmp_path):
    model = make_model(STATES)
    model.save(tmp_path / "model")
    loaded = ln.load_model(tmp_path / "model")
    assert_same(loaded._callback_states, STATES)
    assert loaded.to_bytes() == model.to_bytes()
    p.assert_same_weights(loaded.state_dict(), model.state_dict())


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8", "i1", "<i8", "u1", ">u4", "?"])
def test_every_dtype_that_files_have(dtype):
    array = np.array([[0, 1, 1]], dtype).T
    states = ln.load_model(make_model({"a": {"x": array}}).to_bytes())._callback_states
    found = states["a"]["x"]
    assert found.dtype == array.dtype.newbyteorder("<")
    np.testing.assert_array_equal(found, array)


def test_a_model_without_states_is_saved_as_ever(tmp_path):
    content = make_model().to_bytes()
    assert make_model({}).to_bytes() == content
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"]["format_version"] == "1"
    assert "callbacks" not in header["__metadata__"]
    # Numbers alone are metadata, which any reader of version 1 passes over; arrays are not.
    for states, version in (({"a": {"x": 1}}, "1"), ({"a": {"x": np.zeros(1)}}, "1.1")):
        make_model(states).save(tmp_path / "model")
        with safe_open(tmp_path / "model", framework="numpy") as file:
            assert file.metadata()["format_version"] == version


def test_copies_keep_the_states():
    import copy

    assert_same(copy.deepcopy(make_model(STATES))._callback_states, STATES)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "a: x cannot be saved.*got object"),
        (np.array(["text"]), "got an array of <U4"),
        (np.zeros(1, complex), "got an array of complex128"),
        ({1: 2}, "got dict"),
        ({"k": {2}}, r"x\['k'\].*got set"),
    ],
)
def test_what_no_file_can_hold_is_refused_by_name(tmp_path, value, message):
    with pytest.raises(TypeError, match=message):
        make_model({"a": {"x": value}}).save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


HOSTILE = [
    "",
    "[]",
    "{",
    '{"a": 1}',
    '{"a": {"x": {"array": "1"}}}',
    '{"a": {"x": {"array": "0"}, "y": {"array": "0"}}}',
    '{"a": {"x": {"array": ["0"]}}}',
    '{"a": {"x": {"pickle": "0"}}}',
    '{"a": {"x": {"float": "1e999"}}}',
    '{"a": {"x": {"dict": [1]}}}',
    '{"a": {"x": {}}}',
    '{"a": {"x": {"array": "0", "dict": {}}}}',
    '{"a": {"x": {"array": "0"}}, "a": {}}',
    '{"a": {"x": NaN, "y": {"array": "0"}}}',
    '{"a": {"x": ' + "9" * 10000 + "}}",
    '{"a": {"y": {"array": "0"}, "x": ' + "[" * 100 + "]" * 100 + "}}",
    '{"a": {"x": ' + "[" * 200_000 + "]" * 200_000 + "}}",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_states_are_a_value_error(tmp_path, text):
    path = tmp_path / "model"
    make_model({"a": {"x": np.zeros(3)}}).save(path)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, metadata={**metadata, "callbacks": text})
    with pytest.raises(ValueError, match="callbacks: ") as caught:
        ln.load_model(path)
    assert len(str(caught.value)) < 400


def test_dtypes_that_numpy_lacks_are_refused():
    content = make_model({"a": {"x": np.zeros(3, "float16")}}).to_bytes()
    size = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + size].replace(b'"F16"', b'"BF16"')
    with pytest.raises(ValueError, match="callbacks: "):
        ln.load_model(len(header).to_bytes(8, "little") + header + content[8 + size :])
