"""Learning rates that change from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Callable

from lstm_native._base.checks import check_int, check_positive_int, check_real

Schedule = Callable[[int, float], float]
"""(epoch from 0, learning rate in force) -> learning rate of this epoch."""


def cosine_decay(
    learning_rate: float, *, epochs: int, final: float = 0.0, warmup: int = 0
) -> Schedule:
    """Fall along half a cosine from `learning_rate` towards `final` (Loshchilov & Hutter 2017).

    Parameters
    ----------
    learning_rate : float
        The highest rate, > 0.
    epochs : int
        After this many epochs `final` would be reached; epochs past the last keep its rate.
    final : float
        In [0, learning_rate].
    warmup : int
        So many epochs first climb in even steps: epoch e of w has (e + 1) / (w + 1) of the
        highest rate. Less than `epochs`.

    Returns
    -------
    callable
        For `LearningRateScheduler`.

    Examples
    --------
    >>> schedule = cosine_decay(0.1, epochs=4)
    >>> [round(schedule(epoch, 0.0), 4) for epoch in range(4)]
    [0.1, 0.0854, 0.05, 0.0146]
    """
    epochs = check_positive_int(epochs, name="epochs")
    check_int(warmup, name="warmup", minimum=0, maximum=epochs - 1)
    top = check_real(learning_rate, name="learning_rate", above=0.0)
    low = check_real(final, name="final", minimum=0.0, maximum=top)

    def decay(step: int) -> float:
        part = min(step, epochs - warmup - 1) / (epochs - warmup)
        return low + 0.5 * (top - low) * (1.0 + math.cos(math.pi * part))

    return _after_warmup(top, warmup, decay)


def exponential_decay(learning_rate: float, *, rate: float, warmup: int = 0) -> Schedule:
    """Multiply the learning rate by `rate` (in (0, 1]) each epoch; `warmup` as in `cosine_decay`.

    Examples
    --------
    >>> schedule = exponential_decay(0.1, rate=0.5, warmup=1)
    >>> [schedule(epoch, 0.0) for epoch in range(4)]
    [0.05, 0.1, 0.05, 0.025]
    """
    top = check_real(learning_rate, name="learning_rate", above=0.0)
    factor = check_real(rate, name="rate", above=0.0, maximum=1.0)
    return _after_warmup(top, warmup, lambda step: top * factor**step)


def step_decay(
    learning_rate: float, *, every: int, factor: float = 0.1, warmup: int = 0
) -> Schedule:
    """Multiply the learning rate by `factor` (in (0, 1]) after each `every` epochs.

    `warmup` as in `cosine_decay`.

    Examples
    --------
    >>> schedule = step_decay(0.1, every=2, factor=0.5)
    >>> [schedule(epoch, 0.0) for epoch in range(5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]
    """
    top = check_real(learning_rate, name="learning_rate", above=0.0)
    period = check_positive_int(every, name="every")
    drop = check_real(factor, name="factor", above=0.0, maximum=1.0)
    return _after_warmup(top, warmup, lambda step: top * drop ** (step // period))


def _after_warmup(top: float, warmup: int, decay: Callable[[int], float]) -> Schedule:
    ramp = check_int(warmup, name="warmup", minimum=0)

    def schedule(epoch: int, learning_rate: float) -> float:
        if epoch < ramp:
            return top * (epoch + 1) / (ramp + 1)
        return decay(epoch - ramp)

    return schedule
