"""One run: a network, a task, a seed, until the paper's criterion or the end of the budget."""

from __future__ import annotations

import math
import time
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

import lstm_native as ln
from long_lag_tasks.task import NO_FORGET_GATE, PEEPHOLES, Array, Task

_CLIP = 1.0  # of the gradient's norm
_SLOWER = 4.0  # an RNN learns more with smaller steps


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
    seconds: float  # of the processor


def build(task: Task, cell: str, seed: int) -> ln.Sequential:
    """Return an untrained network; the RNN has twice the units, and so as many recurrent weights.

    The forget gates begin open for about as long as the task's lag, bias ln(lag); where most of
    the input is noise, the input gates begin shut to the same degree, bias -ln(lag): Tallec &
    Ollivier 2018, "Can recurrent neural networks warp time?". Hochreiter & Schmidhuber 1997 begin
    with input gates of -3 and -6.
    """
    features = task.batch(np.random.default_rng(0), 1).x.shape[-1]
    options: dict[str, Any] = {"input_size": features, "return_sequences": task.every_step}
    recurrent: ln.Layer
    if cell == "RNN":
        recurrent = ln.RNN(2 * task.units, **options)
    else:
        recurrent = ln.LSTM(
            task.units,
            forget_bias=math.log(task.span),
            forget_gate=cell != NO_FORGET_GATE,
            peephole=cell == PEEPHOLES,
            **options,
        )
    model = ln.Sequential([recurrent, ln.Dense(task.outputs)], seed=seed)
    if cell != "RNN" and task.begins_shut:
        weights = model.state_dict()
        weights["0.bias_ih_l0"][: task.units] = -math.log(task.span)  # input gates come first
        model.load_state_dict(weights)
    return model


def learn(task: Task, cell: str, seed: int, *, budget: int | None = None) -> Outcome:
    """Train a new network on fresh sequences until it passes or the budget is spent."""
    begin = time.process_time()
    budget = task.budget if budget is None else budget
    rng = np.random.default_rng([seed, zlib.crc32(task.name.encode())])
    model = build(task, cell, seed)
    rate = task.learning_rate / (_SLOWER if cell == "RNN" else 1.0)
    optimizer = ln.Adam(rate, clip_norm=_CLIP)
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
            model.learning_rate = rate * 0.5 ** (seen / task.halved_after)
        seen += task.batch_size
        ready = not task.window or sum(recent) <= task.tolerated
        if ready and seen - checked >= task.check_every:
            verdict, checked = task.passes(model, rng), seen
    if not (verdict and checked == seen):
        verdict = task.passes(model, rng)
    return Outcome(
        task.name,
        cell,
        seed,
        bool(verdict.passed),
        seen,
        verdict.figure,
        model.parameter_count,
        time.process_time() - begin,
    )
