"""The recurrent layers: every option alone, options in random combination, and how to run them.

What kinds there are and which options they have is read off the reference's cells: a cell named in
`reference.CELLS` takes part in everything here.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import settings
from hypothesis import strategies as st

import lstm_native as ln

KINDS = tuple(ref.CELLS)
WITH_WEIGHT_HH = tuple(kind for kind, cell in ref.CELLS.items() if cell.recurrent)
PARTS_OF_STATE = {kind: len(cell(hidden=4).state_widths) for kind, cell in ref.CELLS.items()}
ONE_STATE = tuple(kind for kind, parts in PARTS_OF_STATE.items() if parts == 1)


def cell_options(kind: str) -> dict[str, Field]:
    """The options that a kind's cell alone has, by name."""
    return {f.name: f for f in fields(ref.CELLS[kind]) if f.name not in ("hidden", "bias")}


def options_of_type(kind: str, type_name: str) -> tuple[str, ...]:
    return tuple(name for name, f in cell_options(kind).items() if f.type == type_name)


def function_options(kind: str) -> tuple[str, ...]:
    return options_of_type(kind, "Function")


def clip_options(kind: str) -> tuple[str, ...]:
    return tuple(name for name in cell_options(kind) if name.endswith("_clip"))


def switches(kind: str) -> dict[str, bool]:
    """Options that are true or false, with what is not the default."""
    return {name: not cell_options(kind)[name].default for name in options_of_type(kind, "bool")}


# With the parameters that ONNX gives no default, and some others than the default.
FUNCTIONS = (
    "linear",
    "relu",
    "tanh",
    "sigmoid",
    ("affine", 0.7, -0.2),
    "leaky_relu",
    ("leaky_relu", 0.3),
    ("thresholded_relu", 0.4),
    "thresholded_relu",
    ("scaled_tanh", 1.3, 0.6),
    "hard_sigmoid",
    ("hard_sigmoid", 0.3, 0.4),
    "elu",
    ("elu", 0.6),
    "softsign",
    "softplus",
)
SMOOTH = ("linear", "tanh", "sigmoid", ("affine", 0.7, -0.2), ("scaled_tanh", 1.3, 0.6), "softplus")
# Gates of random combinations: others let values grow beyond what a difference can tell.
BOUNDED = ("sigmoid", "hard_sigmoid", ("hard_sigmoid", 0.3, 0.4))


def label(function: Any) -> str:
    return function if isinstance(function, str) else "_".join(map(str, function))


def _cell_alone(kind: str) -> dict[str, dict[str, Any]]:
    """Every option that the kind's cell has, by itself.

    Gates that the output passes at every step stay bounded: others let it grow beyond what a
    difference can tell.
    """
    bounded = {"gate_activation"} if PARTS_OF_STATE[kind] == 1 else set()
    functions = {name: BOUNDED if name in bounded else FUNCTIONS for name in function_options(kind)}
    return (
        {name if value else f"no_{name}": {name: value} for name, value in switches(kind).items()}
        | {name: {name: 0.3} for name in clip_options(kind)}
        | {f"{name}_{label(f)}": {name: f} for name, those in functions.items() for f in those}
    )


def _alone() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every option by itself, for each kind of layer that has it."""
    shared = {
        "plain": {},
        "stacked": {"num_layers": 3},
        "reverse": {"reverse": True},
        "two_ways": {"bidirectional": True},
        "two_ways_summed": {"bidirectional": True, "merge": "sum"},
        "two_ways_stacked": {"bidirectional": True, "num_layers": 2},
        "residual": {"num_layers": 3, "residual": True},
        "residual_two_ways": {"num_layers": 2, "residual": True, "bidirectional": True},
        "residual_summed": {
            "num_layers": 2,
            "residual": True,
            "bidirectional": True,
            "merge": "sum",
        },
        "last_step": {"return_sequences": False},
        "last_step_two_ways": {"return_sequences": False, "bidirectional": True},
        "last_step_residual": {"return_sequences": False, "num_layers": 2, "residual": True},
        "dropout": {"num_layers": 2, "dropout": 0.4},
        "input_dropout": {"input_dropout": 0.4},
        "no_bias": {"bias": False},
        "no_bias_stacked_two_ways": {"bias": False, "num_layers": 2, "bidirectional": True},
    }
    recurrent = {
        "recurrent_dropout": {"recurrent_dropout": 0.4},
        "weight_drop": {"weight_drop": 0.4},
        "zoneout": {"zoneout": 0.3},
        "no_bias_drops": {"bias": False, "weight_drop": 0.4, "zoneout": 0.3},
    }
    own = {
        "LSTM": {
            "proj_size": {"proj_size": 3},
            "proj_size_stacked_two_ways": {"proj_size": 3, "num_layers": 2, "bidirectional": True},
            "no_gates": {"input_gate": False, "forget_gate": False, "output_gate": False},
            "no_input_activation": {"cell_activation": "linear"},
            "no_output_activation": {"output_activation": "linear"},
            "coupled_peepholes": {"coupled_gates": True, "peephole": True},
            "peepholes_of_two": {"input_gate": False, "peephole": True},
            "layer_norm_two_gates": {"layer_norm": True, "coupled_gates": True},
            "layer_norm_projection": {"layer_norm": True, "proj_size": 4, "peephole": True},
            "no_bias_projection": {"bias": False, "proj_size": 3, "peephole": True},
            "no_bias_coupled": {"bias": False, "coupled_gates": True},
            "no_bias_layer_norm": {"bias": False, "layer_norm": True, "num_layers": 2},
            "cell_clip_peephole": {"cell_clip": 0.2, "peephole": True},
            "zoneout_pair": {"zoneout": (0.1, 0.5)},
            "zoneout_of_c": {"zoneout": (0.0, 0.5)},
            "zoneout_layer_norm": {"zoneout": (0.2, 0.1), "layer_norm": True},
        },
        "GRU": {
            "reset_before_stacked": {"reset_after": False, "num_layers": 2, "bidirectional": True},
            "reset_before_zoneout": {"reset_after": False, "zoneout": 0.3},
            "no_bias_reset_before": {"bias": False, "reset_after": False},
            "reset_before_functions": {
                "reset_after": False,
                "gate_activation": ("hard_sigmoid", 0.3, 0.4),
                "candidate_activation": "elu",
                "gate_clip": 0.5,
            },
        },
    }
    found = {}
    for kind in KINDS:
        of_kind = shared | (recurrent if kind in WITH_WEIGHT_HH else {}) | _cell_alone(kind)
        of_kind |= own.get(kind, {})
        found |= {f"{kind}-{name}": (kind, options) for name, options in of_kind.items()}
    return found


ALONE = _alone()
TRAINING = ("dropout", "input_dropout", "recurrent_dropout", "weight_drop")


def is_random(options: dict[str, Any]) -> bool:
    """Whether a training pass draws masks."""
    return any(options.get(name) for name in (*TRAINING, "zoneout"))


@dataclass(frozen=True)
class Problem:
    """A layer's kind and options, one batch, and gradients of all that the layer returns."""

    kind: str
    options: dict[str, Any]
    hidden: int
    x: np.ndarray
    weights: p.Tensors = field(repr=False)
    state: tuple[np.ndarray, ...] | None = field(repr=False)
    lengths: np.ndarray | None
    dy: np.ndarray = field(repr=False)
    dstate: tuple[np.ndarray, ...] | None = field(repr=False)

    @property
    def stack(self) -> ref.Stack:
        return ref.make_stack(self.kind, self.hidden, **self.options)

    def layer(self, **changed: Any) -> Any:
        """The layer with the problem's weights."""
        options = {**self.options, **changed}
        layer = new_layer(self.kind, self.hidden, self.x.shape[2], self.x.dtype, **options)
        layer.load_state_dict(self.weights)
        return layer

    def take(self, rows: Any) -> Problem:
        """Some of the sequences, or the same in another order."""

        def of(parts):
            return parts and tuple(np.ascontiguousarray(part[:, rows]) for part in parts)

        return replace(
            self,
            x=self.x[rows],
            state=of(self.state),
            lengths=None if self.lengths is None else self.lengths[rows],
            dy=self.dy[rows],
            dstate=of(self.dstate),
        )

    def padded(self, more: int, content: float) -> Problem:
        """The same sequences with so many steps more behind them, and this in the padding."""
        n, t, f = self.x.shape
        lengths = np.full(n, t) if self.lengths is None else self.lengths
        x = np.full((n, t + more, f), content, self.x.dtype)
        dy = self.dy
        if dy.ndim == 3:
            dy = np.full((n, t + more, dy.shape[2]), 7.0, self.x.dtype)
            dy[:, :t] = self.dy
        for row, length in enumerate(lengths):
            x[row, :length] = self.x[row, :length]
        return replace(self, x=x, dy=dy, lengths=lengths)


def new_layer(kind: str, hidden: int, features: int, dtype: Any, **options: Any) -> Any:
    """A layer with its initial weights."""
    options = {"seed": 5, **options}
    return getattr(ln, kind)(hidden, input_size=features, dtype=np.dtype(dtype).name, **options)


def public(kind: str, parts: tuple[np.ndarray, ...] | None) -> Any:
    """A state as the layer takes it: (h, c) of an LSTM, h of cells with one part."""
    return parts if parts is None or PARTS_OF_STATE[kind] > 1 else parts[0]


def parts_of(kind: str, state: Any) -> tuple[np.ndarray, ...]:
    """A state as the layer returned it, as a tuple."""
    return tuple(state) if PARTS_OF_STATE[kind] > 1 else (state,)


def make_problem(
    kind: str,
    options: dict[str, Any],
    shape: tuple[int, int, int, int] = (4, 6, 5, 9),
    dtype: Any = "float64",
    seed: int = 0,
    *,
    with_state: bool = True,
    with_lengths: bool = False,
) -> Problem:
    """Random weights, input, states and gradients; with_lengths: from 0 to T, both included."""
    n, t, f, h = shape
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(seed)
    stack = ref.make_stack(kind, h, **options)
    weights = {k: v.astype(dtype) for k, v in stack.random_weights(rng, f).items()}
    state = dstate = None
    if with_state:
        state, dstate = (
            tuple(p.normal(rng, part.shape, dtype) for part in stack.zero_state(n))
            for _ in range(2)
        )
    lengths = None
    if with_lengths:
        lengths = rng.integers(0, t + 1, n)
        whole = rng.integers(n)
        lengths[whole] = t
        if n > 1:
            empty = rng.integers(n)
            lengths[empty] = 0
            if empty == whole:  # some steps there must be
                lengths[(whole + 1) % n] = t
    output = (n, t) if stack.return_sequences else (n,)
    dy = p.normal(rng, (*output, stack.output_features), dtype)
    x = p.normal(rng, (n, t, f), dtype)
    return Problem(kind, options, h, x, weights, state, lengths, dy, dstate)


def call(layer: Any, problem: Problem) -> p.Tensors:
    """Output and final state of a layer at rest, by name."""
    y, final = layer(problem.x, public(problem.kind, problem.state), lengths=problem.lengths)
    return named("y", "hc", y, parts_of(problem.kind, final))


def run(layer: Any, problem: Problem, seed: int = 7) -> p.Tensors:
    """All that one pass there and back returns, by name; masks follow the seed."""
    kind = problem.kind
    y, final, tape = layer.forward(
        problem.x, public(kind, problem.state), lengths=problem.lengths, seed=seed
    )
    dx, initial, gradients = tape.backward(problem.dy, public(kind, problem.dstate))
    found = named("y", "hc", y, parts_of(kind, final))
    return found | named("dx", ("dh", "dc"), dx, parts_of(kind, initial)) | gradients


def expected(problem: Problem, masks: ref.Masks | None = None) -> p.Tensors:
    """What the reference answers, as `run` names it; at rest, or with these masks."""

    def double(parts):
        return parts and tuple(part.astype(np.float64) for part in parts)

    stack, weights = problem.stack, p.float64(problem.weights)
    x, dy = problem.x.astype(np.float64), problem.dy.astype(np.float64)
    y, final, tape = stack.forward(x, weights, double(problem.state), problem.lengths, masks)
    dx, initial, gradients = stack.backward(dy, double(problem.dstate), weights, tape)
    return named("y", "hc", y, final) | named("dx", ("dh", "dc"), dx, initial) | gradients


def named(first: str, rest: Any, value: np.ndarray, parts: tuple[np.ndarray, ...]) -> p.Tensors:
    return {first: value, **dict(zip(rest, parts, strict=False))}


def of_rows(found: p.Tensors, rows: Any) -> p.Tensors:
    """What belongs to these sequences: no weights, and states with the sequences first."""
    taken = {name: found[name][rows] for name in ("y", "dx") if name in found}
    for name in ("h", "c", "dh", "dc"):
        if name in found:
            taken[name] = found[name][:, rows]
    return {name: np.ascontiguousarray(value) for name, value in taken.items()}


def of_weights(found: p.Tensors) -> p.Tensors:
    return {name: value for name, value in found.items() if "_l" in name}


def check_forward(found: p.Tensors, wanted: p.Tensors, factor: float = 1.0) -> None:
    """Output and states, relative to the largest value that stands in them, but at least 0.1.

    An activation such as relu or linear may leave nothing but what cancelled.
    """
    for name in ("y", "h", "c"):
        if name not in found:
            continue
        assert found[name].shape == wanted[name].shape, name
        scale = max(np.abs(wanted[name]).max(initial=0.0), 0.1)
        error = np.abs(found[name] - wanted[name]).max(initial=0.0) / scale
        tolerance = factor * p.FORWARD_TOLERANCE[found[name].dtype]
        assert error <= tolerance, f"{name}: relative error {error:.3g}"


# -- random combinations -----------------------------------------------------------------------


@st.composite
def options_of(draw: Any, kind: str, functions: Any = FUNCTIONS, *, training: bool = True):
    """Options that go together, about half of them not the default."""
    found: dict[str, Any] = {}

    def maybe(name: str, values: Any) -> None:
        if draw(st.booleans()):
            found[name] = draw(values)

    function, limit = st.sampled_from(functions), st.sampled_from([0.2, 1.0, 3.0])
    bounded = st.sampled_from(BOUNDED if functions is FUNCTIONS else ["sigmoid"])
    rate = st.sampled_from([0.1, 0.5])
    layers = draw(st.integers(1, 3))
    found["num_layers"] = layers
    direction = draw(st.sampled_from([{}, {"reverse": True}, {"bidirectional": True}]))
    found |= direction
    if "bidirectional" in direction:
        maybe("merge", st.sampled_from(["concat", "sum"]))
    maybe("return_sequences", st.just(False))
    if draw(st.integers(0, 3)) == 0:
        found["bias"] = False
    if layers > 1 and not ("bidirectional" in found and "return_sequences" in found):
        maybe("residual", st.just(True))
    if training:
        if layers > 1:
            maybe("dropout", rate)
        maybe("input_dropout", rate)
        if kind in WITH_WEIGHT_HH:
            maybe("recurrent_dropout", rate)
            maybe("weight_drop", rate)
            maybe("zoneout", rate)
    for name, value in switches(kind).items():
        if draw(st.integers(0, 3)) == 0:
            found[name] = value
    for name in function_options(kind):
        maybe(name, bounded if name == "gate_activation" else function)
    if functions is FUNCTIONS:
        for name in clip_options(kind):
            maybe(name, limit)
    if "proj_size" in cell_options(kind):
        maybe("proj_size", st.integers(1, 3))
    if "zoneout" in found and PARTS_OF_STATE[kind] == 2 and draw(st.booleans()):
        found["zoneout"] = draw(st.sampled_from([(0.1, 0.4), (0.0, 0.5), (0.3, 0.0)]))
    return without_conflicts(found)


def without_conflicts(options: dict[str, Any]) -> dict[str, Any]:
    """Without those that exclude others of an LSTM."""
    gates = ("input_gate", "forget_gate", "output_gate")
    if options.get("coupled_gates"):
        options = {k: v for k, v in options.items() if k not in gates[:2]}
    elif not any(options.get(gate, True) for gate in gates):
        options = {k: v for k, v in options.items() if k != "peephole"}
    return options


def problems(kind: str, functions: Any = FUNCTIONS, *, training: bool = True):
    """Arguments of `make_problem` but for the dtype: kind, options, shape, seed and switches."""
    return st.fixed_dictionaries(
        {
            "kind": st.just(kind),
            "options": options_of(kind, functions, training=training),
            "shape": st.tuples(
                st.integers(1, 7),
                st.integers(1, 9),
                p.features,
                st.sampled_from([4, 5, 8, 9, 17, 33]),
            ),
            "seed": p.seeds,
            "with_state": st.booleans(),
            "with_lengths": st.booleans(),
        }
    )


def for_each_kind(kinds: tuple[str, ...] = KINDS):
    """A drawn test once for each kind, so that `-k GRU` finds it, with a share of the examples.

    The test draws its problem itself: `drawn = data.draw(family.problems(kind))`.
    """
    most = settings.default.max_examples

    def decorate(test: Any) -> Any:
        limited = settings(max_examples=max(3 * most // (2 * len(kinds)), 4))(test)
        return pytest.mark.parametrize("kind", kinds)(limited)

    return decorate
