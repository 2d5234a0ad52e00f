"""The command line as its user meets it: what it prints and writes, and how it ends."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from product import fresh_process

import lstm_native as ln

COMMAND = [sys.executable, "-m", "lstm_native"]
PICTURE = b"\x89PNG\r\n\x1a\n"


def run(*arguments, cwd=None, **environment):
    """Run the command; an unexpected warning or traceback shows in stderr."""
    options = fresh_process(**environment)
    options["cwd"] = cwd or options["cwd"]
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, timeout=120, check=False, **options
    )


def refused(*arguments, cwd=None):
    """The command's exit code and its one line on stderr; it prints nothing else."""
    done = run(*arguments, cwd=cwd)
    assert done.stdout == "", done
    assert re.fullmatch(r"lstm-native[^\n]*: [^\n]*\n", done.stderr), done.stderr
    return done.returncode, done.stderr


def records(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with series of a stranger."""
    folder = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(1)
    rows = [
        f"{2000 + i // 12}-{i % 12 + 1:02d},{100 + 0.5 * i + rng.normal():.2f},{i % 7}"
        for i in range(120)
    ]
    (folder / "sales.csv").write_text("\n".join(["month,units,staff", *rows]) + "\n")
    (folder / "short.csv").write_text("\n".join(["month,units,staff", *rows[:3]]) + "\n")
    (folder / "gap.csv").write_text("\n".join(["month,units,staff", *rows[:50], *rows[51:]]))
    (folder / "text.csv").write_text("month,units\n2000-01,1\n2000-02,2\n2000-03,many\n")
    north, south = (
        [f"{name},{row.rpartition(',')[0]}" for row in rows] for name in ("north", "south")
    )
    (folder / "shops.csv").write_text("\n".join(["shop,month,units", *north, *south[:50]]) + "\n")
    (folder / "empty.csv").write_text("")
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    """The first call, on the stranger's series."""
    done = run(
        *("forecast", "sales.csv", "--column", "units", "--horizon", 5, "--model", "lstm"),
        *("--epochs", 1, "--seed", 3, "--out", "first"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_first_call_prints_the_tables(trained):
    text = trained.stdout
    assert "units: 120 rows, 2000-01 to 2009-12 (sales.csv)" in text
    assert "20 origins, 2008-01 to 2009-08" in text
    for method in ("lstm", "naive", "seasonal-naive", "linear", "pretrained"):
        assert re.search(rf"^{method} +[\d.]+ +[\d.]+ +[\d.]+ ", text, re.MULTILINE), method
    assert re.search(r"^\S+ is best on this data .*5 ahead from 20 held-out", text, re.MULTILINE)
    stamps = re.findall(r"^(20\d\d-\d\d) +\d", text, re.MULTILINE)
    assert stamps == ["2010-01", "2010-02", "2010-03", "2010-04", "2010-05"]


def test_progress_is_on_stderr(trained):
    note, *lines = trained.stderr.splitlines()
    assert note.startswith("lstm-native: note: ")
    assert "staff" in note  # the column that is not used
    assert [line.partition(",")[0] for line in lines] == [
        f"{stage}: network {member}/5" for stage in ("back-test", "final") for member in range(1, 6)
    ]


def test_first_call_writes_the_files(trained, folder):
    rows = records(folder / "first" / "forecast.csv")
    bounds = ["low_80", "high_80", "low_95", "high_95"]
    assert list(rows[0]) == ["unique_id", "ds", "forecast", *bounds]
    assert len(rows) == 5
    assert (rows[0]["unique_id"], rows[0]["ds"]) == ("units", "2010-01-01")
    report = json.loads((folder / "first" / "report.json").read_text(encoding="utf-8"))
    assert report["settings"]["seed"] == 3
    assert report["settings"]["epochs"] == 1
    assert report["data"]["rows"] == 120
    assert report["versions"]["lstm_native"]["version"] == ln.build_info()["version"]
    assert [{key: str(value) for key, value in row.items()} for row in report["forecast"]] == rows
    assert (folder / "first" / "forecast.png").read_bytes().startswith(PICTURE)
    assert "units" in (folder / "first" / "forecast.html").read_text(encoding="utf-8")


def test_model_file_is_a_plain_model(trained, folder):
    model = ln.load_model(folder / "first" / "model.safetensors")
    assert model.metadata["column"] == "units"
    x = np.zeros((2, int(model.metadata["timesteps"]), 1), dtype=np.float32)
    assert model.predict(x).shape == (2, 5)


def test_second_call_forecasts_the_same_without_training(trained, folder):
    done = run(
        *("forecast", "sales.csv", "--model", "first/model.safetensors", "--out", "second"),
        cwd=folder,
    )
    assert done.returncode == 0
    assert "network" not in done.stderr
    first, second = (folder / name / "forecast.csv" for name in ("first", "second"))
    assert second.read_bytes() == first.read_bytes()
    table = re.search(r"^units after 2009-12.*?\n\n", trained.stdout, re.MULTILINE | re.DOTALL)
    assert table is not None
    assert table[0] in done.stdout
    files = ["forecast.csv", "forecast.html", "forecast.png"]
    assert sorted(path.name for path in second.parent.iterdir()) == files


def test_a_model_file_alone_forecasts_the_rows_it_holds(trained, folder):
    done = run("forecast", "--model", "first/model.safetensors", "--out", "alone", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    first, alone = (folder / name / "forecast.csv" for name in ("first", "alone"))
    assert alone.read_bytes() == first.read_bytes()


def test_a_model_file_of_a_global_network_forecasts_other_horizons(folder):
    words = ("forecast", "sales.csv", "--column", "units", "--quiet")
    run(*words, "--model", "pretrained", "--out", "global", cwd=folder)
    words += ("--horizon", 30, "--model", "global/model.safetensors", "--out", "longer")
    assert run(*words, cwd=folder).returncode == 0
    assert len(records(folder / "longer" / "forecast.csv")) == 30


def test_many_series_at_once(folder):
    """A long table: the shops are told apart by themselves."""
    done = run(
        *("forecast", "shops.csv", "--id", "shop", "--model", "pretrained", "--horizon", 3),
        *("--out", "shops"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert "units: 2 series of 50 to 120 rows, 2000-01 to 2009-12 (shops.csv)" in done.stdout
    rows = records(folder / "shops" / "forecast.csv")
    assert [(row["unique_id"], row["ds"]) for row in rows[2:4]] == [
        ("north", "2010-03-01"),
        ("south", "2004-03-01"),
    ]
    report = json.loads((folder / "shops" / "report.json").read_text(encoding="utf-8"))
    scores = report["backtest"]["scores"]["pretrained"]
    assert set(scores["series"]) == {"north", "south"}
    assert set(scores["coverage"]) == {"80", "95"}


def test_standard_input_and_the_best_method_in_words(folder):
    options = fresh_process()
    options["cwd"] = folder
    done = subprocess.run(
        [*COMMAND, "forecast", "-", "--column", "units", "--out", "piped"],
        input=(folder / "sales.csv").read_text(),
        capture_output=True,
        timeout=120,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr
    said = re.search(r"^(.+) is best on this data", done.stdout, re.MULTILINE)
    assert said is not None
    report = json.loads((folder / "piped" / "report.json").read_text(encoding="utf-8"))
    assert report["backtest"]["best"] == said[1]
    scores = report["backtest"]["scores"]
    chosen = scores[report["settings"]["forecast_by"]]
    assert chosen["mae"] <= scores["seasonal-naive"]["mae"]


def test_same_seed_same_bits_on_one_thread_and_on_two(trained, folder):
    for threads in (1, 2):
        options = ("--column", "units", "--horizon", 5, "--epochs", 1, "--seed", 3, "--quiet")
        options += ("--model", "lstm")
        run("forecast", "sales.csv", *options, "--threads", threads, "--out", "again", cwd=folder)
        first, again = (folder / name / "model.safetensors" for name in ("first", "again"))
        assert again.read_bytes() == first.read_bytes()


def test_bundled_series_and_quiet(folder):
    words = ("--model", "lstm", "--epochs", 1, "--horizon", 3, "--quiet", "--out", "sun")
    done = run("forecast", *words, cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = records(folder / "sun" / "forecast.csv")
    assert [row["ds"] for row in rows] == ["2009-01-01", "2009-02-01", "2009-03-01"]


def test_without_matplotlib_a_line_says_what_to_install(trained, folder):
    (folder / "without").mkdir()
    (folder / "without" / "matplotlib.py").write_text("raise ImportError('not here')\n")
    paths = [str(folder / "without"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = run(
        *("forecast", "sales.csv", "--model", "first/model.safetensors", "--out", "plain"),
        cwd=folder,
        PYTHONPATH=os.pathsep.join(paths),
    )
    assert done.returncode == 0
    assert "no plot: it needs matplotlib (pip install 'lstm-native[plot]')" in done.stdout
    names = sorted(path.name for path in (folder / "plain").iterdir())
    assert names == ["forecast.csv", "forecast.html"]


def test_without_pandas_a_line_says_what_to_install(folder):
    (folder / "no_pandas").mkdir()
    (folder / "no_pandas" / "pandas.py").write_text("raise ImportError('not here')\n")
    paths = [str(folder / "no_pandas"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = run("forecast", "sales.csv", cwd=folder, PYTHONPATH=os.pathsep.join(paths))
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'lstm-native[forecast]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_gap_in_time_is_missing_values_and_said(folder):
    done = run(
        *("forecast", "gap.csv", "--column", "units", "--model", "pretrained", "--out", "gap"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert "units: 120 rows, 2000-01 to 2009-12, 1 value missing (gap.csv)" in done.stdout
    assert records(folder / "gap" / "forecast.csv")[0]["ds"] == "2010-01-01"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forecast", "none.csv"], "none.csv: No such file or directory"),
        (["forecast", "."], "Is a directory"),
        (["forecast", "--out", "sales.csv"], "--out sales.csv is a file, not a folder"),
        (["forecast", "--model", "none.safetensors"], "No such file or directory"),
    ],
)
def test_faults_of_files_end_with_1(trained, folder, arguments, message):
    code, said = refused(*arguments, cwd=folder)
    assert code == 1
    assert re.search(message, said)


LSTM = ["--column", "units", "--model", "lstm"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["empty.csv"], "empty.csv is empty"),
        (["text.csv"], "line 4.*many"),
        (["sales.csv", "--column", "x"], "'x'"),
        (["sales.csv", "--column", "units", "--time", "x"], "'x'"),
        (["short.csv", *LSTM], "has 3 rows; a horizon of 12 needs"),
        (["sales.csv", *LSTM, "--timesteps", "90"], "90 timesteps leave"),
        (["shops.csv", "--model", "lstm", "--id", "shop"], "takes one series, but shops.csv has 2"),
        (["shops.csv", "--epochs", "3", "--id", "shop"], "timesteps and epochs cannot be had"),
        (
            ["short.csv", "--column", "units", "--horizon", "5000"],
            "a horizon of 5000 rows is beyond reason",
        ),
        (
            ["sales.csv", "--model", "seasonal-naive", "--season", "140"],
            "a season of 140 rows is longer than every series",
        ),
        (["sales.csv", "--model", "text.csv"], "is no model file"),
        (["sales.csv", "--column", "units", "--future", "staff"], "staff"),
        (["sales.csv", *LSTM, "--past", "staff"], "takes no covariates"),
    ],
)
def test_bad_input_ends_with_2_and_nothing_written(trained, folder, arguments, message):
    done = run("forecast", *arguments, "--out", "nothing", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    *notes, said = done.stderr.splitlines()
    assert all(line.startswith("lstm-native: note: ") for line in notes)
    assert said.startswith("lstm-native: ")
    assert re.search(message, said)
    assert not (folder / "nothing").exists()


def test_bad_input_leaves_the_files_of_an_earlier_run(trained, folder):
    before = sorted(path.name for path in (folder / "first").iterdir())
    assert run("forecast", "empty.csv", "--out", "first", cwd=folder).returncode == 2
    assert sorted(path.name for path in (folder / "first").iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["train"], "invalid choice: 'train'"),
        (["forecast", "a.csv", "b.csv"], "unrecognized arguments: b.csv"),
        (["forecast", "--horizon", "0"], "--horizon: '0' is not a whole number of at least 1"),
        (["forecast", "--horizon", "1.5"], "--horizon: '1.5' is not a whole number"),
        (["forecast", "--epochs", "-3"], "--epochs: '-3' is not a whole number of at least 1"),
        (["forecast", "--seed", "-1"], "--seed: '-1' is not a whole number of at least 0"),
        (["forecast", "--column", "units"], "--column needs a FILE"),
        (["forecast", "--future-file", "x.csv"], "--future-file needs a FILE"),
        (["forecast", "--model", "m.safetensors", "--epochs", "2"], "cannot go with a model file"),
        (
            ["forecast", "--model", "prophet"],
            "--model prophet is neither a file nor a method: auto",
        ),
        (["forecast", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_faults_of_the_command_line_end_with_2(arguments, message):
    code, said = refused(*arguments)
    assert code == 2
    assert re.search(message, said)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt_ends_with_130_and_leaves_no_model(tmp_path):
    process = subprocess.Popen(
        [
            *COMMAND,
            "forecast",
            "--model",
            "lstm",
            "--epochs",
            "500",
            "--out",
            str(tmp_path / "out"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **fresh_process(),
    )
    # Made when the options and the series are known to be good, just before training.
    deadline = time.monotonic() + 60.0
    while not (tmp_path / "out").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=30)
    assert (process.returncode, printed, said) == (130, "", "lstm-native: interrupted\n")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_that_goes_away_is_no_error_message():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "info"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        **fresh_process(),
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_info_tells_what_build_info_knows():
    done = run("info")
    assert (done.returncode, done.stderr) == (0, "")
    known = ln.build_info()
    assert re.search(rf"^version +{re.escape(known['version'])}$", done.stdout, re.MULTILINE)
    assert re.search(rf"^eigen +{re.escape(known['eigen'])}$", done.stdout, re.MULTILINE)


def test_help_lists_the_commands_there_are():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    commands = re.search(r"COMMAND\n((?: {4}\w.*\n?)+)", done.stdout)
    assert commands is not None, done.stdout
    assert re.findall(r"^ {4}(\w+)", commands[1], re.MULTILINE) == ["forecast", "info"]


def test_help_of_forecast_names_every_option():
    text = run("forecast", "--help").stdout
    named = set(re.findall(r"^ {2}--([\w-]+)", text, re.MULTILINE))
    assert named >= {
        *("column", "time", "horizon", "timesteps", "season", "epochs", "seed"),
        *("out", "model", "threads", "quiet", "id", "aggregate", "frequency", "missing"),
    }
    for method in ("auto", "pretrained", "tuned", "lstm", "seasonal-naive", "linear", "theta"):
        assert re.search(rf"^ {{2}}{method}\b", text, re.MULTILINE), method


def test_cmake_folder_of_the_installed_package():
    done = run("--cmake-dir")
    assert (done.returncode, done.stderr) == (0, "")
    folder = done.stdout.rstrip("\n")
    assert os.path.isabs(folder)
    assert os.path.isfile(os.path.join(folder, "lstm_nativeConfig.cmake"))


def test_importing_the_package_does_not_import_the_main_job():
    code = "import sys, lstm_native; lstm_native.Sequential; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, **fresh_process()
    )
    loaded = done.stdout.split()
    assert "lstm_native.model" in loaded
    assert not {"lstm_native.forecast", "lstm_native.cli", "matplotlib", "tqdm"} & set(loaded)
