"""Attention layers against float64 NumPy and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from reference.attention import attending, attention
from reference.numeric import relative_error

import lstm_native as ln

SCORES = [("dot", 6), ("general", 5), ("additive", 5)]
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}
LENGTHS, MEMORY_LENGTHS = [4, 0, 2], [3, 6, 0]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("score", "features"), SCORES)
def test_contexts_and_weights_are_the_reference_s(score, features, causal, dtype):
    steps = 6 if causal else 4
    queries, memory = numbers(3, steps, 6), numbers(3, 6, features, seed=1)
    queries, memory = queries.astype(dtype), memory.astype(dtype)
    layer = ln.Attention(score, causal=causal, dtype=dtype, seed=0)
    y, weights = layer(
        queries, memory, lengths=LENGTHS, memory_lengths=MEMORY_LENGTHS, return_weights=True
    )
    w = {name: value.astype("float64") for name, value in layer.state_dict().items()}
    wanted = attention(
        score,
        w,
        queries.astype("float64"),
        memory.astype("float64"),
        LENGTHS,
        MEMORY_LENGTHS,
        causal,
    )
    assert relative_error(y, wanted[0]) <= TOLERANCE[dtype]
    assert relative_error(weights, wanted[1]) <= TOLERANCE[dtype]
    assert ((weights == 0) == (wanted[1] == 0)).all()


STEPS = [
    *[
        (style, score)
        for style in ("bahdanau", "luong")
        for score in ("dot", "general", "additive")
    ],
    ("window", "additive"),
]


def attending_layer(cell, style, score, dtype):
    kind = ln.AttentionLSTM if cell == "lstm" else ln.AttentionGRU
    options = {"luong": {"output_size": 4}, "window": {"components": 3}}.get(style, {})
    return kind(6, style, score=score, dtype=dtype, seed=0, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("style", "score"), STEPS)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_steps_that_attend_are_the_reference_s(cell, style, score, dtype):
    x = numbers(3, 4, 3).astype(dtype)
    memory = numbers(3, 6, 6, seed=1).astype(dtype)
    layer = attending_layer(cell, style, score, dtype)
    y, state, contexts, weights = layer(
        x,
        memory,
        lengths=LENGTHS,
        memory_lengths=MEMORY_LENGTHS,
        return_contexts=True,
        return_weights=True,
    )
    w = {name: value.astype("float64") for name, value in layer.state_dict().items()}
    wanted = attending(
        cell,
        style,
        score,
        w,
        x.astype("float64"),
        memory.astype("float64"),
        LENGTHS,
        MEMORY_LENGTHS,
    )
    state = state if isinstance(state, tuple) else (state,)
    for got, expected in zip((y, contexts, weights), wanted[:3], strict=True):
        assert relative_error(got, expected) <= 2 * TOLERANCE[dtype]
    for got, expected in zip(state, wanted[3], strict=True):
        assert relative_error(got[0], expected) <= 2 * TOLERANCE[dtype]


def test_a_state_goes_on_where_it_ended():
    x, memory = numbers(2, 6, 3).astype("float32"), numbers(2, 5, 4, seed=1).astype("float32")
    for style in ("bahdanau", "luong", "window"):
        layer = ln.AttentionLSTM(6, style, seed=0)
        whole, final = layer(x, memory)
        first, state = layer(x[:, :2], memory)
        second, end = layer(x[:, 2:], memory, state)
        assert np.array_equal(np.concatenate([first, second], axis=1), whole)
        for a, b in zip(end, final, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("kind", [ln.AttentionLSTM, ln.AttentionGRU])
def test_a_window_moves_slowly_before_training(kind):
    """One that runs past the end of its memory has nothing to learn from."""
    x, memory = np.zeros((1, 20, 3)), np.ones((1, 5, 4))
    for options, step in (({}, 0.1), ({"window_step": 0.25}, 0.25)):
        layer = kind(6, "window", dtype="float64", seed=0, **options)
        layer(x, memory)
        layer.load_state_dict({"window_weight": np.zeros((30, 6))}, strict=False)
        _, state = layer(x, memory)
        np.testing.assert_allclose(state[-1], 20 * step, rtol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("features", [8, 5])
def test_heads_are_those_of_pytorch(features, bias):
    torch = pytest.importorskip("torch")
    peer = torch.nn.MultiheadAttention(
        8, 2, bias=bias, kdim=features, vdim=features, batch_first=True, dtype=torch.float64
    )
    layer = ln.Attention("scaled_dot", num_heads=2, bias=bias, dtype="float64", seed=0)
    queries, memory = numbers(3, 4, 8), numbers(3, 6, features, seed=1)
    layer(queries, memory)
    layer.load_state_dict({k: v.detach().numpy() for k, v in peer.state_dict().items()})
    lengths = np.array([6, 2, 3])
    hidden = torch.arange(6)[None] >= torch.tensor(lengths)[:, None]
    m = torch.tensor(memory)
    wanted = peer(torch.tensor(queries), m, m, key_padding_mask=hidden)
    got = layer(queries, memory, memory_lengths=lengths, return_weights=True)
    for one, other in zip(got, wanted, strict=True):
        assert relative_error(one, other.detach().numpy()) <= 1e-13


def test_a_causal_layer_is_pytorch_s():
    torch = pytest.importorskip("torch")
    peer = torch.nn.MultiheadAttention(8, 4, batch_first=True, dtype=torch.float64)
    layer = ln.Attention("scaled_dot", num_heads=4, causal=True, dtype="float64", seed=0)
    x = numbers(2, 5, 8)
    layer(x, x)
    layer.load_state_dict({k: v.detach().numpy() for k, v in peer.state_dict().items()})
    later = torch.ones(5, 5).triu(1).bool()
    q = torch.tensor(x)
    wanted, _ = peer(q, q, q, attn_mask=later)
    assert relative_error(layer(x, x), wanted.detach().numpy()) <= 1e-13


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ln.Attention("cosine"), "score"),
        (lambda: ln.Attention("dot", units=3), "units"),
        (lambda: ln.Attention("additive", num_heads=2), "num_heads"),
        (lambda: ln.AttentionLSTM(4, "content"), "attention"),
        (lambda: ln.AttentionLSTM(4, score="scaled_dot"), "score"),
        (lambda: ln.AttentionGRU(4, "window", units=3), "units"),
        (lambda: ln.AttentionGRU(4, "window", score="dot"), "score has no meaning"),
        (lambda: ln.AttentionGRU(4, output_size=3), "output_size"),
        (lambda: ln.AttentionLSTM(4, components=3), "components"),
        (lambda: ln.AttentionLSTM(4, "luong", window_step=0.2), "window_step"),
        (lambda: ln.AttentionLSTM(4, "window", window_step=0.0), "window_step"),
    ],
)
def test_options_without_meaning_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_inputs_that_do_not_fit_are_refused():
    queries, memory = np.zeros((2, 4, 8), "float32"), np.zeros((2, 6, 5), "float32")
    with pytest.raises(ValueError, match="as many features"):
        ln.Attention("dot")(queries, memory)
    with pytest.raises(ValueError, match="divisor"):
        ln.Attention("scaled_dot", num_heads=3)(queries, memory)
    with pytest.raises(ValueError, match="causal"):
        ln.Attention("additive", causal=True)(queries, memory)
    with pytest.raises(ValueError, match="samples"):
        ln.Attention("additive")(queries, memory[:1])
    with pytest.raises(ValueError, match="state"):
        ln.AttentionLSTM(4)(queries, memory, (np.zeros((1, 2, 3)),))
