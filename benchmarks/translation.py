"""An encoder and a decoder with additive attention (Bahdanau et al. 2015), trained on one batch.

Both have the same layers and parameters: embeddings, an LSTM that reads, an LSTM that looks at what
was read before each step, and logits of the vocabulary; cross-entropy and Adam. PyTorch's is
written as its users write it: the loop over `LSTMCell` is Python's, with all that does not depend
on the step before (embeddings, keys, logits) in front of the loop or behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Cell
from benchmarks.peers.base import Call

RATE = 1e-3


def data(cell: Cell) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return what is read, what is said before each step, and what is to be said: (N, T) each."""
    shape = (3, cell.batch, cell.timesteps)
    source, before, answer = np.random.default_rng(0).integers(0, cell.symbols, shape)
    return source, before, answer


def our_model(cell: Cell) -> Any:
    """Return the model of lstm_native."""
    import lstm_native as ln

    source, before = ln.Input(tokens=cell.symbols), ln.Input(tokens=cell.symbols)
    read = ln.Embedding(cell.symbols, cell.features)(source)
    said = ln.Embedding(cell.symbols, cell.features)(before)
    memory, state = ln.LSTM(cell.hidden)(read)
    y, _ = ln.AttentionLSTM(cell.hidden)(said, memory, state=state)
    return ln.Model([source, before], ln.Dense(cell.symbols)(y), seed=0)


def ours(cell: Cell) -> Call:
    """Return the call of lstm_native."""
    import lstm_native as ln

    model, adam = our_model(cell), ln.Adam(RATE)
    source, before, answer = data(cell)
    return lambda: model.train_on_batch(
        [source, before], answer, loss="categorical_crossentropy", optimizer=adam, seed=0
    )


def pytorch_model(cell: Cell) -> Any:
    """Return the model of PyTorch."""
    import torch
    from torch import nn

    class Translator(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            features, hidden, symbols = cell.features, cell.hidden, cell.symbols
            self.read = nn.Embedding(symbols, features)
            self.said = nn.Embedding(symbols, features)
            self.encoder = nn.LSTM(features, hidden, batch_first=True)
            self.decoder = nn.LSTMCell(features + hidden, hidden)
            self.query = nn.Linear(hidden, hidden, bias=False)
            self.key = nn.Linear(hidden, hidden, bias=False)
            self.score = nn.Linear(hidden, 1, bias=False)
            self.logits = nn.Linear(hidden, symbols)

        def forward(self, source: Any, before: Any) -> Any:
            memory, (h, c) = self.encoder(self.read(source))
            keys, words = self.key(memory), self.said(before)
            h, c, found = h[0], c[0], []
            for t in range(before.shape[1]):
                h, c = self.step(words[:, t], h, c, keys, memory)
                found.append(h)
            return self.logits(torch.stack(found, 1))

        def step(self, word: Any, h: Any, c: Any, keys: Any, memory: Any) -> Any:
            scores = self.score(torch.tanh(self.query(h).unsqueeze(1) + keys))
            context = (scores.softmax(1) * memory).sum(1)
            return self.decoder(torch.cat([word, context], 1), (h, c))

    return Translator()


def with_our_weights(theirs: Any, weights: Mapping[str, NDArray[np.float32]]) -> Any:
    """Return the model of PyTorch with the weights of `our_model`."""
    import torch

    gates = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    names = {
        "read.weight": "embedding.weight",
        "said.weight": "embedding_1.weight",
        **{f"encoder.{n}_l0": f"lstm.{n}_l0" for n in gates},
        **{f"decoder.{n}": f"attention_lstm.{n}_l0" for n in gates},
        "query.weight": "attention_lstm.query_weight",
        "key.weight": "attention_lstm.memory_weight",
        "score.weight": "attention_lstm.v",
        "logits.weight": "dense.weight",
        "logits.bias": "dense.bias",
    }
    state = {mine: torch.tensor(weights[name]) for mine, name in names.items()}
    state["score.weight"] = state["score.weight"].reshape(1, -1)
    theirs.load_state_dict(state)
    return theirs


def pytorchs(cell: Cell) -> Call:
    """Return the call of PyTorch."""
    import torch

    model = pytorch_model(cell)
    adam = torch.optim.Adam(model.parameters(), RATE)
    loss = torch.nn.CrossEntropyLoss()
    source, before, answer = map(torch.from_numpy, data(cell))

    def call() -> None:
        adam.zero_grad()
        loss(model(source, before).flatten(0, 1), answer.flatten()).backward()
        adam.step()

    return call
