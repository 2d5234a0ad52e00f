"""PyTorch: `nn.LSTM` and its like, time first, its own favourite layout; `nn.LSTMCell`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import problems
from benchmarks.grid import PROBLEMS, RAGGED, Cell, lengths, sequences, targets, time_first
from benchmarks.peers.base import Call, NotDoneError, Peer, only_lstm


class PyTorch(Peer):
    """Inference in `inference_mode`; training as forward, sum, backward."""

    name = "pytorch"
    label = "PyTorch"
    module = "torch"
    needs = ("torch",)
    kinds = frozenset({"inference", "training", "step", "fit", "import", *RAGGED, *PROBLEMS})

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
        if kind in PROBLEMS:
            return problems.of_pytorchs(kind, cell)
        if kind in ("step", "fit"):
            only_lstm(self, cell)
        if kind == "fit":
            return self._fit(cell)
        torch = self.torch
        layer = getattr(torch.nn, cell.type.upper())(
            cell.features, cell.hidden, cell.layers, bidirectional=cell.bidirectional
        )
        x = torch.from_numpy(time_first(cell))
        run = self._packing(layer, cell) if kind in RAGGED else lambda x: layer(x)[0]
        if kind.endswith("training"):

            def train() -> None:
                layer.zero_grad(set_to_none=True)
                run(x.detach().requires_grad_(True)).sum().backward()

            return train
        if kind == "step":
            return self._stepping(lambda state: layer(x, state)[1], (1, cell.batch, cell.hidden))

        def infer() -> None:
            with torch.inference_mode():
                run(x)

        return infer

    def _packing(self, layer: Any, cell: Cell) -> Callable[[Any], Any]:
        """Return a run of padded sequences, which packs, sorts and pads them as its users do."""
        rnn, ends = self.torch.nn.utils.rnn, self.torch.tensor(lengths(cell))

        def run(x: Any) -> Any:
            packed = rnn.pack_padded_sequence(x, ends, enforce_sorted=False)
            return rnn.pad_packed_sequence(layer(packed)[0])[0]

        return run

    def _stepping(self, advance: Callable[[Any], Any], shape: tuple[int, ...]) -> Call:
        """Return a call that goes on from the state which the one before has left."""
        torch = self.torch
        state = (torch.zeros(shape), torch.zeros(shape))

        def step() -> None:
            nonlocal state
            with torch.inference_mode():
                state = advance(state)

        return step

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
        only_lstm(self, cell)
        torch = self.torch
        layer = torch.nn.LSTMCell(cell.features, cell.hidden)
        x = torch.from_numpy(time_first(cell)[0])
        return self._stepping(lambda state: layer(x, state), (cell.batch, cell.hidden))
