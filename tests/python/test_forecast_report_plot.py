"""The picture of a panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import report_helpers as made

from lstm_native.forecast.panel import Panel
from lstm_native.forecast.report.plot import write_plot

figure = pytest.importorskip("matplotlib.figure")


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws, and returns the figure."""
    saved = []
    save = figure.Figure.savefig

    def kept(self, path, **options):
        saved.append(self)
        save(self, path, **options)

    monkeypatch.setattr(figure.Figure, "savefig", kept)

    def draw(panel, backtest=None, horizon=12):
        path = tmp_path / "forecast.png"
        write_plot(path, panel, made.forecast(panel, horizon), backtest)
        assert path.read_bytes().startswith(b"\x89PNG")
        return saved[-1]

    return draw


def titles(picture):
    return [axes.get_title() for axes in picture.axes]


def test_one_series_stands_beside_its_errors(drawn):
    panel = made.panel()
    picture = drawn(panel, made.backtest(panel))
    assert titles(picture) == ["shop: the next 12", "mean absolute error in the back-test"]
    assert len(picture.axes[1].lines) == 3


def test_several_series_are_a_grid_and_their_errors_have_no_unit(drawn):
    panel = made.panel(["a", "b", "c"])
    picture = drawn(panel, made.backtest(panel))
    assert titles(picture)[-1] == "MASE in the back-test"
    assert len(picture.axes) == 4


def test_of_many_series_the_first_are_drawn(drawn):
    panel = made.panel([f"s{index}" for index in range(40)])
    assert len(drawn(panel).axes) == 6
    picture = drawn(panel, made.backtest(panel))
    assert len(picture.axes) == 6
    assert picture.get_suptitle() == "the first 5 of 40 series"


def test_names_are_text_and_no_formulas(drawn):
    """$ begins a formula, a leading _ hides an entry of the legend."""
    picture = drawn(made.panel([r"$\frac$", "_hidden", "x" * 200]))
    shown = [axes.get_legend().get_texts()[0].get_text() for axes in picture.axes]
    assert shown[0] == r"\$\frac\$"
    assert shown[1] == " _hidden"
    assert len(shown[2]) == 40


def test_without_a_back_test_there_is_the_forecast_alone(drawn):
    assert titles(drawn(made.panel())) == ["shop: the next 12"]
    assert titles(drawn(made.panel(), made.NOTHING)) == ["shop: the next 12"]


def test_rows_that_are_counted_missing_values_and_time_zones(drawn):
    counted = Panel.of([np.array([1.0, np.nan, 3.0, 4.0] * 6)])
    assert titles(drawn(counted)) == ["y: the next 12"]
    zoned = made.panel(alias="D")
    series = zoned.series[0]
    object.__setattr__(series, "stamps", series.stamps.tz_localize("Europe/Berlin"))
    assert isinstance(series.stamps, pd.DatetimeIndex)
    assert len(drawn(zoned).axes) == 1


def test_half_a_picture_is_none(tmp_path, monkeypatch):
    def full(self, path, **options):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure.Figure, "savefig", full)
    panel = made.panel()
    with pytest.raises(OSError, match="No space"):
        write_plot(tmp_path / "forecast.png", panel, made.forecast(panel))
    assert list(tmp_path.iterdir()) == []
