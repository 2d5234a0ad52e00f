"""What fit and evaluate are given: arrays, lists of sequences, or an iterable of batches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from lstm_native._base.arrays import as_array, is_array
from lstm_native._base.shown import as_written
from lstm_native.losses import Loss
from lstm_native.training._batches import (
    Source,
    about_lengths,
    is_batches,
    parts_of,
    prefixed,
    refuse_beside,
    refuse_missing_targets,
    refuse_steps,
)
from lstm_native.training._mapped import check_mapped, is_mapped
from lstm_native.training._ragged import Ragged, check_ragged, refuse_lengths, sequences_in
from lstm_native.training._samples import Batch, Data, check_data
from lstm_native.training._settings import TrainingSettings


class Batches:
    """Batches of samples and targets from an iterable, like `_samples.Data`.

    The first one is checked at once, each other when its turn comes.

    Parameters
    ----------
    source : Source
    check : callable
        (x, y, sample_weight=..., lengths=..., mask=...) -> samples ready for the core.
    name : str
        What to call the iterable in messages.
    one_size : bool
        Whether each batch must have as many samples as the first.

    Attributes
    ----------
    timesteps : int
        Of the first batch's output; 0: it has no time axis.
    samples : int
        Of the first batch.
    mean_weight : float
        What the weights of a batch are measured by. Those of the batches to come are not known,
        so the weights are taken as they are.
    """

    mean_weight = 1.0

    def __init__(
        self,
        source: Source,
        check: Callable[..., Data | Ragged],
        *,
        name: str,
        one_size: bool,
    ) -> None:
        self._source = source
        self._check = check
        self._name = name
        self._one_size = False
        self.timesteps = -1
        first = self._read(source.first(), 0)
        self.timesteps = first.timesteps
        self.probabilities = first.probabilities  # what a cross-entropy takes the outputs for
        self.samples = len(first)  # of the first batch
        self._one_size = one_size

    @property
    def count(self) -> int | None:
        """Batches of an epoch, if that is known."""
        return self._source.count

    @property
    def longest(self) -> int:
        """Steps of the longest sequence: any number."""
        return sys.maxsize

    def batches(self) -> Iterator[Batch]:
        """Yield those of one epoch."""
        for index, item in enumerate(self._source.go_through()):
            yield whole(self._read(item, index))

    def _read(self, item: Any, index: int) -> Data | Ragged:
        where = f"batch {index + 1} of {self._name}"
        try:
            found = self._check(**parts_of(item))
        except (TypeError, ValueError) as error:
            raise prefixed(error, where, about_lengths(item)) from None
        if self.timesteps >= 0 and (found.timesteps == 0) != (self.timesteps == 0):
            raise ValueError(f"{where}: expected a time axis as in the first batch, or none")
        if self._one_size and len(found) != self.samples:
            raise ValueError(
                f"{where}: stateful layers need batches of one size, got {len(found)} samples "
                f"where the first has {self.samples}; leave the smaller one out (drop_last=True)"
            )
        return found


def whole(data: Data | Ragged) -> Batch:
    """Return all samples as one batch, in their order."""
    return data.take(np.arange(len(data)) if isinstance(data, Ragged) else slice(None))


def check_samples(
    model: TrainingSettings,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    lengths: Any = None,
    mask: Any = None,
    **weights: Any,
) -> Data | Ragged:
    """Return samples and targets ready for the core, or say what does not fit."""
    try:
        if "some" not in weights and (is_mapped(x) or is_mapped(y)):
            check = partial(_check_piece, model, loss, weights.pop("class_weight", None))
            return check_mapped(
                as_array(x, name="x"), y, check, lengths=lengths, mask=mask, **weights
            )
        sequences = sequences_in(x, model)
        if sequences is None:
            return check_data(model, x, y, loss, lengths=lengths, mask=mask, **weights)
        refuse_lengths(lengths=lengths, mask=mask)
        return check_ragged(model, sequences, y, loss, **weights)
    except TypeError as error:
        told = as_written(str(error), y=y, **weights)
        if told == str(error):
            raise
        raise TypeError(told) from None
    except ValueError as error:
        if _are_several(x, y):
            raise ValueError(
                "several inputs or outputs are not there yet: a model has one x and one y"
            ) from error
        raise


def _check_piece(
    model: TrainingSettings,
    loss: Loss,
    class_weight: Any,
    x: Any,
    y: Any,
    classes: bool,
    **given: Any,
) -> Data:
    """Return some of the samples of memory-mapped arrays, in which no row needs to count."""
    weight = class_weight if classes else None
    return check_data(model, x, y, loss, class_weight=weight, some=False, **given)


def _are_several(x: Any, y: Any) -> bool:
    """Whether what was refused looks like lists of inputs, or of targets, for all samples each."""
    several = [one for one in (x, y) if isinstance(one, (list, tuple)) and len(one) > 1]
    if not several or not all(is_array(part) for one in several for part in one):
        return False
    count = len(several[0][0])
    if any(len(part) != count for one in several for part in one):
        return False
    if several[0] is x and any(getattr(part, "ndim", 0) < 2 for part in x):
        return False
    if len(several) == 2:  # sequences and their targets are lists too
        return count != len(x) and all(getattr(part, "ndim", 0) > 2 for part in x)
    other = x if several[0] is y else y
    return is_array(other) and len(other) == count != len(several[0])


def check_source(
    model: TrainingSettings,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    call: str = "fit",
    name: str = "x",
    steps: Any = None,
    steps_name: str = "steps",
    goes_on: bool = False,
    passes: int = 1,
    beside: Mapping[str, Any] | None = None,
    class_weight: Any = None,
    **given: Any,
) -> Data | Ragged | Batches:
    """Return samples and targets, or batches of them, ready for the core.

    `beside` are arguments that say nothing beside an iterable of batches.
    """
    if not is_batches(x):
        refuse_steps(name, **{steps_name: steps})
        if y is None and loss.takes_targets:
            refuse_missing_targets(x, call)
        return check_samples(model, x, y, loss, class_weight=class_weight, **given)
    refuse_beside(name, y=y, **given, **(beside or {}))
    source = Source(
        x, name=name, steps=steps, steps_name=steps_name, goes_on=goes_on, passes=passes
    )
    check = partial(_check_batch, model, loss, class_weight)
    return Batches(source, check, name=name, one_size=model._stateful)


def _check_batch(
    model: TrainingSettings, loss: Loss, class_weight: Any, *, x: Any, y: Any, **given: Any
) -> Data | Ragged:
    return check_samples(model, x, y, loss, class_weight=class_weight, some=False, **given)
