"""What `gradient_flow` found of several models on one task: a table, a figure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_native.diagnostics.results import LayerFlow, ModelFlow

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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

        return draw(self.models, path)


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
