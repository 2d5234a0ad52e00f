"""Model files seen from Python: others read them, damage is a ValueError, saving is all or nothing.

The PyPI package `safetensors` is the outside truth about the format.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import product as p
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

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


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    trained_model().save(path, metadata=METADATA)
    return path


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


# -- damaged, hostile and foreign files ----------------------------------------------------


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
    metadata.update(format_version="2", lstm_native_version="7.1")


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
            r'expected format_version "1" or "1.1", .* got "2", written by lstm_native "7.1"',
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
        text=True,
        timeout=60,
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


# -- the operating system ------------------------------------------------------------------


def test_a_missing_file_is_file_not_found(tmp_path):
    path = tmp_path / "missing"
    with pytest.raises(FileNotFoundError) as caught:
        ln.load_model(path)
    assert caught.value.filename == str(path)


def test_a_directory_is_no_model(tmp_path):
    with pytest.raises(IsADirectoryError):
        ln.load_model(tmp_path)
    with pytest.raises(IsADirectoryError):
        make_model().save(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_is_refused_without_waiting(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="regular file"):
        ln.load_model(path)
    with pytest.raises(OSError, match="regular file"):
        make_model().save(path)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_null_character_in_a_path_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="null"):
        ln.load_model(f"{tmp_path}/a\0b")
    with pytest.raises(ValueError, match="null"):
        make_model().save(f"{tmp_path}/a\0b")
    assert os.listdir(tmp_path) == []


def test_saving_where_no_file_can_be_is_an_os_error(model_path):
    with pytest.raises(FileNotFoundError):
        make_model().save(model_path.parent / "missing" / "model")
    with pytest.raises(NotADirectoryError):
        make_model().save(model_path / "model")
    assert os.listdir(model_path.parent) == [model_path.name]


def test_a_link_to_what_is_not_there_yet_stays_a_link(tmp_path):
    (tmp_path / "models").mkdir()
    link, target = tmp_path / "latest", tmp_path / "models" / "m-001"
    link.symlink_to(Path("models") / "m-001")
    for _ in range(2):  # the second finds a file
        make_model().save(link)
        assert link.is_symlink()
        assert not target.is_symlink()
        p.assert_same_weights(ln.load_model(link).state_dict(), make_model().state_dict())
    link.unlink()
    link.symlink_to(tmp_path / "missing" / "m-001")
    with pytest.raises(FileNotFoundError):
        make_model().save(link)
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["latest", "models"]
    assert os.listdir(tmp_path / "models") == ["m-001"]


KILLED = """
import ctypes, os, signal, sys, threading, time
import numpy as np
import lstm_native as ln
model = ln.Sequential([ln.Dense(3000, input_size=3000)], seed=0)
threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), signal.SIGKILL)).start()
print("ready", flush=True)
while True:
    model.save(sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs files without a name")
def test_a_killed_save_leaves_no_temporary_file(tmp_path):
    """Killed at several moments of saving 36 MB over and over."""
    path = tmp_path / "model"
    for delay in ("0.01", "0.07", "0.15"):
        found = subprocess.run([sys.executable, "-c", KILLED, path, delay], capture_output=True)
        assert found.returncode == -signal.SIGKILL
        assert set(os.listdir(tmp_path)) <= {"model"}
        if path.exists():
            ln.load_model(path)


def test_a_subinterpreter_is_told_at_once():
    """Before Python 3.12 the import waited for ever."""
    pytest.importorskip("_testcapi")
    code = """
import _testcapi
inner = '''
try:
    import lstm_native
except ImportError as error:
    print(error)
'''
assert _testcapi.run_in_subinterp(inner) == 0
import lstm_native
print(lstm_native.LSTM(3))
"""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stderr
    assert "not in a subinterpreter: use processes" in found.stdout
    assert "pip install" not in found.stdout
    assert "LSTM(hidden_size=3)" in found.stdout


def test_a_memory_error_says_how_much_was_asked_for_and_for_what():
    with pytest.raises(MemoryError, match=r"could not get 2\.0 PiB for parameter weight"):
        ln.Dense(2**24, input_size=2**24, dtype="float64")._built_native()
    with pytest.raises(MemoryError, match="PiB for parameter weight_ih_l0"):
        ln.LSTM(2**24, input_size=2**24 - 1, seed=0)._built_native()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_directory_without_permission_keeps_its_file(model_path):
    before = model_path.read_bytes()
    model_path.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            make_model().save(model_path)
    finally:
        model_path.parent.chmod(0o700)
    assert model_path.read_bytes() == before
    assert os.listdir(model_path.parent) == [model_path.name]


def test_a_save_that_fails_keeps_the_old_file(model_path):
    """A limit on the size of files stands for a full disk: it holds for root too."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before = model_path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
        with pytest.raises(OSError, match="cannot write"):
            make_model("float64").save(model_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert model_path.read_bytes() == before
    assert os.listdir(model_path.parent) == [model_path.name]
    ln.load_model(model_path)


@pytest.mark.parametrize("metadata", [{"a": 1}, {1: "a"}, {"a": None}, {b"a": "b"}])
def test_metadata_are_text(tmp_path, metadata):
    with pytest.raises(TypeError, match="metadata"):
        make_model().save(tmp_path / "model", metadata=metadata)
    assert os.listdir(tmp_path) == []
