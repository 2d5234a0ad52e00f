"""The network that the package brings: any series, no surprise, and better than what is simple."""

from __future__ import annotations

import dataclasses
import importlib.resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lstm_native as ln
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.global_model import LONGEST_HORIZON, GlobalModel
from lstm_native.forecast.panel import Panel

MODEL = GlobalModel.pretrained()
MEDIAN = MODEL.quantiles.index(0.5)

# Passengers of international airlines, thousands a month, 1949 to 1960 (Box & Jenkins 1976).
_PASSENGERS = """
    112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140
    145 150 178 163 172 178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194
    196 196 236 235 229 243 264 272 237 211 180 201 204 188 235 227 234 264 302 293 259 229 203 229
    242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
    315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
    360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432
"""
PASSENGERS = np.array(_PASSENGERS.split(), dtype=np.float64)


def panel(*series, seasons=(12,)):
    return Panel.of([np.asarray(values, dtype=np.float64) for values in series], seasons=seasons)


def middle(model, rows, horizon):
    return model.predict(rows, horizon)[..., MEDIAN]


def test_it_is_small():
    found = importlib.resources.files("lstm_native.forecast") / "pretrained.safetensors"
    assert len(found.read_bytes()) <= 500_000


def test_airline_passengers_are_foreseen_better_than_by_the_year_before():
    """From every origin of the last five years."""
    origins = range(84, 133)
    found = middle(MODEL, panel(*(PASSENGERS[:at] for at in origins)), 12)
    actual = np.stack([PASSENGERS[at : at + 12] for at in origins])
    before = np.stack([PASSENGERS[at - 12 : at] for at in origins])
    assert np.abs(found - actual).mean() < 0.6 * np.abs(before - actual).mean()


def test_a_line_goes_on_as_a_line():
    values = 100.0 + 3.0 * np.arange(40)
    found = middle(MODEL, panel(values, seasons=()), 6)[0]
    np.testing.assert_allclose(found, 100.0 + 3.0 * np.arange(40, 46), rtol=0.02)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 80),
    horizon=st.integers(1, 60),
    seasons=st.sampled_from([(), (4,), (12,), (7, 365)]),
    kind=st.sampled_from(["walk", "constant", "zeros", "steep", "lumpy", "gaps", "nothing"]),
    seed=st.integers(0, 99),
)
def test_any_series_gets_finite_quantiles_in_order(rows, horizon, seasons, kind, seed):
    rng = np.random.default_rng(seed)
    values = 10.0 + rng.normal(size=rows).cumsum()
    if kind == "constant":
        values[:] = -4.0
    if kind == "zeros":
        values[:] = 0.0
    if kind == "steep":
        values = np.linspace(1.0, 1e12, rows)
    if kind == "lumpy":
        values = rng.poisson(0.3, rows).astype(float)
    if kind == "gaps":
        values[rng.random(rows) < 0.5] = np.nan
    if kind == "nothing":
        values[:] = np.nan
    found = MODEL.predict(panel(values, seasons=seasons), horizon)
    assert found.shape == (1, horizon, len(MODEL.quantiles))
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=2) >= 0.0).all()
    if kind in ("zeros", "lumpy"):
        assert (found >= 0.0).all()
    if kind == "constant":
        np.testing.assert_allclose(found, -4.0, rtol=0.01)


def test_the_unit_scales_the_forecast():
    one = MODEL.predict(panel(PASSENGERS), 12)
    thousands = MODEL.predict(panel(1000.0 * PASSENGERS), 12)
    np.testing.assert_allclose(thousands, 1000.0 * one, rtol=1e-4)


def test_a_series_is_foreseen_the_same_whatever_stands_beside_it():
    """Bit for bit, in any number of series of any lengths."""
    rng = np.random.default_rng(0)
    others = [rng.normal(size=rows).cumsum() + 50.0 for rows in rng.integers(3, 144, 600)]
    alone = MODEL.predict(panel(PASSENGERS), 12)[0]
    for place in (0, 300, 600):
        together = [*others[:place], PASSENGERS, *others[place:]]
        np.testing.assert_array_equal(MODEL.predict(panel(*together), 12)[place], alone)


def test_horizons_beyond_the_longest_go_on_and_grow_no_surer():
    found = MODEL.predict(panel(PASSENGERS), 2 * LONGEST_HORIZON + 5)[0]
    short = MODEL.predict(panel(PASSENGERS), LONGEST_HORIZON)[0]
    np.testing.assert_array_equal(found[:LONGEST_HORIZON], short)
    width = (found[:, -1] - found[:, 0]) / found[:, MEDIAN]
    assert width[LONGEST_HORIZON] > width[0]
    assert width[-12:].mean() > width[:12].mean()


def test_missing_rows_are_bridged_and_not_taken_for_values():
    values = PASSENGERS.copy()
    values[[100, 117, 130]] = np.nan
    found, whole = (middle(MODEL, panel(v), 12)[0] for v in (values, PASSENGERS))
    np.testing.assert_allclose(found, whole, rtol=0.05)


def test_the_file_brings_the_same_forecast_back(tmp_path):
    MODEL.save(tmp_path / "model.safetensors", {"for": "a test"})
    loaded = GlobalModel.load(tmp_path / "model.safetensors")
    assert loaded.quantiles == MODEL.quantiles
    assert loaded.network.metadata["for"] == "a test"
    found, expected = (m.predict(panel(PASSENGERS), 12) for m in (loaded, MODEL))
    np.testing.assert_array_equal(found, expected)


def test_a_file_of_another_kind_is_refused(tmp_path):
    model = ln.Sequential([ln.LSTM(2, input_size=1), ln.Dense(1)], seed=0)
    model.save(tmp_path / "other.safetensors")
    with pytest.raises(DataError, match="holds no forecasting network"):
        GlobalModel.load(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("quantiles", "[0.1, 0.9]"),
        ("quantiles", "[0.9, 0.5]"),
        ("quantiles", "[0.5]"),
        ("quantiles", "[0.0, 0.5]"),
        ("quantiles", "not JSON"),
        ("covariates", '{"past": {}}'),
        ("covariates", "7"),
    ],
)
def test_damaged_settings_are_refused(tmp_path, entry, value):
    model = dataclasses.replace(MODEL)
    model.network.save(
        tmp_path / "damaged.safetensors",
        metadata={**MODEL.network.metadata, entry: value},
    )
    with pytest.raises(DataError, match="damaged forecast settings"):
        GlobalModel.load(tmp_path / "damaged.safetensors")
