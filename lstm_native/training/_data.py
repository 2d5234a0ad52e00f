"""What fit and evaluate are given: arrays, lists of sequences, or an iterable of batches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from lstm_native._base.arrays import is_array
from lstm_native._base.shown import as_written
from lstm_native.losses import Loss
from lstm_native.network.form import Form
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
from lstm_native.training._columns import is_mapped
from lstm_native.training._heads import Given, Place, check_target
from lstm_native.training._inputs import Inputs, check_inputs, masks_of_samples
from lstm_native.training._losses import Losses, heads_of
from lstm_native.training._mapped import check_mapped
from lstm_native.training._samples import Batch, Data
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
        check: Callable[..., Data],
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

    def _read(self, item: Any, index: int) -> Data:
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


def whole(data: Data) -> Batch:
    """Return all samples as one batch, in their order."""
    return data.take(slice(None))


def check_samples(
    model: TrainingSettings,
    x: Any,
    y: Any,
    loss: Loss | Losses,
    *,
    lengths: Any = None,
    mask: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    some: bool = True,
) -> Data:
    """Return samples and targets ready for the core, or say what does not fit.

    some : whether a row must count, as in all but one batch of several.
    """
    try:
        return _check_samples(model, x, y, loss, lengths, mask, sample_weight, class_weight, some)
    except TypeError as error:
        told = as_written(str(error), y=y, sample_weight=sample_weight, class_weight=class_weight)
        if told == str(error):
            raise
        raise TypeError(told) from None
    except ValueError as error:
        if not model._form_in.named and _are_several(x, y):
            raise ValueError(
                "several inputs or outputs: a Sequential has one x and one y; a network of several "
                "is an ln.Model(inputs, outputs)"
            ) from error
        raise


def _check_samples(
    model: TrainingSettings,
    x: Any,
    y: Any,
    loss: Loss | Losses,
    lengths: Any,
    mask: Any,
    sample_weight: Any,
    class_weight: Any,
    some: bool,
) -> Data:
    form_in, form_out = model._form_in, model._form_out
    xs = form_in.entries(x, "x")
    ys = _targets(form_out, y, loss)
    kept, masks = masks_of_samples(mask, model)
    entries = {
        "x": xs,
        "y": ys,
        "lengths": form_in.entries(lengths, "lengths", optional=True),
        "mask": masks,
        "kept": [kept],
        "sample_weight": _for_outputs(form_out, sample_weight, "sample_weight"),
    }
    classes = _class_weights(form_out, class_weight)
    if some and any(map(is_mapped, (*xs, *ys))):
        return check_mapped(
            entries,
            lambda piece, with_classes: _check_entries(
                model, piece, classes if with_classes else [None] * len(classes), loss, False
            ),
        )
    return _check_entries(model, entries, classes, loss, some)


def _check_entries(
    model: TrainingSettings,
    entries: Mapping[str, Sequence[Any]],
    classes: Sequence[Any],
    loss: Loss | Losses,
    some: bool,
) -> Data:
    """Check what there is for each input and each output."""
    form_in, form_out = model._form_in, model._form_out
    masks, (kept,) = entries["mask"], entries["kept"]
    inputs = check_inputs(model, entries["x"], entries["lengths"], masks)
    if not len(inputs):
        shape = getattr(inputs.columns[0].values, "shape", ())
        raise ValueError(f"x has no samples: its shape is {shape}, expected at least one")
    steps, ends, features = _outputs(model, inputs)
    mask_given = kept is not None or any(one is not None for one in masks)
    targets = []
    for k, one, _ in heads_of(loss):
        given = Given(entries["y"][k], entries["sample_weight"][k], classes[k])
        place = Place(k, features[k], steps[k], ends[k])
        try:
            found = check_target(
                model, inputs, given, one, place, kept, some=some, mask_given=mask_given
            )
        except (TypeError, ValueError) as error:
            if len(form_out) == 1:
                raise
            raise prefixed(error, f"output '{form_out.names[k]}'") from None
        targets.append(found)

    def steps_of(timesteps: list[int]) -> list[int]:
        return [t for t, _ in model._network.output_shapes(timesteps)]

    alone = len(form_in) == len(form_out) == 1
    return Data(inputs.columns, tuple(targets), alone, steps_of)


def _outputs(model: TrainingSettings, inputs: Inputs) -> tuple[list[int], list[Any], list[int]]:
    """Return steps, lengths and features of each output."""
    shapes = model._output_shapes_for(inputs.steps(), len(inputs))
    steps = [shape[1] if len(shape) == 3 else 0 for shape in shapes]
    ends: list[Any] = [None] * len(shapes)
    if any(one.lengths is not None for one in inputs.columns):
        _, ends = inputs.output_ends(model)
    return steps, ends, [shape[-1] for shape in shapes]


def _targets(form: Form, y: Any, loss: Loss | Losses) -> list[Any]:
    """Return the targets of each output; None where it has no loss, or the loss takes none."""
    heads = {head.output: head.loss for head in heads_of(loss)}
    takes_none = not any(one.takes_targets for one in heads.values())
    optional = isinstance(y, Mapping) or takes_none
    entries = form.entries(y, "y", optional=optional)
    if len(form) == 1:
        return entries
    for name, index, one in zip(form.names, range(len(form)), entries, strict=True):
        wanted = index in heads and heads[index].takes_targets
        if one is None and wanted:
            raise ValueError(f"y: output '{name}' has a loss, but no targets")
        if one is not None and index not in heads:
            raise ValueError(f"y: output '{name}' has targets, but no loss: give None")
    return entries


def _for_outputs(form: Form, given: Any, name: str) -> list[Any]:
    """Return an entry for each output; what is no list and no dict holds for all."""
    if form.single or given is None or isinstance(given, (list, tuple, Mapping)):
        return form.entries(given, name, optional=True)
    return [given] * len(form)


def _class_weights(form: Form, given: Any) -> list[Any]:
    if form.single or given is None:
        return [given] * len(form)
    if isinstance(given, Mapping) and not all(isinstance(key, str) for key in given):
        raise TypeError(
            "class_weight: of several outputs, expected a dict by name, {output: {class: weight}}"
        )
    return form.entries(given, "class_weight", optional=True)


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
    loss: Loss | Losses,
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
) -> Data | Batches:
    """Return samples and targets, or batches of them, ready for the core.

    `beside` are arguments that say nothing beside an iterable of batches.
    """
    if not is_batches(x):
        refuse_steps(name, **{steps_name: steps})
        if y is None and any(head.loss.takes_targets for head in heads_of(loss)):
            refuse_missing_targets(x, call)
        return check_samples(model, x, y, loss, class_weight=class_weight, **given)
    refuse_beside(name, y=y, **given, **(beside or {}))
    source = Source(
        x, name=name, steps=steps, steps_name=steps_name, goes_on=goes_on, passes=passes
    )
    check = partial(_check_batch, model, loss, class_weight)
    return Batches(source, check, name=name, one_size=model._stateful)


def _check_batch(
    model: TrainingSettings, loss: Loss | Losses, class_weight: Any, *, x: Any, y: Any, **given: Any
) -> Data:
    return check_samples(model, x, y, loss, class_weight=class_weight, some=False, **given)
