"""What `gradient_flow` found: arrays over time, a table, a figure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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


@dataclass(frozen=True)
class GradientFlow:
    """What `gradient_flow` found, for one model or several on the same task.

    Attributes
    ----------
    models : dict of str to ModelFlow
    """

    models: dict[str, ModelFlow]

    def __getitem__(self, name: str) -> ModelFlow:
        """Return a model by its name."""
        if name not in self.models:
            raise KeyError(f"no model '{name}'; there are {', '.join(self.models)}")
        return self.models[name]

    @property
    def layers(self) -> tuple[LayerFlow, ...]:
        """The recurrent layers of the only model; ValueError when there are several."""
        if len(self.models) != 1:
            raise ValueError(f"several models ({', '.join(self.models)}): take one by its name")
        return next(iter(self.models.values())).layers

    def summary(self) -> str:
        """Return a table of all models and layers.

        `first` and `last` are |dL/dh| at the first and last step a layer runs, `per step` the
        factor of each step back in time (`LayerFlow.decay`), `|U|` the largest spectral norm of
        the recurrent weights, then the gates' means over all steps.
        """
        header = ["model", "layer", "first", "last", "per step", "|U|", "gates"]
        rows = [header]
        for model in self.models.values():
            rows += [[model.name, *_row(layer)] for layer in model.layers]
        widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        for model in self.models.values():
            lines.append(f"{model.name}: loss {model.loss:.4g}, gradient {model.gradient_norm:.3g}")
        return "\n".join(line.rstrip() for line in lines)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw all models in one figure.

        Panels: |dL/dh_t| and |dL/dc_t| over the steps, the recurrent weights' spectral norms,
        each gate's mean, and the shares of saturated units.

        Parameters
        ----------
        path : path-like, optional
            Write the figure here, in the format that its ending names. Without it the figure is
            one of matplotlib.pyplot's, which `matplotlib.pyplot.show()` shows.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            The path's ending names no picture format.
        """
        from lstm_native.diagnostics.figure import draw

        return draw(self, path)


def _row(layer: LayerFlow) -> list[str]:
    first, last = layer.ends()
    largest: Any = max(layer.spectral_norm.values(), default=None)
    gates = " ".join(f"{name} {np.nanmean(gate.mean):.2f}" for name, gate in layer.gates.items())
    return [
        layer.name,
        f"{first:.2e}",
        f"{last:.2e}",
        f"{layer.decay:.4f}",
        "-" if largest is None else f"{largest:.2f}",
        gates,
    ]
