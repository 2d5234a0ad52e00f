"""The grid of the rows: found where rows are missing, asked for where it is open, never silent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.offsets import offset
from lstm_native.forecast.panel import Frequency
from lstm_native.forecast.reading import panel_from_frame, read_table


def frame(stamps, values=None, **columns):
    stamps = pd.DatetimeIndex(stamps)
    values = np.arange(float(len(stamps))) if values is None else values
    return pd.DataFrame({"ds": stamps, "y": values, **columns})


def test_monthly_data_with_two_missing_months_are_monthly():
    # The rows were taken as consecutive, and 11 was guessed as the season.
    months = pd.date_range("2010-01-01", periods=60, freq="MS").delete([17, 40])
    panel = panel_from_frame(frame(months))
    assert (panel.frequency.alias, panel.frequency.seasons) == ("MS", (12,))
    values = panel.series[0].values
    assert len(values) == 60
    assert list(np.flatnonzero(np.isnan(values))) == [17, 40]
    assert values[18] == 17.0
    assert panel.notes == ("2 rows between the first and the last one are missing: left open",)


_ALIASES = [
    ("h", (24, 168)), ("30min", (48, 336)), ("15min", (96, 672)), ("10min", (144, 1008)),
    ("min", (60, 1440)), ("s", (60, 3600)), ("2h", (12, 84)), ("6h", (4, 28)), ("D", (7, 365)),
    ("B", (5, 260)), ("W-WED", (52,)), ("2W-WED", (26,)), ("MS", (12,)), ("ME", (12,)),
    ("BME", (12,)), ("BMS", (12,)), ("2MS", (6,)), ("QS-OCT", (4,)), ("QE-NOV", (4,)),
    ("6MS", (2,)), ("YS-APR", ()), ("YE-DEC", ()), ("24MS", ()),
]  # fmt: skip


@pytest.mark.parametrize(("alias", "seasons"), _ALIASES)
def test_each_frequency_is_found_with_gaps_and_continued(alias, seasons):
    stamps = pd.date_range("2015-03-05", periods=60, freq=offset(alias))
    future = stamps[50:]
    panel = panel_from_frame(frame(stamps[:50].delete([7, 8, 30])))
    assert panel.frequency == Frequency(alias, 1.0, seasons)
    (series,) = panel.series
    assert (series.stamps == stamps[:50]).all()
    assert np.isnan(series.values).sum() == 3
    assert (panel.frequency.after(series.stamps, 10) == future).all()


@pytest.mark.parametrize("day", [2, 15, 28])
def test_months_may_be_stamped_on_any_day_and_at_any_time(day):
    months = pd.date_range("2015-01-01", periods=30, freq="MS")
    stamps = months + pd.Timedelta(days=day - 1, hours=9)
    panel = panel_from_frame(frame(stamps[:24]))
    assert panel.frequency.alias == "MS"
    assert (panel.series[0].stamps == stamps[:24]).all()
    assert (panel.frequency.after(panel.series[0].stamps, 6) == stamps[24:]).all()


def test_one_row_a_month_on_varying_days_stands_for_its_month():
    days = ["2024-01-12", "2024-02-09", "2024-03-14", "2024-04-11", "2024-05-13", "2024-06-12"]
    panel = panel_from_frame(frame(days))
    assert panel.frequency.alias == "MS"
    assert panel.series[0].stamps[0] == pd.Timestamp("2024-01-01")
    assert panel.notes[0].startswith("each row stands for its span of the calendar: '2024-01-12")


def test_holidays_are_no_gap_in_the_kind_of_business_days():
    days = pd.date_range("2023-01-02", "2024-12-31", freq="B").drop(["2023-12-25", "2024-12-25"])
    panel = panel_from_frame(frame(days))
    assert panel.frequency.alias == "B"
    assert np.isnan(panel.series[0].values).sum() == 2


def test_five_days_of_one_week_may_be_any_days():
    assert panel_from_frame(frame(pd.date_range("2024-01-01", periods=5))).frequency.alias == "D"


def test_long_gaps_do_not_hide_the_frequency():
    years = [*range(1800, 1850), *range(1950, 2000)]
    panel = panel_from_frame(pd.DataFrame({"ds": [str(year) for year in years], "y": 1.0}))
    assert panel.frequency.alias == "YS-JAN"
    assert np.isnan(panel.series[0].values).sum() == 100


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        (["2024-01-01", "2024-01-02", "2024-02-20", "2024-04-03", "2024-04-20", "2024-07-05"],
         "unevenly spaced .from '2024-04-20 00:00:00' to '2024-07-05 00:00:00'"),
        (["2024-01-01 00:00:00", "2024-01-01 01:00:07", "2024-01-01 02:00:13"], "unevenly spaced"),
    ],
)  # fmt: skip
def test_uneven_stamps_are_an_error_that_offers_a_frequency(stamps, message):
    with pytest.raises(DataError, match=message) as caught:
        panel_from_frame(frame(stamps))
    assert "choose a frequency" in str(caught.value)
    assert "aggregate" in str(caught.value)


def test_stamps_a_little_off_propose_their_frequency():
    stamps = ["2024-01-01 00:00:01", "2024-01-01 00:05:02", "2024-01-01 00:10:01"]
    with pytest.raises(DataError, match=r"usually 00:04:59\); choose a frequency, such as 5min"):
        panel_from_frame(frame(stamps))
    assert panel_from_frame(frame(stamps), frequency="5min").frequency.alias == "5min"


def test_uneven_numbers_are_an_error():
    table = pd.DataFrame({"time": [0.0, 1.0, 2.3, 7.1], "v": 1.0})
    with pytest.raises(DataError, match=r"row 4: the time stamps are unevenly spaced .from '2.3'"):
        panel_from_frame(table, column="v")


def test_uneven_stamps_with_a_frequency():
    stamps = ["2024-01-01 07:10", "2024-01-01 19:30", "2024-01-02 08:00", "2024-01-04 09:12"]
    table = frame(stamps, [1.0, 2.0, 4.0, 8.0])
    with pytest.raises(DataError, match=r"row 2: expected one row .* in the same span"):
        panel_from_frame(table, frequency="daily")
    for how, first in (("sum", 3.0), ("mean", 1.5), ("last", 2.0)):
        panel = panel_from_frame(table, frequency="daily", aggregate=how)
        np.testing.assert_array_equal(panel.series[0].values, [first, 4.0, np.nan, 8.0])
        assert panel.series[0].stamps[0] == pd.Timestamp("2024-01-01")
        assert "4 rows were made 3" in " ".join(panel.notes)


@pytest.mark.parametrize(
    ("frequency", "alias", "first", "rows"),
    [
        ("weekly", "W-SUN", "2024-01-07", 14), ("W-FRI", "W-FRI", "2024-01-05", 14),
        ("MS", "MS", "2024-01-01", 4), ("monthly", "MS", "2024-01-01", 4),
        ("M", "ME", "2024-01-31", 4), ("ME", "ME", "2024-01-31", 4),
        ("Q", "QE-DEC", "2024-03-31", 2), ("QS", "QS-OCT", "2024-01-01", 2),
        ("quarterly", "QS-OCT", "2024-01-01", 2), ("yearly", "YS-JAN", "2024-01-01", 1),
        ("A", "YE-DEC", "2024-12-31", 1), ("YE-JUN", "YE-JUN", "2024-06-30", 1),
        ("B", "B", "2024-01-01", 66), ("2D", "2D", "2024-01-01", 46),
        ("10D", "10D", "2024-01-01", 10),
    ],
)  # fmt: skip
def test_days_are_added_up_to_any_frequency(frequency, alias, first, rows):
    table = frame(pd.date_range("2024-01-01", "2024-04-01"), 1.0)
    panel = panel_from_frame(table, frequency=frequency, aggregate="sum")
    (series,) = panel.series
    assert panel.frequency.alias == alias
    assert series.stamps[0] == pd.Timestamp(first)
    assert len(series) == rows
    assert series.values.sum() == 92
    if alias not in ("2D", "10D", "B"):
        same = table.set_index("ds")["y"].resample(offset(alias)).sum()
        np.testing.assert_array_equal(series.values, same.to_numpy())


def test_a_sum_over_an_unfinished_time_is_named():
    table = frame(pd.date_range("2024-01-01", "2024-03-12"), 1.0)
    panel = panel_from_frame(table, frequency="monthly", aggregate="sum")
    assert "the last row of 'y' adds up only 12 rows where 29 are usual" in " ".join(panel.notes)
    panel = panel_from_frame(table[:60], frequency="monthly", aggregate="sum")
    assert "unfinished" not in " ".join(panel.notes)


def test_a_frequency_finer_than_the_rows_leaves_gaps():
    panel = panel_from_frame(frame(["2024-01-01", "2024-01-03", "2024-01-09"]), frequency="D")
    assert len(panel.series[0]) == 9
    assert "6 rows between the first and the last one are missing" in panel.notes[0]


@pytest.mark.parametrize("frequency", ["fortnightly", "0D", "W-XYZ", "5", "-1h", "MS-JAN", ""])
def test_an_unknown_frequency(frequency):
    with pytest.raises(DataError, match=r"unknown frequency .* expected one such as monthly"):
        panel_from_frame(frame(pd.date_range("2024-01-01", periods=5)), frequency=frequency)


def test_the_frequency_of_numbers_is_their_distance():
    table = pd.DataFrame({"time": [0.0, 10.0, 40.0], "v": [1.0, 2, 3]})
    panel = panel_from_frame(table, column="v", frequency=5)
    assert (len(panel.series[0]), panel.frequency.step) == (9, 5.0)
    with pytest.raises(DataError, match="does not go with stamps that are numbers"):
        panel_from_frame(table, column="v", frequency="daily")


def test_two_rows_for_one_stamp(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("ds,v\n2024-01-01,1\n2024-01-02,2\n2024-01-02,5\n2024-01-03,3\n")
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value).endswith(
        "line 4: expected one row for each time of series 'v', got the stamp '2024-01-02', which "
        "line 3 has already (1 such row in all); choose what becomes of them with aggregate sum, "
        "mean or last, or name the columns of ids if the rows belong to several series"
    )
    for how, value in (("sum", 7.0), ("mean", 3.5), ("last", 5.0)):
        assert read_table(path, aggregate=how).series[0].values[1] == value


def test_missing_values_do_not_count_where_rows_are_aggregated():
    days = ["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-02"]
    table = frame(days, [4.0, np.nan, np.nan, np.nan])
    table = pd.concat([table, frame(["2024-01-03"], [1.0])])
    for how in ("sum", "mean", "last"):
        values = panel_from_frame(table, aggregate=how).series[0].values
        np.testing.assert_array_equal(values, [4.0, np.nan, 1.0])


def test_an_aggregate_that_does_not_exist():
    with pytest.raises(DataError, match="aggregate 'median' is not sum, mean or last"):
        panel_from_frame(frame(["2024-01-01"]), aggregate="median")


def test_a_stamp_that_is_far_off_is_named():
    stamps = [*pd.date_range("2020-01-01", periods=50, freq="min"), pd.Timestamp("2220-01-01")]
    with pytest.raises(
        DataError, match=r"rows are missing between 2020-01-01 00:49:00 and 2220-01"
    ):
        panel_from_frame(frame(stamps))


def test_rows_in_any_order_are_sorted_and_that_is_said():
    days = pd.date_range("2024-01-01", periods=20)
    shuffled = np.random.default_rng(0).permutation(20)
    panel = panel_from_frame(frame(days[shuffled], shuffled.astype(float)))
    np.testing.assert_array_equal(panel.series[0].values, np.arange(20.0))
    assert panel.notes == ("the rows are not in the order of time: sorted",)


def test_one_row_is_a_series():
    panel = panel_from_frame(pd.DataFrame({"ds": ["2024-05"], "y": [3.0]}))
    assert panel.frequency.alias == "MS"
    assert panel.frequency.after(panel.series[0].stamps, 1)[0] == pd.Timestamp("2024-06-01")
    assert panel_from_frame(frame(["2024-05-06"])).frequency.alias == "D"


def test_seasons_may_be_chosen():
    table = frame(pd.date_range("2024-01-01", periods=30))
    assert panel_from_frame(table, season=[30, 7]).frequency.seasons == (7, 30)
    assert panel_from_frame(table, season=1).frequency.seasons == ()
    with pytest.raises(DataError, match="season '0' is not a whole number of at least 1"):
        panel_from_frame(table, season=0)


@pytest.mark.parametrize("first", ["0622-01-01", "1500-01-01", "2500-01-01"])
def test_years_beyond_the_clock_of_nanoseconds(first):
    start = int(first[:4])
    table = pd.DataFrame({"year": [str(start + row) for row in range(1300, 1340)], "level": 1.0})
    assert len(panel_from_frame(table).series[0]) == 40
    table = pd.DataFrame({"ds": [f"{start + row:04d}-06-01" for row in range(30)], "level": 1.0})
    panel = panel_from_frame(table)
    assert panel.frequency.alias == "YS-JUN"
    following = panel.frequency.after(panel.series[0].stamps, 2)
    assert [stamp.year for stamp in following] == [start + 30, start + 31]


@given(
    st.sampled_from([alias for alias, _ in _ALIASES]),
    st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2030-01-01")),
    st.integers(60, 90),
    st.sets(st.integers(1, 58), max_size=12),
)
def test_any_rows_may_be_missing(alias, start, rows, missing):
    start = pd.Timestamp(start).floor("min")
    stamps = pd.date_range(start, periods=rows + 5, freq=offset(alias))
    values = np.arange(float(rows))
    table = frame(stamps[:rows].delete(sorted(missing)), np.delete(values, sorted(missing)))
    panel = panel_from_frame(table)
    (series,) = panel.series
    assert panel.frequency.alias == alias
    assert (series.stamps == stamps[:rows]).all()
    np.testing.assert_array_equal(series.values[~np.isnan(series.values)], table["y"])
    assert (panel.frequency.after(series.stamps, 5) == stamps[rows:]).all()
