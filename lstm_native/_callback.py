"""What a callback is.

A callback sees the model through `state_dict`, `load_state_dict`, `save(path)`, `stop_training`
and `learning_rate` alone. Epochs count from 0. `logs` maps names ("loss", "val_loss", metrics)
to numbers: running means at the end of a batch, final figures at the end of an epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

Logs = Mapping[str, float]


class TrainedModel(Protocol):
    """The part of a model that callbacks use."""

    stop_training: bool
    learning_rate: float

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return copies of all parameters by name."""

    def load_state_dict(self, state: dict[str, NDArray[Any]], /) -> Any:
        """Set all parameters."""

    def save(self, path: str, /) -> Any:
        """Write the model file, atomically."""


class Callback:
    """Base of all callbacks: every hook does nothing until a subclass gives it something to do.

    `on_train_end` is called however training ended, also after Ctrl-C or an error.

    Examples
    --------
    >>> class Shout(Callback):
    ...     def on_epoch_end(self, model, epoch, logs):
    ...         print(f"epoch {epoch}: {logs['loss']:.2f}!")
    >>> Shout().on_epoch_end(None, 0, {"loss": 0.5})
    epoch 0: 0.50!
    """

    def on_train_begin(self, model: TrainedModel) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, model: TrainedModel, batch: int, logs: Logs) -> None:
        """After a batch; batches count from 0 in each epoch."""

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """After the last batch of an epoch and after its validation."""

    def on_train_end(self, model: TrainedModel) -> None:
        """After training, however it ended."""


class CallbackList(Callback):
    """Several callbacks as one, called in order.

    `on_train_end` reaches every one of them even if one fails; the first error is raised after.

    Raises
    ------
    TypeError
        Something in the list is no Callback.
    """

    def __init__(self, callbacks: Callback | Iterable[Callback]) -> None:
        self.callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks must be Callback objects, got {callback!r}")

    def on_train_begin(self, model: TrainedModel) -> None:
        for callback in self.callbacks:
            callback.on_train_begin(model)

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(model, epoch)

    def on_batch_end(self, model: TrainedModel, batch: int, logs: Logs) -> None:
        for callback in self.callbacks:
            callback.on_batch_end(model, batch, logs)

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        for callback in self.callbacks:
            callback.on_epoch_end(model, epoch, logs)

    def on_train_end(self, model: TrainedModel) -> None:
        first: BaseException | None = None
        for callback in self.callbacks:
            try:
                callback.on_train_end(model)
            except BaseException as error:
                first = first or error
        if first is not None:
            raise first
