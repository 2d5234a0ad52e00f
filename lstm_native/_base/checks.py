"""The door: every number, name and option from a caller is checked here, once.

A wrong type is a `TypeError`, a wrong range or value a `ValueError`; both give what was expected
and what came. Arrays are checked in `values`, by the same rule.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from lstm_native._base.shown import shown

_FLOATS = (np.dtype("float32"), np.dtype("float64"))


def check_int(
    value: Any, *, name: str, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Return `value` as an int from `minimum` to `maximum`; no bool, and no float, not even 3.0."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got the bool {value}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {described(value)}") from None
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {shown(number)}")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {shown(number)}")
    return number


def check_positive_int(value: Any, *, name: str) -> int:
    """Return `value` as an int of at least 1: a size, a count."""
    return check_int(value, name=name, minimum=1)


def check_real(
    value: Any,
    *,
    name: str,
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
    maximum: float | None = None,
) -> float:
    """Return `value` as a finite float: > above, >= minimum, < below, <= maximum."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {described(value)}")
    number = float(value)
    wanted = ["finite"]
    fits = math.isfinite(number)
    for sign, bound, compare in (
        (">", above, operator.gt),
        (">=", minimum, operator.ge),
        ("<", below, operator.lt),
        ("<=", maximum, operator.le),
    ):
        if bound is not None:
            wanted.append(f"{sign} {bound:g}")
            fits = fits and compare(number, bound)
    if not fits:
        raise ValueError(f"{name} must be {' and '.join(wanted)}, got {value}")
    return number


def check_bool(value: Any, *, name: str) -> bool:
    """Return `value` as a bool; anything but a bool is a TypeError."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {described(value)}")
    return bool(value)


def check_choice(value: Any, *, name: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`; otherwise name them all."""
    listed = list(choices)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {quoted(listed)}, got {described(value)}")
    if value not in listed:
        raise ValueError(f"{name} must be one of {quoted(listed)}, got {shown(value)}")
    return value


def check_dtype(dtype: Any, *, name: str = "dtype") -> np.dtype[Any]:
    """Return `dtype` as NumPy's float32 or float64; anything else is a ValueError."""
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{name} must be 'float32' or 'float64', got {shown(dtype)}") from None
    # None would quietly mean float64 to NumPy.
    if dtype is None or found not in _FLOATS:
        raise ValueError(f"{name} must be 'float32' or 'float64', got {shown(dtype)}")
    return found


def check_iterable(value: Any, *, name: str) -> Iterable[Any]:
    """Return `value` if it is a list or another iterable."""
    if not isinstance(value, Iterable):
        raise TypeError(f"{name}: expected a list, got {described(value)}")
    return value


def described(value: Any) -> str:
    """Return a value as it is shown, with its type."""
    return f"{shown(value)} ({type(value).__name__})"


def quoted(names: Iterable[str]) -> str:
    """Return names in quotes, with commas between."""
    return ", ".join(f"'{name}'" for name in names)
