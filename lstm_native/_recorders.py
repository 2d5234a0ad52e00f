"""Callbacks that write files: the model, and a table of its epochs."""

from __future__ import annotations

import csv
import os
import string
import tempfile
from collections.abc import Sequence

from lstm_native._base.attributes import Guarded
from lstm_native._base.callback import Callback, Logs, State, TrainedModel
from lstm_native._base.checks import check_bool
from lstm_native._monitor import Monitor, check_fields, how_to_get


class ModelCheckpoint(Callback, Guarded):
    """Save the model at the end of every epoch, or of every epoch that improved.

    It takes its turn after all callbacks that save nothing, wherever it stands in the list. The
    file also holds the state of every callback, so that `fit(initial_epoch=...)` goes on with
    them: this one still knows the best figure, and does not overwrite a better file.

    Parameters
    ----------
    path : path-like
        May hold format fields: {epoch}, the number of epochs finished (so that a run resumed
        from m-003 has initial_epoch=3), and the names of the logs. Example:
        "m-{epoch:03d}-{val_loss:.4f}.safetensors". Missing folders are made.
    monitor, mode, min_delta
        As in `EarlyStopping`; only with `save_best_only`.
    save_best_only : bool
        Save only when the monitored figure improved.

    Attributes
    ----------
    monitor : str or None
    best : float or None
        The best figure so far.

    Raises
    ------
    ValueError
        A broken format, a monitor without `save_best_only`; before training, a field or monitor
        that will not be in the logs.
    OSError
        The folder cannot be made or written, said before training; the file cannot be written.
    """

    saves_model = True

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
            self._parts = list(string.Formatter().parse(self.path))
        except ValueError as error:
            raise ValueError(f"path '{self.path}': {error}") from None
        best_only = check_bool(save_best_only, name="save_best_only")
        self._monitor = Monitor(monitor, mode, min_delta) if best_only else None
        if not best_only and (monitor, mode, min_delta) != ("val_loss", "auto", 0.0):
            raise ValueError("monitor, mode and min_delta need save_best_only=True")

    @property
    def monitor(self) -> str | None:
        """Name of what decides; None: every epoch is saved."""
        return None if self._monitor is None else self._monitor.name

    @property
    def best(self) -> float | None:
        """The best value of it so far."""
        return None if self._monitor is None else self._monitor.best

    def check_logs(self, names: Sequence[str], initial_epoch: int) -> None:
        """Refuse a path or monitor that the logs do not serve, and a folder not to be written."""
        if self._monitor is not None:
            self._monitor.check(names)
        path = self._path_of(dict.fromkeys(names, 0.5), initial_epoch)
        # What stands before the first field is the same for all files.
        _check_folder(os.path.dirname(path if self._is_fixed() else self._parts[0][0]))
        if not os.path.basename(path) or (self._is_fixed() and os.path.isdir(path)):
            raise IsADirectoryError(f"path '{path}' is a folder: give the name of a file")

    def on_train_begin(self, model: TrainedModel) -> None:
        """Forget what an earlier training found."""
        if self._monitor is not None:
            self._monitor.reset()
        if self._is_fixed():
            _make_folder(self.path.format())  # fails now rather than after an epoch

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Write the file, when this epoch is to be kept."""
        path = self._path_of(logs, epoch)
        if self._monitor is None or self._monitor.improved(logs):
            _make_folder(path)
            model.save(path)

    def state_dict(self) -> State:
        """Return the best figure so far."""
        return {} if self._monitor is None else self._monitor.state()

    def load_state_dict(self, state: State) -> None:
        """Go on from there."""
        check_fields(state, *self.state_dict())
        if self._monitor is not None:
            self._monitor.load(state)

    def _is_fixed(self) -> bool:
        """Whether all files have one name."""
        return all(field is None for _, field, _, _ in self._parts)

    def _path_of(self, logs: Logs, epoch: int) -> str:
        values = {**logs, "epoch": epoch + 1}
        try:
            return self.path.format(**values)
        except (LookupError, AttributeError) as error:
            name = error.args[0] if isinstance(error, KeyError) else ""
            raise ValueError(
                f"path '{self.path}': no value for {error}; there are {', '.join(values)}"
                f"{how_to_get(str(name), list(logs))}"
            ) from None
        except ValueError as error:
            raise ValueError(f"path '{self.path}': {error}") from None


class CSVLogger(Callback, Guarded):
    """Write one line per epoch: the epoch (from 0) and its logs.

    The file is opened, written and closed for each line, so that it is complete after every
    epoch, whatever happens next. A resumed training (`fit(initial_epoch=...)`) goes on with the
    file; the lines at its end of epochs that are trained once more are dropped.

    Parameters
    ----------
    path : path-like
    append : bool
        Go on with an existing file also in a training that begins anew. Its columns must be the
        same.

    Raises
    ------
    OSError
        The file cannot be written; raised before training starts.
    ValueError
        The logs have other names than the file's columns, or the file is no such table; raised
        before training starts.
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        self.path = os.fspath(path)
        self.append = check_bool(append, name="append")
        self._columns: list[str] = []
        self._begun = False

    def check_logs(self, names: Sequence[str], initial_epoch: int) -> None:
        """Refuse a file that cannot be written, or has other columns."""
        if os.path.isdir(self.path):
            raise IsADirectoryError(f"path '{self.path}' is a folder: give the name of a file")
        if not os.path.exists(self.path):
            _check_folder(os.path.dirname(self.path), to_be_made=False)
            return
        with open(self.path, "ab"):
            pass
        if self.append or initial_epoch:
            columns = self._read()[0]
            if columns:
                self._check_columns(columns, ["epoch", *names])

    def on_train_begin(self, model: TrainedModel) -> None:
        """Find out whether the file can be written; what is in it stays until the first epoch."""
        self._columns = []
        self._begun = False
        with open(self.path, "ab"):
            pass

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Before the first epoch, begin the file, or go on with it."""
        if not self._begun:
            self._begin(epoch)

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Write the epoch's line."""
        if not self._begun:
            self._begin(epoch)
        row = {"epoch": epoch, **{name: float(value) for name, value in logs.items()}}
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not self._columns:
                self._columns = list(row)
                writer.writerow(self._columns)
            self._check_columns(self._columns, list(row))
            writer.writerow([row[column] for column in self._columns])

    def _begin(self, epoch: int) -> None:
        self._begun = True
        if not self.append and epoch == 0:
            with open(self.path, "wb"):
                return
        self._columns, lines = self._read()
        # Cut off, not written anew: a training that is killed here loses nothing.
        while epoch > 0 and len(lines) > 1 and not self._is_before(epoch, lines[-1]):
            lines.pop()
        with open(self.path, "r+b") as file:
            file.truncate(sum(len(line) for line in lines))
            if lines and not lines[-1].endswith(b"\n"):
                file.seek(0, os.SEEK_END)
                file.write(b"\n")

    def _read(self) -> tuple[list[str], list[bytes]]:
        """Return the names of the columns, and all lines."""
        with open(self.path, "rb") as file:
            lines = file.readlines()
        return _cells(lines[0]) if lines else [], lines

    def _is_before(self, epoch: int, line: bytes) -> bool:
        """Whether a line is whole, and of an earlier epoch."""
        row = dict(zip(self._columns, _cells(line), strict=False))
        number = row.get("epoch", "")
        return len(row) == len(self._columns) and number.isdecimal() and int(number) < epoch

    def _check_columns(self, columns: Sequence[str], names: Sequence[str]) -> None:
        if set(names) != set(columns):
            raise ValueError(
                f"'{self.path}' has the columns {', '.join(columns)}, "
                f"but the logs are {', '.join(names)}"
            )


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")]), [])


def _make_folder(path: str) -> None:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)


def _check_folder(folder: str, *, to_be_made: bool = True) -> None:
    """Raise OSError if no file can be made in a folder; leaves nothing behind."""
    folder = folder or "."
    while to_be_made and not os.path.lexists(folder):
        folder = os.path.dirname(folder) or "."
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(error.errno, error.strerror, folder) from None
