"""A picture of a graph: boxes for inputs and layers, arrows for what feeds what."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lstm_native._base.figures import new_figure
from lstm_native.layers.layer import Layer
from lstm_native.network.arrangement import Edge, Point, arranged
from lstm_native.network.summary import places_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 2.4, 1.1  # inches that a box gets
_HALF = 0.22  # of a row: half of a box
_GREY = "#555555"
_END = "output "  # before the name of an output, which may be that of its layer


def draw(
    network: Any,
    layers: Sequence[Layer],
    *,
    title: str | None,
    path: str | os.PathLike[str] | None,
) -> Figure:
    """Return the figure that `Model.plot` shows, from the inputs above to the outputs below."""
    places, outputs = places_of(network, layers)
    ports: dict[Edge, list[str]] = {}  # what goes along each arrow
    for place in places:
        for source in place.reads:
            name, _, port = source.partition(".")
            ports.setdefault((name, place.name), []).append(port)
    for name, source in outputs.items():
        begin, _, port = source.partition(".")
        ports[begin, _END + name] = [port]
    at, ways = arranged(
        [*(p.name for p in places), *(_END + name for name in outputs)], list(ports)
    )
    columns = 1 + max(x for way in ways.values() for x, _ in way)
    rows = 1 + max(y for _, y in at.values())
    figure = new_figure(
        width=max(_WIDTH * columns, 3.0), height=_HEIGHT * rows, on_screen=path is None
    )
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.6, columns - 0.4)
    axes.set_ylim(rows - 0.4, -0.6)
    if title:
        axes.set_title(title)
    for place in places:
        kind = "Input" if place.layer is None else type(place.layer).__name__
        color = "#dbe9f6" if place.layer is None else "#f4f4f4"
        _box(axes, at[place.name], f"{place.name}\n{kind} {place.shape}", color)
    for name in outputs:
        axes.text(*at[_END + name], name, ha="center", va="center", fontsize=8, style="italic")
    for edge, way in ways.items():
        _arrow(
            axes, way, ", ".join(port or "y" for port in ports[edge]) if any(ports[edge]) else ""
        )
    if path is not None:
        figure.savefig(path)
    return figure


def _box(axes: Any, at: tuple[float, float], text: str, color: str) -> None:
    style = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": _GREY}
    axes.text(*at, text, ha="center", va="center", fontsize=8, bbox=style, zorder=3)


def _arrow(axes: Any, way: Sequence[Point], text: str) -> None:
    """Draw an arrow from below its first point to above its last one."""
    points = [(way[0][0], way[0][1] + _HALF), *way[1:-1], (way[-1][0], way[-1][1] - _HALF)]
    axes.plot(*zip(*points[:-1], strict=True), color=_GREY, linewidth=1.0, zorder=1)
    axes.annotate(
        "",
        xy=points[-1],
        xytext=points[-2],
        arrowprops={"arrowstyle": "->", "color": _GREY, "shrinkA": 0},
        zorder=1,
    )
    if text:
        x, y = ((a + b) / 2 for a, b in zip(points[0], points[1], strict=True))
        style = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        axes.text(
            x, y, text, fontsize=7, color=_GREY, ha="center", va="center", bbox=style, zorder=2
        )
