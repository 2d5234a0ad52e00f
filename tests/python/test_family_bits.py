"""Recurrent layers of every kind and option: what must not change a bit.

Batch, place in it, padding and its content, threads, the kind of vectors, checkpoints, streaming.
"""

from __future__ import annotations

import family
import numpy as np
import product as p
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln


@pytest.mark.parametrize("content", [np.nan, np.inf, 1e6], ids=["nan", "inf", "large"])
@family.for_each_kind()
@given(data=st.data(), more=st.integers(0, 5))
def test_padding_is_never_read(isa, dtype, threads, content, kind, data, more):
    """However long, whatever stands in it, and whatever gradient arrives there."""
    drawn = data.draw(family.problems(kind, training=False))
    problem = family.make_problem(dtype=dtype, **drawn)
    lengths = problem.lengths
    padded = problem.padded(more, content)
    layer = problem.layer()
    found, wanted = family.run(layer, padded), family.run(layer, problem)
    n, t = problem.x.shape[:2]
    for name in ("y", "dx"):
        if found[name].ndim < 3:
            continue
        for row in range(n):
            length = t if lengths is None else lengths[row]
            assert not found[name][row, length:].any(), f"{name} beyond the end"
        found[name] = np.ascontiguousarray(found[name][:, :t])
    p.assert_same_weights(found, wanted)
    at_rest = family.call(layer, padded)
    p.assert_same_bits(at_rest["h"], wanted["h"])


@family.for_each_kind()
@given(data=st.data())
def test_a_sequence_is_the_same_alone_cut_to_its_length(isa, dtype, threads, kind, data):
    """In any batch, at any place. Its final state is the one at its true end."""
    drawn = data.draw(family.problems(kind, training=False))
    problem = family.make_problem(dtype=dtype, **drawn)
    layer, n = problem.layer(), len(problem.x)
    together = family.run(layer, problem)
    order = np.random.default_rng(drawn["seed"]).permutation(n)
    p.assert_same_weights(
        family.of_rows(family.run(layer, problem.take(order)), slice(None)),
        family.of_rows(together, order),
    )
    for row in {0, n // 2, n - 1}:
        one = problem.take([row])
        length = problem.x.shape[1] if problem.lengths is None else int(problem.lengths[row])
        if length == 0:
            continue
        dy = one.dy[:, :length] if one.dy.ndim == 3 else one.dy
        cut = family.replace(one, x=one.x[:, :length], dy=dy, lengths=None)
        found = family.of_rows(family.run(layer, cut), [0])
        wanted = family.of_rows(together, [row])
        for name in ("y", "dx"):
            if wanted[name].ndim == 3:
                wanted[name] = np.ascontiguousarray(wanted[name][:, :length])
        p.assert_same_weights(found, wanted)


@family.for_each_kind()
@given(data=st.data(), place=st.floats(0, 1))
def test_a_sequence_adds_the_same_to_the_weights_gradients(isa, dtype, kind, data, place):
    """What it adds when the other sequences' gradients are zero."""
    drawn = data.draw(family.problems(kind, training=False))
    problem = family.make_problem(dtype=dtype, **drawn)
    layer, row = problem.layer(), round(place * (len(problem.x) - 1))
    others = np.arange(len(problem.x)) != row
    dy = problem.dy.copy()
    dy[others] = 0.0
    dstate = problem.dstate and tuple(part.copy() for part in problem.dstate)
    for part in dstate or ():
        part[:, others] = 0.0
    among = family.run(layer, family.replace(problem, dy=dy, dstate=dstate))
    alone = family.run(layer, problem.take([row]))
    p.assert_same_weights(family.of_weights(among), family.of_weights(alone))


@family.for_each_kind()
@given(data=st.data())
def test_threads_and_runs_change_nothing(isa, dtype, kind, data):
    """With masks, too: they follow the seed alone."""
    drawn = data.draw(family.problems(kind))
    problem = family.make_problem(dtype=dtype, **drawn)
    layer = problem.layer()
    first = family.run(layer, problem)
    for count in (1, 2, 3):
        p.assert_same_weights(p.run_on_threads(count, lambda: family.run(layer, problem)), first)
    p.assert_same_weights(family.run(problem.layer(), problem), first)


@pytest.mark.parametrize("kind", family.KINDS)
@pytest.mark.parametrize("with_lengths", [False, True], ids=["full_length", "lengths"])
def test_threads_change_nothing_where_they_share_the_work(isa, dtype, kind, with_lengths):
    options = {"num_layers": 2, "bidirectional": True, "input_dropout": 0.3, "dropout": 0.2}
    problem = family.make_problem(kind, options, (67, 12, 20, 70), dtype, with_lengths=with_lengths)
    layer = problem.layer()
    first, *others = (
        p.run_on_threads(count, lambda: family.run(layer, problem)) for count in (1, 2, 3)
    )
    for found in others:
        p.assert_same_weights(found, first)


@family.for_each_kind()
@given(data=st.data())
def test_sets_that_fuse_multiply_and_add_give_the_same_bits(dtype, kind, data):
    """AVX2 and AVX-512 sum in the same order; the baseline has no FMA and may differ."""
    drawn = data.draw(family.problems(kind))
    problem = family.make_problem(dtype=dtype, **drawn)
    layer = problem.layer()
    first, *others = p.on_each_set(p.FUSED_SETS, lambda: family.run(layer, problem)) or [None]
    for found in others:
        p.assert_same_weights(found, first)


@family.for_each_kind()
@given(data=st.data())
def test_lengths_of_whole_sequences_are_no_lengths(isa, dtype, kind, data):
    drawn = data.draw(family.problems(kind))
    problem = family.make_problem(dtype=dtype, **{**drawn, "with_lengths": False})
    layer, (n, t, _) = problem.layer(), problem.x.shape
    told = family.replace(problem, lengths=np.full(n, t))
    p.assert_same_weights(family.run(layer, told), family.run(layer, problem))
    p.assert_same_weights(family.call(layer, told), family.call(layer, problem))


@family.for_each_kind()
@given(data=st.data())
def test_a_mask_says_what_lengths_say(isa, kind, data):
    drawn = data.draw(family.problems(kind))
    problem = family.make_problem(dtype="float32", **{**drawn, "with_lengths": True})
    layer, state = problem.layer(), family.public(problem.kind, problem.state)
    mask = np.arange(problem.x.shape[1]) < problem.lengths[:, None]
    y, final = layer(problem.x, state, mask=mask)
    found = family.named("y", "hc", y, family.parts_of(problem.kind, final))
    p.assert_same_weights(found, family.call(layer, problem))


@pytest.mark.parametrize("name", family.ALONE)
def test_a_sequence_of_length_zero_leaves_its_state_alone(isa, name):
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, dtype="float32")
    problem = family.replace(problem, lengths=np.array([0, 6, 0, 1]))
    found = family.run(problem.layer(), problem)
    for row in (0, 2):
        assert not found["y"][row].any()
        assert not found["dx"][row].any()
        for part, initial in zip("hc", problem.state, strict=False):
            p.assert_same_bits(found[part][:, row], initial[:, row])
        for part, final in zip(("dh", "dc"), problem.dstate, strict=False):
            p.assert_same_bits(found[part][:, row], final[:, row])
    nothing = family.replace(problem, lengths=np.zeros(4, int))
    found = family.run(problem.layer(), nothing)
    assert not any(found[name].any() for name in ("y", "dx", *problem.weights))


@family.for_each_kind()
@given(data=st.data())
def test_checkpoints_change_nothing(isa, dtype, threads, kind, data):
    """Outputs and every gradient; masks are drawn again as they were."""
    drawn = data.draw(family.problems(kind))
    problem = family.make_problem(dtype=dtype, **drawn)
    wanted = family.run(problem.layer(), problem)
    p.assert_same_weights(family.run(problem.layer(checkpoint=True), problem), wanted)


@pytest.mark.parametrize("kind", family.KINDS)
@pytest.mark.parametrize("steps", [1, 2, 16, 17, 100])
def test_checkpoints_change_nothing_in_long_sequences(isa, kind, steps):
    options = {"num_layers": 2, "bidirectional": True, "input_dropout": 0.2}
    if kind in family.WITH_WEIGHT_HH:
        options |= {"zoneout": 0.2, "recurrent_dropout": 0.2}
    shape = (3, steps, 4, 9)
    problem = family.make_problem(kind, options, shape, "float32", with_lengths=steps > 2)
    wanted = family.run(problem.layer(), problem)
    p.assert_same_weights(family.run(problem.layer(checkpoint=True), problem), wanted)


def check_stream(problem: family.Problem) -> None:
    """Every step's answer; without sequences that of the steps so far."""
    model = ln.Sequential([problem.layer()])
    x, (n, t, _) = problem.x, problem.x.shape
    stream = model.stream(n)
    steps = [stream.step(np.ascontiguousarray(x[:, k])) for k in range(t)]
    if problem.stack.return_sequences:
        p.assert_same_bits(np.stack(steps, axis=1), model.predict(x))
        return
    for k, y in enumerate(steps):
        p.assert_same_bits(y, model.predict(x[:, : k + 1]))


def can_stream(options) -> bool:
    return not options.get("reverse") and not options.get("bidirectional")


@pytest.mark.parametrize("name", [n for n, (_, o) in family.ALONE.items() if can_stream(o)])
def test_streamed_steps_have_the_bits_of_predict(isa, dtype, name):
    kind, options = family.ALONE[name]
    check_stream(family.make_problem(kind, options, (3, 5, 4, 17), dtype, with_state=False))


@family.for_each_kind()
@given(data=st.data())
def test_streamed_steps_of_combinations_have_the_bits_of_predict(isa, dtype, kind, data):
    drawn = data.draw(family.problems(kind).filter(lambda drawn: can_stream(drawn["options"])))
    check_stream(family.make_problem(dtype=dtype, **{**drawn, "with_state": False}))
