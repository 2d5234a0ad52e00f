"""The ways to build and to find the library: subproject, options, pkg-config."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NO_TYPE = "lstm_native: no CMAKE_BUILD_TYPE is given"


def told(printed: str) -> dict[str, list[str]]:
    """What the program info says, by the first word of each line."""
    return {line.split()[0]: line.split()[1:] for line in printed.splitlines()}


def configure(source: Path, build: Path, **definitions: object) -> subprocess.CompletedProcess:
    """Runs CMake as far as the build files."""
    definitions |= {"Python_EXECUTABLE": sys.executable}
    words = [f"-D{name}={value}" for name, value in definitions.items()]
    return subprocess.run(
        ["cmake", "-S", source, "-B", build, "-G", "Ninja", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_project_without_build_type_gets_a_fast_library(cmake, subproject_build):
    assert told(cmake.run(subproject_build / "info"))["build_type"] == ["release"]
    commands = json.loads((subproject_build / "compile_commands.json").read_text())
    ours = [entry["command"] for entry in commands if "/csrc/" in entry["file"]]
    assert ours
    for command in ours:
        assert " -DNDEBUG" in command
        assert re.search(r" -O[23]\b", command)
    mine = [entry["command"] for entry in commands if entry["file"].endswith("info.cpp")]
    assert not re.search(r" -(O|DNDEBUG|march|ffp)", mine[0])  # no option of ours gets there


def test_only_the_chosen_instruction_sets_are_compiled(cmake, subproject_build):
    from lstm_native import _core

    chosen = _core.build_info()["isa"]
    answer = told(cmake.run(subproject_build / "info"))
    assert answer["isas_compiled"] == [chosen]
    assert answer["isa"] == [chosen]


def test_a_subproject_says_that_it_has_no_build_type_and_installs_nothing(cmake, root, tmp_path):
    done = configure(HERE / "subproject", tmp_path, LSTM_NATIVE_SOURCE_DIR=root)
    assert done.returncode == 0, done.stderr
    assert NO_TYPE in done.stdout
    rules = (tmp_path / "_deps" / "lstm_native-build" / "cmake_install.cmake").read_text()
    assert "lstm_native.hpp" not in rules
    assert "liblstm_native" not in rules
    again = configure(HERE / "subproject", tmp_path, CMAKE_BUILD_TYPE="Debug")
    assert again.returncode == 0, again.stderr
    assert NO_TYPE not in again.stdout


def test_alone_it_is_built_as_release_and_says_so(cmake, root, tmp_path):
    done = configure(root, tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{NO_TYPE}: Release" in done.stdout
    assert "CMAKE_BUILD_TYPE:STRING=Release" in (tmp_path / "CMakeCache.txt").read_text()


@pytest.mark.parametrize(("sets", "message"), [("sse9", 'got "sse9"'), ("", "got none")])
def test_instruction_sets_that_are_none_are_refused(cmake, root, tmp_path, sets, message):
    done = configure(root, tmp_path, LSTM_NATIVE_ISAS=sets)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "LSTM_NATIVE_ISAS: expected" in said
    assert message in said


def test_pkg_config_knows_how_to_build_with_it(cmake, installed_library, request, tmp_path):
    if shutil.which("pkg-config") is None:
        pytest.skip("pkg-config is not installed")
    folder = installed_library.parents[1] / "pkgconfig"
    assert "prefix=${pcfiledir}/" in (folder / "lstm_native.pc").read_text()  # may be moved
    static = "static" in request.node.name

    def ask(*options: str) -> list[str]:
        words = ["pkg-config", *(["--static"] if static else []), *options, "lstm_native"]
        return cmake.run(*words, PKG_CONFIG_PATH=str(folder)).split()

    from lstm_native import __version__

    assert ask("--modversion") == [__version__]
    assert ("-pthread" in ask("--libs")) == static
    libraries = ask("--variable=libdir")[0]
    assert Path(libraries).resolve() == folder.parent.resolve()
    flags = [*ask("--cflags", "--libs"), f"-Wl,-rpath,{libraries}"]
    compiler = os.environ.get("CXX", "c++")
    cmake.run(compiler, "-std=c++17", HERE / "train.cpp", *flags, "-o", tmp_path / "train")
    assert cmake.run(tmp_path / "train", tmp_path / "model.safetensors").startswith("loss ")


@pytest.mark.parametrize("first", ["python", "program"])
def test_python_and_cpp_in_one_process_have_one_core(cmake, tmp_path, first):
    """As in a program that embeds Python and uses the library of its wheel."""
    package = Path(cmake.run(sys.executable, "-m", "lstm_native", "--cmake-dir").strip()).parents[2]
    code = "#include <lstm_native/runtime.hpp>\n"
    code += 'extern "C" int threads() { return lstm_native::num_threads(); }\n'
    (tmp_path / "part.cpp").write_text(code)
    program = tmp_path / "part.so"
    flags = [f"-I{package}/include", f"-L{package}/lib", f"-Wl,-rpath,{package}/lib"]
    words = ["-std=c++17", "-shared", "-fPIC", tmp_path / "part.cpp", *flags, "-llstm_native"]
    cmake.run(os.environ.get("CXX", "c++"), *words, "-o", program)
    lines = ["import lstm_native as ln; ln.set_num_threads(3)", f"part = ctypes.CDLL('{program}')"]
    if first == "program":
        lines.reverse()
    script = "\n".join(["import ctypes", *lines, "print(part.threads())"])
    assert cmake.run(sys.executable, "-c", script).split() == ["3"]
