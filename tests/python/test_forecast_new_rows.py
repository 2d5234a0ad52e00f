"""Rows that an update adds go with the stamps that are known, or are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panels import cycle, monthly

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster

VALUES = cycle(40)


def fitted(stamps, **options):
    frame = monthly(VALUES).assign(ds=stamps)
    return Forecaster(6, model="naive", **options).fit(frame)


def row(stamp, name="a"):
    return pd.DataFrame({"unique_id": name, "ds": [stamp], "y": [9.0]})


def dates(frequency):
    return pd.date_range("2020-01-05", periods=40, freq=frequency)


@pytest.mark.parametrize(
    ("stamps", "new", "after"),
    [
        (dates("MS"), pd.Timestamp("2023-06-15"), "2023-07-01"),  # it was taken for June
        (dates("MS"), pd.Timestamp("2021-06-15"), "2021-07-01"),
        (dates("D"), pd.Timestamp("2020-02-14 12:00"), "2020-02-15"),
        (dates("h"), pd.Timestamp("2020-01-06 16:30"), "2020-01-06 17:00"),
        (dates("B"), pd.Timestamp("2020-02-29"), "2020-03-02"),
        (dates("2W-SUN"), pd.Timestamp("2021-07-11"), "2021-07-18"),
        (np.arange(40) * 0.5, 20.2, "20.5"),
    ],
)
def test_a_stamp_between_two_of_the_series(stamps, new, after):
    made = fitted(stamps)
    with pytest.raises(DataError, match=rf"the new row at {new} of series 'a' .* as {after}"):
        made.update(row(new))
    assert len(made.panel.series[0]) == 40


def test_a_stamp_before_the_series():
    made = fitted(dates("MS"))
    with pytest.raises(DataError, match=r"2019-10-01 .* lies before the first one .* 2020-02-01"):
        made.update(row(pd.Timestamp("2019-10-01")))


def test_a_new_series_between_the_stamps_of_the_others():
    made = fitted(dates("MS"))
    with pytest.raises(DataError, match=r"2023-06-15 .* of series 'b' is not among its stamps"):
        made.update(row(pd.Timestamp("2023-06-15"), "b"))
    made.update(row(pd.Timestamp("2019-06-01"), "b"))
    assert len(made.panel.series) == 2


def test_rows_written_anywhere_within_their_months_go_on_so():
    days = dates("MS") + pd.to_timedelta(np.arange(40) % 5, unit="D")
    made = fitted(days, frequency="MS")
    made.update(row(pd.Timestamp("2023-06-15"))).update(row(pd.Timestamp("2023-07-03")))
    assert made.panel.series[0].stamps[-1] == pd.Timestamp("2023-07-01")
    assert len(made.panel.series[0]) == 42


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("frequency", ["MS", "ME", "QE-DEC", "B", "W-WED", "D", "h", "15min", "YS"])
def test_stamps_that_go_on_are_never_refused(frequency, zone):
    stamps = pd.date_range("2020-03-05", periods=50, freq=frequency, tz=zone)
    made = fitted(stamps[:40]).update(row(stamps[40])).update(row(stamps[49]))
    assert made.panel.series[0].stamps[-1] == stamps[49]
    assert len(made.panel.series[0]) == 50
