"""Learning rates that change from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

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

    settings = {"learning_rate": top, "epochs": epochs, "final": low, "warmup": warmup}
    return _Decay(cosine_decay, settings, partial(_cosine, top, low, epochs - warmup))


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
    settings = {"learning_rate": top, "rate": factor, "warmup": _checked(warmup)}
    return _Decay(exponential_decay, settings, partial(_powers, top, factor, 1))


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
    settings = {"learning_rate": top, "every": period, "factor": drop, "warmup": _checked(warmup)}
    return _Decay(step_decay, settings, partial(_powers, top, drop, period))


class _Decay:
    """A schedule: a climb, and then what `fall` says of each step behind it.

    make, settings : what it was made by, which is what a pickle holds.
    """

    __slots__ = ("_fall", "_make", "_settings")

    def __init__(
        self,
        make: Callable[..., Schedule],
        settings: dict[str, Any],
        fall: Callable[[int], float],
    ) -> None:
        self._make = make
        self._settings = settings
        self._fall = fall

    def __call__(self, epoch: int, learning_rate: float) -> float:
        """Return the rate of an epoch."""
        top, warmup = self._settings["learning_rate"], self._settings["warmup"]
        if epoch < warmup:
            return float(top * (epoch + 1) / (warmup + 1))
        return self._fall(epoch - warmup)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the call that made it."""
        return partial(self._make, **self._settings), ()

    def __repr__(self) -> str:
        """Return the call that made it."""
        given = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        return f"{self._make.__name__}({given})"


def _checked(warmup: int) -> int:
    return check_int(warmup, name="warmup", minimum=0)


def _cosine(top: float, low: float, epochs: int, step: int) -> float:
    part = min(step, epochs - 1) / epochs
    return low + 0.5 * (top - low) * (1.0 + math.cos(math.pi * part))


def _powers(top: float, factor: float, period: int, step: int) -> float:
    return top * float(factor ** (step // period))
