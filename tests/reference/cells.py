"""One step of GRU, RNN, MinLSTM and MinGRU, and of nothing else: no time, no masks, no layers.

A cell is its options. `step` takes the input x (N, F), the output `seen` (N, R) that enters the
recurrent product, the state before the step (a tuple whose first part is the output h, (N, R)),
and the weights by name; it returns the state after the step, and what `step_backward` needs.
`step_backward` takes the gradient of the state after the step, and returns those of x, of `seen`,
of the state before the step where the step uses it directly, and of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reference.activations import Function, gate, gate_slope
from reference.layers import sigmoid

Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Cell:
    """What cells have in common: H hidden units, and for each gate H rows of the weights."""

    hidden: int
    bias: bool = True

    gates: ClassVar[tuple[str, ...]] = ()
    recurrent: ClassVar[bool] = True

    @property
    def state_widths(self) -> tuple[int, ...]:
        """Of each part of the state; the first is that of the output."""
        return (self.hidden,)

    def shapes(self, features: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters, in their order."""
        rows = len(self.gates) * self.hidden
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features)}
        if self.recurrent:
            shapes["weight_hh"] = (rows, self.state_widths[0])
        if self.bias:
            shapes["bias_ih"] = (rows,)
        if self.bias and self.recurrent:
            shapes["bias_hh"] = (rows,)
        return shapes

    def with_biases(self, w: Weights) -> Weights:
        """The weights with zeros where a cell without biases has none, as its equations want it."""
        if self.bias:
            return w
        rows = np.zeros(len(w["weight_ih"]))
        return {**w, "bias_ih": rows, "bias_hh": rows, "norm_c_bias": np.zeros(self.hidden)}


def product_gradients(d_input, d_recurrent, x, seen, w):
    """Gradients of x, `seen` and the parameters, from those of both products with their biases."""
    gradients = {
        "weight_ih": d_input.T @ x,
        "weight_hh": d_recurrent.T @ seen,
        "bias_ih": d_input.sum(axis=0),
        "bias_hh": d_recurrent.sum(axis=0),
    }
    return d_input @ w["weight_ih"], d_recurrent @ w["weight_hh"], gradients


@dataclass(frozen=True)
class RNNCell(Cell):
    """h = activation(W x + b_ih + U h + b_hh). Elman 1990, "Finding Structure in Time"."""

    activation: Function = "tanh"
    gate_clip: float | None = None

    gates: ClassVar[tuple[str, ...]] = ("n",)

    def step(self, x, seen, state, w):
        a = x @ w["weight_ih"].T + w["bias_ih"] + seen @ w["weight_hh"].T + w["bias_hh"]
        return (gate(self.activation, self.gate_clip, a),), (x, seen, a)

    def step_backward(self, dstate, remembered, w):
        x, seen, a = remembered
        da = dstate[0] * gate_slope(self.activation, self.gate_clip, a)
        dx, dseen, gradients = product_gradients(da, da, x, seen, w)
        return dx, dseen, (np.zeros_like(dstate[0]),), gradients


@dataclass(frozen=True)
class GRUCell(Cell):
    """Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder".

    r, z = gate_activation(W x + b_ih + U h + b_hh)
    n = candidate_activation(W x + b_ih + r * (U h + b_hh))      reset_after, as PyTorch has it
    n = candidate_activation(W x + b_ih + U (r * h) + b_hh)      before, as the paper has it
    h = (1 - z) * n + z * h
    """

    reset_after: bool = True
    gate_activation: Function = "sigmoid"
    candidate_activation: Function = "tanh"
    gate_clip: float | None = None

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")

    def step(self, x, seen, state, w):
        p_r, p_z, p_n = np.split(x @ w["weight_ih"].T + w["bias_ih"], 3, axis=1)
        u_r, u_z, u_n = np.split(w["weight_hh"], 3)
        b_r, b_z, b_n = np.split(w["bias_hh"], 3)
        a_r, a_z = p_r + seen @ u_r.T + b_r, p_z + seen @ u_z.T + b_z
        r, z = (gate(self.gate_activation, self.gate_clip, a) for a in (a_r, a_z))
        q_n = (seen if self.reset_after else r * seen) @ u_n.T + b_n
        a_n = p_n + (r * q_n if self.reset_after else q_n)
        n = gate(self.candidate_activation, self.gate_clip, a_n)
        h = (1.0 - z) * n + z * state[0]
        return (h,), (x, seen, state[0], a_r, a_z, a_n, q_n)

    def step_backward(self, dstate, remembered, w):
        x, seen, h, a_r, a_z, a_n, q_n = remembered
        r, z = (gate(self.gate_activation, self.gate_clip, a) for a in (a_r, a_z))
        n = gate(self.candidate_activation, self.gate_clip, a_n)
        u_r, u_z, u_n = np.split(w["weight_hh"], 3)
        dh = dstate[0]
        da_n = dh * (1.0 - z) * gate_slope(self.candidate_activation, self.gate_clip, a_n)
        da_z = dh * (h - n) * gate_slope(self.gate_activation, self.gate_clip, a_z)
        if self.reset_after:
            dr, dq_n, n_saw = da_n * q_n, da_n * r, seen
            dseen = dq_n @ u_n
        else:
            dq_n, n_saw = da_n, r * seen
            dr, dseen = (da_n @ u_n) * seen, (da_n @ u_n) * r
        da_r = dr * gate_slope(self.gate_activation, self.gate_clip, a_r)
        d_input = np.concatenate([da_r, da_z, da_n], axis=1)
        d_recurrent = np.concatenate([da_r, da_z, dq_n], axis=1)
        gradients = {
            "weight_ih": d_input.T @ x,
            "weight_hh": np.concatenate([da_r.T @ seen, da_z.T @ seen, dq_n.T @ n_saw]),
            "bias_ih": d_input.sum(axis=0),
            "bias_hh": d_recurrent.sum(axis=0),
        }
        return d_input @ w["weight_ih"], dseen + da_r @ u_r + da_z @ u_z, (dh * z,), gradients


@dataclass(frozen=True)
class MinCell(Cell):
    """Feng et al. 2024, "Were RNNs All We Needed?": gates that look at the input alone."""

    recurrent: ClassVar[bool] = False

    def step(self, x, seen, state, w):
        sums = np.split(x @ w["weight_ih"].T + w["bias_ih"], len(self.gates), axis=1)
        return (self.mix(state[0], *sums),), (x, state[0], sums)

    def step_backward(self, dstate, remembered, w):
        x, h, sums = remembered
        dh, *d_sums = self.mix_backward(dstate[0], h, *sums)
        d_input = np.concatenate(d_sums, axis=1)
        gradients = {"weight_ih": d_input.T @ x, "bias_ih": d_input.sum(axis=0)}
        return d_input @ w["weight_ih"], np.zeros_like(h), (dh,), gradients


@dataclass(frozen=True)
class MinLSTMCell(MinCell):
    """Equation of section 3.2.3: h = f / (f + i) * h + i / (f + i) * g, with i, f = sigmoid."""

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g")

    def mix(self, h, a_i, a_f, g):
        i, f = sigmoid(a_i), sigmoid(a_f)
        return f / (f + i) * h + i / (f + i) * g

    def mix_backward(self, dh, h, a_i, a_f, g):
        i, f = sigmoid(a_i), sigmoid(a_f)
        d_share = dh * (h - g)  # of f / (f + i)
        di, df = -d_share * f / (f + i) ** 2, d_share * i / (f + i) ** 2
        return dh * f / (f + i), di * i * (1.0 - i), df * f * (1.0 - f), dh * i / (f + i)


@dataclass(frozen=True)
class MinGRUCell(MinCell):
    """Equation of section 3.1.3: h = (1 - z) * h + z * n, with z = sigmoid."""

    gates: ClassVar[tuple[str, ...]] = ("z", "n")

    def mix(self, h, a_z, n):
        z = sigmoid(a_z)
        return (1.0 - z) * h + z * n

    def mix_backward(self, dh, h, a_z, n):
        z = sigmoid(a_z)
        return dh * (1.0 - z), dh * (n - h) * z * (1.0 - z), dh * z
