"""Iterables of batches: told apart from arrays, gone through, their items taken apart."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lstm_native._base.arrays import is_buffer
from lstm_native._base.checks import check_positive_int

FIELDS = ("x", "y", "sample_weight", "lengths", "mask")
_ARRAYS = (str, bytes, bytearray, memoryview, range, list, tuple, set, frozenset, Mapping)
_ARRAY_MARKS = ("__array__", "__array_interface__", "__dlpack__", "__dataframe__", "toarray")
_ANEW = (
    "give what can be gone through again (a DataLoader, an object with __iter__), or a function "
    "that returns a new iterable each time"
)
_END = object()

_BESIDE = {
    "y": "whose batches hold the targets: give (x, y) in each",
    "sample_weight": "whose batches hold the weights: give (x, y, sample_weight) in each",
    "lengths": "whose batches hold them: give {'x': ..., 'y': ..., 'lengths': ...} in each",
    "mask": "whose batches hold it: give {'x': ..., 'y': ..., 'mask': ...} in each",
    "batch_size": "whose batches have their own size",
    "shuffle": "whose batches come in its own order: shuffle there",
    "validation_split": "which cannot be split: give validation_data",
    "validation_lengths": "whose batches hold them: give {'x': ..., 'y': ..., 'lengths': ...}",
    "validation_mask": "whose batches hold it: give {'x': ..., 'y': ..., 'mask': ...} in each",
}


def is_batches(x: Any) -> bool:
    """Whether `x` gives one batch after another, and is no array, list or table of samples."""
    if isinstance(x, (np.ndarray, *_ARRAYS)) or any(hasattr(x, mark) for mark in _ARRAY_MARKS):
        return False
    if is_buffer(x):
        return False
    return _is_iterable(x) or callable(x)


def refuse_batches(x: Any) -> None:
    """Refuse an iterable where one batch is to be given."""
    if is_batches(x):
        raise TypeError(f"x: expected the arrays of one batch, got {type(x).__name__}")


def refuse_beside(source: str, **given: Any) -> None:
    """Refuse arguments that say what the batches themselves must say."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name}: {source} is an iterable of batches, {_BESIDE[name]}")


def refuse_steps(source: str, **given: Any) -> None:
    """Refuse a number of batches where there are arrays."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name}: only an iterable of batches has them, and {source} is not one"
            )


class Source:
    """An iterable of batches, gone through again and again.

    Parameters
    ----------
    source : iterable, object with a length and items, or function that returns an iterable
    name : str
        What to call it in messages.
    steps : int, optional
        Batches of a pass; by default until the iterable ends.
    goes_on : bool
        With steps: whether a pass begins where the one before ended, and an iterable that ends is
        begun anew. Otherwise each pass begins anew.
    passes : int
        How often it will be gone through.
    """

    def __init__(
        self,
        source: Any,
        *,
        name: str,
        steps: int | None = None,
        steps_name: str = "steps",
        goes_on: bool = False,
        passes: int = 1,
    ) -> None:
        _refuse_samples(source, name)
        if isinstance(source, type):
            raise TypeError(f"{name}: got the class {source.__name__}: give an object of it")
        # Generators, map, zip, what iter() gives. Whoever writes an iterator may begin it anew.
        kind = type(source)
        if kind is itertools.cycle and steps is None:
            raise ValueError(f"{name}: a cycle never ends; give {steps_name}")
        once = kind.__module__ in ("builtins", "itertools") and hasattr(kind, "__next__")
        if once and steps is None and passes > 1:
            raise ValueError(
                f"{name}: a {kind.__name__} can be gone through only once, and there are "
                f"{passes} epochs; {_ANEW}, or {steps_name}"
            )
        self._source = source
        self._name = name
        self._steps = None if steps is None else check_positive_int(steps, name=steps_name)
        self._steps_name = steps_name
        self._goes_on = goes_on
        self._iterator: Iterator[Any] | None = None
        self._ahead: list[Any] = []
        self._total = 0

    @property
    def count(self) -> int | None:
        """Batches of a pass, if that is known."""
        if self._steps is not None:
            return self._steps
        try:
            return len(self._source) or None
        except (TypeError, NotImplementedError):
            return None

    def first(self) -> Any:
        """Return the first batch of the pass to come, which stays to be given."""
        if not self._ahead:
            self._begin_pass()
            self._ahead = [self._next(0)]
        return self._ahead[0]

    def go_through(self) -> Iterator[Any]:
        """Yield the batches of one pass.

        Raises
        ------
        ValueError
            It gives no batch, or fewer than `steps`.
        """
        yield self.first()
        self._ahead = []
        done = 1
        while self._steps is None or done < self._steps:
            item = self._next(done)
            if item is _END:
                break
            yield item
            done += 1
        _call(self._source, "on_epoch_end")

    def _begin_pass(self) -> None:
        _call(self._source, "on_epoch_begin")
        if not self._goes_on or self._steps is None:
            self._iterator = None

    def _next(self, done: int) -> Any:
        """Return the next batch; _END where a pass without `steps` may end."""
        for _ in range(2):
            anew = self._iterator is None
            if self._iterator is None:
                self._iterator = self._iterate()
            item = next(self._iterator, _END)
            if item is not _END:
                self._total += 1
                return item
            self._iterator = None
            if self._steps is None and done:
                return _END
            if anew or not self._goes_on:
                break
        if self._total == 0:
            raise ValueError(f"{self._name}: the iterable gave no batch")
        told = f"{self._name} ended after {self._total} batches"
        if self._steps is not None:
            told += f", {done} of them in a pass of {self._steps_name}={self._steps}"
        raise ValueError(f"{told}; {_ANEW}")

    def _iterate(self) -> Iterator[Any]:
        found = self._source
        if not _is_iterable(found):
            found = found()
            if not _is_iterable(found):
                raise TypeError(
                    f"{self._name}: the function must return an iterable of batches, got "
                    f"{type(found).__name__}"
                )
        if hasattr(found, "__iter__"):
            return iter(found)
        return (found[index] for index in range(len(found)))


def prefixed(error: TypeError | ValueError, where: str, hint: str = "") -> TypeError | ValueError:
    """Return an error that also says where it was."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{where}: {error}{hint}")


def about_lengths(item: Any) -> str:
    """Return what to write for a refused batch that holds lengths at a place of its own."""
    if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
        return ""
    x, lengths = item[:2]
    if len(item) == 2:
        if not isinstance(x, (tuple, list)) or len(x) != 2:
            return ""
        x, lengths = x
    try:
        shape, found = np.shape(x), np.asarray(lengths)
    except Exception:  # whatever a foreign array raises
        return ""
    if len(shape) < 2 or found.shape != shape[:1] or found.dtype.kind not in "iu":
        return ""
    return "; lengths are told by name: give {'x': ..., 'y': ..., 'lengths': ...}"


def parts_of(item: Any) -> dict[str, Any]:
    """Return a batch's parts by name, from (x, y), (x, y, sample_weight) or a dict."""
    if isinstance(item, Mapping):
        unknown = [key for key in item if key not in FIELDS]
        if unknown or "x" not in item or "y" not in item:
            raise ValueError(
                f"expected a dict with 'x' and 'y', and maybe {', '.join(map(repr, FIELDS[2:]))}; "
                f"its keys are {', '.join(map(repr, item)) or 'none'}"
            )
        return dict(item)
    if isinstance(item, (tuple, list)) and len(item) in (2, 3):
        return dict(zip(FIELDS, item, strict=False))
    raise TypeError(f"expected (x, y), (x, y, sample_weight) or a dict, got {_describe(item)}")


def inputs_of(item: Any, is_x: Callable[[Any], bool]) -> dict[str, Any]:
    """Return what a model runs on, from x, (x,), (x, y), (x, y, sample_weight) or a dict.

    `is_x` says whether a list, tuple or dict is x: the inputs, or sequences.
    """
    if isinstance(item, (Mapping, tuple, list)) and is_x(item):
        return {"x": item}
    if isinstance(item, Mapping):
        unknown = [key for key in item if key not in FIELDS]
        if unknown or "x" not in item:
            raise ValueError(
                f"expected a dict with 'x', and maybe {', '.join(map(repr, FIELDS[1:]))}; its keys "
                f"are {', '.join(map(repr, item)) or 'none'}"
            )
        return {key: item[key] for key in ("x", "lengths", "mask") if key in item}
    if isinstance(item, (tuple, list)):
        if len(item) not in (1, 2, 3):
            raise TypeError(f"expected x, (x, y) or a dict, got {_describe(item)}")
        return {"x": item[0]}
    return {"x": item}


def refuse_missing_targets(x: Any, call: str) -> None:
    """Say what is missing where `x` holds samples and there is no y."""
    if isinstance(x, (list, tuple)) and x and all(isinstance(p, (tuple, Mapping)) for p in x):
        raise TypeError(
            f"y is missing; if x is a list of batches, give them as a function: "
            f"{call}(lambda: batches)"
        )
    raise TypeError(
        f"y is missing: {call}(x, y) takes arrays, {call}(batches) an iterable that gives (x, y)"
    )


def _is_iterable(x: Any) -> bool:
    kind = type(x)
    return hasattr(kind, "__iter__") or (hasattr(kind, "__getitem__") and hasattr(kind, "__len__"))


def _refuse_samples(source: Any, name: str) -> None:
    """Refuse a Dataset of PyTorch, which gives one sample at a time."""
    data = sys.modules.get("torch.utils.data")  # not loaded: it cannot be one
    if data is not None and isinstance(source, data.Dataset):
        raise TypeError(
            f"{name}: a torch Dataset gives single samples; give "
            "torch.utils.data.DataLoader(dataset, batch_size=32)"
        )


def _call(source: Any, name: str) -> None:
    """Call what Keras calls at the begin and end of an epoch, if the object has it."""
    found = getattr(source, name, None)
    if callable(found):
        found()


def _describe(item: Any) -> str:
    if isinstance(item, (tuple, list)):
        return f"a {type(item).__name__} of {len(item)}"
    shape = getattr(item, "shape", None)
    return type(item).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")
