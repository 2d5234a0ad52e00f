"""Covariates known in the past, ahead, or once: where they stand, what is said if not."""

from __future__ import annotations

import builtins
import datetime

import numpy as np
import pandas as pd
import pytest

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import panel_from_frame, read_table, require_future

DAYS = pd.date_range("2024-01-01", periods=6)


def table(**columns):
    return pd.DataFrame({"ds": DAYS, "y": [1.0, 2, 3, 4, np.nan, np.nan], **columns})


def test_rows_without_a_value_hold_what_is_known_ahead():
    panel = panel_from_frame(table(promo=[0, 1, 0, 1, 1, 0], rain=[5, 6, 7, 8, None, None]),
                             future="promo", past="rain")  # fmt: skip
    (series,) = panel.series
    assert (panel.past_names, panel.future_names) == (("rain",), ("promo",))
    np.testing.assert_array_equal(series.values, [1, 2, 3, 4])
    np.testing.assert_array_equal(series.past, [[5], [6], [7], [8]])
    np.testing.assert_array_equal(series.future, [[0], [1], [0], [1], [1], [0]])
    assert not panel.notes
    require_future(panel, 2)


def test_covariates_that_end_too_early():
    panel = panel_from_frame(table(promo=[0, 1, 0, 1, 1, 0]), future="promo")
    with pytest.raises(DataError) as caught:
        require_future(panel, 5)
    assert str(caught.value) == (
        "the table: a horizon of 5 rows needs the future covariates as far beyond the last value, "
        "but 'promo' of series 'y' is not known at 2024-01-07 00:00:00 (2 rows beyond); add rows "
        "with the covariates and no value, or forecast 2 rows only"
    )
    panel = panel_from_frame(table(promo=[0, 1, 0, 1, None, 1]), future="promo")
    with pytest.raises(DataError, match=r"not known at 2024-01-05 00:00:00 just after it"):
        require_future(panel, 2)
    require_future(panel_from_frame(table()), 100)


def test_gaps_stay_open_in_covariates_too():
    rows = table(promo=[0, 1, 0, 1, 1, 0]).drop(index=2)
    (series,) = panel_from_frame(rows, future="promo").series
    np.testing.assert_array_equal(series.future[:, 0], [0, 1, np.nan, 1, 1, 0])
    np.testing.assert_array_equal(series.values, [1, 2, np.nan, 4])


def test_texts_become_indicators():
    panel = panel_from_frame(table(sky=["sun", "rain", None, "sun", "rain", "sun"]), future="sky")
    assert panel.future_names == ("sky=rain", "sky=sun")
    np.testing.assert_array_equal(panel.series[0].future[:3], [[0, 1], [1, 0], [np.nan, np.nan]])
    rows = pd.DataFrame(
        {"ds": pd.date_range("2024-01-01", periods=40), "y": 1.0, "x": [f"t{i}" for i in range(40)]}
    )
    with pytest.raises(
        DataError, match=r"covariate 'x' has 40 different texts .* at most 30 texts"
    ):
        panel_from_frame(rows, past="x")


def test_a_cell_of_a_covariate_that_is_no_number(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("ds,y,t\n2024-01-01,1,5\n2024-01-02,2,warm\n2024-01-03,2,6\n")
    with pytest.raises(DataError, match="line 3: expected a number in column 't', got 'warm'"):
        read_table(path, past="t")
    with pytest.raises(DataError, match="has no covariate column 'u'; it has 'ds', 'y', 't'"):
        read_table(path, past="u")


def long(**columns):
    return pd.DataFrame({
        "unique_id": ["a"] * 3 + ["b"] * 3, "ds": list(DAYS[:3]) * 2,
        "y": np.arange(6.0), **columns,
    })  # fmt: skip


def test_static_covariates_of_the_table():
    panel = panel_from_frame(long(region=["n", "n", None, "s", "s", "s"], size=[1] * 3 + [2] * 3),
                             static=["region", "size"])  # fmt: skip
    assert panel.static_names == ("region=n", "region=s", "size")
    np.testing.assert_array_equal(
        [series.static for series in panel.series], [[1, 0, 1], [0, 1, 2]]
    )


def test_static_covariates_must_be_static_and_known():
    with pytest.raises(
        DataError, match=r"row 3: expected 'size' to be the same in all rows .* got 9 after 1"
    ):
        panel_from_frame(long(size=[1, 1, 9, 2, 2, 2]), static="size")
    with pytest.raises(DataError, match="static covariate 'size' of series 'b' is missing"):
        panel_from_frame(long(size=[1, 1, 1, None, None, None]), static="size")


def test_a_table_of_static_covariates(tmp_path):
    path = tmp_path / "shops.csv"
    path.write_text("unique_id;size;region\nc;9;n\nb;2,5;s\na;1;n\n")
    panel = panel_from_frame(long(), static_frame=path)
    assert panel.static_names == ("size", "region=n", "region=s")
    np.testing.assert_array_equal(
        [series.static for series in panel.series], [[1, 1, 0], [2.5, 0, 1]]
    )
    path.write_text("unique_id;size\na;1\n")
    with pytest.raises(
        DataError, match=r"shops.csv: the static covariate 'size' of series 'b' is missing"
    ):
        panel_from_frame(long(), static_frame=path)
    path.write_text("shop;size\na;1\n")
    with pytest.raises(
        DataError, match=r"expected the series' ids in 'unique_id', .* got the columns 'shop'"
    ):
        panel_from_frame(long(), static_frame=path)


def future(**columns):
    return pd.DataFrame({
        "unique_id": ["a"] * 2 + ["b"] * 2, "ds": list(DAYS[3:5]) * 2, **columns,
    })  # fmt: skip


def test_a_table_of_future_covariates_goes_on_where_the_values_end():
    panel = panel_from_frame(long(promo=[0, 1, 0, 1, 0, 1]), future="promo",
                             future_frame=future(promo=[5, 6, 7, 8]))  # fmt: skip
    np.testing.assert_array_equal(panel.series[0].future[:, 0], [0, 1, 0, 5, 6])
    np.testing.assert_array_equal(panel.series[1].future[:, 0], [1, 0, 1, 7, 8])
    assert len(panel.series[1]) == 3
    require_future(panel, 2)


def test_a_table_of_covariates_may_hold_the_past_too_and_go_for_all_series():
    calendar = pd.DataFrame({"ds": DAYS, "school": np.arange(6)})
    panel = panel_from_frame(long(), future_frame=calendar)
    for series in panel.series:
        np.testing.assert_array_equal(series.future[:, 0], np.arange(6))
    wide = pd.DataFrame({"ds": DAYS[:3], "p": [1.0, 2, 3], "q": [4.0, 5, 6]})
    panel = panel_from_frame(wide, future_frame=calendar)
    assert [len(series.future) for series in panel.series] == [6, 6]


def test_a_table_of_future_covariates_that_contradicts_the_first():
    rows = long(promo=[0, 1, 0, 1, 0, 1])
    other = pd.DataFrame({"unique_id": ["a"], "ds": [DAYS[2]], "promo": [4]})
    with pytest.raises(
        DataError, match=r"'promo' of series 'a' is 4 in the table of future .* but 0"
    ):
        panel_from_frame(rows, future="promo", future_frame=other)


def test_a_table_of_future_covariates_that_does_not_fit(tmp_path):
    with pytest.raises(DataError, match="has no time stamps among 'x'"):
        panel_from_frame(long(), future_frame=pd.DataFrame({"x": [1.0]}))
    with pytest.raises(DataError, match="has no covariates beside 'ds'"):
        panel_from_frame(long(), future_frame=pd.DataFrame({"ds": DAYS}))
    with pytest.raises(DataError, match="row 2: expected one row for each time"):
        panel_from_frame(long(), future_frame=pd.DataFrame({"ds": [DAYS[3]] * 2, "x": [1.0, 2]}))
    with pytest.raises(DataError, match="are of another kind than those beside the values"):
        panel_from_frame(long(), future_frame=pd.DataFrame({"ds": [4.5, 5.5], "x": [1.0, 2]}))
    with pytest.raises(DataError, match=r"none of its ids .'z'. has values"):
        panel_from_frame(long(), future_frame=future(x=1.0).assign(unique_id="z"))


def test_the_order_of_day_and_month_goes_for_both_tables(tmp_path):
    days = pd.date_range("2024-01-20", "2024-02-05")
    first, second = tmp_path / "x.csv", tmp_path / "f.csv"
    pd.DataFrame({"ds": days.strftime("%d/%m/%Y"), "y": 1.0}).to_csv(first, index=False)
    ahead = pd.date_range("2024-02-06", periods=3)
    pd.DataFrame({"ds": ahead.strftime("%d/%m/%Y"), "x": [1, 2, 3]}).to_csv(second, index=False)
    panel = read_table(first, future_frame=second)
    np.testing.assert_array_equal(panel.series[0].future[-3:, 0], [1, 2, 3])


def test_holidays_by_day():
    pytest.importorskip("holidays")
    days = pd.date_range("2023-12-01", "2024-01-31")
    panel = panel_from_frame(pd.DataFrame({"ds": days, "y": 1.0}), holidays="DE", ahead=70)
    assert panel.future_names == ("holiday DE", "day before holiday DE", "day after holiday DE")
    future = panel.series[0].future
    assert future.shape == (62 + 70, 3)
    every = pd.date_range("2023-12-01", periods=132)
    found = {str(day.date()) for day in every[future[:, 0] == 1]}
    assert found == {"2023-12-25", "2023-12-26", "2024-01-01", "2024-03-29", "2024-04-01"}
    assert {str(day.date()) for day in every[future[:, 1] == 1]} >= {"2023-12-24", "2024-03-31"}
    assert {str(day.date()) for day in every[future[:, 2] == 1]} >= {"2024-01-02", "2024-03-30"}
    require_future(panel, 70)


def test_holidays_by_hour_and_of_a_part_of_a_country():
    pytest.importorskip("holidays")
    hours = pd.date_range("2024-01-05", periods=72, freq="h")
    panel = panel_from_frame(pd.DataFrame({"ds": hours, "y": 1.0}), holidays="DE-BY")
    on = hours[panel.series[0].future[:72, 0] == 1]
    assert {stamp.date() for stamp in on} == {datetime.date(2024, 1, 6)}
    assert len(on) == 24
    require_future(panel, 2 * 168)


@pytest.mark.parametrize(
    ("alias", "first", "counts"),
    [
        ("MS", "2023-12-01", [2, 1, 0, 1, 1]),  # Good Friday in March, Easter Monday in April
        ("W-MON", "2023-12-25", [2, 1, 0]),
        ("W-SUN", "2023-12-31", [2, 1, 0]),
    ],
)
def test_holidays_are_counted_in_longer_rows(alias, first, counts):
    pytest.importorskip("holidays")
    stamps = pd.date_range(first, periods=20, freq=alias)
    panel = panel_from_frame(pd.DataFrame({"ds": stamps, "y": 1.0}), holidays="DE")
    assert panel.future_names == ("holidays DE",)
    np.testing.assert_array_equal(panel.series[0].future[: len(counts), 0], counts)


def test_holidays_beside_other_covariates():
    pytest.importorskip("holidays")
    panel = panel_from_frame(table(promo=[0, 1, 0, 1, 1, 0]), future="promo", holidays="DE")
    assert panel.future_names[0] == "promo"
    require_future(panel, 2)
    with pytest.raises(DataError, match="'promo' of series 'y' is not known at 2024-01-07"):
        require_future(panel, 3)


def test_holidays_that_are_not_known(monkeypatch):
    pytest.importorskip("holidays")
    with pytest.raises(
        DataError, match=r"holidays of 'XX' are not known .* expected a code such as DE"
    ):
        panel_from_frame(table(), holidays="XX")
    with pytest.raises(DataError, match="holidays of 'DE-XX' are not known"):
        panel_from_frame(table(), holidays="DE-XX")
    with pytest.raises(DataError, match="say nothing about whole years"):
        panel_from_frame(pd.DataFrame({"ds": ["2001", "2002"], "y": 1.0}), holidays="DE")
    with pytest.raises(DataError, match="holidays need dates, but the stamps are numbers"):
        panel_from_frame(pd.DataFrame({"ds": [1.5, 2.5], "y": 1.0}), holidays="DE")
    found = builtins.__import__

    def without(name, *rest):
        if name == "holidays":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=r"package holidays, .* pip install holidays"):
        panel_from_frame(table(), holidays="DE")


def test_ahead_needs_holidays():
    with pytest.raises(DataError, match="ahead must be at least 1, and needs holidays"):
        panel_from_frame(table(), ahead=5)
