"""What the ONNX operators LSTM, GRU and RNN share: their inputs, attributes, and one way to run.

Nothing here knows a cell: `onnx_ops` says which layer, which order of gates and which options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.activations import PARAMETERS
from lstm_native._base.arrays import as_array
from lstm_native._base.checks import check_choice, check_int, check_real
from lstm_native._base.values import as_values
from lstm_native.layers.layer import Layer, check_size

Values = NDArray[Any]

DIRECTIONS = ("forward", "reverse", "bidirectional")

# ONNX's names, and this library's.
ACTIVATIONS = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Affine": "affine",
    "LeakyRelu": "leaky_relu",
    "ThresholdedRelu": "thresholded_relu",
    "ScaledTanh": "scaled_tanh",
    "HardSigmoid": "hard_sigmoid",
    "Elu": "elu",
    "Softsign": "softsign",
    "Softplus": "softplus",
}


@dataclass(frozen=True)
class Inputs:
    """What the three operators share: checked inputs, and how they are run."""

    x: Values  # (N, T, F)
    w: Values  # (D, G H, F)
    r: Values  # (D, G H, H)
    b: Values  # (D, 2, G H)
    lengths: Any
    gates: int
    direction: str
    batch_first: bool

    @property
    def hidden_size(self) -> int:
        """H."""
        return int(self.r.shape[2])

    @property
    def directions(self) -> int:
        """D, 1 or 2."""
        return 2 if self.direction == "bidirectional" else 1

    def values(self, value: Any, name: str, shape: tuple[int, ...]) -> Values:
        """Return an optional input, checked; its dtype is that of the weights."""
        return _same_dtype(value, self.w.dtype, name=name, shape=shape)

    def in_order(self, order: Sequence[int]) -> list[dict[str, Values]]:
        """Return each direction's weights with the gates of this library in its order."""

        def ordered(rows: Values) -> Values:
            gates = rows.reshape(self.gates, self.hidden_size, *rows.shape[1:])[list(order)]
            return gates.reshape(-1, *rows.shape[1:])

        return [
            {
                "weight_ih_l0": ordered(self.w[d]),
                "weight_hh_l0": ordered(self.r[d]),
                "bias_ih_l0": ordered(self.b[d, 0]),
                "bias_hh_l0": ordered(self.b[d, 1]),
            }
            for d in range(self.directions)
        ]

    def run(
        self,
        kind: Callable[..., Layer],
        weights: Sequence[Mapping[str, Values]],
        options: Sequence[Mapping[str, Any]],
        initial: Mapping[str, Any],
    ) -> tuple[Values, list[Values]]:
        """Return Y and the final states (D, N, H), both in the operator's layout.

        Directions of unlike options run as a layer each.
        """
        samples, timesteps, features = self.x.shape
        initial_parts = self._initial(initial)
        outputs, finals = [], []
        both = self.directions == 2 and options[0] == options[1]
        for group in [[0, 1]] if both else [[d] for d in range(self.directions)]:
            layer = kind(
                self.hidden_size,
                input_size=features,
                bidirectional=both,
                reverse=self.direction == "reverse" or group == [1],
                dtype=self.w.dtype.name,
                seed=0,
                **options[group[0]],
            )
            suffixes = ("", "_reverse")[: len(group)]
            layer.load_state_dict(
                {
                    name + suffix: value
                    for suffix, d in zip(suffixes, group, strict=True)
                    for name, value in weights[d].items()
                }
            )
            state: Any = None
            if initial_parts is not None:
                own = [np.ascontiguousarray(part[group]) for part in initial_parts]
                state = tuple(own) if len(own) > 1 else own[0]
            y, final = layer(self.x, state, lengths=self.lengths)
            outputs.append(y.reshape(samples, timesteps, len(group), self.hidden_size))
            finals.append(final if isinstance(final, tuple) else (final,))
        y = np.concatenate(outputs, axis=2)
        states = [np.concatenate(parts) for parts in zip(*finals, strict=True)]
        if self.batch_first:
            return y, [np.ascontiguousarray(part.swapaxes(0, 1)) for part in states]
        return np.ascontiguousarray(y.transpose(1, 2, 0, 3)), states

    def _initial(self, given: Mapping[str, Any]) -> list[Values] | None:
        """Return the initial states (D, N, H), zeros for one that is missing; None for none."""
        if all(value is None for value in given.values()):
            return None
        axes = (self.directions, len(self.x))
        shape = (*(axes[::-1] if self.batch_first else axes), self.hidden_size)
        parts = [
            np.zeros(shape, self.w.dtype) if value is None else self.values(value, name, shape)
            for name, value in given.items()
        ]
        return [part.swapaxes(0, 1) for part in parts] if self.batch_first else parts


def read_inputs(
    X: Any,
    W: Any,
    R: Any,
    B: Any,
    sequence_lens: Any,
    gates: int,
    hidden_size: int | None,
    direction: str,
    layout: int,
) -> Inputs:
    """Check what all three operators have."""
    check_choice(direction, name="direction", choices=DIRECTIONS)
    directions = 2 if direction == "bidirectional" else 1
    batch_first = flag(layout, name="layout")
    x, r = as_array(X, name="X"), as_array(R, name="R")
    for name, array, axes in (
        ("X", x, "batch_size, seq_length" if batch_first else "seq_length, batch_size"),
        ("R", r, "num_directions, gates * hidden_size"),
    ):
        if array.ndim != 3:
            last = "input_size" if name == "X" else "hidden_size"
            raise ValueError(
                f"{name}: expected 3 dimensions ({axes}, {last}), "
                f"got {array.ndim} with shape {array.shape}"
            )
    hidden = r.shape[2] if hidden_size is None else check_size(hidden_size, name="hidden_size")
    dtype = x.dtype.newbyteorder("=")
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"X must be float32 or float64, got {x.dtype}")
    rows = gates * hidden
    w = _same_dtype(W, dtype, name="W", shape=(directions, rows, x.shape[2]))
    r = _same_dtype(R, dtype, name="R", shape=(directions, rows, hidden))
    if B is None:
        b = np.zeros((directions, 2, rows), dtype)
    else:
        b = _same_dtype(B, dtype, name="B", shape=(directions, 2 * rows))
        b = b.reshape(directions, 2, rows)
    if not batch_first:
        x = x.swapaxes(0, 1)
    return Inputs(x, w, r, b, sequence_lens, gates, direction, batch_first)


def _same_dtype(value: Any, dtype: np.dtype[Any], *, name: str, shape: tuple[int, ...]) -> Values:
    """Return an input of floats, all of which have one dtype in ONNX."""
    found = as_array(value, name=name)
    if found.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"{name}: expected {dtype.name}, the dtype of X, got {found.dtype}")
    return as_values(found, name=name, dtype=dtype, shape=shape)


def activation_options(
    names: Sequence[str],
    defaults: Sequence[str],
    directions: int,
    given: tuple[Sequence[str] | None, Sequence[float] | None, Sequence[float] | None],
) -> list[dict[str, Any]]:
    """Return each direction's activations as the layers' options take them."""
    activations, alphas, betas = given
    if activations is None:
        activations = [*defaults] * directions
    expected = len(names) * directions
    if isinstance(activations, str) or len(activations) != expected:
        raise ValueError(
            f"activations: expected {expected} names, {len(names)} for each direction, "
            f"got {activations!r}"
        )
    names_of_values = ("activation_alpha", "activation_beta")
    values = [
        [
            check_real(value, name=f"{name}[{k}]")
            for k, value in enumerate(() if some is None else some)
        ]
        for name, some in zip(names_of_values, (alphas, betas), strict=True)
    ]
    used = [0, 0]
    functions: list[Any] = []
    for k, activation in enumerate(activations):
        check_choice(activation, name=f"activations[{k}]", choices=ACTIVATIONS)
        parameters = list(PARAMETERS[ACTIVATIONS[activation]])
        for which in range(len(parameters)):
            if used[which] < len(values[which]):
                parameters[which] = values[which][used[which]]
                used[which] += 1
        functions.append((ACTIVATIONS[activation], *parameters))
    for name, some, count in zip(names_of_values, values, used, strict=True):
        if len(some) > count:
            raise ValueError(
                f"{name}: expected at most {count} values for {list(activations)}, got {len(some)}"
            )
    return [
        dict(zip(names, functions[d * len(names) : (d + 1) * len(names)], strict=True))
        for d in range(directions)
    ]


def threshold(clip: float | None) -> float | None:
    """Return the attribute clip, which is positive where it is given."""
    return None if clip is None else check_real(clip, name="clip", above=0.0)


def flag(value: Any, *, name: str) -> bool:
    """Return an attribute of ONNX that is 0 or 1."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    return check_int(value, name=name, minimum=0, maximum=1) == 1
