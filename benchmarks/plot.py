"""The figure: per mode, every library's time for every cell, with the limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import report as text
from benchmarks.results import OURS, Report, Result

_OURS_COLOUR = "#c0392b"
_COLOURS = {
    "ours-core": "#e59866",
    "ours-full": "#e59866",
    "ours-whole": "#e59866",
    "pytorch": "#2e86c1",
    "pytorch-cell": "#85c1e9",
    "onnxruntime": "#239b56",
    "jax": "#7d3c98",
    "keras": "#b7950b",
}
_UNITS = {"s": (1e3, "milliseconds"), "B": (2.0**-20, "MiB")}


def draw(report: Report, path: Path) -> None:
    """Write the figure; the ending of the name decides its format."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    modes = [m for m in report.modes() if any(r.median(OURS) for r in report.of_mode(m))]
    across = 1 + (len(modes) > 1) + (len(modes) > 12)
    down = max(1, -(-len(modes) // across))
    figure, axes = pyplot.subplots(
        down, across, figsize=(8 * across, 4.2 * down), squeeze=False, layout="constrained"
    )
    panels = list(axes.flat)
    for panel, mode in zip(panels, modes, strict=False):
        _panel(panel, report, mode, list(report.of_mode(mode)))
    for panel in panels[len(modes) :]:
        panel.set_visible(False)
    figure.suptitle("\n".join(text.title(report)[:2]), fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _panel(panel: Any, report: Report, mode: str, results: list[Result]) -> None:
    scale, unit = _UNITS[results[0].unit]
    for name in text.columns(report, mode):
        points = [(x, r) for x, r in enumerate(results) if r.median(name) is not None]
        if not points:
            continue
        ours = name == OURS
        panel.plot(
            [x for x, _ in points],
            [(r.median(name) or 0.0) * scale for _, r in points],
            marker="o" if ours else "s",
            markersize=7 if ours else 5,
            linewidth=1.8 if ours else 0.8,
            color=_OURS_COLOUR if ours else _COLOURS.get(name),
            label=report.libraries[name].label,
            zorder=3 if ours else 2,
        )
        for x, result in points:
            found = result.figures[name].spread
            if found:
                panel.vlines(x, found.lower * scale, found.upper * scale, color="0.4", linewidth=1)
    limits = [(x, r.limit.seconds * scale) for x, r in enumerate(results) if r.limit]
    for index, (x, value) in enumerate(limits):
        label = "limit of the machine" if index == 0 else None
        panel.hlines(value, x - 0.25, x + 0.25, color="black", linewidth=2, label=label)
    panel.set_yscale("log")
    panel.set_ylabel(unit)
    panel.set_title(mode)
    panel.set_xticks(range(len(results)))
    panel.set_xticklabels([str(r.cell or "") for r in results], rotation=35, ha="right", fontsize=7)
    panel.grid(axis="y", which="major", color="0.9")
    panel.legend(fontsize=7)
