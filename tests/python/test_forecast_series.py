"""Reading a series: what a stranger's CSV may look like, and what is said of one that is no use."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.series import bundled, guess_season, parse_csv, read_csv


def test_bundled_series_is_the_published_one():
    series = bundled()
    assert len(series) == 12 * (2008 - 1749 + 1)
    assert (series.name, series.season) == ("sunspots", 132)
    assert (series.time.label(0), series.time.label(3119)) == ("1749-01", "2008-12")
    # The first and the last month, and the highest ever: October 1957.
    assert (series.values[0], series.values[-1], series.values.max()) == (58.0, 0.8, 253.8)
    assert series.time.label(int(series.values.argmax())) == "1957-10"
    assert not series.time.note


@pytest.mark.parametrize(
    "text",
    [
        "month,units\n2001-01,1.5\n2001-02,-2\n",
        "month;units\n2001-01;1.5\n2001-02;-2\n",
        "month\tunits\n2001-01\t1.5\n2001-02\t-2\n",
        "month|units\n2001-01|1.5\n2001-02|-2",
        "month,units\r\n2001-01,1.5\r\n\r\n2001-02,-2e0\r\n\r\n",
        '"month", units \n"2001-01", 1.5\n"2001-02", -2\n',
        "note,units,month\nrain,1.5,2001-01\nsun,-2,2001-02\n",
        '\ufeffmonth,units,note\n2001-01,1.5,"a, b"\n2001-02,-2,"c\nd"\n',
    ],
    ids=["comma", "semicolon", "tab", "bar", "blank lines", "quotes", "last column", "bom"],
)
def test_layouts_that_mean_the_same(text, tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes(text.encode())
    series = read_csv(path)
    np.testing.assert_array_equal(series.values, [1.5, -2.0])
    assert series.name == "units"
    assert list(series.time.labels) == ["2001-01", "2001-02"]


def test_without_header_columns_have_numbers():
    series = parse_csv("2001-01,5,7\n2001-02,6,8\n", source="x", column="3")
    np.testing.assert_array_equal(series.values, [7.0, 8.0])
    assert series.name == "column 3"
    assert series.time.kind == "month"


def test_a_single_column_has_rows_for_time():
    series = parse_csv("1\n2\n4\n", source="x")
    np.testing.assert_array_equal(series.values, [1.0, 2.0, 4.0])
    assert (series.time.label(2), series.time.future(2)) == ("row 3", ["+1", "+2"])


def test_columns_by_name_and_by_number():
    text = "t,b,c\n1,10,100\n2,20,200\n"
    assert parse_csv(text, source="x", column="b").values[1] == 20.0
    assert parse_csv(text, source="x", column="2").values[1] == 20.0
    series = parse_csv(text, source="x", column="c", time="t")
    assert (series.time.kind, list(series.time.labels)) == ("number", ["1", "2"])


def test_a_wanted_column_is_taken_only_where_the_file_has_it():
    text = "a,b\n1,10\n"
    with pytest.raises(DataError, match="several columns"):
        parse_csv(text, source="x", prefer="c")
    assert parse_csv(text, source="x", prefer="b").name == "b"
    assert parse_csv(text, source="x", prefer="b", column="a").name == "a"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "x.csv is empty"),
        ("\n \n", {}, "x.csv is empty"),
        ("month,units\n", {}, r"x.csv has a header \(month, units\) but no rows"),
        ("t,v\na,1\nb,\n", {}, "line 3: the value of v is missing"),
        ("t,v\na,1\n\nb,NaN\n", {}, r"line 4: the value of v is missing \('NaN'\)"),
        ("t,v\na,1\nb,one\n", {}, "line 3: v 'one' is not a number$"),
        ("time;v\na;1,5\nb;2,5\n", {}, "line 2: v '1,5' is not a number .decimal points"),
        ("t,v\na,1\nb,inf\n", {}, "line 3: v 'inf' is not finite"),
        ("t,v\na,1\nb\n", {}, "line 3: expected at least 2 cells, as far as v, got 1"),
        ("t,v\na,1\n", {"column": "w"}, "has no value column 'w'; it has t, v"),
        ("t,v\na,1\n", {"column": "3"}, "has no value column '3'; it has t, v"),
        ("t,v\na,1\n", {"column": "0"}, "has no value column '0'; it has t, v"),
        ("1,2\n", {"column": "v"}, "has no value column 'v'; it has 1 to 2"),
        ("t,v\na,1\n", {"time": "when"}, "has no time column 'when'; it has t, v"),
        ("v,v\n1,2\n", {"column": "v"}, "has 2 columns named 'v'; give the column's number"),
        ("v,w\n1,2\n", {}, r"several columns of numbers \(v, w\); choose one with --column"),
        ("v,w\na,b\n", {}, r"line 2: no number in any column \(v, w\)"),
        ("v,w\n1,2\n", {"column": "v", "time": "v"}, "'v' cannot be both the values and the time"),
        ('t,v\na,1\nb,"2\n', {}, "line 3: not CSV: unexpected end of data"),
        ("date,v\n2001-02,1\n2001-01,2\n", {}, "line 3: date 2001-01 does not come after 2001-02"),
        ("date,v\n2001-02,1\n2001-02,2\n", {}, "line 3: date 2001-02 does not come after 2001-02"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(text, options, message):
    with pytest.raises(DataError, match=message) as caught:
        parse_csv(text, source="x.csv", **options)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read_csv(path)


@pytest.mark.parametrize("period", [7, 12, 52])
def test_season_of_a_noisy_cycle_on_a_trend(period):
    rng = np.random.default_rng(1)
    rows = np.arange(12 * period)
    values = np.sin(2 * np.pi * rows / period) + 0.1 * rows + 0.1 * rng.standard_normal(len(rows))
    assert guess_season(values) == period


def test_season_of_the_sunspots_is_about_eleven_years():
    season = guess_season(bundled().values)
    assert season is not None
    assert abs(season - 132) <= 12


@pytest.mark.parametrize(
    "values",
    [
        np.full(100, 2.5),
        np.arange(100.0),
        np.random.default_rng(2).standard_normal(200),
        np.array([1.0, 2.0, 1.0]),
    ],
    ids=["constant", "line", "noise", "three values"],
)
def test_no_season_where_nothing_returns(values):
    assert guess_season(values) is None
