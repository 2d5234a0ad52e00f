"""Initial weights: their distribution, their structure, and that a seed decides them."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln

GATES = ("input", "forget", "cell", "output")


@pytest.mark.parametrize(("features", "hidden"), [(1, 1), (3, 64), (50, 20), (7, 33)])
def test_lstm_input_weights_are_glorot_uniform_per_gate(dtype, features, hidden):
    weights = ln.LSTM(hidden, input_size=features, dtype=dtype.name, seed=5).state_dict()
    bound = ref.glorot_bound(features, hidden)
    blocks = np.split(weights["weight_ih_l0"].astype(np.float64), 4)
    for gate, block in zip(GATES, blocks, strict=True):
        assert np.abs(block).max() <= bound * (1 + 1e-6), gate
        if block.size >= 100:
            # Uniform in +-bound: standard deviation bound / sqrt(3), mean 0.
            error = 5 / np.sqrt(block.size)
            assert block.std() == pytest.approx(bound / np.sqrt(3), rel=error), gate
            assert abs(block.mean()) < error * bound, gate
            assert np.abs(block).max() > 0.9 * bound, gate


@pytest.mark.parametrize("hidden", [1, 2, 5, 16, 33, 70, 128])
def test_lstm_recurrent_blocks_are_orthogonal(dtype, hidden):
    weights = ln.LSTM(hidden, input_size=3, num_layers=2, dtype=dtype.name, seed=5).state_dict()
    tolerance = 1e-13 if dtype == np.float64 else 1e-6
    for k in range(2):
        blocks = np.split(weights[f"weight_hh_l{k}"], 4)
        for gate, block in zip(GATES, blocks, strict=True):
            assert ref.orthogonality_defect(block) <= tolerance, (k, gate)
        if hidden > 1:
            for i in range(4):
                for j in range(i):
                    assert (blocks[i] != blocks[j]).any()


def test_orthogonal_blocks_have_no_preferred_sign():
    """Signs of R are put back (Mezzadri 2007): the diagonal is negative about as often."""
    blocks = np.concatenate(
        [
            np.split(ln.LSTM(8, input_size=1, seed=s).state_dict()["weight_hh_l0"], 4)
            for s in range(40)
        ]
    )
    negative = np.mean([np.diagonal(b) < 0 for b in blocks])
    assert 0.4 < negative < 0.6
    assert 0.35 < np.mean([np.linalg.det(b.astype(np.float64)) < 0 for b in blocks]) < 0.65


@pytest.mark.parametrize("forget_bias", [1.0, 0.0, -0.5, 2.5])
def test_lstm_biases_hold_only_the_forget_bias(dtype, forget_bias):
    layer = ln.LSTM(
        6, input_size=3, num_layers=2, forget_bias=forget_bias, dtype=dtype.name, seed=1
    )
    weights = layer.state_dict()
    expected = np.zeros(24, dtype)
    expected[6:12] = forget_bias
    for k in range(2):
        p.assert_same_bits(weights[f"bias_ih_l{k}"], expected)
        p.assert_same_bits(weights[f"bias_hh_l{k}"], np.zeros(24, dtype))


@pytest.mark.parametrize(("features", "units"), [(1, 1), (40, 30), (3, 100)])
def test_dense_weights_are_glorot_uniform(dtype, features, units):
    weights = ln.Dense(units, input_size=features, dtype=dtype.name, seed=3).state_dict()
    bound = ref.glorot_bound(features, units)
    weight = weights["weight"].astype(np.float64)
    assert np.abs(weight).max() <= bound * (1 + 1e-6)
    if weight.size >= 100:
        assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=5 / np.sqrt(weight.size))
    p.assert_same_bits(weights["bias"], np.zeros(units, dtype))


def test_layer_norm_starts_as_plain_normalisation(dtype):
    weights = p.make_layer({"type": "layer_norm"}, 5, dtype).parameters()
    p.assert_same_bits(weights["weight"], np.ones(5, dtype))
    p.assert_same_bits(weights["bias"], np.zeros(5, dtype))


def test_embedding_vectors_differ_and_are_moderate(dtype):
    weight = ln.Embedding(50, 20, dtype=dtype.name, seed=1).state_dict()["weight"]
    assert len(np.unique(weight)) > 900
    assert np.abs(weight).max() < 6
    assert weight.std() > 0.01


MAKERS = {
    "lstm": lambda seed, **o: ln.LSTM(9, input_size=4, num_layers=2, seed=seed, **o),
    "dense": lambda seed, **o: ln.Dense(9, input_size=4, seed=seed, **o),
    "embedding": lambda seed, **o: ln.Embedding(9, 4, seed=seed, **o),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_seed_decides_the_weights(isa, dtype, name):
    make = MAKERS[name]
    first = make(7, dtype=dtype.name).state_dict()
    p.assert_same_weights(make(7, dtype=dtype.name).state_dict(), first)
    other = make(8, dtype=dtype.name).state_dict()
    key = next(iter(first))
    assert (other[key] != first[key]).any()


@pytest.mark.parametrize("name", MAKERS)
def test_weights_do_not_depend_on_the_instruction_set(name):
    """Saved experiments start from the same place on every machine."""
    before = ln.build_info()["isa"]
    found = []
    try:
        for isa in ln.build_info()["isas_available"]:
            p._core.set_isa(isa)
            found.append(MAKERS[name](7).state_dict())
    finally:
        p._core.set_isa(before)
    for weights in found[1:]:
        p.assert_same_weights(weights, found[0])


def test_no_two_parameters_share_their_random_numbers():
    """Stacked layers of equal shape, and equal layers of one model, start differently."""
    weights = ln.LSTM(6, input_size=6, num_layers=2, seed=3).state_dict()
    assert (weights["weight_ih_l0"] != weights["weight_ih_l1"]).any()
    assert (weights["weight_hh_l0"] != weights["weight_hh_l1"]).any()
    model = ln.Sequential([ln.LSTM(6), ln.LSTM(6), ln.Dense(6), ln.Dense(6)], seed=3)
    model.predict(np.zeros((1, 2, 6), np.float32))
    weights = model.state_dict()
    for first, second in [(0, 1), (2, 3)]:
        for name in (k for k in weights if k.startswith(f"{first}.weight")):
            assert (weights[name] != weights[name.replace(f"{first}.", f"{second}.", 1)]).any()


def test_a_model_without_seed_starts_anew_each_time():
    x = np.zeros((1, 2, 3), np.float32)
    found = []
    for _ in range(2):
        model = ln.Sequential([ln.LSTM(4)])
        model.predict(x)
        found.append(model.state_dict()["0.weight_ih_l0"])
    assert (found[0] != found[1]).any()
