"""Central differences of small random graphs, against the gradients of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import product as p
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln

N, T, F = 3, 4, 2
STEP = 1e-6

# Layers that keep the time axis, smooth at the points where they are looked at.
KINDS: dict[str, Any] = {
    "lstm": lambda: ln.LSTM(F),
    "gru": lambda: ln.GRU(F),
    "rnn": lambda: ln.RNN(F),
    "both ways": lambda: ln.LSTM(F, bidirectional=True, merge="sum"),
    "dense": lambda: ln.Dense(F, activation="tanh"),
    "conv": lambda: ln.Conv1D(F, 2, padding="causal"),
    "norm": lambda: ln.LayerNorm(),
    "scale": lambda: ln.Scale(-1.5, 0.5),
    "residual": lambda: ln.Residual([ln.Dense(F)]),
}
JOINTS: dict[str, Any] = {
    "add": ln.Add,
    "multiply": ln.Multiply,
    "average": ln.Average,
    "concat": ln.Concat,
    "subtract": lambda: lambda pair: pair[0] - pair[1],
}


@st.composite
def graphs(draw: st.DrawFn) -> ln.Model:
    """Up to eight nodes over two inputs, states and shared layers among them."""
    known = [ln.Input(features=F, name="a"), ln.Input(features=F, name="b")]
    inputs, layers, states = list(known), [], []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from([*KINDS, *JOINTS, "again", "from a state"]))
        source = draw(st.sampled_from(known))
        if kind in JOINTS:
            made = JOINTS[kind]()([source, draw(st.sampled_from(known))])
            if kind == "concat":
                made = ln.Dense(F)(made)
        elif kind == "again" and layers:
            made = draw(st.sampled_from(layers))(source)
        elif kind == "from a state" and states:
            made = ln.GRU(F)(source, state=draw(st.sampled_from(states)))
        else:
            layer = KINDS.get(kind, KINDS["dense"])()
            layers.append(layer)
            made = layer(source)
        if isinstance(made, tuple):
            made, state = made
            if isinstance(state, ln.Symbol) and state._port.stacked == 1:
                states.append(state)
        known.append(made)
    left = [one for one in inputs if not reaches(known[-1], one)]
    end = ln.Add()([known[-1], *left]) if left else known[-1]
    last = ln.Dense(1, name="last")(ln.MeanPool()(end))
    return ln.Model(inputs, [ln.Dense(1, name="each")(end), last], dtype="float64", seed=1)


def reaches(symbol: ln.Symbol, target: ln.Symbol) -> bool:
    """Whether a symbol depends on an input."""
    if symbol.node is target.node:
        return True
    return any(one is not None and reaches(one, target) for one in symbol.node.sources)


@given(model=graphs(), seed=p.seeds, with_lengths=st.booleans())
def test_gradients_are_central_differences(model, seed, with_lengths):
    rng = np.random.default_rng(seed)
    model.load_state_dict(
        {name: rng.uniform(-0.6, 0.6, v.shape) for name, v in model.state_dict().items()}
    )
    x = [rng.normal(size=(N, T, F)) for _ in range(2)]
    y = [rng.normal(size=(N, T, 1)), rng.normal(size=(N, 1))]
    options: dict[str, Any] = {"loss": "mse", "loss_weights": [0.5, 2.0], "seed": 0}
    if with_lengths:
        ends = rng.integers(1, T + 1, N)
        options["lengths"] = [ends, ends]
    _, gradients = model.gradients(x, y, **options)
    weights = model.state_dict()
    for name, found in gradients.items():
        place = tuple(rng.integers(0, size) for size in found.shape)
        values = []
        for sign in (1.0, -1.0):
            moved = {**weights, name: weights[name].copy()}
            moved[name][place] += sign * STEP
            model.load_state_dict(moved)
            values.append(model.gradients(x, y, **options)[0])
        difference = (values[0] - values[1]) / (2 * STEP)
        assert abs(difference - found[place]) <= 1e-7 * max(1.0, abs(difference)), name
    model.load_state_dict(weights)
