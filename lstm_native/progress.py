"""The progress bar of `fit`."""

from __future__ import annotations

import math
import sys
import time
from typing import Any, TextIO

from lstm_native._attributes import Guarded
from lstm_native._callback import Callback, Logs, TrainedModel
from lstm_native._checks import check_positive_int


class ProgressBar(Callback, Guarded):
    """Show each epoch's progress, loss, metrics and samples per second on stderr.

    In a terminal: one bar per epoch, drawn at most ten times a second. Elsewhere (a file, a
    pipe): one line per epoch.

    Parameters
    ----------
    epochs : int
        The epoch count at which training will end.
    samples : int
        Training samples per epoch.
    batch_size : int
    unit : str
        What is counted.
    file : text stream, optional
        By default `sys.stderr` as it is when training begins.

    Examples
    --------
    >>> import sys
    >>> bar = ProgressBar(epochs=2, samples=64, batch_size=32, file=sys.stdout)
    >>> bar.on_train_begin(None)
    >>> bar.on_epoch_begin(None, 0)
    >>> bar.on_batch_end(None, 0, {"loss": 1.0})
    >>> bar.on_epoch_end(None, 0, {"loss": 0.75})  # doctest: +ELLIPSIS
    Epoch 1/2: ... samples/s, loss=0.75
    """

    _PERIOD = 0.1  # seconds between two drawings

    def __init__(
        self,
        *,
        epochs: int,
        samples: int,
        batch_size: int,
        unit: str = "samples",
        file: TextIO | None = None,
    ) -> None:
        self.epochs = check_positive_int(epochs, name="epochs")
        self.samples = check_positive_int(samples, name="samples")
        self.batch_size = check_positive_int(batch_size, name="batch_size")
        self.unit = unit
        self._given_file = file
        self._file = file
        self._in_terminal = False
        self._bar: Any = None
        self._title = ""
        self._done = 0
        self._began = self._ended = self._drawn = 0.0

    def on_train_begin(self, model: TrainedModel) -> None:
        """Find out where to write, and whether that is a terminal."""
        self._file = sys.stderr if self._given_file is None else self._given_file
        # Without a console (pythonw) there is no stderr at all.
        self._in_terminal = self._file is not None and self._file.isatty()

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Begin a bar, in a terminal, and the clock."""
        self._close()
        self._title = f"Epoch {epoch + 1}/{self.epochs}"
        if self._in_terminal:
            self._bar = _new_bar(self._title, self.samples, self._file)
        self._done = 0
        self._began = self._ended = self._drawn = time.perf_counter()

    def on_batch_end(self, model: TrainedModel, batch: int, logs: Logs) -> None:
        """Draw the bar anew, if the last time was a while ago."""
        self._done = min((batch + 1) * self.batch_size, self.samples)
        self._ended = time.perf_counter()
        if self._bar is not None and self._ended - self._drawn >= self._PERIOD:
            self._drawn = self._ended
            self._draw(logs)

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Write the epoch's figures."""
        if self._bar is not None:
            self._draw(logs)
            self._close()
        elif self._file is not None:
            self._file.write(f"{self._title}: {self._figures(logs)}\n")
            self._file.flush()

    def on_train_end(self, model: TrainedModel) -> None:
        """Close a bar that an interrupted epoch left."""
        self._close()

    def _draw(self, logs: Logs) -> None:
        self._bar.n = self._done
        self._bar.set_postfix_str(self._figures(logs), refresh=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _figures(self, logs: Logs) -> str:
        seconds = self._ended - self._began  # of training: validation comes after the last batch
        rate = self._done / seconds if seconds > 0.0 else math.nan
        return ", ".join(
            [f"{rate:.0f} {self.unit}/s", *(f"{name}={value:.4g}" for name, value in logs.items())]
        )


def _new_bar(title: str, samples: int, file: TextIO | None) -> Any:
    from tqdm import tqdm  # here, since it costs more to import than all of this package

    class Bar(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread: the bar is drawn from on_batch_end alone

    return Bar(
        total=samples,
        desc=title,
        file=file,
        dynamic_ncols=True,
        bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
    )
