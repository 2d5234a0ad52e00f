"""The C++ tests, built and run by ctest for every instruction set this machine has."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def test_cpp_tests_pass(cmake, native_build, root):
    if not any(
        (Path(folder) / "include/doctest/doctest.h").is_file() for folder in ("/usr", "/usr/local")
    ):
        pytest.skip("the C++ tests need doctest (Debian: doctest-dev)")
    cmake.build(
        root,
        native_build,
        "lstm_native_tests",
        LSTM_NATIVE_TESTS="ON",
        Python_EXECUTABLE=sys.executable,
    )
    printed = cmake.run("ctest", "--output-on-failure", cwd=native_build)
    assert "100% tests passed" in printed
