"""A C++ program that uses the installed library, from `cmake --install` and from the wheel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstm_native as ln
from lstm_native import _core

SAMPLES = 7
TIMESTEPS = 160


@pytest.fixture(scope="module")
def programs(cmake, installed_library, tmp_path_factory) -> Path:
    """The folder of the programs, built against one of the two installs."""
    return cmake.build(
        Path(__file__).parent,
        tmp_path_factory.mktemp("consumer"),
        CMAKE_BUILD_TYPE="Release",
        lstm_native_DIR=installed_library,
    )


@pytest.fixture(scope="module")
def forecast_model(cmake, tmp_path_factory) -> Path:
    """The model file that the main job writes, on its bundled series."""
    folder = tmp_path_factory.mktemp("forecast")
    cmake.run(
        sys.executable,
        "-m",
        "lstm_native",
        "forecast",
        "--model",
        "lstm",
        "--epochs",
        1,
        "--out",
        folder,
    )
    return next(folder.rglob("*.safetensors"))


@pytest.fixture(scope="module")
def stacked_model(tmp_path_factory) -> Path:
    """A model with every kind of layer that takes numbers, several features and a time axis."""
    path = tmp_path_factory.mktemp("model") / "stacked.safetensors"
    layers = [ln.LSTM(19, num_layers=2, dropout=0.3), ln.LayerNorm(), ln.Dropout(0.5)]
    layers += [ln.Activation("tanh"), ln.Dense(5, activation="sigmoid")]
    rng = np.random.default_rng(3)
    x = rng.standard_normal((16, 12, 3), dtype=np.float32)
    model = ln.Sequential(layers, seed=4)
    model.fit(x, rng.random((16, 12, 5), dtype=np.float32), verbose=False, seed=5)
    model.save(path)
    return path


def predicted(cmake, programs: Path, model: Path, x: np.ndarray, folder: Path) -> np.ndarray:
    """What the C++ program answers."""
    x.tofile(folder / "x.raw")
    cmake.run(programs / "predict", model, "x.raw", *x.shape, "y.raw", cwd=folder)
    return np.fromfile(folder / "y.raw", dtype=np.float32)


@pytest.mark.parametrize("name", ["forecast_model", "stacked_model"])
def test_predictions_equal_pythons_bit_for_bit(request, name, cmake, programs, tmp_path):
    path = request.getfixturevalue(name)
    network = _core.load_model(str(path).encode())[0]
    shape = (SAMPLES, TIMESTEPS, network.input_features)
    x = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)
    expected = ln.load_model(path).predict(x)
    assert np.isfinite(expected).all()
    assert len(np.unique(expected)) > SAMPLES // 2  # a constant would prove nothing
    answer = predicted(cmake, programs, path, x, tmp_path)
    np.testing.assert_array_equal(answer, expected.ravel())


def test_trains_without_python_and_python_reads_the_file(cmake, programs, tmp_path):
    printed = cmake.run(programs / "train", tmp_path / "sine.safetensors")
    assert printed.startswith("loss ")
    model = ln.load_model(tmp_path / "sine.safetensors")
    assert model.metadata == {"made by": "tests/consumer"}
    phase = np.arange(40, dtype=np.float32)[:, None] + np.arange(16, dtype=np.float32)
    answer = model.predict(np.sin(0.3 * phase)[..., None])
    truth = np.sin(0.3 * (np.arange(40) + 16))[:, None]
    assert np.abs(answer - truth).max() < 0.1


def test_an_encoder_decoder_trained_in_cpp_answers_the_same_bits_in_python(
    cmake, programs, tmp_path
):
    printed = cmake.run(programs / "translate", tmp_path)
    assert printed.startswith("loss ")
    model = ln.load_model(tmp_path / "translate.safetensors")
    lengths = np.fromfile(tmp_path / "lengths.raw", dtype=np.int64)
    source, before = (
        np.fromfile(tmp_path / f"{name}.raw", dtype=np.int64).reshape(len(lengths), -1)
        for name in ("source", "before")
    )
    assert 1 <= lengths.min() < lengths.max() <= source.shape[1]
    answers = model.predict([source, before], lengths=[lengths, lengths])
    expected = np.fromfile(tmp_path / "answers.raw", dtype=np.float32).reshape(answers.shape)
    assert len(np.unique(answers)) > answers.size // 2  # a constant would prove nothing
    np.testing.assert_array_equal(answers, expected)


def test_a_missing_file_is_named(programs, tmp_path):
    words = [programs / "predict", tmp_path / "none", "x", "1", "1", "1", "y"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "none" in result.stderr


def test_an_incompatible_version_is_refused(cmake, installed_library, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(p LANGUAGES CXX)\n"
        "find_package(lstm_native 99 CONFIG)\n"
        'message(STATUS "found: ${lstm_native_FOUND}, of ${lstm_native_CONSIDERED_VERSIONS}")\n'
    )
    directory = f"-Dlstm_native_DIR={installed_library}"
    printed = cmake.run("cmake", "-S", tmp_path, "-B", tmp_path, directory)
    assert f"found: 0, of {ln.__version__}" in printed
