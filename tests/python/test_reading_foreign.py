"""Tables that others made: the files that the statsmodels project ships, read as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstm_native.forecast.reading import read_table

datasets = pytest.importorskip("statsmodels.datasets")


def read(name, **options):
    return read_table(Path(datasets.__file__).parent / name / f"{name}.csv", **options)


def test_weekly_co2_with_missing_weeks():
    panel = read("co2")
    (series,) = panel.series
    assert (panel.frequency.alias, panel.frequency.seasons) == ("W-SAT", (52,))
    assert np.isnan(series.values).sum() == 59
    assert (series.stamps[0], series.stamps[-1]) == (
        pd.Timestamp("1958-03-29"), pd.Timestamp("2001-12-29"),
    )  # fmt: skip


def test_quarters_in_two_columns():
    panel = read("macrodata", column=["realgdp", "infl"])
    assert panel.frequency.alias == "QS-OCT"
    assert [series.name for series in panel.series] == ["realgdp", "infl"]
    assert panel.series[0].stamps[-1] == pd.Timestamp("2009-07-01")
    table = datasets.macrodata.load_pandas().data
    np.testing.assert_array_equal(panel.series[0].values, table["realgdp"])


def test_a_column_for_each_month():
    (series,) = read("elnino").series
    table = datasets.elnino.load_pandas().data
    np.testing.assert_array_equal(series.values, table.iloc[:, 1:].to_numpy().ravel())
    assert series.stamps[-1] == pd.Timestamp("2010-12-01")


def test_a_row_for_each_country():
    panel = read("fertility")
    assert panel.frequency.alias == "YS-JAN"
    series = {one.name: one for one in panel.series}
    assert len(series) == 210  # of 219: nine have no value at all
    assert series["Zimbabwe"].stamps[0] == pd.Timestamp("1960-01-01")


def test_firms_by_years():
    panel = read("grunfeld", column="invest", static=[])
    table = datasets.grunfeld.load_pandas().data
    assert [series.name for series in panel.series] == list(dict.fromkeys(table["firm"]))
    assert {len(series) for series in panel.series} == {20}


@pytest.mark.parametrize(
    ("name", "alias", "rows"),
    [("sunspots", "YS-JAN", 309), ("nile", "YS-JAN", 100), ("elec_equip", "MS", 257)],
)
def test_single_series(name, alias, rows):
    panel = read(name)
    assert (panel.frequency.alias, len(panel.series[0])) == (alias, rows)
    assert not panel.notes
