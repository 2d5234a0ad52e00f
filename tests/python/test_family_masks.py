"""Recurrent layers in training: dropout of every kind and zoneout are the masks they claim to be.

Weights are chosen so that the masks show in what the layer answers.
"""

from __future__ import annotations

import family
import numpy as np
import product as p
import pytest
import reference as ref

# A share of n independent draws lies within five standard deviations of its rate.


def check_share(zeros: np.ndarray, rate: float) -> None:
    share = np.mean(zeros)
    assert abs(share - rate) < 5 * np.sqrt(rate * (1 - rate) / np.size(zeros)), share


def check_values(mask: np.ndarray, rate: float) -> None:
    """Dropped, or kept and scaled up by what the others lost; and so many of each."""
    kept = mask != 0.0
    assert mask[kept] == pytest.approx(1.0 / (1.0 - rate), rel=1e-5)
    check_share(~kept, rate)


def plain_rnn(hidden, dtype, **options):
    """h = x + h' of a linear cell: the identity in both products, and no bias."""
    layer = family.new_layer("RNN", hidden, hidden, dtype, activation="linear", **options)
    eye, none = np.eye(hidden, dtype=dtype), np.zeros(hidden, dtype)
    names = layer.state_dict()
    values = {"weight_ih": eye, "weight_hh": eye, "bias_ih": none, "bias_hh": none}
    layer.load_state_dict({name: values[name.split("_l")[0]] for name in names})
    return layer


def recurrent_masks(layer, n, hidden, dtype, seed) -> np.ndarray:
    """m (N, T, H) of h_t = x_t + m h_{t-1}, with x_t = 1 and h_0 = 1."""
    ones = np.ones((n, 6, hidden), dtype)
    y, _, _ = layer.forward(ones, np.ones((1, n, hidden), dtype), seed=seed)
    before = np.concatenate([np.ones((n, 1, hidden), dtype), y[:, :-1]], axis=1)
    return (y - 1.0) / before


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_recurrent_dropout_is_one_mask_for_all_steps_of_a_sequence(isa, dtype, rate):
    n, hidden = 30, 128
    layer = plain_rnn(hidden, dtype, recurrent_dropout=rate)
    masks = recurrent_masks(layer, n, hidden, dtype, seed=7)
    for t in range(1, 6):
        assert masks[:, t] == pytest.approx(masks[:, 0], rel=1e-4, abs=1e-4)
    first = np.where(np.abs(masks[:, 0]) < 1e-4, 0.0, masks[:, 0])
    check_values(first, rate)
    assert len(np.unique(first, axis=0)) == n, "two sequences share a mask"
    p.assert_same_bits(recurrent_masks(layer, n, hidden, dtype, seed=7), masks)
    assert (recurrent_masks(layer, n, hidden, dtype, seed=8) != masks).any()


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_input_dropout_is_one_mask_for_all_steps_of_a_sequence(isa, dtype, rate):
    n, hidden = 30, 128
    layer = plain_rnn(hidden, dtype, input_dropout=rate)
    weights = layer.state_dict()
    layer.load_state_dict({**weights, "weight_hh_l0": np.zeros_like(weights["weight_hh_l0"])})
    masks, _, _ = layer.forward(np.ones((n, 6, hidden), dtype), seed=7)
    for t in range(1, 6):
        p.assert_same_bits(masks[:, t].copy(), masks[:, 0].copy())
    first = masks[:, 0]
    check_values(first, rate)
    assert len(np.unique(first, axis=0)) == n, "two sequences share a mask"
    assert (layer.forward(np.ones((n, 6, hidden), dtype), seed=8)[0] != masks).any()


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropped_weights_are_the_same_for_all_sequences_and_steps(isa, dtype, rate):
    """U of ones, and h_0 one unit at a time: each sequence shows one column of the mask."""
    hidden = 50
    layer = plain_rnn(hidden, dtype, weight_drop=rate)
    weights = layer.state_dict()
    layer.load_state_dict({**weights, "weight_hh_l0": np.ones((hidden, hidden), dtype)})
    x = np.zeros((hidden, 2, hidden), dtype)
    y, _, _ = layer.forward(x, np.eye(hidden, dtype=dtype)[None], seed=7)
    mask = y[:, 0].T
    check_values(mask, rate)
    twice = mask @ mask
    assert twice == pytest.approx(y[:, 1].T, rel=1e-4)
    assert len(np.unique(mask, axis=0)) == len(np.unique(mask, axis=1)) == hidden
    other = layer.forward(x, np.eye(hidden, dtype=dtype)[None], seed=8)[0][:, 0].T
    assert (other != mask).any()


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_zoneout_keeps_single_units_at_single_steps(isa, dtype, rate):
    """h_t is x_t or h_{t-1}; x_t differs from step to step, so that it shows which."""
    n, t, hidden = 30, 12, 20
    layer = plain_rnn(hidden, dtype, zoneout=rate)
    weights = layer.state_dict()
    layer.load_state_dict({**weights, "weight_hh_l0": np.zeros_like(weights["weight_hh_l0"])})
    x = np.broadcast_to(np.arange(1.0, t + 1)[:, None], (n, t, hidden)).astype(dtype)
    y, _, _ = layer.forward(x, np.zeros((1, n, hidden), dtype), seed=7)
    before = np.concatenate([np.zeros((n, 1, hidden), dtype), y[:, :-1]], axis=1)
    kept = y == before
    assert (kept | (y == x)).all()
    check_share(kept, rate)
    for axis in range(3):
        assert np.ptp(kept.astype(int), axis=axis).any(), "a mask is shared along an axis"
    at_rest, _ = layer(x, np.zeros((1, n, hidden), dtype))
    wanted = rate * 0.0 + (1 - rate) * 1.0
    assert at_rest[:, 0] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("pair", [(0.5, 0.0), (0.0, 0.5), (0.2, 0.6)])
def test_zoneout_of_an_lstm_has_a_rate_for_each_part_of_the_state(isa, dtype, pair):
    """Candidate and output differ from step to step; a kept part is the old one, bit for bit."""
    n, hidden = 40, 50
    layer = family.new_layer("LSTM", hidden, 3, dtype, zoneout=pair)
    rng = np.random.default_rng(0)
    state = tuple(p.normal(rng, (1, n, hidden), dtype) for _ in "hc")
    _, final, _ = layer.forward(p.normal(rng, (n, 1, 3), dtype), state, seed=3)
    kept = [new == old for new, old in zip(final, state, strict=True)]
    for mask, rate in zip(kept, pair, strict=True):
        if rate == 0.0:
            assert not mask.any()
        else:
            check_share(mask, rate)
    if all(pair):
        both = kept[0] & kept[1]
        check_share(both, pair[0] * pair[1])  # drawn apart from each other


@pytest.mark.parametrize("kind", family.WITH_WEIGHT_HH)
def test_layers_and_directions_draw_their_own_masks(isa, kind):
    """A gradient's column is zero where the recurrent value that it met was dropped."""
    options = {"num_layers": 2, "bidirectional": True, "recurrent_dropout": 0.5}
    problem = family.make_problem(kind, options, (1, 2, 3, 60), "float32")
    found = family.run(problem.layer(), problem)
    dropped = [~found[name].any(axis=0) for name in problem.weights if name.startswith("weight_hh")]
    assert len(dropped) == 4
    for one in range(4):
        check_share(dropped[one], 0.5)
        for other in range(one):
            assert (dropped[one] != dropped[other]).any()


@pytest.mark.parametrize("kind", family.WITH_WEIGHT_HH)
def test_masks_act_where_the_reference_has_them(isa, dtype, kind):
    """Masks read off the layer with telling weights, handed to the reference: the same answer.

    A zero column of a gradient tells what was dropped: of one sequence with its own seed, or of
    all for the recurrent weights.
    """
    rate, options = 0.4, {"input_dropout": 0.4, "recurrent_dropout": 0.4}
    problem = family.make_problem(kind, options, (1, 4, 12, 9), dtype)
    found = family.run(problem.layer(), problem)
    scale = 1.0 / (1.0 - rate)
    masks = ref.Masks(
        input=[found["weight_ih_l0"].any(axis=0)[None] * scale],
        recurrent=[found["weight_hh_l0"].any(axis=0)[None] * scale],
    )
    for mask in masks.input + masks.recurrent:
        assert set(np.unique(mask)) == {0.0, scale}
    wanted = family.expected(problem, masks)
    family.check_forward(found, wanted, 2.0)
    gradients = {name: value for name, value in wanted.items() if name not in ("y", "h", "c")}
    p.check_gradients(dtype, found, gradients)


@pytest.mark.parametrize("reset_after", [False, True])
def test_dropped_weights_act_where_the_reference_has_them(isa, dtype, reset_after):
    """A weight's gradient is zero where it was dropped."""
    rate, problem = (
        0.4,
        family.make_problem(
            "GRU", {"weight_drop": 0.4, "reset_after": reset_after}, (5, 4, 3, 9), dtype
        ),
    )
    found = family.run(problem.layer(), problem)
    mask = (found["weight_hh_l0"] != 0.0) / (1.0 - rate)
    check_share(mask == 0.0, rate)
    wanted = family.expected(problem, ref.Masks(weight=[mask]))
    family.check_forward(found, wanted, 2.0)
    gradients = {name: value for name, value in wanted.items() if name not in ("y", "h", "c")}
    p.check_gradients(dtype, found, gradients)


@pytest.mark.parametrize("kind", family.KINDS)
def test_inference_draws_nothing(isa, dtype, kind):
    options = {"num_layers": 2, "dropout": 0.5, "input_dropout": 0.5}
    if kind in family.WITH_WEIGHT_HH:
        options |= {"recurrent_dropout": 0.5, "weight_drop": 0.5}
    problem = family.make_problem(kind, options, dtype=dtype)
    dropping = family.call(problem.layer(), problem)
    resting = family.replace(problem, options={"num_layers": 2})
    p.assert_same_weights(dropping, family.call(resting.layer(), resting))


@pytest.mark.parametrize("name", [n for n, (_, o) in family.ALONE.items() if family.is_random(o)])
def test_every_training_pass_draws_anew_unless_it_is_told_a_seed(isa, name):
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, dtype="float32")
    layer, state = problem.layer(), family.public(kind, problem.state)
    one, other = (layer.forward(problem.x, state)[0] for _ in range(2))
    told = [layer.forward(problem.x, state, seed=s)[0] for s in (4, 4, 5)]
    p.assert_same_bits(told[0], told[1])
    assert (told[0] != told[2]).any()
    assert (one != other).any()
