"""The settings of a fit, checked; None means the default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_native._base.checks import check_bool, check_int, check_positive_int, check_real
from lstm_native._base.shown import shown
from lstm_native.layers.building import check_seed
from lstm_native.metrics import Metric

FIT_BATCH = 32
EVALUATE_BATCH = 256


@dataclass(frozen=True)
class Options:
    """The settings of a fit, checked."""

    epochs: int
    batch_size: int
    validation_split: float
    shuffle: bool
    seed: int
    initial_epoch: int
    verbose: int
    accumulate: int = 1

    @staticmethod
    def check(
        *,
        epochs: Any,
        batch_size: Any,
        validation_split: Any,
        shuffle: Any,
        seed: Any,
        initial_epoch: Any,
        verbose: Any,
        accumulate: Any = None,
    ) -> Options:
        """Return the settings, or say which one is wrong."""
        epochs = check_positive_int(1 if epochs is None else epochs, name="epochs")
        initial_epoch = 0 if initial_epoch is None else initial_epoch
        initial_epoch = check_int(initial_epoch, name="initial_epoch", minimum=0)
        if initial_epoch >= epochs:
            raise ValueError(
                f"initial_epoch={initial_epoch} leaves nothing to train: epochs={epochs} is the "
                f"count at which training ends, with the epochs before; for {epochs} more write "
                f"epochs={initial_epoch + epochs}"
            )
        size = FIT_BATCH if batch_size is None else batch_size
        share = 0.0 if validation_split is None else validation_split
        return Options(
            epochs=epochs,
            batch_size=check_positive_int(size, name="batch_size"),
            validation_split=check_real(share, name="validation_split", minimum=0.0, below=1.0),
            shuffle=shuffle is None or check_bool(shuffle, name="shuffle"),
            seed=check_seed(seed),
            initial_epoch=initial_epoch,
            verbose=check_verbose(verbose),
            accumulate=check_positive_int(
                1 if accumulate is None else accumulate, name="accumulate"
            ),
        )


def check_verbose(verbose: Any) -> int:
    """Return 0, 1 or 2 for what fit shows."""
    if verbose is None or (isinstance(verbose, str) and verbose == "auto"):
        return 1
    if isinstance(verbose, (bool, np.bool_)):
        return int(verbose)
    choices = "0 or False (nothing), 1, True or 'auto' (a bar), 2 (one line per epoch)"
    if not isinstance(verbose, (int, np.integer, str)):
        raise TypeError(f"verbose must be {choices}, got {shown(verbose)}")
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose must be {choices}, got {shown(verbose)}")
    return int(verbose)


def list_of_metrics(metrics: Metric | Iterable[Metric] | None) -> list[Metric]:
    """Return metrics as a list, from one, several or None."""
    if metrics is None:
        return []
    several: Any = metrics
    if isinstance(metrics, str) or callable(metrics) or not hasattr(metrics, "__iter__"):
        several = [metrics]  # what is none is told later
    return list(several)
