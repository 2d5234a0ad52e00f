"""Files of other programs: named for what they are, with the way their weights get into a model."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import product as p
import pytest
from safetensors.numpy import load_file, save_file

import lstm_native as ln

ARRAY = np.arange(100, dtype="float32")


def written(write, *arguments) -> bytes:
    file = io.BytesIO()
    write(file, *arguments)
    return file.getvalue()


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"x" * 100)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


RTNEURAL = {"in_shape": [None, None, 1], "layers": [{"type": "lstm", "weights": []}]}
NAM = {"version": "0.5.0", "architecture": "LSTM", "config": {}, "weights": [0.5] * 5000}

FILES = {
    "empty": (b"", "an empty file"),
    "npy": (written(np.save, ARRAY), r"a NumPy array \(\.npy\); to use it, read it with numpy"),
    "npz": (written(np.savez, ARRAY), r"NumPy arrays \(\.npz\)"),
    "npz, packed": (written(np.savez_compressed, ARRAY), r"NumPy arrays \(\.npz\)"),
    **{
        f"pickle {protocol}": (
            pickle.dumps({"weight": ARRAY}, protocol=protocol),
            "a Python pickle; to use it, load it with pickle.load if you trust",
        )
        for protocol in range(2, 6)
    },
    "zip": (zipped("readme.txt"), "a zip archive; to use it, unpack it first"),
    "tar": (tarred(), "a tar archive"),
    "gzip": (gzip.compress(bytes(100)), "a file packed with gzip"),
    "bzip2": (bz2.compress(bytes(100)), "a file packed with bzip2"),
    "xz": (lzma.compress(bytes(100)), "a file packed with xz"),
    "rtneural": (json.dumps(RTNEURAL, indent=4).encode(), "a model in RTNeural's JSON"),
    "nam": (json.dumps(NAM).encode(), r"a model of Neural Amp Modeler"),
    "json": (json.dumps([1, 2]).encode(), "JSON"),
    "bom": (b"\xef\xbb\xbf" + json.dumps({"a": [1]}).encode(), "JSON"),
    "html": (b"\n<!DOCTYPE html>\n<html><title>Sign in</title></html>", r"a web page \(HTML\)"),
    "xml": (b'<?xml version="1.0"?><a/>', "XML"),
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "the pointer that Git LFS keeps in place of a file; to use it, .*git lfs pull",
    ),
    "gguf": (b"GGUF\x03\0\0\0" + bytes(100), "a GGUF file"),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(100), "a TensorFlow Lite model"),
    "csv": (b"epoch,loss\n0,1.5\n", r"text \(.epoch,loss"),
    "source": (Path(__file__).read_bytes(), "text"),
    "short": (b"no\n", r"text \(.no"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_message_says_what_it_looks_like(tmp_path, name):
    content, expected = FILES[name]
    path = tmp_path / "model"
    path.write_bytes(content)
    message = f"not a model file of lstm_native: it looks like {expected}"
    for source in (path, content):
        with pytest.raises(ValueError, match=message) as caught:
            ln.load_model(source)
        assert len(str(caught.value)) < 500
    with pytest.raises(ValueError, match=re.escape(str(path))):
        ln.load_model(path)


def test_a_safetensors_file_of_others_is_described_and_its_tensors_fit(tmp_path):
    model = ln.Sequential([ln.LSTM(4, input_size=3), ln.Dense(2)], seed=0)
    path = tmp_path / "other.safetensors"
    save_file({f"lstm.{name}": value for name, value in model.state_dict().items()}, path)
    with pytest.raises(ValueError, match="a safetensors file, but no model") as caught:
        ln.load_model(path)
    message = str(caught.value)
    assert 'the 6 tensors "lstm.0.bias_hh_l0", "lstm.0.bias_ih_l0", ' in message
    assert message.count("lstm.") <= 6
    assert "safetensors.numpy.load_file(path)" in message
    # What the message says works.
    other = ln.Sequential([ln.LSTM(4, input_size=3), ln.Dense(2)])
    other.load_state_dict({k.removeprefix("lstm."): v for k, v in load_file(path).items()})
    p.assert_same_weights(other.state_dict(), model.state_dict())


def test_a_header_cannot_command_the_terminal(tmp_path):
    """Controls, also those of one character beyond ASCII, and marks of direction stand as bytes."""
    name = "a\x1b[31m\x9b31m\u202eb"
    path = tmp_path / "other.safetensors"
    save_file({name: ARRAY}, path)
    with pytest.raises(ValueError, match="no model") as caught:
        ln.load_model(path)
    message = str(caught.value)
    assert r"a\x1b[31m\xc2\x9b31m\xe2\x80\xaeb" in message
    assert message.isprintable()


def test_long_names_are_cut(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({f"{i}{'x' * 1_000_000}": ARRAY for i in range(3)}, path)
    with pytest.raises(ValueError, match="no model") as caught:
        ln.load_model(path)
    assert len(str(caught.value)) < 1500
    for source in ("x" * 9_000_000, b"x" * 9_000_000):
        with pytest.raises((OSError, ValueError)) as error:
            ln.load_model(source)
        assert len(str(error.value)) < 1500
    model = ln.Sequential([ln.Dense(2, input_size=3)])
    with pytest.raises(OSError, match="too long") as error:
        model.save("x" * 9_000_000)
    assert len(str(error.value)) < 1500
    with pytest.raises(TypeError) as wrong:
        model.save(path, metadata={"x" * 9_000_000: 3})  # type: ignore[dict-item]
    assert len(str(wrong.value)) < 1500
