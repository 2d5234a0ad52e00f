"""`Forecaster` as its users meet it: long frames in, long frames out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from panels import cycle, monthly, panel
from product import fresh_process

import lstm_native as ln
from lstm_native.forecast import horizons
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster

pytestmark = pytest.mark.usefixtures("quick_tuning")

COLUMNS = ["unique_id", "ds", "forecast", "low_80", "high_80", "low_95", "high_95"]


def shops(rows=60):
    return pd.concat(
        [monthly(100.0 + cycle(rows, 1), "north"), monthly(3.0 * cycle(rows - 20, 2), "south")],
        ignore_index=True,
    )


def quick(horizon=6, **options):
    return Forecaster(horizon, **{"model": "pretrained", **options})


def test_one_line_from_a_frame_to_its_forecast():
    found = ln.forecast.Forecaster(horizon=6).fit(shops()).predict()
    assert list(found.columns) == COLUMNS
    assert found["unique_id"].tolist() == ["north"] * 6 + ["south"] * 6
    assert found["ds"].iloc[0] == pd.Timestamp("2015-01-01")
    assert found["ds"].iloc[6] == pd.Timestamp("2013-05-01")
    assert (found["low_95"] < found["low_80"]).all()
    assert (found["low_80"] < found["forecast"]).all()
    assert (found["forecast"] < found["high_80"]).all()
    assert (found["high_80"] < found["high_95"]).all()


def test_columns_of_other_names_come_back_under_them():
    renamed = shops().rename(columns={"unique_id": "shop", "ds": "month", "y": "sold"})
    made = quick(id_col="shop", time_col="month", target_col="sold")
    found = made.fit(renamed).predict()
    assert list(found.columns)[:2] == ["shop", "month"]


def test_a_single_series_needs_no_id():
    found = quick(3).fit(shops().query("unique_id == 'north'").drop(columns="unique_id")).predict()
    assert len(found) == 3


def test_polars_frames_are_read_too():
    polars = pytest.importorskip("polars")
    frame = shops()
    expected = quick().fit(frame).predict()
    found = quick().fit(polars.from_pandas(frame)).predict()
    np.testing.assert_array_equal(found["forecast"], expected["forecast"])


def test_quantiles_instead_of_intervals():
    found = quick(quantiles=(0.9, 0.5, 0.05)).fit(shops()).predict()
    assert list(found.columns) == ["unique_id", "ds", "forecast", "q_0.05", "q_0.5", "q_0.9"]
    assert (found["q_0.05"] < found["q_0.5"]).all()
    assert (found["q_0.5"] == found["forecast"]).all()
    assert (found["forecast"] < found["q_0.9"]).all()


def test_other_levels():
    found = quick(levels=(50, 99)).fit(shops()).predict()
    assert list(found.columns)[3:] == ["low_50", "high_50", "low_99", "high_99"]
    assert (found["low_99"] < found["low_50"]).all()


@pytest.mark.parametrize(
    "values",
    [
        np.arange(8.0) ** 2,
        np.full(40, 3.7),
        np.zeros(30),
        np.linspace(0.0, 1e12, 60),
        [5.0],
        [1.0, 2.0],
        np.arange(50) % 7 == 0,
        -cycle(100),
        np.exp(np.arange(150) / 10.0),
        1000.0 + 1e-3 * cycle(60),
    ],
    ids=[
        "8 rows",
        "constant",
        "zeros",
        "1e12",
        "one",
        "two",
        "seldom",
        "negative",
        "steep",
        "fine",
    ],
)
def test_any_series_gets_a_forecast_inside_of_its_intervals(values):
    found = Forecaster(12).fit(monthly(values)).predict()
    assert len(found) == 12
    assert np.isfinite(found[COLUMNS[2:]].to_numpy()).all()
    assert (found["low_95"] <= found["low_80"]).all()
    assert (found["low_80"] < found["forecast"]).all()
    assert (found["forecast"] < found["high_80"]).all()
    assert (found["high_80"] < found["high_95"]).all()


def test_missing_values_are_no_error_and_are_left_out_of_the_scores():
    frame = monthly(cycle(80))
    frame.loc[[5, 30, 70, 71], "y"] = np.nan
    made = quick().fit(frame)
    assert np.isfinite(made.predict()["forecast"]).all()
    whole = quick().fit(monthly(cycle(80)))
    assert made.backtest.methods[0].score.count < whole.backtest.methods[0].score.count


def test_counts_have_no_bound_below_zero_and_a_forecast_of_zero_is_not_its_bound():
    rng = np.random.default_rng(3)
    found = quick().fit(monthly(rng.poisson(0.7, 60))).predict()
    lifted = found[found["forecast"] > 0.0]
    assert (lifted["low_95"] >= 0.0).all()
    assert (found["low_80"] < found["forecast"]).all()


@pytest.mark.parametrize(
    ("season", "horizon"), [(12, 12), (4, 8), (7, 14), (24, 48), (52, 13), (132, 12), (30, 30)]
)
def test_horizon_follows_the_season_where_none_is_asked_for(season, horizon):
    assert horizons.usual_horizon(panel(cycle(40), seasons=(season,))) == horizon


def test_years_are_foreseen_six_ahead():
    years = pd.DataFrame({"ds": pd.date_range("1990", periods=20, freq="YS"), "y": cycle(20)})
    assert len(Forecaster(model="naive").fit(years).predict()) == 6


def test_a_shorter_or_longer_horizon_than_the_fitted_one():
    made = quick(6).fit(shops())
    assert made.predict(3).equals(
        made.predict().groupby("unique_id").head(3).reset_index(drop=True)
    )
    assert len(made.predict(20)) == 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon 0 is not a whole number of at least 1"),
        ({"horizon": 1.5}, "horizon 1.5 is not"),
        ({"model": "prophet"}, "unknown model 'prophet': choose auto, pretrained"),
        ({"levels": (80, 100)}, "level 100 is not a whole percent"),
        ({"quantiles": (0.1, 1.0)}, "quantile 1.0 is not between 0 and 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused_at_once(options, message):
    with pytest.raises(DataError, match=message):
        Forecaster(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 1000}, "a horizon of 1000 rows is beyond reason for .*, whose longest .* 60"),
        ({"model": "lstm"}, "takes one series, but .* has 2"),
        ({"timesteps": 5}, "timesteps and epochs cannot be had: the method lstm takes one series"),
        ({"model": "naive", "epochs": 5}, "settings of the method lstm, not of naive"),
        ({"model": "linear", "horizon": 90}, "too few rows for a linear regression"),
        ({"model": "seasonal-naive", "season": 100}, "season of 100 rows is longer .* has 60"),
    ],
)
def test_what_the_data_do_not_allow_is_refused(options, message):
    with pytest.raises(DataError, match=message):
        Forecaster(**{"horizon": 6, **options}).fit(shops())


def test_before_fit_there_is_nothing():
    for call in (Forecaster().predict, Forecaster().sample, lambda: Forecaster().backtest):
        with pytest.raises(DataError, match="call fit first"):
            call()


def test_the_seed_repeats_everything():
    first, again = (Forecaster(4).fit(shops()).predict() for _ in range(2))
    assert first.equals(again)


def test_the_package_offers_it_without_loading_pandas():
    code = (
        "import sys, lstm_native as ln\n"
        "assert 'pandas' not in sys.modules and 'lstm_native.forecast' not in sys.modules\n"
        "ln.forecast.DataError\n"
        "assert 'pandas' not in sys.modules\n"
        "assert 'Forecaster' in dir(ln.forecast) and 'forecast' in dir(ln)\n"
        "ln.forecast.Forecaster\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, **fresh_process())


def test_explain_asks_what_was_fitted():
    found = quick(3).fit(shops()).explain()
    assert {"unique_id", "kind", "name", "share"} <= set(found.columns)
    assert set(found["unique_id"]) == {"north", "south"}


@pytest.mark.parametrize(
    "values",
    [
        np.tile([3.0, 9.0, 1.0, 7.0, 4.0, 4.0, 8.0, 2.0, 6.0, 5.0, 1.0, 9.0], 12),
        cycle(100),
        np.r_[cycle(90), cycle(12, seed=3) + 40.0],
        np.random.default_rng(2).normal(size=60).cumsum(),
    ],
    ids=["pure season", "trend", "break", "walk"],
)
def test_auto_is_never_worse_than_seasonal_naive_where_the_back_test_shows_it(values):
    """Milk production was: 30.4 where the seasonal naive forecast had 12.5."""
    found = Forecaster(12).fit(monthly(values)).backtest
    chosen = found.methods[0].score
    assert chosen.mae <= found["seasonal-naive"].score.mae
    assert found.best in [method.name for method in found.methods]
    assert f"{found.best} is best on this data" in found.text


def test_a_table_says_which_origins_there_were():
    found = quick().fit(shops()).backtest
    assert found.origins["north"][-1] == "2014-07"
    assert set(found.origins) == {"north", "south"}
    assert found.horizon == 6


def test_rows_without_dates_show_their_season_by_themselves():
    frame = pd.DataFrame({"y": cycle(200)})
    assert quick(12).fit(frame).panel.frequency.seasons == (12,)
    noise = pd.DataFrame({"y": np.random.default_rng(1).normal(size=200)})
    assert quick(12).fit(noise).panel.frequency.seasons == ()


def test_a_season_that_is_asked_for_comes_before_the_usual_one():
    made = quick(season=7).fit(shops())
    assert made.panel.frequency.seasons == (7,)


def test_another_table_is_forecast_with_the_seasons_that_were_fitted():
    made = quick(season=5).fit(shops())
    other = quick().fit(monthly(cycle(40))).panel
    assert other.frequency.seasons == (12,)
    expected = quick(season=5).fit(shops())
    expected.update(monthly(cycle(40), "c"))
    found = made.predict_panel(other)["forecast"]
    np.testing.assert_array_equal(found, expected.predict()["forecast"].iloc[12:])


def test_fewer_steps_are_the_first_ones_of_the_usual_number():
    """Whatever the methods: a linear autoregression is fitted anew for each horizon."""
    rng = np.random.default_rng(0)
    values = 50.0 + rng.normal(size=90).cumsum()
    for model in ("linear", "pretrained"):
        forecaster = Forecaster(horizon=8, model=model).fit(panel(values))
        whole, first = forecaster.predict(), forecaster.predict(3)
        assert first.equals(whole.head(3)), model


def test_one_value_alone_is_no_certainty():
    found = Forecaster(horizon=3).fit(panel(np.array([100.0]))).predict()
    assert (found["high_80"] - found["low_80"] > 20.0).all()
