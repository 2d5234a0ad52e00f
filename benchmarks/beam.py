"""Beam search beside a loop over PyTorch: `python -m benchmarks.beam`.

A language model of an embedding, an LSTM and a dense layer goes on from prompts of one token. Both
have the same weights and find the same sequences: `Sequential.beam_search`, and the loop that is
written around `torch.nn.LSTMCell`: log_softmax, topk over the beams of each prompt, ends set aside,
index_select of the states; and as tutorials write it, a step for each hypothesis. One thread each,
in turns; medians of the turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lstm_native as ln
from benchmarks.timing import Spread, Timed

Call = Callable[[], Any]


@dataclass(frozen=True)
class Problem:
    """Sizes. The token `end` ends a sequence; it is made so improbable that none ends early."""

    prompts: int = 1
    hidden: int = 128
    vocabulary: int = 1000
    steps: int = 30
    width: int = 5
    end: int = 0


def model_of(problem: Problem) -> ln.Sequential:
    """Return the model, with weights so large that what it says depends on the tokens."""
    size, hidden = problem.vocabulary, problem.hidden
    model = ln.Sequential([ln.Embedding(size, hidden), ln.LSTM(hidden), ln.Dense(size)], seed=0)
    weights = {name: 4 * value for name, value in model.state_dict().items()}
    weights["2.bias"][problem.end] = -30.0
    model.load_state_dict(weights)
    return model


def prompts_of(problem: Problem) -> np.ndarray:
    """Return the tokens that sequences begin with, (N, 1)."""
    return np.random.default_rng(0).integers(1, problem.vocabulary, (problem.prompts, 1))


def ours(problem: Problem) -> Call:
    """Return a search of lstm_native, which returns the best tokens of each prompt."""
    model, prompts = model_of(problem), prompts_of(problem)

    def call() -> list[list[int]]:
        found = model.beam_search(
            prompts, steps=problem.steps, end=problem.end, width=problem.width
        )
        return [best[0].tokens.tolist() for best in found]

    return call


def search(
    step: Callable[[Any, Any], Any], state: Any, prompts: Any, *, width: int, steps: int, end: int
) -> list[list[int]]:
    """Return the best tokens behind each prompt of one token, as PyTorch's users search.

    step : takes (rows,) tokens and a tuple of tensors whose first axis are the rows, width for each
        prompt; returns logits and such a tuple.
    """
    import torch

    samples = len(prompts)
    tokens = prompts.repeat_interleave(width)
    # Of each prompt one hypothesis to begin with, or the beams would all be the same.
    scores = torch.full((samples, width), -torch.inf)
    scores[:, 0] = 0.0
    going: list[list[int]] = [[] for _ in range(samples * width)]
    found: list[list[tuple[float, list[int]]]] = [[] for _ in range(samples)]
    kept: list[float] = []
    for _ in range(steps):
        logits, state = step(tokens, state)
        size = logits.shape[1]
        totals = logits.log_softmax(-1).view(samples, width, size) + scores[..., None]
        best, places = totals.view(samples, -1).topk(2 * width)
        rows, chosen, kept, longer = [], [], [], []
        for i, (values, flat) in enumerate(zip(best.tolist(), places.tolist(), strict=True)):
            left = width
            for value, place in zip(values, flat, strict=True):
                beam, token = divmod(place, size)
                row = i * width + beam
                if token == end:
                    found[i].append((value, [*going[row], token]))
                    continue
                rows.append(row)
                chosen.append(token)
                kept.append(value)
                longer.append([*going[row], token])
                left -= 1
                if left == 0:
                    break
        going = longer
        order = torch.tensor(rows)
        state = tuple(part.index_select(0, order) for part in state)
        tokens, scores = torch.tensor(chosen), torch.tensor(kept).view(samples, width)
    for row, (value, sequence) in enumerate(zip(kept, going, strict=True)):
        found[row // width].append((value, sequence))
    return [max(one, key=lambda pair: pair[0])[1] for one in found]


def modules(problem: Problem) -> tuple[Any, Any, Any]:
    """Return PyTorch's embedding, cell and dense layer, with our weights."""
    import torch

    torch.set_num_threads(1)
    size, hidden = problem.vocabulary, problem.hidden
    weights = {k: torch.from_numpy(v) for k, v in model_of(problem).state_dict().items()}
    embedding = torch.nn.Embedding(size, hidden)
    cell = torch.nn.LSTMCell(hidden, hidden)
    dense = torch.nn.Linear(hidden, size)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    embedding.load_state_dict({"weight": weights["0.weight"]})
    cell.load_state_dict({name: weights[f"1.{name}_l0"] for name in names})
    dense.load_state_dict({"weight": weights["2.weight"], "bias": weights["2.bias"]})
    return embedding, cell, dense


def torchs(problem: Problem) -> Call:
    """Return the same search over PyTorch's modules, all hypotheses of all prompts in one batch."""
    import torch

    embedding, cell, dense = modules(problem)
    hidden, width, end = problem.hidden, problem.width, problem.end
    prompts = torch.from_numpy(prompts_of(problem)[:, 0])
    samples = len(prompts)

    @torch.inference_mode()
    def call() -> list[list[int]]:
        rows = samples * width
        state = torch.zeros(rows, hidden), torch.zeros(rows, hidden)

        def step(tokens: Any, state: Any) -> Any:
            h, c = cell(embedding(tokens), state)
            return dense(h), (h, c)

        return search(step, state, prompts, width=width, steps=problem.steps, end=end)

    return call


def one_by_one(problem: Problem) -> Call:
    """Return the search as tutorials write it: each hypothesis makes a step of its own."""
    import torch

    embedding, cell, dense = modules(problem)
    begin = torch.zeros(1, problem.hidden)

    def best_from(token: int) -> list[int]:
        beams: list[Any] = [(0.0, [token], (begin, begin))]
        found: list[Any] = []
        for _ in range(problem.steps):
            more = []
            for score, tokens, state in beams:
                h, c = cell(embedding(torch.tensor(tokens[-1:])), state)
                best, chosen = dense(h).log_softmax(-1).topk(problem.width + 1)
                pairs = zip(best[0].tolist(), chosen[0].tolist(), strict=True)
                more += [(score + value, [*tokens, token], (h, c)) for value, token in pairs]
            more.sort(key=lambda one: -one[0])
            found += [one for one in more[: problem.width] if one[1][-1] == problem.end]
            beams = [one for one in more if one[1][-1] != problem.end][: problem.width]
        return max(found + beams, key=lambda one: one[0])[1][1:]

    @torch.inference_mode()
    def call() -> list[list[int]]:
        return [best_from(token) for token in prompts_of(problem)[:, 0].tolist()]

    return call


def measure(problem: Problem, rounds: int, seconds: float) -> dict[str, Spread]:
    """Return the seconds of a search of each."""
    made = {"lstm_native": ours, "PyTorch": torchs, "one by one": one_by_one}
    calls = {name: Timed(make(problem)) for name, make in made.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(call.turn(seconds))
    return {name: Spread.of(values) for name, values in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beam", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each turn")
    options = parser.parse_args()
    ln.set_num_threads(1)
    print("| prompts | lstm_native ms | PyTorch ms | times | one by one ms | times |")
    print("|---|---|---|---|---|---|")
    for prompts in (1, 2, 8):
        found = measure(Problem(prompts=prompts), options.rounds, options.seconds)
        one, *others = (1e3 * spread.median for spread in found.values())
        columns = [f"{other:.2f} | {other / one:.1f}" for other in others]
        print(f"| {prompts} | {one:.2f} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
