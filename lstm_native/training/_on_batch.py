"""Training, testing and running on one batch, for loops that a user writes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from lstm_native._base.attributes import hinted
from lstm_native.network.stack import Stack

if TYPE_CHECKING:
    from lstm_native._base.callback import CallbackList
    from lstm_native._base.callback import State as CallbackState
    from lstm_native.losses import Loss
    from lstm_native.metrics import Metric
    from lstm_native.model import Sequential
    from lstm_native.optimizers import Optimizer


_Function = TypeVar("_Function", bound=Callable[..., Any])


def _of_sequential(function: _Function) -> _Function:
    """Let messages name the class that users know, and say what a wrong argument should be."""
    function.__qualname__ = f"Sequential.{function.__name__}"
    return hinted(function)


def shown_without_rest(function: _Function) -> _Function:
    """Let `help` show what a function takes, without what it takes to refuse it."""
    signature = inspect.signature(function)
    shown = [one for one in signature.parameters.values() if not one.kind.name.startswith("VAR_")]
    function.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    return function


def _refuse_missing_targets(x: Any, y: Any, call: str) -> None:
    from lstm_native.training import _batches

    _batches.refuse_batches(x)
    if y is None:
        of_both = isinstance(x, (tuple, list)) and len(x) in (2, 3)
        hint = f"; if x is a batch (x, y), write {call}(*batch)" if of_both else ""
        raise TypeError(f"y is missing: write {call}(x, y), y the targets of the batch{hint}")


class OnBatch(Stack):
    """The calls of a model that take one batch, and what its callbacks have come to."""

    loss: Loss | None
    _in_training: CallbackList | None = None  # while fit runs
    _training_thread = 0
    _ended_states: Mapping[str, CallbackState] = {}

    @property
    def _callback_states(self) -> dict[str, CallbackState]:
        """The state of each callback: as it is now while fit runs, else as fit left it."""
        if self._in_training is not None:
            return self._in_training.states()
        return dict(self._ended_states)

    @_callback_states.setter
    def _callback_states(self, states: Mapping[str, CallbackState]) -> None:
        self._ended_states = dict(states)

    @_of_sequential
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        lengths: Any = None,
        mask: Any = None,
        loss: str | Loss | None = None,
        optimizer: str | Optimizer | None = None,
        metrics: Metric | Iterable[Metric] | None = (),
        seed: int | None = None,
    ) -> dict[str, float]:
        """Make one update of the weights, from all samples given.

        The same as `fit` of one epoch on an iterable of this one batch, bit for bit. The
        optimiser's state stays from call to call.

        Parameters
        ----------
        x, y, sample_weight, class_weight, lengths, mask
            As in `fit`; of one batch. Weights are taken as they are.
        loss, optimizer : optional
            By default those of the call before, at first "mse" and `Adam(1e-3)`. An optimiser
            equal to the one that was given before goes on with its state and with the learning
            rate in force; another one starts afresh.
        metrics : sequence
            As in `fit`.
        seed : int, optional
            Decides dropout, together with the number of updates before: with one seed in every
            call each update has its own masks, and the whole repeats bit for bit.

        Returns
        -------
        dict of str to float
            {"loss": ..., metric: ...} of the batch, before the update.

        Raises
        ------
        TypeError, ValueError, FloatingPointError
            As in `fit`.
        """
        from lstm_native import training

        _refuse_missing_targets(x, y, "train_on_batch")
        return training.train_on_batch(
            cast("Sequential", self),
            x,
            y,
            loss,
            optimizer,
            metrics,
            seed,
            sample_weight=sample_weight,
            class_weight=class_weight,
            lengths=lengths,
            mask=mask,
        )

    @_of_sequential
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        lengths: Any = None,
        mask: Any = None,
        loss: str | Loss | None = None,
        metrics: Metric | Iterable[Metric] | None = (),
    ) -> dict[str, float]:
        """Return {"loss": ..., metric: ...} of all samples given, in one batch; dropout rests.

        Parameters and errors as in `train_on_batch`. Nothing is learned.
        """
        _refuse_missing_targets(x, y, "test_on_batch")
        return cast("Sequential", self).evaluate(
            x,
            y,
            batch_size=sys.maxsize,
            loss=loss,
            metrics=metrics,
            sample_weight=sample_weight,
            lengths=lengths,
            mask=mask,
        )

    @_of_sequential
    def predict_on_batch(self, x: Any, *, lengths: Any = None, mask: Any = None) -> Any:
        """Run the model on all samples given, in one batch; else as `predict`."""
        from lstm_native.training import _batches

        _batches.refuse_batches(x)
        return cast("Sequential", self).predict(
            x, batch_size=sys.maxsize, lengths=lengths, mask=mask
        )
