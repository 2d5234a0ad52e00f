"""What is measured: the cells of the grid, and the modes."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TIMESTEPS = 100


@dataclass(frozen=True)
class Cell:
    """Sizes of one measurement; those that its work does not have are 0.

    `samples` is of a whole data set, for `fit` alone. `type` is "lstm", "gru" or "rnn", the plain
    one with tanh; labels leave it to the mode's name. `symbols` are those of a vocabulary.
    """

    batch: int
    features: int
    hidden: int
    timesteps: int = TIMESTEPS
    layers: int = 1
    bidirectional: bool = False
    samples: int = 0
    type: str = "lstm"
    symbols: int = 0

    def __str__(self) -> str:
        """Return the sizes, leaving out those of the plain grid."""
        words = [f"B{self.batch}"]
        words += [f"F{self.features}"] * bool(self.features)
        words += [f"H{self.hidden}"] * bool(self.hidden)
        words += [f"V{self.symbols}"] * bool(self.symbols)
        words += [f"T{self.timesteps}"] * (self.timesteps != TIMESTEPS)
        words += [f"L{self.layers}"] * (self.layers != 1)
        words += ["bi"] * self.bidirectional
        return " ".join(words)


@dataclass(frozen=True)
class Mode:
    """One way to use a layer.

    `kind` is what a peer is asked for; modes of one kind differ in their cells.
    """

    name: str
    kind: str
    cells: tuple[Cell | None, ...]
    quick: tuple[Cell | None, ...]
    fresh: bool = False  # measured in a new process each time
    unit: str = "s"
    peers: frozenset[str] | None = None  # those it is measured with, None for all that can
    fixed: bool = False  # no other cells may be chosen
    bounded: bool = True  # limit.py knows the least time


GRID = (
    *(Cell(1, f, h) for f, h in [(1, 8), (8, 16), (16, 32), (64, 64), (128, 128)]),
    *(Cell(1, h, h) for h in (256, 512, 1024)),
    *(Cell(32, f, h) for f, h in [(16, 32), (64, 64), (128, 128), (256, 256)]),
    Cell(64, 512, 512),
    Cell(128, 1024, 1024, timesteps=50),
)
QUICK = (Cell(1, 8, 16), Cell(1, 64, 64), Cell(1, 256, 256), Cell(32, 16, 32), Cell(32, 128, 128))
FIT = (
    Cell(32, 1, 32, timesteps=24, samples=4096),
    Cell(32, 8, 64, layers=2, samples=4096),
)
DEEP = (Cell(1, 16, 32), Cell(1, 128, 128), Cell(32, 64, 64), Cell(32, 128, 128))
FIRST = (Cell(1, 16, 32), Cell(32, 64, 64))
LENGTHS = (Cell(32, 16, 32), Cell(32, 64, 64), Cell(32, 128, 128))
LONG = (
    Cell(1, 64, 64, timesteps=2000),
    Cell(8, 64, 64, timesteps=2000),
    Cell(32, 16, 32, timesteps=1000),
)

# A layer and a Dense that is as wide as its input, as a chain.
CHAINS = (Cell(1, 8, 16), Cell(1, 64, 64), Cell(32, 16, 32), Cell(32, 64, 64), Cell(32, 128, 128))
SENTENCES = (Cell(32, 128, 128, timesteps=20, symbols=1000),)
SPEECH = (Cell(32, 0, 0, symbols=40),)
PROMPTS = tuple(Cell(n, 128, 128, timesteps=30, symbols=1000) for n in (1, 2, 8))
SOURCES = tuple(Cell(n, 128, 128, timesteps=20, symbols=1000) for n in (1, 8))


def _stacked(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(dataclasses.replace(c, layers=2) for c in cells)


def _both_ways(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(dataclasses.replace(c, bidirectional=True) for c in cells)


def _of_type(name: str, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(dataclasses.replace(c, type=name) for c in cells)


def _single_steps(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """One step of one sequence for each F, H of the cells."""
    return tuple(dict.fromkeys(Cell(1, c.features, c.hidden, timesteps=1) for c in cells))


_ONE_OF_EACH = (DEEP[0], DEEP[2])
_FEW = (QUICK[1], QUICK[3])
# Whose operators have layers, directions, lengths and the other cells.
_LAYERS = frozenset({"pytorch", "onnxruntime"})
_OTHERS = ("gru", "rnn")
RAGGED = ("lengths-inference", "lengths-training")  # kinds of calls, and the modes that time them
CHECKPOINT = "checkpoint-training"
GRAPHS = ("graph-inference", "graph-training")
# Modes whose work is a problem of its own (benchmarks/problems/), by name, with their cells.
PROBLEMS = {"translation": SENTENCES, "ctc": SPEECH, "beam": PROMPTS, "beam-translation": SOURCES}
MODES = {
    mode.name: mode
    for mode in (
        Mode("inference", "inference", GRID, QUICK),
        Mode("training", "training", GRID, QUICK),
        Mode("step", "step", _single_steps(GRID), _single_steps(QUICK)),
        Mode(
            "stacked-inference", "inference", _stacked(DEEP), _stacked(_ONE_OF_EACH), peers=_LAYERS
        ),
        Mode("stacked-training", "training", _stacked(DEEP), _stacked(_ONE_OF_EACH), peers=_LAYERS),
        Mode(
            "bidirectional-inference",
            "inference",
            _both_ways(DEEP),
            _both_ways(_ONE_OF_EACH),
            peers=_LAYERS,
        ),
        Mode(
            "bidirectional-training",
            "training",
            _both_ways(DEEP),
            _both_ways(_ONE_OF_EACH),
            peers=_LAYERS,
        ),
        *(
            Mode(f"{name}-{kind}", kind, _of_type(name, GRID), _of_type(name, _FEW), peers=_LAYERS)
            for name in _OTHERS
            for kind in ("inference", "training")
        ),
        *(Mode(kind, kind, LENGTHS, LENGTHS[1:2]) for kind in RAGGED),
        Mode(CHECKPOINT, CHECKPOINT, LONG, LONG[:1]),
        Mode("fit", "fit", FIT, FIT[:1], fixed=True),
        *(Mode(kind, kind, CHAINS, CHAINS[1:3], bounded=False) for kind in GRAPHS),
        *(
            Mode(name, name, cells, cells[:1], fixed=True, bounded=False)
            for name, cells in PROBLEMS.items()
        ),
        Mode("import", "import", (None,), (None,), fresh=True, fixed=True),
        Mode("first-call", "inference", FIRST, FIRST[:1], fresh=True),
        Mode(
            "memory",
            "training",
            GRID,
            (QUICK[1], QUICK[-1]),
            fresh=True,
            unit="B",
            peers=frozenset({"pytorch"}),
        ),
        Mode("checkpoint-memory", CHECKPOINT, LONG, LONG[:1], fresh=True, unit="B"),
    )
}


def cells_of(
    mode: Mode, chosen: tuple[Cell, ...] | None, *, quick: bool
) -> tuple[Cell | None, ...]:
    """Return the cells of a mode; `chosen` ones replace the grid's where sizes are free."""
    if chosen is None or mode.fixed:
        return mode.quick if quick else mode.cells
    if mode.name == "step":
        return _single_steps(chosen)
    if mode.name.startswith("stacked"):
        return _stacked(chosen)
    if mode.name.startswith("bidirectional"):
        return _both_ways(chosen)
    if mode.name.startswith(_OTHERS):
        return _of_type(mode.name.partition("-")[0], chosen)
    return chosen


def parse_cells(text: str) -> tuple[Cell, ...]:
    """Read "1,64,64 128,1024,1024,50": B,F,H, and T where it is not 100."""
    cells = []
    for part in text.split():
        try:
            numbers = [int(n) for n in part.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) not in (3, 4) or min(numbers) < 1:
            raise argparse.ArgumentTypeError(
                f"expected B,F,H or B,F,H,T in whole numbers from 1, got '{part}'"
            )
        batch, features, hidden, *timesteps = numbers
        steps = timesteps[0] if timesteps else TIMESTEPS
        cells.append(Cell(batch, features, hidden, steps))
    if not cells:
        raise argparse.ArgumentTypeError("expected at least one cell B,F,H")
    return tuple(cells)


@functools.lru_cache(maxsize=1)
def sequences(cell: Cell) -> NDArray[np.float32]:
    """Input (N, T, F), the same for every library."""
    shape = (cell.samples or cell.batch, cell.timesteps, cell.features)
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@functools.lru_cache(maxsize=1)
def time_first(cell: Cell) -> NDArray[np.float32]:
    """Input (T, N, F)."""
    return np.ascontiguousarray(sequences(cell).swapaxes(0, 1))


@functools.lru_cache(maxsize=1)
def lengths(cell: Cell) -> tuple[int, ...]:
    """Return the true steps of each sequence, from 1 to T, the same for every library.

    Python promises that `random()` repeats from version to version, NumPy does not: what is said
    of a recorded run must not change.
    """
    drawn = random.Random(2)
    return tuple(1 + int(drawn.random() * cell.timesteps) for _ in range(cell.batch))


@functools.lru_cache(maxsize=1)
def targets(cell: Cell) -> NDArray[np.float32]:
    """Target (N, 1) of `fit`."""
    return np.random.default_rng(1).standard_normal((cell.samples, 1), dtype=np.float32)
