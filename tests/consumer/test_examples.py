"""The programs of examples/cpp, built against the installed wheel as their CMakeLists.txt says."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

import lstm_native as ln

MOST_LINES = 79


@pytest.fixture(scope="module")
def reversal(cmake, root, tmp_path_factory):
    """The folder of the program that has learned to reverse, and what it printed."""
    folder = cmake.run(sys.executable, "-m", "lstm_native", "--cmake-dir").strip()
    build = cmake.build(
        root / "examples" / "cpp",
        tmp_path_factory.mktemp("examples"),
        CMAKE_BUILD_TYPE="Release",
        CMAKE_CXX_FLAGS="-Wall -Wextra -Werror",
        lstm_native_DIR=folder,
    )
    return build, cmake.run(build / "reversal", cwd=build)


def test_the_example_is_short(root):
    text = (root / "examples" / "cpp" / "reversal.cpp").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES


def test_the_program_reverses_what_it_has_never_seen(reversal):
    _, printed = reversal
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", printed)]
    assert losses[-1] < 0.1 * losses[0]
    assert int(re.search(r"right: (\d+) %", printed)[1]) >= 95


def test_its_file_answers_in_python_step_by_step(reversal):
    build, _ = reversal
    model = ln.load_model(build / "reversal.safetensors")
    assert model.metadata == {"task": "reversal"}
    source = np.random.default_rng(0).integers(1, 11, (50, 8))
    stream = model.stream(batch_size=50, source=source)
    said = [np.zeros(50, np.int64)]
    for _ in range(8):
        said.append(stream.step(said[-1]).argmax(axis=-1))
    right = np.stack(said[1:], axis=1) == source[:, ::-1]
    assert right.mean() > 0.95


def test_the_page_shows_parts_of_the_example(root):
    page = (root / "docs" / "cpp.md").read_text(encoding="utf-8")
    program = (root / "examples" / "cpp" / "reversal.cpp").read_text(encoding="utf-8")
    parts = re.findall(r"<!-- not run -->\n```cpp\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(parts) == 2
    for part in parts:
        assert part in program
