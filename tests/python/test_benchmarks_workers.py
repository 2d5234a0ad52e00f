"""The benchmark's processes: turns, answers, what is missing. Nothing here is timed."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.grid import Cell
from benchmarks.memory import parse_status
from benchmarks.peers import BY_NAME, OURS, PEERS, NotDoneError
from benchmarks.results import Report
from benchmarks.turns import Plan, alternate
from benchmarks.worker import Worker, request, serve
from lstm_native import _core


def test_missing_peers_are_no_error(monkeypatch):
    (jax,) = PEERS["jax"]
    monkeypatch.setattr(jax, "needs", ("no-such-distribution", "numpy"))
    assert jax.missing() == "no-such-distribution"


def test_peers_are_held_to_threads_and_instruction_set():
    torch = BY_NAME["pytorch"].environment(2, "avx2")
    assert torch["OMP_NUM_THREADS"] == "2"
    assert torch["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert "--xla_cpu_max_isa=AVX2" in BY_NAME["jax"].environment(1, "avx2")["XLA_FLAGS"]
    assert BY_NAME["onnxruntime"].held_to("avx2") is None


def test_a_worker_answers_what_it_cannot_do():
    class Refusing:
        def make(self, kind, cell):
            if kind == "step":
                raise NotDoneError("no steps here")
            raise ValueError("broken")

    worker = Worker("ours", 1)
    worker._peer = Refusing()
    sent = [request("prepare", kind, Cell(1, 1, 1)) for kind in ("step", "fit")]
    answers = io.StringIO()
    serve(worker, io.StringIO("\n".join(json.dumps(s) for s in sent)), answers)
    assert [json.loads(line) for line in answers.getvalue().splitlines()] == [
        {"not_done": "no steps here"},
        {"failed": "ValueError: broken"},
    ]


def test_turns_alternate_and_a_failing_library_drops_out():
    log = []

    class FakeClient:
        def __init__(self, name):
            self.name = name

        def ask(self, do, **_):
            if do == "prepare":
                return {"not_done": "never"} if self.name == "keras" else {"found": 0.1}
            log.append(self.name)
            gone = self.name == "jax" and log.count("jax") > 1
            return {"failed": "gone"} if gone else {"found": float(len(log))}

    class FakeClients:
        plan = Plan(1, (), None, seconds=0.3, least_rounds=3)

        def of(self, peer):
            return FakeClient(peer.name)

    chosen = [OURS[0], *PEERS["jax"], *PEERS["keras"]]
    found = alternate(FakeClients(), chosen, "inference", Cell(1, 1, 1))
    assert log == ["ours", "jax", "jax", "ours", "ours"]
    assert list(found) == ["ours", "jax", "keras"]
    assert found["ours"].turns == (1.0, 4.0, 5.0)
    assert found["jax"].reason == "failed: gone"
    assert found["keras"].reason == "never"


def test_memory_lines_are_in_bytes():
    text = "VmPeak:\t   99 kB\nVmHWM:\t  1234 kB\nVmRSS:\t 12 kB\n"
    assert parse_status(text, "VmHWM") == 1234 * 1024


def test_probes_count_what_they_do(isa):
    lanes = {"avx512": 16, "avx2": 8, "generic": 4, "neon": 4}[isa]
    operations, time = _core.probe_multiply_add(1000)
    assert operations == 1000 * 12 * lanes * 2
    assert time > 0
    amount, time = _core.probe_read(1 << 16, 3)
    assert amount == 3 << 16
    assert time > 0
    with pytest.raises(ValueError, match="4096"):
        _core.probe_read(100, 1)


def test_a_run_without_peers_ends_in_its_summary(root, tmp_path):
    """All processes, for a moment each: nothing is said of how fast they were."""
    path = tmp_path / "run.json"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--quick", "--peers", "--seconds", "0.01"),
            *("--cells", "1,1,8", "--modes", "inference", "training", "first-call"),
            *("--json", str(path)),
        ],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    expected = "summary inference n/a | training n/a | first-call n/a"
    assert result.stdout.splitlines()[-1] == expected
    found = Report.read(path)
    assert all(r.median("ours") for r in found.results)
    assert found.results[0].reached()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seconds", "-1"], "--seconds: expected a number above 0, got -1.0"),
        (["--seconds", "nan"], "--seconds: expected a number above 0, got nan"),
        (["--seconds", "0"], "--seconds: expected a number above 0, got 0.0"),
        (["--from", "missing.json"], "missing.json"),
        (["--from", "other.json"], "other.json: not what --json writes"),
        (["--page", "missing.md"], "missing.md"),
        (["--page", "other.json"], "other.json: expected the lines <!-- figures -->"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_measured(
    arguments, said, monkeypatch, tmp_path, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    monkeypatch.setattr(command, "Clients", None)  # nothing is started
    assert command.main() == 2
    assert said in capsys.readouterr().err


def test_a_set_that_ours_does_not_know_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("LSTM_NATIVE_ISA", "sse9")
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--peers", "--modes", "step", "--quick"])
    assert command.main() == 2
    assert "unknown or unsupported instruction set 'sse9'" in capsys.readouterr().err
