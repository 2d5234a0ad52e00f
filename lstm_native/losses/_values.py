"""Losses of values: distances, angles, quantiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from numpy.typing import NDArray

from lstm_native._base.checks import check_iterable, check_real
from lstm_native.losses._base import Loss


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of (prediction - target)^2 over the features of a row."""

    name: ClassVar[str] = "mse"


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean of |prediction - target| over the features of a row."""

    name: ClassVar[str] = "mae"


@dataclass(frozen=True)
class Huber(Loss):
    """Quadratic near zero, linear beyond `delta` (Huber 1964).

    With e = prediction - target: e^2 / 2 where |e| <= delta, else
    delta * (|e| - delta / 2).

    Parameters
    ----------
    delta : float
        Where the square turns into a line; > 0, in the unit of the targets.

    Examples
    --------
    >>> Huber(0.5)
    Huber(delta=0.5)
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"
    _always: ClassVar[frozenset[str]] = frozenset({"delta"})

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "delta", check_real(self.delta, name="delta", above=0.0))


@dataclass(frozen=True)
class CosineSimilarity(Loss):
    """1 minus the cosine of the angle between prediction and target, of each row.

    1 - sum(o y) / (|o| |y|), each length at least 1e-8, so that a row of zeros has the loss 1. It
    is `torch.nn.CosineEmbeddingLoss` of equal pairs, and 1 more than Keras's `CosineSimilarity`.
    """

    name: ClassVar[str] = "cosine"


@dataclass(frozen=True)
class Quantile(Loss):
    """Pinball loss of several quantiles at once (Koenker & Bassett 1978, "Regression quantiles").

    Of a quantile q with the prediction o and the target y: max(q (y - o), (q - 1) (y - o)), the
    mean over quantiles and values. For targets of F values the model ends with Q F outputs: a block
    of F for each of the Q quantiles, in their order (`split`).

    Parameters
    ----------
    quantiles : float or iterable of float
        Ascending, each between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> Quantile([0.25, 0.75])
    Quantile(quantiles=(0.25, 0.75))
    """

    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    name: ClassVar[str] = "quantile"
    _always: ClassVar[frozenset[str]] = frozenset({"quantiles"})

    def __post_init__(self) -> None:
        """Check the settings."""
        given: Any = self.quantiles
        if not isinstance(given, Iterable):
            given = (given,)
        listed = tuple(
            check_real(q, name="quantiles", above=0.0, below=1.0)
            for q in check_iterable(given, name="quantiles")
        )
        if not listed or any(b <= a for a, b in pairwise(listed)):
            raise ValueError(f"quantiles must be ascending numbers, got {listed}")
        object.__setattr__(self, "quantiles", listed)

    def point(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the quantile nearest to the median, (..., F)."""
        middle = min(range(len(self.quantiles)), key=lambda i: abs(self.quantiles[i] - 0.5))
        found: NDArray[Any] = self.split(outputs)[..., middle, :]
        return found

    def split(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return outputs (..., Q F) as (..., Q, F), without a copy.

        Examples
        --------
        >>> import numpy as np
        >>> Quantile([0.25, 0.75]).split(np.arange(4.0)[None]).tolist()
        [[[0.0, 1.0], [2.0, 3.0]]]
        """
        count = len(self.quantiles)
        if outputs.ndim == 0 or outputs.shape[-1] % count:
            raise ValueError(
                f"outputs: expected a multiple of {count} features, got shape {outputs.shape}"
            )
        return outputs.reshape(*outputs.shape[:-1], count, -1)
