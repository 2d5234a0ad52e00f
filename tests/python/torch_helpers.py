"""PyTorch's recurrent modules and ours, run on the same numbers. Decides nothing about truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

TORCH = {np.dtype("float32"): torch.float32, np.dtype("float64"): torch.float64}


def torch_cell(kind: str, features: int, hidden: int, *, dtype: Any, **options: Any) -> Any:
    """torch.nn's LSTM, GRU or RNN, batch first."""
    torch.manual_seed(0)
    return getattr(torch.nn, kind)(
        features, hidden, batch_first=True, dtype=TORCH[np.dtype(dtype)], **options
    )


def torch_lstm(features: int, hidden: int, **options: Any) -> Any:
    """torch.nn.LSTM, batch first."""
    return torch_cell("LSTM", features, hidden, **options)


def state_of(module: Any) -> dict[str, np.ndarray]:
    """A module's parameters by name."""
    return {name: value.detach().numpy().copy() for name, value in module.state_dict().items()}


def tensor(a: np.ndarray, requires_grad: bool = False) -> Any:
    """A tensor of these numbers."""
    return torch.tensor(a).requires_grad_(requires_grad)


def pass_of_torch(
    module: Any,
    x: np.ndarray,
    state: tuple[np.ndarray, ...] | None,
    dy: np.ndarray,
    dstate: tuple[np.ndarray, ...],
    lengths: np.ndarray | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Values and gradients of one pass, by name; sequences of `lengths` are packed.

    States are tuples, for every kind of cell. Without a state its gradients are not among these.
    """
    module.zero_grad()
    tx = tensor(x, True)
    initial = None if state is None else [tensor(part, True) for part in state]
    given: Any = tx
    if lengths is not None:
        given = pack_padded_sequence(tx, lengths.tolist(), batch_first=True, enforce_sorted=False)
    pair = isinstance(module, torch.nn.LSTM)
    if initial is None:
        y, final = module(given)
    else:
        y, final = module(given, tuple(initial) if pair else initial[0])
    finals = final if pair else (final,)
    if lengths is not None:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    torch.autograd.backward([y, *finals], [tensor(a) for a in (dy, *dstate)])
    values = {"y": y} | {f"final {k}": part for k, part in zip("hc", finals, strict=False)}
    gradients = {"x": tx.grad} | {name: p.grad for name, p in module.named_parameters()}
    if initial is not None:
        gradients |= {k: part.grad for k, part in zip("hc", initial, strict=False)}
    return (
        {name: value.detach().numpy() for name, value in values.items()},
        {name: value.numpy() for name, value in gradients.items()},
    )


def pass_of_ours(
    layer: Any,
    x: np.ndarray,
    state: tuple[np.ndarray, ...] | None,
    dy: np.ndarray,
    dstate: tuple[np.ndarray, ...],
    lengths: np.ndarray | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The same of a layer of this library."""

    def public(parts: tuple[np.ndarray, ...]) -> Any:
        return parts if len(parts) > 1 else parts[0]

    def parts_of(public_state: Any) -> tuple[np.ndarray, ...]:
        return public_state if isinstance(public_state, tuple) else (public_state,)

    options = {} if lengths is None else {"lengths": lengths}
    y, final, tape = layer.forward(x, None if state is None else public(state), **options)
    dx, initial, gradients = tape.backward(dy, public(dstate))
    values = {"y": y} | {f"final {k}": v for k, v in zip("hc", parts_of(final), strict=False)}
    gradients = {"x": dx, **gradients}
    if state is not None:
        gradients |= dict(zip("hc", parts_of(initial), strict=False))
    return values, gradients
