"""What a classifier's outputs say: probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lstm_native._base import hints
from lstm_native._base.arrays import as_array
from lstm_native._base.checks import check_bool
from lstm_native._base.shown import shown
from lstm_native.layers.simple import Activation
from lstm_native.training import _prediction
from lstm_native.training._settings import TrainingSettings

_OF_LOSS = {
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "binary_focal": "sigmoid",
    "categorical_focal": "softmax",
    "ctc": "softmax",
}


def predict(
    model: TrainingSettings,
    x: Any,
    probabilities: Any,
    *,
    run: Callable[..., Any],
    lengths: Any,
    mask: Any,
    batch_size: Any,
    steps: Any,
) -> Any:
    """Return what `model.predict` does, as probabilities unless `probabilities` is false.

    `run` is that `predict`.
    """
    wanted = probabilities is not None and check_bool(probabilities, name="probabilities")
    function = _function_of(model) if wanted and model.built else None
    if _prediction.is_batches(x):
        given = {"batch_size": batch_size, "lengths": lengths, "mask": mask}
        return _prediction.of_batches(
            model, x, run=run, steps=steps, given=given, probabilities=wanted
        )
    outputs = run(x, lengths=lengths, mask=mask, batch_size=batch_size, steps=steps)
    if not wanted:
        return outputs
    function = function or _function_of(model)  # the model may have been built just now
    if function == "linear":
        return outputs
    activation = Activation(function, dtype=model.dtype)
    if isinstance(outputs, list):
        return [activation(part)[0] if len(part) else part for part in outputs]
    if outputs.ndim == 2:
        return activation(outputs)[0]
    found = activation(outputs, lengths=lengths)[0]
    if mask is not None:
        found[~as_array(mask, name="mask")] = 0.0
    return found


def refuse_arguments(
    predict: Callable[..., Any],
    model: TrainingSettings,
    x: Any,
    more: tuple[Any, ...],
    others: Mapping[str, Any],
) -> None:
    """Refuse arguments that `predict` has not, with what to write instead."""
    if not more and not others:
        return

    hint = hints.calling(predict, (model, x, *more), others)
    name = f"{type(model).__name__}.predict()"
    told = (
        f"{name} takes 2 positional arguments but {2 + len(more)} were given"
        if more
        else f"{name} got an unexpected keyword argument {shown(next(iter(others)))}"
    )
    raise TypeError(told + (f"; {hint}" if hint else ""))


def _function_of(model: TrainingSettings) -> str:
    """Return what makes probabilities of the model's outputs; "linear" where they are already."""
    if model._network.end_activation() in ("sigmoid", "softmax"):
        return "linear"
    loss = model.loss
    if loss is not None and loss.name in _OF_LOSS:
        return _OF_LOSS[loss.name]
    got = "no loss yet" if loss is None else f"the loss '{loss.name}'"
    raise ValueError(
        "probabilities=True: expected a model that was trained with a cross-entropy, or one that "
        f"ends with a softmax or sigmoid, got {got}. Leave probabilities away for the outputs as "
        "they are"
    )
