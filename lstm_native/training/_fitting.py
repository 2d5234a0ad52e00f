"""What `fit` does with its arguments before the first batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lstm_native.training._data import check_source
from lstm_native.training._fit_options import Options
from lstm_native.training._loop import fit
from lstm_native.training._validation import padding_told

if TYPE_CHECKING:
    from lstm_native.history import History
    from lstm_native.training._saving import Saving


def fit_model(
    model: Saving,
    x: Any,
    y: Any,
    *,
    epochs: Any,
    batch_size: Any,
    loss: Any,
    optimizer: Any,
    validation_split: Any,
    shuffle: Any,
    seed: Any,
    initial_epoch: Any,
    accumulate: Any,
    steps_per_epoch: Any,
    verbose: Any,
    sample_weight: Any,
    class_weight: Any,
    lengths: Any,
    mask: Any,
    loss_weights: Any = None,
    **others: Any,
) -> History:
    """Train a model; see `Sequential.fit`. `others` go to the loop as they are."""
    options = Options.check(
        epochs=epochs,
        batch_size=batch_size,
        validation_split=validation_split,
        shuffle=shuffle,
        seed=seed,
        initial_epoch=initial_epoch,
        verbose=verbose,
        accumulate=accumulate,
    )
    chosen = model._loss_for(loss, loss_weights)
    data = check_source(
        model,
        x,
        y,
        chosen,
        steps=steps_per_epoch,
        steps_name="steps_per_epoch",
        goes_on=True,
        passes=options.epochs - options.initial_epoch,
        beside={
            "batch_size": batch_size,
            "shuffle": shuffle or None,
            "validation_split": validation_split or None,
        },
        sample_weight=sample_weight,
        class_weight=class_weight,
        lengths=lengths,
        mask=mask,
    )
    padding = padding_told(lengths, mask)
    return fit(model, data, chosen, optimizer, options, padding=padding, **others)
