"""Train the towers, one process each, and write them as one file."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import towers
from lstm_native.forecast.global_model import GlobalModel
from lstm_native.forecast.pretraining.training import Settings, train_tower
from lstm_native.forecast.windows import AHEAD_FEATURES, PAST_FEATURES

_SHOWN = 20  # lines of progress for each tower


def _tower(seed: int, settings: Settings) -> dict[str, NDArray[Any]]:
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

    return train_tower(seed, settings, watch).state_dict()


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(
        prog="python -m lstm_native.forecast.pretraining", description=__doc__
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write the network")
    parser.add_argument("--rounds", type=int, default=Settings.rounds, metavar="N")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="at once (2)")
    options = parser.parse_args()
    settings = dataclasses.replace(Settings(), rounds=options.rounds)
    # New processes, not forks: the library's threads would not be there in a fork.
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        seeds = range(settings.towers)
        states = list(pool.map(_tower, seeds, [settings] * settings.towers))
    network = towers.build(
        towers=settings.towers,
        hidden_size=settings.hidden_size,
        past_features=PAST_FEATURES,
        ahead_features=AHEAD_FEATURES,
        quantiles=len(settings.quantiles),
    )
    network.load_state_dict(towers.side_by_side(states))
    GlobalModel(network, settings.quantiles).save(options.file)


if __name__ == "__main__":
    main()
