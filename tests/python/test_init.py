"""Initial weights: their distribution, their structure, and that a seed decides them."""

from __future__ import annotations

import concurrent.futures
import signal
import threading
import time

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


@pytest.mark.parametrize("hidden", [512, 513, 577])
def test_large_blocks_are_orthogonal_and_prefer_no_direction(hidden):
    """Above 512 units another way leads to the same distribution."""
    q = ln.RNN(hidden, input_size=1, dtype="float64", seed=2).state_dict()["weight_hh_l0"]
    assert ref.orthogonality_defect(q) <= 1e-13
    # Of Haar-distributed ones the values are nearly normal, of variance 1 / n; the traces of the
    # powers nearly normal too, with means 0, 1 and variances 1, 2 (Diaconis & Shahshahani 1994).
    assert (q**4).mean() * hidden**2 == pytest.approx(3.0, abs=0.1)
    assert abs(np.trace(q)) < 4
    assert abs(np.trace(q @ q) - 1) < 6
    for part in (q[:8], q[-8:], q[:, :8], q[:, -8:], np.diagonal(q)):
        assert 0.4 < (part < 0).mean() < 0.6


def test_large_blocks_have_either_determinant():
    found = []
    for seed in range(12):
        q = ln.RNN(513, input_size=1, dtype="float64", seed=seed).state_dict()["weight_hh_l0"]
        found.append(np.linalg.slogdet(q)[0])
    assert set(found) == {-1.0, 1.0}


@pytest.mark.parametrize("hidden", [100, 577])
def test_gates_drawn_by_several_threads_are_those_of_one(hidden):
    def weights():
        layer = ln.GRU(hidden, input_size=3, seed=4, bidirectional=True)
        return layer.state_dict()

    one, *others = (p.run_on_threads(count, weights) for count in (1, 2, 5))
    for found in others:
        p.assert_same_weights(found, one)


def test_python_runs_on_while_large_weights_are_drawn():
    """And an interrupt ends it long before they are there: 6 seconds of work, at most 0.3 apart."""
    ticks, sent = [], []

    def interrupt():
        for _ in range(3):
            time.sleep(0.05)
            ticks.append(layer.built)
        sent.append(time.process_time())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    layer = ln.RNN(4096, input_size=1, seed=0)
    other = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        other.start()
        with pytest.raises(KeyboardInterrupt):
            layer.state_dict()
        took = time.process_time() - sent[0]
    finally:
        other.join()
        signal.signal(signal.SIGINT, before)
    assert ticks == [False] * 3
    assert not layer.built
    assert took < 2.0


def test_two_threads_that_build_a_layer_get_the_same_weights():
    layer = ln.LSTM(200, input_size=3)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: layer.state_dict(), range(2))
    p.assert_same_weights(one, two)
    p.assert_same_weights(layer.state_dict(), one)


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
    "large_rnn": lambda seed, **o: ln.RNN(513, input_size=2, seed=seed, **o),
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
