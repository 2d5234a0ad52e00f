"""The process that one library runs in: `python -m benchmarks.worker NAME THREADS CORES`.

It reads one JSON request a line and answers each with one line. Between requests it waits on the
pipe, so that only the library whose turn it is uses the processor. Threads and instruction sets
have to be fixed before a library is imported: the coordinator sets the environment, and nothing
is imported before the process is pinned.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from benchmarks import machine, memory
from benchmarks.grid import Cell, sequences, targets, time_first
from benchmarks.peers import BY_NAME, NotDoneError, Peer
from benchmarks.timing import Timed


class Worker:
    """Answers requests; each method is one."""

    def __init__(self, name: str, threads: int) -> None:
        self._type = BY_NAME[name]
        self._threads = threads
        self._peer: Peer | None = None
        self._timed: Timed | None = None

    @property
    def peer(self) -> Peer:
        """The library, imported when first needed."""
        if self._peer is None:
            self._peer = self._type(self._threads)
        return self._peer

    def load(self) -> str:
        """Import the library; return its version."""
        return self.peer.version()

    def build(self) -> dict[str, Any]:
        """Return what our library says of itself."""
        import lstm_native

        return lstm_native.build_info()

    def peaks(self) -> dict[str, Any]:
        """Measure the machine, pinned as the libraries are."""
        return machine.measure_peaks().to_dict()

    def prepare(self, kind: str, cell: dict[str, Any]) -> float:
        """Make the call of a cell and warm it up; return the seconds of one."""
        self._timed = None  # frees the memory of the cell before
        self._timed = Timed(self.peer.make(kind, Cell(**cell)))
        return self._timed.once

    def turn(self, budget: float) -> float:
        """Run the prepared call for so many seconds; return the seconds of one."""
        if self._timed is None:
            raise RuntimeError("no cell has been prepared")
        return self._timed.turn(budget)

    def first(self, kind: str, cell: dict[str, Any]) -> float:
        """Return the seconds to make the call of a cell and to run it once."""
        peer, sizes = self.peer, Cell(**cell)
        _data(sizes)
        begin = time.perf_counter()
        peer.make(kind, sizes)()
        return time.perf_counter() - begin

    def memory(self, kind: str, cell: dict[str, Any]) -> float:
        """Return the bytes by which the process grows, at its peak, for a cell."""
        peer, sizes = self.peer, Cell(**cell)
        peer.make(kind, Cell(1, 8, 16, timesteps=4))()  # what the library needs for any cell

        def work() -> None:
            call = peer.make(kind, sizes)
            for _ in range(3):
                call()

        _data(sizes)
        return memory.growth(work)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one request. A library's failure is an answer, not the end of the run."""
        action: Callable[..., Any] = getattr(self, request.pop("do"))
        try:
            return {"found": action(**request)}
        except NotDoneError as error:
            return {"not_done": str(error)}
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}"}


def _data(cell: Cell) -> None:
    """Have the data of a cell stand ready, in either order."""
    sequences(cell), time_first(cell), targets(cell)


def serve(worker: Worker, requests: TextIO, answers: TextIO) -> None:
    """Answer until the requests end."""
    for line in requests:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()


def request(action: str, kind: str, cell: Cell) -> dict[str, Any]:
    """Return the request for an action on a cell."""
    return {"do": action, "kind": kind, "cell": dataclasses.asdict(cell)}


def main() -> None:
    """Serve over standard input and output, which the libraries do not get to see."""
    name, threads, cores = sys.argv[1:]
    if cores:
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries that print, print to standard error
    serve(Worker(name, int(threads)), sys.stdin, answers)


if __name__ == "__main__":
    main()
