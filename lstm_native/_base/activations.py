"""Functions that the gates of a recurrent cell may have."""

from __future__ import annotations

from typing import Any

from lstm_native._base.checks import check_choice, check_real
from lstm_native._base.shown import shown

Activation = str | tuple[Any, ...]

# By name: the default parameters, in the order alpha, beta.
PARAMETERS: dict[str, tuple[float, ...]] = {
    "linear": (),
    "relu": (),
    "tanh": (),
    "sigmoid": (),
    "affine": (1.0, 0.0),
    "leaky_relu": (0.01,),
    "thresholded_relu": (1.0,),
    "scaled_tanh": (1.0, 1.0),
    "hard_sigmoid": (0.2, 0.5),
    "elu": (1.0,),
    "softsign": (),
    "softplus": (),
}


def check_activation(value: Any, *, name: str) -> Activation:
    """Return a function as its name, or (name, alpha[, beta]) where parameters were given."""
    if isinstance(value, str):
        return check_choice(value, name=name, choices=PARAMETERS)
    if not isinstance(value, (tuple, list)) or not value:
        raise TypeError(f"{name} must be a name or (name, alpha, beta), got {shown(value)}")
    function = check_choice(value[0], name=name, choices=PARAMETERS)
    most = len(PARAMETERS[function])
    if len(value) - 1 > most:
        raise ValueError(
            f"{name}: {function!r} takes at most {most} parameters, got {len(value) - 1}"
        )
    if len(value) == 1:
        return function
    return (function, *(check_real(v, name=f"{name} parameter") for v in value[1:]))


def to_spec(activation: Activation) -> dict[str, Any]:
    """Return the function as the core reads it."""
    name, *given = (activation,) if isinstance(activation, str) else activation
    values = [*given, *PARAMETERS[name][len(given) :], 0.0, 0.0]
    return {"function": name, "alpha": values[0], "beta": values[1]}


def from_spec(spec: dict[str, Any]) -> Activation:
    """Return what `to_spec` was given, with all parameters."""
    name = spec["function"]
    values = (spec["alpha"], spec["beta"])[: len(PARAMETERS[name])]
    return name if values == PARAMETERS[name] else (name, *values)
