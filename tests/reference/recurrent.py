"""Cells over time: stacked layers, directions, sequences of their own lengths, masks.

Back-propagation through time as Werbos 1990 describes it; directions as Schuster & Paliwal 1997,
"Bidirectional recurrent neural networks"; stacked as PyTorch stacks them: each layer takes the
merged outputs of both directions of the layer below. A run is one direction of one layer; states
and masks of the runs stand beside each other, layer by layer, the forward direction first.

Sequences of different length are run apart from each other and cut to their length, so that no
line here knows of padding.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from reference.cells import Cell, GRUCell, MinGRUCell, MinLSTMCell, RNNCell, Weights
from reference.lstm import LSTMCell

State = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Masks:
    """What multiplies values in training, already scaled; each a list with one entry per run.

    input (N, F): what enters a run, the same in every step (Gal & Ghahramani 2016).
    recurrent (N, R): the output that enters the recurrent product, the same in every step.
    weight, of the shape of weight_hh: the recurrent weights (Merity et al. 2018).
    zoneout: a tuple of k (N, T, width), one for each part of the state: the share of its old
    value that a unit keeps (Krueger et al. 2017).
    between (N, T, features): one entry per layer, what it hands to the next one.
    """

    input: list[np.ndarray] | None = None
    recurrent: list[np.ndarray] | None = None
    weight: list[np.ndarray] | None = None
    zoneout: list[tuple[np.ndarray, ...]] | None = None
    between: list[np.ndarray] | None = None

    def of(self, rows: np.ndarray, steps: int) -> Masks:
        """Those of some sequences, for so many steps."""
        return Masks(
            self.input and [m[rows] for m in self.input],
            self.recurrent and [m[rows] for m in self.recurrent],
            self.weight,
            self.zoneout and [tuple(k[rows, :steps] for k in ks) for ks in self.zoneout],
            self.between and [m[rows, :steps] for m in self.between],
        )


@dataclass(frozen=True)
class Stack:
    """Layers of one kind of cell. zoneout: the rate for each part of the state, or none."""

    cell: Cell
    num_layers: int = 1
    bidirectional: bool = False
    reverse: bool = False
    merge: str = "concat"
    residual: bool = False
    return_sequences: bool = True
    zoneout: tuple[float, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what has no meaning: the last steps of two directions have different inputs."""
        assert not (self.residual and self.bidirectional and not self.return_sequences)

    @property
    def runs(self) -> list[tuple[int, str, bool]]:
        """Layer, suffix of its names, and whether its time is flipped, in PyTorch's order."""
        flips = [False, True] if self.bidirectional else [self.reverse]
        suffixes = ["", "_reverse"]
        return [
            (layer, f"_l{layer}{suffixes[d]}", flipped)
            for layer in range(self.num_layers)
            for d, flipped in enumerate(flips)
        ]

    @property
    def output_features(self) -> int:
        joined = 2 if self.bidirectional and self.merge == "concat" else 1
        return joined * self.cell.state_widths[0]

    def shapes(self, features: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all parameters, in their order."""
        return {
            name + suffix: shape
            for layer, suffix, _ in self.runs
            for name, shape in self.cell.shapes(self.output_features if layer else features).items()
        }

    def random_weights(self, rng: np.random.Generator, features: int) -> Weights:
        """Uniform in +-1/sqrt(H), the scale PyTorch starts from; factors of norms around 1."""
        bound = 1.0 / np.sqrt(self.cell.hidden)
        weights = {}
        for name, shape in self.shapes(features).items():
            weights[name] = rng.uniform(-bound, bound, shape)
            if name.startswith("norm") and "bias" not in name:
                weights[name] = rng.uniform(0.5, 1.5, shape)
        return weights

    def zero_state(self, samples: int) -> State:
        return tuple(np.zeros((len(self.runs), samples, w)) for w in self.cell.state_widths)

    def forward(self, x, weights: Weights, state=None, lengths=None, masks: Masks | None = None):
        """The layers over sequences.

        x (N, T, F); each part of state (runs, N, width), zeros when None; lengths (N,), T when
        None. Returns y (N, T, features), or (N, features) without return_sequences; the state
        after each sequence's end; and a tape for `backward`.
        """
        samples, timesteps, _ = x.shape
        state = self.zero_state(samples) if state is None else state
        masks = masks or Masks(zoneout=self._resting_zoneout(samples, timesteps))
        lengths = np.full(samples, timesteps) if lengths is None else np.asarray(lengths)
        shape = (samples, timesteps) if self.return_sequences else (samples,)
        y = np.zeros((*shape, self.output_features))
        final, tape = tuple(part.copy() for part in state), []
        for steps in np.unique(lengths[lengths > 0]):
            rows = np.flatnonzero(lengths == steps)
            part, ends, remembered = self._forward(
                x[rows, :steps],
                weights,
                tuple(s[:, rows] for s in state),
                masks.of(rows, steps),
            )
            if self.return_sequences:
                y[rows, :steps] = part
            else:
                y[rows] = part
            for whole, end in zip(final, ends, strict=True):
                whole[:, rows] = end
            tape.append((rows, steps, masks.of(rows, steps), remembered))
        return y, final, (x.shape, tape)

    def backward(self, dy, dstate, weights: Weights, tape):
        """Gradients of x, of the initial state, and of the weights by name.

        dy of the shape of y; dstate: of the final state, or None.
        """
        shape, groups = tape
        dx = np.zeros(shape)
        dstate = self.zero_state(shape[0]) if dstate is None else dstate
        initial = tuple(part.copy() for part in dstate)
        gradients = {name: np.zeros_like(value) for name, value in weights.items()}
        for rows, steps, masks, remembered in groups:
            part = dy[rows, :steps] if self.return_sequences else dy[rows]
            dx[rows, :steps], starts, found = self._backward(
                part, tuple(s[:, rows] for s in dstate), weights, masks, remembered
            )
            for whole, start in zip(initial, starts, strict=True):
                whole[:, rows] = start
            for name, value in found.items():
                gradients[name] += value
        return dx, initial, gradients

    # -- sequences of one length -------------------------------------------------------------

    def _forward(self, x, weights, state, masks):
        final, tape, outputs = [], [], []
        for r, (layer, _, _) in enumerate(self.runs):
            if r and layer != self.runs[r - 1][0]:
                x, outputs = self._hand_on(x, outputs, layer - 1, masks), []
            own = self._weights_of(weights, r, masks)
            entering = x if masks.input is None else x * masks.input[r][:, None]
            initial = tuple(part[r] for part in state)
            y, end, steps = self._run(entering, own, initial, r, masks)
            outputs.append(y)
            final.append(end)
            tape.append(steps)
        ends = tuple(np.stack(parts) for parts in zip(*final, strict=True))
        if self.return_sequences:
            return self._merged(x, outputs), ends, tape
        return self._last(x, outputs), ends, tape

    def _backward(self, dy, dstate, weights, masks, tape):
        steps = len(tape[0])
        initial, gradients = [None] * len(tape), {}
        d_outputs, dx = self._last_layer_gradients(dy, steps)
        for r, (layer, suffix, _) in reversed(list(enumerate(self.runs))):
            own = self._weights_of(weights, r, masks)
            d_output = d_outputs.pop()
            d_entering, initial[r], found = self._run_backward(
                d_output, tuple(part[r] for part in dstate), own, r, masks, tape[r]
            )
            if masks.weight is not None:
                found["weight_hh"] = found["weight_hh"] * masks.weight[r]
            gradients |= {name + suffix: found[name] for name in self.cell.shapes(1)}
            if masks.input is not None:
                d_entering = d_entering * masks.input[r][:, None]
            dx = dx + d_entering
            if not d_outputs and layer > 0:
                if masks.between is not None:
                    dx = dx * masks.between[layer - 1]
                d_outputs = self._merged_backward(dx)
                dx = dx if self.residual and layer > 1 else 0.0
        parts = tuple(np.stack(of_runs) for of_runs in zip(*initial, strict=True))
        return dx, parts, gradients

    def _hand_on(self, x, outputs, layer, masks):
        y = self._merged(x, outputs, layer)
        return y if masks.between is None else y * masks.between[layer]

    def _merged(self, x, outputs, layer=None):
        """Both directions' outputs (N, T, R) as the layer's output, x being its input."""
        layer = self.num_layers - 1 if layer is None else layer
        y = sum(outputs) if self.merge == "sum" else np.concatenate(outputs, axis=2)
        return y + x if self.residual and layer > 0 else y

    def _merged_backward(self, dy):
        directions = 2 if self.bidirectional else 1
        if self.merge == "sum":
            return [dy] * directions
        return np.split(dy, directions, axis=2)

    def _last(self, x, outputs):
        """The output at each direction's own last step, (N, features)."""
        flips = [flipped for _, _, flipped in self.runs[-len(outputs) :]]
        ends = [y[:, 0 if flip else -1] for y, flip in zip(outputs, flips, strict=True)]
        end_of_input = x[:, 0 if flips[-1] else -1]
        return self._merged(end_of_input[:, None], [y[:, None] for y in ends])[:, 0]

    def _last_layer_gradients(self, dy, steps):
        """Gradients of the last layer's outputs, one for each direction, and of its input."""
        residual = self.residual and self.num_layers > 1
        if self.return_sequences:
            return self._merged_backward(dy), dy if residual else 0.0
        flips = [flipped for layer, _, flipped in self.runs if layer == self.num_layers - 1]
        parts = []
        for part, flip in zip(self._merged_backward(dy[:, None]), flips, strict=True):
            whole = np.zeros((len(dy), steps, part.shape[2]))
            whole[:, 0 if flip else -1] = part[:, 0]
            parts.append(whole)
        return parts, parts[0] if residual else 0.0

    # -- one run -----------------------------------------------------------------------------

    def _run(self, x, w, state, r, masks):
        """One direction of one layer: its outputs (N, T, R), its final state, its steps."""
        outputs, steps = np.empty((*x.shape[:2], self.cell.state_widths[0])), []
        for t in self._times(r, x.shape[1]):
            seen = state[0] if masks.recurrent is None else state[0] * masks.recurrent[r]
            fresh, remembered = self.cell.step(x[:, t], seen, state, w)
            if masks.zoneout is not None:
                kept = (k[:, t] for k in masks.zoneout[r])
                fresh = tuple(
                    k * old + (1.0 - k) * new
                    for k, old, new in zip(kept, state, fresh, strict=True)
                )
            state = fresh
            outputs[:, t] = state[0]
            steps.append(remembered)
        return outputs, state, steps

    def _run_backward(self, dy, dstate, w, r, masks, steps):
        dx, gradients = None, {}
        for t, remembered in reversed(list(zip(self._times(r, len(steps)), steps, strict=True))):
            dstate = (dstate[0] + dy[:, t], *dstate[1:])
            kept = tuple(np.zeros_like(part) for part in dstate)
            if masks.zoneout is not None:
                ks = [k[:, t] for k in masks.zoneout[r]]
                kept = tuple(k * d for k, d in zip(ks, dstate, strict=True))
                dstate = tuple((1.0 - k) * d for k, d in zip(ks, dstate, strict=True))
            dx_t, dseen, direct, found = self.cell.step_backward(dstate, remembered, w)
            if masks.recurrent is not None:
                dseen = dseen * masks.recurrent[r]
            dstate = tuple(k + d for k, d in zip(kept, direct, strict=True))
            dstate = (dstate[0] + dseen, *dstate[1:])
            if dx is None:
                dx = np.empty((len(dx_t), len(steps), dx_t.shape[1]))
            dx[:, t] = dx_t
            for name, value in found.items():
                gradients[name] = gradients.get(name, 0.0) + value
        return dx, dstate, gradients

    def _times(self, r, steps):
        return range(steps)[:: -1 if self.runs[r][2] else 1]

    def _weights_of(self, weights, r, masks):
        _, suffix, _ = self.runs[r]
        own = {name: weights[name + suffix] for name in self.cell.shapes(1)}
        if masks.weight is not None:
            own["weight_hh"] = own["weight_hh"] * masks.weight[r]
        return self.cell.with_biases(own)

    def _resting_zoneout(self, samples, timesteps):
        """Outside training a unit keeps the share of its old value that it keeps on average."""
        if not any(self.zoneout):
            return None
        rates = zip(self.zoneout, self.cell.state_widths, strict=True)
        ks = tuple(np.full((samples, timesteps, width), rate) for rate, width in rates)
        return [ks] * len(self.runs)


CELLS = {
    "LSTM": LSTMCell,
    "GRU": GRUCell,
    "RNN": RNNCell,
    "MinLSTM": MinLSTMCell,
    "MinGRU": MinGRUCell,
}


def make_stack(kind: str, hidden: int, **options: Any) -> Stack:
    """The layers that a kind's public options describe; those without an effect are left out."""
    cell_type = CELLS[kind]
    of_cell = {f.name for f in fields(cell_type)}
    cell = cell_type(hidden, **{k: v for k, v in options.items() if k in of_cell})
    of_stack = {f.name for f in fields(Stack)} - {"zoneout", "cell"}
    stack = Stack(cell, **{k: v for k, v in options.items() if k in of_stack})
    zoneout = options.get("zoneout", 0.0)
    rates = zoneout if isinstance(zoneout, tuple) else (zoneout,) * len(cell.state_widths)
    return replace(stack, zoneout=rates) if any(rates) else stack


# -- the LSTM without options ------------------------------------------------------------------


def lstm_stack(weights: Weights, num_layers: int, **options: Any) -> Stack:
    """LSTM layers without options of the cell, H as the weights have it."""
    return make_stack("LSTM", weights["weight_hh_l0"].shape[1], num_layers=num_layers, **options)


def lstm_forward(x, weights, num_layers, state=None, masks=None, **options):
    """`Stack.forward` of LSTM layers; masks: those between the layers."""
    stack = lstm_stack(weights, num_layers, **options)
    y, final, tape = stack.forward(x, weights, state, masks=masks and Masks(between=masks))
    return y, final, (stack, tape)


def lstm_backward(dy, dstate, weights, tape):
    """`Stack.backward` for `lstm_forward`."""
    stack, remembered = tape
    return stack.backward(dy, dstate, weights, remembered)


def random_lstm(rng, features, hidden, num_layers=1, **options) -> Weights:
    """Weights of LSTM layers, in PyTorch's names and order."""
    return make_stack("LSTM", hidden, num_layers=num_layers, **options).random_weights(
        rng, features
    )
