"""What early stopping, checkpoints and plateaus watch: one of the logs."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence

from lstm_native._base.callback import Logs, State
from lstm_native._base.checks import check_choice, check_real
from lstm_native._base.shown import nearest, shown
from lstm_native.metrics import canonical

# Names whose direction is known; for others the caller says mode="min" or "max".
_BETTER = {
    "accuracy": "max",
    **dict.fromkeys(("loss", "mse", "mae", "rmse", "mape"), "min"),
}


class Monitor:
    """One of the logs, and what counts as an improvement of it."""

    def __init__(self, name: str, mode: str, min_delta: float) -> None:
        if not isinstance(name, str):
            raise TypeError(f"monitor must be a name, got {shown(name)}")
        check_choice(mode, name="mode", choices=("auto", "min", "max"))
        if mode == "auto":
            known = _direction_of(_ours(name).removeprefix("val_"))
            if known is None:
                names = [*_BETTER, *(f"val_{better}" for better in _BETTER)]
                raise ValueError(
                    f"monitor {shown(name)} is no built-in name{nearest(name, names)}; for one of "
                    "your own say mode='min' or mode='max': mode 'auto' knows no direction for it"
                )
            mode = known
        self.name = name
        self.mode = mode
        self.sign = 1.0 if mode == "min" else -1.0
        self.min_delta = check_real(min_delta, name="min_delta", minimum=0.0)
        self.reset()

    def reset(self) -> None:
        """Forget the best value."""
        self.best = self.sign * math.inf

    def check(self, names: Iterable[str]) -> None:
        """Refuse logs that do not hold the name."""
        names = list(names)
        if self.name in names:
            return
        if _ours(self.name) in names:
            self.name = _ours(self.name)
            return
        hint = how_to_get(_ours(self.name), names) or nearest(self.name, names)
        raise ValueError(
            f"monitor {shown(self.name)} is not among the logs: {', '.join(names) or 'none'}{hint}"
        )

    def improved(self, logs: Logs) -> bool:
        """Whether the value beats the best so far by more than min_delta; then it is the best."""
        self.check(logs)
        value = float(logs[self.name])
        # NaN beats nothing.
        if self.sign * value < self.sign * self.best - self.min_delta:
            self.best = value
            return True
        return False

    def state(self) -> State:
        """Return what a resumed training must know; as text what JSON has no number for."""
        return {
            "best": self.best if math.isfinite(self.best) else str(self.best),
            "mode": self.mode,
        }

    def load(self, state: State) -> None:
        """Set the best value from what `state` returned."""
        if state["mode"] != self.mode:
            raise ValueError(f"mode was '{state['mode']}', now it is '{self.mode}'")
        self.best = float(state["best"])


def _ours(name: str) -> str:
    """Return the name in the logs of a figure as Keras spells it."""
    metric = name.removeprefix("val_")
    return name[: len(name) - len(metric)] + canonical(metric)


def how_to_get(name: str, names: Sequence[str]) -> str:
    """Return what to do so that there is a log of this name, as the end of a message."""
    if name.startswith("val_") and not any(other.startswith("val_") for other in names):
        return "; give validation_data or validation_split"
    metric = name.removeprefix("val_")
    return f"; give metrics=['{metric}']" if metric in _BETTER and metric != "loss" else ""


def check_fields(state: State, *fields: str) -> None:
    """Refuse a state with other fields than these."""
    if set(state) != set(fields):
        raise ValueError(f"expected {', '.join(fields)}, got {', '.join(state) or 'nothing'}")


def _direction_of(name: str) -> str | None:
    """Return what is better; of "a_loss", the loss of an output "a", too."""
    if name in _BETTER:
        return _BETTER[name]
    # "vall_loss" is a slip, and no output "vall".
    slip = difflib.get_close_matches(name, [f"val_{known}" for known in _BETTER], n=1, cutoff=0.92)
    return None if slip else _BETTER.get(name.rpartition("_")[2])
