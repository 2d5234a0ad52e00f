"""The coordinator: workers, and whose turn it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.grid import Cell
from benchmarks.peers import Peer
from benchmarks.results import Figure
from benchmarks.worker import request

_ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 5.0  # seconds for a worker to end
_SETTLE = 0.005  # seconds for the threads of the library before to stop spinning


@dataclass(frozen=True)
class Plan:
    """How the workers run, and for how long."""

    threads: int
    cores: tuple[int, ...]
    isa: str | None  # the set that all are held to
    seconds: float  # for each library, mode and cell
    least_rounds: int
    most_rounds: int = 15
    fresh_rounds: int = 7

    def rounds(self, slowest: float) -> int:
        """Return how often each library has its turn, from the slowest one's time of a call."""
        wanted = int(self.seconds / max(slowest, 1e-9))
        return max(self.least_rounds, min(self.most_rounds, wanted))


class Client:
    """A worker process, from the coordinator's side."""

    def __init__(self, peer: type[Peer], plan: Plan) -> None:
        self.peer = peer
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.worker", peer.name, str(plan.threads)),
                ",".join(map(str, plan.cores)),
            ],
            cwd=_ROOT,
            env=os.environ | peer.environment(plan.threads, plan.isa),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def ask(self, **sent: Any) -> dict[str, Any]:
        """Return the worker's answer; one that died has failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(sent) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        return {"failed": f"the worker ended in {status}: {said[-1] if said else 'no message'}"}

    @property
    def alive(self) -> bool:
        """Whether the worker can be asked again."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the worker: at the end of its input, or by force where that does not come."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()


class Clients:
    """One worker for each library, started when first asked for and again if it died."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._running: dict[str, Client] = {}

    def of(self, peer: type[Peer]) -> Client:
        """Return the worker of a library."""
        found = self._running.get(peer.name)
        if found is None or not found.alive:
            if found is not None:
                found.close()
            found = self._running[peer.name] = Client(peer, self.plan)
        return found

    def close(self) -> None:
        """End all workers."""
        for client in self._running.values():
            client.close()


def alternate(
    clients: Clients, peers: Sequence[type[Peer]], kind: str, cell: Cell
) -> dict[str, Figure]:
    """Time a cell with every library, in turns. The one that begins changes with each round."""
    figures: dict[str, Figure] = {}
    once: dict[str, float] = {}
    for peer in peers:
        answer = clients.of(peer).ask(**request("prepare", kind, cell))
        if "found" in answer:
            once[peer.name] = answer["found"]
        else:
            figures[peer.name] = Figure.absent(answer)
    running = [peer for peer in peers if peer.name in once]
    if not running:
        return figures
    rounds = clients.plan.rounds(max(once.values()))
    found: dict[str, list[float]] = {peer.name: [] for peer in running}
    for turn in range(rounds):
        first = turn % len(running)
        for peer in running[first:] + running[:first]:
            if peer.name in figures:
                continue
            if clients.plan.threads > 1:
                time.sleep(_SETTLE)
            answer = clients.of(peer).ask(do="turn", budget=clients.plan.seconds / rounds)
            if "found" in answer:
                found[peer.name].append(answer["found"])
            else:
                figures[peer.name] = Figure.absent(answer)
    timed = {name: Figure.of(v) for name, v in found.items() if name not in figures}
    return {peer.name: (figures | timed)[peer.name] for peer in peers}
