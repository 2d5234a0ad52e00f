"""The one network is what it claims to be: half the members' mean, half the linear forecast."""

from __future__ import annotations

import numpy as np
import pytest
from product import assert_same_weights

import lstm_native as ln
from lstm_native.forecast import network
from lstm_native.forecast.linear import Linear, fit_linear

HORIZON, TIMESTEPS, HIDDEN = 3, 7, 5


def random_member(seed):
    inner = [ln.LSTM(HIDDEN, return_sequences=False), ln.Dense(HORIZON)]
    member = ln.Sequential([ln.Highway(inner, window=TIMESTEPS)], seed=seed)
    member.predict(np.zeros((1, TIMESTEPS, 1), dtype=np.float32))
    rng = np.random.default_rng(seed)
    member.load_state_dict(
        {name: rng.normal(0.0, 0.4, w.shape) for name, w in member.state_dict().items()}
    )
    return member


@pytest.fixture
def x():
    return np.random.default_rng(1).standard_normal((40, TIMESTEPS))


def settings(**options):
    return network.Settings(TIMESTEPS, HORIZON, epochs=2, hidden_size=HIDDEN, **options)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_combined_network_answers_the_mean_of_its_parts(count, x):
    members = [random_member(seed) for seed in range(count)]
    rng = np.random.default_rng(2)
    linear = Linear(rng.normal(size=(TIMESTEPS, HORIZON)), rng.normal(size=HORIZON))
    inner = [ln.LSTM(HIDDEN * count, return_sequences=False), ln.Dense(HORIZON)]
    combined = ln.Sequential([ln.Highway(inner, window=TIMESTEPS)])
    combined.predict(np.zeros((1, TIMESTEPS, 1), dtype=np.float32))
    combined.load_state_dict(network.combine([member.state_dict() for member in members], linear))
    mean = np.mean([network.predict(member, x) for member in members], axis=0)
    expected = (mean + linear.predict(x)) / 2.0
    np.testing.assert_allclose(network.predict(combined, x), expected, rtol=0.0, atol=2e-6)


def test_training_begins_at_the_linear_forecast(x):
    y = np.random.default_rng(3).standard_normal((40, HORIZON))
    linear = fit_linear(x, y)
    # So small a rate moves nothing in float32's eyes.
    still = network.train(x, y, linear, settings(learning_rate=1e-12))
    np.testing.assert_allclose(network.predict(still, x), linear.predict(x), rtol=0.0, atol=2e-6)


def test_training_repeats_bit_for_bit_and_the_seed_matters(x):
    y = np.random.default_rng(3).standard_normal((40, HORIZON))
    linear = fit_linear(x, y)
    first, again, other = (
        network.train(x, y, linear, settings(members=2, seed=seed)).state_dict()
        for seed in (4, 4, 5)
    )
    assert_same_weights(again, first)
    assert not np.array_equal(other["0.layers.0.weight_ih_l0"], first["0.layers.0.weight_ih_l0"])


def test_members_are_not_copies_of_each_other(x):
    y = np.random.default_rng(3).standard_normal((40, HORIZON))
    state = network.train(x, y, fit_linear(x, y), settings(members=2)).state_dict()
    first, second = state["0.layers.0.weight_ih_l0"].reshape(4, 2, HIDDEN).swapaxes(0, 1)
    assert not np.array_equal(first, second)


def test_progress_outside_a_terminal_is_a_line_for_each_member(x, capsys):
    y = np.random.default_rng(3).standard_normal((40, HORIZON))
    network.train(x, y, fit_linear(x, y), settings(members=2), title="trial", show=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "trial: network 1/2",
        "trial: network 2/2",
    ]
    network.train(x, y, fit_linear(x, y), settings(members=1))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_members_trained_side_by_side_are_those_trained_one_by_one(x, threads):
    y = np.random.default_rng(3).standard_normal((40, HORIZON))
    before = ln.get_num_threads()
    ln.set_num_threads(threads)
    try:
        found = network.train(x, y, fit_linear(x, y), settings(members=3)).state_dict()
        assert ln.get_num_threads() == threads
        ln.set_num_threads(1)
        expected = network.train(x, y, fit_linear(x, y), settings(members=3)).state_dict()
    finally:
        ln.set_num_threads(before)
    assert_same_weights(found, expected)


def test_a_fault_in_one_member_ends_the_others(x, monkeypatch):
    y = np.random.default_rng(3).standard_normal((40, HORIZON))
    y[3, 1] = np.nan
    with pytest.raises((ValueError, FloatingPointError, RuntimeError)) as caught:
        network.train(x, y, fit_linear(x, np.zeros_like(y)), settings(members=4))
    assert "stopped" not in str(caught.value)
