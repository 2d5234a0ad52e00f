"""One LSTM layer over random shapes: what changes a sequence's bits, and what must not.

docs/determinism.md promises what is tested here. Whole models stand in test_determinism.py.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import product as p
from hypothesis import given
from hypothesis import strategies as st

DIRECTIONS = ({}, {"reverse": True}, {"bidirectional": True})


@dataclass(frozen=True)
class Problem:
    """A layer's options, one batch, and gradients of all that the layer returns."""

    options: dict[str, Any]
    hidden: int
    x: np.ndarray
    state: tuple[np.ndarray, ...]
    dy: np.ndarray
    dstate: tuple[np.ndarray, ...]

    def take(self, rows: list[int] | np.ndarray) -> Problem:
        """The same sequences in another batch."""
        of_state, of_dstate = (
            tuple(np.ascontiguousarray(part[:, rows]) for part in parts)
            for parts in (self.state, self.dstate)
        )
        return replace(self, x=self.x[rows], state=of_state, dy=self.dy[rows], dstate=of_dstate)

    def upstream_of(self, row: int) -> Problem:
        """No gradient arrives but at one sequence."""
        mask = np.arange(len(self.x)) == row
        dy = np.where(mask.reshape(-1, *(1,) * (self.dy.ndim - 1)), self.dy, 0)
        dstate = tuple(np.where(mask[:, None], part, 0) for part in self.dstate)
        return replace(self, dy=dy.astype(self.dy.dtype), dstate=dstate)

    def layer(self) -> Any:
        """The layer with its initial weights, which the seed decides."""
        spec = p.lstm_spec(self.hidden, **self.options)
        return p.make_layer(spec, self.x.shape[-1], self.x.dtype)


def make_problem(shape, num_layers, direction, return_sequences, dtype, seed) -> Problem:
    n, t, f, h = shape
    rng = np.random.default_rng(seed)
    width = 2 if "bidirectional" in direction else 1
    size = (width * num_layers, n, h)
    output = (n, t, width * h) if return_sequences else (n, width * h)
    options = {"num_layers": num_layers, "return_sequences": return_sequences, **direction}
    state, dstate = (tuple(p.normal(rng, size, dtype) for _ in "hc") for _ in range(2))
    return Problem(
        options, h, p.normal(rng, (n, t, f), dtype), state, p.normal(rng, output, dtype), dstate
    )


def batches(most: int):
    """Arguments of make_problem but for the dtype. About half are large enough for threads."""
    return st.tuples(
        st.tuples(st.integers(1, most), p.timesteps, p.features, p.hidden_sizes),
        st.integers(1, 3),
        st.sampled_from(DIRECTIONS),
        st.booleans(),
    )


def run(layer: Any, problem: Problem) -> tuple[p.Tensors, p.Tensors]:
    """What belongs to single sequences, one row each; and the gradients of the weights."""
    y, (h, c), tape = layer.forward(problem.x, problem.state, True, 7)
    dx, (dh, dc), gradients = tape.backward(problem.dy, problem.dstate)
    states = {"h": h, "c": c, "dh": dh, "dc": dc}
    rows = {name: np.ascontiguousarray(part.swapaxes(0, 1)) for name, part in states.items()}
    return {"y": y, "dx": dx, **rows}, gradients


def rows_of(found: p.Tensors, rows: list[int] | np.ndarray) -> p.Tensors:
    return {name: np.ascontiguousarray(value[rows]) for name, value in found.items()}


@given(batch=batches(70), seed=p.seeds)
def test_a_sequence_is_the_same_in_any_batch_at_any_place(isa, dtype, threads, batch, seed):
    """Outputs, final states, and the gradients of its input and initial state."""
    problem = make_problem(*batch, dtype, seed)
    rng = np.random.default_rng(seed)
    layer, n = problem.layer(), len(problem.x)
    together, _ = run(layer, problem)
    for row in {0, n // 2, n - 1}:
        p.assert_same_weights(run(layer, problem.take([row]))[0], rows_of(together, [row]))
    order = rng.permutation(n)
    for rows in (order, order[: 1 + n // 3]):
        p.assert_same_weights(run(layer, problem.take(rows))[0], rows_of(together, rows))


@given(batch=batches(33), place=st.floats(0, 1), seed=p.seeds)
def test_a_sequence_adds_the_same_to_the_weights_gradients(isa, dtype, batch, place, seed):
    """What it adds when the other sequences' gradients are zero."""
    problem = make_problem(*batch, dtype, seed)
    layer, row = problem.layer(), round(place * (len(problem.x) - 1))
    among_others = run(layer, problem.upstream_of(row))[1]
    p.assert_same_weights(among_others, run(layer, problem.take([row]))[1])


@given(batch=batches(40), dropout=st.sampled_from([0.0, 0.3]), seed=p.seeds)
def test_threads_and_runs_change_nothing(isa, dtype, batch, dropout, seed):
    """The gradients of the weights, sums over the whole batch, included."""
    problem = make_problem(*batch, dtype, seed)
    problem.options["dropout"] = dropout
    layer = problem.layer()
    results = [p.run_on_threads(count, lambda: run(layer, problem)) for count in (1, 2, 3, 4, 1)]
    results.append(run(problem.layer(), problem))  # nor does another layer with these weights
    for rows, gradients in results[1:]:
        p.assert_same_weights(rows, results[0][0])
        p.assert_same_weights(gradients, results[0][1])


@given(batch=batches(40), dropout=st.sampled_from([0.0, 0.3]), seed=p.seeds)
def test_sets_that_fuse_multiply_and_add_give_the_same_bits(dtype, batch, dropout, seed):
    """AVX2 and AVX-512 sum in the same order; the baseline has no FMA and may differ."""
    problem = make_problem(*batch, dtype, seed)
    problem.options["dropout"] = dropout
    layer = problem.layer()
    first, *others = p.on_each_set(p.FUSED_SETS, lambda: run(layer, problem)) or [None]
    for rows, gradients in others:
        p.assert_same_weights(rows, first[0])
        p.assert_same_weights(gradients, first[1])


@given(
    shape=st.tuples(p.samples, st.integers(2, 30), p.features, p.hidden_sizes),
    num_layers=st.integers(1, 3),
    reverse=st.booleans(),
    place=st.floats(0, 1),
    seed=p.seeds,
)
def test_an_output_knows_nothing_of_later_steps(
    isa, dtype, threads, shape, num_layers, reverse, place, seed
):
    """Earlier ones for a reverse layer. A sequence cut short gives the bits of its part."""
    direction = {"reverse": True} if reverse else {}
    problem = make_problem(shape, num_layers, direction, True, dtype, seed)
    layer, steps = problem.layer(), shape[1]
    length = 1 + round(place * (steps - 2))
    part = slice(steps - length, None) if reverse else slice(None, length)
    whole = layer.forward(problem.x, problem.state, False, 0)[0]
    short, final, _ = layer.forward(
        np.ascontiguousarray(problem.x[:, part]), problem.state, False, 0
    )
    p.assert_same_bits(short, np.ascontiguousarray(whole[:, part]))
    changed = problem.x.copy()
    changed[:, slice(None, steps - length) if reverse else slice(length, None)] = 1e6
    spoilt = layer.forward(changed, problem.state, False, 0)[0]
    p.assert_same_bits(np.ascontiguousarray(spoilt[:, part]), short)
    p.assert_same_bits(np.ascontiguousarray(final[0][-1]), short[:, 0 if reverse else -1].copy())


def test_python_threads_share_one_layer(isa, dtype):
    """Passes and tapes of one layer, led back at the same time, do not disturb each other."""
    whole = make_problem((24, 9, 5, 33), 2, {"bidirectional": True}, True, dtype, 0)
    layer = whole.layer()
    problems = [whole.take(list(range(n))) for n in range(1, 25)]
    expected = [run(layer, problem) for problem in problems]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda problem: run(layer, problem), problems))
    for one, other in zip(found, expected, strict=True):
        p.assert_same_weights(one[0], other[0])
        p.assert_same_weights(one[1], other[1])


def digest() -> str:
    """Of all the bits of a few problems."""
    found = hashlib.sha256()
    for index, direction in enumerate(DIRECTIONS):
        for dtype in ("float32", "float64"):
            problem = make_problem((33, 10, 9, 40 + index), 2, direction, True, dtype, index)
            for part in run(problem.layer(), problem):
                for value in part.values():
                    found.update(value.tobytes())
    return found.hexdigest()


def test_another_process_finds_the_same_bits(isa):
    """With memory elsewhere and other threads; on a set that fuses, AVX2 or AVX-512."""
    sets = p.FUSED_SETS if isa in p.FUSED_SETS else [isa]
    folders = [folder for folder in sys.path if folder]
    code = f"import sys; sys.path[:0] = {folders!r}; import test_determinism_shapes as t"
    for name in sets:
        for threads in ("1", "3"):
            done = subprocess.run(
                [sys.executable, "-c", f"{code}; print(t.digest())"],
                capture_output=True,
                timeout=120,
                **p.fresh_process(LSTM_NATIVE_ISA=name, LSTM_NATIVE_NUM_THREADS=threads),
            )
            assert done.stdout.strip() == digest(), (name, threads, done.stderr)
