"""What was measured, and what follows from it."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.grid import Cell
from benchmarks.limit import Limit
from benchmarks.machine import Peaks
from benchmarks.timing import Spread

OURS = "ours"


@dataclass(frozen=True)
class Figure:
    """What one library needs for one cell: seconds, or bytes; or why there is no such figure."""

    turns: tuple[float, ...] = ()
    reason: str = ""
    spread: Spread | None = None

    @staticmethod
    def of(turns: Sequence[float]) -> Figure:
        """Summarise the turns of a library."""
        return Figure(tuple(turns), "", Spread.of(turns))

    @staticmethod
    def absent(answer: dict[str, Any]) -> Figure:
        """Take the reason out of a worker's answer."""
        if "not_done" in answer:
            return Figure(reason=answer["not_done"])
        return Figure(reason=f"failed: {answer['failed']}")


@dataclass(frozen=True)
class Library:
    """Who was measured, and how it was held."""

    label: str
    version: str = ""
    missing: str = ""  # what would have to be installed
    held_to: str | None = None  # the instruction set, None for all the processor has
    counts: bool = True  # whether ours is compared with it


@dataclass(frozen=True)
class Result:
    """One cell in one mode. `unit` is "s" or "B"."""

    mode: str
    cell: Cell | None
    unit: str
    limit: Limit | None
    figures: dict[str, Figure]

    def median(self, name: str) -> float | None:
        """Return a library's figure, if it has one."""
        figure = self.figures.get(name)
        return figure.spread.median if figure and figure.spread else None

    def ratio(self, name: str) -> float | None:
        """Return how many times ours a library needs: above 1 ours is better."""
        ours, theirs = self.median(OURS), self.median(name)
        if ours is None or theirs is None:
            return None
        # Where ours is nothing measurable, neither is the comparison.
        return theirs / ours if ours > 0 else None

    def reached(self) -> float | None:
        """Return the share of the limit's speed that ours reaches."""
        ours = self.median(OURS)
        return self.limit.seconds / ours if self.limit and ours else None


@dataclass
class Report:
    """A whole run."""

    machine: dict[str, Any]
    peaks: Peaks
    build: dict[str, Any]
    threads: int
    isa: str | None
    settings: dict[str, Any]
    libraries: dict[str, Library]
    results: list[Result] = field(default_factory=list)

    def peers(self) -> list[str]:
        """Return the libraries that ours is compared with."""
        return [name for name, library in self.libraries.items() if library.counts]

    def best_peer(self, result: Result) -> tuple[str, float] | None:
        """Return the peer that does best in a cell and its ratio to ours."""
        ratios = [(result.ratio(name), name) for name in self.peers()]
        known = [(ratio, name) for ratio, name in ratios if ratio is not None]
        if not known:
            return None
        ratio, name = min(known)
        return name, ratio

    def ratios(self, mode: str, peer: str | None = None) -> list[float]:
        """Return the ratios of a mode to one peer, or to the best one of each cell."""
        found = []
        for result in self.of_mode(mode):
            if peer is None:
                best = self.best_peer(result)
                ratio = best[1] if best else None
            else:
                ratio = result.ratio(peer)
            if ratio is not None:
                found.append(ratio)
        return found

    def of_mode(self, mode: str) -> Iterator[Result]:
        """Yield the results of a mode."""
        return (result for result in self.results if result.mode == mode)

    def modes(self) -> list[str]:
        """Return the modes measured, in order."""
        return list(dict.fromkeys(result.mode for result in self.results))

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        found = dataclasses.asdict(self) | {"peaks": self.peaks.to_dict()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def read(path: Path) -> Report:
        """Read what `write` wrote; ValueError when it did not."""
        text = path.read_text(encoding="utf-8")
        try:
            return Report._of(json.loads(text))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not what --json writes ({error!r})") from None

    @staticmethod
    def _of(found: dict[str, Any]) -> Report:
        results = [
            Result(
                mode=r["mode"],
                cell=Cell(**r["cell"]) if r["cell"] else None,
                unit=r["unit"],
                limit=Limit(**r["limit"]) if r["limit"] else None,
                figures={name: _figure(f) for name, f in r["figures"].items()},
            )
            for r in found.pop("results")
        ]
        peaks = Peaks.from_dict(found.pop("peaks"))
        libraries = {name: Library(**v) for name, v in found.pop("libraries").items()}
        return Report(peaks=peaks, libraries=libraries, results=results, **found)


def _figure(found: dict[str, Any]) -> Figure:
    spread = Spread(**found["spread"]) if found["spread"] else None
    return Figure(tuple(found["turns"]), found["reason"], spread)


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the mean of ratios: that of the inverses is its inverse."""
    return statistics.geometric_mean(ratios)
