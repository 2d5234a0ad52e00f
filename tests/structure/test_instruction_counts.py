"""Instructions that small cells take, counted by valgrind: a regression test without a clock.

After a deliberate change of speed, record the new counts and commit them with it:

    LSTM_NATIVE_RECORD_COUNTS=1 pytest -m long tests/structure/test_instruction_counts.py

The counts hold for AVX2 (valgrind knows no AVX-512, which runs the same source) and for one major
version of a compiler. Within that they repeat exactly on one machine. The tolerance of 2 % is for
what may differ elsewhere: patch versions of the compiler and the memory routines that the C library
picks for a processor. One instruction more in an innermost loop, such as a spilled register or a
multiply-add that fell apart, adds 4 % or more. Counts that fall by more fail as well: unrecorded,
the gain could be lost again unseen.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

RECORDED = Path(__file__).with_name("instruction_counts.json")
TOLERANCE = 0.02
RECORD = os.environ.get("LSTM_NATIVE_RECORD_COUNTS", "0") == "1"
# mode, batch, timesteps, features, hidden units
CELLS = ("inference 1 100 8 16", "inference 32 20 16 32", "training 8 20 16 32")
CPUINFO = Path("/proc/cpuinfo")
HAS_AVX2 = CPUINFO.is_file() and " avx2 " in CPUINFO.read_text()


@pytest.fixture(scope="module")
def program(native_program) -> Path:
    """The program to count in, where it can be counted."""
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    return native_program("count_cell")


@pytest.fixture(scope="module")
def compiler(cmake, program) -> str:
    """What built the program, by the version that decides its code: "gcc 12"."""
    name, version, build_type = cmake.run(program).split()
    if build_type != "release":
        pytest.skip(f"counts are of release builds, this is a {build_type} one")
    return f"{name} {version.partition('.')[0]}"


def count(cmake, program: Path, cell: str, folder: Path) -> int:
    """Instructions between entry to and return from the counted call."""
    log = folder / "log"
    cmake.run(
        *("valgrind", "--tool=callgrind", "--toggle-collect=counted_call"),
        *(f"--callgrind-out-file={folder / 'out'}", f"--log-file={log}", program, *cell.split()),
        LSTM_NATIVE_ISA="avx2",
    )
    found = re.search(r"Collected : (\d+)", log.read_text())
    assert found, log.read_text()
    return int(found[1])


@pytest.mark.skipif(not HAS_AVX2, reason="counts are of AVX2, which this processor lacks")
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_a_layer_written_as_a_graph_costs_no_more_than_in_a_row(cmake, program, mode, tmp_path):
    """The clock's bound is 1 % (docs/performance_graphs.md); instructions keep within it too."""
    row, graph = (
        count(cmake, program, f"{kind} 1 100 8 16", tmp_path) for kind in (mode, f"graph-{mode}")
    )
    assert row > 10_000, "the counted call was not seen"
    assert graph <= 1.01 * row


@pytest.mark.skipif(not HAS_AVX2, reason="counts are of AVX2, which this processor lacks")
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_takes_as_many_instructions_as_recorded(cmake, program, compiler, cell, tmp_path):
    found = count(cmake, program, cell, tmp_path)
    assert found > 10_000, "the counted call was not seen"
    recorded = json.loads(RECORDED.read_text())
    if RECORD:
        recorded.setdefault(compiler, {})[cell] = found
        RECORDED.write_text(json.dumps(recorded, indent=2) + "\n")
        return
    if compiler not in recorded:
        pytest.skip(f"no counts are recorded for {compiler}, only for {', '.join(recorded)}")
    expected = recorded[compiler][cell]
    change = found / expected - 1
    assert abs(change) <= TOLERANCE, (
        f"{cell}: expected {expected} instructions, got {found} ({change:+.1%}). If that is meant, "
        "record it with LSTM_NATIVE_RECORD_COUNTS=1"
    )
