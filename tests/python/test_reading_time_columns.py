"""A time column is found by what it holds, too, and a cell in it that is no stamp is an error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lstm_native.cli import main
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import read_table


def write(folder, labels, header="when,v", values=None):
    path = folder / "x.csv"
    values = values or [(7 * row) % 11 + 3 for row in range(len(labels))]
    rows = "".join(f"{label},{value}\n" for label, value in zip(labels, values, strict=True))
    path.write_text(f"{header}\n{rows}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("labels", "alias", "kind"),
    [
        (range(1990, 2010), "YS-JAN", "years"),
        (range(2009, 1989, -1), "YS-JAN", "years"),
        (range(1950, 2020, 10), "120MS", "years"),
        ([1990, 1991, 1992, 1994, 1995, 1996], "YS-JAN", "years"),
        ([f"{stamp:%Y%m}" for stamp in pd.date_range("2021-01-01", periods=30, freq="MS")],
         "MS", "months"),
        ([f"{stamp:%Y%m%d}" for stamp in pd.date_range("2024-01-15", periods=40, freq="B")],
         "B", "days"),
    ],
)  # fmt: skip
def test_plain_numbers_of_a_calendar_need_no_telling_name(labels, alias, kind, tmp_path):
    # They became a series of their own, and the rows were counted.
    panel = read_table(write(tmp_path, labels))
    assert [series.name for series in panel.series] == ["v"]
    assert panel.frequency.alias == alias
    assert f"'when' is read as the time, in {kind}" in panel.notes


def test_years_of_several_series_need_no_telling_name(tmp_path):
    labels = [f"{shop},{year}" for shop in "ab" for year in range(1990, 2000)]
    panel = read_table(write(tmp_path, labels, "shop,when,v"))
    assert [len(series) for series in panel.series] == [10, 10]
    assert panel.frequency.alias == "YS-JAN"


@pytest.mark.parametrize(
    "values",
    [
        [1990, 1993, 1987, 2001, 1995, 1999],  # in no order
        [1500, 1560, 1610, 1700, 1720, 1810],  # at no distance
        [1990.5, 1991.5, 1992.5, 1993.5, 1994.5, 1995.5],
        [201_200, 201_201, 201_300, 201_313, 201_399, 201_400],  # no months
    ],
)
def test_numbers_that_are_no_calendar_stay_series(values, tmp_path):
    panel = read_table(write(tmp_path, values, "some,v"))
    assert [series.name for series in panel.series] == ["some", "v"]


def test_a_single_column_of_years_is_what_is_forecast(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("when\n" + "".join(f"{year}\n" for year in range(1990, 2000)))
    np.testing.assert_array_equal(read_table(path).series[0].values, np.arange(1990, 2000))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([f"2024-0{month}-01" for month in range(1, 9)],
         r"x.csv, line 6: expected a time stamp like '2024-01-01' \(year-month-day\) in column "
         "'when', got 'soon'"),
        ([f"0{month}/01/2024" for month in range(1, 9)], "line 6: .* got 'soon'"),
        (range(1990, 2000), r"line 6: expected a time stamp like '1990' \(year\) .* got 'soon'"),
    ],
)  # fmt: skip
def test_one_bad_cell_is_the_error_and_no_reason_to_count_rows(labels, message, tmp_path, capsys):
    # The whole column was left out, with a note only and exit code 0.
    cells = list(labels)
    cells[4] = "soon"
    path = write(tmp_path, cells)
    with pytest.raises(DataError, match=message):
        read_table(path)
    assert main(["forecast", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "line 6" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_empty_cell_among_years_is_an_error(tmp_path):
    cells = ["", *range(1991, 2005)]
    with pytest.raises(DataError, match="line 2: expected a time stamp in column 'when', got none"):
        read_table(write(tmp_path, cells))


def test_a_year_that_comes_twice_is_an_error(tmp_path):
    cells = [1990, 1991, 1992, 1992, *range(1993, 2003)]
    with pytest.raises(DataError, match="1992"):
        read_table(write(tmp_path, cells))
