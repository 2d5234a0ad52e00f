"""The benchmark's modes of graphs and of problems of their own. Nothing here is timed."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import lstm_native as ln
from benchmarks import ctc, problems, translation
from benchmarks.grid import GRAPHS, MODES, PROBLEMS, Cell, cells_of, sequences
from benchmarks.ourselves import as_graph, lines
from benchmarks.peers import BY_NAME, NotDoneError
from benchmarks.results import Figure, Result
from benchmarks.targets import TARGETS
from lstm_native import _core

CHAIN = Cell(2, 3, 4, timesteps=5)
SENTENCE = Cell(2, 3, 4, timesteps=5, symbols=7)


@pytest.fixture
def peers():
    """Ours as a graph and as a chain, whose threads last no longer than the test."""
    before = _core.get_num_threads()
    yield [BY_NAME[name](1) for name in ("ours", "ours-chain")]
    _core.set_num_threads(before)


def test_a_chain_is_the_same_work_in_both_forms(peers):
    graph, chain = peers
    seen = {}

    class Watched:
        def __init__(self, model):
            self.model = model

        def __getattr__(self, name):
            seen.setdefault(type(self.model), []).append(name)
            return getattr(self.model, name)

    for peer in peers:
        peer._run = lambda kind, model, cell, run=peer._run: run(kind, Watched(model), cell)
    answers = [peer.make("graph-inference", CHAIN)() for peer in peers]
    losses = [peer.make("graph-training", CHAIN)()["loss"] for peer in peers]
    assert seen == {kind: ["predict", "train_on_batch"] for kind in (ln.Model, ln.Sequential)}
    assert [answer.shape for answer in answers] == [sequences(CHAIN).shape] * 2
    # The weights of a graph's layers follow from their names: others, of the same size.
    assert all(0.5 < loss < 2.0 for loss in losses)
    counts = {
        graph.graph(CHAIN).parameter_count,
        ln.Sequential([chain.layer(CHAIN), ln.Dense(CHAIN.features)], seed=0).parameter_count,
    }
    assert counts == {4 * 4 * (3 + 4 + 2) + 3 * 5}


def test_the_modes_have_the_sizes_that_their_targets_speak_of():
    (cell,) = MODES["translation"].cells
    assert str(cell) == "B32 F128 H128 V1000 T20"
    (cell,) = MODES["ctc"].cells
    assert (str(cell), cell.timesteps) == ("B32 V40", 100)
    assert [str(cell) for cell in MODES["beam"].cells] == [
        f"B{prompts} F128 H128 V1000 T30" for prompts in (1, 2, 8)
    ]
    bounds = {t.mode: t.bound for t in TARGETS if t.mode in (*PROBLEMS, *GRAPHS)}
    assert bounds == {
        **dict.fromkeys(GRAPHS, 0.01),
        "translation": 1.5,
        "ctc": 2.0,
        "beam": 10.0,
        "beam-translation": 10.0,
    }


def test_chosen_cells_go_to_chains_and_not_to_problems():
    chosen = (CHAIN,)
    for name in GRAPHS:
        assert cells_of(MODES[name], chosen, quick=False) == chosen
    for name in PROBLEMS:
        assert cells_of(MODES[name], chosen, quick=False) == MODES[name].cells


def test_what_a_graph_costs_is_said_and_bounded():
    figures = {"ours": Figure.of([1.03]), "ours-chain": Figure.of([1.0])}
    result = Result("graph-training", CHAIN, "s", None, figures)

    class Run:
        def of_mode(self, mode):
            return [result] if mode == "graph-training" else []

    assert as_graph(result) == pytest.approx(0.03)
    assert lines(Run()) == [
        "graph-training B2 F3 H4 T5: as a graph the chain costs +3.0 %",
    ]
    (target,) = (t for t in TARGETS if t.mode == "graph-training")
    assert target.value(None, result) == pytest.approx(0.03)
    assert not target.met_by(0.03)
    assert target.met_by(0.01)
    assert target.wanted() == "at most +1.0 %"


def test_the_translator_learns_its_batch():
    call = translation.ours(SENTENCE)
    losses = [call()["loss"] for _ in range(30)]
    assert losses[0] == pytest.approx(math.log(7), rel=0.1)
    assert losses[-1] < losses[0]


def test_ctc_answers_with_the_gradient_of_its_logits():
    cell = dataclasses.replace(MODES["ctc"].cells[0], batch=2, timesteps=50)
    logits, labels = ctc.data(cell)
    loss, gradient = ctc.ours(cell)()
    assert logits.shape == gradient.shape == (2, 50, 40)
    assert labels.min() >= 1  # 0 is the blank
    assert loss > 0
    np.testing.assert_allclose(gradient.sum(axis=-1), 0, atol=1e-5)  # as of any softmax


def test_a_problem_without_its_module_is_not_done():
    for side in (problems.of_ours, problems.of_pytorchs):
        with pytest.raises(NotDoneError, match=r"no benchmarks/no_such_problem\.py"):
            side("no_such_problem", SENTENCE)
