"""From the user's figures to the network's scale and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.data import StandardScaler

KINDS = ("identity", "sqrt")

_BLOCK = 12  # rows over which level and dispersion are compared


@dataclass(frozen=True)
class Transform:
    """y = (r(x) - offset) / scale, where r is the square root or nothing.

    The square root steadies a series whose noise grows with its level, as counts do (Bartlett
    1936). Both kinds keep order, so that quantiles may be computed on either side.

    Attributes
    ----------
    kind : {"identity", "sqrt"}
    offset, scale : float
        Mean and standard deviation of r(x) over the training part; scale > 0.
    """

    kind: str
    offset: float
    scale: float

    @staticmethod
    def fit(values: NDArray[np.float64], *, kind: str) -> Transform:
        """Measure offset and scale on the training part."""
        fitted = StandardScaler().fit(_forward(values, kind)).to_dict()
        return Transform(kind, fitted["offset"], fitted["scale"])

    def apply(self, values: Any) -> NDArray[np.float64]:
        """Return y for x; below zero the square root continues as -sqrt(-x)."""
        return (
            _forward(np.asarray(values, dtype=np.float64), self.kind) - self.offset
        ) / self.scale

    def invert(self, scaled: Any) -> NDArray[np.float64]:
        """Return x for y; with a square root never below zero."""
        raw = np.asarray(scaled, dtype=np.float64) * self.scale + self.offset
        return np.maximum(raw, 0.0) ** 2 if self.kind == "sqrt" else raw


def choose_kind(values: NDArray[np.float64]) -> str:
    """Return "sqrt" where no value is negative and dispersion grows with level, else "identity".

    Dispersion is the standard deviation of the differences within blocks of 12 rows. It grows
    when the line through (log level, log dispersion) of the blocks climbs by at least 1/4 and
    by two standard errors: the square root is right for 1/2, the figures as they are for 0.
    """
    blocks = len(values) // _BLOCK
    if blocks < 4 or values.min() < 0.0:
        return "identity"
    table = values[len(values) - blocks * _BLOCK :].reshape(blocks, _BLOCK)
    level = table.mean(axis=1)
    dispersion = np.diff(table, axis=1).std(axis=1)
    usable = (level > 0.0) & (dispersion > 0.0)
    x, y = np.log(level[usable]), np.log(dispersion[usable])
    if len(x) < 4 or np.ptp(x) < 0.1:
        return "identity"
    x, y = x - x.mean(), y - y.mean()
    slope = x @ y / (x @ x)
    standard_error = np.sqrt(np.square(y - slope * x).sum() / (len(x) - 2) / (x @ x))
    return "sqrt" if slope >= max(0.25, 2.0 * standard_error) else "identity"


def _forward(values: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    return np.copysign(np.sqrt(np.abs(values)), values) if kind == "sqrt" else values
