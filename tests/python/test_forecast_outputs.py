"""The command's files: whole, of one run, and not lost with the picture."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from lstm_native import cli
from lstm_native.forecast.forecaster import Forecaster
from lstm_native.forecast.outputs import Outputs
from lstm_native.forecast.report import files, html, plot

FILES = ["forecast.csv", "forecast.html", "forecast.png", "model.safetensors", "report.json"]


@pytest.fixture
def series(tmp_path):
    rng = np.random.default_rng(1)
    rows = [f"{2000 + i // 12}-{i % 12 + 1:02d},{50 + rng.normal():.2f}" for i in range(60)]
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["month,units", *rows]) + "\n")
    return path


@pytest.fixture
def run(series, tmp_path):
    def run(seed=0, folder="out", *options):
        words = ["forecast", series, "--horizon", 2, "--model", "lstm", "--epochs", 1]
        words += ["--seed", seed, "--quiet"]
        return cli.main([str(w) for w in [*words, "--out", tmp_path / folder, *options]])

    return run


def drawn(path, *ignored):
    path.write_bytes(b"a picture")


def assert_of_one_run(folder, seed):
    """Report, forecast and network belong together: the network gives the report's forecast."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["settings"]["seed"] == seed
    with open(folder / "forecast.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = [row["forecast"] for row in report["forecast"]]
    assert [float(row["forecast"]) for row in rows] == wanted
    loaded = Forecaster.load(folder / "model.safetensors")
    assert loaded.predict()["forecast"].tolist() == wanted
    assert f"seed: {seed};" in (folder / "forecast.html").read_text(encoding="utf-8")


def test_two_runs_in_one_folder_do_not_mix(run, tmp_path, monkeypatch):
    """The second one does all it does while the first is between saving and drawing."""

    def other_run(path, *rest):
        monkeypatch.setattr(plot, "write_plot", drawn)
        assert run(seed=2) == 0
        assert_of_one_run(tmp_path / "out", 2)
        drawn(path)

    monkeypatch.setattr(plot, "write_plot", other_run)
    assert run(seed=1) == 0
    assert_of_one_run(tmp_path / "out", 1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_a_failed_picture_loses_nothing_else(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plot, "write_plot", drawn)
    assert run(seed=1) == 0

    def broken(path, *rest):
        raise RuntimeError("no font")

    monkeypatch.setattr(plot, "write_plot", broken)
    assert run(seed=2) == 1
    assert capsys.readouterr().err == "lstm-native: no plot: no font\n"
    assert_of_one_run(tmp_path / "out", 2)
    # An older picture would show another forecast.
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        name for name in FILES if name != "forecast.png"
    ]


def test_an_interrupt_while_drawing_loses_nothing_else(run, tmp_path, monkeypatch):
    def interrupted(path, *rest):
        raise KeyboardInterrupt

    monkeypatch.setattr(plot, "write_plot", interrupted)
    assert run(seed=3) == 130
    assert_of_one_run(tmp_path / "out", 3)


@pytest.mark.parametrize(("module", "writer"), [(html, "write_html"), (files, "write_json")])
def test_a_failed_write_leaves_the_files_of_the_run_before(
    run, tmp_path, monkeypatch, module, writer
):
    monkeypatch.setattr(plot, "write_plot", drawn)
    assert run(seed=1) == 0

    def full(path, *args, **kwargs):
        path.write_text("half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(module, writer, full)
    assert run(seed=2) == 1
    assert_of_one_run(tmp_path / "out", 1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_a_link_in_a_files_place_stays_one(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").symlink_to(tmp_path / "elsewhere.json")
    with Outputs(tmp_path / "out") as outputs:
        outputs.path("report.json").write_text("{}")
        outputs.publish()
    assert (tmp_path / "out" / "report.json").is_symlink()
    assert (tmp_path / "elsewhere.json").read_text() == "{}"


def test_what_a_killed_run_has_left_goes_with_the_next(tmp_path):
    """And what a run that is alive writes stays."""
    pytest.importorskip("fcntl")
    code = (
        "import os, signal, sys, pathlib\n"
        "from lstm_native.forecast.outputs import Outputs\n"
        "with Outputs(pathlib.Path(sys.argv[1])) as outputs:\n"
        "    for name in ('report.json', 'model.safetensors'):\n"
        "        outputs.path(name).write_text('{}')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / ".0123abcd-notes").write_text("of somebody else")
    subprocess.run([sys.executable, "-c", code, folder], cwd=tmp_path, check=False)
    assert len(list(folder.iterdir())) == 4
    with Outputs(folder) as alive:
        alive.path("report.json").write_text("mine")
        assert len(list(folder.iterdir())) == 3
        with Outputs(folder):
            pass
        alive.publish()
    assert sorted(path.name for path in folder.iterdir()) == [".0123abcd-notes", "report.json"]
    assert (folder / "report.json").read_text() == "mine"


def test_what_is_not_published_goes(tmp_path):
    with Outputs(tmp_path) as outputs:
        outputs.path("report.json").write_text("{}")
    assert list(tmp_path.iterdir()) == []


def test_a_single_origin_is_called_one(tmp_path, capsys):
    path = tmp_path / "short.csv"
    path.write_text("month,units\n" + "".join(f"2024-0{m},{m % 4}\n" for m in range(1, 9)))
    words = ["forecast", path, "--model", "naive", "--out", tmp_path / "out"]
    assert cli.main([str(word) for word in words]) == 0
    out = capsys.readouterr().out
    assert "ahead from 1 origin, 2024-07\n" in out
    assert "from a single held-out origin, which says little." in out
