"""Wide and long tables as panels: which column is what, and what each series holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import bundled, panel_from_frame, read_table


def write(folder, text):
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    return path


def names(panel):
    return [series.name for series in panel.series]


def test_the_bundled_series_is_the_published_one():
    panel = bundled()
    (series,) = panel.series
    assert len(series) == 12 * (2008 - 1749 + 1)
    assert (panel.target, series.name, panel.frequency.seasons) == ("sunspots", "sunspots", (132,))
    assert panel.frequency.alias == "MS"
    assert (series.stamps[0], series.stamps[-1]) == (
        pd.Timestamp("1749-01-01"),
        pd.Timestamp("2008-12-01"),
    )
    # The first and the last month, and the highest ever: October 1957.
    assert (series.values[0], series.values[-1], series.values.max()) == (58.0, 0.8, 253.8)
    assert series.stamps[series.values.argmax()] == pd.Timestamp("1957-10-01")
    assert not panel.notes
    assert bundled(season=12).frequency.seasons == (12,)


def test_a_long_table_with_nixtlas_names(tmp_path):
    path = write(
        tmp_path, "unique_id,ds,y\nb,2020-01-01,1\nb,2020-01-02,2\na,2020-01-02,5\na,2020-01-04,6\n"
    )
    panel = read_table(path)
    assert names(panel) == ["b", "a"]
    b, a = panel.series
    np.testing.assert_array_equal(b.values, [1, 2])
    np.testing.assert_array_equal(a.values, [5, np.nan, 6])
    assert a.stamps[0] == pd.Timestamp("2020-01-02")
    assert panel.target == "y"
    assert panel.notes == (
        "1 row between the first and the last one in 2 series is missing: left open",
    )


def test_a_long_table_with_names_of_its_own(tmp_path):
    path = write(tmp_path, "shop,item,day,sold,price\n1,a,2020-01-01,1,9\n1,a,2020-01-02,2,9\n"
                 "2,a,2020-01-01,3,9\n2,a,2020-01-02,4,9\n"
                 "1,b,2020-01-01,5,9\n1,b,2020-01-02,6,9\n")  # fmt: skip
    panel = read_table(path, id=["shop", "item"], time="day", column="sold")
    assert names(panel) == ["1/a", "2/a", "1/b"]
    assert panel.notes == ("not used: 'price'",)
    assert names(read_table(path, id="shop,item", column="sold")) == ["1/a", "2/a", "1/b"]
    assert names(read_table(path, id="shop,item", column=["sold", "price"]))[:3] == [
        "1/a/sold", "1/a/price", "2/a/sold",
    ]  # fmt: skip


def test_rows_of_several_series_in_turn_keep_the_order_of_time(tmp_path):
    path = write(
        tmp_path, "ds,unique_id,y\n2020-01-01,a,1\n2020-01-01,b,2\n2020-01-02,a,3\n2020-01-02,b,4\n"
    )
    panel = read_table(path)
    assert not panel.notes
    np.testing.assert_array_equal(panel.series[1].values, [2, 4])


def test_ids_are_found_where_one_text_column_makes_the_stamps_unique(tmp_path):
    path = write(
        tmp_path,
        "symbol,date,price\nA,Jan 1 2000,1\nA,Feb 1 2000,2\nB,Jan 1 2000,3\nB,Feb 1 2000,4\n",
    )
    panel = read_table(path)
    assert names(panel) == ["A", "B"]
    assert panel.notes == ("there is a series for each value of 'symbol'",)


def test_ids_that_may_be_one_of_two_columns_are_asked_for(tmp_path):
    path = write(
        tmp_path, "code,name,date,v\nA,x,2000-01,1\nA,x,2000-02,2\nB,y,2000-01,3\nB,y,2000-02,4\n"
    )
    with pytest.raises(
        DataError, match=r"line 4: expected one row for each time .* ids, such as 'code',"
    ):
        read_table(path)


def test_ids_of_two_columns_are_proposed(tmp_path):
    path = write(tmp_path, "store,dept,week,sales\n1,1,2024-01-05,5\n1,2,2024-01-05,6\n"
                 "2,1,2024-01-05,5\n2,2,2024-01-05,6\n1,1,2024-01-12,5\n")  # fmt: skip
    with pytest.raises(DataError, match="name the columns of ids, such as 'store', 'dept', if"):
        read_table(path)


def test_the_calendar_is_not_forecast(tmp_path):
    panel = read_table(write(tmp_path, "date,month,day,v\n2024-01-30,1,30,5\n2024-01-31,1,31,6\n"))
    assert (names(panel), panel.notes) == (["v"], ("not used: 'month', 'day'",))
    panel = read_table(write(tmp_path, "day,v\n1,5\n2,6\n3,7\n"))
    assert (names(panel), list(panel.series[0].stamps)) == (["v"], [1, 2, 3])
    with pytest.raises(DataError, match="line 2: cannot read 'January' in column 'month'"):
        read_table(write(tmp_path, "month,v\nJanuary,5\nFebruary,6\n"))


def test_days_as_a_spreadsheet_counts_them_are_named(tmp_path):
    panel = read_table(write(tmp_path, "ds,v\n43831,5\n43832,6\n"))
    assert "if a spreadsheet means days, give the column a date's format" in panel.notes[0]


def test_a_missing_id(tmp_path):
    path = write(tmp_path, "unique_id,ds,y\na,2020-01-01,1\n,2020-01-02,2\n")
    with pytest.raises(
        DataError, match="line 3: expected the series' id in column 'unique_id', got none"
    ):
        read_table(path)


def test_a_column_for_each_shop(tmp_path):
    path = write(
        tmp_path, "month;Berlin;Paris;note\n2020-01;1,5;;x\n2020-02;1,7;4;y\n2020-03;;5;z\n"
    )
    panel = read_table(path)
    assert names(panel) == ["Berlin", "Paris"]
    berlin, paris = panel.series
    np.testing.assert_array_equal(berlin.values, [1.5, 1.7])
    np.testing.assert_array_equal(paris.values, [4, 5])
    assert paris.stamps[0] == pd.Timestamp("2020-02-01")
    assert panel.notes == (
        "each column of numbers is a series: 'Berlin', 'Paris'; name those that are to be "
        "forecast, if not all are",
        "not used: 'note'",
        "1 row without a value at the end: the forecast begins there",
    )
    assert names(read_table(path, column="Paris")) == ["Paris"]


def test_a_series_without_values_is_left_out_and_named(tmp_path):
    path = write(tmp_path, "unique_id,ds,y\na,2020-01-01,1\na,2020-01-02,2\nb,2020-01-01,\n")
    panel = read_table(path)
    assert names(panel) == ["a"]
    assert "1 series without any value: 'b' left out" in panel.notes
    with pytest.raises(DataError, match="no value is known in 'y'"):
        read_table(write(tmp_path, "ds,y\n2020-01-01,\n2020-01-02,NA\n"))


def test_stamps_in_columns_of_their_own(tmp_path):
    path = write(tmp_path, "year,quarter,gdp\n2020,1,5\n2020,2,6\n2020,3,7\n")
    panel = read_table(path)
    assert (names(panel), panel.frequency.alias) == (["gdp"], "QS-OCT")
    assert panel.notes == ("stamps are made of the columns 'year', 'quarter'",)
    path = write(tmp_path, "Year,Month,Day,v\n2020,2,28,5\n2020,2,29,6\n2020,3,1,7\n")
    assert read_table(path).frequency.alias == "D"
    path = write(tmp_path, "year,month,v\n2020,Nov,5\n2020,Dec,6\n2021,Jan,7\n")
    assert read_table(path).series[0].stamps[-1] == pd.Timestamp("2021-01-01")
    path = write(tmp_path, "jahr,kw,v\n2020,52,5\n2020,53,6\n2021,1,7\n")
    with pytest.raises(DataError, match="expected one row for each time"):
        read_table(path, column="v")
    path = write(tmp_path, "year,week,v\n2020,52,5\n2020,53,6\n2021,1,7\n")
    assert read_table(path).frequency.alias == "W-MON"
    path = write(tmp_path, "Date;Time;CO\n10/03/2004;22.00.00;2,6\n10/03/2004;23.00.00;-200\n"
                 "31/03/2004;00.00.00;2,2\n")  # fmt: skip
    panel = read_table(path, missing="-200", frequency="h")
    assert panel.series[0].stamps[1] == pd.Timestamp("2004-03-10 23:00")
    assert np.isnan(panel.series[0].values[1])
    same = read_table(path, time=["Date", "Time"], frequency="h")
    assert (same.series[0].stamps == panel.series[0].stamps).all()


def test_years_in_the_header(tmp_path):
    path = write(tmp_path, "Country,Code,1999,2000,2001\nAruba,ABW,1,2,3\nChad,TCD,4,,6\n")
    panel = read_table(path)
    assert names(panel) == ["Aruba", "Chad"]
    np.testing.assert_array_equal(panel.series[1].values, [4, np.nan, 6])
    assert panel.series[0].stamps[0] == pd.Timestamp("1999-01-01")
    assert panel.notes[:2] == (
        "the header holds times ('1999' to '2001'): a row is a series", "not used: 'Code'",
    )  # fmt: skip


def test_months_in_the_header(tmp_path):
    months = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec"
    rows = "\n".join(
        f"{2000 + r}," + ",".join(str(12 * r + m) for m in range(12)) for r in range(3)
    )
    panel = read_table(write(tmp_path, f"YEAR,{months}\n{rows}\n"))
    np.testing.assert_array_equal(panel.series[0].values, np.arange(36.0))
    assert panel.frequency.alias == "MS"
    assert len(panel.notes) == 1


def test_short_and_plain_series_are_no_fault(tmp_path):
    for values in ([3] * 8, [0] * 8, [1e12 * (1 + i) for i in range(8)], [5]):
        rows = "".join(f"{2000 + i},{v}\n" for i, v in enumerate(values))
        panel = read_table(write(tmp_path, f"year,v\n{rows}"))
        np.testing.assert_array_equal(panel.series[0].values, values)


def test_rows_that_just_follow_each_other(tmp_path):
    path = write(tmp_path, "unique_id,y\na,1\nb,5\na,2\nb,6\n")
    panel = read_table(path)
    np.testing.assert_array_equal(panel.series[0].values, [1, 2])
    assert list(panel.frequency.after(panel.series[0].stamps, 2)) == [3, 4]
    assert panel.notes == ("there are no time stamps: rows are counted from 1",)
    for option in ({"frequency": "D"}, {"holidays": "DE"}):
        with pytest.raises(DataError, match="has no time stamps, which holidays, a frequency"):
            read_table(path, **option)
        with pytest.raises(DataError, match="needs time stamps, but no_time says there are none"):
            read_table(path, no_time=True, **option)


def test_options_that_do_not_exist_or_contradict():
    table = pd.DataFrame({"y": [1.0, 2.0]})
    with pytest.raises(TypeError, match="unknown option 'colum'; there are"):
        panel_from_frame(table, colum="y")
    with pytest.raises(DataError, match="column 'y' cannot be both column and past"):
        panel_from_frame(table, column="y", past="y")
    with pytest.raises(DataError, match="decimal 'x' is neither"):
        panel_from_frame(table, decimal="x")
    with pytest.raises(DataError, match="delimiter 'ab' is not one character"):
        panel_from_frame(table, delimiter="ab")
    with pytest.raises(DataError, match="cannot be both delimiter and decimal mark"):
        panel_from_frame(table, delimiter=",", decimal=",")


def test_many_series_are_read_in_seconds():
    import time

    months = pd.date_range("1990-01-01", periods=120, freq="MS")
    table = pd.DataFrame({
        "unique_id": np.repeat([f"s{i}" for i in range(3000)], 120),
        "ds": np.tile(months, 3000), "y": np.arange(360_000.0),
    })  # fmt: skip
    began = time.perf_counter()
    panel = panel_from_frame(table)
    assert time.perf_counter() - began < 10.0
    assert len(panel.series) == 3000
    assert panel.series[2999].values[-1] == 359_999.0
