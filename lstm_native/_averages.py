"""Callbacks that keep a mean of the weights, which often answers better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.attributes import Guarded, NotYetError
from lstm_native._base.callback import Callback, Logs, State
from lstm_native._base.checks import check_choice, check_int, check_positive_int, check_real
from lstm_native._base.native import native_class
from lstm_native._base.state_dicts import match
from lstm_native._monitor import check_fields


class _WeightMean(Callback, Guarded):
    """What both have in common: the native mean, and the ways to use it."""

    def __init__(self) -> None:
        self._native: Any = None  # of the model that is trained
        self._kept: tuple[int, dict[str, NDArray[Any]]] = (0, {})  # without it: count and means
        self._updates = 0  # of the optimiser, when weights were taken in the last time

    @property
    def count(self) -> int:
        """How many times weights have been taken in."""
        return self._kept[0] if self._native is None else int(self._native.count)

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return copies of the means by name, as `model.state_dict()` names them.

        Raises
        ------
        RuntimeError
            Nothing has been taken in yet.
        """
        if not self.count:
            raise NotYetError("there is no mean yet: it is made in fit(..., callbacks=[...])")
        if self._native is None:
            return {name: value.copy() for name, value in self._kept[1].items()}
        found: dict[str, NDArray[Any]] = self._native.state()
        return found

    def copy_to(self, model: Any) -> None:
        """Give a model of the same layers the means as its weights.

        Raises
        ------
        RuntimeError
            Nothing has been taken in yet.
        ValueError
            The model has other layers. Nothing has changed then.
        """
        model.load_state_dict(self.weights())

    @contextmanager
    def applied(self, model: Any) -> Iterator[Any]:
        """Let the model have the means as its weights within a `with`, and its own after it.

        Examples
        --------
        >>> import numpy as np
        >>> import lstm_native as ln
        >>> model, ema = ln.Sequential([ln.Dense(1, input_size=1)]), ln.EMA(0.9)
        >>> _ = model.fit(np.ones((8, 1)), np.ones((8, 1)), callbacks=ema, verbose=False)
        >>> with ema.applied(model):
        ...     y = model.predict(np.ones((1, 1)))
        """
        own = model.state_dict()
        self.copy_to(model)
        try:
            yield model
        finally:
            model.load_state_dict(own)

    def on_train_begin(self, model: Any) -> None:
        """Begin anew, with no weights taken in."""
        self._native = native_class("WeightAverage", model.dtype)(model._network)
        self._updates = model._training.trainer.iterations

    def state_dict(self) -> State:
        """Return the means, and how many weights are in them."""
        if not self.count:
            return {"count": 0, "means": {}}
        return {"count": self.count, "means": self.weights()}

    def load_state_dict(self, state: State) -> None:
        """Go on from there."""
        check_fields(state, "count", "means")
        count = check_int(state["count"], name="count", minimum=0)
        if not count:
            return
        own = self._native.state()
        dtype = next(iter(own.values())).dtype.name if own else "float32"
        means, _ = match(own, state["means"], owner="model", dtype=dtype, strict=True)
        given = [np.require(means[name], requirements=["C", "A"]) for name in own]
        self._native.set_state(count, given)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle or a copy holds: the means by themselves, without a model."""
        kept = (self.count, self.weights() if self.count else {})
        return {**self.__dict__, "_native": None, "_kept": kept}

    def _is_updated(self, model: Any) -> bool:
        """Whether the weights were updated since this was asked the last time."""
        before, self._updates = self._updates, model._training.trainer.iterations
        return bool(before != self._updates)


class EMA(_WeightMean):
    """Keep an exponential moving average of the weights, over the updates of a training.

    After each update mean = decay * mean + (1 - decay) * weights, beginning with the weights after
    the first one, as torch.optim.swa_utils.AveragedModel has it with get_ema_multi_avg_fn. The
    model itself goes on with its own weights; the means are used with `applied` or `copy_to`. They
    are saved with the model, and a resumed training (`fit(initial_epoch=...)`) goes on with them.

    Parameters
    ----------
    decay : float
        In [0, 1): about 1 / (1 - decay) updates count.
    every : int
        Take the weights in after every so many updates.

    Attributes
    ----------
    count : int
        How many times weights have been taken in.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model, ema = ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(1)]), ln.EMA(0.99)
    >>> x = np.ones((64, 5, 1))
    >>> _ = model.fit(x, x.sum(axis=1), epochs=3, callbacks=[ema], verbose=False)
    >>> ema.count
    6
    >>> with ema.applied(model):
    ...     loss = model.evaluate(x, x.sum(axis=1))["loss"]
    >>> ema.copy_to(model)  # for good
    """

    def __init__(self, decay: float = 0.999, *, every: int = 1) -> None:
        super().__init__()
        self.decay = check_real(decay, name="decay", minimum=0.0, below=1.0)
        self.every = check_positive_int(every, name="every")
        self._since = 0

    def on_train_begin(self, model: Any) -> None:
        """Begin anew, with no weights taken in."""
        super().on_train_begin(model)
        self._since = 0

    def on_batch_end(self, model: Any, batch: int, logs: Logs) -> None:
        """Take the weights in, if they were updated."""
        self._look(model)

    def on_epoch_end(self, model: Any, epoch: int, logs: Logs) -> None:
        """Look once more: gradients may have waited for the end of the epoch."""
        self._look(model)

    def _look(self, model: Any) -> None:
        if not self._is_updated(model):
            return  # gradients wait for more batches
        self._since += 1
        if self._since >= self.every:
            self._since = 0
            self._native.add_exponential(self.decay)

    def state_dict(self) -> State:
        """Return the means, how many weights are in them, and the updates since the last."""
        return {**super().state_dict(), "since": self._since}

    def load_state_dict(self, state: State) -> None:
        """Go on from there."""
        check_fields(state, "count", "means", "since")
        since = check_int(state["since"], name="since", minimum=0)
        super().load_state_dict({name: state[name] for name in ("count", "means")})
        self._since = since


class SWA(_WeightMean):
    """Keep the mean of the weights that a training comes by (Izmailov et al. 2018).

    "Averaging weights leads to wider optima and better generalization". All weights that were taken
    in count alike, as in torch.optim.swa_utils.AveragedModel; of all updates that is the mean of
    Polyak & Juditsky (1992). Used, saved and resumed as `EMA`.

    Parameters
    ----------
    start : int
        The first epoch, from 0, at whose end the weights are taken in; or the first update.
    every : int
        Take them in again after every so many.
    unit : {"epoch", "update"}
        What is counted.

    Attributes
    ----------
    count : int
        How many times weights have been taken in.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model, swa = ln.Sequential([ln.Dense(1, input_size=2)]), ln.SWA(start=3)
    >>> x = np.ones((8, 2))
    >>> _ = model.fit(x, x[:, :1], epochs=5, callbacks=[swa], verbose=False)
    >>> swa.count
    2
    """

    def __init__(self, start: int = 0, every: int = 1, *, unit: str = "epoch") -> None:
        super().__init__()
        self.start = check_int(start, name="start", minimum=0)
        self.every = check_positive_int(every, name="every")
        self.unit = check_choice(unit, name="unit", choices=("epoch", "update"))
        self._seen = 0  # updates

    def on_train_begin(self, model: Any) -> None:
        """Begin anew, with no weights taken in."""
        super().on_train_begin(model)
        self._seen = 0

    def on_batch_end(self, model: Any, batch: int, logs: Logs) -> None:
        """Take the weights in, if it is the turn of this update."""
        if self.unit == "update" and self._is_updated(model):
            self._take(self._seen)
            self._seen += 1

    def on_epoch_end(self, model: Any, epoch: int, logs: Logs) -> None:
        """Take the weights in, if it is the turn of this epoch, or of its last update."""
        self.on_batch_end(model, 0, logs)
        if self.unit == "epoch":
            self._take(epoch)

    def state_dict(self) -> State:
        """Return the means, how many weights are in them, and the updates seen."""
        return {**super().state_dict(), "seen": self._seen}

    def load_state_dict(self, state: State) -> None:
        """Go on from there."""
        check_fields(state, "count", "means", "seen")
        seen = check_int(state["seen"], name="seen", minimum=0)
        super().load_state_dict({name: state[name] for name in ("count", "means")})
        self._seen = seen

    def _take(self, index: int) -> None:
        if index >= self.start and (index - self.start) % self.every == 0:
            self._native.add()
