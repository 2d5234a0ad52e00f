"""What the benchmark says of a recorded run: ratios, tables, summary, file, figure."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from benchmarks.grid import Cell
from benchmarks.limit import limit
from benchmarks.machine import Peaks
from benchmarks.ourselves import lines
from benchmarks.plot import draw
from benchmarks.report import header, markdown, quantity, reasons, row, summary, title
from benchmarks.results import Figure, Library, Report, Result
from benchmarks.timing import Spread

PEAKS = Peaks(1e11, {"L1": 1 << 15, "L2": 1 << 20}, {1 << 15: 2e11, 1 << 20: 1e11})


@pytest.fixture
def report():
    """A recorded run: two inference cells and one step that ours lacks."""

    def result(mode, cell, **turns):
        figures = {
            name.replace("_", "-"): Figure.of(v) if v else Figure(reason="not there")
            for name, v in turns.items()
        }
        kind = mode.split("-")[-1]
        return Result(mode, cell, "s", limit(kind, cell, PEAKS), figures)

    return Report(
        machine={"processor": "A Processor", "system": "Linux"},
        peaks=PEAKS,
        build={"isa": "avx2"},
        threads=1,
        isa=None,
        settings={"seconds": 1.0, "quick": True, "cores": [1], "minutes": 2.0},
        libraries={
            "ours": Library("lstm_native", "1.0", counts=False),
            "ours-core": Library("lstm_native core", "1.0", counts=False),
            "ours-full": Library("lstm_native full", "1.0", counts=False),
            "ours-whole": Library("without checkpoints", "1.0", counts=False),
            "pytorch": Library("PyTorch", "2.0"),
            "onnxruntime": Library("ONNX Runtime", "1.0"),
            "jax": Library("JAX", missing="jax"),
        },
        results=[
            result(
                "inference",
                Cell(1, 64, 64),
                ours=[1e-4, 1.1e-4, 0.9e-4],
                pytorch=[4e-4],
                onnxruntime=[2e-4],
            ),
            result("inference", Cell(32, 64, 64), ours=[1e-2], pytorch=[0.9e-2]),
            result("step", Cell(1, 1, 8, timesteps=1), ours=None, pytorch=[1e-5]),
            result("fit", Cell(32, 1, 32, 24, samples=4096), ours=[1.1], ours_core=[1.0]),
        ],
    )


def test_the_summary_is_one_line_a_script_can_read(report):
    mean = math.sqrt(2.0 * 0.9)
    expected = f"summary inference geomean={mean:.2f} min=0.90 | step n/a | fit n/a"
    assert summary(report) == expected


def test_the_best_peer_is_the_fastest_of_each_cell(report):
    assert [report.best_peer(r) for r in report.results] == [
        ("onnxruntime", pytest.approx(2.0)),
        ("pytorch", pytest.approx(0.9)),
        None,
        None,
    ]


def test_a_peer_that_could_not_be_held_is_not_compared(report):
    held = dataclasses.replace(report.libraries["onnxruntime"], counts=False)
    report.libraries["onnxruntime"] = held
    assert report.best_peer(report.results[0]) == ("pytorch", pytest.approx(4.0))


def test_rows_hold_times_ratio_and_share_of_the_limit(report):
    assert header(report, "inference")[:4] == ["cell", "lstm_native", "PyTorch", "ONNX Runtime"]
    cell, ours, torch, onnx, best, limit, reached = row(report, report.results[0])
    assert (cell, ours, torch) == ("B1 F64 H64", "100 µs ±5%", "400 µs")
    assert (onnx, best) == ("200 µs", "2.00 (ONNX Runtime)")
    assert (limit, reached) == ("65.5 µs (FLOP)", "66 %")


def test_what_is_missing_is_said(report):
    assert "JAX: missing (jax not installed)" in title(report)
    assert row(report, report.results[2])[1] == "-"
    assert reasons(report, report.results[2]) == ["  lstm_native: not there"]


def test_the_cost_of_the_python_layer(report):
    assert lines(report) == ["fit B32 F1 H32 T24: the Python layer costs +10.0 %"]


def ours_alone(mode, cell, unit="s", **values):
    figures = {name.replace("_", "-"): Figure.of([value]) for name, value in values.items()}
    return Result(mode, cell, unit, None, figures)


def test_lengths_and_checkpoints_are_compared_with_ours_without_them(report):
    ragged, long = Cell(4, 1, 1), Cell(1, 64, 64, timesteps=2000)  # 206 of 400 steps
    report.results = [
        ours_alone("lengths-inference", ragged, ours=0.6, ours_full=1.0),
        ours_alone("checkpoint-training", long, ours=1.36, ours_whole=1.0),
        ours_alone("checkpoint-memory", long, unit="B", ours=2e6, ours_whole=5e6),
    ]
    assert lines(report) == [
        "lengths-inference B4 F1 H1: 52 % of the steps cost 60 % of the time",
        "checkpoint B1 F64 H64 T2000: takes 1.36 times the time and 0.40 times the memory",
    ]
    assert summary(report).endswith("| checkpoint-memory n/a")
    assert header(report, "checkpoint-memory")[1:3] == ["lstm_native", "without checkpoints"]


def test_what_is_measured_only_without_checkpoints_is_no_line(report):
    report.results = [ours_alone("checkpoint-training", Cell(1, 64, 64), ours_whole=1.0)]
    assert lines(report) == []


def test_the_type_of_a_cell_survives_the_file_and_old_files_are_of_lstms(report, tmp_path):
    report.results = [ours_alone("gru-training", Cell(1, 8, 16, type="gru"), ours=1.0)]
    path = tmp_path / "run.json"
    report.write(path)
    assert Report.read(path) == report
    old = json.loads(path.read_text())
    del old["results"][0]["cell"]["type"]
    path.write_text(json.dumps(old))
    assert Report.read(path).results[0].cell == Cell(1, 8, 16)


def test_a_report_survives_its_file(report, tmp_path):
    path = tmp_path / "new" / "run.json"
    report.write(path)
    json.loads(path.read_text(), parse_constant=pytest.fail)  # no Infinity, no NaN
    again = Report.read(path)
    assert again == report
    assert markdown(again) == markdown(report)


def test_the_page_has_a_table_for_each_mode(report):
    text = "\n".join(markdown(report))
    assert "| inference | best peer | 1.34 | 0.90 | 2 |" in text
    assert text.count("### ") == 3


def test_a_recorded_run_is_drawn(report, tmp_path):
    draw(report, tmp_path / "run.png")
    assert (tmp_path / "run.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.234e-3, "s", "1.23 ms"),
        (99.96e-6, "s", "100 µs"),
        (999.6e-6, "s", "1.00 ms"),
        (12.3, "s", "12.3 s"),
        (0.0, "s", "0.00 ns"),
        (24.2 * 2**20, "B", "24.2 MiB"),
    ],
)
def test_quantities_have_three_digits(value, unit, text):
    assert quantity(value, unit) == text


def test_spread_is_median_and_quartiles():
    assert Spread.of([5.0, 1.0, 3.0, 2.0, 4.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)
