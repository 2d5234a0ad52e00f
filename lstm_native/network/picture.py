"""A picture of a graph: boxes for inputs and layers, arrows for what feeds what."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lstm_native._base.figures import new_figure
from lstm_native.layers.layer import Layer
from lstm_native.network.summary import Place, places_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 2.4, 1.1  # inches that a box gets


def draw(
    network: Any,
    layers: Sequence[Layer],
    *,
    title: str | None,
    path: str | os.PathLike[str] | None,
) -> Figure:
    """Return the figure that `Model.plot` shows, from the inputs above to the outputs below."""
    places, outputs = places_of(network, layers)
    at = _arranged(places)
    rows = 1 + max(y for _, y in at.values())
    columns = 1 + max(x for x, _ in at.values())
    figure = new_figure(
        width=max(_WIDTH * columns, 3.0), height=_HEIGHT * (rows + 1), on_screen=path is None
    )
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.6, columns - 0.4)
    axes.set_ylim(rows + 0.2, -0.6)
    if title:
        axes.set_title(title)
    for place in places:
        kind = "Input" if place.layer is None else type(place.layer).__name__
        color = "#dbe9f6" if place.layer is None else "#f4f4f4"
        text = f"{place.name}\n{kind} {place.shape}"
        _box(axes, at[place.name], text, color)
        for source in place.reads:
            name, _, port = source.partition(".")
            _arrow(axes, at[name], at[place.name], port)
    for name, source in outputs.items():
        x, y = at[source.partition(".")[0]]
        port = source.partition(".")[2]
        end = (x + (0.3 if port else 0.0), rows - 0.2)
        _arrow(axes, (x, y), end, port)
        axes.text(*end, name, ha="center", va="top", fontsize=8, style="italic")
    if path is not None:
        figure.savefig(path)
    return figure


def _arranged(places: Sequence[Place]) -> dict[str, tuple[float, float]]:
    """Return where each box stands: below all that it reads, beside those of its row."""
    depth: dict[str, int] = {}
    for place in places:
        before = [depth[source.partition(".")[0]] for source in place.reads]
        depth[place.name] = 1 + max(before) if before else 0
    in_row: dict[int, int] = {}
    found = {}
    for name, row in depth.items():
        found[name] = (float(in_row.get(row, 0)), float(row))
        in_row[row] = in_row.get(row, 0) + 1
    widest = max(in_row.values())
    return {name: (x + (widest - in_row[int(y)]) / 2, y) for name, (x, y) in found.items()}


def _box(axes: Any, at: tuple[float, float], text: str, color: str) -> None:
    style = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": "#555555"}
    axes.text(*at, text, ha="center", va="center", fontsize=8, bbox=style, zorder=3)


def _arrow(axes: Any, begin: tuple[float, float], end: tuple[float, float], port: str) -> None:
    axes.annotate(
        "",
        xy=(end[0], end[1] - 0.2),
        xytext=(begin[0], begin[1] + 0.2),
        arrowprops={"arrowstyle": "->", "color": "#555555"},
        zorder=1,
    )
    if port:
        middle = ((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2)
        axes.text(*middle, port, fontsize=7, color="#555555", zorder=2)
