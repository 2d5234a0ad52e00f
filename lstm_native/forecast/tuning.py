"""The network that the package brings, trained further on the series of a user."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import towers
from lstm_native.forecast.covariates import Covariates
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.windows import (
    AHEAD_FEATURES,
    PAST_FEATURES,
    TIMESTEPS,
    Windows,
    flush_right,
    make_windows,
)

Array = NDArray[np.float64]

_WINDOWS = 30_000  # made of a panel at most, if each series has its share
_PER_SERIES = (8, 200)
_FEWEST = 32  # windows, below which nothing is learnt
_SHORTEST = 6  # rows before an origin
_FEWEST_KNOWN = 3  # values among them
_RELATIVE = 0.5  # 0: all series count alike; 1: as much as they move relative to their level
_LONG = 500  # rows, on average
_TOGETHER = 512


@dataclass(frozen=True)
class Course:
    """How the network is trained further.

    Attributes
    ----------
    seen : int
        Windows in all epochs together.
    epochs : (int, int)
        The fewest and the most.
    batch : int
    rate : float
        The learning rate of the first epoch; it falls along a cosine.
    """

    seen: int
    epochs: tuple[int, int]
    batch: int
    rate: float


SHORT = Course(60_000, (3, 15), 128, 5e-4)
#: Long series have more to teach: the network may leave its start further behind.
LONG = Course(120_000, (3, 15), 128, 2e-3)
#: The network knows nothing yet of what covariates do.
WITH_COVARIATES = Course(60_000, (3, 60), 32, 2e-3)


@dataclass(frozen=True)
class Origin:
    """Where a training window ends: `end` rows of a series are known."""

    series: int
    end: int


def origins(panel: Panel, horizon: int) -> list[Origin]:
    """Return where the training windows of a panel end, the newest of each series first.

    They lie at most a quarter of the horizon apart; a long series has more of them than a short
    one, and a panel of many series fewer for each.
    """
    low, high = _PER_SERIES
    each = int(np.clip(_WINDOWS // len(panel.series), low, high))
    longest = max(panel.frequency.seasons, default=0)
    found = []
    for index, series in enumerate(panel.series):
        rows = len(series)
        first = max(_SHORTEST, min(2 * longest + 2, 2 * rows // 3))
        apart = int(np.clip((rows - first) // each, 1, max(1, horizon // 4)))
        ends = range(rows - 1, first - 1, -apart)[:each]
        known = ~np.isnan(series.values)
        seen = np.cumsum(known)
        found += [
            Origin(index, end)
            for end in ends
            if seen[end - 1] >= _SHORTEST // 2
            and seen[min(end + horizon, rows) - 1] > seen[end - 1]
        ]
    return found


def can_learn_from(panel: Panel, horizon: int) -> bool:
    """Whether the series are long or many enough to train on."""
    return len(origins(panel, horizon)) >= _FEWEST


def tune(
    network: ln.Model,
    panel: Panel,
    horizon: int,
    *,
    quantiles: tuple[float, ...],
    covariates: Covariates,
    seed: int,
    show: bool,
) -> ln.Model:
    """Return a copy of the network, trained on the panel.

    Parameters
    ----------
    network : Model
        It is left as it is.
    panel : Panel
    horizon : int
        Steps that are trained.
    quantiles : tuple of float
    covariates : Covariates
        Of the panel: their columns join those of the values, and begin without effect.
    seed : int
    show : bool

    Raises
    ------
    DataError
        There is too little to learn from.
    """
    ends = origins(panel, horizon)
    if len(ends) < _FEWEST:
        raise DataError(
            f"{panel.source}: {len(ends)} training windows can be made of the series, but at "
            f"least {_FEWEST} are needed to train on them; the pretrained network needs none"
        )
    data = _samples(panel, ends, horizon, covariates)
    copy = _copy(network, covariates, len(quantiles))
    course = _course(panel, covariates)
    epochs = int(np.clip(course.seen // len(ends), *course.epochs))
    progress = _Bar(epochs * -(-len(ends) // course.batch)) if show else None

    def falling(epoch: int, _: float) -> float:
        return course.rate * 0.5 * (1.0 + float(np.cos(np.pi * epoch / epochs)))

    try:
        copy.fit(
            [data["past"], data["ahead"]],
            data["target"],
            sample_weight=data["weight"],
            epochs=epochs,
            batch_size=course.batch,
            loss=ln.Quantile(quantiles),
            optimizer=ln.Adam(course.rate, clip_norm=1.0),
            callbacks=[ln.LearningRateScheduler(falling), *([progress] if progress else [])],
            seed=seed,
            verbose=False,
        )
    finally:
        if progress:
            progress.close()
    trained = _copy(copy, covariates, len(quantiles))  # without the optimiser's state
    return trained


def _course(panel: Panel, covariates: Covariates) -> Course:
    if covariates.past_count:
        return WITH_COVARIATES
    return LONG if np.mean([len(series) for series in panel.series]) >= _LONG else SHORT


def _copy(network: ln.Model, covariates: Covariates, quantiles: int) -> ln.Model:
    state = network.state_dict()
    hidden_size = state["lstm.weight_hh_l0"].shape[1]
    past_features = PAST_FEATURES + covariates.past_count
    ahead_features = AHEAD_FEATURES + covariates.ahead_count
    copy = towers.build(
        towers=sum(name.startswith("dense") for name in state) // 2,
        hidden_size=hidden_size,
        past_features=past_features,
        ahead_features=ahead_features,
        quantiles=quantiles,
    )
    copy.load_state_dict(towers.widened(state, past_features, ahead_features))
    return copy


def _samples(
    panel: Panel, ends: list[Origin], horizon: int, covariates: Covariates
) -> dict[str, NDArray[np.float32]]:
    """Return what the network reads at each origin, what it should answer, and what that weighs."""
    parts: list[dict[str, NDArray[np.float32]]] = []
    by_length = sorted(ends, key=lambda origin: origin.end)
    longest = max(panel.frequency.seasons, default=0)
    rows = max(4 * TIMESTEPS, 12 * longest)
    for start in range(0, len(by_length), _TOGETHER):
        chosen = by_length[start : start + _TOGETHER]
        known = [panel.series[o.series].values[: o.end] for o in chosen]
        came = np.full((len(chosen), horizon), np.nan)
        for index, o in enumerate(chosen):
            future = panel.series[o.series].values[o.end : o.end + horizon]
            came[index, : len(future)] = future
        table = flush_right(known, min(rows, max(map(len, known))))
        empty = np.isnan(table).all(axis=1)
        table[empty, -1] = 0.0
        windows = make_windows(table, panel.frequency.seasons, horizon)
        past, ahead = windows.past, windows.ahead
        if covariates.past_count:
            columns = [
                covariates.rows(panel.series[o.series], o.end, TIMESTEPS, horizon) for o in chosen
            ]
            past = np.concatenate([past, np.stack([c[0] for c in columns])], axis=2)
            ahead = np.concatenate([ahead, np.stack([c[1] for c in columns])], axis=2)
        target = windows.targets(came)
        weight = ~np.isnan(target) * _weights(windows)[:, np.newaxis]
        parts.append(
            {
                "past": past.astype(np.float32),
                "ahead": ahead.astype(np.float32),
                "target": np.nan_to_num(target, nan=0.0),
                "weight": weight.astype(np.float32),
            }
        )
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    joined["weight"] /= joined["weight"].mean()
    return joined


def _weights(windows: Windows) -> Array:
    """Return what each series counts: those that move much, relative to their level, count more.

    Measures in percent (sMAPE) ask for that, measures in units of each series' own changes (MASE)
    for equal weights; this lies between.
    """
    height = np.where(windows.logarithm, 1.0, np.maximum(np.abs(windows.anchor), windows.unit))
    return np.asarray(np.clip(windows.unit / height, 1e-3, 1.0) ** _RELATIVE)


class _Bar(ln.Callback):
    """A bar over all batches, on a terminal alone."""

    def __init__(self, batches: int) -> None:
        self._bar: Any = None
        if sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm  # here: only a bar needs it

            self._bar = tqdm(total=batches, desc="tuning", dynamic_ncols=True)

    def on_batch_end(self, model: Any, batch: int, logs: Mapping[str, float]) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update()

    def close(self) -> None:
        """Leave the terminal in order."""
        if self._bar is not None:
            self._bar.close()
