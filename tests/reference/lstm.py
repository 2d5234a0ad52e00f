"""One step of the LSTM with all its options, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference.activations import (
    Function,
    cell_function,
    cell_slope,
    clipped,
    gate,
    gate_slope,
    inside,
)
from reference.cells import Cell, product_gradients
from reference.layers import layer_norm_backward, layer_norm_forward


@dataclass(frozen=True)
class LSTMCell(Cell):
    """The LSTM with all its options.

    Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", with the forget gate of Gers,
    Schmidhuber & Cummins 2000, "Learning to Forget", the peepholes of Gers & Schmidhuber 2000,
    "Recurrent Nets that Time and Count", the missing and coupled gates of Greff et al. 2017,
    "LSTM: A Search Space Odyssey", the projection of Sak et al. 2014, and the normalisation of
    Ba, Kiros & Hinton 2016, "Layer Normalization".

        a_k = W_k x + b_ih_k + U_k h + b_hh_k      for the gates k that exist, of i, f, g, o
        i = gate_activation(a_i + p_i c)           or 1 without an input gate
        f = gate_activation(a_f + p_f c)           or 1 without a forget gate, 1 - i coupled
        c = clip(f c + i cell_activation(a_g))
        o = gate_activation(a_o + p_o c)           or 1 without an output gate
        h = W_hr o output_activation(c)
    """

    proj_size: int | None = None
    peephole: bool = False
    coupled_gates: bool = False
    input_gate: bool = True
    forget_gate: bool = True
    output_gate: bool = True
    gate_activation: Function = "sigmoid"
    cell_activation: Function = "tanh"
    output_activation: Function = "tanh"
    layer_norm: bool = False
    cell_clip: float | None = None
    gate_clip: float | None = None

    @property
    def gates(self) -> tuple[str, ...]:
        """Those that have weights."""
        has_f = self.forget_gate and not self.coupled_gates
        return tuple(
            name
            for name, there in zip(
                "ifgo", (self.input_gate, has_f, True, self.output_gate), strict=True
            )
            if there
        )

    @property
    def peeping(self) -> tuple[str, ...]:
        """The gates that look at the cell, in the order of the rows of `peephole`."""
        return tuple(k for k in self.gates if k != "g") if self.peephole else ()

    @property
    def state_widths(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden, self.hidden)

    def shapes(self, features: int) -> dict[str, tuple[int, ...]]:
        shapes = super().shapes(features)
        rows = (len(self.gates) * self.hidden,)
        if self.peeping:
            shapes["peephole"] = (len(self.peeping), self.hidden)
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden)
        if self.layer_norm:
            shapes |= {"norm_ih": rows, "norm_hh": rows}
            shapes["norm_c"] = (self.hidden,)
        if self.layer_norm and self.bias:
            shapes["norm_c_bias"] = (self.hidden,)
        return shapes

    def step(self, x, seen, state, w):
        c = state[1]
        a = self._sums(x, seen, w)
        for name in self.peeping:
            if name != "o":
                a[name] = a[name] + self._peephole(w, name) * c
        i, f, g = self._gates(a)
        unclipped = f * c + i * g
        c_next = clipped(unclipped, self.cell_clip)
        if "o" in self.peeping:
            a["o"] = a["o"] + self._peephole(w, "o") * c_next
        shown = c_next
        if self.layer_norm:
            shown = layer_norm_forward(c_next, w["norm_c"], w["norm_c_bias"])
        m = self._output_gate(a) * cell_function(self.output_activation, shown)
        h = m @ w["weight_hr"].T if self.proj_size else m
        return (h, c_next), (x, seen, c, a, unclipped, c_next, shown, m)

    def step_backward(self, dstate, remembered, w):
        x, seen, c, a, unclipped, c_next, shown, m = remembered
        dm, dc_next = dstate
        own, da = {}, {}
        if self.proj_size:
            own["weight_hr"] = dm.T @ m
            dm = dm @ w["weight_hr"]
        # The way back from m to c_next.
        if self.output_gate:
            da["o"] = dm * cell_function(self.output_activation, shown) * self._gate_slope(a["o"])
        dshown = dm * self._output_gate(a) * cell_slope(self.output_activation, shown)
        if self.layer_norm:
            dshown, own["norm_c"], own["norm_c_bias"] = layer_norm_backward(
                dshown, c_next, w["norm_c"]
            )
        dc_next = dc_next + dshown
        if "o" in self.peeping:
            dc_next = dc_next + da["o"] * self._peephole(w, "o")
        # From c_next to the gates and c.
        d = dc_next * inside(unclipped, self.cell_clip)
        i, f, g = self._gates(a)
        di, df = d * g, d * c
        if self.coupled_gates:
            di = di - df
        da["g"] = d * i * gate_slope(self.cell_activation, self.gate_clip, a["g"])
        if "i" in self.gates:
            da["i"] = di * self._gate_slope(a["i"])
        if "f" in self.gates:
            da["f"] = df * self._gate_slope(a["f"])
        dc = d * f
        for name in self.peeping:
            if name != "o":
                dc = dc + da[name] * self._peephole(w, name)
        if self.peeping:
            own["peephole"] = np.stack(
                [(da[k] * (c_next if k == "o" else c)).sum(axis=0) for k in self.peeping]
            )
        dx, dseen, gradients = self._sums_backward(da, x, seen, w)
        return dx, dseen, (np.zeros_like(seen), dc), gradients | own

    def _sums(self, x, seen, w):
        """The sums of the gates, without what they see of the cell."""
        p, q = x @ w["weight_ih"].T, seen @ w["weight_hh"].T
        if self.layer_norm:
            sums = layer_norm_forward(p, w["norm_ih"], w["bias_ih"])
            sums = sums + layer_norm_forward(q, w["norm_hh"], w["bias_hh"])
        else:
            sums = p + w["bias_ih"] + q + w["bias_hh"]
        return dict(zip(self.gates, np.split(sums, len(self.gates), axis=1), strict=True))

    def _sums_backward(self, da, x, seen, w):
        sums = np.concatenate([da[name] for name in self.gates], axis=1)
        if not self.layer_norm:
            return product_gradients(sums, sums, x, seen, w)
        dp, norm_ih, bias_ih = layer_norm_backward(sums, x @ w["weight_ih"].T, w["norm_ih"])
        dq, norm_hh, bias_hh = layer_norm_backward(sums, seen @ w["weight_hh"].T, w["norm_hh"])
        dx, dseen, gradients = product_gradients(dp, dq, x, seen, w)
        gradients |= {"bias_ih": bias_ih, "bias_hh": bias_hh}
        return dx, dseen, gradients | {"norm_ih": norm_ih, "norm_hh": norm_hh}

    def _gates(self, a):
        """Gates i and f, and the candidate g."""
        g = gate(self.cell_activation, self.gate_clip, a["g"])
        one = np.ones_like(g)
        i = self._gate(a["i"]) if self.input_gate else one
        if self.coupled_gates:
            return i, 1.0 - i, g
        return i, self._gate(a["f"]) if self.forget_gate else one, g

    def _output_gate(self, a):
        return self._gate(a["o"]) if self.output_gate else np.ones_like(a["g"])

    def _gate(self, a):
        return gate(self.gate_activation, self.gate_clip, a)

    def _gate_slope(self, a):
        return gate_slope(self.gate_activation, self.gate_clip, a)

    def _peephole(self, w, name):
        return w["peephole"][self.peeping.index(name)]
