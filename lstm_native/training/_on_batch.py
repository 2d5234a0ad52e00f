"""Training, testing and running on one batch, for loops that a user writes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lstm_native._base.checks import check_bool
from lstm_native.training._running import Running, of_sequential

if TYPE_CHECKING:
    from lstm_native.optimizers import Optimizer


def _refuse_missing_targets(x: Any, y: Any, call: str) -> None:
    from lstm_native.training import _batches

    _batches.refuse_batches(x)
    if y is None:
        of_both = isinstance(x, (tuple, list)) and len(x) in (2, 3)
        hint = f"; if x is a batch (x, y), write {call}(*batch)" if of_both else ""
        raise TypeError(f"y is missing: write {call}(x, y), y the targets of the batch{hint}")


class OnBatch(Running):
    """The calls of a model that take one batch."""

    @of_sequential
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        lengths: Any = None,
        mask: Any = None,
        loss: Any = None,
        loss_weights: Any = None,
        optimizer: str | Optimizer | None = None,
        metrics: Any = (),
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
        loss_weights : list or dict, optional
            Of a `Model`, as in its `fit`.
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
        from lstm_native.training import _loop

        _refuse_missing_targets(x, y, "train_on_batch")
        return _loop.train_on_batch(
            self,
            x,
            y,
            loss,
            optimizer,
            metrics,
            seed,
            loss_weights,
            sample_weight=sample_weight,
            class_weight=class_weight,
            lengths=lengths,
            mask=mask,
        )

    @of_sequential
    def gradients(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        lengths: Any = None,
        mask: Any = None,
        loss: Any = None,
        loss_weights: Any = None,
        seed: int | None = None,
        inputs: bool = False,
    ) -> tuple[Any, ...]:
        """Return loss and gradients of a batch, as training has them; nothing is learned.

        `apply_gradients` makes an update of them, or of what a loop makes of them: both together
        are `train_on_batch`, bit for bit.

        Parameters
        ----------
        x, y, sample_weight, class_weight, lengths, mask, loss, loss_weights, seed
            As in `train_on_batch`.
        inputs : bool
            Return the gradient with respect to `x` as well: what each value of the input does to
            the loss.

        Returns
        -------
        loss : float
            With what layers add to it.
        gradients : dict of str to ndarray
            By name, as in `state_dict()`: of the weighted mean, before clipping and decay. Frozen
            layers have none.
        of_inputs : ndarray, or list or dict of them
            With `inputs=True` alone: of the shape of `x`, 0 where it is not read; None for tokens.
            Of several inputs a list or dict, as the model was made with.

        Raises
        ------
        TypeError, ValueError, FloatingPointError
            As in `train_on_batch`.
        """
        from lstm_native.training import _gradients

        _refuse_missing_targets(x, y, "gradients")
        return _gradients.gradients(
            self,
            x,
            y,
            loss,
            seed,
            loss_weights,
            inputs=check_bool(inputs, name="inputs"),
            sample_weight=sample_weight,
            class_weight=class_weight,
            lengths=lengths,
            mask=mask,
        )

    @of_sequential
    def apply_gradients(
        self, gradients: Mapping[str, Any], *, optimizer: str | Optimizer | None = None
    ) -> float:
        """Make one update of the weights from gradients, with the model's optimiser and its state.

        Parameters
        ----------
        gradients : dict of str to array_like
            One for each parameter that is not frozen, by its name, as `gradients` returns them.
        optimizer : optional
            As in `train_on_batch`.

        Returns
        -------
        float
            The global norm of the gradients before clipping.

        Raises
        ------
        TypeError, ValueError
            Names or shapes that do not fit.
        FloatingPointError
            NaN or infinity in a gradient: nothing has changed. Or the update overflows: the
            weights are as they were, and the optimiser's state starts afresh.
        """
        from lstm_native.training import _gradients

        return _gradients.apply_gradients(self, gradients, optimizer)

    @of_sequential
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        lengths: Any = None,
        mask: Any = None,
        loss: Any = None,
        metrics: Any = (),
    ) -> dict[str, float]:
        """Return {"loss": ..., metric: ...} of all samples given, in one batch; dropout rests.

        Parameters and errors as in `train_on_batch`. Nothing is learned.
        """
        _refuse_missing_targets(x, y, "test_on_batch")
        return self.evaluate(
            x,
            y,
            batch_size=sys.maxsize,
            loss=loss,
            metrics=metrics,
            sample_weight=sample_weight,
            lengths=lengths,
            mask=mask,
        )

    @of_sequential
    def predict_on_batch(self, x: Any, *, lengths: Any = None, mask: Any = None) -> Any:
        """Run the model on all samples given, in one batch; else as `predict`."""
        from lstm_native.training import _batches

        _batches.refuse_batches(x)
        return self.predict(x, batch_size=sys.maxsize, lengths=lengths, mask=mask)
