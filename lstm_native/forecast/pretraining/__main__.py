"""Train the towers, one process each, and write them as one file."""

from __future__ import annotations

import argparse
import dataclasses
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from lstm_native.forecast import towers
from lstm_native.forecast.global_model import GlobalModel
from lstm_native.forecast.pretraining.training import Settings, tower_weights
from lstm_native.forecast.windows import AHEAD_FEATURES, PAST_FEATURES


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
        states = list(pool.map(tower_weights, seeds, [settings] * settings.towers))
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
