"""What to write instead, where a shape does not fit but its sizes tell what was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from lstm_native.losses import Loss
    from lstm_native.network.stack import Stack


def about_x(shape: tuple[int, ...], features: int | None) -> str:
    """Return what to write for an input of a wrong shape, "" if its sizes tell nothing.

    Examples
    --------
    >>> about_x((8, 3, 20), 3)
    '; if its axes are (samples, features, timesteps), write x.swapaxes(1, 2)'
    """
    if features is not None and len(shape) in (2, 3) and shape[-1] == features:
        return ""
    if shape == (0,):
        return "; it holds nothing"
    if len(shape) == 1 and features in (None, 1):
        return "; one sequence of one feature is x[None, :, None]"
    if len(shape) == 2 and features == 1:
        return "; sequences (samples, timesteps) of one feature are x[..., None]"
    if len(shape) == 3 and shape[1] == features:
        return "; if its axes are (samples, features, timesteps), write x.swapaxes(1, 2)"
    if len(shape) == 4 and shape[0] == 1:
        return "; a list with one array in it is an axis of its own: give x[0]"
    return ""


def about_time(*, known: bool, tokens: bool) -> str:
    """Return what to write for an input without the time axis that a layer needs."""
    if tokens:
        return "; one sequence (timesteps,) of tokens is x[None]"
    one = "; one sequence (timesteps, features) is x[None]"
    if not known:
        return f"{one}, sequences (samples, timesteps) of one feature are x[..., None]"
    return one


def about_samples(shape: tuple[int, ...], count: int) -> str:
    """Return what to write for an input with another number of samples than its targets."""
    if len(shape) < 2 or shape[1] != count:
        return ""
    if len(shape) == 2:
        return "; if the axes of x are (timesteps, samples), write x.T"
    return "; if the axes of x are (timesteps, samples, features), write x.swapaxes(0, 1)"


def explain_targets(
    model: Stack,
    steps: int,
    target: NDArray[Any],
    output: tuple[int, ...],
    loss: Loss,
    name: str = "y",
) -> None:
    """Refuse targets whose axes are not the output's, where the sizes tell how to mend it.

    Parameters
    ----------
    steps : int
        Of the input; 0: it has no time axis.
    target : ndarray
    output : tuple of int
        Of what the model answers: (N, T, K) or (N, K).
    """
    *rows, features = output
    shape = target.shape
    told = f"{name}: expected shape {output}, got {shape}"
    if len(rows) == 2:
        if len(shape) == 1 or (len(shape) == 2 and shape[1] != rows[1]):
            raise ValueError(
                f"{told}: the model answers at each of the {rows[1]} steps; to answer once for "
                f"each sequence, {to_drop_time(model)}"
            )
    elif steps > 1 and len(shape) in (2, 3) and shape[1] == steps:
        if len(shape) == 3 or shape[1] != features:
            raise ValueError(
                f"{told}: the model answers once for each sequence; to answer at each of its "
                f"{steps} steps, {to_keep_time(model)}"
            )
    elif len(shape) == 3 and not loss.takes_labels:
        size = shape[1] * shape[2]
        units = "" if size == features else f" and {_with_units(model, size)}"
        raise ValueError(
            f"{told}: the model answers with one axis; write {name}.reshape(len({name}), -1){units}"
        )
    if loss.takes_labels or shape[: len(rows)] != tuple(rows):
        return
    found = 1 if len(shape) == len(rows) else shape[-1]
    if (found == 1 and target.dtype.kind in "iu") or (
        loss.takes_logits and (found, features) == (2, 1)
    ):
        return  # classes, most likely: what is said of them is better
    if len(shape) in (len(rows), len(rows) + 1) and found != features:
        raise ValueError(
            f"{told}: {found} value{'s' if found > 1 else ''} for each row, but the model answers "
            f"with {features}; {_with_units(model, found)}"
        )


def about_dropped_time(model: Stack, told: str) -> str:
    """Return what to write where a layer misses the time axis that one before it drops."""
    found = re.search(r"layer (\d+): .*no time axis", told)
    before = range(int(found[1]) if found else 0)
    dropping = [i for i in before if not getattr(model.layers[i], "return_sequences", True)]
    return f"; {_keeping(model, dropping[0])}" if dropping else ""


def to_drop_time(model: Stack) -> str:
    """Say how the model is made to answer once for each sequence."""
    return _with_sequences(model, returned=False)


def to_keep_time(model: Stack) -> str:
    """Say how the model is made to answer at each step."""
    return _with_sequences(model, returned=True)


def _with_sequences(model: Stack, *, returned: bool) -> str:
    """Say how the layer that decides about the time axis is made to keep it, or to drop it."""
    for index in reversed(range(len(model.layers))):
        text = repr(model.layers[index])
        if getattr(model.layers[index], "return_sequences", returned) != returned:
            if returned:
                return _keeping(model, index)
            return f"make layer {index} {text[:-1]}, return_sequences=False)"
    if returned:
        return "no layer may drop the time axis, as return_sequences=False does"
    return "one layer must drop the time axis, such as LSTM(32, return_sequences=False)"


def _keeping(model: Stack, index: int) -> str:
    text = repr(model.layers[index])
    return f"make layer {index} {text.replace('return_sequences=False', 'return_sequences=True')}"


def _with_units(model: Stack, units: int) -> str:
    """Say how the last layer is made to answer with so many values."""
    last = len(model.layers) - 1
    if type(model.layers[last]).__name__ == "Dense":
        return f"make layer {last}, {model.layers[last]!r}, a Dense({units})"
    return f"end the model with Dense({units})"
