"""New rows without training, past cutoffs, sampled paths, and covariates that come later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panels import cycle, monthly

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster

pytestmark = pytest.mark.usefixtures("quick_tuning")

VALUES = cycle(84)


def quick(horizon=6, **options):
    return Forecaster(horizon, **{"model": "pretrained", **options})


def test_new_rows_move_the_forecast_and_nothing_else():
    whole = monthly(VALUES)
    made = quick().fit(whole.iloc[:80])
    factors = made.fitted.calibration.factors
    made.update(whole.iloc[80:])
    assert len(made.panel.series[0]) == 84
    assert made.fitted.calibration.factors is factors
    found = made.predict()
    assert found["ds"].iloc[0] == pd.Timestamp("2017-01-01")
    expected = quick().fit(whole.iloc[:80]).predict_panel(quick().fit(whole).panel)
    pd.testing.assert_frame_equal(found, expected)


def test_a_row_that_is_known_already_is_replaced():
    made = quick().fit(monthly(VALUES))
    corrected = monthly([-5.0], start="2016-12-01")
    made.update(corrected)
    assert made.panel.series[0].values[-1] == -5.0
    assert len(made.panel.series[0]) == 84


def test_a_gap_before_the_new_rows_is_missing_values():
    made = quick().fit(monthly(VALUES)).update(monthly([9.0], start="2017-03-01"))
    np.testing.assert_array_equal(made.panel.series[0].values[-3:], [np.nan, np.nan, 9.0])
    assert np.isfinite(made.predict()["forecast"]).all()


def test_a_new_series_is_forecast_as_the_others_are():
    made = quick().fit(monthly(VALUES)).update(monthly(cycle(30), "b"))
    found = made.predict()
    assert set(found["unique_id"]) == {"a", "b"}
    assert np.isfinite(found["forecast"]).all()


def test_rows_without_an_id_or_a_value_are_refused():
    both = pd.concat([monthly(VALUES, "a"), monthly(VALUES, "b")])
    made = quick().fit(both)
    with pytest.raises(DataError, match="needs the column unique_id"):
        made.update(monthly([1.0]).drop(columns="unique_id"))
    with pytest.raises(DataError, match="needs the column y"):
        made.update(monthly([1.0]).drop(columns="y"))


def test_dates_of_new_rows_as_text():
    """Of one row nobody can tell whether the day comes first."""
    made = quick().fit(monthly(VALUES))
    row = monthly([3.0], start="2017-01-01")
    made.update(row.assign(ds="2017-01-01"))
    assert len(made.panel.series[0]) == 85
    with pytest.raises(DataError, match="holds no dates such as 2020-01-31: '01/02/2017'"):
        made.update(row.assign(ds="01/02/2017"))


def test_new_rows_of_a_clock_in_a_time_zone():
    hours = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"unique_id": "a", "ds": hours, "y": cycle(60, season=24)})
    made = quick().fit(frame.iloc[:58])
    made.update(frame.iloc[58:59])
    made.update(frame.iloc[59:].assign(ds=hours[59:].tz_convert("UTC")))
    assert len(made.panel.series[0]) == 60
    assert made.predict()["ds"].iloc[0] == hours[-1] + pd.Timedelta(hours=1)


def test_cross_validation_sets_forecasts_beside_what_came():
    frame = pd.concat([monthly(VALUES, "a"), monthly(VALUES[:50], "b")])
    found = quick().cross_validation(frame, windows=3, step=2)
    assert list(found.columns)[:5] == ["unique_id", "ds", "cutoff", "y", "forecast"]
    assert len(found) == 2 * 3 * 6
    first = found.iloc[:6]
    assert first["cutoff"].unique() == pd.Timestamp("2016-02-01")
    np.testing.assert_array_equal(first["y"], VALUES[74:80])
    assert found["ds"].max() == pd.Timestamp("2016-12-01")
    assert (found["ds"] > found["cutoff"]).all()


def test_cross_validation_sees_no_row_after_a_cutoff():
    other = VALUES.copy()
    other[74:] = 1000.0
    first, second = (
        quick(model="linear").cross_validation(monthly(v), windows=3, step=2)
        for v in (VALUES, other)
    )
    np.testing.assert_array_equal(first["forecast"][:6], second["forecast"][:6])


def test_cross_validation_of_too_short_series():
    with pytest.raises(DataError, match="need series of more than 18 rows; the longest has 10"):
        quick().cross_validation(monthly(VALUES[:10]), windows=3)


def test_paths_have_the_forecasts_quantiles_and_steps_that_go_together():
    made = quick().fit(monthly(VALUES))
    paths = made.sample(4000, seed=1)
    assert list(paths.columns) == ["unique_id", "path", "ds", "value"]
    table = paths.pivot(index="path", columns="ds", values="value").to_numpy()
    assert table.shape == (4000, 6)
    forecast = made.predict()
    for name, share in (("low_80", 0.1), ("high_80", 0.9), ("low_95", 0.025), ("forecast", 0.5)):
        below = (table < forecast[name].to_numpy()).mean(axis=0)
        np.testing.assert_allclose(below, share, atol=0.02)
    assert np.corrcoef(table[:, 2], table[:, 3])[0, 1] > 0.3
    assert made.sample(5, seed=1).equals(made.sample(5, seed=1))
    assert not made.sample(5, seed=1).equals(made.sample(5, seed=2))


def test_paths_go_beyond_the_fitted_horizon():
    assert len(quick(4).fit(monthly(VALUES)).sample(3, horizon=9)) == 27
    with pytest.raises(DataError, match="paths 0"):
        quick(4).fit(monthly(VALUES)).sample(0)


def test_paths_of_other_series_need_no_training():
    made = quick(4).fit(monthly(VALUES))
    others = pd.concat([monthly(VALUES[:n]).assign(unique_id=f"s{n}") for n in (30, 50)])
    found = made.sample(400, seed=1, data=others)
    assert found.groupby("unique_id", sort=False).size().to_dict() == {"s30": 1600, "s50": 1600}
    drawn = found.groupby(["unique_id", "ds"])["value"].quantile(0.9)
    expected = made.predict_panel(others).set_index(["unique_id", "ds"])
    spread = expected["high_80"] - expected["forecast"]
    assert ((drawn - expected["high_80"]).abs() < 0.3 * spread).all()
    assert len(made.panel.series) == 1  # it is left as it was


def test_other_series_come_as_frames_however_short():
    made = quick(4).fit(monthly(VALUES))
    found = made.predict_panel(monthly([3.0], start="2020-01-01"))
    assert found["ds"].tolist() == list(pd.date_range("2020-02-01", periods=4, freq="MS"))
    whole = made.predict_panel(monthly(VALUES))
    pd.testing.assert_frame_equal(whole, made.predict_panel(made.panel))
    pd.testing.assert_frame_equal(whole, made.predict())
    counted = quick(4).fit(pd.DataFrame({"y": VALUES}))
    assert counted.predict_panel(pd.DataFrame({"y": VALUES[:9]}))["ds"].tolist() == [10, 11, 12, 13]


def test_other_series_have_future_covariates_of_their_own():
    made = Forecaster(3, model="tuned", future=["price"]).fit(promoted(164))
    others, later = promoted(100), promoted(100, 3).iloc[100:].drop(columns="y")
    assert len(made.predict_panel(others, future=later)) == 3
    assert len(made.sample(5, future=later, data=others)) == 15
    with pytest.raises(DataError, match="'price' of series"):
        made.sample(5, data=others)


LONG = cycle(164)


def promoted(rows, ahead=0):
    frame = monthly(np.r_[LONG[:rows], np.full(ahead, np.nan)])
    return frame.assign(price=np.arange(len(frame), dtype=float))


def test_future_covariates_come_with_the_table_or_with_predict():
    later = promoted(164, 6).iloc[164:].drop(columns="y")
    with_table = Forecaster(6, model="tuned", future=["price"]).fit(promoted(164, 6))
    expected = with_table.predict()
    made = Forecaster(6, model="tuned", future=["price"]).fit(promoted(164))
    with pytest.raises(DataError, match="price"):
        made.predict()
    # The covariate's scale was learnt from fewer rows: the same but for that.
    found = made.predict(future=later)
    assert found["ds"].equals(expected["ds"])
    np.testing.assert_allclose(found["forecast"], expected["forecast"], rtol=1e-2)
    with pytest.raises(DataError, match="no row for 2024-01-01"):
        made.predict(future=later.iloc[:4])


def short_and_long():
    long = promoted(164).assign(unique_id="long")
    return pd.concat([long, promoted(8).assign(unique_id="short")], ignore_index=True)


def test_future_covariates_of_series_shorter_than_the_horizon_come_with_predict_too():
    # Its back-test asked for covariates beyond the rows that it compares.
    made = Forecaster(6, model="tuned", future=["price"]).fit(short_and_long())
    with pytest.raises(DataError, match=r"'price' of series 'long' .* just after it; .*future="):
        made.predict()
    later = promoted(164, 6).iloc[164:].assign(unique_id="long")
    later = pd.concat([later, promoted(8, 6).iloc[8:].assign(unique_id="short")])
    assert len(made.predict(future=later)) == 12
    for lacking in (later.drop(columns="unique_id"), later[later["unique_id"] == "long"]):
        with pytest.raises(DataError, match=r"unique_id|no row for"):
            made.predict(future=lacking)


def test_covariates_are_refused_by_methods_that_would_ignore_them():
    with pytest.raises(DataError, match=r"linear takes no covariates \(price\)"):
        Forecaster(6, model="linear", past=["price"]).fit(promoted(164))


@pytest.mark.parametrize("rows", [2, 8, 20])
def test_short_series_with_covariates_are_forecast_without_them_and_that_is_said(rows):
    # It was an error, although a series of 8 rows gets a forecast.
    made = Forecaster(6, future=["price"]).fit(promoted(rows, 6))
    assert made.backtest.text.endswith(
        "The rows are too few to learn what the covariates say: they have no part in the forecast."
    )
    assert len(made.predict()) == 6


def test_covariates_are_refused_where_they_were_asked_to_be_learnt_and_cannot_be():
    with pytest.raises(DataError, match=r"tune=False\) nothing learns .* \(price\)"):
        Forecaster(6, future=["price"], tune=False).fit(promoted(164, 6))
    with pytest.raises(DataError, match="too few to train on further"):
        Forecaster(6, future=["price"], tune=True).fit(promoted(20, 6))
    with pytest.raises(DataError, match="too few to train on further"):
        Forecaster(6, model="tuned").fit(monthly(VALUES[:12]))


def test_covariates_that_do_not_help_are_said_to_have_no_part():
    frame = promoted(160, 6)
    made = Forecaster(6, future=["price"]).fit(frame)
    said = "no part in the forecast" in made.backtest.text
    assert said == ("tuned" not in made.fitted.choice.used)


def test_covariates_stay_through_an_update():
    made = Forecaster(3, model="tuned", past=["price"]).fit(promoted(160))
    made.update(promoted(164).iloc[160:])
    np.testing.assert_array_equal(made.panel.series[0].past[:, 0], np.arange(164.0))
