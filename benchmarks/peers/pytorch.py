"""PyTorch: `nn.LSTM` with time first, its own favourite layout, and `nn.LSTMCell`."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.grid import Cell, sequences, targets
from benchmarks.peers.base import Call, NotDoneError, Peer


class PyTorch(Peer):
    """Inference in `inference_mode`; training as forward, sum, backward."""

    name = "pytorch"
    label = "PyTorch"
    module = "torch"
    needs = ("torch",)
    kinds = frozenset({"inference", "training", "step", "fit", "import"})

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import torch

        self.torch = torch
        torch.set_num_threads(threads)

    @classmethod
    def environment(cls, threads: int, isa: str | None) -> dict[str, str]:
        """Hold oneDNN (the LSTM), ATen's own loops and MKL to the set."""
        found = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        if isa:
            found |= {
                "ONEDNN_MAX_CPU_ISA": isa.upper(),
                "ATEN_CPU_CAPABILITY": isa,
                "MKL_ENABLE_INSTRUCTIONS": isa.upper(),
            }
        return found

    def make(self, kind: str, cell: Cell) -> Call:
        """Return the work of a kind."""
        torch = self.torch
        if kind == "fit":
            return self._fit(cell)
        layer = torch.nn.LSTM(
            cell.features, cell.hidden, cell.layers, bidirectional=cell.bidirectional
        )
        x = torch.from_numpy(np.ascontiguousarray(sequences(cell).swapaxes(0, 1)))
        if kind == "training":

            def train() -> None:
                layer.zero_grad(set_to_none=True)
                y, _ = layer(x.detach().requires_grad_(True))
                y.sum().backward()

            return train
        state = None
        if kind == "step":
            zeros = torch.zeros(1, cell.batch, cell.hidden)
            state = (zeros, zeros)

        def infer() -> None:
            with torch.inference_mode():
                layer(x, state)

        return infer

    def _fit(self, cell: Cell) -> Call:
        torch = self.torch

        class Model(torch.nn.Module):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.lstm = torch.nn.LSTM(cell.features, cell.hidden, cell.layers, batch_first=True)
                self.dense = torch.nn.Linear(cell.hidden, 1)

            def forward(self, x: Any) -> Any:
                return self.dense(self.lstm(x)[0][:, -1])

        model = Model()
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        data = torch.utils.data.TensorDataset(
            torch.from_numpy(sequences(cell)), torch.from_numpy(targets(cell))
        )
        loader = torch.utils.data.DataLoader(data, cell.batch, shuffle=True)

        def epoch() -> None:
            for x, y in loader:
                adam.zero_grad()
                torch.nn.functional.mse_loss(model(x), y).backward()
                adam.step()

        return epoch


class PyTorchCell(PyTorch):
    """The cell alone, which skips the sequence's bookkeeping."""

    name = "pytorch-cell"
    label = "PyTorch LSTMCell"
    kinds = frozenset({"step"})

    def make(self, kind: str, cell: Cell) -> Call:
        """Return one step in `inference_mode`."""
        if kind != "step":
            raise NotDoneError("a cell runs single steps")
        torch = self.torch
        layer = torch.nn.LSTMCell(cell.features, cell.hidden)
        x = torch.from_numpy(sequences(cell)[:, 0])
        zeros = torch.zeros(cell.batch, cell.hidden)
        state = (zeros, zeros)

        def step() -> None:
            with torch.inference_mode():
                layer(x, state)

        return step
