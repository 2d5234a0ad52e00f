"""Beam search of translations: the encoder and decoder with attention of translation.py.

Both have the same weights and find the same sequences: `Model.beam_search` with the sentences held,
and PyTorch's loop of beam.py around one step of the decoder; what is read is encoded once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import beam, translation
from benchmarks.grid import Cell
from benchmarks.peers.base import Call

WIDTH, BEGIN, END = 5, 1, 0


def our_model(cell: Cell) -> Any:
    """Return the model of lstm_native, with weights that tell words apart; it never ends early."""
    model = translation.our_model(cell)
    weights = {name: 4 * value for name, value in model.state_dict().items()}
    weights["dense.bias"][END] = -30.0
    model.load_state_dict(weights)
    return model


def ours(cell: Cell) -> Call:
    """Return the call of lstm_native, which returns the best tokens of each sentence."""
    model, (source, _, _) = our_model(cell), translation.data(cell)
    held = {model.inputs[0].node.name or "input": source}
    begin = np.full((cell.batch, 1), BEGIN)

    def call() -> list[list[int]]:
        found = model.beam_search(begin, steps=cell.timesteps, end=END, width=WIDTH, **held)
        return [best[0].tokens.tolist() for best in found]

    return call


def pytorchs(cell: Cell) -> Call:
    """Return the call of PyTorch."""
    import torch

    theirs = translation.pytorch_model(cell)
    model = translation.with_our_weights(theirs, our_model(cell).state_dict())
    source = torch.from_numpy(translation.data(cell)[0])
    begin = torch.full((cell.batch,), BEGIN)

    @torch.inference_mode()
    def call() -> list[list[int]]:
        memory, (h, c) = model.encoder(model.read(source))
        parts = (h[0], c[0], model.key(memory), memory)
        h, c, keys, memory = (part.repeat_interleave(WIDTH, 0) for part in parts)

        def step(tokens: Any, state: Any) -> Any:
            h, c = model.step(model.said(tokens), *state, keys, memory)
            return model.logits(h), (h, c)

        return beam.search(step, (h, c), begin, width=WIDTH, steps=cell.timesteps, end=END)

    return call
