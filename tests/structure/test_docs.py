"""The examples in README, docs/ and docstrings run as they stand.

Python blocks of a file run in order in one folder, as one script; then its C++ blocks are built
against the installed library and run in the same folder, so that they can load what the Python
wrote. A block after the line `<!-- not run -->` is left out, and here one after
`<!-- with peers -->` too.
"""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import sys

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
        script = tmp_path / f"{page.stem}.py"
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
