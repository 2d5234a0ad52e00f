"""Where the time of a cell goes: `python -m benchmarks.profiling`.

Samples of Linux's perf, each attributed by the debugger's line tables to a part of the kernels, so
that what is inlined counts where it was written. Needs perf, binutils, and the package built with
debug information: `pip install . -C cmake.build-type=RelWithDebInfo -C install.strip=false`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.grid import Cell
from benchmarks.machine import processor
from benchmarks.pages import table, write_figures
from benchmarks.peers.ours import Ours
from benchmarks.report import quantity

_CELLS = [
    ("inference", Cell(1, 64, 64)),
    ("inference", Cell(1, 128, 128)),
    ("inference", Cell(1, 256, 256)),
    ("inference", Cell(1, 512, 512)),
    ("inference", Cell(1, 1024, 1024)),
    ("inference", Cell(32, 64, 64)),
    ("inference", Cell(32, 128, 128)),
    ("training", Cell(128, 1024, 1024, timesteps=50)),
    ("fit", Cell(32, 1, 32, timesteps=24, samples=4096)),
    ("fit", Cell(32, 8, 64, layers=2, samples=4096)),
]
_LIBRARY = "liblstm_native"
_OUTSIDE, _REST = "Python, NumPy, system", "rest of the core"

# The first whose pattern a frame matches, from the innermost one out. A frame is "function file".
_PARTS = [
    ("packing", r"\b(pack_left|pack_columns|take_right)\b"),
    ("cell backward", r"\bLstmCell::backward\b|\brecurrent_step_backward\b"),
    ("activations, cell", r"\bLstmCell::forward\b|\b(apply_cell|finish_kept)\b"),
    ("projection beside steps", r"\bProductAhead\b"),
    ("steps' sums", r"\b(step_tile|step_tile_beside|StepTile)\b|\brecurrent_step\b|\bstep_"),
    ("weight gradients", r"\bgradient_(product|panel)\b"),
    ("other products", r"\bproduct\w*<"),
]
_COLUMNS = [
    "steps' sums",
    "projection beside steps",
    "activations, cell",
    "other products",
    "weight gradients",
    "packing",
    "cell backward",
    _REST,
    _OUTSIDE,
]

Frames = list[str]


def part_of(frames: Iterable[str]) -> str:
    """Return the part of the kernels that a sample belongs to, its frames from the innermost."""
    for frame in frames:
        for part, pattern in _PARTS:
            if re.search(pattern, frame):
                return part
    return _REST


def _work(mode: str, cell: Cell, seconds: float) -> None:
    """Run a cell for so long; print when, how often, and where the library lies in memory."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    call = Ours(1).make(mode, cell)
    call()
    times = 0
    begin = now = time.monotonic()
    while now < begin + seconds:
        call()
        times += 1
        now = time.monotonic()
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    code = [line for line in maps if len(line) > 5 and _LIBRARY in line[5] and "x" in line[1]]
    start, end = (int(text, 16) for text in code[0][0].split("-"))
    found = {"begin": begin, "end": now, "times": times, "library": code[0][5]}
    print(json.dumps(found | {"start": start, "stop": end, "offset": int(code[0][2], 16)}))


def _output(*command: str, given: str | None = None) -> str:
    return subprocess.run(
        command, input=given, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _address_of_offset(library: str, offset: int) -> int:
    """Return by how much addresses of the code exceed places in the file, where it lies."""
    for line in _output("readelf", "-lW", library).splitlines():
        field = line.split()
        if field[:1] == ["LOAD"]:
            begin, address, size = int(field[1], 16), int(field[2], 16), int(field[4], 16)
            if begin <= offset < begin + size:
                return address - begin
    raise RuntimeError(f"{library}: no segment holds the offset {offset:#x}")


def _frames(library: str, addresses: Iterable[int]) -> Iterator[tuple[int, Frames]]:
    """Yield the functions at each address, from the innermost inlined one out."""
    asked = "\n".join(hex(address) for address in addresses)
    lines = _output("addr2line", "-a", "-i", "-f", "-C", "-e", library, given=asked).splitlines()
    address, frames = None, []
    for line in [*lines, "0x0"]:
        if re.fullmatch(r"0x[0-9a-f]+", line):
            if address is not None:
                # Files stand between. What is innermost may be a compiler's own function, for which
                # addr2line gives the name of the outermost.
                functions = frames[::2]
                yield address, functions[1:] or functions
            address, frames = int(line, 16), []
        else:
            frames.append(line)


def profile(mode: str, cell: Cell, seconds: float) -> tuple[float, Counter[str]]:
    """Return the seconds of a call, and the samples of each part."""
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "perf.data")
        shape = json.dumps(dataclasses.asdict(cell))
        command = [sys.executable, "-m", "benchmarks.profiling", "--work", mode, shape]
        found = json.loads(
            _output(
                *("perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-k", "CLOCK_MONOTONIC"),
                *("-o", data, "--", *command, "--seconds", str(seconds)),
            )
        )
        during = f"{found['begin']:.6f},{found['end']:.6f}"
        text = _output("perf", "script", "-i", data, "--time", during, "-F", "ip")
    samples = Counter(int(line, 16) for line in text.split())
    shift = found["offset"] - found["start"]
    shift += _address_of_offset(found["library"], found["offset"])
    inside = {ip + shift: n for ip, n in samples.items() if found["start"] <= ip < found["stop"]}
    parts: Counter[str] = Counter()
    for address, frames in _frames(found["library"], inside):
        parts[part_of(frames)] += inside[address]
    parts[_OUTSIDE] = samples.total() - sum(inside.values())
    return (found["end"] - found["begin"]) / found["times"], parts


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="per cell (default 4)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table there as well")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        mode, shape = options.work
        return _work(mode, Cell(**json.loads(shape)), options.seconds)
    rows = []
    for mode, cell in _CELLS:
        seconds, parts = profile(mode, cell, options.seconds)
        if parts[_REST] > 0.5 * parts.total():
            raise RuntimeError("the installed lstm_native has no debug information: see --help")
        shares = [f"{parts[name] / parts.total():.0%}" if parts[name] else "" for name in _COLUMNS]
        rows.append([mode, cell, quantity(seconds, "s"), *shares])
        print(*rows[-1], sep=" | ", flush=True)
    lines = [f"{processor()}, one thread. Shares of the samples."]
    lines += ["", *table(["mode", "cell", "a call", *_COLUMNS], rows)]
    if options.page:
        write_figures(options.page, lines, mark="profile")


if __name__ == "__main__":
    main()
