"""CTC with its gradient: a batch of speech with letters.

Both get logits and give the gradient with respect to them: `losses.CTC().value_and_gradient`, and
log_softmax, `torch.nn.CTCLoss` and backward.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Cell
from benchmarks.peers.base import Call

LABELS = 20  # of each sample


def data(cell: Cell) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return logits (N, T, V) and labels (N, L); label 0 is the blank."""
    random = np.random.default_rng(0)
    shape = (cell.batch, cell.timesteps, cell.symbols)
    labels = random.integers(1, cell.symbols, (cell.batch, LABELS))
    return random.standard_normal(shape, dtype=np.float32), labels


def ours(cell: Cell) -> Call:
    """Return the call of lstm_native."""
    import lstm_native as ln

    x, y = data(cell)
    loss = ln.losses.CTC()
    return lambda: loss.value_and_gradient(y, x)


def pytorchs(cell: Cell) -> Call:
    """Return the call of PyTorch."""
    import torch

    x, y = data(cell)
    logits = torch.tensor(x.swapaxes(0, 1).copy(), requires_grad=True)  # as it wants them
    labels = torch.tensor(y)
    steps = torch.full((cell.batch,), cell.timesteps)
    lengths = torch.full((cell.batch,), LABELS)
    loss = torch.nn.CTCLoss()

    def call() -> None:
        logits.grad = None
        loss(logits.log_softmax(-1), labels, steps, lengths).backward()

    return call
