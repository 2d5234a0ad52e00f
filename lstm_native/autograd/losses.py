"""Losses as functions that autograd differentiates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from autograd.extend import defvjp_argnums, primitive
from autograd.tracer import isbox

from lstm_native import losses
from lstm_native._base.arrays import as_array
from lstm_native.autograd.functions import refuse_second


def loss(kind: Any) -> Callable[..., Any]:
    """Return a loss as a function that autograd can differentiate.

    Parameters
    ----------
    kind : str, Loss or function
        As `fit` takes it: "mse", `ln.losses.CTC()`, ...

    Returns
    -------
    callable
        `f(y_true, y_pred, sample_weight=None, lengths=None)`: the weighted mean over the rows, as
        `Loss.value_and_gradient` has it, of logits for the losses of classes. Differentiable in
        `y_pred`, once.

    Raises
    ------
    TypeError, ValueError
        No loss; when called, as `Loss.value_and_gradient`.

    Examples
    --------
    >>> import autograd
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> huber = ln.autograd.loss(ln.Huber(0.5))
    >>> autograd.grad(lambda y: huber([[1.0]], 2.0 * y))(np.array([[3.0]])).tolist()
    [[1.0]]
    """
    chosen = losses.parse(kind)

    def of(y_true: Any, y_pred: Any, *, sample_weight: Any = None, lengths: Any = None) -> Any:
        if any(map(isbox, (y_true, sample_weight, lengths))):
            raise TypeError(
                f"the loss '{chosen.name}' is differentiable in y_pred alone; the targets, weights "
                "and lengths must be plain arrays"
            )

        def run(outputs: Any) -> Any:
            return chosen.value_and_gradient(
                y_true, outputs, sample_weight=sample_weight, lengths=lengths
            )

        return _value({"run": run}, y_pred)

    return of


def ctc(
    logits: Any,
    labels: Any,
    lengths: Any = None,
    label_lengths: Any = None,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Any:
    """Return the CTC loss of a batch: the mean over the samples of -log p(labels).

    Parameters
    ----------
    logits : array, (N, T, K)
        Differentiable, once.
    labels : int array_like, (N, L)
        The labels of each sample, up to its label length or its first negative one.
    lengths, label_lengths : int array_like, (N,), optional
        True steps of the logits, and numbers of labels.
    blank, zero_infinity
        As in `ln.losses.CTC`.

    Raises
    ------
    TypeError, ValueError
        Arrays that do not fit.

    Examples
    --------
    >>> import autograd
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> logits = np.zeros((1, 4, 3))
    >>> round(ln.autograd.ctc(logits, [[1, 2]]), 4)
    1.6864
    >>> autograd.grad(ln.autograd.ctc)(logits, [[1, 2]]).shape
    (1, 4, 3)
    """
    if label_lengths is not None:
        given = as_array(labels, name="labels")
        ends = as_array(label_lengths, name="label_lengths")
        if given.ndim != 2 or ends.shape != given.shape[:1] or ends.dtype.kind not in "iu":
            raise ValueError(
                "labels, label_lengths: expected integers of shapes (N, L) and (N,), got "
                f"{given.shape} and {ends.dtype} of {ends.shape}"
            )
        if ends.size and not (ends.min() >= 0 and ends.max() <= given.shape[1]):
            raise ValueError(
                f"label_lengths: expected numbers from 0 to {given.shape[1]}, got "
                f"{ends.min()} to {ends.max()}"
            )
        labels = np.where(np.arange(given.shape[1]) < ends[:, np.newaxis], given, -1)
    chosen = losses.CTC(blank=blank, zero_infinity=zero_infinity)
    return loss(chosen)(labels, logits, lengths=lengths)


@primitive  # type: ignore[untyped-decorator]
def _value(call: dict[str, Any], y_pred: Any) -> float:
    value, call["gradient"] = call["run"](y_pred)
    return float(value)


def _lead_back(argnums: Any, ans: Any, args: Any, _: Any) -> Any:
    call, y_pred = args
    refuse_second(ans)

    def vjp(g: Any) -> tuple[Any]:
        refuse_second(g)
        return ((g * call["gradient"]).astype(np.asarray(y_pred).dtype, copy=False),)

    return vjp


defvjp_argnums(_value, _lead_back)
