"""The benchmark's processes: turns, answers, what is missing. Nothing here is timed."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.grid import MODES, Cell, cells_of
from benchmarks.memory import parse_status
from benchmarks.peers import BY_NAME, OURS, PEERS, NotDoneError
from benchmarks.peers.onnxruntime import model_bytes
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


@pytest.fixture
def one_thread():
    """What a worker sets for its process, for the time of a test."""
    before = _core.get_num_threads()
    yield
    _core.set_num_threads(before)


@pytest.mark.parametrize(
    ("peer", "mode", "called"),
    [
        ("ours", "gru-training", {"checkpoint": False, "type": "gru"}),
        ("ours", "checkpoint-training", {"checkpoint": True, "type": "lstm"}),
        ("ours-whole", "checkpoint-training", {"checkpoint": False, "type": "lstm"}),
        ("ours", "lengths-training", {"lengths": (3, 3)}),
        ("ours-full", "lengths-training", {"lengths": None}),
    ],
)
def test_each_mode_calls_the_layer_it_speaks_of(peer, mode, called, monkeypatch, one_thread):
    seen = {}
    mine = BY_NAME[peer](1)
    (cell,) = cells_of(MODES[mode], (Cell(2, 3, 4, timesteps=3),), quick=True)
    made = mine.layer

    def layer(cell, **options):
        found = made(cell, **options)
        forward = found.forward

        def watched(x, lengths=None):
            seen["lengths"] = None if lengths is None else tuple(lengths)
            return forward(x, lengths=lengths)

        monkeypatch.setattr(found, "forward", watched)
        seen.update(checkpoint=found.checkpoint, type=found.type_name)
        return found

    monkeypatch.setattr(mine, "layer", layer)
    mine.make(MODES[mode].kind, cell)()
    assert seen | called == seen


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pytorch", "step"),
        ("pytorch", "fit"),
        ("pytorch-cell", "step"),
        ("onnxruntime", "step"),
        ("jax", "inference"),
        ("keras", "training"),
        ("keras", "fit"),
    ],
)
def test_a_peer_says_which_work_it_is_not_measured_with(name, kind):
    peer = object.__new__(BY_NAME[name])  # no library is imported
    with pytest.raises(NotDoneError, match="is measured with LSTM layers here"):
        peer.make(kind, Cell(1, 8, 16, type="gru"))


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("sizes", [{}, {"layers": 2, "bidirectional": True}])
def test_models_for_onnx_runtime_are_what_the_operators_ask_for(name, sizes):
    onnx = pytest.importorskip("onnx")
    for with_lengths in (False, True):
        cell = Cell(2, 3, 4, timesteps=5, type=name, **sizes)
        model = onnx.load_from_string(model_bytes(cell, with_lengths=with_lengths))
        onnx.checker.check_model(model, full_check=True)
        operators = [node for node in model.graph.node if node.op_type == name.upper()]
        assert len(operators) == cell.layers
        assert all(bool(node.input[4]) == with_lengths for node in operators)


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
