"""The files of one run, put in place together when they are complete."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


class Outputs:
    """What a run writes into a folder.

    Each file is written beside its place, under a hidden name of this run. `publish` moves all of
    them there, one run after another, so that the files of a folder are those of one run, and each
    is whole. What is not published goes when the block ends, or, of a run that was killed, when the
    next one begins in this folder: each run holds the lock of a hidden file while it lasts.

    Parameters
    ----------
    folder : Path
        It must exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = secrets.token_hex(4)
        self._places: dict[Path, Path] = {}
        self._mark: int | None = None

    def __enter__(self) -> Outputs:
        """Clear away what killed runs have left, and return itself."""
        if fcntl is not None:
            with contextlib.suppress(OSError), _one_at_a_time(self._folder):
                _clear_dead(self._folder)
                self._mark = _locked(self._folder / f".{self._run}-run", os.O_CREAT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was not published."""
        for temporary in self._places:
            temporary.unlink(missing_ok=True)
        if self._mark is not None:
            with contextlib.suppress(OSError):
                (self._folder / f".{self._run}-run").unlink()
            os.close(self._mark)

    def path(self, name: str) -> Path:
        """Return where to write a file for now. A link in its place will stay one."""
        place = Path(os.path.realpath(self._folder / name))
        temporary = place.with_name(f".{self._run}-{place.name}")
        self._places[temporary] = place
        return temporary

    def publish(self) -> None:
        """Move the files to their places; of one that was not written, an older one goes."""
        with _one_at_a_time(self._folder):
            for temporary, place in self._places.items():
                if temporary.exists():
                    temporary.replace(place)
                else:
                    place.unlink(missing_ok=True)
        self._places.clear()


def _locked(path: Path, flags: int = 0) -> int:
    """Open a file and lock it; OSError where another run holds it, or files cannot be locked."""
    handle = os.open(path, os.O_RDWR | flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _clear_dead(folder: Path) -> None:
    """Remove the files of runs whose process is gone, and with it the lock of their mark."""
    names = os.listdir(folder)
    for mark in filter(re.compile(r"\.[0-9a-f]{8}-run").fullmatch, names):
        with contextlib.suppress(OSError):
            handle = _locked(folder / mark)
            try:
                prefix = mark.removesuffix("run")
                for name in sorted(names, key=lambda name: name == mark):  # the mark at last
                    if name.startswith(prefix):
                        (folder / name).unlink(missing_ok=True)
            finally:
                os.close(handle)


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other run moves its files into the folder."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
