"""The training of one tower on series that are drawn as they are needed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import towers
from lstm_native.forecast.pretraining import synthetic
from lstm_native.forecast.windows import AHEAD_FEATURES, PAST_FEATURES, make_windows

_SHOWN = 20  # lines of progress for each tower


@dataclass(frozen=True)
class Kind:
    """Series of one frequency: how often they are drawn, and how long they may be."""

    seasons: tuple[int, ...]
    share: float
    shortest: int
    longest: int


KINDS = (
    Kind((), 0.28, 4, 80),
    Kind((4,), 0.20, 6, 90),
    Kind((12,), 0.28, 10, 170),
    Kind((7,), 0.07, 12, 180),
    Kind((24,), 0.04, 40, 240),
    Kind((52,), 0.06, 90, 420),
    Kind((24, 168), 0.07, 340, 720),
)


@dataclass(frozen=True)
class Settings:
    """How each tower is trained.

    Attributes
    ----------
    towers, hidden_size : int
    rounds : int
        How often new series are drawn.
    groups, series : int
        In a round, groups of so many series of one kind and length.
    horizons : tuple of int
        One is drawn for each round, the first four times of five.
    batch_size : int
    learning_rate : float
        The highest; it rises in the first rounds and then falls along a cosine.
    quantiles : tuple of float
    """

    towers: int = 3
    hidden_size: int = 60
    rounds: int = 400
    groups: int = 8
    series: int = 512
    horizons: tuple[int, int] = (24, 48)
    batch_size: int = 256
    learning_rate: float = 2e-3
    quantiles: tuple[float, ...] = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


def tower_weights(seed: int, settings: Settings) -> dict[str, NDArray[Any]]:
    """Train one tower on one thread, with lines of progress on stderr; return its weights."""
    threads = ln.get_num_threads()
    ln.set_num_threads(1)
    began = time.perf_counter()
    losses: list[float] = []

    def watch(number: int, loss: float, model: ln.Model) -> None:
        losses.append(loss)
        if (number + 1) % max(1, settings.rounds // _SHOWN) == 0:
            recent = np.mean(losses[-20:])
            seconds = time.perf_counter() - began
            print(
                f"tower {seed}: round {number + 1}/{settings.rounds}, loss {recent:.4f}, "
                f"{seconds:.0f} s",
                file=sys.stderr,
                flush=True,
            )

    try:
        return train_tower(seed, settings, watch).state_dict()
    finally:
        ln.set_num_threads(threads)


def train_tower(
    seed: int, settings: Settings, watch: Callable[[int, float, ln.Model], None]
) -> ln.Model:
    """Train one tower from its own seed.

    Parameters
    ----------
    seed : int
    settings : Settings
    watch : callable
        Called after each round with its number, its loss and the network.
    """
    rng = np.random.default_rng(seed)
    model = towers.build(
        towers=1,
        hidden_size=settings.hidden_size,
        past_features=PAST_FEATURES,
        ahead_features=AHEAD_FEATURES,
        quantiles=len(settings.quantiles),
        seed=seed,
    )
    for number in range(settings.rounds):
        past, ahead, target = draw_round(rng, settings)
        rate = _rate(number, settings)
        first = number == 0
        if not first:
            model.learning_rate = rate
        history = model.fit(
            [past, ahead],
            target,
            epochs=1,
            batch_size=settings.batch_size,
            loss=ln.Quantile(settings.quantiles) if first else None,
            optimizer=ln.Adam(rate, clip_norm=1.0) if first else None,
            seed=number,
            verbose=False,
        )
        watch(number, history.history["loss"][-1], model)
    return model


def _rate(number: int, settings: Settings) -> float:
    rising = min(1.0, (number + 1) / 4)
    falling = 0.5 * (1.0 + np.cos(np.pi * number / settings.rounds)) + 0.005
    return float(settings.learning_rate * rising * falling)


def draw_round(
    rng: np.random.Generator, settings: Settings
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Draw series and return what the network reads of them, and what it should answer."""
    horizon = settings.horizons[int(rng.random() < 0.2)]
    shares = np.array([kind.share for kind in KINDS])
    parts = []
    for _ in range(settings.groups):
        kind = KINDS[rng.choice(len(KINDS), p=shares / shares.sum())]
        rows = _length(rng, kind)
        drawn = synthetic.draw(
            rng, series=settings.series, rows=rows + horizon, seasons=kind.seasons
        )
        seen = synthetic.some_missing(rng, drawn[:, :rows])
        windows = make_windows(seen, kind.seasons, horizon)
        parts.append((windows.past, windows.ahead, windows.targets(drawn[:, rows:])))
    past, ahead, target = (rounded(np.concatenate(part)) for part in zip(*parts, strict=True))
    return past, ahead, target


def _length(rng: np.random.Generator, kind: Kind) -> int:
    """Return a length: any is as likely as another, or (half of the time) any doubling is."""
    if rng.random() < 0.5:
        return int(rng.uniform(kind.shortest, kind.longest))
    return int(np.exp(rng.uniform(np.log(kind.shortest), np.log(kind.longest))))


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return multiples of 1/4096: what processors differ by in NumPy's functions goes away."""
    return np.asarray(np.round(values * 4096.0) / 4096.0, dtype=np.float32)
