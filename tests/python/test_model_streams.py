"""Streams of graphs: several inputs, inputs that are held, beams."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import VOCABULARY, F, H, encoder_decoder, same_bits

import lstm_native as ln


def test_a_decoders_stream_holds_the_source():
    model = encoder_decoder()
    rng = np.random.default_rng(0)
    source, target = rng.integers(0, VOCABULARY, (3, 5)), rng.integers(0, VOCABULARY, (3, 4))
    wanted = model.predict([source, target])
    stream = model.stream(3, source=source)
    for _ in range(2):
        steps = [stream.step(target[:, t]) for t in range(4)]
        assert same_bits(np.stack(steps, axis=1), wanted)
        stream.reset()
    parts = [source[0, :2], source[1], source[2, :3]]
    stream = model.stream(3, source=parts)
    steps = [stream.step(target[:, t]) for t in range(4)]
    wanted = model.predict([source, target], lengths=[[2, 5, 3], None])
    assert same_bits(np.stack(steps, axis=1), wanted)


def test_reorder_moves_states_natively():
    model = encoder_decoder()
    rng = np.random.default_rng(0)
    source = np.repeat(rng.integers(0, VOCABULARY, (1, 5)), 3, axis=0)
    target = rng.integers(0, VOCABULARY, (3, 3))
    stream = model.stream(3, source=source)
    stream.step(target[:, 0])
    stream.reorder([2, 0, 2])
    found = stream.step(target[:, 1])
    history = np.stack([target[[2, 0, 2], 0], target[:, 1]], axis=1)
    assert same_bits(found, model.predict([source, history])[:, -1])
    with pytest.raises((ValueError, TypeError)):
        stream.reorder([0, 1, 3])
    with pytest.raises(ValueError, match="rows"):
        stream.reorder([0, 1])


def test_reorder_of_a_sequential():
    model = ln.Sequential([ln.LSTM(H, input_size=F, num_layers=2), ln.GRU(2)], seed=0)
    x = np.random.default_rng(0).normal(size=(3, 2, F)).astype("float32")
    stream = model.stream(3)
    stream.step(x[:, 0])
    before = stream.state
    stream.reorder([1, 1, 0])
    after = stream.state
    for one, other in zip(before, after, strict=True):
        assert all(same_bits(a[:, [1, 1, 0]], b) for a, b in zip(one, other, strict=True))


def test_several_inputs_and_outputs_are_stepped():
    a, b = ln.Input(features=F, name="a"), ln.Input(tokens=VOCABULARY, name="b")
    y, _ = ln.LSTM(H)(a)
    z, _ = ln.GRU(H)(ln.Embedding(VOCABULARY, H)(b))
    both = ln.Add()([y, z])
    model = ln.Model([a, b], {"sum": ln.Dense(2)(both), "y": y}, seed=0)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(2, 4, F)).astype("float32"), rng.integers(0, VOCABULARY, (2, 4))
    wanted = model.predict([x, t])
    stream = model.stream(2)
    steps = [stream.step({"a": x[:, i], "b": t[:, i]}) for i in range(4)]
    for name in ("sum", "y"):
        assert same_bits(np.stack([step[name] for step in steps], axis=1), wanted[name])
    state = stream.state
    last = stream.step([x[:, 0], t[:, 0]])
    stream.state = state
    assert same_bits(stream.step([x[:, 0], t[:, 0]]), last)
    for wrong in ([x[:, 0]], x[:, 0], {"a": x[:, 0]}, [x[:, 0], t[:, 0] + VOCABULARY]):
        with pytest.raises((ValueError, TypeError)):
            stream.step(wrong)


REFUSED = {
    "an unknown input": ({"sauce": np.ones((2, 3), int)}, TypeError, "no input named 'sauce'"),
    "another number": ({"source": np.ones((3, 3), int)}, ValueError, "source.*2"),
    "nothing to step": (
        {"source": np.ones((2, 3), int), "target": np.ones((2, 3), int)},
        ValueError,
        "nothing is left to step",
    ),
    "out of range": ({"source": np.full((2, 3), 99)}, ValueError, "source"),
    "the state of what is stepped": ({}, ValueError, "encoder|decoder"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_cannot_be_held_is_refused(case):
    held, error, told = REFUSED[case]
    with pytest.raises(error, match=told):
        encoder_decoder().stream(2, **held)
