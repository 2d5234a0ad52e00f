"""What may happen beside training: stopping early, saving, logging, learning rates, progress."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from lstm_native._averages import EMA, SWA
from lstm_native._base.attributes import Guarded
from lstm_native._base.callback import Callback, CallbackList, Logs, State, TrainedModel
from lstm_native._base.checks import check_bool, check_int, check_positive_int, check_real
from lstm_native._base.shown import shown
from lstm_native._monitor import Monitor, check_fields
from lstm_native._recorders import CSVLogger, ModelCheckpoint
from lstm_native.progress import ProgressBar

__all__ = [
    "EMA",
    "SWA",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgressBar",
    "ReduceLROnPlateau",
]


for _kind in (EMA, SWA, CSVLogger, ModelCheckpoint, Monitor):
    _kind.__module__ = __name__  # their public home, which pickles name


class _Watching(Callback):
    """A callback that watches one of the logs."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        self._monitor = Monitor(monitor, mode, min_delta)

    @property
    def monitor(self) -> str:
        """Name of what is watched."""
        return self._monitor.name

    @property
    def best(self) -> float:
        """The best value of it so far."""
        return self._monitor.best

    def check_logs(self, names: Sequence[str], initial_epoch: int) -> None:
        """Refuse a monitor that will not be among the logs."""
        self._monitor.check(names)


class EarlyStopping(_Watching, Guarded):
    """Stop when a monitored figure has not improved for `patience` epochs.

    In a resumed training (`fit(initial_epoch=...)`) the best figure, its weights and the epochs
    waited for go on from where they were.

    Parameters
    ----------
    monitor : str
        Name of a loss or metric in the logs.
    patience : int
        Epochs without improvement after which training stops: 0 stops at the first of them.
    min_delta : float
        An improvement must be larger than this, >= 0.
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better; "auto" knows it for the built-in names.
    restore_best_weights : bool
        At the end of training, however it ended, go back to the weights of the best epoch.

    Attributes
    ----------
    monitor : str
    best : float
        The best figure so far.
    best_epoch, stopped_epoch : int or None
        Where it was seen; where training was stopped, if it was.

    Raises
    ------
    ValueError
        A value out of range; before training, a monitor that will not be in the logs (the message
        lists what will).

    Examples
    --------
    >>> EarlyStopping("val_mae", patience=5, restore_best_weights=True).best
    inf
    """

    _assignable = frozenset({"best_epoch", "stopped_epoch"})

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int = 0,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = check_int(patience, name="patience", minimum=0)
        self.restore_best_weights = check_bool(restore_best_weights, name="restore_best_weights")
        self._waited = 0
        self._best_state: dict[str, NDArray[Any]] | None = None
        self._has_trained = False
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None

    def on_train_begin(self, model: TrainedModel) -> None:
        """Forget what an earlier training found."""
        self._monitor.reset()
        self._waited = 0
        self._best_state = self.best_epoch = self.stopped_epoch = None
        self._has_trained = False

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """From here on there are weights to be put back."""
        self._has_trained = True

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Compare, and ask for the end when patience is exhausted."""
        if self._monitor.improved(logs):
            self.best_epoch = epoch
            self._waited = 0
            if self.restore_best_weights:
                self._best_state = model.state_dict()
            return
        self._waited += 1
        if self._waited >= max(self.patience, 1):
            self.stopped_epoch = epoch
            model.stop_training = True

    def on_train_end(self, model: TrainedModel) -> None:
        """Put back the weights of the best epoch, if that was wished."""
        # A resumed training that was refused before its first epoch changes nothing.
        if self._best_state is not None and self._has_trained:
            model.load_state_dict(self._best_state)
        self._best_state = None

    def state_dict(self) -> State:
        """Return the best figure, its epoch and weights, and the epochs waited for."""
        return {
            **self._monitor.state(),
            "waited": self._waited,
            "best_epoch": self.best_epoch,
            "best_weights": self._best_state,
        }

    def load_state_dict(self, state: State) -> None:
        """Go on from there; ValueError if the best weights are wanted and were not kept."""
        check_fields(state, *self.state_dict())
        waited = check_int(state["waited"], name="waited", minimum=0)
        best_epoch = state["best_epoch"]
        if best_epoch is not None:
            best_epoch = check_int(best_epoch, name="best_epoch", minimum=0)
        weights = state["best_weights"] if self.restore_best_weights else None
        if self.restore_best_weights and best_epoch is not None and weights is None:
            raise ValueError("it holds no best weights: restore_best_weights was False then")
        self._monitor.load(state)
        self._waited, self.best_epoch, self._best_state = waited, best_epoch, weights


def _check_takes_two(signature: inspect.Signature) -> None:
    try:
        signature.bind(0, 0.1)
    except TypeError:
        raise TypeError(
            f"schedule is called with (epoch, learning_rate), but it takes {signature}; write "
            "lambda epoch, learning_rate: ..."
        ) from None


class LearningRateScheduler(Callback, Guarded):
    """Set the learning rate before each epoch.

    Parameters
    ----------
    schedule : callable
        (epoch, learning rate in force) -> learning rate > 0; for example what
        `cosine_decay`, `exponential_decay` or `step_decay` return.

    Raises
    ------
    TypeError, ValueError
        The schedule is no function of two arguments, or gives no positive finite number.
    """

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        if not callable(schedule):
            raise TypeError(
                f"schedule must be a function of (epoch, learning_rate), got {shown(schedule)}"
            )
        try:
            signature = inspect.signature(schedule)
        except (TypeError, ValueError):  # one that does not say what it takes
            pass
        else:
            _check_takes_two(signature)
        self.schedule = schedule

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Set the rate of this epoch."""
        rate = self.schedule(epoch, model.learning_rate)
        model.learning_rate = check_real(
            rate, name=f"the learning rate for epoch {epoch}", above=0.0
        )


class ReduceLROnPlateau(_Watching, Guarded):
    """Multiply the learning rate by `factor` when a figure has not improved for a while.

    A resumed training (`fit(initial_epoch=...)`) goes on with what was counted before; the rate in
    force is the optimiser's.

    Parameters
    ----------
    monitor, mode, min_delta
        As in `EarlyStopping`.
    factor : float
        In (0, 1).
    patience : int
        Epochs without improvement before the rate falls, at least 1.
    cooldown : int
        Epochs after a fall that do not count.
    min_lr : float
        The rate never falls below this, > 0.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 1e-8,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = check_real(factor, name="factor", above=0.0, below=1.0)
        self.patience = check_positive_int(patience, name="patience")
        self.cooldown = check_int(cooldown, name="cooldown", minimum=0)
        self.min_lr = check_real(min_lr, name="min_lr", above=0.0)
        self._waited = 0
        self._resting = 0

    def on_train_begin(self, model: TrainedModel) -> None:
        """Forget what an earlier training found."""
        self._monitor.reset()
        self._waited = 0
        self._resting = 0

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Compare, and lower the rate when patience is exhausted."""
        improved = self._monitor.improved(logs)
        if self._resting > 0:
            self._resting -= 1
            return
        self._waited = 0 if improved else self._waited + 1
        if self._waited >= self.patience:
            lowered = max(model.learning_rate * self.factor, self.min_lr)
            # A rate that was below min_lr from the start is not raised to it.
            model.learning_rate = min(model.learning_rate, lowered)
            self._waited = 0
            self._resting = self.cooldown

    def state_dict(self) -> State:
        """Return the best figure, the epochs waited for and those left of the cooldown."""
        return {**self._monitor.state(), "waited": self._waited, "resting": self._resting}

    def load_state_dict(self, state: State) -> None:
        """Go on from there."""
        check_fields(state, *self.state_dict())
        waited = check_int(state["waited"], name="waited", minimum=0)
        resting = check_int(state["resting"], name="resting", minimum=0)
        self._monitor.load(state)
        self._waited, self._resting = waited, resting
