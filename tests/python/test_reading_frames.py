"""Frames and arrays of every kind that people hold give the same panel as a file."""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from product import fresh_process

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import panel_from_frame

DAYS = pd.date_range("2024-01-01", periods=4)
VALUES = [1.0, 2.0, np.nan, 4.0]


def check(panel, name="y"):
    (series,) = panel.series
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.name == name
    assert panel.frequency.alias == "D"
    assert (series.stamps == DAYS).all()
    assert panel.notes == ("1 value between the first and the last one is missing: left open",)


@pytest.mark.parametrize(
    "stamps",
    [
        DAYS, DAYS.astype("datetime64[s]"), DAYS.astype("datetime64[us]"),
        DAYS.strftime("%Y-%m-%d"),
        [stamp.date() for stamp in DAYS], [stamp.to_pydatetime() for stamp in DAYS],
        DAYS.to_period("D"), list(DAYS.to_period("D")), pd.Categorical(DAYS.strftime("%Y-%m-%d")),
        pd.array(DAYS.strftime("%Y-%m-%d"), dtype="string"),
    ],
    ids=["ns", "s", "us", "text", "dates", "datetimes", "period", "periods", "category", "string"],
)  # fmt: skip
@pytest.mark.parametrize(
    "values",
    [
        VALUES, pd.array([1, 2, None, 4], dtype="Int64"), pd.array(VALUES, dtype="Float32"),
        [1, 2, None, 4], [Decimal(1), Decimal(2), None, Decimal(4)], ["1", "2", None, "4"],
        ["1", "2", "NA", "4"], pd.array(["1", "2", None, "4"], dtype="string"),
    ],
    ids=["float", "Int64", "Float32", "None", "Decimal", "text", "NA", "string"],
)  # fmt: skip
def test_dtypes(stamps, values):
    check(panel_from_frame(pd.DataFrame({"ds": stamps, "y": values})))


def test_indices():
    check(panel_from_frame(pd.Series(VALUES, index=DAYS)))
    check(panel_from_frame(pd.Series(VALUES, index=DAYS, name="sold")), "sold")
    check(panel_from_frame(pd.Series(VALUES, index=DAYS.to_period("D"), name="sold")), "sold")
    check(panel_from_frame(pd.DataFrame({"v": VALUES}, index=DAYS.rename("when"))), "v")
    check(panel_from_frame(pd.DataFrame({"ds": DAYS, "y": VALUES}, index=[7, 3, 9, 1])))
    check(panel_from_frame({"v": pd.Series(VALUES, index=DAYS)}), "v")
    years = panel_from_frame(pd.Series([1.0, 2, 3], index=[1999, 2000, 2001]))
    assert years.frequency.alias == "YS-JAN"


def test_sktimes_index_of_instances_and_times():
    index = pd.MultiIndex.from_product([["a", "b"], DAYS], names=["instance", "time"])
    panel = panel_from_frame(pd.DataFrame({"y": np.arange(8.0)}, index=index), id="instance")
    assert [series.name for series in panel.series] == ["a", "b"]
    index = index.set_names([None, None])
    panel = panel_from_frame(pd.DataFrame({"v": np.arange(8.0)}, index=index))
    assert [series.name for series in panel.series] == ["a", "b"]
    assert panel.series[1].values[0] == 4.0


def test_polars():
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"ds": list(DAYS.date), "y": [1, 2, None, 4]})
    check(panel_from_frame(table))
    check(panel_from_frame(table.lazy()))
    check(panel_from_frame(table.with_columns(polars.col("ds").cast(polars.Utf8))))
    zoned = table.with_columns(polars.col("ds").cast(polars.Datetime("us", "Europe/Berlin")))
    panel = panel_from_frame(zoned, timezone="Europe/Berlin")
    assert str(panel.series[0].stamps.tz) == "Europe/Berlin"
    long = polars.DataFrame(
        {"unique_id": ["a", "a", "b", "b"], "ds": [1, 2, 1, 2], "y": [1.0, 2, 3, 4]}
    )
    long = long.with_columns(polars.col("unique_id").cast(polars.Categorical))
    assert [series.name for series in panel_from_frame(long).series] == ["a", "b"]


def test_arrow_tables():
    pyarrow = pytest.importorskip("pyarrow")
    check(panel_from_frame(pyarrow.table({"ds": DAYS.to_numpy(), "y": VALUES})))


def test_dicts_and_arrays():
    check(panel_from_frame({"ds": DAYS, "y": VALUES}))
    panel = panel_from_frame({"long": [1.0, 2, 3], "short": [4.0]})
    assert [(s.name, len(s)) for s in panel.series] == [("long", 3), ("short", 1)]
    panel = panel_from_frame(np.arange(6.0).reshape(3, 2))
    assert [(s.name, s.values[0]) for s in panel.series] == [("1", 0.0), ("2", 1.0)]
    assert len(panel_from_frame([1, 2, 3]).series[0]) == 3
    assert len(panel_from_frame(np.float32([1, 2, 3])).series[0]) == 3


def test_zones_of_a_frame_stay():
    stamps = pd.date_range("2024-03-29", periods=5, tz="Europe/Berlin")
    panel = panel_from_frame(pd.DataFrame({"ds": stamps, "y": 1.0}))
    assert (panel.series[0].stamps == stamps).all()
    assert panel.frequency.alias == "D"
    assert str(panel.frequency.after(stamps, 1)[0]) == "2024-04-03 00:00:00+02:00"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"ds": [], "y": []}), "has no rows"),
        (pd.DataFrame({("a", "b"): [1.0]}), "has columns of several levels"),
        (pd.DataFrame([[1, 2]], columns=["y", "y"]), "has several columns named 'y'"),
        (pd.DataFrame({"ds": [1, 2], "y": [1.0, np.inf]}), "row 2: expected a finite number"),
        (pd.DataFrame({"ds": [1, 2], "y": [1.0, "x"]}), "row 2: expected a number in column 'y'"),
        (pd.DataFrame({"ds": [DAYS[0], None], "y": [1.0, 2]}), "row 2: expected a time stamp"),
        (pd.DataFrame({"ds": [1, 2], "y": [1j, 2j]}), "column 'y' holds complex128"),
        (pd.DataFrame({"ds": [1, 2], "y": DAYS[:2]}), "column 'y' holds dates, not numbers"),
        (np.zeros((2, 2, 2)), r"expected an array \(rows,\) or \(rows, series\)"),
        ({}, "the dict is empty"),
        ({"a": [1], "ds": ["x", "y"]}, "columns of the dict are not of one length"),
        (3, "expected a path, '-', a pandas or polars frame, .* got int"),
    ],
)
def test_what_cannot_be_used(frame, message):
    with pytest.raises(DataError, match=message):
        panel_from_frame(frame)


def test_mixed_zones_in_a_column():
    stamps = [
        datetime.datetime(2024, 1, 1),
        datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
    ]
    with pytest.raises(DataError, match="mixes stamps with and without time zones"):
        panel_from_frame(pd.DataFrame({"ds": pd.Series(stamps, dtype=object), "y": [1.0, 2]}))


def test_a_path_is_no_frame(tmp_path):
    with pytest.raises(TypeError, match="expected a frame, got the path"):
        panel_from_frame(tmp_path / "x.csv")


def test_a_frame_is_left_as_it_was():
    table = pd.DataFrame({"ds": DAYS[::-1], "y": VALUES, "x": ["a", "b", "a", None]})
    before = table.copy(deep=True)
    panel = panel_from_frame(table, past="x", missing="4")
    panel.series[0].values[:] = -1.0
    pd.testing.assert_frame_equal(table, before)


def test_the_package_comes_without_pandas():
    import subprocess

    code = "import lstm_native, sys; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, **fresh_process())
