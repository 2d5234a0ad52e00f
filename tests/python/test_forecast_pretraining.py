"""How the pretrained network is made: anybody can repeat it, and it learns what it is shown."""

from __future__ import annotations

import numpy as np
import pytest

import lstm_native as ln
from lstm_native.forecast import towers
from lstm_native.forecast.global_model import GlobalModel
from lstm_native.forecast.pretraining import synthetic
from lstm_native.forecast.pretraining.training import Settings, draw_round, tower_weights
from lstm_native.forecast.windows import AHEAD_FEATURES, FURTHEST, PAST_FEATURES

SMALL = Settings(towers=2, hidden_size=4, rounds=2, groups=3, series=16, horizons=(5, 9))


def test_the_settings_are_those_of_the_network_that_is_shipped():
    model, settings = GlobalModel.pretrained(), Settings()
    assert model.quantiles == settings.quantiles
    expected = towers.build(
        towers=settings.towers,
        hidden_size=settings.hidden_size,
        past_features=PAST_FEATURES,
        ahead_features=AHEAD_FEATURES,
        quantiles=len(settings.quantiles),
    )
    shapes = {name: value.shape for name, value in expected.state_dict().items()}
    assert {name: v.shape for name, v in model.network.state_dict().items()} == shapes


def test_a_seed_gives_the_same_weights_and_threads_stay_as_they_were():
    threads = ln.get_num_threads()
    one, two, other = (tower_weights(seed, SMALL) for seed in (5, 5, 6))
    assert ln.get_num_threads() == threads
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name])
    assert any((one[name] != other[name]).any() for name in one)


def test_towers_side_by_side_answer_their_mean():
    states = [tower_weights(seed, SMALL) for seed in range(SMALL.towers)]
    features = {"past_features": PAST_FEATURES, "ahead_features": AHEAD_FEATURES}
    past, ahead, _ = draw_round(np.random.default_rng(0), SMALL)
    answers = []
    for state in states:
        alone = towers.build(towers=1, hidden_size=4, quantiles=9, **features)
        alone.load_state_dict(state)
        answers.append(alone.predict([past, ahead]))
    both = towers.build(towers=2, hidden_size=4, quantiles=9, **features)
    both.load_state_dict(towers.side_by_side(states))
    np.testing.assert_allclose(both.predict([past, ahead]), np.mean(answers, axis=0), atol=1e-6)


@pytest.mark.parametrize("seasons", [(), (4,), (12,), (24, 168)])
def test_drawn_series_are_finite_differ_and_are_not_all_alike(seasons):
    rows = 400 if seasons[-1:] == (168,) else 90
    found = synthetic.draw(np.random.default_rng(0), series=400, rows=rows, seasons=seasons)
    assert found.shape == (400, rows)
    assert np.isfinite(found).all()
    assert len(np.unique(found[:, 0])) > 200
    whole = (found == np.round(found)).all(axis=1).mean()
    assert 0.1 < whole < 0.6  # rounded ones and counts
    assert 0.0 < (found == 0.0).any(axis=1).mean() < 0.4  # lumpy demand


def test_missing_rows_are_few_and_never_the_last():
    rng = np.random.default_rng(0)
    found = synthetic.some_missing(rng, np.ones((500, 60)))
    share = np.isnan(found).mean(axis=1)
    assert 0.03 < (share > 0).mean() < 0.2
    assert not np.isnan(found[:, -1]).any()


def test_a_round_holds_numbers_on_a_grid():
    """Multiples of 1/4096: what processors differ by in NumPy's functions is rounded away."""
    for part in draw_round(np.random.default_rng(1), SMALL):
        assert part.dtype == np.float32
        assert np.isfinite(part).all()
        assert (part * 4096.0 == np.round(part * 4096.0)).all()
        assert np.abs(part).max() <= FURTHEST
