"""What a callback is.

A callback sees the model through `state_dict`, `load_state_dict`, `save(path)`, `stop_training`
and `learning_rate` alone. Epochs count from 0. `logs` maps names ("loss", "val_loss", metrics)
to numbers: running means at the end of a batch, final figures at the end of an epoch. It is a
dict that cannot be changed.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from lstm_native._base import callback_states
from lstm_native._base.attributes import Elsewhere
from lstm_native._base.shown import shown

Logs = Mapping[str, float]
State = dict[str, Any]
"""What a callback remembers: numbers, strings, None, lists of them, arrays, dicts of arrays."""


class TrainedModel(Protocol):
    """The part of a model that callbacks use."""

    stop_training: bool
    learning_rate: float

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return copies of all parameters by name."""

    def load_state_dict(self, state: dict[str, NDArray[Any]], /) -> Any:
        """Set all parameters."""

    def save(self, path: str, /) -> Any:
        """Write the model file, atomically."""


class _NotHeld(Elsewhere):
    """A name that Keras sets on a callback; one's own callback may set it."""

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(
            f"'{owner.__name__}' object has no attribute '{self.name}': the model is the first "
            "argument of each hook, as in on_epoch_end(self, model, epoch, logs)"
        )


class Callback:
    """Base of all callbacks: every hook does nothing until a subclass gives it something to do.

    `on_train_end` is called however training ended, also after Ctrl-C or an error.

    Attributes
    ----------
    saves_model : bool
        True for a callback that saves the model at the end of an epoch: it takes its turn after
        all others, so that the file holds what they have come to in that epoch.

    Examples
    --------
    >>> class Shout(Callback):
    ...     def on_epoch_end(self, model, epoch, logs):
    ...         print(f"epoch {epoch}: {logs['loss']:.2f}!")
    >>> Shout().on_epoch_end(None, 0, {"loss": 0.5})
    epoch 0: 0.50!
    """

    saves_model = False
    model: Any = _NotHeld("model")

    def check_logs(self, names: Sequence[str], initial_epoch: int) -> None:
        """Refuse what is bound to fail: called first of all, before anything has changed.

        Parameters
        ----------
        names : sequence of str
            Of the logs that there will be at the end of each epoch.
        initial_epoch : int
            0, or the first epoch of a training that resumes.
        """

    def on_train_begin(self, model: TrainedModel) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, model: TrainedModel, batch: int, logs: Logs) -> None:
        """After a batch; batches count from 0 in each epoch."""

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """After the last batch of an epoch and after its validation."""

    def on_train_end(self, model: TrainedModel) -> None:
        """After training, however it ended."""

    def state_dict(self) -> State:
        """Return what a resumed training must know of the epochs before it.

        Numbers, strings, None, lists of them, arrays, or dicts of str to array. It lives in the
        model, and is saved with it. {}: there is nothing to remember.
        """
        return {}

    def load_state_dict(self, state: State) -> None:
        """Go on from what `state_dict` returned.

        `fit(initial_epoch=...)` calls it after `on_train_begin`, if the model holds a state of
        this callback. ValueError says what does not fit.
        """


# Hooks of Keras and Lightning that would never be called here, and what to write instead.
_FOREIGN = {
    "on_train_start": "on_train_begin",
    "on_fit_start": "on_train_begin",
    "on_fit_end": "on_train_end",
    "on_batch_begin": "on_epoch_begin, or a loop over train_on_batch",
    "on_train_batch_begin": "on_epoch_begin, or a loop over train_on_batch",
    "on_train_batch_start": "on_epoch_begin, or a loop over train_on_batch",
    "on_train_batch_end": "on_batch_end",
    "on_train_epoch_start": "on_epoch_begin",
    "on_train_epoch_end": "on_epoch_end",
    **dict.fromkeys(
        ("on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end"),
        "on_epoch_end, which comes after the validation",
    ),
    **dict.fromkeys(
        ("on_validation_start", "on_validation_end", "on_validation_epoch_end"),
        "on_epoch_end, which comes after the validation",
    ),
    **dict.fromkeys(
        ("on_predict_begin", "on_predict_end", "on_predict_batch_begin", "on_predict_batch_end"),
        "code around predict, which calls no callback",
    ),
}


# What each hook is called with.
_HOOKS = {
    "check_logs": ("names", "initial_epoch"),
    "on_train_begin": ("model",),
    "on_epoch_begin": ("model", "epoch"),
    "on_batch_end": ("model", "batch", "logs"),
    "on_epoch_end": ("model", "epoch", "logs"),
    "on_train_end": ("model",),
}
_MEANT = {"model", "epoch", "batch", "logs", "pl_module"}


def _check_hooks(callback: Callback) -> None:
    """Refuse hooks written as Keras calls them: they would get other arguments than they mean."""
    kind = type(callback)
    for name, wanted in _HOOKS.items():
        hook = getattr(callback, name)
        if str(getattr(hook, "__module__", "")).partition(".")[0] == __name__.partition(".")[0]:
            continue
        try:
            signature = inspect.signature(hook)
        except (TypeError, ValueError):  # one that does not say what it takes
            continue
        try:
            signature.bind(*wanted)
            taken = list(signature.parameters.values())
            named = [one.name for one in taken if one.kind is one.POSITIONAL_OR_KEYWORD]
            fits = all(
                other == own or other not in _MEANT
                for own, other in zip(wanted, named, strict=False)
            )
        except TypeError:
            fits = False
        if not fits:
            raise TypeError(
                f"{kind.__name__}.{name}: write {name}(self, {', '.join(wanted)}), got {signature}"
            )


class _ReadOnlyLogs(dict[str, float]):
    """The logs as callbacks see them: what one of them wrote would reach some of the others."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "logs are read-only; keep figures in the callback, or give a function in metrics"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


_OURS = (
    "CSVLogger",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgressBar",
    "ReduceLROnPlateau",
)


def _made_of(given: Any) -> str:
    """Return what to write for what is no callback, such as one of Keras; "" for nothing."""
    if isinstance(given, type) and issubclass(given, Callback):
        return f"; make one: {given.__name__}()"
    kind = given if isinstance(given, type) else type(given)
    if kind.__name__ in _OURS:
        return f"; write ln.{kind.__name__}(...)"
    if any(part.__name__ == "Callback" for part in kind.__mro__):
        return "; derive it from ln.Callback, whose hooks get the model as first argument"
    if callable(given):
        return (
            "; a function of (epoch, learning_rate) goes into LearningRateScheduler(...), "
            "another one into a class derived from ln.Callback"
        )
    return ""


class CallbackList(Callback):
    """Several callbacks as one, called in order.

    At the end of an epoch those that save the model come last. `on_train_end` reaches every one
    of them even if one fails; the first error is raised after.

    Raises
    ------
    TypeError
        Something in the list is no Callback, or has a hook of Keras that is called otherwise here,
        or with other arguments.
    ValueError
        A callback stands in the list twice.
    """

    def __init__(self, callbacks: Callback | Iterable[Callback]) -> None:
        self.callbacks: list[Callback] = []
        several = hasattr(callbacks, "__iter__") and not isinstance(callbacks, (str, Callback))
        listed: Any = callbacks if several else [callbacks]
        for callback in listed:
            # Those of a list within the list take their turns, and are asked for states, as any.
            inner = callback.callbacks if isinstance(callback, CallbackList) else [callback]
            self.callbacks += inner
        for index, callback in enumerate(self.callbacks):
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"callbacks must be Callback objects, got {shown(callback)}{_made_of(callback)}"
                )
            for name, instead in _FOREIGN.items():
                if hasattr(callback, name):
                    raise TypeError(
                        f"{type(callback).__name__}.{name} would never be called; write {instead}"
                    )
            _check_hooks(callback)
            if any(callback is other for other in self.callbacks[:index]):
                raise ValueError(f"callbacks: {shown(callback)} stands in the list twice")

    def check_logs(self, names: Sequence[str], initial_epoch: int) -> None:
        """Ask each callback whether it can work with these logs."""
        for callback in self.callbacks:
            callback.check_logs(names, initial_epoch)

    def on_train_begin(self, model: TrainedModel) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_train_begin(model)

    def on_epoch_begin(self, model: TrainedModel, epoch: int) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_epoch_begin(model, epoch)

    def on_batch_end(self, model: TrainedModel, batch: int, logs: Logs) -> None:
        """Tell all, with logs that nobody may change."""
        logs = _ReadOnlyLogs(logs)
        for callback in self.callbacks:
            callback.on_batch_end(model, batch, logs)

    def on_epoch_end(self, model: TrainedModel, epoch: int, logs: Logs) -> None:
        """Tell all, those that save the model last: they write what the others left."""
        logs = _ReadOnlyLogs(logs)
        for callback in sorted(self.callbacks, key=lambda one: one.saves_model):
            callback.on_epoch_end(model, epoch, logs)

    def on_train_end(self, model: TrainedModel) -> None:
        """Tell all, also behind one that fails, whose error comes out at the end."""
        first: BaseException | None = None
        for callback in self.callbacks:
            try:
                callback.on_train_end(model)
            except BaseException as error:
                first = first or error
        if first is not None:
            raise first

    # -- states ----------------------------------------------------------------------------

    def states(self) -> dict[str, State]:
        """Return the state of each callback that has one, by its name in the list."""
        found = {}
        for name, callback in self._named():
            state = callback.state_dict()
            _check_state(state, name)
            if state:
                found[name] = state
        return found

    def load_states(self, states: Mapping[str, State]) -> None:
        """Give each callback its state; one that has none there begins anew."""
        for name, callback in self._named():
            if name in states:
                try:
                    callback.load_state_dict(states[name])
                except (LookupError, TypeError, ValueError) as error:
                    raise ValueError(
                        f"callbacks: what the model holds of {name} does not fit: {error}; train "
                        "with the callback it was saved with, or with initial_epoch=0"
                    ) from error

    def _named(self) -> list[tuple[str, Callback]]:
        """Name each by its class and monitor, and by its place among equals: "name#1"."""
        found = []
        seen: Counter[str] = Counter()
        for callback in self.callbacks:
            monitor = getattr(callback, "monitor", None)
            name = type(callback).__name__ + (f"({monitor})" if isinstance(monitor, str) else "")
            found.append((f"{name}#{seen[name]}" if seen[name] else name, callback))
            seen[name] += 1
        return found


def _check_state(state: Any, name: str) -> None:
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise TypeError(f"{name}.state_dict() must return a dict with str keys, got {shown(state)}")
    for key, value in state.items():
        arrays = value if isinstance(value, dict) else {key: value}
        if all(isinstance(k, str) and isinstance(a, np.ndarray) for k, a in arrays.items()):
            for array in arrays.values():
                if not callback_states.holds(array.dtype):
                    raise TypeError(
                        f"{name}.state_dict(): '{key}' must be of a dtype that a model file holds "
                        f"(integers, bool, float16, float32, float64), got {array.dtype}"
                    )
            continue
        if not _is_plain(value):
            raise TypeError(
                f"{name}.state_dict(): '{key}' must be a number, str, None, a list of them, an "
                f"array or a dict of str to array, got {type(value).__name__}"
            )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(part) for part in value)
    return value is None or isinstance(value, (bool, int, float, str))
