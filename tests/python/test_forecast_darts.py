"""examples/forecast_darts.py: a model as darts' users have them."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    darts = pytest.importorskip("darts")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def example(root, monkeypatch) -> Any:
    monkeypatch.syspath_prepend(str(root / "examples"))
    return importlib.import_module("forecast_darts")


def series(values, start="2020-01-01"):
    times = pd.date_range(start, periods=len(values), freq="D")
    return darts.TimeSeries.from_times_and_values(times, np.asarray(values, dtype=float))


def test_a_series_in_gives_a_series_out(example):
    found = example.LSTMNativeModel(5, model="naive").fit(series(range(40))).predict(3)
    assert found.values()[:, 0].tolist() == [39.0] * 3
    assert found.start_time() == pd.Timestamp("2020-02-10")


def test_rows_that_are_counted_go_on_counting(example):
    counted = darts.TimeSeries.from_values(np.arange(40.0))
    found = example.LSTMNativeModel(3, model="naive").fit(counted).predict(3)
    assert found.time_index.tolist() == [40, 41, 42]


def test_a_list_in_gives_a_list_out_and_others_need_no_training(example):
    model = example.LSTMNativeModel(2, model="naive").fit([series(range(40)), series([5.0] * 30)])
    found = model.predict(2, [series(range(20)), series(range(10)), series(range(50))])
    assert [one.values()[0, 0] for one in found] == [19.0, 9.0, 49.0]
    with pytest.raises(ValueError, match="pass to predict"):
        model.predict(2)


def test_covariates_of_the_past_and_the_future(example):
    rng = np.random.default_rng(0)
    target, past = series(rng.normal(size=60)), series(rng.normal(size=60))
    future = series(rng.normal(size=80))
    model = example.LSTMNativeModel(5).fit(target, past, future)
    assert len(model.predict(5)) == 5
    assert len(model.predict(4, target[:50], past[:50], future)) == 4


def test_future_covariates_may_come_with_predict_alone(example):
    rng = np.random.default_rng(0)
    target, future = series(rng.normal(size=60)), series(rng.normal(size=80))
    model = example.LSTMNativeModel(5).fit(target, future_covariates=future[:60])
    assert len(model.predict(5, future_covariates=future, series=target)) == 5
    assert model.predict(5, target, None, future, num_samples=3).n_samples == 3
    with pytest.raises(ValueError, match="future"):
        model.predict(5)


def test_samples_are_paths(example):
    target = series(np.random.default_rng(0).normal(size=60))
    model = example.LSTMNativeModel(5, model="naive").fit(target)
    found = model.predict(5, num_samples=50, random_state=1)
    assert found.n_samples == 50
    assert found == model.predict(5, num_samples=50, random_state=1)
    others = model.predict(4, [target[:30], target[:50]], num_samples=20)
    assert [one.n_samples for one in others] == [20, 20]
    assert [one.start_time().day for one in others] == [31, 20]


def test_historical_forecasts_with_and_without_training(example):
    target = series(np.random.default_rng(0).normal(size=60).cumsum())
    model = example.LSTMNativeModel(5, model="naive").fit(target)
    options = {"start": 0.7, "forecast_horizon": 5, "stride": 5, "last_points_only": False}
    for retrain in (False, True):
        found = model.historical_forecasts(target, retrain=retrain, **options)
        assert [one.values()[0, 0] for one in found] == [
            target[: one.start_time()].values()[-2, 0] for one in found
        ]


def test_the_example_runs(example, capsys):
    example.main()
    assert float(capsys.readouterr().out.split("MAPE")[1].split()[0]) < 10.0
