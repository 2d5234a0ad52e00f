"""What means nothing is refused where it comes in, with what was expected and what came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panels import cycle, monthly

from lstm_native import cli
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster


def quick(horizon=6, **options):
    return Forecaster(horizon, **{"model": "naive", **options})


@pytest.mark.parametrize("horizon", [0, -1, 2.5, "6", True, float("nan")])
def test_a_horizon_that_is_no_count(horizon):
    # predict(0) gave the usual 12 rows, predict(2.5) a TypeError of numpy's.
    made = quick().fit(monthly(cycle(40)))
    for call in (made.predict, made.explain):
        with pytest.raises(DataError, match=r"^horizon .* is not a whole number of at least 1$"):
            call(horizon)
    with pytest.raises(DataError, match=r"^horizon .* is not a whole number"):
        made.sample(3, horizon=horizon)
    with pytest.raises(DataError, match=r"^horizon .* is not a whole number"):
        quick().cross_validation(monthly(cycle(40)), horizon=horizon)
    with pytest.raises(DataError, match=r"^horizon .* is not a whole number"):
        Forecaster(horizon)


def test_a_horizon_that_is_a_whole_float():
    assert len(quick().fit(monthly(cycle(40))).predict(3.0)) == 3


def test_cutoffs_without_a_distance():
    with pytest.raises(DataError, match="step 0 must be at least 1"):
        quick().cross_validation(monthly(cycle(40)), step=0)


@pytest.mark.parametrize("season", [0, -3, 2.5, "12", (), (7, 0)])
def test_a_season_that_is_no_count(season):
    with pytest.raises(DataError, match=r"^season .*(not a whole number|empty)"):
        quick(season=season)


@pytest.mark.parametrize("options", [{"quantiles": ()}, {"levels": ()}])
def test_neither_quantiles_nor_levels(options):
    with pytest.raises(DataError, match="give quantiles or levels"):
        quick(**options)
    quick(quantiles=(0.1, 0.9), levels=())


def test_a_season_longer_than_every_series():
    both = pd.concat([monthly(cycle(40), "a"), monthly(cycle(30), "b")])
    message = "season of 100 rows is longer than every series .* has 40: choose at most 40"
    with pytest.raises(DataError, match=message):
        quick(season=(12, 100)).fit(both)
    assert len(quick(season=40).fit(both).predict()) == 12
    # Rows to forecast after may be fewer.
    assert len(quick(season=12).fit(both).predict_panel(monthly(cycle(3)))) == 6


LARGE = r"has {} in '{}', which is too large .* below 1e\+150 in size"


@pytest.mark.filterwarnings("error")
def test_values_whose_squares_are_infinite():
    # 1e300 gave warnings of NumPy's, then an error of the network's about x.
    values = cycle(40)
    values[3] = 1e300
    wrong = monthly(values)
    message = r"row 4 \(2010-04\) of series 'a' " + LARGE.format(r"1e\+300", "y")
    for model in ("auto", "naive"):
        with pytest.raises(DataError, match=message):
            Forecaster(6, model=model).fit(wrong)
    made = quick().fit(monthly(cycle(40)))
    with pytest.raises(DataError, match=message):
        made.predict_panel(wrong)
    with pytest.raises(DataError, match=r"row 41 \(2013-05\) of series 'a' has -1e\+200"):
        made.update(monthly([-1e200], start="2013-05-01"))


def test_covariates_whose_squares_are_infinite():
    frame = monthly(cycle(60)).assign(price=1.0, size=1e160)
    with pytest.raises(DataError, match="series 'a' " + LARGE.format(r"1e\+160", "size")):
        Forecaster(6, static=["size"]).fit(frame)
    frame.loc[59, "price"] = 1e170
    with pytest.raises(DataError, match=r"row 60 .*" + LARGE.format(r"1e\+170", "price")):
        Forecaster(6, past=["price"]).fit(frame)
    later = monthly([np.nan, np.nan], start="2015-01-01").assign(price=1e170)
    made = Forecaster(2, future=["price"]).fit(frame.iloc[:20])
    later["ds"] = pd.date_range("2011-09-01", periods=2, freq="MS")
    with pytest.raises(DataError, match=r"a row after the last \(2011-08\) of series 'a'"):
        made.predict(future=later)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("model", ["auto", "lstm"])
def test_large_values_that_can_be_computed_with(model):
    scaled = 1e140 * cycle(120)
    found = Forecaster(3, model=model, epochs=1 if model == "lstm" else None).fit(monthly(scaled))
    assert np.isfinite(found.predict()[["forecast", "low_95", "high_95"]]).all(axis=None)


def test_the_command_calls_too_large_values_a_fault_of_the_data(tmp_path, capsys):
    values = cycle(40)
    values[3] = 1e300
    path = tmp_path / "x.csv"
    monthly(values).to_csv(path, index=False)
    assert cli.main(["forecast", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "x.csv: row 4 (2010-04) of series 'a' has 1e+300 in 'y'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
