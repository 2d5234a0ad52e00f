"""What a classifier's outputs say: probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lstm_native._base import hints
from lstm_native._base.checks import check_bool
from lstm_native._base.lengths import true_steps
from lstm_native._base.shown import shown
from lstm_native.layers.simple import Activation
from lstm_native.losses import Loss
from lstm_native.training import _prediction
from lstm_native.training._inputs import check_inputs
from lstm_native.training._losses import heads_of
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
    functions = _functions_of(model) if wanted and model.built else None
    if _prediction.is_batches(x):
        given = {"batch_size": batch_size, "lengths": lengths, "mask": mask}
        return _prediction.of_batches(
            model, x, run=run, steps=steps, given=given, probabilities=wanted
        )
    outputs = run(x, lengths=lengths, mask=mask, batch_size=batch_size, steps=steps)
    if not wanted:
        return outputs
    functions = functions or _functions_of(model)  # the model may have been built just now
    form = model._form_out
    counts: list[Any] = [None] * len(form)
    if lengths is not None or mask is not None:
        counts = _true_steps(model, x, lengths, mask)
    return form.joined(
        [
            _applied(Activation(function, dtype=model.dtype), output, true)
            for function, output, true in zip(
                functions, form.entries(outputs, "y"), counts, strict=True
            )
        ]
    )


def _true_steps(model: TrainingSettings, x: Any, lengths: Any, mask: Any) -> list[Any]:
    """Return which steps of each output are true, (N, T); None for all, or no time axis."""
    form = model._form_in
    entries = [form.entries(lengths, "lengths", optional=True)]
    entries += [form.entries(mask, "mask", optional=True)]
    inputs = check_inputs(model, form.entries(x, "x"), *entries)
    steps, ends = inputs.output_ends(model)
    found: list[Any] = []
    for output, (end, timesteps) in enumerate(zip(ends, steps, strict=True)):
        holes = inputs.holes_of(output) if timesteps else None
        found.append(None if end is None else true_steps(end, timesteps))
        found[-1] = found[-1] if holes is None else holes.mask
    return found


def _applied(activation: Activation, output: Any, counts: Any) -> Any:
    if activation.activation == "linear":
        return output
    if isinstance(output, list):
        return [activation(part) if len(part) else part for part in output]
    found = activation(output)
    if counts is not None:
        found[~counts] = 0.0  # steps that are none
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


def _functions_of(model: TrainingSettings) -> list[str]:
    """Return what makes probabilities of each output; "linear" where they are already."""
    loss = model._training.loss
    of_output = {} if loss is None else {head.output: head.loss for head in heads_of(loss)}
    return [_function_of(model, k, of_output.get(k)) for k in range(len(model._form_out))]


def _function_of(model: TrainingSettings, output: int, loss: Loss | None) -> str:
    if model._network.end_activation(output) in ("sigmoid", "softmax"):
        return "linear"
    if loss is not None and loss.name in _OF_LOSS:
        return _OF_LOSS[loss.name]
    if len(model._form_out) > 1:
        return "linear"  # it may be one that has no classes
    got = "no loss yet" if loss is None else f"the loss '{loss.name}'"
    raise ValueError(
        "probabilities=True: expected a model that was trained with a cross-entropy, or one that "
        f"ends with a softmax or sigmoid, got {got}. Leave probabilities away for the outputs as "
        "they are"
    )
