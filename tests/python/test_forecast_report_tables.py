"""What is printed: scores, forecasts, and how numbers, stamps and spans are written."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import report_helpers as made

from lstm_native.forecast.panel import Frequency
from lstm_native.forecast.report import files, wording
from lstm_native.forecast.report.tables import forecast_table, score_table


def test_scores_have_a_line_for_each_method():
    lines = score_table(made.backtest(made.panel())).splitlines()
    assert lines[0].split("  ")[-2:] == ["in 80 %", "in 95 %"]
    assert lines[1].split() == ["lstm", "4.000", "5.200", "0.400", "2.00", "79", "%", "96", "%"]
    assert lines[2].split() == ["naive", "6.000", "7.800", "0.600", "3.00", "-", "-"]
    assert len({len(line) for line in lines}) == 1


def test_scores_without_mase_are_a_hyphen():
    test = made.backtest(made.panel())
    methods = [
        dataclasses.replace(m, score=dataclasses.replace(m.score, mase=None)) for m in test.methods
    ]
    table = score_table(dataclasses.replace(test, methods=tuple(methods)))
    assert table.splitlines()[1].split()[:5] == ["lstm", "4.000", "5.200", "-", "2.00"]


def test_scores_of_nothing_are_the_sentence_that_says_so():
    assert score_table(made.NOTHING) == "There are too few rows to hold any out."


def test_a_single_series_has_a_line_for_each_step():
    panel = made.panel()
    lines = forecast_table(panel, made.forecast(panel)).splitlines()
    assert len(lines) == 13
    assert lines[1].split() == ["2026-01", "180.2", "165.8", "194.6", "163.1", "197.3"]


def test_a_forecast_of_close_numbers_keeps_the_decimals_that_tell_them_apart():
    panel = made.panel()
    forecast = made.forecast(panel, 3, levels=())
    forecast["forecast"] = [1000.31, 1000.32, 1000.33]
    lines = forecast_table(panel, forecast).splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["1000.31000", "1000.32000", "1000.33000"]


def test_of_many_series_the_first_few_are_shown():
    panel = made.panel([f"shop {index}" for index in range(8)])
    lines = forecast_table(panel, made.forecast(panel)).splitlines()
    assert [line[:6] for line in lines[1:6]] == [f"shop {index}" for index in range(5)]
    assert lines[6] == "... and 3 more series"


def test_a_long_horizon_does_not_fill_the_terminal():
    panel = made.panel()
    lines = forecast_table(panel, made.forecast(panel, 150)).splitlines()
    assert len(lines) == 102
    assert lines[-1] == "... and 50 more steps"


def test_names_cannot_act_on_the_terminal():
    panel = made.panel(["a\x1b[2J", "b\u202e"])
    text = forecast_table(panel, made.forecast(panel))
    assert r"a\x1b[2J" in text
    assert r"b\u202e" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1234.5678, "1,235"),
        (12.345, "12.35"),
        (-0.01234567, "-0.01235"),
        (2e12, "2,000,000,000,000"),
        (2.5e18, "2.5e+18"),
        (3e-12, "3e-12"),
        (None, "-"),
        (float("nan"), "-"),
    ],
)
def test_numbers_have_four_digits(value, text):
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("alias", "count", "text"),
    [
        ("MS", 12, "12 months"),
        ("ME", 1, "1 month"),
        ("W-SUN", 4, "4 weeks"),
        ("QE-DEC", 8, "8 quarters"),
        ("YS", 6, "6 years"),
        ("B", 5, "5 business days"),
        ("h", 48, "48 hours"),
        ("15min", 8, "8 steps of 15 minutes"),
        ("2D", 1, "1 step of 2 days"),
        ("SMS", 2, "2 steps of SMS"),
        (None, 3, "3 rows"),
    ],
)
def test_spans_are_said_in_the_frequencys_unit(alias, count, text):
    assert wording.unit(Frequency(alias), count) == text


@pytest.mark.parametrize(
    ("alias", "first", "text"),
    [
        ("YS", "2020", "2020"),
        ("QS", "2020-04", "2020-Q2"),
        ("MS", "2020-04", "2020-04"),
        ("D", "2020-04-05", "2020-04-05"),
        ("h", "2020-04-05 06:00", "2020-04-05 06:00"),
        ("s", "2020-04-05 06:00:07", "2020-04-05 06:00:07"),
    ],
)
def test_stamps_are_as_short_as_tells_them_apart(alias, first, text):
    stamps = pd.date_range(first, periods=3, freq=alias)
    assert wording.labels(stamps, Frequency(alias))[0] == text


def test_numeric_stamps_are_written_without_a_tail():
    assert wording.labels(pd.Index([0.1 + 0.2, 2.0]), Frequency(None)) == ["0.3", "2"]
    assert wording.labels(pd.RangeIndex(1, 3), Frequency(None)) == ["1", "2"]


def test_json_has_no_nan_and_all_letters(tmp_path):
    path = tmp_path / "report.json"
    files.write_json(path, {"name": "é", "value": 1.5})
    assert "é" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "é", "value": 1.5}
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(path, {"value": float("nan")})


def test_versions_say_what_figures_depend_on():
    found = files.versions()
    assert found["numpy"] == np.__version__
    assert found["pandas"] == pd.__version__
    json.dumps(found)
