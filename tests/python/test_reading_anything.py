"""Whatever stands in a file: the answer is a panel that holds together, or an error of one line."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import read_table

_STAMPS = ["2024-01-01", "2024-01-02", "01/02/2024", "13/02/2024", "2020Q1", "2020-W05", "Jan 2020",
           "1999", "1700000000", "2024-01-01 10:00", "2024-01-01T10:00Z", "2024-02-30",
           "0000-01-01", "9999-12-31", "2024-10-27 02:30", "2024-01-01 10:00+99:99"]  # fmt: skip
_NUMBERS = ["1", "2.5", "-3", "1,5", "1.234", "1 234", "NA", "", "one", "1e308", "1e999",
            "-200", "5%", "(4)",
            "\u0663", "1e", "\u221e", "1" * 400, "\x1b[0m", '"', "a,b", ";"]  # fmt: skip
_NAMES = ["ds", "y", "unique_id", "date", "time", "year", "month", "x", "", "Jan", "2001", "2002"]
_OPTIONS = [
    {}, {"no_time": True}, {"aggregate": "sum"}, {"frequency": "W"}, {"dayfirst": True},
    {"frequency": "MS", "aggregate": "last"}, {"timezone": "Europe/Berlin"}, {"decimal": ","},
    {"header": False}, {"column": "2"}, {"past": "x"}, {"future": "x"}, {"static": "x"},
    {"id": "1"},
]  # fmt: skip


@st.composite
def tables(draw):
    width = draw(st.integers(1, 4))
    kinds = [draw(st.sampled_from([_STAMPS, _NUMBERS, _NUMBERS, _NAMES])) for _ in range(width)]
    few = [draw(st.lists(st.sampled_from(kind), min_size=1, max_size=3)) for kind in kinds]
    rows = draw(st.lists(st.tuples(*map(st.sampled_from, few)), max_size=7))
    if draw(st.booleans()):  # a first column that counts years, as in most tables
        rows = [(str(1990 + number), *row[1:]) for number, row in enumerate(rows)]
    header = draw(st.lists(st.sampled_from(_NAMES), min_size=width, max_size=width))
    delimiter = draw(st.sampled_from(",;\t| "))
    return "\n".join(delimiter.join(row) for row in [header, *rows])


@given(tables(), st.sampled_from(_OPTIONS))
@settings(max_examples=200)
def test_any_table_is_a_panel_or_an_error_of_one_line(tmp_path_factory, text, options):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(text.encode())
    try:
        panel = read_table(path, **options)
    except DataError as error:
        message = str(error)
    else:
        check(panel)
        return
    assert len(message) < 1200
    assert message.isprintable()


def check(panel):
    for series in panel.series:
        rows = len(series)
        assert len(series.stamps) == len(series.past) == rows <= len(series.future)
        assert np.isfinite(series.values[[0, -1]]).all()
        following = panel.frequency.after(series.stamps, 3)
        assert len(following) == 3
        assert following[0] > series.stamps[-1]
        if rows > 1 and panel.frequency.alias is not None:
            assert panel.frequency.after(series.stamps[:-1], 1)[0] == series.stamps[-1]
