"""One run: a network, a task, a seed, until the paper's criterion or the end of the budget."""

from __future__ import annotations

import math
import time
import zlib
from collections import deque
from dataclasses import dataclass

import numpy as np

import lstm_native as ln
from long_lag_tasks.task import Array, Task

_CLIP = 1.0  # of the gradient's norm


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    task: str
    cell: str
    seed: int
    passed: bool
    sequences: int  # learnt from until then
    figure: str  # the last judgement
    weights: int
    seconds: float


def build(task: Task, cell: str, seed: int) -> ln.Sequential:
    """Return an untrained network; the RNN has twice the units, and so as many recurrent weights.

    The forget gates begin open for about as long as the task's lag: bias ln(lag), as Tallec &
    Ollivier 2018 ("Can recurrent neural networks warp time?") derive it.
    """
    options = {"return_sequences": task.every_step}
    if cell == "RNN":
        layer = ln.RNN(2 * task.units, **options)
    elif cell == "LSTM without forget gate":
        layer = ln.LSTM(task.units, forget_gate=False, **options)
    else:
        peephole = cell == "LSTM with peepholes"
        bias = math.log(task.span)
        layer = ln.LSTM(task.units, forget_bias=bias, peephole=peephole, **options)
    return ln.Sequential([layer, ln.Dense(task.outputs)], seed=seed)


def learn(task: Task, cell: str, seed: int, *, budget: int | None = None) -> Outcome:
    """Train a new network on fresh sequences until it passes or the budget is spent."""
    begin = time.perf_counter()
    budget = task.budget if budget is None else budget
    rng = np.random.default_rng([seed, zlib.crc32(task.name.encode())])
    model = build(task, cell, seed)
    optimizer = ln.Adam(task.learning_rate, clip_norm=_CLIP)
    recent: deque[int] = deque(maxlen=max(task.window // task.batch_size, 1))

    def count_wrong(y: Array, output: Array) -> float:
        recent.append(int(task.wrong(y, output).sum()))
        return 0.0

    seen = checked = 0
    verdict = None
    while seen < budget and not (verdict and verdict.passed):
        batch = task.batch(rng, task.batch_size)
        try:
            model.fit(
                batch.x,
                batch.y,
                sample_weight=batch.weight,
                batch_size=task.batch_size,
                loss=task.loss,
                optimizer=optimizer,  # the same object: its state is kept from call to call
                metrics=[count_wrong] if task.window else (),
                shuffle=False,
                verbose=False,
                seed=seed,
            )
        except FloatingPointError:
            break  # the network before that batch is judged below
        if task.halved_after:
            model.learning_rate = task.learning_rate * 0.5 ** (seen / task.halved_after)
        seen += task.batch_size
        calm = not task.window or sum(recent) <= task.tolerated
        if calm and seen - checked >= task.check_every:
            verdict = task.passes(model, rng)
            checked = seen
    if not (verdict and checked == seen):
        verdict = task.passes(model, rng)
    return Outcome(
        task.name,
        cell,
        seed,
        verdict.passed,
        seen,
        verdict.figure,
        model.parameter_count,
        time.perf_counter() - begin,
    )
