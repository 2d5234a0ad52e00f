"""The C++ tests, built and run by ctest for every instruction set this machine has."""

from __future__ import annotations


def test_cpp_tests_pass(cmake, native_program, native_build):
    native_program("lstm_native_tests")
    printed = cmake.run("ctest", "--output-on-failure", cwd=native_build)
    assert "100% tests passed" in printed
