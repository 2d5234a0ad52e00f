"""What every library is to the benchmark: something that makes calls to be timed."""

from __future__ import annotations

import abc
import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import ClassVar

from benchmarks.grid import Cell

Call = Callable[[], object]


class NotDoneError(Exception):
    """The library, or its installed version, does not do this; the message says why."""


class Peer(abc.ABC):
    """A library, or one way to use it.

    The class can be asked anything without the library; an instance has imported it.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    module: ClassVar[str]  # what `import` time is measured for
    needs: ClassVar[tuple[str, ...]]  # distributions; the first one's version is reported
    kinds: ClassVar[frozenset[str]]  # of calls it makes, see grid.Mode
    is_peer: ClassVar[bool] = True  # False for ours

    def __init__(self, threads: int) -> None:
        self.threads = threads

    @classmethod
    def missing(cls) -> str | None:
        """Return what is not installed, or None."""
        absent = []
        for name in cls.needs:
            try:
                importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                absent.append(name)
        return ", ".join(absent) or None

    @classmethod
    def version(cls) -> str:
        """Return the installed version."""
        return importlib.metadata.version(cls.needs[0])

    @classmethod
    def environment(cls, threads: int, isa: str | None) -> dict[str, str]:
        """Return the variables that its process needs; `isa` is the set it is to be held to."""
        return {}

    @classmethod
    def held_to(cls, isa: str | None) -> str | None:
        """Return `isa` if `environment` holds all of the library to it, else None."""
        return isa

    @abc.abstractmethod
    def make(self, kind: str, cell: Cell) -> Call:
        """Return the work of a kind, ready to be called again and again.

        Raises
        ------
        NotDoneError
            The library has no such work.
        """


def only_lstm(peer: Peer, cell: Cell) -> None:
    """Refuse the other types of cell."""
    if cell.type != "lstm":
        raise NotDoneError(f"{peer.label} is measured with LSTM layers here")


def only_plain(peer: Peer, cell: Cell) -> None:
    """Refuse other types of cell, and more than one layer or direction."""
    only_lstm(peer, cell)
    if cell.layers != 1 or cell.bidirectional:
        raise NotDoneError(f"{peer.label} is measured with one layer and direction")
