"""lstm_native itself, through Python and through its native module."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from benchmarks import problems
from benchmarks.grid import (
    CHECKPOINT,
    GRAPHS,
    PROBLEMS,
    RAGGED,
    Cell,
    lengths,
    sequences,
    targets,
)
from benchmarks.peers.base import Call, NotDoneError, Peer


class Ours(Peer):
    """As its users use it."""

    name = "ours"
    label = "lstm_native"
    module = "lstm_native"
    needs = ("lstm-native",)
    kinds = frozenset(
        {"inference", "training", "step", "fit", "import", *RAGGED, CHECKPOINT, *GRAPHS, *PROBLEMS}
    )
    is_peer = False

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import lstm_native

        self.ln = lstm_native
        self.ln.set_num_threads(threads)

    @classmethod
    def missing(cls) -> str | None:
        """Return what is not there. A package on PYTHONPATH serves without being installed."""
        return None if importlib.util.find_spec(cls.module) else "lstm-native"

    @classmethod
    def version(cls) -> str:
        """Return the version of the compiled core."""
        import lstm_native

        return str(lstm_native.__version__)

    def layer(self, cell: Cell, **options: Any) -> Any:
        """Return the layer of a cell."""
        types = {"lstm": self.ln.LSTM, "gru": self.ln.GRU, "rnn": self.ln.RNN}
        options |= {"input_size": cell.features, "num_layers": cell.layers, "seed": 0}
        try:
            return types[cell.type](cell.hidden, bidirectional=cell.bidirectional, **options)
        except NotImplementedError as error:
            raise NotDoneError(f"the installed version: {error}") from None

    def network(self, cell: Cell) -> Any:
        """Return the model that `fit` trains."""
        layers = [self.layer(cell, return_sequences=False), self.ln.Dense(1)]
        return self.ln.Sequential(layers, seed=0)

    def make(self, kind: str, cell: Cell) -> Call:
        """Return the work of a kind."""
        if kind in PROBLEMS:
            return problems.of_ours(kind, cell)
        if kind in GRAPHS:
            return self._run(kind, self.graph(cell), cell)
        if kind == "fit":
            return self._fit(cell)
        if kind == "step":
            return self._step(cell)
        layer, x = self.layer(cell, checkpoint=kind == CHECKPOINT), sequences(cell)
        ends = np.array(lengths(cell)) if kind in RAGGED else None
        if kind.endswith("inference"):
            return lambda: layer(x, lengths=ends)
        width = cell.hidden * (1 + cell.bidirectional)
        dy = np.ones((cell.batch, cell.timesteps, width), dtype=np.float32)

        def train() -> None:
            _, _, tape = layer.forward(x, lengths=ends)
            tape.backward(dy)

        return train

    def graph(self, cell: Cell) -> Any:
        """Return a layer and a Dense as a graph."""
        x = self.ln.Input(features=cell.features)
        y, _ = self.layer(cell)(x)
        return self.ln.Model(x, self.ln.Dense(cell.features)(y), seed=0)

    def _run(self, kind: str, model: Any, cell: Cell) -> Call:
        """Return one pass of a model, or one update of it that makes it answer its input."""
        x, adam = sequences(cell), self.ln.Adam(1e-3)
        if kind.endswith("inference"):
            return lambda: model.predict(x)
        return lambda: model.train_on_batch(x, x, loss="mse", optimizer=adam, seed=0)

    def _fit(self, cell: Cell) -> Call:
        model, x, y = self.network(cell), sequences(cell), targets(cell)
        adam = self.ln.Adam(1e-3)
        return lambda: model.fit(
            x, y, batch_size=cell.batch, loss="mse", optimizer=adam, seed=0, verbose=False
        )

    def _step(self, cell: Cell) -> Call:
        model = self.ln.Sequential([self.layer(cell)])
        if not hasattr(model, "stream"):
            raise NotDoneError("the installed version has no stream()")
        step, x = model.stream(batch_size=cell.batch).step, sequences(cell)[:, 0]
        return lambda: step(x)


class OursCore(Ours):
    """The native training steps alone: what the Python layer costs is the difference."""

    name = "ours-core"
    label = "lstm_native core"
    kinds = frozenset({"fit"})

    def make(self, kind: str, cell: Cell) -> Call:
        """Return an epoch whose order of samples stands ready."""
        from lstm_native import _core

        model = self.network(cell)
        x, y = sequences(cell), targets(cell)
        adam = self.ln.Adam(1e-3).to_json()
        trainer = _core.Trainer32(model._built_network(), '{"type": "mse"}', adam)
        order = np.random.default_rng(0).permutation(cell.samples).astype(np.int64)
        batches = np.split(order, range(cell.batch, cell.samples, cell.batch))

        def epoch() -> None:
            for rows in batches:
                trainer.step(x, y, None, rows, 0)

        return epoch


class OursFull(Ours):
    """The batch of `lengths` as if every sequence had all steps."""

    name = "ours-full"
    label = "lstm_native full"
    kinds = frozenset(RAGGED)

    def make(self, kind: str, cell: Cell) -> Call:
        """Return the same work without lengths."""
        return super().make(kind.removeprefix("lengths-"), cell)


class OursWhole(Ours):
    """Training that keeps every step's states."""

    name = "ours-whole"
    label = "without checkpoints"
    kinds = frozenset({CHECKPOINT})

    def make(self, kind: str, cell: Cell) -> Call:
        """Return the same work without checkpoints."""
        return super().make("training", cell)


class OursChain(Ours):
    """The layers of a graph's chain, in a Sequential."""

    name = "ours-chain"
    label = "as a Sequential"
    kinds = frozenset(GRAPHS)

    def make(self, kind: str, cell: Cell) -> Call:
        """Return the same work of a Sequential."""
        layers = [self.layer(cell), self.ln.Dense(cell.features)]
        return self._run(kind, self.ln.Sequential(layers, seed=0), cell)
