"""The gates of a step, computed again in NumPy from the weights and what the step saw.

The native layers keep their gates to themselves. The equations are those of the classes `LSTM`,
`GRU`, `RNN`, `MinLSTM` and `MinGRU`; the states before and after the step come from the native
layer. Everything is float64. Weights are named without the suffix of their layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_native.diagnostics.functions import Function, Values

Weights = Mapping[str, Values]
Spec = Mapping[str, Any]
_EPSILON = 1e-5
_SIGMOID, _LINEAR = Function("sigmoid"), Function("linear")


@dataclass(frozen=True)
class Step:
    """What one step of one layer and direction saw and made; N samples.

    Attributes
    ----------
    x : (N, F)
        Its input.
    h : (N, R)
        The output of the step before.
    c, c_new : (N, H), or None
        Of an LSTM: the cell state before, and as this step computed it (before zoneout).
    h_new : (N, R)
        The output (before zoneout).
    """

    x: Values
    h: Values
    h_new: Values
    c: Values | None = None
    c_new: Values | None = None


@dataclass(frozen=True)
class Gates:
    """The gates of one step, each (N, H), and their functions.

    `to_cell` leads the gradient of `Step.h_new`, (N, R), to `Step.c_new`, (N, H): by way of the
    output, not of later steps. None for cells without a cell state.
    """

    values: dict[str, Values]
    functions: dict[str, Function]
    to_cell: Callable[[Values], Values] | None = None


def with_biases(w: Weights) -> Weights:
    """Return the weights with zeros for the biases that the layer does not have."""
    rows = np.zeros(len(w["weight_ih"]))
    return {"bias_ih": rows, "bias_hh": rows, "norm_c_bias": np.zeros(1), **w}


def lstm_gates(spec: Spec, w: Weights, s: Step) -> Gates:
    """Return i, f, g, o as far as they are not the constant 1."""
    assert s.c is not None
    assert s.c_new is not None
    own = _with_weights(spec)
    sums = dict(zip(own, _split(_sums(spec, w, s), len(own)), strict=True))
    if spec["peephole"]:
        seeing = [name for name in own if name != "g"]
        for name, p in zip(seeing, w["peephole"], strict=True):
            sums[name] = sums[name] + p * (s.c_new if name == "o" else s.c)
    clipped = {name: _clip(a, spec["gate_clip"]) for name, a in sums.items()}
    gate, cell = Function.of(spec["gate_activation"]), Function.of(spec["cell_activation"])
    functions = {name: cell if name == "g" else gate for name in own}
    values = {name: functions[name](clipped[name]) for name in own}
    if spec["coupled_gates"]:
        values = {"i": values["i"], "f": 1.0 - values["i"], **values}
        functions = {"i": gate, "f": gate, **functions}

    out = Function.of(spec["output_activation"])
    c_new, norm = s.c_new, spec["layer_norm"]

    def to_cell(dh: Values) -> Values:
        if spec["proj_size"]:
            dh = dh @ w["weight_hr"]
        u = _normalised(c_new) * w["norm_c"] + w["norm_c_bias"] if norm else c_new
        du = dh * values.get("o", 1.0) * out.slope(u)
        dc = _through_norm(du * w["norm_c"], c_new) if norm else du
        if spec["peephole"] and "o" in own:
            da = dh * out(u) * gate.slope(clipped["o"])
            dc = dc + w["peephole"][-1] * _through_clip(da, sums["o"], spec["gate_clip"])
        return dc

    return Gates(values, functions, to_cell)


def gru_gates(spec: Spec, w: Weights, s: Step) -> Gates:
    """Return r, z, n."""
    limit = spec["gate_clip"]
    gate = Function.of(spec["gate_activation"])
    candidate = Function.of(spec["candidate_activation"])
    x_r, x_z, x_n = _split(s.x @ w["weight_ih"].T + w["bias_ih"], 3)
    u_r, u_z, u_n = np.split(w["weight_hh"], 3)
    b_r, b_z, b_n = np.split(w["bias_hh"], 3)
    r = gate(_clip(x_r + s.h @ u_r.T + b_r, limit))
    z = gate(_clip(x_z + s.h @ u_z.T + b_z, limit))
    recurrent = r * (s.h @ u_n.T + b_n) if spec["reset_after"] else (r * s.h) @ u_n.T + b_n
    n = candidate(_clip(x_n + recurrent, limit))
    return Gates({"r": r, "z": z, "n": n}, {"r": gate, "z": gate, "n": candidate})


def rnn_gates(spec: Spec, w: Weights, s: Step) -> Gates:
    """Return h, the output itself (before zoneout): a plain network has no gates."""
    return Gates({"h": s.h_new}, {"h": Function.of(spec["activation"])})


def min_lstm_gates(spec: Spec, w: Weights, s: Step) -> Gates:
    """Return i, f, g."""
    a_i, a_f, g = _split(s.x @ w["weight_ih"].T + w["bias_ih"], 3)
    values = {"i": _SIGMOID(a_i), "f": _SIGMOID(a_f), "g": g}
    return Gates(values, {"i": _SIGMOID, "f": _SIGMOID, "g": _LINEAR})


def min_gru_gates(spec: Spec, w: Weights, s: Step) -> Gates:
    """Return z, n."""
    a_z, n = _split(s.x @ w["weight_ih"].T + w["bias_ih"], 2)
    return Gates({"z": _SIGMOID(a_z), "n": n}, {"z": _SIGMOID, "n": _LINEAR})


#: By the layer's type name.
CELLS: dict[str, Callable[[Spec, Weights, Step], Gates]] = {
    "lstm": lstm_gates,
    "gru": gru_gates,
    "rnn": rnn_gates,
    "min_lstm": min_lstm_gates,
    "min_gru": min_gru_gates,
}


#: The gates of a kind's recurrent weights, in their order; an LSTM's depend on its options.
RECURRENT_GATES = {"gru": ("r", "z", "n"), "rnn": ("h",)}


def recurrent_blocks(kind: str, spec: Spec, w: Weights) -> dict[str, Values]:
    """Return the recurrent weights of each gate, (H, R); none where a cell has none."""
    if "weight_hh" not in w:
        return {}
    own = _with_weights(spec) if kind == "lstm" else RECURRENT_GATES[kind]
    return dict(zip(own, np.split(w["weight_hh"], len(own)), strict=True))


def _with_weights(spec: Spec) -> list[str]:
    """Return the gates of an LSTM that have weights, in their order."""
    there = {
        "i": spec["input_gate"],
        "f": spec["forget_gate"] and not spec["coupled_gates"],
        "g": True,
        "o": spec["output_gate"],
    }
    return [name for name, is_there in there.items() if is_there]


def _sums(spec: Spec, w: Weights, s: Step) -> Values:
    """Return W x + b + U h + b of all gates, (N, G H)."""
    of_x, of_h = s.x @ w["weight_ih"].T, s.h @ w["weight_hh"].T
    if spec["layer_norm"]:
        of_x, of_h = w["norm_ih"] * _normalised(of_x), w["norm_hh"] * _normalised(of_h)
    found: Values = of_x + w["bias_ih"] + of_h + w["bias_hh"]
    return found


def _split(a: Values, count: int) -> list[Values]:
    return np.split(a, count, axis=-1)


def _clip(a: Values, limit: float) -> Values:
    return np.clip(a, -limit, limit) if limit else a


def _through_clip(da: Values, a: Values, limit: float) -> Values:
    return np.where(np.abs(a) < limit, da, 0.0) if limit else da


def _normalised(v: Values) -> Values:
    """Return (v - mean) / deviation of each row (Ba et al. 2016)."""
    centred = v - v.mean(axis=-1, keepdims=True)
    found: Values = centred / _deviation(v)
    return found


def _deviation(v: Values) -> Values:
    found: Values = np.sqrt(v.var(axis=-1, keepdims=True) + _EPSILON)
    return found


def _through_norm(d: Values, v: Values) -> Values:
    """Return the gradient of v from that of `_normalised(v)`."""
    n = _normalised(v)
    inner = d - d.mean(axis=-1, keepdims=True) - n * (d * n).mean(axis=-1, keepdims=True)
    found: Values = inner / _deviation(v)
    return found
