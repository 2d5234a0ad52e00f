"""Decoding written slowly: over functions of a prefix that say how probable each token is next.

Whatever the model is, `after(prefix)` returns its log probabilities, (vocabulary,), behind the
tokens of a whole prefix. Nothing is remembered between two calls.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from reference.layers import sigmoid

After = Callable[[Sequence[int]], np.ndarray]
Found = tuple[tuple[int, ...], float]  # tokens, log probability


def log_softmax(x: np.ndarray) -> np.ndarray:
    """x - log(sum(exp(x))) over the last axis."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def lstm_logits(
    w: dict[str, np.ndarray], tokens: Sequence[int], state: tuple | None = None
) -> np.ndarray:
    """Of an embedding, an LSTM (Gers et al. 2000) and a dense layer, behind the last token.

    w : embedding, weight_ih, weight_hh, bias_ih, bias_hh, weight, bias; gates i, f, g, o.
    """
    hidden = w["weight_hh"].shape[1]
    h, c = state if state is not None else (np.zeros(hidden), np.zeros(hidden))
    for token in tokens:
        sums = w["weight_ih"] @ w["embedding"][token] + w["bias_ih"]
        i, f, g, o = np.split(sums + w["weight_hh"] @ h + w["bias_hh"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return w["weight"] @ h + w["bias"]


def greedy(after: After, prompt: Sequence[int], steps: int, end: int | None = None) -> list[int]:
    """The most probable token each time."""
    found: list[int] = []
    while len(found) < steps and (not found or found[-1] != end):
        found.append(int(np.argmax(after([*prompt, *found]))))
    return found


def sequences(after: After, prompt: Sequence[int], steps: int, end: int | None) -> list[Found]:
    """All that may be found: those that end, and those of so many steps; the best first."""
    found, going = [], [((), 0.0)]
    for step in range(steps):
        longer = []
        for tokens, before in going:
            for token, more in enumerate(after([*prompt, *tokens])):
                if np.isfinite(more):
                    longer.append(((*tokens, token), before + more))
        over = [one for one in longer if one[0][-1] == end or step == steps - 1]
        found += over
        going = [one for one in longer if one not in over]
    return sorted(found, key=lambda one: -one[1])


def penalised(log_probability: float, tokens: int, alpha: float) -> float:
    """The score of Wu et al. 2016, "Google's neural machine translation system", equation 14."""
    return log_probability / ((5 + tokens) / 6) ** alpha


def beam_search(
    after: After, prompt: Sequence[int], steps: int, end: int | None, width: int, alpha: float = 0.0
) -> list[Found]:
    """All hypotheses that a beam finds when it goes on to the last step, the best score first.

    At each step all continuations are sorted. Walking down, ends are set aside until `width` others
    have been met.
    """
    found, going = [], [((), 0.0)]
    for step in range(steps):
        longer = []
        for place, (tokens, before) in enumerate(going):
            for token, more in enumerate(after([*prompt, *tokens])):
                if np.isfinite(more):
                    longer.append((-(before + more), place, token, (*tokens, token)))
        going = []
        for cost, _, token, tokens in sorted(longer):
            if len(going) == width:
                break
            (found if token == end else going).append((tokens, -cost))
        if step == steps - 1:
            found += going
    return sorted(found, key=lambda one: -penalised(one[1], len(one[0]), alpha))


def kept_probabilities(
    logits: np.ndarray, temperature: float, top_k: int | None = None, top_p: float | None = None
) -> np.ndarray:
    """What is drawn from: softmax(logits / temperature), limited, and summing to one."""
    p = np.exp(log_softmax(logits / temperature))
    order = np.argsort(-p, kind="stable")
    kept = order[: top_k or len(p)]
    if top_p is not None:
        shares = np.cumsum(p[kept] / p[kept].sum())
        kept = kept[: int(np.searchsorted(shares, top_p)) + 1]
    limited = np.zeros_like(p)
    limited[kept] = p[kept]
    return limited / limited.sum()


def collapsed(alignment: Sequence[int], blank: int) -> tuple[int, ...]:
    """An alignment without repetitions, and then without blanks (Graves et al. 2006)."""
    return tuple(label for label, _ in itertools.groupby(alignment) if label != blank)


def ctc_sequences(logits: np.ndarray, blank: int) -> dict[tuple[int, ...], float]:
    """The log probability of each sequence of labels: the sum over all alignments, one by one."""
    p = log_softmax(logits)
    found: dict[tuple[int, ...], float] = {}
    for alignment in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        labels = collapsed(alignment, blank)
        own = sum(p[t, k] for t, k in enumerate(alignment))
        found[labels] = np.logaddexp(found.get(labels, -np.inf), own)
    return found


def edit_distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Insertions, deletions and substitutions that make one the other (Levenshtein 1966)."""
    if not one or not other:
        return max(len(one), len(other))
    return min(
        edit_distance(one[1:], other) + 1,
        edit_distance(one, other[1:]) + 1,
        edit_distance(one[1:], other[1:]) + (one[0] != other[0]),
    )
