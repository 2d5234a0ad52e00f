"""What means nothing is refused where it comes in, with what was expected and what came."""

from __future__ import annotations

import pandas as pd
import pytest
from panels import cycle, monthly

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
