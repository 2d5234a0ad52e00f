"""What callbacks know, in a model file: JSON that says where each array stands.

None, booleans, integers, finite numbers and text stand for themselves, lists for lists. All else is
an object with one key: {"float": "inf"}, {"dict": {...}}, {"array": name of a tensor}.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Extras = tuple[str, list[tuple[str, str, NDArray[Any]]]]

# The dtypes that NumPy and the safetensors format share.
_DTYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I8": "i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "BOOL": "?",
}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
_DEPTH = 32


def holds(dtype: np.dtype[Any]) -> bool:
    """Whether a file can hold arrays of this dtype."""
    return dtype.newbyteorder("<") in _NAMES


def pack(states: Mapping[str, Mapping[str, Any]]) -> Extras:
    """Return the states as JSON and arrays; "" and none where there are no states.

    Raises
    ------
    TypeError
        A value that no file can hold; the message names the callback and the key.
    """
    if not states:
        return "", []
    arrays: list[tuple[str, str, NDArray[Any]]] = []
    tree = {
        name: {key: _packed(value, arrays, f"{name}: {key}", 0) for key, value in state.items()}
        for name, state in states.items()
    }
    return json.dumps(tree, allow_nan=False), arrays


def _packed(value: Any, arrays: list[tuple[str, str, NDArray[Any]]], where: str, depth: int) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if depth == _DEPTH:
        raise TypeError(f"the state of callback {where} is nested more than {_DEPTH} deep")
    if isinstance(value, (list, tuple)):
        return [_packed(item, arrays, where, depth + 1) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {
            "dict": {
                key: _packed(item, arrays, f"{where}[{key!r}]", depth + 1)
                for key, item in value.items()
            }
        }
    if isinstance(value, np.ndarray):
        dtype = _NAMES.get(value.dtype.newbyteorder("<"))
        if dtype is not None:
            name = str(len(arrays))
            plain = np.ascontiguousarray(value, dtype=_DTYPES[dtype]).reshape(value.shape)
            arrays.append((name, dtype, plain))
            return {"array": name}
    kind = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(
        f"the state of callback {where} cannot be saved: expected numbers, text, None, lists, "
        f"dicts with text as keys or arrays of numbers, got {kind}"
    )


def unpack(
    text: str, tensors: Mapping[str, tuple[str, list[int], bytearray]]
) -> dict[str, dict[str, Any]]:
    """Return what `pack` was given. ValueError for what it cannot have made."""
    if not text and not tensors:
        return {}
    left = dict(tensors)
    try:
        tree = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("callbacks: expected JSON, got text that is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"callbacks: expected JSON, got an error: {str(error)[:200]}") from None
    if not isinstance(tree, dict) or not all(isinstance(state, dict) for state in tree.values()):
        raise ValueError("callbacks: expected an object of objects, got something else")
    states = {
        name: {key: _unpacked(value, left, 0) for key, value in state.items()}
        for name, state in tree.items()
    }
    if left:
        raise ValueError(f"callbacks: {len(left)} arrays that no state refers to")
    return states


def _unpacked(value: Any, tensors: dict[str, tuple[str, list[int], bytearray]], depth: int) -> Any:
    if depth > _DEPTH:
        raise ValueError("callbacks: expected less nesting, got more")
    if isinstance(value, list):
        return [_unpacked(item, tensors, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items() if len(value) == 1 else ((None, None),)
    if kind == "float" and held in ("inf", "-inf", "nan"):
        return float(held)
    if kind == "dict" and isinstance(held, dict):
        return {key: _unpacked(item, tensors, depth + 1) for key, item in held.items()}
    if kind == "array" and isinstance(held, str) and held in tensors:
        dtype, shape, data = tensors.pop(held)
        if dtype in _DTYPES:
            return np.frombuffer(data, dtype=_DTYPES[dtype]).reshape(shape)
    raise ValueError("callbacks: expected a number, text, a dict or an array, got something else")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key that stands twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"no JSON: {name}")
