"""Recurrent layers of every kind and option: forward passes against the reference."""

from __future__ import annotations

import functools

import family
import numpy as np
import product as p
import pytest
from hypothesis import given
from hypothesis import strategies as st

# Normalisation magnifies the rounding of what it divides by a small deviation; functions without
# an upper end hand on what grew.
NORMALISED = 5.0


def factor(options) -> float:
    return NORMALISED if options.get("layer_norm") else 1.0


@functools.cache
def alone(name: str, dtype: str, with_lengths: bool):
    """A problem and the reference's answer, which every instruction set is asked for."""
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, dtype=dtype, seed=3, with_lengths=with_lengths)
    return problem, family.expected(problem)


@pytest.mark.parametrize("with_lengths", [False, True], ids=["full_length", "lengths"])
@pytest.mark.parametrize("name", family.ALONE)
def test_every_option_alone_matches_the_reference(isa, dtype, name, with_lengths):
    """At rest: dropout of all kinds does nothing, zoneout keeps its average share."""
    problem, wanted = alone(name, dtype.name, with_lengths)
    found = family.call(problem.layer(), problem)
    assert {value.dtype for value in found.values()} == {dtype}
    family.check_forward(found, wanted, factor(problem.options))


@family.for_each_kind()
@given(data=st.data())
def test_random_combinations_match_the_reference(isa, dtype, threads, kind, data):
    drawn = data.draw(family.problems(kind))
    problem = family.make_problem(dtype=dtype, **drawn)
    wanted = family.expected(problem)
    # Deep sums of functions without an upper end; judged by the largest value of all steps.
    grown = 3.0 if drawn["options"]["num_layers"] > 1 else 1.5
    family.check_forward(
        family.call(problem.layer(), problem), wanted, grown * factor(problem.options)
    )


@pytest.mark.parametrize("kind", family.KINDS)
@pytest.mark.parametrize(
    "shape", [(67, 20, 40, 70), (3, 150, 5, 129)], ids=["rows_over_threads", "long_and_wide"]
)
def test_sizes_beyond_one_tile_match_the_reference(isa, dtype, threads, shape, kind):
    for options in ({}, {"num_layers": 2, "bidirectional": True}):
        problem = family.make_problem(kind, options, shape, dtype, with_lengths=True)
        found = family.call(problem.layer(), problem)
        family.check_forward(found, beyond_one_tile(kind, shape, dtype.name, len(options)))


@functools.cache
def beyond_one_tile(kind: str, shape: tuple[int, ...], dtype: str, both: int):
    options = {"num_layers": 2, "bidirectional": True} if both else {}
    return family.expected(family.make_problem(kind, options, shape, dtype, with_lengths=True))


@pytest.mark.parametrize("name", family.ALONE)
def test_a_training_pass_without_masks_answers_as_a_call(isa, name):
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, dtype="float32", with_lengths=True)
    layer = problem.layer()
    called = family.call(layer, problem)
    trained = {name: value for name, value in family.run(layer, problem).items() if name in called}
    if not family.is_random(options):
        p.assert_same_weights(trained, called)
    else:
        assert trained["y"].tobytes() != called["y"].tobytes()
        p.assert_same_weights(family.call(layer, problem), called)  # no pass leaves a trace


@pytest.mark.parametrize("kind", family.KINDS)
def test_no_initial_state_is_a_state_of_zeros(isa, dtype, kind):
    problem = family.make_problem(kind, {"num_layers": 2}, dtype=dtype, with_state=False)
    zeros = tuple(part.astype(dtype) for part in problem.stack.zero_state(len(problem.x)))
    layer = problem.layer()
    with_zeros = family.call(layer, family.replace(problem, state=zeros))
    p.assert_same_weights(family.call(layer, problem), with_zeros)


STREAMABLE = [
    name
    for name, (_, options) in family.ALONE.items()
    if not options.get("reverse") and not options.get("bidirectional")
]


@pytest.mark.parametrize("name", STREAMABLE)
def test_a_sequence_in_two_halves_is_the_whole(isa, dtype, name):
    """The final state, handed in again, continues as if nothing had happened: the same bits."""
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, dtype=dtype)
    layer = problem.layer()
    whole = family.call(layer, problem)
    first, state = layer(problem.x[:, :2], family.public(kind, problem.state))
    second, final = layer(problem.x[:, 2:], state)
    y = second
    if problem.stack.return_sequences:
        y = np.concatenate([first, second], axis=1)
    found = family.named("y", "hc", y, family.parts_of(kind, final))
    p.assert_same_weights(found, whole)


@pytest.mark.parametrize(
    ("i", "f", "share"), [(80.0, 80.0, 0.5), (-30.0, 30.0, 0.0), (30.0, -30.0, 1.0)]
)
def test_saturated_gates_of_minlstm_share_evenly_or_not_at_all(isa, dtype, i, f, share):
    y, old, _ = minlstm_step(i, f, dtype)
    assert y == pytest.approx(share * 2.0 + (1 - share) * old, rel=1e-5)


@pytest.mark.parametrize("shut", [-20.0, -50.0, -80.0, -150.0, -400.0, -800.0])
def test_two_shut_gates_of_minlstm_share_evenly(isa, dtype, shut):
    """Their quotient is 1 / 2 however small they are: no 0 / 0, and no square that underflows.

    f / (f + i) = s is the logistic function of log f - log i, whose slope is s (1 - s), and
    log f grows by 1 - f = 1.
    """
    y, old, gradients = minlstm_step(shut, shut, dtype)
    assert y == pytest.approx(0.5 * 2.0 + 0.5 * old, rel=1e-5)
    for_i, for_f, _ = np.split(gradients["bias_ih_l0"], 3)
    slope = (0.25 * (2.0 - old)).sum(axis=0)
    assert for_i == pytest.approx(slope, rel=1e-5)
    assert for_f == pytest.approx(-slope, rel=1e-5)


def minlstm_step(i: float, f: float, dtype):
    """One step with these sums and the candidate 2: output, old output, gradients of its sum."""
    problem = family.make_problem("MinLSTM", {}, (2, 1, 1, 5), dtype)
    weights = {name: np.zeros_like(value) for name, value in problem.weights.items()}
    weights["bias_ih_l0"][:] = np.repeat([i, f, 2.0], 5)
    dy = np.ones_like(problem.dy)
    fixed = family.replace(problem, weights=weights, dy=dy, dstate=None)
    found = family.run(fixed.layer(), fixed)
    return found["y"][:, 0], problem.state[0][0], found
