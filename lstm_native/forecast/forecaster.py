"""A trained network with all that turns a user's figures into a forecast; and its file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import network as networks
from lstm_native.forecast.backtest import LEVELS
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.transform import KINDS, Transform

Array = NDArray[np.float64]
Bounds = Mapping[int, tuple[Array, Array]]

_VERSION = "1"


@dataclass(frozen=True)
class Forecast:
    """What is expected, and between which bounds.

    Attributes
    ----------
    values : ndarray, (horizon,)
    bounds : dict of int to (ndarray, ndarray)
        Percent of coverage -> lower and upper bound of each step.
    """

    values: Array
    bounds: Bounds


@dataclass(frozen=True)
class Forecaster:
    """A network on the scale of `transform`, and the errors that it made in the back-test.

    Attributes
    ----------
    network : Sequential
        (N, timesteps, 1) -> (N, horizon), both scaled.
    transform : Transform
    timesteps, horizon : int
    column : str
        What it was trained on.
    errors : dict of int to (ndarray, ndarray)
        Percent of coverage -> quantiles of actual minus forecast for each step, where both are
        seen through the transform's root (or nothing) but not scaled.
    """

    network: ln.Sequential
    transform: Transform
    timesteps: int
    horizon: int
    column: str
    errors: Bounds

    def forecast(self, values: Array, *, source: str) -> Forecast:
        """Foresee what comes after the last of the values.

        Raises
        ------
        DataError
            There are fewer values than the network looks back, or negative ones where the model
            works on a square-root scale.
        """
        if len(values) < self.timesteps:
            raise DataError(
                f"{source} has {len(values)} rows, but the model looks back {self.timesteps}"
            )
        known = values[-self.timesteps :]
        if self.transform.kind == "sqrt" and known.min() < 0.0:
            raise DataError(
                f"{source} has negative values ({known.min():g}), but the model works on a "
                "square-root scale: it was trained on a series without any"
            )
        window = self.transform.apply(known)
        scaled = networks.predict(self.network, window[np.newaxis])[0]
        scale = self.transform.scale
        bounds = {
            level: (
                self.transform.invert(scaled + low / scale),
                self.transform.invert(scaled + high / scale),
            )
            for level, (low, high) in self.errors.items()
        }
        return Forecast(self.transform.invert(scaled), bounds)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file; the metadata hold everything besides the weights as text.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        metadata = {
            "forecast_version": _VERSION,
            "column": self.column,
            "timesteps": str(self.timesteps),
            "horizon": str(self.horizon),
            "transform": self.transform.kind,
            "offset": repr(self.transform.offset),
            "scale": repr(self.transform.scale),
        }
        for level, (low, high) in self.errors.items():
            metadata[f"error_{level}_low"] = json.dumps(low.tolist())
            metadata[f"error_{level}_high"] = json.dumps(high.tolist())
        self.network.save(path, metadata=metadata)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Forecaster:
        """Read what `save` wrote.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no model file, or (DataError) not one of a forecast.
        """
        network = ln.load_model(path)
        stored = network.metadata
        if stored.get("forecast_version") != _VERSION:
            found = stored.get("forecast_version")
            raise DataError(
                f"{path} holds a model but no forecast settings that this version reads "
                f"(expected forecast_version {_VERSION}, got {found})"
            )
        try:
            return _from_metadata(network, stored)
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"{path}: damaged forecast settings: {error}") from None


def _from_metadata(network: ln.Sequential, stored: Mapping[str, str]) -> Forecaster:
    timesteps, horizon = int(stored["timesteps"]), int(stored["horizon"])
    transform = Transform(stored["transform"], float(stored["offset"]), float(stored["scale"]))
    if transform.kind not in KINDS:
        raise ValueError(f"unknown transform '{transform.kind}'")
    if not (np.isfinite(transform.offset) and 0.0 < transform.scale < np.inf):
        raise ValueError(f"offset {transform.offset} and scale {transform.scale} are no scale")

    def bound(name: str) -> Array:
        values = np.array(json.loads(stored[name]), dtype=np.float64)
        if values.shape != (horizon,) or not np.isfinite(values).all():
            raise ValueError(f"{name} must be {horizon} numbers")
        return values

    errors = {
        level: (bound(f"error_{level}_low"), bound(f"error_{level}_high")) for level in LEVELS
    }
    first = network.layers[0]
    # Asked before a window of that length is made: a damaged file may say any number.
    if not isinstance(first, ln.Highway) or first.window != timesteps:
        raise ValueError(f"the network has no highway over {timesteps} timesteps")
    answer = networks.predict(network, np.zeros((1, timesteps)))
    if answer.shape != (1, horizon):
        raise ValueError(f"the network answers {answer.shape[1:]}, not ({horizon},)")
    return Forecaster(network, transform, timesteps, horizon, stored["column"], errors)
