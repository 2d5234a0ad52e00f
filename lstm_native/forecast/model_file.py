"""A fitted forecaster as one file: safetensors, with everything besides the weights as text.

Data, never code. The file is that of one network, which Python and C++ load as a model like any
other; further networks and the series' rows stand in its metadata.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import network as networks
from lstm_native.forecast.backtest import BackTest, MethodResult, Score
from lstm_native.forecast.conformal import Calibration
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.fitting import Fitted
from lstm_native.forecast.highway import Highway
from lstm_native.forecast.methods import GlobalModel
from lstm_native.forecast.panel import Frequency, Panel, Series
from lstm_native.forecast.selection import Choice
from lstm_native.forecast.transform import KINDS, Transform

Array = NDArray[Any]

VERSION = "2"

_PREFIX = "forecast_"
_LARGEST_HEADER = 1 << 30


def save(
    path: str | os.PathLike[str], fitted: Fitted, panel: Panel, settings: Mapping[str, Any]
) -> None:
    """Write the file.

    Parameters
    ----------
    panel : Panel
        The rows that forecasts follow.
    settings : dict
        What else the forecaster must know again: anything JSON can hold.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    first = "lstm" if "lstm" in fitted.trained else fitted.spread
    metadata = {
        f"{_PREFIX}version": VERSION,
        f"{_PREFIX}settings": json.dumps(settings),
        f"{_PREFIX}fitted": json.dumps(_fitted_to_data(fitted)),
        f"{_PREFIX}panel": json.dumps(_panel_to_data(panel)),
        f"{_PREFIX}network": first,
        "column": panel.target,
        "horizon": str(fitted.horizon),
    }
    for name, network in fitted.trained.items():
        if isinstance(network, Highway):
            metadata |= _highway_to_data(network)
        if name != first:
            metadata[f"{_PREFIX}network_{name}"] = _network_as_text(network)
    _save_network(fitted.trained[first], path, metadata)


def load(path: str | os.PathLike[str]) -> tuple[Fitted, Panel, dict[str, Any]]:
    """Read what `save` wrote.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no model file, or (DataError) not one of a forecast.
    """
    stored = metadata_of(path)
    found = stored.get(f"{_PREFIX}version")
    if found != VERSION:
        raise DataError(
            f"{path} holds a model but no forecast settings that this version reads "
            f"(expected forecast_version {VERSION}, got {found})"
        )
    try:
        settings = json.loads(stored[f"{_PREFIX}settings"])
        panel = _panel_from_data(json.loads(stored[f"{_PREFIX}panel"]))
        data = json.loads(stored[f"{_PREFIX}fitted"])
        trained = _networks(path, stored)
        return _fitted_from_data(data, trained), panel, settings
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, zlib.error) as error:
        raise DataError(f"{path}: damaged forecast settings: {error}") from None


def metadata_of(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the metadata of a safetensors file, without a look at its tensors.

    Raises
    ------
    OSError
        The file cannot be read.
    DataError
        It is no such file.
    """
    with open(path, "rb") as file:
        head = file.read(8)
        size = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 2 <= size <= _LARGEST_HEADER:
            raise DataError(f"{path} is no model file (safetensors)")
        try:
            header = json.loads(file.read(size))
            metadata = header.get("__metadata__") or {}
            # Beside its own entries the library keeps those of users under names of their own.
            return {str(name).removeprefix("user."): str(text) for name, text in metadata.items()}
        except (ValueError, AttributeError, RecursionError):
            raise DataError(f"{path} is no model file (safetensors)") from None


def _save_network(
    network: GlobalModel | Highway, path: str | os.PathLike[str], metadata: Mapping[str, str]
) -> None:
    if isinstance(network, Highway):
        network.network.save(path, metadata=metadata)
    else:
        network.save(path, metadata)


def _network_as_text(network: GlobalModel | Highway) -> str:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "network.safetensors"
        _save_network(network, place, {})
        return base64.b64encode(place.read_bytes()).decode()


def _networks(
    path: str | os.PathLike[str], stored: Mapping[str, str]
) -> dict[str, GlobalModel | Highway]:
    first = stored[f"{_PREFIX}network"]
    found = {first: _load_network(first, path, stored)}
    start = f"{_PREFIX}network_"
    for key, text in stored.items():
        if key.startswith(start):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "network.safetensors"
                place.write_bytes(base64.b64decode(text, validate=True))
                name = key.removeprefix(start)
                found[name] = _load_network(name, place, stored)
    return found


def _load_network(
    name: str, path: str | os.PathLike[str], stored: Mapping[str, str]
) -> GlobalModel | Highway:
    if name != "lstm":
        return GlobalModel.load(path)
    network = ln.load_model(path)
    if not isinstance(network, ln.Sequential):
        raise ValueError("the network is no chain of layers")
    timesteps, horizon = int(stored["timesteps"]), int(stored["horizon"])
    transform = Transform(stored["transform"], float(stored["offset"]), float(stored["scale"]))
    if transform.kind not in KINDS:
        raise ValueError(f"unknown transform '{transform.kind}'")
    if not (np.isfinite(transform.offset) and 0.0 < transform.scale < np.inf):
        raise ValueError(f"offset {transform.offset} and scale {transform.scale} are no scale")
    first = network.layers[0]
    # Asked before a window of that length is made: a damaged file may say any number.
    if not isinstance(first, ln.Highway) or first.window != timesteps:
        raise ValueError(f"the network has no highway over {timesteps} timesteps")
    answer = networks.predict(network, np.zeros((1, timesteps)))
    if answer.shape != (1, horizon):
        raise ValueError(f"the network answers {answer.shape[1:]}, not ({horizon},)")
    return Highway(network, transform, timesteps, horizon)


def _highway_to_data(network: Highway) -> dict[str, str]:
    return {
        "timesteps": str(network.timesteps),
        "transform": network.transform.kind,
        "offset": repr(network.transform.offset),
        "scale": repr(network.transform.scale),
    }


def _fitted_to_data(fitted: Fitted) -> dict[str, Any]:
    backtest = fitted.backtest
    return {
        "names": list(fitted.names),
        "methods": list(fitted.choice.methods),
        "weights": _packed(fitted.choice.weights),
        "spread": fitted.spread,
        "levels": list(fitted.calibration.levels),
        "factors": _packed(fitted.calibration.factors),
        "correlation": _packed(fitted.correlation),
        "horizon": fitted.horizon,
        "backtest": {
            "best": backtest.best,
            "text": backtest.text,
            "methods": [[one.name, asdict(one.score)] for one in backtest.methods],
        },
    }


def _fitted_from_data(data: Mapping[str, Any], trained: dict[str, Any]) -> Fitted:
    horizon, names, levels = int(data["horizon"]), tuple(data["names"]), tuple(data["levels"])
    methods, spread = tuple(data["methods"]), str(data["spread"])
    if not all(isinstance(p, float) and 0.0 < p < 1.0 for p in levels) or list(levels) != sorted(
        set(levels)
    ):
        raise ValueError(f"levels {levels} are no quantiles")
    if not isinstance(trained.get(spread), GlobalModel):
        raise ValueError(f"no network for the spread '{spread}'")
    weights = _unpacked(data["weights"], (len(names), len(methods)))
    choice = Choice(methods, weights)
    if missing := [
        m for m in choice.used if m in ("pretrained", "tuned", "lstm") and m not in trained
    ]:
        raise ValueError(f"no network for {', '.join(missing)}")
    factors = _unpacked(data["factors"], (len(levels), horizon))
    if not (factors > 0.0).all():
        raise ValueError("factors must be greater than 0")
    stored = data["backtest"]
    results = tuple(
        MethodResult(name, _score_from_data(score), {}) for name, score in stored["methods"]
    )
    return Fitted(
        names=names,
        choice=choice,
        trained=trained,
        spread=spread,
        calibration=Calibration(levels, factors),
        correlation=_unpacked(data["correlation"], (horizon, horizon)),
        horizon=horizon,
        backtest=BackTest(results, stored["best"], {}, horizon, stored["text"]),
    )


def _score_from_data(data: Mapping[str, Any]) -> Score:
    coverage = {int(level): float(share) for level, share in data["coverage"].items()}
    return Score(**{**data, "coverage": coverage, "mae_by_step": tuple(data["mae_by_step"])})


def _panel_to_data(panel: Panel) -> dict[str, Any]:
    import pandas as pd

    def index(stamps: Any) -> NDArray[Any]:
        if isinstance(stamps, pd.DatetimeIndex):
            return np.asarray(stamps.as_unit("ns").asi8)
        return np.asarray(stamps)

    stamps = [index(series.stamps) for series in panel.series]
    first = panel.series[0].stamps
    dates = isinstance(first, pd.DatetimeIndex)
    return {
        "names": [series.name for series in panel.series],
        "rows": [len(series) for series in panel.series],
        "future_rows": [len(series.future) for series in panel.series],
        "dates": dates,
        "unit": getattr(first, "unit", None),
        "zone": str(first.tz) if isinstance(first, pd.DatetimeIndex) and first.tz else None,
        # From one stamp to the next it is nearly always the same: that packs well.
        "stamps": _packed(np.concatenate([np.diff(one, prepend=one[:1] * 0) for one in stamps])),
        "values": _packed(np.concatenate([series.values for series in panel.series])),
        "past": _packed(np.concatenate([series.past for series in panel.series])),
        "future": _packed(np.concatenate([series.future for series in panel.series])),
        "static": _packed(np.stack([series.static for series in panel.series])),
        "frequency": asdict(panel.frequency),
        "target": panel.target,
        "past_names": list(panel.past_names),
        "future_names": list(panel.future_names),
        "static_names": list(panel.static_names),
    }


def _panel_from_data(data: Mapping[str, Any]) -> Panel:
    import pandas as pd

    names = data["names"]
    rows = np.array(data["rows"], dtype=np.int64)
    ahead = np.array(data["future_rows"], dtype=np.int64)
    if not len(names) == len(rows) == len(ahead) > 0 or rows.min() < 1 or ahead.min() < 0:
        raise ValueError("names and rows of the series do not fit")
    total = int(rows.sum())
    of = {kind: tuple(data[f"{kind}_names"]) for kind in ("past", "future", "static")}
    steps = np.split(_unpacked(data["stamps"], (total,)), np.cumsum(rows)[:-1])
    values = np.split(_unpacked(data["values"], (total,)), np.cumsum(rows)[:-1])
    past = np.split(_unpacked(data["past"], (total, len(of["past"]))), np.cumsum(rows)[:-1])
    future = np.split(
        _unpacked(data["future"], (int(ahead.sum()), len(of["future"]))), np.cumsum(ahead)[:-1]
    )
    static = _unpacked(data["static"], (len(names), len(of["static"])))
    series = []
    for place, name in enumerate(names):
        stamps: Any = pd.Index(np.cumsum(steps[place]))
        if data["dates"]:
            stamps = pd.DatetimeIndex(stamps.to_numpy().astype("datetime64[ns]"))
            stamps = stamps.as_unit(data["unit"] or "ns")
            if data["zone"]:
                stamps = stamps.tz_localize("UTC").tz_convert(data["zone"])
        series.append(
            Series(str(name), stamps, values[place], past[place], future[place], static[place])
        )
    frequency = data["frequency"]
    return Panel(
        tuple(series),
        Frequency(frequency["alias"], float(frequency["step"]), tuple(frequency["seasons"])),
        target=data["target"],
        past_names=of["past"],
        future_names=of["future"],
        static_names=of["static"],
        source="the model file",
    )


def _packed(array: Array) -> dict[str, Any]:
    """Return an array as text."""
    kind = "i" if array.dtype.kind in "iu" else "f"
    raw = np.ascontiguousarray(array, dtype=f"<{kind}8").tobytes()
    text = base64.b64encode(zlib.compress(raw, 6)).decode()
    return {"kind": kind, "shape": list(array.shape), "data": text}


def _unpacked(data: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
    """Return an array of a shape that is known beforehand: no more bytes than that are made."""
    if tuple(data["shape"]) != shape or data["kind"] not in ("i", "f"):
        raise ValueError(f"expected an array of shape {shape}, got {tuple(data['shape'])}")
    size = 8 * int(np.prod(shape))
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(base64.b64decode(data["data"], validate=True), size + 1)
    if len(raw) != size:
        raise ValueError(f"expected {size} bytes of an array of shape {shape}, got {len(raw)}")
    return np.array(np.frombuffer(raw, dtype=f"<{data['kind']}8").reshape(shape))
