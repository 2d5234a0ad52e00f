"""What `gradient_flow` found of a layer and of a model: arrays over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class GateFlow:
    """A gate over time. Shares and means are over the hidden units of all samples at a step.

    Attributes
    ----------
    mean : ndarray, (T,)
    low, high : ndarray, (T,)
        Shares, from 0 to 1, of values at or below `limits[0]`, at or above `limits[1]`. NaN
        where the gate's function has no such bound.
    limits : (float or None, float or None)
        (0.1, 0.9) for a sigmoid, (-0.9, 0.9) for a tanh, (0, None) for a relu.
    """

    mean: Values
    low: Values
    high: Values
    limits: tuple[float | None, float | None]


@dataclass(frozen=True)
class LayerFlow:
    """One recurrent layer: of stacked ones each by itself, and each direction.

    Steps stand in the order of the sequence, for a reverse direction too. A step that no sample
    reaches (`lengths`) is NaN.

    Attributes
    ----------
    name : str
        Such as "0 LSTM", or "0 LSTM l1 reverse" for the second stacked layer's second direction.
    kind : str
        The layer's class: "LSTM", "GRU", "RNN", ...
    reverse : bool
        Whether it runs from the end to the start.
    dh : ndarray, (T,)
        Mean over the samples of |dL_n/dh_t|, the Euclidean norm of the gradient of a sample's
        loss with respect to the layer's output at step t, by every way from there to the loss:
        through the output of step t, and through all later steps.
    dc : ndarray, (T,), or None
        The same for the cell state of an LSTM, as step t computes it (with zoneout, before the
        old state is mixed in): through the output of step t, and through the cell state of the
        next.
    dh_samples, dc_samples : ndarray, (N, T)
        The norms of each sample; 0 beyond its length.
    gates : dict of str to GateFlow
        LSTM: i, f, g, o as far as they are not constant. GRU: r, z, n. RNN: h, its output.
        MinLSTM: i, f, g. MinGRU: z, n.
    spectral_norm, spectral_radius : dict of str to float
        Of the recurrent weights of each gate that has some: largest singular value, largest
        absolute eigenvalue. With `proj_size` of the product of a gate's weights (H, R) and the
        projection (R, H).
    """

    name: str
    kind: str
    reverse: bool
    dh: Values
    dc: Values | None
    dh_samples: Values
    dc_samples: Values | None
    gates: dict[str, GateFlow]
    spectral_norm: dict[str, float]
    spectral_radius: dict[str, float]

    def ends(self) -> tuple[float, float]:
        """Return |dL/dh| at the first and at the last step that the layer runs (and knows)."""
        known = self.dh[np.isfinite(self.dh)]
        first, last = (known[-1], known[0]) if self.reverse else (known[0], known[-1])
        return float(first), float(last)

    @property
    def decay(self) -> float:
        """The mean factor by which |dL/dh| changes with each step back in time.

        Below 1 the gradient vanishes, above 1 it explodes; NaN where it has no size to compare.
        """
        first, last = self.ends()
        steps = int(np.isfinite(self.dh).sum()) - 1
        if steps < 1 or not (first > 0.0 and last > 0.0):
            return 0.0 if steps >= 1 and last > 0.0 else float("nan")
        return float(np.exp((np.log(first) - np.log(last)) / steps))


@dataclass(frozen=True)
class ModelFlow:
    """One model on the task.

    Attributes
    ----------
    name : str
    loss : float
        Of the batch, as `evaluate` has it.
    gradient_norm : float
        Euclidean norm of the loss's gradient with respect to all parameters: what `clip_norm`
        of an optimiser limits.
    layers : tuple of LayerFlow
    """

    name: str
    loss: float
    gradient_norm: float
    layers: tuple[LayerFlow, ...]
