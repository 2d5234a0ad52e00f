"""To be thrown away: what holds the global model's place until it comes."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import baselines
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.rows import scale_of

Array = NDArray[np.float64]


class GlobalModel:
    """The mean of naive and seasonal naive, and a spread that grows with the steps."""

    quantiles = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)

    @staticmethod
    def pretrained() -> GlobalModel:
        """Return the model as shipped."""
        return GlobalModel()

    def predict(
        self, panel: Panel, horizon: int, *, seasons: tuple[int, ...] | None = None
    ) -> Array:
        """Return (series, horizon, quantiles)."""
        middle = (baselines.naive(panel, horizon) + baselines.seasonal_naive(panel, horizon)) / 2
        scale = np.array([scale_of(one.values) for one in panel.series])
        growth = scale[:, np.newaxis] * np.sqrt(np.arange(1, horizon + 1))
        normal = np.array([-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96])
        return middle[..., np.newaxis] + growth[..., np.newaxis] * normal

    def tuned(self, panel: Panel, horizon: int, *, seed: int, show: bool) -> GlobalModel:
        """Return itself."""
        return self

    def save(self, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
        """Write a file with a network in it that says nothing."""
        network = ln.Sequential([ln.Dense(1)], seed=0)
        network.predict(np.zeros((1, 1), dtype=np.float32))
        network.save(path, metadata=dict(metadata or {}))

    @staticmethod
    def load(path: str | os.PathLike[str]) -> GlobalModel:
        """Read what `save` wrote."""
        ln.load_model(path)
        return GlobalModel()
