"""A recurrent layer run one step at a time, so that the gradient can be looked at between steps.

Each stacked layer and direction becomes a layer of its own with the same weights, one step long:
`layer.forward(x_t, state)` and `tape.backward(dy_t, dstate_t)` are then the exact step and its
gradient, whatever the cell. Directions, lengths, residuals and zoneout are put around it here.
Dropout rests, and zoneout takes its mean, as in `predict`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.diagnostics.cells import CELLS, Gates, Step, recurrent_blocks, with_biases
from lstm_native.diagnostics.results import GateFlow, LayerFlow, Values
from lstm_native.layers import layer_from_spec
from lstm_native.layers._recurrent import Recurrent
from lstm_native.layers.tape import Tape

# What a single step is run without; only what a layer's specification has is set.
_PLAIN = {
    "num_layers": 1,
    "return_sequences": False,
    "bidirectional": False,
    "reverse": False,
    "merge": "concat",
    "residual": False,
    "stateful": False,
    "checkpoint": False,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "recurrent_dropout": 0.0,
    "weight_drop": 0.0,
    "zoneout": 0.0,
    "cell_zoneout": 0.0,
}


class Chain:
    """One stacked layer in one direction, over all steps of a batch.

    Parameters
    ----------
    layer : Recurrent
        With its weights.
    node : str
        What the layer is called in the model: its position in a row.
    stacked : int
        Which of its stacked layers.
    second : bool
        Whether it is the second direction of a bidirectional layer.
    active : bool ndarray, (N, T)
        False beyond a sample's length.
    """

    def __init__(
        self, layer: Recurrent, node: str, stacked: int, *, second: bool, active: NDArray[Any]
    ) -> None:
        suffix = f"_l{stacked}" + "_reverse" * second
        own = {
            name.removesuffix(suffix): value
            for name, value in layer.state_dict().items()
            if name.endswith(suffix)
        }
        spec = layer._spec()
        plain = layer_from_spec({**spec, **{k: v for k, v in _PLAIN.items() if k in spec}})
        plain._build(own["weight_ih"].shape[1], dtype=layer.dtype, seed=0)
        plain.load_state_dict({f"{name}_l0": value for name, value in own.items()})
        self._layer = plain
        self._kind, self._spec = layer.type_name, spec
        self._weights = with_biases({name: v.astype(np.float64) for name, v in own.items()})
        self._zoneout = [spec.get("zoneout", 0.0), spec.get("cell_zoneout", 0.0)]
        self._sizes = layer._state_sizes()
        self._dtype = np.dtype(layer.dtype)
        self._active = active
        self._reverse = layer.reverse or second
        steps = range(active.shape[1])
        self._ends = np.zeros(len(active), np.intp)
        if not self._reverse:
            self._ends = np.maximum(active.sum(axis=1) - 1, 0)
        self._order = list(reversed(steps)) if self._reverse else list(steps)
        self._name = f"{node} {type(layer).__name__}"
        self._name += f" l{stacked}" * (layer.num_layers > 1)
        self._name += (" reverse" if second else " forward") * layer.bidirectional
        self._class = type(layer).__name__
        self._tapes: list[Tape] = []
        self._to_cell: list[Callable[[Values], Values] | None] = []
        # By the step: {gate: (mean, share low, share high)}.
        self._gates: dict[int, dict[str, tuple[float, float, float]]] = {}
        self._limits: dict[str, tuple[float | None, float | None]] = {}
        self._suffix = suffix
        self._gradients: dict[str, Values] = {}

    def forward(
        self, x: NDArray[Any], begin: list[NDArray[Any]] | None
    ) -> tuple[NDArray[Any], list[NDArray[Any]]]:
        """Run over x (N, T, F) from a state, or zeros; return all outputs (N, T, R) and the end."""
        samples, timesteps, _ = x.shape
        state = [np.zeros((samples, size), self._dtype) for size in self._sizes]
        if begin is not None:
            state = list(begin)
        y = np.zeros((samples, timesteps, self._sizes[0]), self._dtype)
        for t in self._order:
            active = self._active[:, t, np.newaxis]
            inputs = np.ascontiguousarray(x[:, t : t + 1])
            _, final, tape = self._layer.forward(inputs, self._public(state))
            found = [part[0] for part in self._parts(final)]
            self._tapes.append(tape)
            self._look(t, inputs[:, 0], state, found)
            for k, (old, new) in enumerate(zip(state, found, strict=True)):
                rate = self._dtype.type(self._zoneout[k])
                state[k] = np.where(active, rate * old + (1 - rate) * new, old)
            y[:, t] = np.where(active, state[0], 0)
        return y, state

    def last(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what (N, T, ...) holds at the last step that the chain runs; 0 where none."""
        rows = np.arange(len(values))
        kept: NDArray[Any] = np.where(self._active[..., np.newaxis], values, 0)[rows, self._ends]
        return kept

    def spread(self, dlast: NDArray[Any]) -> NDArray[Any]:
        """Return the gradient (N, T, R) of all outputs, from that of the last (N, R)."""
        dy = np.zeros((*self._active.shape, dlast.shape[1]), self._dtype)
        dy[np.arange(len(dy)), self._ends] = dlast
        return dy

    def backward(
        self, dy: NDArray[Any], dend: list[NDArray[Any]] | None
    ) -> tuple[NDArray[Any], list[NDArray[Any]], LayerFlow]:
        """Lead gradients of all outputs (N, T, R) and of the end back.

        Returns dx (N, T, F), the gradient of the state it began with, and the norms: those of
        N dL/dh, for L is a mean over N samples.
        """
        samples, timesteps = self._active.shape
        carried = [np.zeros((samples, size), self._dtype) for size in self._sizes]
        if dend is not None:
            carried = list(dend)
        features = self._weights["weight_ih"].shape[1]
        dx = np.zeros((samples, timesteps, features), self._dtype)
        norms = [np.zeros((samples, timesteps)) for _ in self._sizes]
        nothing = np.zeros((samples, self._sizes[0]), self._dtype)
        for t, tape, to_cell in zip(
            reversed(self._order), reversed(self._tapes), reversed(self._to_cell), strict=True
        ):
            active = self._active[:, t, np.newaxis]
            carried[0] = carried[0] + np.where(active, dy[:, t], 0)
            rates = [self._dtype.type(rate) for rate in self._zoneout]
            of_new = [
                np.where(active, (1 - rate) * d, 0) for rate, d in zip(rates, carried, strict=False)
            ]
            norms[0][:, t] = _row_norms(np.where(active, carried[0], 0))
            if to_cell is not None:
                in_all = of_new[1] + to_cell(of_new[0].astype(np.float64))
                norms[1][:, t] = _row_norms(np.where(active, in_all, 0))
            dx_t, before, gradients = tape.backward(nothing, self._public(of_new))
            assert dx_t is not None
            dx[:, t] = dx_t[:, 0]
            for name, gradient in gradients.items():
                self._gradients[name] = self._gradients.get(name, 0.0) + gradient.astype(float)
            for k, part in enumerate(self._parts(before)):
                carried[k] = np.where(active, rates[k] * carried[k] + part[0], carried[k])
        self._tapes, self._to_cell = [], []  # each tape can be used once
        return dx, carried, self._flow([samples * norm for norm in norms])

    def gradients(self) -> dict[str, Values]:
        """Return the gradients of all parameters: sums over the steps."""
        return {
            name.removesuffix("_l0") + self._suffix: gradient
            for name, gradient in self._gradients.items()
        }

    def _public(self, state: list[NDArray[Any]]) -> Any:
        """Return a state as the layer takes it."""
        parts = tuple(np.ascontiguousarray(part, self._dtype)[np.newaxis] for part in state)
        return parts if len(parts) > 1 else parts[0]

    def _parts(self, state: Any) -> tuple[NDArray[Any], ...]:
        return state if isinstance(state, tuple) else (state,)

    def _look(self, t: int, x: NDArray[Any], state: list[NDArray[Any]], found: list[Any]) -> None:
        """Compute the gates of a step, and keep what is told of them."""
        if self._kind not in CELLS:
            self._to_cell.append(None)
            return
        old, new = ([part.astype(np.float64) for part in values] for values in (state, found))
        step = Step(
            x.astype(np.float64),
            old[0],
            new[0],
            old[1] if len(old) > 1 else None,
            new[1] if len(new) > 1 else None,
        )
        gates = CELLS[self._kind](self._spec, self._weights, step)
        self._to_cell.append(gates.to_cell)
        self._limits = {name: function.limits() for name, function in gates.functions.items()}
        self._gates[t] = self._statistics(gates, self._active[:, t])

    def _statistics(
        self, gates: Gates, active: NDArray[Any]
    ) -> dict[str, tuple[float, float, float]]:
        found = {}
        for name, all_values in gates.values.items():
            low, high = self._limits[name]
            values = all_values[active]
            if not values.size:
                found[name] = (np.nan,) * 3
                continue
            found[name] = (
                float(values.mean()),
                np.nan if low is None else float((values <= low).mean()),
                np.nan if high is None else float((values >= high).mean()),
            )
        return found

    def _flow(self, norms: list[Values]) -> LayerFlow:
        gates = {
            name: GateFlow(*self._over_time(name), limits) for name, limits in self._limits.items()
        }
        blocks = recurrent_blocks(self._kind, self._spec, self._weights)
        if "weight_hr" in self._weights:
            blocks = {name: block @ self._weights["weight_hr"] for name, block in blocks.items()}
        radius = {n: float(np.abs(np.linalg.eigvals(b)).max()) for n, b in blocks.items()}
        dc = norms[1] if len(norms) > 1 else None
        return LayerFlow(
            name=self._name,
            kind=self._class,
            reverse=self._reverse,
            dh=self._mean(norms[0]),
            dc=None if dc is None else self._mean(dc),
            dh_samples=norms[0],
            dc_samples=dc,
            gates=gates,
            spectral_norm={n: float(np.linalg.norm(b, 2)) for n, b in blocks.items()},
            spectral_radius=radius,
        )

    def _over_time(self, gate: str) -> tuple[Values, Values, Values]:
        steps = range(self._active.shape[1])
        mean, low, high = (np.array([self._gates[t][gate][k] for t in steps]) for k in range(3))
        return mean, low, high

    def _mean(self, norms: Values) -> Values:
        """Return the mean over the samples that are there at each step."""
        count = self._active.sum(axis=0)
        mean = np.full(len(count), np.nan)
        np.divide(norms.sum(axis=0), count, out=mean, where=count > 0)
        return mean


def _row_norms(d: NDArray[Any]) -> Values:
    """Return the Euclidean norm of each row, without overflow or underflow of float32."""
    found: Values = np.linalg.norm(d.astype(np.float64), axis=1)
    return found


States = list[NDArray[Any]]
"""h, and c of an LSTM: each (stacked layers x directions, N, features)."""


class Recurrence:
    """A recurrent layer of a model: its stacked layers and directions."""

    def __init__(self, layer: Recurrent, node: str, active: NDArray[Any]) -> None:
        self._layer = layer
        self._active = active
        self._chains = [
            [
                Chain(layer, node, stacked, second=second, active=active)
                for second in ([False, True] if layer.bidirectional else [False])
            ]
            for stacked in range(layer.num_layers)
        ]

    def forward(self, x: NDArray[Any], begin: States | None = None) -> tuple[Any, States]:
        """Return the layer's output and its final state, as a call of it does."""
        active = self._active[..., np.newaxis]
        ends: list[list[NDArray[Any]]] = []
        for stacked, chains in enumerate(self._chains):
            found = [
                chain.forward(x, _of_chain(begin, len(ends) + k)) for k, chain in enumerate(chains)
            ]
            outputs = [output for output, _ in found]
            ends += [end for _, end in found]
            skip = self._layer.residual and stacked > 0
            if stacked == len(self._chains) - 1 and not self._layer.return_sequences:
                pairs = zip(chains, outputs, strict=True)
                y = self._merged([chain.last(output) for chain, output in pairs])
                return y + chains[0].last(x) if skip else y, _stacked(ends)
            y = self._merged(outputs)
            x = y + np.where(active, x, 0) if skip else y
        return x, _stacked(ends)

    def backward(
        self, dy: NDArray[Any], dend: States | None = None
    ) -> tuple[NDArray[Any], States, list[LayerFlow]]:
        """Return dx, the gradient of the initial state, and the norms of each chain, in order."""
        flows: list[LayerFlow] = []
        begins: list[list[NDArray[Any]]] = []
        of_last = not self._layer.return_sequences
        for stacked, chains in reversed(list(enumerate(self._chains))):
            parts = self._parted(dy)
            if of_last:
                parts = [chain.spread(part) for chain, part in zip(chains, parts, strict=True)]
            first = stacked * len(chains)
            found = [
                chain.backward(part, _of_chain(dend, first + k))
                for k, (chain, part) in enumerate(zip(chains, parts, strict=True))
            ]
            flows = [flow for _, _, flow in found] + flows
            begins = [begin for _, begin, _ in found] + begins
            dx = sum((part for part, _, _ in found[1:]), start=found[0][0])
            if self._layer.residual and stacked > 0:
                past = chains[0].spread(dy) if of_last else dy
                dx = dx + np.where(self._active[..., np.newaxis], past, 0)
            dy, of_last = dx, False
        return dy, _stacked(begins), flows

    def gradients(self) -> dict[str, Values]:
        """Return the gradients of all parameters, named as in the layer."""
        return {
            name: gradient
            for chains in self._chains
            for chain in chains
            for name, gradient in chain.gradients().items()
        }

    def _merged(self, outputs: list[NDArray[Any]]) -> NDArray[Any]:
        if len(outputs) == 1:
            return outputs[0]
        if self._layer.merge == "sum":
            both: NDArray[Any] = outputs[0] + outputs[1]
            return both
        return np.concatenate(outputs, axis=-1)

    def _parted(self, dy: NDArray[Any]) -> list[NDArray[Any]]:
        directions = len(self._chains[0])
        if directions == 1 or self._layer.merge == "sum":
            return [dy] * directions
        return np.split(dy, directions, axis=-1)


def _of_chain(states: States | None, number: int) -> list[NDArray[Any]] | None:
    return None if states is None else [part[number] for part in states]


def _stacked(of_chains: list[list[NDArray[Any]]]) -> States:
    return [np.stack(parts) for parts in zip(*of_chains, strict=True)]
