"""Running and evaluating a model."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from numpy.typing import NDArray

from lstm_native._base.attributes import hinted
from lstm_native._base.checks import check_positive_int
from lstm_native.layers.symbols import is_symbolic
from lstm_native.training._saving import Saving

_PREDICT_BATCH = 256
_Function = TypeVar("_Function", bound=Callable[..., Any])


def of_sequential(function: _Function) -> _Function:
    """Let messages name the class that users know, and say what a wrong argument should be."""
    function.__qualname__ = f"Sequential.{function.__name__}"
    return hinted(function)


def shown_without_rest(function: _Function) -> _Function:
    """Let `help` show what a function takes, without what it takes to refuse it."""
    signature = inspect.signature(function)
    shown = [one for one in signature.parameters.values() if not one.kind.name.startswith("VAR_")]
    function.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    return function


class Running(Saving):
    """The part of `Sequential` that runs and evaluates it."""

    def __call__(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse (TypeError): a model is run with `predict`, a layer is called."""
        if any(map(is_symbolic, args)):
            raise TypeError(
                f"a {type(self).__name__} is not called on symbols, but its layers are: to have it "
                "in another network, call model.layers on them; a Model also goes on from its own "
                "symbols, in ln.Model(model.inputs, layer(model.outputs[0]))"
            )
        raise TypeError(
            f"a {type(self).__name__} is not called: write model.predict(x), which returns the "
            "output alone, or model.fit(x, y) to train"
        )

    @shown_without_rest
    def predict(
        self,
        x: Any,
        *more: NoReturn,
        batch_size: int | None = None,
        lengths: Any = None,
        mask: Any = None,
        steps: int | None = None,
        probabilities: bool | None = False,
        **others: NoReturn,
    ) -> Any:
        """Run the model; dropout rests.

        Parameters
        ----------
        x : array_like, (N, T, F) or (N, F), or list of arrays (T_i, F)
            Integer tokens (N, T) or (N,), or a list of arrays (T_i,), when the first layer is an
            Embedding. Or an iterable of batches, as in `fit`: each of them x, (x, y),
            (x, y, sample_weight) or a dict with "x" and maybe "lengths" or "mask". y and
            sample_weight are not read. Of several inputs x is a list, a tuple or a dict by name.
        batch_size : int, optional
            Samples run at once, by default 256. It decides about memory, never about the result,
            unless the model is stateful: then the batches are run in order, each going on where
            the one before ended (sample by sample, as in `fit`), and the default is all samples
            at once.
        lengths : int array_like, (N,), optional
            How many of its T steps each sequence has. What stands behind them is not read.
        mask : bool array_like, (N, T), optional
            True: a step of the sequence. False: it is skipped, `x` is not read there, and the
            states go on to the next True.
        steps : int, optional
            Only so many batches of an iterable.
        probabilities : bool
            True: the softmax of the outputs of a model trained with categorical cross-entropy,
            the sigmoid with the binary one; the very bits that a Dense with this activation gives.
            Outputs of a model that ends with one of them are probabilities already.

        Returns
        -------
        ndarray, (N, T, features) or (N, features)
            A network that was trained with a cross-entropy and ends without softmax or sigmoid
            gives logits, unless `probabilities` is True. Zeros behind the end of a sequence and at
            masked steps; no rows for no samples. For a list, a list of arrays (T_i, features), or
            (N, features). For an iterable, the answers of all batches in one.

        Raises
        ------
        TypeError
            Wrong dtype, such as integers where floats are needed.
        ValueError
            Wrong shape or feature count, empty, NaN or infinity, tokens out of range; stateful
            layers, and samples that do not divide into batches; `probabilities` of a model whose
            loss is no cross-entropy.
        """
        # More arguments are taken to say what they should be: a wrapper would cost more.
        if more or others or probabilities is not False:
            from lstm_native.training import _probabilities

            _probabilities.refuse_arguments(Running.predict, self, x, more, others)
            given = {"batch_size": batch_size, "lengths": lengths, "mask": mask, "steps": steps}
            return _probabilities.predict(self, x, probabilities, run=self.predict, **given)
        size = _PREDICT_BATCH
        if batch_size is not None:
            size = check_positive_int(batch_size, name="batch_size")
        plain = lengths is None and mask is None and steps is None and not self._stateful
        if plain and self._quick and self._network is not None:
            try:
                quick: NDArray[Any] | None = self._network.quick_predict(x, min(size, sys.maxsize))
            except ValueError:
                quick = None  # the slower way says more
            if quick is not None:
                return quick
        from lstm_native.training import _prediction

        if _prediction.is_batches(x):
            given = {"batch_size": batch_size, "lengths": lengths, "mask": mask}
            return _prediction.of_batches(self, x, run=self.predict, steps=steps, given=given)
        _prediction.refuse_steps("x", steps=steps)
        if self._stateful and batch_size is None:
            size = sys.maxsize
        return _prediction.of_arrays(self, x, size, lengths=lengths, mask=mask)

    @of_sequential
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        loss: Any = None,
        metrics: Any = (),
        sample_weight: Any = None,
        lengths: Any = None,
        mask: Any = None,
        steps: int | None = None,
    ) -> dict[str, float]:
        """Return {"loss": ..., metric: ...} over all samples; dropout rests.

        Parameters and errors as in `fit`. `batch_size` is 256 by default. Stateful layers carry
        their states from batch to batch, as there; for them the default is all samples at once.
        Of an iterable of batches, `steps` takes only so many.
        """
        from lstm_native.training import _loop

        size = _loop.evaluation_size(self, batch_size)
        chosen = self._loss_for(loss)
        data = _loop.check_source(
            self,
            x,
            y,
            chosen,
            call="evaluate",
            steps=steps,
            beside={"batch_size": batch_size},
            sample_weight=sample_weight,
            lengths=lengths,
            mask=mask,
        )
        return _loop.evaluate(self, data, chosen, metrics, size)
