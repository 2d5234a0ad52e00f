"""What may happen beside training: stopping early, saving, logging, learning rates, progress."""

from __future__ import annotations

import csv
import math
import os
import string
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from lstm_native._attributes import Guarded
from lstm_native._callback import Callback, CallbackList, Logs, TrainedModel
from lstm_native._checks import check_bool, check_choice, check_int, check_positive_int, check_real
from lstm_native.progress import ProgressBar

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgressBar",
    "ReduceLROnPlateau",
]

# Names whose direction is known; for others the caller says mode="min" or "max".
_BETTER = {
    "accuracy": "max",
    **dict.fromkeys(("loss", "mse", "mae", "rmse", "mape"), "min"),
}


class _Monitor:
    """One of the logs, and what counts as an improvement of it."""

    def __init__(self, name: str, mode: str, min_delta: float) -> None:
        if not isinstance(name, str):
            raise TypeError(f"monitor must be a name, got {name!r}")
        check_choice(mode, name="mode", choices=("auto", "min", "max"))
        if mode == "auto":
            known = _BETTER.get(name.removeprefix("val_"))
            if known is None:
                raise ValueError(
                    f"mode 'auto' knows no direction for '{name}'; say mode='min' or mode='max'"
                )
            mode = known
        self.name = name
        self.sign = 1.0 if mode == "min" else -1.0
        self.min_delta = check_real(min_delta, name="min_delta", minimum=0.0)
        self.reset()

    def reset(self) -> None:
        self.best = self.sign * math.inf

    def value(self, logs: Logs) -> float:
        if self.name not in logs:
            raise ValueError(
                f"monitor '{self.name}' is not among the logs: {', '.join(logs) or 'none'}"
            )
        return float(logs[self.name])

    def improved(self, logs: Logs) -> bool:
        """Whether the value beats the best so far by more than min_delta; then it is the best."""
        value = self.value(logs)
        # NaN beats nothing.
        if self.sign * value < self.sign * self.best - self.min_delta:
            self.best = value
            return True
        return False


class EarlyStopping(Callback, Guarded):
    """Stop when a monitored figure has not improved for `patience` epochs.

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
    best : float
        The best figure so far.
    best_epoch, stopped_epoch : int or None
        Where it was seen; where training was stopped, if it was.

    Raises
    ------
    ValueError
        A value out of range; at the end of an epoch, a monitor that is not in the logs (the
        message lists what is).

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
        self._monitor = _Monitor(monitor, mode, min_delta)
        self.patience = check_int(patience, name="patience", minimum=0)
        self.restore_best_weights = check_bool(restore_best_weights, name="restore_best_weights")
        self._waited = 0
        self._best_state: dict[str, NDArray[Any]] | None = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None

    @property
    def best(self) -> float:
        """Best value of the quantity so far."""
        return self._monitor.best

    def on_train_begin(self, model: TrainedModel) -> None:
        """Forget what an earlier training found."""
        self._monitor.reset()
        self._waited = 0
        self._best_state = self.best_epoch = self.stopped_epoch = None

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
        if self._best_state is not None:
            model.load_state_dict(self._best_state)
            self._best_state = None


class ModelCheckpoint(Callback, Guarded):
    """Save the model at the end of every epoch, or of every epoch that improved.

    Parameters
    ----------
    path : path-like
        May hold format fields: {epoch}, the number of epochs finished (so that a run resumed
        from m-003 has initial_epoch=3), and the names of the logs. Example:
        "m-{epoch:03d}-{val_loss:.4f}.safetensors". Missing folders are made.
    monitor, mode, min_delta
        As in `EarlyStopping`; used when `save_best_only` is true.
    save_best_only : bool
        Save only when the monitored figure improved.

    Raises
    ------
    ValueError
        A broken format; at the end of an epoch, a field or monitor that is not in the logs.
    OSError
        The folder cannot be made, or the file not written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
        min_delta: float = 0.0,
    ) -> None:
        self.path = os.fspath(path)
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(self.path)]
        except ValueError as error:
            raise ValueError(f"path '{self.path}': {error}") from None
        self._fixed = all(field is None for field in fields)
        best_only = check_bool(save_best_only, name="save_best_only")
        self._monitor = _Monitor(monitor, mode, min_delta) if best_only else None

    def on_train_begin(self, model: TrainedModel) -> None:
        """Forget what an earlier training found."""
        if self._monitor is not None:
            self._monitor.reset()
        if self._fixed:
            self._make_folder(self.path.format())  # fails now rather than after an epoch

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Write the file, when this epoch is to be kept."""
        names = {**logs, "epoch": epoch + 1}
        try:
            path = self.path.format(**names)
        except (LookupError, AttributeError) as error:
            raise ValueError(
                f"path '{self.path}': no value for {error}; there are {', '.join(names)}"
            ) from None
        if self._monitor is None or self._monitor.improved(logs):
            self._make_folder(path)
            model.save(path)

    @staticmethod
    def _make_folder(path: str) -> None:
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)


class CSVLogger(Callback, Guarded):
    """Write one line per epoch: the epoch (from 0) and its logs.

    The file is opened, written and closed for each line, so that it is complete after every
    epoch, whatever happens next.

    Parameters
    ----------
    path : path-like
    append : bool
        Go on with an existing file, whose columns must be the same; otherwise start anew.

    Raises
    ------
    OSError
        The file cannot be written; raised before training starts.
    ValueError
        The logs have other names than the file's columns.
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        self.path = os.fspath(path)
        self.append = check_bool(append, name="append")
        self._columns: list[str] = []

    def on_train_begin(self, model: TrainedModel) -> None:
        """Begin the file, or go on with it."""
        self._columns = []
        with open(self.path, "a+" if self.append else "w", newline="", encoding="utf-8") as file:
            if self.append:
                file.seek(0)
                self._columns = next(csv.reader(file), [])

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Write the epoch's line."""
        row = {"epoch": epoch, **{name: float(value) for name, value in logs.items()}}
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not self._columns:
                self._columns = list(row)
                writer.writerow(self._columns)
            if set(row) != set(self._columns):
                raise ValueError(
                    f"'{self.path}' has the columns {', '.join(self._columns)}, "
                    f"but the logs are {', '.join(row)}"
                )
            writer.writerow([row[column] for column in self._columns])


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
        The schedule is not callable, or gives anything but a positive finite number.
    """

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule must be a function of (epoch, lr), got {schedule!r}")
        self.schedule = schedule

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Set the rate of this epoch."""
        rate = self.schedule(epoch, model.learning_rate)
        model.learning_rate = check_real(
            rate, name=f"the learning rate for epoch {epoch}", above=0.0
        )


class ReduceLROnPlateau(Callback, Guarded):
    """Multiply the learning rate by `factor` when a figure has not improved for a while.

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
        self._monitor = _Monitor(monitor, mode, min_delta)
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
