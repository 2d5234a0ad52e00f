"""The machine: its processor, its caches, and what a core of it can do at best, measured."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SMALLEST_READ = 1 << 14
_READ_BYTES = 1 << 25  # a measurement of a cache reads so many, again and again
# Short bursts, the best of many: on a shared core a long one always has others' time in it.
_FMA_ITERATIONS = 300_000  # about 1 ms
_BURSTS = 100


@dataclass(frozen=True)
class Level:
    """A cache, or the memory."""

    name: str
    bandwidth: float  # bytes a second that one core reads


@dataclass(frozen=True)
class Peaks:
    """Best figures of one core, for the instruction set in use."""

    flops: float  # float32 multiply-adds, two operations each, a second
    caches: dict[str, int]  # bytes of each level, smallest first
    reads: dict[int, float]  # bytes a second, reading a buffer of so many bytes over and over

    def level(self, size: float) -> Level:
        """Return the level that holds so many bytes, with its bandwidth for a buffer like that."""
        fitting = [bandwidth for buffer, bandwidth in self.reads.items() if size <= buffer]
        return Level(self.level_name(size), fitting[0] if fitting else [*self.reads.values()][-1])

    def level_name(self, size: float) -> str:
        """Return the smallest cache that is large enough, or "memory"."""
        return next((name for name, held in self.caches.items() if size <= held), "memory")

    def levels(self) -> list[Level]:
        """Return each level with the best bandwidth found in it."""
        found: dict[str, float] = {}
        for buffer, bandwidth in self.reads.items():
            name = self.level_name(buffer)
            found[name] = max(bandwidth, found.get(name, 0.0))
        return [Level(name, bandwidth) for name, bandwidth in found.items()]

    def to_dict(self) -> dict[str, Any]:
        """Return the peaks as JSON has them."""
        return {
            "flops": self.flops,
            "caches": self.caches,
            "reads": {str(size): bandwidth for size, bandwidth in self.reads.items()},
        }

    @staticmethod
    def from_dict(found: dict[str, Any]) -> Peaks:
        """Read what `to_dict` wrote."""
        reads = {int(size): bandwidth for size, bandwidth in found["reads"].items()}
        return Peaks(found["flops"], found["caches"], reads)


def best(first: Peaks, second: Peaks) -> Peaks:
    """Return the better of two measurements of one machine, figure by figure."""
    reads = {size: max(first.reads[size], second.reads[size]) for size in first.reads}
    return Peaks(max(first.flops, second.flops), first.caches, reads)


def processor() -> str:
    """Return the name of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def caches(folder: Path = _CACHES) -> dict[str, int]:
    """Return bytes of each level that holds data: {"L1": 32768, ...}; empty where unknown."""
    found = {}
    for index in sorted(folder.glob("index*")):
        text = {k: (index / k).read_text().strip() for k in ("level", "type", "size")}
        if text["type"] != "Instruction":
            found[f"L{text['level']}"] = int(text["size"][:-1]) * _UNITS[text["size"][-1]]
    return dict(sorted(found.items()))


def buffer_sizes(sizes: dict[str, int]) -> list[int]:
    """Return the buffers to read: powers of two, up to one that no cache holds a quarter of."""
    largest = max(_READ_BYTES, 4 * max(sizes.values(), default=0))
    found = [_SMALLEST_READ]
    while found[-1] < largest:
        found.append(2 * found[-1])
    return found


def measure_peaks() -> Peaks:
    """Measure this core with the library's own probes. Takes about two seconds."""
    from lstm_native import _core

    if not hasattr(_core, "probe_read"):
        raise RuntimeError("the installed lstm_native has no probes; install this version of it")

    def best_rate(bursts: int, probe: Any, *arguments: int) -> float:
        found = (probe(*arguments) for _ in range(bursts))
        return float(max(amount / time for amount, time in found))

    reads = {}
    for size in buffer_sizes(found := caches()):
        times = max(1, _READ_BYTES // size)
        bursts = max(3, min(_BURSTS, _BURSTS * _READ_BYTES // (16 * size)))
        reads[size] = best_rate(bursts, _core.probe_read, size, times)
    return Peaks(best_rate(_BURSTS, _core.probe_multiply_add, _FMA_ITERATIONS), found, reads)


def cores(threads: int) -> list[int]:
    """Return the cores that all workers are pinned to: the last ones this process may use."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if allowed and threads > len(allowed):
        raise ValueError(f"{threads} threads need as many cores, this process may use {allowed}")
    return allowed[-threads:]


def describe() -> dict[str, Any]:
    """Return what names this machine in a JSON."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
