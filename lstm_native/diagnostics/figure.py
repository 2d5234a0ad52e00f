"""The figure of `GradientFlow.plot`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_native._base.figures import new_figure
from lstm_native.diagnostics.results import GradientFlow, LayerFlow, Values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = ("-", "--", ":", "-.")
_MARKERS = ("", "o", "s", "^", "v", "D")


def draw(flow: GradientFlow, path: str | os.PathLike[str] | None) -> Figure:
    """Draw all models; see `GradientFlow.plot`."""
    figure = new_figure(width=15.0, height=8.0, on_screen=path is None)
    panels = figure.subplots(2, 3)
    entries = [
        (_label(model.name, layer, len(model.layers)), f"C{number}", _STYLES[index % 4], layer)
        for number, model in enumerate(flow.models.values())
        for index, layer in enumerate(model.layers)
    ]
    _gradients(panels[0, 0], entries, "dh", "gradient at the output of step t: |dL/dh|")
    _gradients(panels[0, 1], entries, "dc", "gradient at the cell state of step t: |dL/dc|")
    _norms(panels[0, 2], entries)
    _gates(panels[1, 0], entries, "mean", "mean of each gate")
    _gates(panels[1, 1], entries, "low", "share of units near the gate's lower bound")
    _gates(panels[1, 2], entries, "high", "share of units near the gate's upper bound")
    if path is not None:
        figure.savefig(path, dpi=100)
    return figure


def _label(model: str, layer: LayerFlow, count: int) -> str:
    return f"{model}: {layer.name}" if count > 1 else model


def _gradients(axes: Any, entries: list[Any], which: str, title: str) -> None:
    drawn = False
    for label, colour, style, layer in entries:
        values: Values | None = getattr(layer, which)
        if values is None:
            continue
        # What is exactly 0 has no place on a logarithmic axis.
        shown = np.where(values > 0.0, values, np.nan)
        if np.isfinite(shown).any():
            axes.plot(shown, color=colour, linestyle=style, label=label)
            drawn = True
    axes.set_title(title)
    axes.set_xlabel("step t")
    if drawn:
        axes.set_yscale("log")
        axes.legend(fontsize=8)
    else:
        _empty(axes, "no model has one" if which == "dc" else "nothing above zero")


def _norms(axes: Any, entries: list[Any]) -> None:
    bars = [
        (f"{label} {gate}".strip(), norm, layer.spectral_radius[gate], colour)
        for label, colour, _, layer in entries
        for gate, norm in layer.spectral_norm.items()
    ]
    axes.set_title("recurrent weights: spectral norm, radius (dot)")
    if not bars:
        _empty(axes, "no recurrent weights")
        return
    places = range(len(bars))
    axes.bar(places, [norm for _, norm, _, _ in bars], color=[c for *_, c in bars], alpha=0.6)
    axes.plot(places, [radius for _, _, radius, _ in bars], "o", color="0.2")
    axes.axhline(1.0, color="0.5", linewidth=0.8)
    axes.set_xticks(places, [name for name, *_ in bars], rotation=45, ha="right", fontsize=8)


def _gates(axes: Any, entries: list[Any], which: str, title: str) -> None:
    drawn = False
    for label, colour, style, layer in entries:
        for index, (name, gate) in enumerate(layer.gates.items()):
            values: Values = getattr(gate, which)
            if not np.isfinite(values).any():
                continue
            every = max(1, len(values) // 10)
            axes.plot(
                values,
                color=colour,
                linestyle=style,
                marker=_MARKERS[index % len(_MARKERS)],
                markevery=(index * every // 6, every),
                markersize=4,
                label=f"{label} {name}",
            )
            drawn = True
    axes.set_title(title)
    axes.set_xlabel("step t")
    if drawn:
        axes.legend(fontsize=7, ncols=2)
        if which != "mean":
            axes.set_ylim(-0.03, 1.03)
    else:
        _empty(axes, "no gate has one")


def _empty(axes: Any, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color="0.5")
    axes.set_axis_off()
