"""LSTMs in reverse and in both directions, put together from `lstm_forward` by flip and join.

Schuster & Paliwal 1997, "Bidirectional recurrent neural networks"; stacked as PyTorch stacks them:
each layer takes the joined outputs of both directions of the layer below. States of both directions
stand beside each other, layer by layer, the forward direction first.
"""

from __future__ import annotations

import numpy as np

from reference.lstm import NAMES, State, Weights, lstm_backward, lstm_forward, random_lstm


def directed_forward(
    x: np.ndarray,
    weights: Weights,
    num_layers: int,
    state: State | None = None,
    *,
    bidirectional: bool = False,
    reverse: bool = False,
):
    """Stacked layers over a sequence, from its start, its end (`reverse`), or both.

    x (N, T, F); state is (h, c), each (num_layers * D, N, H) for D directions, zeros when None.
    Returns y (N, T, D * H), the final state, and a tape for `directed_backward`.
    """
    runs = _runs(num_layers, bidirectional, reverse)
    h_final, c_final, tape = [], [], []
    layer_input, joined = x, []
    for r, (layer, suffix, flipped) in enumerate(runs):
        own = _of_run(weights, layer, suffix)
        initial = None if state is None else (state[0][r : r + 1], state[1][r : r + 1])
        y, (h, c), steps = lstm_forward(_flip(layer_input, flipped), own, 1, initial)
        joined.append(_flip(y, flipped))
        h_final.append(h[0])
        c_final.append(c[0])
        tape.append((layer, suffix, flipped, steps))
        if r + 1 == len(runs) or runs[r + 1][0] != layer:
            layer_input, joined = np.concatenate(joined, axis=2), []
    return layer_input, (np.stack(h_final), np.stack(c_final)), tape


def directed_backward(dy: np.ndarray, dstate: State | None, weights: Weights, tape):
    """Back-propagation through time for `directed_forward`.

    dy (N, T, D * H); dstate is (dh, dc) of the final state, or None.
    Returns dx (N, T, F), (dh, dc) of the initial state, and the weights' gradients by name.
    """
    hidden = weights["weight_hh_l0"].shape[1]
    dh_initial, dc_initial = [None] * len(tape), [None] * len(tape)
    gradients = {}
    for layer in reversed(range(tape[-1][0] + 1)):
        dx, column = 0.0, 0
        for r, (of_layer, suffix, flipped, steps) in enumerate(tape):
            if of_layer != layer:
                continue
            own = _of_run(weights, layer, suffix)
            final = None if dstate is None else (dstate[0][r : r + 1], dstate[1][r : r + 1])
            part = _flip(dy[:, :, column : column + hidden], flipped)
            part_dx, (dh, dc), part_gradients = lstm_backward(part, final, own, steps)
            dx = dx + _flip(part_dx, flipped)
            dh_initial[r], dc_initial[r] = dh[0], dc[0]
            for name in NAMES:
                gradients[f"{name}_l{layer}{suffix}"] = part_gradients[f"{name}_l0"]
            column += hidden
        dy = dx
    ordered = {name: gradients[name] for name in weights}
    return dy, (np.stack(dh_initial), np.stack(dc_initial)), ordered


def last_outputs(y: np.ndarray, *, bidirectional: bool = False, reverse: bool = False):
    """Each direction's own last step, (N, D * H) of y (N, T, D * H): a reverse one ends at 0."""
    if not bidirectional:
        return y[:, 0] if reverse else y[:, -1]
    hidden = y.shape[2] // 2
    return np.concatenate([y[:, -1, :hidden], y[:, 0, hidden:]], axis=1)


def last_outputs_backward(
    dy: np.ndarray, timesteps: int, *, bidirectional: bool = False, reverse: bool = False
):
    """dy (N, D * H) of `last_outputs` as dy (N, T, D * H) of the sequence."""
    sequence = np.zeros((dy.shape[0], timesteps, dy.shape[1]))
    hidden = dy.shape[1] // 2 if bidirectional else dy.shape[1]
    if not reverse:
        sequence[:, -1, :hidden] = dy[:, :hidden]
    if reverse or bidirectional:
        sequence[:, 0, -hidden:] = dy[:, -hidden:]
    return sequence


def random_directed_lstm(
    rng: np.random.Generator,
    features: int,
    hidden: int,
    num_layers: int = 1,
    *,
    bidirectional: bool = False,
    reverse: bool = False,
) -> Weights:
    """Weights as `random_lstm` draws them, in PyTorch's names and order."""
    weights = {}
    for layer, suffix, _ in _runs(num_layers, bidirectional, reverse):
        width = features if layer == 0 else hidden * (2 if bidirectional else 1)
        own = random_lstm(rng, width, hidden)
        weights |= {f"{name}_l{layer}{suffix}": own[f"{name}_l0"] for name in NAMES}
    return weights


def _runs(num_layers: int, bidirectional: bool, reverse: bool) -> list[tuple[int, str, bool]]:
    """Layer, suffix of its names, and whether its time is flipped, in PyTorch's order."""
    directions = [("", False), ("_reverse", True)] if bidirectional else [("", reverse)]
    return [(layer, *direction) for layer in range(num_layers) for direction in directions]


def _of_run(weights: Weights, layer: int, suffix: str) -> Weights:
    return {f"{name}_l0": weights[f"{name}_l{layer}{suffix}"] for name in NAMES}


def _flip(sequence: np.ndarray, flipped: bool) -> np.ndarray:
    return sequence[:, ::-1] if flipped else sequence
