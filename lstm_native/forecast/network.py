"""The network that forecasts, and how it is trained.

A linear highway, which begins as a ridge regression, beside an LSTM, which begins silent, as in
LSTNet (Lai et al. 2018): the LSTM learns what a linear autoregression cannot say. Several such
members are trained from different seeds. The forecast is half the mean of the members and half
the ridge regression, equal weights being hard to beat (Bates & Granger 1969): where there is
little to learn, less is lost. As all of it is linear in the members' outputs, members and
regression are laid side by side into ONE network of plain layers.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast.linear import Linear

Weights = Mapping[str, NDArray[Any]]

_INNER_LSTM = "0.layers.0."
_INNER_DENSE = "0.layers.1."


@dataclass(frozen=True)
class Settings:
    """How the network is built and trained.

    The defaults were compared on the bundled series before its tail only: trained on its first
    1250, 1560, 1872 and 2184 months, judged on the 310 or so months after each.

    Attributes
    ----------
    timesteps, horizon : int
        Rows seen and rows foreseen.
    epochs : int
        Passes over the training windows, for each member.
    seed : int
    members : int
        How many networks are trained.
    hidden_size : int
        Hidden units of each member's LSTM.
    batch_size : int
    learning_rate : float
        At the first epoch; it falls in even steps to zero after the last.
    huber_delta : float
        Where the loss turns from square to line, in standard deviations of the series.
    clip_norm : float
    """

    timesteps: int
    horizon: int
    epochs: int
    seed: int = 0
    members: int = 5
    hidden_size: int = 16
    batch_size: int = 64
    learning_rate: float = 3e-3
    huber_delta: float = 0.3
    clip_norm: float = 0.1


def train(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    linear: Linear,
    settings: Settings,
    *,
    title: str = "",
    show: bool = False,
) -> ln.Sequential:
    """Return the trained network.

    Parameters
    ----------
    x : ndarray, (samples, timesteps)
        Scaled windows, oldest value first.
    y : ndarray, (samples, horizon)
        What followed each, on the same scale.
    linear : Linear
        Where the highway begins.
    title : str
        What the progress bar says.
    show : bool
        Whether there is a progress bar (on stderr).
    """
    inputs = x[..., np.newaxis].astype(np.float32)
    targets = y.astype(np.float32)
    seeds = np.random.SeedSequence(settings.seed).generate_state(settings.members)
    progress = _Progress(title, settings, len(x)) if show else None
    stop = threading.Event()

    def falling(epoch: int, _: float) -> float:
        return settings.learning_rate * (1.0 - epoch / settings.epochs)

    def trained(seed: int) -> Weights:
        member = _network(settings, settings.hidden_size, seed)
        _start_linear(member, linear)
        member.fit(
            inputs,
            targets,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            loss=ln.Huber(settings.huber_delta),
            optimizer=ln.Adam(settings.learning_rate, clip_norm=settings.clip_norm),
            callbacks=[
                ln.LearningRateScheduler(falling),
                _Stop(stop),
                *([progress] if progress else []),
            ],
            seed=seed,
            verbose=False,
        )
        return member.state_dict()

    try:
        states = _side_by_side(trained, seeds.tolist(), stop)
    finally:
        if progress:
            progress.close()
    merged = _network(settings, settings.hidden_size * settings.members, settings.seed)
    merged.load_state_dict(combine(states, linear))
    return merged


def combine(states: Sequence[Weights], linear: Linear) -> dict[str, NDArray[Any]]:
    """Return the weights of the one network that answers (mean of the members + linear) / 2.

    The hidden units stand side by side, so that the recurrent weights of each gate are
    block-diagonal; Dense layer and highway carry the factors of the means.
    """
    count = len(states)

    def stacked(name: str) -> NDArray[Any]:
        # (4 H, ...) of each network -> (4 gates, all hidden units, ...) -> (4 * all, ...)
        gates = [np.split(state[_INNER_LSTM + name], 4) for state in states]
        return np.concatenate([part for gate in zip(*gates, strict=True) for part in gate])

    def half_mean(name: str) -> NDArray[Any]:
        total = np.sum([state[name] for state in states], axis=0, dtype=np.float64)
        return np.asarray(total / (2 * count))

    lstm = {
        _INNER_LSTM + name: stacked(name) for name in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0")
    }
    recurrent = [state[_INNER_LSTM + "weight_hh_l0"] for state in states]
    hidden = recurrent[0].shape[1]
    blocks = np.zeros((4, count, hidden, count, hidden), dtype=recurrent[0].dtype)
    for index, weight in enumerate(recurrent):
        blocks[:, index, :, index, :] = weight.reshape(4, hidden, hidden)
    lstm[_INNER_LSTM + "weight_hh_l0"] = blocks.reshape(4 * count * hidden, count * hidden)
    readout = np.concatenate([state[_INNER_DENSE + "weight"] for state in states], axis=1)
    return {
        **lstm,
        _INNER_DENSE + "weight": readout / (2 * count),
        _INNER_DENSE + "bias": half_mean(_INNER_DENSE + "bias"),
        "0.weight": half_mean("0.weight") + 0.5 * linear.weight.T,
        "0.bias": half_mean("0.bias") + 0.5 * linear.bias,
    }


def predict(network: ln.Sequential, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (samples, horizon) for scaled windows (samples, timesteps)."""
    y: NDArray[np.float32] = network.predict(x[..., np.newaxis].astype(np.float32))
    return y.astype(np.float64)


def _network(settings: Settings, hidden_size: int, seed: int) -> ln.Sequential:
    inner = [ln.LSTM(hidden_size, return_sequences=False), ln.Dense(settings.horizon)]
    network = ln.Sequential([ln.Highway(inner, window=settings.timesteps)], seed=seed)
    network.predict(np.zeros((1, settings.timesteps, 1), dtype=np.float32))  # makes the weights
    return network


def _start_linear(network: ln.Sequential, linear: Linear) -> None:
    """Make the highway the linear forecast, and the LSTM's contribution to it zero."""
    state = network.state_dict()
    state["0.weight"] = linear.weight.T
    state["0.bias"] = linear.bias
    state[_INNER_DENSE + "weight"] = np.zeros_like(state[_INNER_DENSE + "weight"])
    network.load_state_dict(state)


def _side_by_side(
    train_one: Callable[[int], Weights], seeds: Sequence[int], stop: threading.Event
) -> list[Weights]:
    """Return what each seed gives; the members are trained at the same time, a thread for each.

    A member is too small to be worth several threads of its own.
    """
    threads = ln.get_num_threads()
    if threads == 1 or len(seeds) == 1:
        return [train_one(seed) for seed in seeds]
    ln.set_num_threads(1)
    try:
        with ThreadPoolExecutor(min(threads, len(seeds))) as pool:
            running = [pool.submit(train_one, seed) for seed in seeds]
            try:
                return [one.result() for one in running]
            except BaseException:  # an interrupt too: or else the pool would wait for their end
                stop.set()
                for one in running:
                    one.cancel()
                raise
    finally:
        ln.set_num_threads(threads)


class _Stop(ln.Callback):
    """Ends a training that nobody waits for any more."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def on_batch_end(self, model: Any, batch: int, logs: Mapping[str, float]) -> None:
        """Raise where it has been stopped."""
        if self.stop.is_set():
            raise RuntimeError("stopped")


class _Progress(ln.Callback):
    """One bar over all members and epochs; outside a terminal one line for each member.

    The members are trained at the same time.
    """

    def __init__(self, title: str, settings: Settings, samples: int) -> None:
        self.title = title
        self.settings = settings
        self.batches = -(-samples // settings.batch_size)
        self.done = 0
        self.lock = threading.Lock()
        self.began = time.perf_counter()
        self.bar: Any = None
        if sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm  # here: only a bar needs it

            self.bar = tqdm(
                total=settings.members * settings.epochs * self.batches,
                desc=title,
                dynamic_ncols=True,
                bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
            )

    def on_batch_end(self, model: Any, batch: int, logs: Mapping[str, float]) -> None:
        """Move the bar."""
        if self.bar is not None:
            with self.lock:
                self.bar.update()

    def on_epoch_end(self, model: Any, epoch: int, logs: Mapping[str, float]) -> None:
        """Show the loss; in a log only after the last epoch of a member."""
        with self.lock:
            last = epoch == self.settings.epochs - 1
            self.done += last
            where = f"network {self.done}/{self.settings.members}, loss={logs['loss']:.4f}"
            seconds = time.perf_counter() - self.began
            if self.bar is not None:
                rate = self.bar.n * self.settings.batch_size / seconds
                self.bar.set_postfix_str(f"{where}, {rate:.0f} samples/s", refresh=False)
            elif last and sys.stderr is not None:
                print(f"{self.title}: {where}, {seconds:.1f} s", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal in order."""
        if self.bar is not None:
            self.bar.close()
