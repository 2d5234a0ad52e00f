"""The targets of a recorded run: which cells miss them, and what stands on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.grid import Cell
from benchmarks.limit import Limit
from benchmarks.machine import Peaks
from benchmarks.pages import write_figures
from benchmarks.results import Figure, Library, Report, Result
from benchmarks.targets import MARK, all_targets, markdown, short_cells

ROOT = Path(__file__).resolve().parents[2]
# The runs whose targets each page shows.
RUNS = {
    "performance": ("zen4-avx512", "zen4-avx512-process", "zen4-avx512-family", "zen4-avx2"),
    "performance_graphs": ("spr-avx512-graphs",),
}


def run(*results, threads=1, isa=None):
    """A recorded run with PyTorch as the only peer."""
    return Report(
        machine={"processor": "A Processor", "system": "Linux"},
        peaks=Peaks(1e11, {"L1": 1 << 15}, {1 << 15: 2e11}),
        build={"isa": "avx2"},
        threads=threads,
        isa=isa,
        settings={"seconds": 1.0, "quick": True, "cores": [1], "minutes": 2.0},
        libraries={
            "ours": Library("lstm_native", "1.0", counts=False),
            "ours-core": Library("lstm_native core", "1.0", counts=False),
            "ours-full": Library("lstm_native full", "1.0", counts=False),
            "ours-whole": Library("without checkpoints", "1.0", counts=False),
            "pytorch": Library("PyTorch", "2.0"),
        },
        results=list(results),
    )


def result(mode, cell, limit=None, **seconds):
    figures = {name.replace("_", "-"): Figure.of([value]) for name, value in seconds.items()}
    return Result(mode, cell, "s", Limit(limit, "FLOP") if limit else None, figures)


def test_a_slow_cell_is_named_with_its_ratio_its_share_and_the_ratio_at_the_limit():
    found = run(
        result("training", Cell(1, 8, 16), 0.5, ours=1.0, pytorch=4.0),
        result("training", Cell(32, 64, 64), 0.8, ours=1.0, pytorch=1.05),
    )
    assert short_cells(found) == [
        [
            "training",
            "B32 F64 H64",
            "PyTorch / ours",
            "at least 1.10",
            "1.05",
            "80 % (FLOP)",
            "1.31",
        ]
    ]
    assert [row[-2:] for row in all_targets(found)] == [["1.05", "1 of 2"], ["2.05", "no"]]


def test_a_share_counts_only_for_the_cells_that_the_target_speaks_of():
    small = result("inference", Cell(1, 1, 8), 0.1, ours=1.0, pytorch=9.0)
    large = result("inference", Cell(1, 64, 64), 0.9, ours=1.0, pytorch=9.0)
    assert short_cells(run(small, large)) == []
    slow = result("inference", Cell(1, 64, 64), 0.7, ours=1.0, pytorch=9.0)
    assert [row[1:6] for row in short_cells(run(small, slow))] == [
        ["B1 F64 H64", "share of the limit", "at least 80 %", "70 %", "70 % (FLOP)"]
    ]


def test_the_cost_of_the_python_layer_is_to_stay_below_its_bound():
    cell = Cell(32, 8, 64, layers=2, samples=4096)
    dear = run(result("fit", cell, 0.9, ours=1.2, ours_core=1.0, pytorch=9.0))
    assert [row[2:5] for row in short_cells(dear)] == [
        ["cost of the Python layer", "at most +5.0 %", "+20.0 %"]
    ]
    assert short_cells(run(result("fit", cell, 0.9, ours=0.9, ours_core=1.0, pytorch=9.0))) == []


def test_lengths_may_cost_little_more_than_their_share_of_the_steps():
    cell = Cell(4, 1, 1)  # 206 of 400 steps: 0.515
    dear = run(result("lengths-training", cell, 0.4, ours=0.618, ours_full=1.0, pytorch=0.5))
    assert [row[2:5] for row in short_cells(dear)] == [
        ["PyTorch / ours", "at least 1.00", "0.81"],
        ["share of time / share of steps", "at most 1.15", "1.20"],
    ]
    assert short_cells(run(result("lengths-training", cell, ours=0.55, ours_full=1.0))) == []


def test_checkpoints_are_to_cost_no_more_than_a_pass_forward():
    cell = Cell(1, 64, 64, timesteps=2000)
    dear = run(result("checkpoint-training", cell, 0.5, ours=1.5, ours_whole=1.0))
    assert [row[2:] for row in all_targets(dear)] == [
        ["time / time without checkpoints", "at most 1.40", "1.50", "no"]
    ]
    assert short_cells(run(result("checkpoint-training", cell, ours=1.3, ours_whole=1.0))) == []


@pytest.mark.parametrize("mode", ["gru-inference", "gru-training", "rnn-inference", "rnn-training"])
def test_the_other_cells_are_to_be_as_fast_as_pytorchs(mode):
    kind = mode.partition("-")[0]
    cells = [
        result(mode, Cell(1, 8, 16, type=kind), 0.5, ours=1.0, pytorch=9.0),
        result(mode, Cell(1, 64, 64, type=kind), 0.5, ours=1.0, pytorch=0.9),
    ]
    assert [row[1:5] for row in short_cells(run(*cells))] == [
        ["B1 F64 H64", "PyTorch / ours", "at least 1.00", "0.90"]
    ]


@pytest.mark.parametrize(("isa", "threads", "count"), [(None, 2, 0), ("avx2", 1, 1), (None, 1, 2)])
def test_other_instruction_sets_and_threads_have_their_own_targets(isa, threads, count):
    cell = result("training", Cell(1, 8, 16), 0.5, ours=1.0, pytorch=1.05)
    assert len(all_targets(run(cell, isa=isa, threads=threads))) == count


@pytest.mark.parametrize("name", RUNS)
def test_the_page_has_what_the_recorded_runs_say(name, tmp_path):
    page = ROOT / "docs" / f"{name}.md"
    copy = tmp_path / "page.md"
    copy.write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    folder = ROOT / "docs" / "benchmarks"
    runs = [(run, Report.read(folder / f"{run}.json")) for run in RUNS[name]]
    write_figures(copy, markdown(runs), mark=MARK)
    assert copy.read_text(encoding="utf-8") == page.read_text(encoding="utf-8")


def test_no_share_of_the_limit_is_typed_by_hand():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    typed = re.sub(r"<!-- (\w+) -->.*?<!-- end of \1 -->", "", text, flags=re.DOTALL)
    assert not re.search(r"\d %\** of the limit", typed)
