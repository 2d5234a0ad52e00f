"""CSV as strangers write it: layouts that mean the same, and what is said of those of no use."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import resource
import sys
import time

import numpy as np
import pandas as pd
import pytest

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import read_table, sources


def write(folder, text, name="sales.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "month,units\n2001-01,1.5\n2001-02,-2\n",
        "month;units\n2001-01;1.5\n2001-02;-2\n",
        "month\tunits\n2001-01\t1.5\n2001-02\t-2\n",
        "month|units\n2001-01|1.5\n2001-02|-2",
        "month units\n2001-01 1.5\n2001-02 -2\n",
        "month,units\r\n2001-01,1.5\r\n\r\n2001-02,-2e0\r\n\r\n",
        "month,units\r2001-01,1.5\r2001-02,-2\r",
        '"month", units \n"2001-01", 1.5\n"2001-02", -2\n',
        "note,units,month\nrain,1.5,2001-01\nsun,-2,2001-02\n",
        '\ufeffmonth,units,note\n2001-01,1.5,"a, b"\n2001-02,-2,"c\nd"\n',
        "month,units\n2001-01,1.5,\n2001-02,-2,\n",
        "month,units,\n2001-01,1.5,\n2001-02,-2,\n,,\n",
        "month;units\n2001-01;1,5\n2001-02;-2,0\n",
        "Sales of the shop\n\nmonth,units\n2001-01,1.5\n2001-02,-2\n",
        ",month,units\n0,2001-01,1.5\n1,2001-02,-2\n",
        "month,units\n2001-01,1.5\n2001-02,\u22122\n",
    ],
    ids=["comma", "semicolon", "tab", "bar", "blanks", "blank lines", "old Mac", "quotes",
         "last column", "bom", "delimiters at the end", "empty column and row", "decimal comma",
         "title above", "row numbers", "minus sign"],
)  # fmt: skip
def test_layouts_that_mean_the_same(text, tmp_path):
    panel = read_table(write(tmp_path, text))
    (series,) = panel.series
    np.testing.assert_array_equal(series.values, [1.5, -2.0])
    assert series.name == panel.target == "units"
    assert list(series.stamps) == [pd.Timestamp("2001-01-01"), pd.Timestamp("2001-02-01")]
    assert panel.frequency.alias == "MS"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding, tmp_path):
    path = write(tmp_path, "Monat;Erlöse €\n2001-01;1\n2001-02;2\n", encoding=encoding)
    panel = read_table(path)
    assert panel.target == "Erlöse €"
    assert ("Windows-1252" in " ".join(panel.notes)) == (encoding == "cp1252")
    assert read_table(path, encoding=encoding).target == "Erlöse €"


def test_an_encoding_that_is_wrong_or_unknown(tmp_path):
    path = write(tmp_path, "month,units\n2001-01,1\n2001-02,ä\n", encoding="cp1252")
    with pytest.raises(DataError, match=r"line 3, is not utf-8 text .* give its encoding"):
        read_table(path, encoding="utf-8")
    with pytest.raises(DataError, match="there is no encoding 'klingon'"):
        read_table(path, encoding="klingon")


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_packed_files(module, tmp_path):
    path = write(tmp_path, module.compress(b"month,units\n2001-01,1\n2001-02,2\n"))
    assert len(read_table(path).series[0]) == 2
    write(tmp_path, path.read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot be unpacked"):
        read_table(path)


def test_standard_input(monkeypatch):
    data = io.TextIOWrapper(io.BytesIO(b"month,units\n2001-01,1\n2001-02,2\n"))
    monkeypatch.setattr(sys, "stdin", data)
    panel = read_table("-")
    assert panel.source == "standard input"
    assert len(panel.series[0]) == 2


def test_without_header_columns_have_numbers(tmp_path):
    panel = read_table(write(tmp_path, "2001-01,5,7\n2001-02,6,8\n"), column="3")
    np.testing.assert_array_equal(panel.series[0].values, [7.0, 8.0])
    assert panel.series[0].name == "column 3"
    assert panel.frequency.alias == "MS"


def test_a_header_may_be_forced_or_denied(tmp_path):
    path = write(tmp_path, "a\n1\n2\n")
    assert len(read_table(path, header=True).series[0]) == 2
    with pytest.raises(DataError, match="line 1: expected a number in column 'column 1', got 'a'"):
        read_table(path, header=False)


def test_a_single_column_has_rows_for_time(tmp_path):
    panel = read_table(write(tmp_path, "1\n2\n4\n"))
    np.testing.assert_array_equal(panel.series[0].values, [1.0, 2.0, 4.0])
    assert list(panel.series[0].stamps) == [1, 2, 3]
    assert panel.frequency.seasons == ()


def test_columns_by_name_by_number_and_several(tmp_path):
    path = write(tmp_path, "t,b,c\n1,10,100\n2,20,200\n")
    assert read_table(path, column="b").series[0].values[1] == 20.0
    assert read_table(path, column=2).series[0].values[1] == 20.0
    panel = read_table(path, column="c", time="t")
    assert list(panel.series[0].stamps) == [1, 2]
    for wanted in (["b", "c"], "b,c", "2, c"):
        assert [s.name for s in read_table(path, column=wanted).series] == ["b", "c"]


def test_a_wanted_column_is_taken_only_where_the_file_has_it(tmp_path):
    path = write(tmp_path, "a,b\n1,10\n")
    assert [s.name for s in read_table(path, prefer="c").series] == ["a", "b"]
    assert [s.name for s in read_table(path, prefer="b").series] == ["b"]
    assert [s.name for s in read_table(path, prefer="b", column="a").series] == ["a"]


def test_columns_of_one_name_are_told_apart(tmp_path):
    panel = read_table(write(tmp_path, "t,v,v\n1,2,3\n2,3,4\n"))
    assert [s.name for s in panel.series] == ["t", "v", "v (2)"]
    assert "several columns named 'v'" in " ".join(panel.notes)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "x.csv is empty"),
        ("\n \n", {}, "x.csv is empty"),
        ("month,units\n", {}, r"x.csv has a header \('month', 'units'\) but no rows"),
        ("ds,v\n1,1\n2,one\n", {}, "line 3: expected a number in column 'v', got 'one'"),
        ("ds,v\n1,1\n\n\n2,inf\n", {}, "line 5: expected a finite number in column 'v', got 'inf'"),
        ("ds,v\n1,1\n2,1e999\n", {}, "line 3: expected a finite number .* got '1e999'"),
        ("ds,v\n1,1\n2\n", {}, r"line 3: expected 2 cells as in the first row, got 1 \('2'\)"),
        ("t,v\na,1\n", {"column": "w"}, "has no value column 'w'; it has 't', 'v'"),
        ("t,v\na,1\n", {"column": "3"}, "has no value column '3'; it has 't', 'v'"),
        ("t,v\na,1\n", {"column": "0"}, "has no value column '0'"),
        ("1,2\n", {"column": "v"}, "has no value column 'v'; it has 1 to 2"),
        ("t,v\na,1\n", {"time": "when"}, "has no time column 'when'; it has 't', 'v'"),
        ("v,w\na,b\n", {}, "line 2: expected a column of numbers to forecast among 'v', 'w'"),
        ("v,w\n1,2\n", {"column": "v", "time": "v"}, "'v' cannot be both time and column"),
        ("v,w\n1,2\n", {"column": "v", "time": "1"}, "'v' cannot be both time and column"),
        ('t,v\na,1\nb,"2\n', {}, "line 3: not CSV: unexpected end of data"),
        ("v\n1\n\x00\n", {}, r"is not text \(it holds a zero byte at 4\)"),
        ("PK\x03\x04 workbook", {}, "is a workbook or an archive, not a table; save the sheet"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(text, options, message, tmp_path):
    with pytest.raises(DataError, match=message) as caught:
        read_table(write(tmp_path, text, "x.csv"), **options)
    assert "\n" not in str(caught.value)


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path):
    # It was read as if it were right: 1 instead of 1,234.
    path = write(tmp_path, "day,v\n2020-04-07,1200\n2020-04-08,1,234\n2020-04-09,1240\n")
    with pytest.raises(DataError, match="line 3: expected 2 cells as in the first row, got 3"):
        read_table(path)


@pytest.mark.parametrize("first", ["", "NaN", '"1,000"'])
def test_the_column_is_not_chosen_by_its_first_row(first, tmp_path):
    # The calendar was forecast if the first value was missing or had thousands.
    rows = "".join(f"{year},{1000 + year % 7}\n" for year in range(2001, 2010))
    panel = read_table(write(tmp_path, f"year,units\n2000,{first}\n{rows}"))
    assert [series.name for series in panel.series] == ["units"]
    assert panel.series[0].values[-1] == 1000 + 2009 % 7
    assert panel.frequency.alias == "YS-JAN"


def test_what_a_header_holds_cannot_reach_the_terminal(tmp_path):
    path = write(tmp_path, "ds,\x1b[31mred\x07" + "x" * 100_000 + "\n1,2\n2,b\n")
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_a_binary_file_is_no_text(tmp_path):
    with pytest.raises(DataError, match="is not text"):
        read_table(write(tmp_path, bytes(range(256))))
    noise = np.random.default_rng(0).integers(1, 256, 5000, dtype=np.uint8).tobytes()
    with pytest.raises(DataError, match="is not text"):
        read_table(write(tmp_path, noise))


def test_an_endless_file_ends_in_an_error():
    began = time.perf_counter()
    with pytest.raises(DataError, match="/dev/zero is not text"):
        read_table("/dev/zero")
    assert time.perf_counter() - began < 5.0


def test_a_file_beyond_the_limit_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LIMIT", 5 << 20)
    path = write(tmp_path, b"v\n" + b"1\n" * (3 << 20))
    with pytest.raises(DataError, match="is longer than 5 MB; keep the columns and rows"):
        read_table(path)
    packed = write(tmp_path, gzip.compress(b"1\n" * (3 << 20)), "packed.csv.gz")
    with pytest.raises(DataError, match="is longer than 5 MB"):
        read_table(packed)


def test_memory_that_does_not_suffice_is_said(tmp_path, monkeypatch):
    def full(*ignored):
        raise MemoryError

    monkeypatch.setattr(sources, "table_from_csv", full)
    with pytest.raises(DataError, match="does not fit into memory; keep fewer columns or rows"):
        read_table(write(tmp_path, "v\n1\n"))


def test_a_long_file_is_read_in_time(tmp_path):
    # 6 MB: 200 MB once ended in a MemoryError.
    stamps = pd.date_range("2000-01-01", periods=300_000, freq="min").strftime("%Y-%m-%d %H:%M")
    path = write(
        tmp_path, "ds,y\n" + "\n".join(f"{stamp},{row % 977}" for row, stamp in enumerate(stamps))
    )
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    panel = read_table(path)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert len(panel.series[0]) == 300_000
    assert panel.frequency.alias == "min"
    assert time.perf_counter() - began < 20.0
    assert grown < 600


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "none.csv")
    with pytest.raises(IsADirectoryError):
        read_table(tmp_path)


def test_parquet_and_what_only_begins_like_it(tmp_path):
    path = tmp_path / "sales.parquet"
    days = pd.date_range("2024-01-01", periods=5)
    pd.DataFrame({"ds": days, "y": [1.0, 2, np.nan, 4, 5]}).to_parquet(path)
    panel = read_table(path)
    assert panel.frequency.alias == "D"
    assert np.isnan(panel.series[0].values[2])
    with pytest.raises(DataError, match="is no valid Parquet file"):
        read_table(write(tmp_path, b"PAR1 and nothing else"))
