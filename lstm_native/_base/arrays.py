"""What counts as an array: anything that holds numbers in order becomes one, or is named."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, MappingView, Sequence, Set
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

# Libraries whose columns say more than NumPy's own conversion keeps.
_FRAMES = ("pandas", "polars", "pyarrow")


def is_array_like(x: Any) -> bool:
    """Whether `x` stands for one array, or a list of them; an iterable of batches does not.

    Examples
    --------
    >>> is_array_like([[1.0], [2.0]]), is_array_like(iter([])), is_array_like({"x": 1.0})
    (True, False, False)
    """
    if isinstance(x, (str, bytes, bytearray)):
        return False
    if isinstance(x, (np.ndarray, int, float, complex, Sequence)):
        return True
    return (
        hasattr(x, "__array__")
        or hasattr(x, "__array_interface__")
        or library_of(x) in (*_FRAMES, "scipy")
        or is_buffer(x)
    )


def is_array(x: Any) -> bool:
    """Whether `x` is array-like and no single number."""
    return is_array_like(x) and hasattr(x, "__len__") and bool(getattr(x, "ndim", 1))


def as_array(x: Any, *, name: str) -> NDArray[Any]:
    """Return `x` (array, list, tensor, frame) as a NumPy array of whatever dtype it has.

    Raises
    ------
    TypeError
        None, text, a dict, a set, an iterator: no array. A masked array: NumPy would drop its mask
        without a word. A tensor with a gradient or on another device, a sparse matrix, a frame
        with columns that are no numbers: says what to write.
    ValueError
        Parts of different shapes, missing values of a frame.
    """
    if type(x) is np.ndarray:
        if x.dtype.kind == "O" and x.ndim == 1 and x.size and all(map(is_array, x)):
            return _of_list(list(x), name)
        return x
    ma = sys.modules.get("numpy.ma")  # not loaded: x cannot be one, and loading it costs
    if ma is not None and isinstance(x, ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array; give {name}.filled(0.0), and mask= where steps are skipped"
        )
    library = library_of(x)
    if library in _FRAMES:
        from lstm_native._base import frames

        return frames.array_of(x, name=name)
    if library in ("torch", "scipy"):
        _refuse_foreign(x, name)
    if not is_array_like(x):
        _refuse(x, name)
    if isinstance(x, (list, tuple)):
        return _of_list(x, name)
    if isinstance(x, Sequence) and not is_buffer(x):
        return _of_list(list(x), name)
    try:
        return np.asarray(x)
    except Exception as error:  # whatever a foreign __array__ raises
        raise TypeError(f"{name} is {a(x)}, which gives no array: {error}") from None


def sequences_of(x: Any, *, ndim: int, name: str) -> list[NDArray[Any]] | None:
    """Return the arrays of a list of sequences, each of `ndim` axes; None where `x` is one array.

    A list of arrays (tensors, frames) is a list of sequences, and so are nested lists of different
    lengths, an array of arrays and a column of them. Nested lists of one length are an array.

    Raises
    ------
    ValueError
        Sequences of different lengths, but with another number of axes.
    """
    parts = parts_of(x)
    if not parts:
        return None
    if all(type(part) is np.ndarray and part.ndim == ndim for part in parts):
        return parts
    if not all(map(is_array, parts)):
        return None
    nested = all(isinstance(part, (list, tuple)) for part in parts)
    if nested and isinstance(x, (list, tuple)) and len({len(part) for part in parts}) == 1:
        return None
    found = [as_array(part, name=f"{name}[{i}]") for i, part in enumerate(parts)]
    odd = [i for i, part in enumerate(found) if part.ndim != ndim and part.size]
    if not odd:
        return found
    if len({part.shape for part in found}) == 1 and isinstance(x, (list, tuple)):
        return None  # one array, whose shape is checked as that of any other
    first = odd[0]
    wanted = "(steps, features)" if ndim == 2 else "(steps,) of tokens"
    hint = ""
    if ndim == 2 and found[first].ndim == 1:
        hint = f"; with one feature, write [np.reshape(part, (-1, 1)) for part in {name}]"
    raise ValueError(
        f"{name}[{first}]: expected a sequence {wanted}, got shape {found[first].shape}{hint}"
    )


def parts_of(x: Any) -> list[Any] | None:
    """Return what a list, an array of objects or a column of them holds; None for anything else."""
    if isinstance(x, (list, tuple)):
        return list(x)
    if isinstance(x, np.ndarray):
        return list(x) if x.dtype.kind == "O" and x.ndim == 1 else None
    if is_frame(x):
        from lstm_native._base import frames

        return frames.parts_of(x)
    return None


def is_frame(x: Any) -> bool:
    """Whether `x` is a frame or a column of pandas, polars or Arrow."""
    return library_of(x) in _FRAMES


def library_of(x: Any) -> str:
    """Return the package that the class of `x`, or one it comes from, belongs to; "" for our own.

    Examples
    --------
    >>> library_of([]), library_of(np.zeros(1))
    ('', '')
    """
    for kind in type(x).__mro__:
        package = kind.__module__.partition(".")[0]
        if package in (*_FRAMES, "torch", "scipy"):
            return package
    return ""


def a(x: Any) -> str:
    """Return "a DataLoader", "an Iterator": what `x` is, for a message."""
    kind = type(x).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _of_list(x: list[Any] | tuple[Any, ...], name: str) -> NDArray[Any]:
    if x and library_of(x[0]):
        x = [as_array(part, name=f"{name}[{i}]") for i, part in enumerate(x)]
    try:
        return np.asarray(x)
    except Exception:  # ValueError for parts that differ, anything from a part's __array__
        pass
    shapes = []
    for index, part in enumerate(x):
        shapes.append(as_array(part, name=f"{name}[{index}]").shape)
        if shapes[index] != shapes[0]:
            raise ValueError(
                f"{name} does not form an array: {name}[0] has shape {shapes[0]}, {name}[{index}] "
                f"has {shapes[index]}"
                + ("; pad them to one length and give lengths" if name == "x" else "")
            )
    raise TypeError(f"{name} does not form an array: its {len(x)} parts are {a(x[0])} each")


def _refuse(x: Any, name: str) -> NoReturn:
    """Refuse what is no array, and say what to write."""
    wanted = "expected an array of numbers"
    if x is None:
        raise TypeError(f"{name} is None; {wanted}")
    if isinstance(x, (str, bytes)):
        raise TypeError(f"{name} is the text {x[:40]!r}; {wanted}")
    if isinstance(x, Mapping):
        raise TypeError(
            f"{name} is {a(x)}; {wanted}; to put its columns side by side, write "
            f"np.column_stack(list({name}.values()))"
        )
    if isinstance(x, Set):
        raise TypeError(f"{name} is {a(x)}, which has no order; {wanted}")
    if isinstance(x, (Iterator, MappingView)):
        raise TypeError(f"{name} is {a(x)}; {wanted}; write np.stack(list({name}))")
    raise TypeError(f"{name} is {a(x)}; {wanted}")


def _refuse_foreign(x: Any, name: str) -> None:
    """Refuse a tensor or matrix that NumPy cannot read, and say what to write."""
    if library_of(x) == "scipy":
        if hasattr(x, "toarray"):
            raise TypeError(f"{name} is a sparse matrix; write {name}.toarray()")
        return
    if type(x).__name__ == "PackedSequence":
        raise TypeError(
            f"{name} is a PackedSequence; write {name}, lengths = pad_packed_sequence({name}, "
            "batch_first=True) and give lengths"
        )
    if not hasattr(x, "requires_grad"):
        return
    steps = ""
    if x.requires_grad:
        steps += ".detach()"
    if x.device.type != "cpu":
        steps += ".cpu()"
    if x.layout.__repr__() != "torch.strided":
        steps += ".to_dense()"
    if x.dtype.__repr__() == "torch.bfloat16":
        steps += ".float()"
    if steps:
        raise TypeError(f"{name} is a tensor that NumPy cannot read; write {name}{steps}.numpy()")


def is_buffer(x: Any) -> bool:
    """Whether NumPy may read its memory: array.array, memoryview."""
    try:
        memoryview(x).release()
    except (TypeError, ValueError, BufferError):
        return False
    return True
