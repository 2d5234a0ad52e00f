"""Work that is a problem of its own, a module for each: how our users and PyTorch's would write it.

A module has `ours` and `pytorchs`, which get the cell and return the call to be timed.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from benchmarks.grid import Cell
from benchmarks.peers.base import Call, NotDoneError


def of_ours(name: str, cell: Cell) -> Call:
    """Return the call of lstm_native."""
    module = _module(name)
    call: Call = module.ours(_sizes(module, cell))
    return call


def of_pytorchs(name: str, cell: Cell) -> Call:
    """Return the call of PyTorch."""
    module = _module(name)
    make = getattr(module, "pytorchs", None) or module.torchs
    call: Call = make(_sizes(module, cell))
    return call


def _module(name: str) -> ModuleType:
    name = name.replace("-", "_")
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"benchmarks.{name}":
            raise
        raise NotDoneError(f"there is no benchmarks/{name}.py") from None


def _sizes(module: ModuleType, cell: Cell) -> object:
    """Return the cell, or the sizes of a module that can be run by itself."""
    problem = getattr(module, "Problem", None)
    if problem is None:
        return cell
    return problem(
        prompts=cell.batch, hidden=cell.hidden, vocabulary=cell.symbols, steps=cell.timesteps
    )
