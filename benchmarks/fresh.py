"""What needs a new process each time: import, the first call, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing

from benchmarks.grid import Cell, Mode
from benchmarks.peers import Peer
from benchmarks.results import Figure
from benchmarks.turns import Client, Plan
from benchmarks.worker import request

_ROUNDS_OF_MEMORY = 1  # it repeats to the page
_NUMPY = "numpy"


def measure(
    mode: Mode, peers: Sequence[type[Peer]], cell: Cell | None, plan: Plan
) -> dict[str, Figure]:
    """Return the figures of a mode that is measured in new processes."""
    if cell is None:
        return _imports(peers, plan)
    of_memory = mode.unit == "B"
    action = "memory" if of_memory else "first"
    rounds = _ROUNDS_OF_MEMORY if of_memory else plan.fresh_rounds
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    figures: dict[str, Figure] = {}
    for _ in range(rounds):
        for peer in peers:
            if peer.name in figures:
                continue
            with closing(Client(peer, plan)) as client:
                client.ask(do="load")
                answer = client.ask(**request(action, mode.kind, cell))
            if "found" in answer:
                found[peer.name].append(answer["found"])
            else:
                figures[peer.name] = Figure.absent(answer)
    return {p.name: figures.get(p.name) or Figure.of(found[p.name]) for p in peers}


def _imports(peers: Sequence[type[Peer]], plan: Plan) -> dict[str, Figure]:
    """Time `import` in a new interpreter, less that of NumPy alone in the same round."""
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    figures: dict[str, Figure] = {}
    for turn in range(plan.fresh_rounds + 1):
        numpy = _interpreter(_NUMPY, {}, plan)
        for peer in peers:
            if peer.name in figures:
                continue
            try:
                taken = _interpreter(peer.module, peer.environment(plan.threads, plan.isa), plan)
            except subprocess.CalledProcessError as error:
                figures[peer.name] = Figure.absent(
                    {"failed": f"import ended in {error.returncode}"}
                )
                continue
            if turn:  # the first round brings the files into the page cache
                found[peer.name].append(taken - numpy)
    return {p.name: figures.get(p.name) or Figure.of(found[p.name]) for p in peers}


def _interpreter(module: str, environment: dict[str, str], plan: Plan) -> float:
    """Return the seconds a new interpreter needs to import NumPy and a module, and to end."""
    cores = set(plan.cores) or None
    code = f"import numpy, {module}"
    if cores:
        code = f"import os; os.sched_setaffinity(0, {cores}); {code}"
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tempfile.gettempdir(),
        env=os.environ | environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin
