"""The tasks of examples/long_lags.py are the papers', and an LSTM learns what an RNN does not."""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

import lstm_native as ln

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module", autouse=True)
def examples():
    """The examples' folder on the path, as for a script that runs there."""
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))


@pytest.fixture
def tasks(examples):
    return importlib.import_module("long_lag_tasks").TASKS


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_adding_marks_two_values_and_asks_for_their_sum(tasks, rng):
    batch = tasks["adding-500"].batch(rng, 400)
    steps = batch.x.shape[1]
    assert 500 <= steps <= 550
    assert (batch.x[:, [0, -1], 1] == -1).all()
    marked = batch.x[:, 1:-1, 1] == 1
    first = marked[:, :9].any(axis=1)
    assert (marked.sum(axis=1) <= 2).all()
    assert (first | (marked.sum(axis=1) == 1)).all()  # the first pair itself may have been drawn
    assert not marked[:, 250:].any()
    total = (batch.x[:, 1:-1, 0] * marked).sum(axis=1)
    np.testing.assert_allclose(batch.y[:, 0], 0.5 + total / 4, atol=1e-6)


def test_multiplication_asks_for_the_product(tasks, rng):
    batch = tasks["multiplication-100"].batch(rng, 400)
    marked = batch.x[:, 1:-1, 1] == 1
    values = np.where(marked, batch.x[:, 1:-1, 0], 1.0)
    np.testing.assert_allclose(batch.y[:, 0], values.prod(axis=1), rtol=1e-5)


@pytest.mark.parametrize("symbols", [2, 3])
def test_temporal_order_labels_say_the_order(tasks, rng, symbols):
    batch = tasks[f"order-{symbols}"].batch(rng, 50)
    for x, label in zip(batch.x, batch.y, strict=True):
        relevant = [t for t in x.argmax(axis=-1) if t in (4, 5)]
        assert len(relevant) == symbols
        assert label == int("".join(str(t - 4) for t in relevant), 2)


def test_reber_strings_are_those_of_the_grammar(tasks, rng):
    grammars = importlib.import_module("long_lag_tasks.grammars")
    # The automaton as the papers draw it, from edge to edge: (state, symbol) -> state.
    edges = {
        **{(0, "B"): 1, (1, "T"): 2, (1, "P"): 3, (2, "S"): 2, (2, "X"): 4},
        **{(3, "T"): 3, (3, "V"): 5, (4, "X"): 3, (4, "S"): 6, (5, "P"): 4, (5, "V"): 6},
        (6, "E"): 7,
    }
    seen = set()
    for _ in range(300):
        index, allowed = grammars.embedded_reber(rng)
        text = "".join("BTSXPVE"[i] for i in index)
        assert text[0] == "B"
        assert text[-1] == "E"
        assert text[1] == text[-2] in "TP"
        state = 0
        for symbol, choice in zip(text[2:-2], allowed[2:-2], strict=False):
            state = edges[state, symbol]
            if state != 7:
                assert {"BTSXPVE"[i] for i in choice} == {s for q, s in edges if q == state}
        assert state == 7
        assert all(after in choice for choice, after in zip(allowed, index[1:], strict=False))
        seen.add(text)
    assert len(seen) > 50


def test_a_stream_of_strings_goes_on_over_the_borders_of_its_parts(tasks, rng):
    parts = tasks["continual-reber"]._streams(rng, 3, 40)
    taken = list(itertools.islice(parts, 5))
    tokens = np.concatenate([p.x.argmax(axis=-1) for p in taken], axis=1)
    legal = np.concatenate([p.y for p in taken], axis=1)
    assert np.take_along_axis(legal[:, :-1], tokens[:, 1:, np.newaxis], axis=-1).all()


def test_language_strings_say_what_may_follow(tasks):
    batch = tasks["anbncn"]._strings(np.array([2, 3]))
    text = ["".join("SabcT"[t] for t in row.argmax(axis=-1)) for row in batch.x]
    assert text[0][:7] == "Saabbcc"
    assert text[1] == "Saaabbbccc"
    follows = ["".join("SabcT"[i] for i in np.flatnonzero(step)) for step in batch.y[0][:7]]
    assert follows == ["a", "ab", "ab", "b", "c", "c", "T"]
    assert batch.weight.sum(axis=1).tolist() == [7, 10]


def test_spikes_come_as_late_as_the_delays_say(tasks, rng):
    batch = tasks["measure-spikes-10"].streams(rng, 3, 50)
    for spike, delay in zip(batch.x[..., 0], batch.y[..., 0], strict=True):
        at = np.flatnonzero(spike)
        assert (np.diff(at, prepend=-1) - 10 == delay[at]).all()
    other = tasks["generate-spikes-10"].streams(rng, 3, 50)
    assert set(np.unique(other.y)) == {0.0, 1.0}


def test_copying_asks_for_the_first_ten_at_the_end(tasks, rng):
    batch = tasks["copying-100"].batch(rng, 4)
    tokens = batch.x.argmax(axis=-1)
    assert tokens.shape == (4, 120)
    assert (batch.y[:, -10:] == tokens[:, :10]).all()
    assert (batch.y[:, :-10] == 8).all()
    assert (tokens[:, 109] == 9).all()


def test_targets_without_noise_pass_and_wrong_ones_do_not(tasks, rng):
    for name in ("adding-100", "multiplication-100"):
        y = tasks[name].batch(rng, 20).y
        assert not tasks[name].wrong(y, y + 0.039).any()
        assert tasks[name].wrong(y, y + 0.041).all()
    label = np.array([0, 3])
    sure = np.where(np.arange(4) == label[:, np.newaxis], 5.0, 0.0)
    assert not tasks["order-2"].wrong(label, sure).any()
    assert tasks["order-2"].wrong(label, 0.1 * sure).all()


def test_state_is_carried_from_part_to_part(tasks, rng):
    task = importlib.import_module("long_lag_tasks.task")
    model = ln.Sequential([ln.LSTM(5, input_size=2), ln.Dense(1)], seed=0)
    x = rng.normal(size=(3, 30, 2)).astype("float32")
    network = task.Carried(model)
    parts = [network(x[:, :7]), network(x[:, 7:8]), network(x[:, 8:])]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), model.predict(x), atol=1e-6)


def test_every_network_of_every_task_is_built_and_judged(tasks, rng, monkeypatch):
    training = importlib.import_module("long_lag_tasks.training")
    for name, task in tasks.items():
        for cell in task.cells:
            model = training.build(task, cell, seed=1)
            assert not task.passes(model, rng).passed, f"{name}: untrained, and passed"


def test_lstm_learns_a_lag_of_100_steps_and_the_rnn_does_not(tasks):
    training = importlib.import_module("long_lag_tasks.training")
    lstm = training.learn(tasks["long-lag-100"], "LSTM", 0)
    assert lstm.passed
    rnn = training.learn(tasks["long-lag-100"], "RNN", 0, budget=lstm.sequences)
    assert not rnn.passed


def test_the_command_writes_its_runs_and_the_page(examples, tmp_path, capsys, monkeypatch):
    command = importlib.import_module("long_lags")
    monkeypatch.setattr(
        command,
        "all_runs",
        lambda tasks, seeds, n: [command.one_run(t, "LSTM", seeds[0]) for t in tasks],
    )
    page, runs = tmp_path / "page.md", tmp_path / "runs.json"
    page.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    words = ["--tasks", "two-sequence-3a", "--json", str(runs), "--page", str(page)]
    assert command.main(words) == 0
    assert "passed" in capsys.readouterr().out
    written = page.read_text()
    assert "old" not in written
    assert "39,850" in written  # the paper's figure stands beside ours
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert command.main(["--from", str(runs)]) == 0
    assert "39,850" in capsys.readouterr().out
