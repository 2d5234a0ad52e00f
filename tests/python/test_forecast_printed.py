"""What the command prints about the data and the back-test, in words that are true of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panels import cycle, monthly

from lstm_native import cli


@pytest.fixture
def printed(tmp_path, capsys):
    def printed(*frames):
        path = tmp_path / "x.csv"
        pd.concat(frames).to_csv(path, index=False)
        words = ["forecast", path, "--model", "naive", "--horizon", 2, "--out", tmp_path / "out"]
        assert cli.main([str(word) for word in words]) == 0
        return capsys.readouterr().out

    return printed


def test_rows_of_several_series_are_not_added_up(printed):
    # "60 to 60 rows", and "trained on the first 96 rows" of series of 60
    text = printed(monthly(cycle(60), "a"), monthly(cycle(60, 2), "b"))
    assert "y: 2 series of 60 rows, 2010-01 to 2014-12" in text
    assert "trained on the first 48 rows of each, 2 ahead" in text
    text = printed(monthly(cycle(60), "a"), monthly(cycle(40, 2), "b"))
    assert "y: 2 series of 40 to 60 rows" in text
    assert "trained on the first 32 to 48 rows of each, 2 ahead" in text


def test_one_value_is_no_values(printed):
    values = cycle(60)
    values[7] = np.nan
    text = printed(monthly(values))
    assert "a: 60 rows, 2010-01 to 2014-12, 1 value missing" in text
    assert "trained on the first 48 rows, 2 ahead" in text
    assert "a: 1 row, 2010-01-01 to" in printed(monthly([3.0]))
