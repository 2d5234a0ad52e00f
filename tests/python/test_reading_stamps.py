"""Time stamps in the usual notations: what they mean, and what is said where that is open."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import read_table


def read(folder, labels, **options):
    path = folder / "x.csv"
    rows = "".join(f'"{label}",{row}\n' for row, label in enumerate(labels))
    path.write_text(f"when,v\n{rows}", encoding="utf-8")
    return read_table(path, **{"time": "when", "column": "v", **options})


@pytest.mark.parametrize(
    ("labels", "alias", "first", "following"),
    [
        (["2007", "2008"], "YS-JAN", "2007-01-01", ["2009-01-01", "2010-01-01"]),
        (["2007.0", "2008.0"], "YS-JAN", "2007-01-01", ["2009-01-01", "2010-01-01"]),
        (["1990", "2000"], "120MS", "1990-01-01", ["2010-01-01", "2020-01-01"]),
        (["2008-11", "2008-12"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["2008/11", "2008/12"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["11/2008", "12/2008"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["200811", "200812"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["2008M11", "2008M12"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["Nov 2008", "Dec 2008"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["November 2008", "december 2008"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["Nov-08", "Dec-08"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["2008 Nov", "2008 Dec"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["November 2008", "Dezember 2008"], "MS", "2008-11-01", ["2009-01-01", "2009-02-01"]),
        (["févr. 2008", "mars 2008"], "MS", "2008-02-01", ["2008-04-01", "2008-05-01"]),
        (["ene 2008", "feb 2008"], "MS", "2008-01-01", ["2008-03-01", "2008-04-01"]),
        (["2008-06", "2008-09"], "QS-DEC", "2008-06-01", ["2008-12-01", "2009-03-01"]),
        (["2008Q3", "2008Q4"], "QS-OCT", "2008-07-01", ["2009-01-01", "2009-04-01"]),
        (["2008-Q3", "2008-Q4"], "QS-OCT", "2008-07-01", ["2009-01-01", "2009-04-01"]),
        (["Q3 2008", "Q4 2008"], "QS-OCT", "2008-07-01", ["2009-01-01", "2009-04-01"]),
        (["2008-12-31", "2009-03-31"], "QE-DEC", "2008-12-31", ["2009-06-30", "2009-09-30"]),
        (["2007-12-31", "2008-12-31"], "YE-DEC", "2007-12-31", ["2009-12-31", "2010-12-31"]),
        (["2020-W05", "2020-W06"], "W-MON", "2020-01-27", ["2020-02-10", "2020-02-17"]),
        (["2020W52", "2020W53"], "W-MON", "2020-12-21", ["2021-01-04", "2021-01-11"]),
        (["W05 2020", "W06 2020"], "W-MON", "2020-01-27", ["2020-02-10", "2020-02-17"]),
        (["2020-W05-7", "2020-W06-7"], "W-SUN", "2020-02-02", ["2020-02-16", "2020-02-23"]),
        (["2024-02-27", "2024-02-28"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["2024/2/27", "2024/2/28"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["2024.02.27", "2024.02.28"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["20240227", "20240228"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["27.02.2024", "28.02.2024"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["27-Feb-2024", "28-Feb-2024"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["27 February 2024", "28 February 2024"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["Feb 27, 2024", "Feb 28, 2024"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["Tue, 27 Feb 2024", "Wed, 28 Feb 2024"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["27th Feb 2024", "28th Feb 2024"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["27. Februar 2024", "28. Februar 2024"], "D", "2024-02-27", ["2024-02-29", "2024-03-01"]),
        (["2024-01-01", "2024-01-08"], "W-MON", "2024-01-01", ["2024-01-15", "2024-01-22"]),
        (["2024-01-01", "2024-01-11"], "10D", "2024-01-01", ["2024-01-21", "2024-01-31"]),
        (["2023-12-15", "2024-01-15"], "MS", "2023-12-15", ["2024-02-15", "2024-03-15"]),
        (["2023-12-31", "2024-01-31"], "ME", "2023-12-31", ["2024-02-29", "2024-03-31"]),
        (["2022-02-28", "2023-02-28", "2024-02-29"], "YE-FEB", "2022-02-28",
         ["2025-02-28", "2026-02-28"]),
        (["2024-05-31", "2024-06-28", "2024-07-31"], "BME", "2024-05-31",
         ["2024-08-30", "2024-09-30"]),
        (["2024-12-31 22:00", "2024-12-31 23:00"], "h", "2024-12-31 22:00",
         ["2025-01-01 00:00", "2025-01-01 01:00"]),
        (["12/31/2024 10:30 PM", "12/31/2024 11:00 pm"], "30min", "2024-12-31 22:30",
         ["2024-12-31 23:30", "2025-01-01 00:00"]),
        (["2024-12-31T23:58:00Z", "2024-12-31T23:59:00Z"], "min", "2024-12-31 23:58+00:00",
         ["2025-01-01 00:00+00:00", "2025-01-01 00:01+00:00"]),
        (["2024-12-31 23:58:00.5", "2024-12-31 23:58:01.0"], "500ms", "2024-12-31 23:58:00.5",
         ["2024-12-31 23:58:01.5", "2024-12-31 23:58:02"]),
        (["20241231 2300", "20250101 0000"], "h", "2024-12-31 23:00",
         ["2025-01-01 01:00", "2025-01-01 02:00"]),
        (["1700000000", "1700003600"], "h", "2023-11-14 22:13:20+00:00",
         ["2023-11-15 00:13:20+00:00", "2023-11-15 01:13:20+00:00"]),
        (["1700000000000", "1700000060000"], "min", "2023-11-14 22:13:20+00:00",
         ["2023-11-14 22:15:20+00:00", "2023-11-14 22:16:20+00:00"]),
        (["1623", "1624", "1625"], "YS-JAN", "1623-01-01", ["1626-01-01", "1627-01-01"]),
    ],
)  # fmt: skip
def test_what_stamps_mean_and_what_comes_next(labels, alias, first, following, tmp_path):
    panel = read(tmp_path, labels)
    stamps = panel.series[0].stamps
    assert panel.frequency.alias == alias
    assert stamps[0] == pd.Timestamp(first)
    assert len(stamps) == len(labels)
    assert list(panel.frequency.after(stamps, 2)) == [pd.Timestamp(stamp) for stamp in following]


@pytest.mark.parametrize(
    ("labels", "step", "seasons", "following"),
    [
        (["0.25", "0.50"], 0.25, (), [0.75, 1.0]),
        (["1", "2", "3"], 1, (), [4, 5]),
        (["10", "20", "40"], 10, (), [50, 60]),
        (["1749.042", "1749.123", "1749.204"], 0.081, (12,), [1749.285, 1749.366]),
        (["1959.00", "1959.25", "1959.50"], 0.25, (4,), [1959.75, 1960.0]),
    ],
)
def test_numbers_as_stamps(labels, step, seasons, following, tmp_path):
    panel = read(tmp_path, labels)
    assert panel.frequency.alias is None
    assert panel.frequency.step == pytest.approx(step)
    assert panel.frequency.seasons == seasons
    np.testing.assert_allclose(panel.frequency.after(panel.series[0].stamps, 2), following)


def test_american_dates_with_the_newest_first_are_turned_round(tmp_path):
    # They were taken as no stamps, and the series trained backwards in time.
    labels = pd.date_range("2019-01-04", "2021-04-30", freq="W-FRI").strftime("%m/%d/%Y")[::-1]
    assert labels[0] == "04/30/2021"
    panel = read(tmp_path, labels)
    assert panel.frequency.alias == "W-FRI"
    assert panel.frequency.seasons == (52,)
    assert panel.series[0].stamps[-1] == pd.Timestamp("2021-04-30")
    assert panel.series[0].values[-1] == 0.0
    assert panel.notes == ("the newest row stands first: turned round, oldest first",)


def test_days_without_leading_zeros_are_dates(tmp_path):
    labels = [f"{d.month}/{d.day}/{d.year}" for d in pd.date_range("1981-01-01", "1982-12-31")]
    panel = read(tmp_path, labels)
    assert "1/31/1981" in labels
    assert (panel.frequency.alias, panel.frequency.seasons) == ("D", (7, 365))
    assert panel.series[0].stamps[30] == pd.Timestamp("1981-01-31")
    assert not panel.notes


def test_the_day_is_first_if_one_cell_says_so(tmp_path):
    panel = read(tmp_path, ["11/01/2024", "12/01/2024", "13/01/2024"])
    assert panel.series[0].stamps[0] == pd.Timestamp("2024-01-11")


def test_an_even_spacing_tells_the_order_of_day_and_month(tmp_path):
    labels = [f"01/{month:02d}/{year}" for year in (2022, 2023) for month in range(1, 13)]
    panel = read(tmp_path, labels)
    assert panel.frequency.alias == "MS"
    assert "is read with the day first ('01/01/2022')" in panel.notes[0]
    labels = [f"{month:02d}/01/{year}" for year in (2022, 2023) for month in range(1, 13)]
    assert "is read with the month first" in read(tmp_path, labels).notes[0]


def test_an_open_order_of_day_and_month_is_asked_for(tmp_path):
    labels = ["01/02/2024", "01/03/2024", "01/04/2024"]
    with pytest.raises(DataError, match=r"may have the day or the month first .* choose one"):
        read(tmp_path, labels)
    assert read(tmp_path, labels, dayfirst=True).frequency.alias == "MS"
    assert read(tmp_path, labels, dayfirst=False).frequency.alias == "D"


def test_points_between_day_and_month_say_the_day_is_first(tmp_path):
    assert read(tmp_path, ["01.02.2024", "02.02.2024"]).series[0].stamps[1].day == 2


def test_day_first_and_month_first_in_one_column(tmp_path):
    with pytest.raises(DataError, match="line 3: '13/01/2024' has the day first, but '01/14/2024'"):
        read(tmp_path, ["01/12/2024", "13/01/2024", "01/14/2024"])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["Monday", "Tuesday"], "line 2: cannot read 'Monday' in column 'when' as a time stamp"),
        (["2024-01-01", "2024-01-02", "soon"],
         "line 4: expected a time stamp like '2024-01-01' .year-month-day. .* got 'soon'"),
        (["2024-01-01", "02.01.2024", "2024-01-03"], "line 3: .* got '02.01.2024'; .* alike"),
        (["2024-02-29", "2023-02-29"], "line 3: '2023-02-29' .* is no date of the calendar"),
        (["2024-01-01 10:00", "2024-01-01 25:00"], "line 3: .*25:00.* is no date of the calendar"),
        (["2019-W53", "2020-W53"], "line 2: '2019-W53' .* is no date of the calendar"),
        (["2024-01-01", ""], "line 3: expected a time stamp in column 'when', got none"),
        (["2024-01-01 00:00", "2024-01-02 00:00+01:00"], "mixes stamps with a time zone"),
    ],
)  # fmt: skip
def test_stamps_that_cannot_be_read(labels, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read(tmp_path, labels)


def test_unreadable_stamps_may_be_left_aside(tmp_path):
    panel = read(tmp_path, ["Mon", "Tue", "Wed"], time=None, no_time=True)
    assert list(panel.series[0].stamps) == [1, 2, 3]


def test_offsets_of_one_zone_stay(tmp_path):
    panel = read(tmp_path, ["2024-01-01T10:00+05:30", "2024-01-01T11:00+05:30"])
    assert str(panel.series[0].stamps[0]) == "2024-01-01 10:00:00+05:30"


def test_a_named_zone_keeps_days_even_when_the_clock_changes(tmp_path):
    labels = ["2024-03-29T00:00+01:00", "2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00",
              "2024-04-01T00:00+02:00"]  # fmt: skip
    panel = read(tmp_path, labels, timezone="Europe/Berlin")
    assert panel.frequency.alias == "D"
    following = panel.frequency.after(panel.series[0].stamps, 1)[0]
    assert str(following) == "2024-04-02 00:00:00+02:00"
    local = read(tmp_path, labels)
    assert local.series[0].stamps[-1] == pd.Timestamp("2024-04-01")
    assert "the local dates are taken" in local.notes[0]


@pytest.mark.parametrize("turned", [False, True])
def test_the_hour_that_a_clock_shows_twice(turned, tmp_path):
    zone = "Europe/Berlin"
    hours = pd.date_range("2024-10-26", "2024-10-29", freq="h", tz=zone)
    labels = [stamp.strftime("%Y-%m-%d %H:%M") for stamp in hours]
    assert len(set(labels)) == len(labels) - 1
    with pytest.raises(DataError, match="name the time zone if its clock was set back"):
        read(tmp_path, labels)
    panel = read(tmp_path, labels[::-1] if turned else labels, timezone=zone)
    assert panel.frequency.alias == "h"
    assert (panel.series[0].stamps == hours).all()
    assert not np.isnan(panel.series[0].values).any()


def test_the_hour_that_a_clock_leaves_out(tmp_path):
    hours = pd.date_range("2024-03-30", "2024-04-01", freq="h", tz="Europe/Berlin")
    labels = [stamp.strftime("%Y-%m-%d %H:%M") for stamp in hours]
    panel = read(tmp_path, labels, timezone="Europe/Berlin")
    assert len(panel.series[0]) == len(hours)
    assert "1 row between" in read(tmp_path, labels).notes[0]
    with pytest.raises(DataError, match="no clock in Europe/Berlin shows '2024-03-31 02:30'"):
        read(tmp_path, ["2024-03-31 01:30", "2024-03-31 02:30"], timezone="Europe/Berlin")


def test_an_unknown_zone(tmp_path):
    with pytest.raises(DataError, match="unknown time zone 'Mars/Base'; expected a name such as"):
        read(tmp_path, ["2024-01-01", "2024-01-02"], timezone="Mars/Base")


_PATTERNS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d %b %Y", "%d-%b-%y", "%B %d, %Y",
    "%a, %d %b %Y", "%Y-%m-%d %H:%M:%S", "%d %B %Y %I:%M %p", "%Y-%m-%dT%H:%MZ", "%G-W%V-%u",
]  # fmt: skip


@given(
    st.dates(datetime.date(1970, 1, 1), datetime.date(2060, 1, 1)),
    st.integers(1, 40),
    st.integers(2, 30),
    st.sampled_from(_PATTERNS),
    st.booleans(),
)
def test_any_dates_come_back_from_any_notation(
    tmp_path_factory, first, days, rows, pattern, turned
):
    dates = [first + datetime.timedelta(days=days * row) for row in range(rows)]
    labels = [datetime.datetime(d.year, d.month, d.day).strftime(pattern) for d in dates]
    folder = tmp_path_factory.mktemp("dates")
    stamps = read(folder, labels[::-1] if turned else labels).series[0].stamps
    assert [stamp.date() for stamp in stamps] == dates


@given(
    st.dates(datetime.date(1970, 1, 1), datetime.date(2060, 1, 1)),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y", "%m-%d-%Y"]),
    st.integers(40, 60),
)
def test_days_of_two_months_tell_their_order(tmp_path_factory, first, pattern, rows):
    dates = [first + datetime.timedelta(days=row) for row in range(rows)]
    folder = tmp_path_factory.mktemp("orders")
    stamps = read(folder, [date.strftime(pattern) for date in dates]).series[0].stamps
    assert [stamp.date() for stamp in stamps] == dates


@pytest.mark.parametrize("word", ["Summe", "Total", "Gesamt:"])
def test_a_last_row_of_sums_is_to_be_deleted(tmp_path, word):
    with pytest.raises(DataError, match=f"got '{word}'; delete the row if it sums up the others"):
        read(tmp_path, ["2007-01", "2007-02", "2007-03", word])
    with pytest.raises(DataError, match="mend it, so that all are written alike"):
        read(tmp_path, ["2007-01", word, "2007-03", "2007-04"])


def test_a_spreadsheets_days_are_named_whatever_their_distance(tmp_path):
    # Months are unevenly spaced, hours are no whole days: both went without the hint.
    months = ["44927", "44958", "44986", "45017", "45047", "45078"]
    with pytest.raises(DataError, match=r"unevenly spaced .*; if a spreadsheet means days, give"):
        read(tmp_path, months)
    found = read(tmp_path, [str(45000 + hour / 4) for hour in range(9)])
    assert any("if a spreadsheet means days" in note for note in found.notes)
