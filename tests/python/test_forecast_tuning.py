"""Training the network further on a user's series, and what it learns from covariates."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lstm_native.forecast import tuning
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.global_model import GlobalModel
from lstm_native.forecast.panel import Panel

HORIZON = 6
pytestmark = pytest.mark.usefixtures("quick_tuning")


def odd_series(count, rows=80, seed=0):
    """Series with a rule that no other has: each value is the negative of the one five before."""
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(count, 5))
    values = [start]
    while 5 * len(values) < rows:
        values.append(-values[-1] + 0.05 * rng.normal(size=(count, 5)))
    return list(20.0 + np.concatenate(values, axis=1)[:, :rows])


def error(model, series):
    known = Panel.of([values[:-HORIZON] for values in series])
    actual = np.stack([values[-HORIZON:] for values in series])
    found = model.predict(known, HORIZON)[..., model.quantiles.index(0.5)]
    return np.abs(found - actual).mean()


def test_it_learns_what_is_the_same_in_all_series():
    series = odd_series(60)
    before = GlobalModel.pretrained()
    after = before.tuned(Panel.of([values[:-HORIZON] for values in series]), HORIZON)
    assert error(after, series) < 0.8 * error(before, series)


def test_the_same_seed_gives_the_same_weights_and_the_start_is_left_alone():
    panel = Panel.of(odd_series(3))
    start = GlobalModel.pretrained()
    weights = start.network.state_dict()
    one, two = (start.tuned(panel, HORIZON, seed=3).network.state_dict() for _ in range(2))
    other = start.tuned(panel, HORIZON, seed=4).network.state_dict()
    for name, value in start.network.state_dict().items():
        np.testing.assert_array_equal(value, weights[name])
        np.testing.assert_array_equal(one[name], two[name])
    assert any((one[name] != other[name]).any() for name in one)


def with_promotions(rows=160, seed=0, count=4):
    """Series to which a promotion, known in advance, adds 40."""
    rng = np.random.default_rng(seed)
    series, plain = [], Panel.of([np.zeros(rows)] * count)
    for one in plain.series:
        promotion = (rng.random(rows + HORIZON) < 0.2).astype(float)
        values = 100.0 + rng.normal(size=rows) + 40.0 * promotion[:rows]
        series.append(dataclasses.replace(one, values=values, future=promotion[:, np.newaxis]))
    return dataclasses.replace(plain, series=tuple(series), future_names=("promotion",))


def test_a_covariate_known_in_advance_moves_the_forecast():
    panel = with_promotions()
    model = GlobalModel.pretrained().tuned(panel, HORIZON)
    found = model.predict(panel, HORIZON)[..., model.quantiles.index(0.5)]
    promotion = np.stack([one.future[-HORIZON:, 0] for one in panel.series])
    expected = 100.0 + 40.0 * promotion
    assert np.abs(found - expected).mean() < 8.0  # without it: about 13


def test_a_model_with_covariates_asks_for_them_and_keeps_them_in_its_file(tmp_path):
    panel = with_promotions(rows=60, count=1)
    model = GlobalModel.pretrained().tuned(panel, HORIZON)
    model.save(tmp_path / "model.safetensors")
    loaded = GlobalModel.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(model.predict(panel, HORIZON), loaded.predict(panel, HORIZON))
    with pytest.raises(DataError, match=r"known for 6 rows after the last value.*horizon is 7"):
        loaded.predict(panel, HORIZON + 1)
    with pytest.raises(DataError, match=r"future covariates \[\].*trained with \['promotion'\]"):
        loaded.predict(Panel.of([np.ones(60)]), HORIZON)


def test_too_little_to_learn_from_is_said():
    panel = Panel.of([np.arange(10.0)])
    assert not tuning.can_learn_from(panel, HORIZON)
    with pytest.raises(DataError, match=r"training windows.*at least 32 are needed"):
        GlobalModel.pretrained().tuned(panel, HORIZON)


def test_missing_values_are_neither_learnt_nor_asked():
    series = odd_series(12)
    rng = np.random.default_rng(0)
    for values in series:
        values[rng.random(len(values)) < 0.2] = np.nan
    model = GlobalModel.pretrained().tuned(Panel.of(series), HORIZON)
    assert all(np.isfinite(value).all() for value in model.network.state_dict().values())


def test_windows_end_where_something_is_known_before_and_after():
    gap = np.r_[np.arange(20.0), np.full(30, np.nan), np.arange(20.0)]
    panel = Panel.of([gap, np.full(40, np.nan), np.arange(9.0)])
    found = tuning.origins(panel, HORIZON)
    assert {origin.series for origin in found} == {0, 2}
    for origin in found:
        values = panel.series[origin.series].values
        assert np.isfinite(values[: origin.end]).sum() >= 3
        assert np.isfinite(values[origin.end : origin.end + HORIZON]).any()
