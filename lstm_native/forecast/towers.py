"""The network behind all series: an LSTM that reads the past, and one that writes the future.

The second LSTM starts from the states of the first (Sutskever et al. 2014) and takes one step for
each row ahead. It reads what is known of that row: its season, what stood there one season before,
how far it lies ahead, covariates. A dense layer turns each step into quantiles. Several such pairs,
trained from different seeds, stand side by side like towers, and their mean is the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln

Weights = Mapping[str, NDArray[Any]]

_INPUT_WEIGHTS = "weight_ih_l0"


def build(
    *,
    towers: int,
    hidden_size: int,
    past_features: int,
    ahead_features: int,
    quantiles: int,
    seed: int = 0,
) -> ln.Model:
    """Return a network with new weights.

    It maps past (N, timesteps, past_features) and ahead (N, horizon, ahead_features) to
    (N, horizon, quantiles).
    """
    past, ahead = ln.Input(features=past_features), ln.Input(features=ahead_features)
    answers = []
    for _ in range(towers):
        _, state = ln.LSTM(hidden_size)(past)
        steps, _ = ln.LSTM(hidden_size)(ahead, state=state)
        answers.append(ln.Dense(quantiles)(steps))
    answer = answers[0] if towers == 1 else ln.Average()(answers)
    return ln.Model([past, ahead], answer, seed=seed)


def side_by_side(states: Sequence[Weights]) -> dict[str, NDArray[Any]]:
    """Return the weights of one network from those of networks with one tower each."""
    joined: dict[str, NDArray[Any]] = {}
    for tower, state in enumerate(states):
        for name, values in state.items():
            layer, _, parameter = name.partition(".")
            kind, _, position = layer.partition("_")
            each = 2 if kind == "lstm" else 1
            index = tower * each + int(position or 0)
            joined[f"{kind}_{index}.{parameter}" if index else f"{kind}.{parameter}"] = values
    return joined


def widened(state: Weights, past_features: int, ahead_features: int) -> dict[str, NDArray[Any]]:
    """Return the weights for more features, which begin without effect."""
    wider = {}
    for name, values in state.items():
        if name.endswith(_INPUT_WEIGHTS):
            layer = name.partition(".")[0].partition("_")[2]
            features = ahead_features if int(layer or 0) % 2 else past_features
            more = features - values.shape[1]
            values = np.pad(values, [(0, 0), (0, more)])
        wider[name] = values
    return wider
