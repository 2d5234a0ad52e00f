"""Small panels that the tests of forecasting share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lstm_native.forecast.panel import Panel


def cycle(rows, seed=1, season=12):
    """A season on a trend, with noise."""
    rng = np.random.default_rng(seed)
    steps = np.arange(rows)
    return 20.0 + 0.05 * steps + 5.0 * np.sin(2 * np.pi * steps / season) + rng.normal(size=rows)


def panel(*values, seasons=(12,), source="x.csv"):
    """Series whose rows are counted."""
    return Panel.of([np.asarray(v, float) for v in values], seasons=seasons, source=source)


def monthly(values, name="a", start="2010-01-01"):
    """A long frame of one monthly series."""
    stamps = pd.date_range(start, periods=len(values), freq="MS")
    return pd.DataFrame({"unique_id": name, "ds": stamps, "y": np.asarray(values, float)})
