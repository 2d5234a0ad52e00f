"""Streams: a model run one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, Protocol

from numpy.typing import NDArray

from lstm_native._base.attributes import Guarded
from lstm_native._base.checks import check_int
from lstm_native._base.inputs import Checked, Entering
from lstm_native._base.native import native_class
from lstm_native._base.values import as_tokens, as_values
from lstm_native.layers._carried import State
from lstm_native.network.form import Form

_MAX_BATCH = 2**24


class _Step(Protocol):
    def __call__(self, x: Any, *, out: NDArray[Any] | None = None) -> Any: ...


class Stream(Guarded):
    """A model that is given its sequences one step at a time, and keeps their state in between.

    Made by `Sequential.stream` and `Model.stream`. After T steps it has answered, bit for bit, what
    `predict` gives for the T steps at once; a layer with `return_sequences=False` answers with the
    step that is the last so far. Dropout rests.

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

        Where several inputs of a `Model` are stepped, `x` is a list or dict with one entry for
        each; where several outputs are, `y` has the form that `predict` has, without those that
        depend on held inputs alone. `out` is refused then (TypeError).
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

    __slots__ = ("_checks", "_dtype", "_forms", "_made", "_native", "batch_size", "step")
    _made_by = "model.stream"

    step: _Step

    def __init__(
        self,
        network: Any,
        batch_size: int,
        *,
        dtype: str,
        entering: Sequence[Entering],
        forms: tuple[Form, Form],
        held: Sequence[Checked | None] | None = None,
    ) -> None:
        """Begin a stream.

        entering, held : of each input what it takes, and what it holds; None: it is stepped.
        forms : how inputs and outputs are given.
        """
        self._made = False
        self.batch_size = check_int(batch_size, name="batch_size", minimum=1, maximum=_MAX_BATCH)
        self._dtype = dtype
        stepped = [i for i in range(len(entering)) if held is None or held[i] is None]
        self._checks = [
            _check_of(entering[i], forms[0].label("x", i) if len(stepped) > 1 else "x", self)
            for i in stepped
        ]
        # Of this object it may know nothing: the two would keep each other alive.
        check = self._checks[0] if stepped else None
        arrays = lengths = None
        if held is not None:
            arrays = [None if one is None else one[0] for one in held]
            lengths = [None if one is None else one[1] for one in held]
        native = native_class("Stream", dtype)
        self._native = native(network, self.batch_size, check, arrays, lengths)
        form_in, form_out = forms
        self._forms = form_in.part(stepped), form_out.part(self._native.outputs)
        if self._native.single and all(form.single for form in self._forms):
            self.step = self._native.step  # no Python between the caller and the core
        else:
            self.step = partial(_step_all, self._native, self._forms, self._checks)

    def reorder(self, rows: Any) -> None:
        """Let each sequence go on from where another one stands: for beams.

        What is held stays where it is.

        Parameters
        ----------
        rows : int array_like, (batch_size,)
            Sequence i goes on from where sequence rows[i] stands.

        Raises
        ------
        TypeError, ValueError
            No integers, another shape, or indices out of range; nothing has changed then.
        """
        self._native.reorder(
            as_tokens(rows, name="rows", vocabulary=self.batch_size, shape=(self.batch_size,))
        )

    def reset(self) -> None:
        """Go back to the state before the first step: zeros, or what held inputs say."""
        self._native.reset()

    @property
    def state(self) -> tuple[State, ...]:
        """The state of each layer, as copies: (h, c) of an LSTM, each (layers, batch_size, H).

        None for a layer without state; of a layer that holds others, theirs one after another. Of
        a `Model` there is one for each use of a layer, as its summary lists them.
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


def _step_all(
    native: Any,
    forms: tuple[Form, Form],
    checks: Sequence[Callable[[Any], Any]],
    x: Any,
    *,
    out: Any = None,
) -> Any:
    """Make a step of several inputs or outputs."""
    if out is not None:
        raise TypeError(
            "step: out= goes with one array in and one out, not with several in lists or dicts: "
            "take the arrays that step returns"
        )
    entries = forms[0].entries(x, "x")
    checked = [check(one) for check, one in zip(checks, entries, strict=True)]
    return forms[1].joined(native.step_all(checked))


def _check_of(wanted: Entering, name: str, stream: Stream) -> Callable[[Any], NDArray[Any]]:
    """Return what takes in one step of an input."""
    batch_size, dtype = stream.batch_size, stream._dtype
    if wanted.vocabulary:
        return partial(as_tokens, name=name, vocabulary=wanted.vocabulary, shape=(batch_size,))
    return partial(as_values, name=name, dtype=dtype, shape=(batch_size, wanted.features))


def _described(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"{len(value)} arrays"
    return type(value).__name__
