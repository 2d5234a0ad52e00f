"""Numbers as people write them, and what is asked where 1,234 may be one or a thousand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import read_table


def read(folder, cells, delimiter=";", **options):
    path = folder / "x.csv"
    path.write_text(
        "\n".join(
            ["ds" + delimiter + "v", *(f"{2000 + i}{delimiter}{c}" for i, c in enumerate(cells))]
        ),
        encoding="utf-8",
    )
    return read_table(path, **options)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.5", "-2", "+3", ".5", "4.", "1e3", "-2.5E-1"], [1.5, -2, 3, 0.5, 4, 1000, -0.25]),
        (["1,5", "-2", "3,25"], [1.5, -2, 3.25]),
        (["1.234,5", "12.345.678", "9"], [1234.5, 12345678, 9]),
        (["1,234.5", "12,345,678", "9"], [1234.5, 12345678, 9]),
        (["12,34,567.5", "1,00,000"], [1234567.5, 100000]),
        (["1 234,5", "12 345", "9"], [1234.5, 12345, 9]),
        (["1\u00a0234,5", "12\u202f345,0"], [1234.5, 12345]),
        (["1'234.5", "12\u2019345"], [1234.5, 12345]),
        (["$1,234.50", "-$5.25", "€3.5", "3.5 €"], [1234.5, -5.25, 3.5, 3.5]),
        (["12.5%", "3 %", "-1.5%"], [12.5, 3, -1.5]),
        (["(1,234.50)", "(2)", "3"], [-1234.5, -2, 3]),
        (["\u22125.5", "2"], [-5.5, 2]),
        (["0,123", "0,456"], [0.123, 0.456]),
        (["1,234", "12345", "2,5"], [1.234, 12345, 2.5]),
        (["1.234", "0.5"], [1.234, 0.5]),
    ],
)  # fmt: skip
def test_notations(cells, values, tmp_path):
    np.testing.assert_array_equal(read(tmp_path, cells).series[0].values, values)


@pytest.mark.parametrize(
    "missing",
    [
        "",
        "NA",
        "n/a",
        "NaN",
        "nan",
        "null",
        "None",
        "-",
        "--",
        "?",
        ".",
        "..",
        "#N/A",
        "<NA>",
        "\u2013",
    ],
)
def test_spellings_of_a_missing_value(missing, tmp_path):
    panel = read(tmp_path, ["1", missing, "3"])
    np.testing.assert_array_equal(panel.series[0].values, [1.0, np.nan, 3.0])
    assert panel.notes == ("1 value between the first and the last one is missing: left open",)


@pytest.mark.parametrize("given_", ["-200", "-200.0", ["x", "-200"], -200])
def test_sentinels_are_missing_where_they_are_named(given_, tmp_path):
    panel = read(tmp_path, ["1", "-200", "3", "-200,0", "5,5"], missing=given_)
    np.testing.assert_array_equal(panel.series[0].values, [1, np.nan, 3, np.nan, 5.5])


def test_a_word_may_stand_for_missing_values(tmp_path):
    panel = read(tmp_path, ["1", "Closed", "3"], missing="closed")
    assert np.isnan(panel.series[0].values[1])


def test_what_looks_like_a_sentinel_is_named(tmp_path):
    panel = read(tmp_path, ["1", "-999", "3", "-999", "5"])
    assert panel.series[0].values[1] == -999.0
    assert "v is -999 in 2 rows and nowhere else below 0" in " ".join(panel.notes)
    assert not read(tmp_path, ["1", "-999", "3", "-998", "5"]).notes


@pytest.mark.parametrize(
    ("cells", "delimiter"),
    [(["1,234", "5,678"], ";"), (["1.234", "5.678"], ";"), (["1,234", "567"], "\t")],
)
def test_an_open_decimal_mark_is_asked_for(cells, delimiter, tmp_path):
    with pytest.raises(
        DataError, match=r"line 2: '1[.,]234' in column 'v' may have a decimal"
    ) as e:
        read(tmp_path, cells, delimiter)
    assert "give the decimal mark" in str(e.value)
    mark = cells[0][1]
    assert read(tmp_path, cells, delimiter, decimal=mark).series[0].values[0] == 1.234
    other = ".,"[mark == "."]
    assert read(tmp_path, cells, delimiter, decimal=other).series[0].values[0] == 1234.0


def test_a_program_writes_decimal_points_between_commas(tmp_path):
    assert read(tmp_path, ["1.234", "5.678"], ",").series[0].values[0] == 1.234
    assert read(tmp_path, ['"1,234"', '"5,678"'], ",").series[0].values[0] == 1234.0


def test_another_column_may_tell_the_decimal_mark(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("ds;v;w\n2000;1,234;0,5\n2001;5,678;0,25\n")
    assert read_table(path, column=["v", "w"]).series[0].values[0] == 1.234


def test_marks_that_contradict_each_other(tmp_path):
    with pytest.raises(DataError, match=r"line 3: '1.55' has a decimal point, but '1,5'.*line 2"):
        read(tmp_path, ["1,5", "1.55"])


@pytest.mark.parametrize(
    "cell", ["1,23,4", "1.2.3", "12a", "1 2", "0x10", "1_000", "--5", "5-", "1e"]
)
def test_what_is_no_number(cell, tmp_path):
    with pytest.raises(DataError, match="line 4: expected a number in column 'v', got"):
        read(tmp_path, ["1.5", "2.5", cell, "3.5", "4.25"])


@given(st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 2)), min_size=2, max_size=30))
def test_any_numbers_come_back_from_either_notation(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("numbers")
    english = [f"{x:,.2f}" for x in values]
    german = [cell.translate(str.maketrans(",.", ".,")) for cell in english]
    swiss = [cell.replace(",", "'") for cell in english]
    for cells in (english, german, swiss):
        np.testing.assert_array_equal(
            read(folder, cells, no_time=True, column="v").series[0].values, values
        )
