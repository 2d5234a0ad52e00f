"""The progress bar of `fit`."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from lstm_native._base.attributes import Guarded
from lstm_native._base.callback import Callback, Logs, TrainedModel
from lstm_native._base.checks import check_positive_int


class ProgressBar(Callback, Guarded):
    """Show each epoch's progress, loss, metrics and samples per second on stderr.

    In a terminal: one bar per epoch, drawn at most ten times a second. Elsewhere (a file, a
    pipe): one line per epoch. A stream that cannot be written (none, closed, a broken pipe) ends
    the showing, never the training.

    Parameters
    ----------
    epochs : int
        The epoch count at which training will end.
    samples : int or None
        Training samples per epoch; None: not known.
    batch_size : int
    unit : str
        What is counted.
    lines : bool
        One line per epoch in a terminal too.
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
        samples: int | None,
        batch_size: int,
        unit: str = "samples",
        lines: bool = False,
        file: TextIO | None = None,
    ) -> None:
        self.epochs = check_positive_int(epochs, name="epochs")
        self.samples = None if samples is None else check_positive_int(samples, name="samples")
        self.batch_size = check_positive_int(batch_size, name="batch_size")
        self.unit = unit
        self.lines = lines
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
        self._in_terminal = (
            self._file is not None and not self.lines and self._try(self._is_terminal)
        )

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Begin a bar, in a terminal, and the clock."""
        self._close()
        self._title = f"Epoch {epoch + 1}/{self.epochs}"
        if self._in_terminal:
            self._try(self._begin_bar)
        self._done = 0
        self._began = self._ended = self._drawn = time.perf_counter()

    def on_batch_end(self, model: TrainedModel, batch: int, logs: Logs) -> None:
        """Draw the bar anew, if the last time was a while ago."""
        self._done = (batch + 1) * self.batch_size
        if self.samples is not None:
            self._done = min(self._done, self.samples)
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
            line = f"{self._title}: {self._figures(logs)}\n"
            self._try(lambda: self._write(line))

    def on_train_end(self, model: TrainedModel) -> None:
        """Close a bar that an interrupted epoch left."""
        self._close()

    def _try(self, show: Callable[[], Any]) -> Any:
        """Return what `show` does; after an error the stream is left alone.

        Whoever waits for a training is not to lose it to a closed terminal.
        """
        try:
            return show()
        except Exception:
            self._file = None
            self._in_terminal = False
            if self._bar is not None:
                self._bar.disable = True  # it would write once more when it is thrown away
                self._bar = None
            return None

    def _is_terminal(self) -> bool:
        # What has no isatty is no terminal, and can be written all the same.
        return bool(getattr(self._file, "isatty", bool)())

    def _write(self, line: str) -> None:
        assert self._file is not None
        self._file.write(line)
        flush = getattr(self._file, "flush", None)
        if flush is not None:
            flush()

    def _begin_bar(self) -> None:
        try:
            self._bar = _new_bar(self._title, self.samples, self.unit, self._file)
        except ImportError:
            self._in_terminal = False  # lines need no tqdm

    def _draw(self, logs: Logs) -> None:
        figures = self._figures(logs)

        def draw() -> None:
            self._bar.n = self._done
            self._bar.set_postfix_str(figures, refresh=True)

        self._try(draw)

    def _close(self) -> None:
        if self._bar is not None:
            self._try(self._bar.close)
            self._bar = None

    def _figures(self, logs: Logs) -> str:
        seconds = self._ended - self._began  # of training: validation comes after the last batch
        rate = self._done / seconds if seconds > 0.0 else math.nan
        return ", ".join(
            [f"{rate:.0f} {self.unit}/s", *(f"{name}={value:.4g}" for name, value in logs.items())]
        )


def _new_bar(title: str, samples: int | None, unit: str, file: TextIO | None) -> Any:
    from tqdm import tqdm  # here, since it costs more to import than all of this package

    class Bar(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread: the bar is drawn from on_batch_end alone

    share = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    if samples is None:
        share = f"{{n_fmt}} {unit} {{elapsed}}"
    return Bar(
        total=samples,
        desc=title,
        file=file,
        dynamic_ncols=True,
        bar_format=f"{{desc}} {share}{{postfix}}",
    )
