"""The main job's summary: what report.json holds, and that JSON can hold it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from panels import cycle, monthly, panel

from lstm_native.forecast import job
from lstm_native.forecast.backtest import Score
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster
from lstm_native.forecast.reading import read_table


def rows_of(*frames):
    return read_table(pd.concat(frames, ignore_index=True))


def test_settings_of_the_network_are_in_the_summary():
    found = job.run(panel(cycle(150)), Forecaster(4, model="lstm", epochs=2)).summary
    wanted = {"model": "lstm", "forecast_by": "lstm", "horizon": 4, "seed": 0, "epochs": 2}
    assert wanted.items() <= found["settings"].items()
    assert found["settings"]["timesteps"] == 24
    assert found["backtest"]["origins"] == 27
    assert (found["backtest"]["training_rows"], found["backtest"]["held_out_rows"]) == (120, 30)
    assert set(found["seconds"]) == {"backtest", "final_training", "total"}


def test_the_summary_is_json_also_of_series_too_short_for_a_back_test():
    for values in ([1.0], np.arange(8.0), np.r_[cycle(30), np.nan, 3.0]):
        found = job.run(rows_of(monthly(values)), Forecaster(12, model="pretrained"))
        text = json.dumps(found.summary, allow_nan=False)  # no NaN, which JSON does not know
        assert json.loads(text)["data"]["rows"] == len(values)


def test_data_are_described():
    frame = monthly(np.r_[cycle(30), np.nan, 3.0], "a")
    found = job.data_summary(rows_of(frame, monthly(cycle(10), "b", "2013-01-01")))
    assert (found["series"], found["rows"], found["missing"]) == (2, 42, 1)
    assert (found["shortest"], found["longest"]) == (10, 32)
    assert (found["first"], found["last"]) == ("2010-01", "2013-10")


def test_each_series_scores_are_listed_where_they_are_few():
    frames = [monthly(cycle(40, seed), f"s{seed}") for seed in range(3)]
    found = job.run(rows_of(*frames), Forecaster(4, model="naive")).summary
    assert set(found["backtest"]["scores"]["naive"]["series"]) == {"s0", "s1", "s2"}
    frames = [monthly(cycle(20, seed), f"s{seed}") for seed in range(101)]
    result = job.run(rows_of(*frames), Forecaster(4, model="naive"))
    assert "series" not in result.summary["backtest"]["scores"]["naive"]
    assert job.records(result.forecaster.predict()) is None


def test_what_json_does_not_know_is_null():
    nothing = float("nan")
    found = job.score_summary(Score(1.0, 2.0, None, nothing, (1.0, nothing), {80: 0.5}, 3))
    assert found["smape"] is None
    assert found["mae_by_step"] == [1.0, None]
    assert found["coverage"] == {80: 0.5}


@pytest.mark.parametrize(
    ("stamps", "text"),
    [
        (pd.date_range("2024-01-01", periods=30, freq="MS"), "2026-07-01"),
        (pd.date_range("2024-01-01", periods=30, freq="h"), "2024-01-02 06:00:00"),
        (pd.date_range("2024-01-01", periods=30, freq="h", tz="UTC"), "2024-01-02 06:00:00+00:00"),
        (np.arange(1990, 2020), "2020-01-01"),
        (np.arange(0.5, 15.5, 0.5), "15.5"),
    ],
)
def test_stamps_are_written_as_they_can_be_read_again(stamps, text):
    frame = pd.DataFrame({"ds": stamps, "y": np.arange(30.0)})
    forecast = Forecaster(2, model="naive").fit(frame).predict()
    assert job.as_text(forecast)["ds"].iloc[0] == text


def test_covariates_that_end_too_early_are_refused_before_anything_is_trained():
    frame = monthly(cycle(60)).assign(price=1.0)
    rows = read_table(frame, future=["price"])
    with pytest.raises(DataError, match="price"):
        job.run(rows, Forecaster(6, future=["price"]))
