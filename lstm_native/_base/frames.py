"""Columns of pandas, polars and Arrow: numbers however they are kept; anything else by name.

None of these packages is imported here: whoever hands one of their objects over has done so.
"""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBERS = "iufb"


def array_of(x: Any, *, name: str) -> NDArray[Any]:
    """Return a frame as (rows, columns), a column as (rows,), in the dtype its numbers need.

    Raises
    ------
    TypeError
        Columns that hold no numbers, by name; a frame that is not computed yet.
    ValueError
        Missing values: how many, and where the first one is.
    """
    if hasattr(x, "collect") and not hasattr(x, "__array__"):
        raise TypeError(f"{name} is a {type(x).__name__}, not computed yet; write {name}.collect()")
    columns = _columns(x)
    if columns is None:
        return _of_column(x, name)
    kinds = getattr(x, "dtypes", (None,))
    if not columns or all(isinstance(k, np.dtype) and k.kind in "iuf" for k in kinds):
        return np.asarray(x)  # of pandas' own, without a copy
    missing, odd, found = 0, [], []
    first: tuple[Any, int] | None = None
    for label, column in columns:
        values, absent = _numbers(column)
        if values is None:
            odd.append(f"{label!r} ({_kind(column)})")
            continue
        if len(absent):
            missing += len(absent)
            if first is None or absent[0] < first[1]:
                first = label, int(absent[0])
        found.append(values)
    if odd:
        raise TypeError(
            f"{name} has columns that are not numbers: {', '.join(odd)}; leave them out or turn "
            "them into numbers"
        )
    if first is not None:
        _refuse_missing(name, missing, f"row {first[1]} of column {first[0]!r}")
    return np.column_stack(found)


def parts_of(x: Any) -> list[Any] | None:
    """Return the arrays or lists of a column that holds one in each row; None for other columns."""
    if _columns(x) is not None or not hasattr(x, "__len__") or not len(x):
        return None
    if _is_nested(x):
        return [np.asarray(part) for part in x.to_list()]
    if getattr(getattr(x, "dtype", None), "kind", "") != "O":
        return None
    parts = x.to_list()
    return parts if all(hasattr(part, "__len__") for part in parts) else None


def _columns(x: Any) -> list[tuple[Any, Any]] | None:
    """Return the columns with their labels; None where `x` is itself one."""
    if hasattr(x, "iloc"):  # pandas; labels may stand twice
        return None if x.ndim == 1 else [(label, x.iloc[:, i]) for i, label in enumerate(x.columns)]
    if hasattr(x, "get_columns"):  # polars
        return list(zip(x.columns, x.get_columns(), strict=True))
    if hasattr(x, "column_names"):  # Arrow
        return [(label, x.column(i)) for i, label in enumerate(x.column_names)]
    return None


def _of_column(x: Any, name: str) -> NDArray[Any]:
    values, absent = _numbers(x)
    if values is None:
        kind = _kind(x)
        hint = f"; for class indices write {name}.cat.codes" if kind == "category" else ""
        if kind.startswith(("str", "object")):
            hint = f"; for class indices write pandas.factorize({name})[0]"
        raise TypeError(f"{name} holds no numbers but {kind}{hint}")
    if len(absent):
        _refuse_missing(name, len(absent), f"row {absent[0]}")
    return values


def _refuse_missing(name: str, count: int, where: str) -> None:
    values = "value, in" if count == 1 else "values, the first in"
    raise ValueError(
        f"{name} has {count} missing {values} {where}; fill them or drop their rows first"
    )


def _numbers(column: Any) -> tuple[NDArray[Any] | None, NDArray[np.intp]]:
    """Return a column's numbers, None if it holds others, and the rows that are missing."""
    none = np.empty(0, dtype=np.intp)
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in _NUMBERS:
        return np.asarray(column), none
    if hasattr(column, "null_count"):  # polars, Arrow
        count = column.null_count
        some = count() if callable(count) else count
        absent = np.flatnonzero(np.asarray(column.is_null())) if some else none
    elif hasattr(column, "isna"):  # pandas
        absent = np.flatnonzero(np.asarray(column.isna()))
    else:
        absent = none
    kind = getattr(dtype, "kind", "")
    if kind and kind in _NUMBERS:  # nullable or sparse
        if len(absent):
            return np.empty(0), absent
        plain = getattr(dtype, "numpy_dtype", None) or getattr(dtype, "subtype", None)
        return np.asarray(column.to_numpy(dtype=plain)), none
    if getattr(dtype, "name", "") == "category":
        return None, none
    values = np.asarray(column)
    if values.dtype.kind in _NUMBERS:
        return values, absent
    if values.dtype.kind != "O":
        return None, none
    given = np.delete(values, absent).tolist()
    if not all(isinstance(value, (Real, Decimal)) for value in given):
        return None, none
    if len(absent):
        return np.empty(0), absent
    found = np.array(given)
    return (found if found.dtype.kind in _NUMBERS else found.astype(np.float64)), none


def _is_nested(column: Any) -> bool:
    """Whether a column of polars holds a list in each row."""
    return type(getattr(column, "dtype", None)).__name__ in ("List", "Array")


def _kind(column: Any) -> str:
    """Return what a column holds, as its library names it."""
    dtype = getattr(column, "dtype", getattr(column, "type", None))
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        for value in column:
            if not isinstance(value, Real):
                return f"object, such as {value!r:.40}"
    return str(dtype)
