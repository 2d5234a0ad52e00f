"""Time stamps: which come next, and what is said where none can be told."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_native.forecast import timeaxis
from lstm_native.forecast.errors import DataError


def parse(labels):
    return timeaxis.parse(labels, lines=range(2, len(labels) + 2), column="when", source="x.csv")


@pytest.mark.parametrize(
    ("labels", "kind", "following"),
    [
        (["2007", "2008"], "year", ["2009", "2010"]),
        (["1990", "2000"], "year", ["2010", "2020"]),
        (["2008-11", "2008-12"], "month", ["2009-01", "2009-02"]),
        (["2008-06", "2008-09"], "month", ["2008-12", "2009-03"]),
        (["2024-02-27", "2024-02-28"], "date", ["2024-02-29", "2024-03-01"]),
        (["20240227", "20240228"], "date", ["20240229", "20240301"]),
        (["2024-01-01", "2024-01-08"], "date", ["2024-01-15", "2024-01-22"]),
        (["2023-12-15", "2024-01-15"], "date", ["2024-02-15", "2024-03-15"]),
        (["2023-12-31", "2024-01-31"], "date", ["2024-02-29", "2024-03-31"]),
        (["2022-02-28", "2023-02-28", "2024-02-29"], "date", ["2025-02-28", "2026-02-28"]),
        (
            ["2024-12-31 22:00", "2024-12-31 23:00"],
            "datetime",
            ["2025-01-01 00:00:00", "2025-01-01 01:00:00"],
        ),
        (
            ["2024-12-31T23:58:00Z", "2024-12-31T23:59:00Z"],
            "datetime",
            ["2025-01-01T00:00:00+00:00", "2025-01-01T00:01:00+00:00"],
        ),
        (["0.25", "0.50"], "number", ["0.75", "1.00"]),
        (["1749.042", "1749.123", "1749.204"], "number", ["1749.285", "1749.366"]),
        (["Monday", "Tuesday"], "text", ["+1", "+2"]),
        (["31/01/2024", "29/02/2024"], "text", ["+1", "+2"]),
    ],
)
def test_what_comes_next(labels, kind, following):
    axis = parse(labels)
    assert axis.kind == kind
    assert bool(axis.note) == (kind == "text")  # a column that is not understood is named
    assert axis.future(2) == following


@pytest.mark.parametrize(
    ("labels", "where"),
    [
        (["2001-01", "2001-02", "2001-04"], "line 4 of x.csv (2001-02 to 2001-04)"),
        (["2024-01-05", "2024-01-06", "2024-01-08"], "line 4 of x.csv (2024-01-06 to 2024-01-08)"),
        (["0", "1", "2", "7"], "line 5 of x.csv (2 to 7)"),
    ],
)
def test_a_gap_is_named_and_no_stamp_invented(labels, where):
    axis = parse(labels)
    assert where in axis.note
    assert axis.future(1) == ["+1"]


def test_stamps_must_increase():
    with pytest.raises(DataError, match=r"x.csv, line 3: when 2007 does not come after 2008"):
        parse(["2008", "2007"])


def test_zones_must_not_be_mixed():
    with pytest.raises(DataError, match="line 3: when mixes stamps with and without a time zone"):
        parse(["2024-01-01 00:00", "2024-01-02 00:00+01:00"])


@pytest.mark.parametrize(
    "labels", [["2001", "2002", "2003"], ["0.5", "1.0", "1.5"], ["a", "b", "c"]]
)
def test_the_future_is_drawn_right_of_the_past(labels):
    past, ahead = parse(labels).positions(2, 3)
    assert (len(past), len(ahead)) == (2, 3)
    drawn = np.concatenate([past, ahead])
    assert (np.diff(drawn).astype(float) > 0).all()
