"""What a model looks like: a table of its layers, their outputs and their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_native.network.stack import Stack

# Enough steps for the window of any Highway, to ask for a shape where the length is open.
_MANY_STEPS = 1 << 24


def table(model: Stack) -> str:
    """Return the table that `Sequential.summary` shows; RuntimeError before it is built."""
    model._built_network()
    rows = [("layer", "output", "parameters")]
    timed = True
    for layer in model.layers:
        timesteps, features = layer._native.output_shape(_MANY_STEPS if timed else 0)
        timed = timesteps > 0
        shape = f"(N, T, {features})" if timed else f"(N, {features})"
        count = sum(value.size for value in layer.state_dict().values())
        rows.append((type(layer).__name__, shape, f"{count:,}"))
    rows.append(("total", "", f"{model.parameter_count:,}"))
    return "\n".join(f"{a:<10} {b:<12} {c:>11}".rstrip() for a, b, c in rows)
