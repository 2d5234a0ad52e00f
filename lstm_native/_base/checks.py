"""The door: every array, number and name from a caller is checked here, once.

A check returns the value in the form the core wants (C-contiguous, native byte order, the
wanted dtype), without a copy when it is in that form already. It never changes its argument.
A wrong type is a `TypeError`, a wrong shape, range or value a `ValueError`; both give what was
expected and what came.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.arrays import as_array as as_array
from lstm_native._base.shown import as_written, shown

_FLOATS = (np.dtype("float32"), np.dtype("float64"))
# By kind of dtype: how to make floats of an array {x}.
_VALUE_HINTS = {
    "i": "convert with {x}.astype('float32')",
    "u": "convert with {x}.astype('float32')",
    "b": "if 0 and 1 are meant, convert with {x}.astype('float32')",
    "c": "give the real and the imaginary part as two features",
    "f": "convert with {x}.astype('float64')",
    "U": "text has to be turned into numbers first",
    "S": "text has to be turned into numbers first",
    "M": "a time becomes a number by ({x} - {x}[0]) / np.timedelta64(1, 's')",
    "m": "a duration becomes a number by {x} / np.timedelta64(1, 's')",
    "V": "its fields become columns by numpy.lib.recfunctions.structured_to_unstructured({x})",
}
_LABEL_HINT = "class indices are needed: {x}.astype('int64')"
_TOKEN_HINT = "convert with x.astype('int64')"


def check_int(
    value: Any, *, name: str, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Return `value` as an int from `minimum` to `maximum`; no bool, and no float, not even 3.0."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got the bool {value}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {_describe(value)}") from None
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
        raise TypeError(f"{name} must be a number, got {_describe(value)}")
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
        raise TypeError(f"{name} must be True or False, got {_describe(value)}")
    return bool(value)


def check_choice(value: Any, *, name: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`; otherwise name them all."""
    listed = list(choices)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {_quoted(listed)}, got {_describe(value)}")
    if value not in listed:
        raise ValueError(f"{name} must be one of {_quoted(listed)}, got {shown(value)}")
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
        raise TypeError(f"{name}: expected a list, got {_describe(value)}")
    return value


def check_same_length(
    first: NDArray[Any], second: NDArray[Any], *, names: tuple[str, str], hint: str = ""
) -> None:
    """Refuse two arrays that do not hold the same number of samples."""
    if len(first) != len(second):
        raise ValueError(
            f"{names[0]} has {len(first)} samples but {names[1]} has {len(second)}; "
            f"they must be as many{hint}"
        )


def as_values(
    x: Any,
    *,
    name: str,
    dtype: Any = None,
    ndim: int | tuple[int, ...] | None = None,
    features: int | None = None,
    shape: tuple[int, ...] | None = None,
    layout: str | None = None,
    lengths: NDArray[np.int64] | None = None,
    no_samples: bool = False,
) -> NDArray[Any]:
    """Return `x` as finite floating-point values, ready for the core.

    Parameters
    ----------
    x : array_like
        float16, float32 or float64 in any layout and byte order, read-only or not; lists of
        floats; pandas objects.
    name : str
        What to call it in messages.
    dtype : {"float32", "float64", None}
        dtype of the result; None keeps float32 and float64 and widens float16 to float32.
    ndim : int or tuple of int, optional
        How many dimensions it may have.
    features : int, optional
        Size of the last axis.
    shape : tuple of int, optional
        The exact shape.
    layout : str, optional
        The names of the axes, for the message about dimensions.
    lengths : ndarray of int64, (N,), optional
        How many steps of each sequence (N, T, ...) have to be finite; by default all.
    no_samples : bool
        Whether the first axis may be of size 0.

    Returns
    -------
    ndarray
        C-contiguous, aligned, native; `x` itself when it is that already.

    Raises
    ------
    TypeError
        Any other dtype: integer, bool, complex, object, str, longdouble.
    ValueError
        Wrong dimensions, empty, NaN or infinity, or values too large for `dtype`.

    Examples
    --------
    >>> as_values([[1.0, 2.0]], name="x", dtype="float32", ndim=2).dtype
    dtype('float32')
    """
    source = x if type(x) is np.ndarray and x.dtype.kind != "O" else as_array(x, name=name)
    found = source.dtype
    if found.kind not in "fiubc":  # whatever its shape
        _refuse_values(source, name=name, given=x)
    _check_shape(
        source,
        name=name,
        ndim=ndim,
        features=features,
        shape=shape,
        layout=layout,
        no_samples=no_samples,
    )
    if found.kind != "f" or found.itemsize > 8:
        _refuse_values(source, name=name, given=x)
    if dtype is None:
        wanted = np.dtype("float64" if found.itemsize == 8 else "float32")
    else:
        wanted = check_dtype(dtype)
    values = source
    if found != wanted or not (source.flags.c_contiguous and source.flags.aligned):
        with np.errstate(over="ignore"):  # reported below, with the index
            values = np.require(source, dtype=wanted, requirements=["C", "A"])
    if not is_finite(values, lengths):
        _refuse_not_finite(values, source, lengths, name=name)
    return values


def as_labels(
    y: Any,
    *,
    name: str,
    classes: int,
    ndim: int | tuple[int, ...] | None = None,
    shape: tuple[int, ...] | None = None,
) -> NDArray[np.int64]:
    """Return `y` as class indices in [0, classes), int64; otherwise say how many are out of range.

    Examples
    --------
    >>> as_labels([0, 2, 1], name="y", classes=3)
    array([0, 2, 1])
    """
    hint = _LABEL_HINT.format(x=name)
    return _as_indices(y, classes, name=name, what="labels", hint=hint, ndim=ndim, shape=shape)


def as_tokens(
    x: Any,
    *,
    name: str,
    vocabulary: int,
    ndim: int | tuple[int, ...] | None = None,
    shape: tuple[int, ...] | None = None,
    no_samples: bool = False,
) -> NDArray[np.int64]:
    """Return `x` as token indices in [0, vocabulary), int64; errors as in `as_labels`."""
    return _as_indices(
        x,
        vocabulary,
        name=name,
        what="tokens",
        hint=_TOKEN_HINT,
        ndim=ndim,
        shape=shape,
        no_samples=no_samples,
    )


def as_weights(
    w: Any, *, name: str, shape: tuple[int, ...], dtype: Any, some: bool = True
) -> NDArray[Any]:
    """Return `w` as one finite weight >= 0 per row; errors as in `as_values`.

    some : whether at least one of them must be positive.

    Examples
    --------
    >>> as_weights([0.5, 1.0], name="sample_weight", shape=(2,), dtype="float64")
    array([0.5, 1. ])
    """
    weights = as_values(w, name=name, dtype=dtype, shape=shape)
    _check_range(weights, None, name=name, what="weights")
    if some and not weights.any():
        raise ValueError(f"{name}: all {weights.size} weights are 0, at least one must be positive")
    return weights


def as_mask(mask: Any, *, name: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return `mask` as bools of this shape, at least one of them True (True: the row counts)."""
    found = as_array(mask, name=name)
    _check_shape(found, name=name, shape=shape)
    if found.dtype.kind != "b":
        raise TypeError(f"{name} must hold bools, got {found.dtype}; convert with mask != 0")
    if not found.any():
        raise ValueError(f"{name}: all {found.size} entries are False, at least one must be True")
    return np.require(found, requirements=["C", "A"])


def as_class_weights(
    class_weight: Mapping[int, float], *, name: str, classes: int
) -> NDArray[np.float64]:
    """Return {class: weight} as a vector of `classes` weights; a class not named gets 1."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"{name} must map classes to weights, such as {{0: 1.0, 1: 5.0}}, got "
            f"{_describe(class_weight)}"
        )
    weights = np.ones(classes)
    for key, value in class_weight.items():
        index = check_int(key, name=f"{name}: class", minimum=0, maximum=classes - 1)
        weights[index] = check_real(value, name=f"{name}[{index}]", minimum=0.0)
    return weights


def is_finite(values: NDArray[Any], lengths: NDArray[np.int64] | None = None) -> bool:
    """Whether there is neither NaN nor infinity in a C-contiguous float array.

    With lengths, in those steps of (N, T, ...) that a sequence has.
    """
    return _core.all_finite(values, lengths)


def _as_indices(
    x: Any, limit: int, *, name: str, what: str, hint: str, **expected: Any
) -> NDArray[np.int64]:
    found = x if type(x) is np.ndarray else as_array(x, name=name)
    _check_shape(found, name=name, **expected)
    if found.dtype.kind not in "iu":
        told = f"{name}: {what} must have an integer dtype, got {found.dtype}; {hint}"
        raise TypeError(as_written(told, **{name: x}))
    _check_range(found, limit, name=name, what=what)
    return np.require(found, dtype=np.int64, requirements=["C", "A"])


def _check_shape(
    x: NDArray[Any],
    *,
    name: str,
    ndim: int | tuple[int, ...] | None = None,
    features: int | None = None,
    shape: tuple[int, ...] | None = None,
    layout: str | None = None,
    no_samples: bool = False,
) -> None:
    if ndim is not None:
        allowed = (ndim,) if isinstance(ndim, int) else ndim
        if x.ndim not in allowed:
            wanted = " or ".join(str(n) for n in allowed) + " dimensions"
            if layout is not None:
                wanted += f" {layout}"
            raise ValueError(f"{name}: expected {wanted}, got {x.ndim} with shape {x.shape}")
    if shape is not None and x.shape != shape:
        hint = f"; write {name}[None]" if shape == (1, *x.shape) else ""
        raise ValueError(f"{name}: expected shape {shape}, got {x.shape}{hint}")
    if x.size == 0 and shape is None and not (no_samples and x.ndim and 0 not in x.shape[1:]):
        steps = "; a sequence without steps is told by lengths" if 0 not in x.shape[:1] else ""
        raise ValueError(f"{name} is empty: its shape is {x.shape}{steps}")
    if features is not None and (x.ndim == 0 or x.shape[-1] != features):
        raise ValueError(
            f"{name}: expected {features} features on the last axis, got shape {x.shape}"
        )


def _check_range(x: NDArray[Any], limit: int | None, *, name: str, what: str) -> None:
    """Refuse elements below 0, or at `limit` and above."""
    if x.size == 0 or (x.min() >= 0 and (limit is None or x.max() < limit)):
        return
    bad = x < 0 if limit is None else (x < 0) | (x >= limit)
    wanted = "not be negative" if limit is None else f"lie in [0, {limit})"
    raise ValueError(f"{name}: {what} must {wanted}, but {_first_of(bad, x)}")


def _refuse_values(x: NDArray[Any], *, name: str, given: Any) -> NoReturn:
    # An argument, or a part of one such as y[3]; a tensor's name is no Python.
    called = name if name.partition("[")[0].isidentifier() else "array"
    hint = _VALUE_HINTS.get(x.dtype.kind, "numbers are needed").format(x=called)
    if x.dtype.kind == "O":
        hint = f"its elements are numbers, so convert with {called}.astype('float64')"
        for index, value in np.ndenumerate(x):
            if not isinstance(value, numbers.Real):
                hint = f"{value!r:.40} at {list(index)} is no number"
                break
    told = f"{name} must be float16, float32 or float64, got {x.dtype}; {hint}"
    raise TypeError(as_written(told, **{called: given}))


def _refuse_not_finite(
    values: NDArray[Any], source: NDArray[Any], lengths: NDArray[np.int64] | None, *, name: str
) -> NoReturn:
    counts = np.full((1,) * values.ndim, True)
    if lengths is not None:
        counts = np.arange(values.shape[1]) < lengths[:, np.newaxis]
        counts = counts.reshape(counts.shape + (1,) * (values.ndim - 2))
    bad = ~np.isfinite(source) & counts
    if bad.any():
        raise ValueError(f"{name} must be finite, but {_first_of(bad, source)}")
    raise ValueError(
        f"{name} must fit {values.dtype} (at most {np.finfo(values.dtype).max:.6g}), "
        f"but {_first_of(~np.isfinite(values) & counts, source)}"
    )


def _first_of(bad: NDArray[np.bool_], x: NDArray[Any]) -> str:
    """How many, and the first: "2 of 9 do not; the first is nan at [0, 4]"."""
    count = int(np.count_nonzero(bad))
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), x.shape))
    verb = "is" if count == 1 else "are"
    return f"{count} of {x.size} {verb} not; the first is {x[index]} at {list(index)}"


def _describe(value: Any) -> str:
    return f"{shown(value)} ({type(value).__name__})"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
