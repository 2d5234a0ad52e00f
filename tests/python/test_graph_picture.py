"""Where the boxes of a graph stand in its picture."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lstm_native.network.arrangement import arranged


@st.composite
def graphs(draw):
    boxes = [f"box {i}" for i in range(draw(st.integers(1, 8)))]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    return boxes, [pair for pair in pairs if draw(st.booleans())]


@given(graphs())
def test_arrows_run_down_and_pass_no_box(graph):
    boxes, edges = graph
    at, ways = arranged(boxes, edges)
    assert len(set(at.values())) == len(boxes)
    for (begin, end), way in ways.items():
        assert way[0] == at[begin]
        assert way[-1] == at[end]
        assert all(a[1] + 1 == b[1] for a, b in pairwise(way))
        assert not set(way[1:-1]) & set(at.values())


def test_an_input_stands_above_what_reads_it_first():
    edges = [("a", "b"), ("b", "c"), ("late", "c")]
    at, _ = arranged(["a", "late", "b", "c"], edges)
    assert at["late"][1] == at["b"][1] == 1


def test_two_branches_do_not_cross():
    """As they would in the order of their making."""
    edges = [("left", "l"), ("right", "r"), ("r", "r end"), ("l", "l end")]
    at, _ = arranged(["left", "right", "r", "l", "r end", "l end"], edges)
    assert (at["left"][0] < at["right"][0]) == (at["l"][0] < at["r"][0])
    assert (at["l"][0] < at["r"][0]) == (at["l end"][0] < at["r end"][0])
