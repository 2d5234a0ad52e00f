"""Streams: a model run one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn, Protocol

from numpy.typing import NDArray

from lstm_native._base.attributes import Guarded
from lstm_native._base.checks import as_tokens, as_values, check_int
from lstm_native._base.inputs import vocabulary_of
from lstm_native.layers._carried import State
from lstm_native.layers.layer import native_class

_MAX_BATCH = 2**24


class _Step(Protocol):
    def __call__(self, x: Any, *, out: NDArray[Any] | None = None) -> NDArray[Any]: ...


class Stream(Guarded):
    """A model that is given its sequences one step at a time, and keeps their state in between.

    Made by `Sequential.stream`. After T steps it has answered, bit for bit, what `predict` gives
    for the T steps at once; a layer with `return_sequences=False` answers with the step that is
    the last so far. Dropout rests.

    A stream keeps the weights and the instruction set of its making: training the model further,
    or loading other weights into it, does not touch a stream that exists. One stream takes one
    call at a time; several streams of one model may run in several threads.

    Attributes
    ----------
    step : callable, (x, *, out=None) -> y
        One step. `x`: (batch_size, F) floats, or (batch_size,) integer tokens when the first
        layer is an Embedding. Returns `y`: (batch_size, features), a new array, or `out`, a
        C-contiguous array of the model's dtype that shares no memory with `x`. Quickest when `x`
        is a C-contiguous array of the model's dtype (int64 for tokens). TypeError for a wrong
        dtype, ValueError for a wrong shape, NaN, infinity, or a token out of range: the state is
        then as before. RuntimeError when another thread is in a step of this stream.
    batch_size : int
        Sequences that run side by side.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.LSTM(8, input_size=1), ln.Dense(1)], seed=0)
    >>> x = np.sin(np.arange(5.0, dtype="float32")).reshape(1, 5, 1)
    >>> stream = model.stream()
    >>> y = [stream.step(x[:, t]) for t in range(5)]
    >>> bool((np.stack(y, axis=1) == model.predict(x)).all())
    True
    """

    __slots__ = ("_dtype", "_made", "_native", "batch_size", "step")
    _made_by = "model.stream"

    step: _Step

    def __init__(self, network: Any, batch_size: int, *, dtype: str) -> None:
        self._made = False
        self.batch_size = check_int(batch_size, name="batch_size", minimum=1, maximum=_MAX_BATCH)
        self._dtype = dtype
        # Of this object it may know nothing: the two would keep each other alive.
        if network.takes_tokens:
            check = partial(
                as_tokens, name="x", vocabulary=vocabulary_of(network), shape=(batch_size,)
            )
        else:
            shape = (batch_size, network.input_features)
            check = partial(as_values, name="x", dtype=dtype, shape=shape)
        self._native = native_class("Stream", dtype)(network, self.batch_size, check)
        self.step = self._native.step  # no Python between the caller and the core

    def reset(self) -> None:
        """Go back to the state before the first step: zeros."""
        self._native.reset()

    @property
    def state(self) -> tuple[State, ...]:
        """The state of each layer, as copies: (h, c) of an LSTM, each (layers, batch_size, H).

        None for a layer without state; of a layer that holds others, theirs one after another.
        Setting it checks everything before anything changes; a
        stream that is given the state of another with the same weights goes on as that one would.
        """
        return tuple(tuple(tensors) or None for tensors in self._native.state())

    @state.setter
    def state(self, value: Sequence[State]) -> None:
        """Set all of them or none: ValueError or TypeError says what does not fit."""
        now = self._native.state()
        if not isinstance(value, (tuple, list)):
            raise TypeError(f"state must be a sequence, got {type(value).__name__}")
        if len(value) != len(now):
            raise ValueError(f"state: expected one for each of {len(now)} layers, got {len(value)}")
        checked = []
        for index, (given, tensors) in enumerate(zip(value, now, strict=True)):
            name = f"state[{index}]"
            if not tensors and given is not None:
                raise ValueError(f"{name}: this layer has no state, expected None")
            if tensors and not (isinstance(given, (tuple, list)) and len(given) == len(tensors)):
                wanted = "(h, c)" if len(tensors) == 2 else _described(tensors)
                raise ValueError(f"{name}: expected {wanted}, got {_described(given)}")
            checked.append(
                [
                    as_values(v, name=f"{name}[{i}]", dtype=self._dtype, shape=tensor.shape)
                    for i, (v, tensor) in enumerate(zip(given or (), tensors, strict=True))
                ]
            )
        self._native.set_state(checked)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: the state and the weights live in the core."""
        raise TypeError(
            "Stream cannot be pickled or copied; make another with model.stream and set its state"
        )

    def __repr__(self) -> str:
        """Return the batch size and the dtype."""
        return f"Stream(batch_size={self.batch_size}, dtype={self._dtype!r})"


def _described(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"{len(value)} arrays"
    return type(value).__name__
