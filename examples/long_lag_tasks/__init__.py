"""The tasks that LSTMs were made for, as their papers define them."""

from __future__ import annotations

from long_lag_tasks.copying import Copying
from long_lag_tasks.grammars import AnBnCn, ContinualReber, EmbeddedReber
from long_lag_tasks.sequences import (
    Adding,
    LongLag,
    Multiplication,
    NoiseFree,
    NoisyTargets,
    TemporalOrder,
    TwoSequence,
)
from long_lag_tasks.task import Task
from long_lag_tasks.timing import GenerateSpikes, MeasureDelay, MeasureSpikes

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        EmbeddedReber(),
        NoiseFree(lag=100),
        LongLag(lag=100),
        LongLag(lag=1000),
        TwoSequence(steps=100, informative=3),
        TwoSequence(steps=100, informative=1, noisy=True),
        NoisyTargets(steps=100, informative=3),
        Adding(steps=100),
        Adding(steps=500),
        Adding(steps=1000),
        Multiplication(steps=100),
        TemporalOrder(symbols=2),
        TemporalOrder(symbols=3),
        ContinualReber(),
        AnBnCn(),
        MeasureDelay(interval=49),
        MeasureSpikes(interval=10),
        GenerateSpikes(interval=10),
        Copying(steps=100),
    )
}
