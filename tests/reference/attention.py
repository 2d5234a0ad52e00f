"""Attention in float64, sample by sample and look by look.

Scores of Luong, Pham & Manning 2015 ("Effective approaches to attention-based neural machine
translation"), Bahdanau, Cho & Bengio 2015 ("Neural machine translation by jointly learning to
align and translate") and Vaswani et al. 2017 ("Attention is all you need"); the soft window of
Graves 2013 ("Generating sequences with recurrent neural networks"), equations 46 to 51.
Weights have the names and shapes of the layers' state_dict.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Weights = dict[str, np.ndarray]
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of one query with all rows


def softmax(scores: np.ndarray) -> np.ndarray:
    """Exponentials that sum to one."""
    e = np.exp(scores - scores.max())
    return e / e.sum()


def score_of(kind: str, w: Weights) -> Score:
    """The score of dot, general and additive attention."""
    if kind == "dot":
        return lambda q, m: m @ q
    if kind == "general":
        return lambda q, m: m @ (w["weight"].T @ q)
    return lambda q, m: np.tanh(w["query_weight"] @ q + m @ w["memory_weight"].T) @ w["v"]


def look(score: Score, query: np.ndarray, memory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(context, weights) of one query; zeros where the memory has no row."""
    if len(memory) == 0:
        return np.zeros(memory.shape[1]), np.zeros(0)
    weights = softmax(score(query, memory))
    return weights @ memory, weights


def attention(kind, w, queries, memory, lengths=None, memory_lengths=None, causal=False):
    """(y, weights) of queries (N, Tq, Fq) and memory (N, Tm, Fm); zeros behind the lengths."""
    n, steps, _ = queries.shape
    y = np.zeros((n, steps, memory.shape[2]))
    weights = np.zeros((n, steps, memory.shape[1]))
    score = score_of(kind, w)
    for i in range(n):
        for t in range(steps if lengths is None else lengths[i]):
            seen = memory.shape[1] if memory_lengths is None else memory_lengths[i]
            if causal:
                seen = min(seen, t + 1)
            y[i, t], weights[i, t, :seen] = look(score, queries[i, t], memory[i, :seen])
    return y, weights


def _sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def lstm_step(w: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    """Gates i, f, g, o as PyTorch has them."""
    h, c = state
    sums = w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
    i, f, g, o = np.split(sums, 4)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return [_sigmoid(o) * np.tanh(c), c]


def gru_step(w: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    """Gates r, z, n, the reset gate behind the recurrent product."""
    (h,) = state
    r, z, n = np.split(w["weight_ih_l0"] @ x + w["bias_ih_l0"], 3)
    rh, zh, nh = np.split(w["weight_hh_l0"] @ h + w["bias_hh_l0"], 3)
    z = _sigmoid(z + zh)
    n = np.tanh(n + _sigmoid(r + rh) * nh)
    return [(1.0 - z) * n + z * h]


def window_look(w: Weights, h, kappa, memory):
    """(context, weights, kappa) of Graves's window over positions 1, 2, ..."""
    a, b, moved = np.exp(np.split(w["window_weight"] @ h + w["window_bias"], 3))
    kappa = kappa + moved
    u = np.arange(1, len(memory) + 1)
    weights = (a[:, None] * np.exp(-b[:, None] * (kappa[:, None] - u) ** 2)).sum(axis=0)
    return weights @ memory, weights, kappa


def attending(cell, style, kind, w, x, memory, lengths=None, memory_lengths=None):
    """(y, contexts, weights, final states) of a cell that looks at a memory in each step.

    cell : "lstm" or "gru". style : "bahdanau", "luong" or "window". States begin at zero.
    """
    n, steps, _ = x.shape
    hidden = w["weight_hh_l0"].shape[1]
    fed_size = w["weight_ih_l0"].shape[1] - x.shape[2]
    step = lstm_step if cell == "lstm" else gru_step
    score = None if style == "window" else score_of(kind, w)
    y = np.zeros((n, steps, fed_size if style == "luong" else hidden))
    contexts = np.zeros((n, steps, memory.shape[2]))
    weights = np.zeros((n, steps, memory.shape[1]))
    finals = []
    for i in range(n):
        seen = memory[i, : memory.shape[1] if memory_lengths is None else memory_lengths[i]]
        state = [np.zeros(hidden)] * (2 if cell == "lstm" else 1)
        fed = np.zeros(fed_size)
        kappa = np.zeros(len(w["window_bias"]) // 3) if style == "window" else None
        for t in range(steps if lengths is None else lengths[i]):
            if style == "bahdanau":
                context, found = look(score, state[0], seen)
                state = step(w, np.concatenate([x[i, t], context]), state)
                y[i, t] = state[0]
            else:
                state = step(w, np.concatenate([x[i, t], fed]), state)
                if style == "luong":
                    context, found = look(score, state[0], seen)
                    fed = np.tanh(w["output_weight"] @ np.concatenate([context, state[0]]))
                    y[i, t] = fed
                else:
                    context, found, kappa = window_look(w, state[0], kappa, seen)
                    fed, y[i, t] = context, state[0]
            contexts[i, t], weights[i, t, : len(found)] = context, found
        finals.append([*state, *([] if style == "bahdanau" else [fed])])
        if style == "window":
            finals[-1].append(kappa)
    return y, contexts, weights, [np.stack(parts) for parts in zip(*finals, strict=True)]
