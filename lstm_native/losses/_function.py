"""Losses of one's own: a Python function that returns value and gradient."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array
from lstm_native._base.checks import check_bool, check_int, described
from lstm_native.losses._base import Loss

Function = Callable[[NDArray[Any], NDArray[Any]], tuple[Any, Any]]


@dataclass(frozen=True)
class FunctionLoss(Loss):
    """A loss of one's own; `fit(loss=function)` is the same as `fit(loss=FunctionLoss(function))`.

    The function gets (y_true, y_pred) of a batch and returns (value, gradient). `gradient` has the
    shape of y_pred. `value` has one number for each row, (N,) or (N, T), and each row of `gradient`
    is that of its own value: masks, weights and means are made here. Or `value` is one number for
    the whole batch, and `gradient` that number's; then weights, masks and lengths are refused.

    y_true and y_pred are copies of the model's dtype. Padded rows are among them, and may be given
    any finite value.

    Parameters
    ----------
    function : callable
        None in a model that comes from a file, which holds the name alone: it predicts, and says
        so when it is asked for a loss. Give the function again, with `fit(loss=...)` or
        `model.loss = ...`.
    label : str, optional
        What it is called in files and messages; the function's name by default.
    target_features : int
        How many values y_true has in each row; 0: as many as the model answers with.
    labels : bool
        y_true are class indices of the rows' shape.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> def fourth_power(y_true, y_pred):
    ...     error = y_pred - y_true
    ...     return np.mean(error**4, axis=-1), 4 * error**3 / error.shape[-1]
    >>> FunctionLoss(fourth_power).value_and_gradient([[1.0]], np.array([[3.0]]))
    (16.0, array([[32.]]))
    """

    function: Function | None = None
    label: str = ""
    target_features: int = 0
    labels: bool = False
    name: ClassVar[str] = "function"

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.function is not None and not callable(self.function):
            raise TypeError(f"function must be callable, got {described(self.function)}")
        if not isinstance(self.label, str):
            raise TypeError(f"label must be a str, got {described(self.label)}")
        if not self.label and self.function is not None:
            found = getattr(self.function, "__name__", type(self.function).__name__)
            object.__setattr__(self, "label", str(found))
        features = check_int(self.target_features, name="target_features", minimum=0)
        object.__setattr__(self, "target_features", features)
        object.__setattr__(self, "labels", check_bool(self.labels, name="labels"))

    @property
    def takes_labels(self) -> bool:  # type: ignore[override]
        """Whether targets are class indices."""
        return self.labels

    def to_json(self) -> str:
        """Return what a file holds: the name of the function, and what its targets are."""
        options: dict[str, Any] = {"type": self.name, "label": self.label}
        if self.target_features:
            options["target_features"] = self.target_features
        if self.labels:
            options["labels"] = True
        return json.dumps(options)

    def _native(self) -> Any:
        return self.to_json() if self.function is None else (self.to_json(), self._call)

    def _call(
        self, y_true: NDArray[Any], y_pred: NDArray[Any], weighted: bool
    ) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return each row's loss and gradient, as the core takes them."""
        assert self.function is not None
        found = self.function(y_true, y_pred)
        told = f"the loss function '{self.label}'"
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError(
                f"{told}: expected it to return (value, gradient), got {described(found)}"
            )
        rows = y_pred.shape[:-1]
        value = as_array(found[0], name=f"{told}: its value")
        if value.dtype.kind not in "fiub":
            raise TypeError(f"{told}: expected a value of real numbers, got {value.dtype}")
        gradient = as_array(found[1], name=f"{told}: its gradient")
        if gradient.shape != y_pred.shape:
            raise ValueError(
                f"{told}: expected a gradient of y_pred's shape {y_pred.shape}, got "
                f"{gradient.shape}"
            )
        if gradient.dtype.kind != "f":
            raise TypeError(f"{told}: expected a gradient of floats, got {gradient.dtype}")
        if value.shape == ():
            if weighted:
                raise ValueError(
                    f"{told}: expected one value for each row, of shape {rows}, since rows are "
                    "weighted, masked or padded; got a single one"
                )
            count = max(int(np.prod(rows)), 1)
            value, gradient = np.broadcast_to(value, rows), gradient * count
        if value.shape != rows:
            raise ValueError(
                f"{told}: expected one value for each row, of shape {rows}, or a single one, got "
                f"shape {value.shape}"
            )
        return (
            np.require(value, dtype=np.float64, requirements=["C", "A"]),
            np.require(gradient, dtype=y_pred.dtype, requirements=["C", "A"]),
        )
