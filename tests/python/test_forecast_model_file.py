"""The file of a fitted forecaster: everything that forecasts need, and never code."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from panels import cycle, monthly, panel

import lstm_native as ln
from lstm_native.forecast import model_file
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.forecaster import Forecaster


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(4, model="lstm", epochs=1).fit(panel(cycle(150)))


@pytest.mark.parametrize("model", ["pretrained", "naive", "linear", "lstm", "auto"])
def test_file_forecasts_the_same_bits(model, tmp_path):
    made = Forecaster(4, model=model, epochs=1 if model in ("lstm", "auto") else None)
    made.fit(monthly(cycle(150)))
    path = tmp_path / "model.safetensors"
    made.save(path)
    loaded = Forecaster.load(path)
    pd.testing.assert_frame_equal(loaded.predict(), made.predict(), check_exact=True)
    pd.testing.assert_frame_equal(loaded.sample(3), made.sample(3), check_exact=True)
    assert loaded.backtest.text == made.backtest.text
    assert loaded.backtest.methods[0].score == made.backtest.methods[0].score
    loaded.update(monthly([1.0], start="2022-07-01"))
    assert len(loaded.panel.series[0]) == 151


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_stamps_of_all_kinds_come_back(unit, zone, tmp_path):
    stamps = pd.date_range("2024-03-30", periods=72, freq="h", tz=zone).as_unit(unit)
    frame = pd.DataFrame({"unique_id": "x", "ds": stamps, "y": cycle(72, season=24)})
    made = Forecaster(5, model="naive").fit(frame)
    made.save(tmp_path / "m.safetensors")
    loaded = Forecaster.load(tmp_path / "m.safetensors")
    pd.testing.assert_index_equal(
        loaded.panel.series[0].stamps, made.panel.series[0].stamps, check_names=False
    )
    assert loaded.panel.frequency == made.panel.frequency
    pd.testing.assert_frame_equal(loaded.predict(), made.predict())


def test_covariates_gaps_and_several_series_come_back(tmp_path):
    frame = pd.concat([monthly(cycle(40), "a"), monthly(cycle(30), 'ä, "b"')])
    frame = frame.assign(price=np.arange(70.0), size=[1.0] * 40 + [2.0] * 30)
    frame.loc[frame.index[5], "y"] = np.nan
    made = Forecaster(3, model="tuned", past=["price"], static=["size"]).fit(frame)
    made.save(tmp_path / "m.safetensors")
    loaded = Forecaster.load(tmp_path / "m.safetensors").panel
    assert loaded.past_names == made.panel.past_names
    for found, expected in zip(loaded.series, made.panel.series, strict=True):
        assert found.name == expected.name
        for what in ("values", "past", "future", "static"):
            np.testing.assert_array_equal(getattr(found, what), getattr(expected, what))


def test_file_of_the_network_is_a_plain_model(fitted, tmp_path):
    fitted.save(tmp_path / "m.safetensors")
    model = ln.load_model(tmp_path / "m.safetensors")
    assert model.metadata["column"] == "y"
    x = np.zeros((2, int(model.metadata["timesteps"]), 1), dtype=np.float32)
    assert model.predict(x).shape == (2, 4)


def test_only_the_last_rows_of_a_very_long_series_are_kept_and_they_decide(tmp_path):
    made = Forecaster(3, model="linear").fit(panel(cycle(6000)))
    assert len(made.panel.series[0]) == 4096
    made.save(tmp_path / "m.safetensors")
    found = Forecaster.load(tmp_path / "m.safetensors").predict()
    pd.testing.assert_frame_equal(found, made.predict(), check_exact=True)


def changed(fitted, path, changes):
    fitted.save(path)
    stored = {**ln.load_model(path).metadata, **changes}
    fitted.fitted.trained["lstm"].network.save(path, metadata=stored)


def part(fitted, path, key, **changes):
    """One of the entries that hold JSON, with changes inside."""
    fitted.save(path)
    data = json.loads(ln.load_model(path).metadata[key])
    return {key: json.dumps({**data, **changes})}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forecast_version": "3"}, "expected forecast_version 2, got 3"),
        ({"horizon": "5"}, r"the network answers \(4,\), not \(5,\)"),
        ({"timesteps": "1000000000000"}, "no highway over 1000000000000 timesteps"),
        ({"scale": "0.0"}, "no scale"),
        ({"scale": "nan"}, "no scale"),
        ({"offset": "inf"}, "no scale"),
        ({"transform": "log"}, "unknown transform 'log'"),
        ({"forecast_fitted": "{"}, "damaged forecast settings"),
        ({"forecast_panel": '"text"'}, "damaged forecast settings"),
        ({"forecast_settings": "[1]"}, "damaged forecast settings"),
        ({"forecast_settings": '{"colour": 1}'}, "damaged forecast settings"),
        ({"forecast_network": "none"}, "damaged forecast settings"),
        ({"forecast_network_pretrained": "!"}, "damaged forecast settings"),
    ],
)
def test_damaged_settings_in_a_file_are_refused(fitted, tmp_path, changes, message):
    path = tmp_path / "model.safetensors"
    changed(fitted, path, changes)
    with pytest.raises(DataError, match=message):
        Forecaster.load(path)


@pytest.mark.parametrize(
    ("key", "changes", "message"),
    [
        ("forecast_fitted", {"levels": [0.1, 2.0]}, "no quantiles"),
        ("forecast_fitted", {"levels": []}, "expected an array of shape"),
        ("forecast_fitted", {"horizon": 10**9}, "expected an array of shape"),
        ("forecast_fitted", {"spread": "lstm"}, "no network for the spread"),
        ("forecast_fitted", {"methods": ["tuned"]}, "no network for tuned"),
        ("forecast_panel", {"rows": [10**15]}, "expected an array of shape"),
        ("forecast_panel", {"names": []}, "do not fit"),
        (
            "forecast_panel",
            {"values": {"kind": "f", "shape": [150], "data": "eJwDAAAAAAE="}},
            "bytes",
        ),
    ],
)
def test_damaged_figures_in_a_file_are_refused(fitted, tmp_path, key, changes, message):
    path = tmp_path / "model.safetensors"
    changed(fitted, path, part(fitted, path, key, **changes))
    with pytest.raises(DataError, match=message):
        Forecaster.load(path)


def test_model_of_another_program_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    ln.Sequential([ln.LSTM(4, input_size=1)]).save(path)
    with pytest.raises(DataError, match="holds a model but no forecast settings"):
        Forecaster.load(path)


@pytest.mark.parametrize("data", [b"", b"text,1\n", b"\xff" * 100, b"\x08\0\0\0\0\0\0\0[1, 2, 3"])
def test_a_file_that_is_no_model_is_refused(tmp_path, data):
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"is no model file \(safetensors\)"):
        model_file.metadata_of(path)
