"""The examples in README, docs/ and docstrings run as they stand.

Python blocks of a file run in order in one folder, as one script; then its C++ blocks are built
against the installed library and run in the same folder, so that they can load what the Python
wrote. A block after the line `<!-- not run -->` is left out, and here one after
`<!-- with peers -->` too. The commands for C++ users are run on the README's program.
"""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import NOT_RUN, PAGES, ROOT, WITH_PEERS, blocks, script_of

PROJECT = """
cmake_minimum_required(VERSION 3.18)
project(examples LANGUAGES CXX)
find_package(lstm_native CONFIG REQUIRED)
file(GLOB programs *.cpp)
foreach(program IN LISTS programs)
  get_filename_component(name ${program} NAME_WE)
  add_executable(${name} ${program})
  target_link_libraries(${name} PRIVATE lstm_native::lstm_native)
endforeach()
"""


def command(marker: str) -> str:
    """The README's commands below `<!-- ci:marker -->`."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"<!-- ci:{marker} -->\n+```bash\n(.*?)\n```", text, re.DOTALL)
    assert len(found) == 1, f"README.md needs one bash block below <!-- ci:{marker} -->"
    return found[0]


def test_ci_runs_the_readmes_two_commands():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for marker in ("install", "test"):
        assert command(marker)
        assert f"readme_command {marker}" in script


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page, cmake, tmp_path):
    scripts = blocks(page, "python")
    if scripts:
        script = tmp_path / f"page_{page.stem}.py"  # beside a package of the page's name
        script.write_text(script_of(scripts), encoding="utf-8")
        cmake.run(sys.executable, "-W", "error", script.name, cwd=tmp_path, MPLBACKEND="Agg")
    programs = blocks(page, "cpp")
    # None was overlooked: no page passes because nothing of it was found.
    lines = page.read_text(encoding="utf-8").splitlines()
    left_out = lines.count(NOT_RUN) + lines.count(WITH_PEERS)
    expected = lines.count("```python") + lines.count("```cpp") - left_out
    assert len(scripts) + len(programs) == expected
    if programs:
        source = tmp_path / "cpp"
        source.mkdir()
        (source / "CMakeLists.txt").write_text(PROJECT, encoding="utf-8")
        for line, code in programs:
            (source / f"line{line}.cpp").write_text(code, encoding="utf-8")
        folder = cmake.run(sys.executable, "-m", "lstm_native", "--cmake-dir").strip()
        build = cmake.build(source, tmp_path / "build", lstm_native_DIR=folder)
        for line, _ in programs:
            cmake.run(build / f"line{line}", cwd=tmp_path)


def cpp_block(page: str, marker: str, language: str) -> str:
    """The one block of that language below `<!-- cpp:marker -->`."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(rf"<!-- cpp:{marker} -->\n```{language}\n(.*?)^```$", text, re.M | re.S)
    assert len(found) == 1, f"{page} needs one {language} block below <!-- cpp:{marker} -->"
    return found[0]


def run_as_a_reader(cmake, commands: str, folder: Path, **environment: str) -> None:
    """Run a block with the tests' Python in front."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    words = ("bash", "-euo", "pipefail", "-c", commands)
    cmake.run(*words, cwd=folder, PATH=os.pathsep.join(paths), **environment)


@pytest.fixture
def program_of_the_readme(tmp_path):
    """A folder with the README's C++ program."""
    ((_, code),) = blocks(ROOT / "README.md", "cpp")
    (tmp_path / "forecast.cpp").write_text(code, encoding="utf-8")
    return tmp_path


def test_readmes_commands_build_its_program_with_pkg_config(cmake, program_of_the_readme):
    if shutil.which("pkg-config") is None:
        pytest.skip("pkg-config is not installed")
    commands = cpp_block("README.md", "pkg-config", "bash")
    run_as_a_reader(cmake, commands, program_of_the_readme)
    # The library is found, and the model is not.
    done = subprocess.run([program_of_the_readme / "forecast"], capture_output=True, text=True)
    assert "sine.safetensors" in done.stderr


def test_readmes_commands_build_its_program_with_cmake(cmake, program_of_the_readme):
    project = cpp_block("README.md", "cmake", "cmake")
    (program_of_the_readme / "CMakeLists.txt").write_text(project, encoding="utf-8")
    commands = cpp_block("README.md", "cmake", "bash")
    run_as_a_reader(cmake, commands, program_of_the_readme)
    assert (program_of_the_readme / "build" / "forecast").is_file()


def test_readmes_commands_build_from_source(cmake, native_build, tmp_path):
    """In the folder where the tests have built it already, and with what is installed."""
    install, *commands = cpp_block("README.md", "source", "bash").splitlines()
    pinned = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package in install.removeprefix("pip install ").split():
        assert f'"{package}' in pinned, f"{package} is not what this project is built with"
    text = "\n".join(commands).replace("build/cpp", str(native_build))
    assert text.count(str(native_build)) == 3
    run_as_a_reader(cmake, text, ROOT, HOME=str(tmp_path))
    assert (tmp_path / ".local/include/lstm_native/lstm_native.hpp").is_file()
    assert list((tmp_path / ".local").rglob("lstm_native.pc"))


def test_the_subproject_of_the_cpp_page_can_be_configured(cmake, tmp_path):
    project = "cmake_minimum_required(VERSION 3.18)\nproject(main LANGUAGES CXX)\n"
    project += "add_executable(main main.cpp)\n" + cpp_block("docs/cpp.md", "subproject", "cmake")
    (tmp_path / "CMakeLists.txt").write_text(project, encoding="utf-8")
    (tmp_path / "main.cpp").write_text("int main() {}\n", encoding="utf-8")
    (tmp_path / "third_party").mkdir()
    (tmp_path / "third_party" / "lstm_native").symlink_to(ROOT)
    python = f"-DPython_EXECUTABLE={sys.executable}"
    cmake.run("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja", python)


def modules() -> list[str]:
    package = importlib.import_module("lstm_native")
    found = pkgutil.walk_packages(package.__path__, "lstm_native.")
    return ["lstm_native", *(m.name for m in found if m.name != "lstm_native.__main__")]


@pytest.mark.parametrize("name", modules())
def test_docstring_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(
        importlib.import_module(name),
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    assert result.failed == 0
