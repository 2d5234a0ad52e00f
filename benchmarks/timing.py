"""Timing calls in one process: warm-up, turns, spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_BLOCK = 1e-3  # seconds: short calls are timed several at once, so that the clock costs nothing
_WARM_UP = 0.1  # seconds
_COLD = 0.05  # calls shorter than this find their caches filled by others when a turn begins


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of what the turns found."""

    median: float
    lower: float
    upper: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Summarise; of one value, all three are that value."""
        if len(values) == 1:
            return Spread(values[0], values[0], values[0])
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return Spread(median, lower, upper)


def seconds(call: Callable[[], object], times: int = 1) -> float:
    """Return how long one call takes, timed over several."""
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begin) / times


class Timed:
    """A call that has been warmed up and can be timed again and again."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call
        call()  # compiles, allocates
        found = [seconds(call)]
        while sum(found) < _WARM_UP and len(found) < 100:
            found.append(seconds(call))
        self.once = min(found)
        self.block = max(1, round(_BLOCK / max(self.once, 1e-9)))

    def turn(self, budget: float) -> float:
        """Return the median of about `budget` seconds of calls, of one call at least."""
        if self.once < _COLD:
            seconds(self.call, self.block)
        found: list[float] = []
        end = time.perf_counter() + budget
        while not found or time.perf_counter() < end:
            found.append(seconds(self.call, self.block))
        return statistics.median(found)
