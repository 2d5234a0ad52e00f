"""examples/forecast_sktime.py: a forecaster as sktime's users have them."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("sktime")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def example(root, monkeypatch) -> Any:
    monkeypatch.syspath_prepend(str(root / "examples"))
    return importlib.import_module("forecast_sktime")


def series(rows=48):
    index = pd.period_range("2015-01", periods=rows, freq="M")
    return pd.Series(np.tile(np.arange(12.0), rows // 12), index, name="units")


def test_a_series_is_forecast_at_the_steps_asked_for(example):
    found = example.LSTMNativeForecaster("seasonal-naive").fit(series(), fh=[1, 3]).predict()
    assert found.index.astype(str).tolist() == ["2019-01", "2019-03"]
    assert found.name == "units"
    assert found.tolist() == [0.0, 2.0]


def test_intervals_hold_the_forecast(example):
    forecaster = example.LSTMNativeForecaster("seasonal-naive").fit(series(), fh=[1, 2])
    ends = forecaster.predict_interval(coverage=[0.5, 0.95])["units"]
    middle = forecaster.predict()
    for share in (0.5, 0.95):
        assert (ends[share]["lower"] <= middle).all()
        assert (middle <= ends[share]["upper"]).all()
    with pytest.raises(ValueError, match="alpha must be from"):
        forecaster.predict_quantiles(alpha=[0.001])


def test_several_series_are_one_panel_and_update_needs_no_training(example):
    frame = pd.concat({name: series().rename("y").to_frame() for name in ("b", "a")})
    frame.index.names = ["shop", "month"]
    forecaster = example.LSTMNativeForecaster("naive").fit(frame, fh=[1])
    assert forecaster.predict().index.get_level_values(0).tolist() == ["b", "a"]
    later = frame.groupby("shop").tail(1).copy()
    later.index = later.index.set_levels(later.index.levels[1] + 1, level=1)
    forecaster.update(later + 5.0, update_params=False)
    found = forecaster.predict()
    assert found["y"].tolist() == [16.0, 16.0]
    assert found.index.get_level_values(1).astype(str).tolist() == ["2019-02", "2019-02"]


def test_exogenous_columns_are_known_ahead(example):
    y = pd.Series(np.random.default_rng(0).normal(size=90), name="units")
    y.index = pd.period_range("2015-01", periods=90, freq="M")
    later = pd.period_range("2015-01", periods=94, freq="M")
    known = pd.DataFrame({"price": np.arange(94.0) % 5}, later)
    forecaster = example.LSTMNativeForecaster().fit(y, X=known.iloc[:90], fh=[1, 3])
    assert len(forecaster.predict(X=known.iloc[90:])) == 2
    assert len(forecaster.predict_interval(X=known.iloc[90:93], coverage=0.8)) == 2
    with pytest.raises(ValueError, match="no row for 2022-09-01"):
        forecaster.predict(X=known.iloc[90:92])
    forecaster.update(pd.Series([0.0], later[90:91], name="units"), known.iloc[90:91], False)
    assert forecaster.predict(X=known.iloc[91:]).index.astype(str).tolist() == [
        "2022-08",
        "2022-10",
    ]


def test_the_example_runs(example, capsys):
    example.main()
    assert float(capsys.readouterr().out.split("MAPE")[1]) < 0.15
