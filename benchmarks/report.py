"""Results for people and scripts: lines as they come, tables for a page, the summary."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks import ourselves
from benchmarks.grid import MODES
from benchmarks.pages import table
from benchmarks.peers import BY_NAME
from benchmarks.results import OURS, Figure, Report, Result, geometric_mean

_SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")),
}
_NOTHING = "-"


def quantity(value: float, unit: str) -> str:
    """Return three significant digits with a fitting unit: "1.23 ms"."""
    for scale, name in _SCALES[unit]:
        # 999.6 µs is 1.00 ms, not 1000 µs
        if abs(value) >= 0.9995 * scale:
            scaled = value / scale
            digits = max(0, 2 - sum(abs(scaled) >= bound for bound in (9.995, 99.95)))
            return f"{scaled:.{digits}f} {name}"
    scale, name = _SCALES[unit][-1]
    return f"{value / scale:.2f} {name}"


def spread(figure: Figure) -> str:
    """Return half the distance of the quartiles, relative to the median: "±3%"."""
    if figure.spread is None or len(figure.turns) < 2 or not figure.spread.median:
        return ""
    half = (figure.spread.upper - figure.spread.lower) / 2 / figure.spread.median
    return f" ±{100 * half:.0f}%"


def _figure(figure: Figure | None, unit: str) -> str:
    if figure is None or figure.spread is None:
        return _NOTHING
    return quantity(figure.spread.median, unit) + spread(figure)


def columns(report: Report, mode: str) -> list[str]:
    """Return the installed libraries that do the work of a mode."""
    kind, wanted = MODES[mode].kind, MODES[mode].peers
    return [
        name
        for name, library in report.libraries.items()
        if not library.missing
        and kind in BY_NAME[name].kinds
        and (wanted is None or not BY_NAME[name].is_peer or name in wanted)
    ]


def header(report: Report, mode: str) -> list[str]:
    """Return the titles of a mode's columns."""
    labels = [report.libraries[name].label for name in columns(report, mode)]
    return ["cell", *labels, "best peer / ours", "limit", "of the limit"]


def row(report: Report, result: Result) -> list[str]:
    """Return the columns of one result."""
    best = report.best_peer(result)
    reached = result.reached()
    limit = result.limit
    return [
        str(result.cell) if result.cell else _NOTHING,
        *(_figure(result.figures.get(n), result.unit) for n in columns(report, result.mode)),
        f"{best[1]:.2f} ({report.libraries[best[0]].label})" if best else _NOTHING,
        f"{quantity(limit.seconds, 's')} ({limit.bound})" if limit else _NOTHING,
        f"{100 * reached:.0f} %" if reached is not None else _NOTHING,
    ]


def aligned(cells: Iterable[str]) -> str:
    """Return a line of the table that is printed while the run goes on."""
    first, *others = cells
    return f"{first:<18}" + "".join(f" {cell:>21}" for cell in others)


def reasons(report: Report, result: Result) -> list[str]:
    """Return why libraries that do such work have no figure here."""
    return [
        f"  {report.libraries[name].label}: {figure.reason}"
        for name, figure in result.figures.items()
        if figure.reason
    ]


def title(report: Report) -> list[str]:
    """Return what the figures were measured on, with, and how it was held."""
    peaks = report.peaks
    threads = f"{report.threads} thread" + "s" * (report.threads != 1)
    levels = ", ".join(f"{v.name} {v.bandwidth * 1e-9:.0f} GB/s" for v in peaks.levels())
    lines = [
        f"{report.machine['processor']}, {report.machine['system']}, float32, {threads} on "
        f"core {', '.join(map(str, report.settings['cores'])) or 'of any number'}",
        f"one core ({report.build['isa']}): {peaks.flops * 1e-9:.1f} GFLOP/s of multiply-adds; "
        f"reads {levels}",
    ]
    for name, library in report.libraries.items():
        if name != OURS and not BY_NAME[name].is_peer:
            continue  # ours, used in another way
        if library.missing:
            lines.append(f"{library.label}: missing ({library.missing} not installed)")
            continue
        held = "all instruction sets of the processor"
        if report.isa:
            held = f"held to {library.held_to}" if library.held_to else "cannot be held"
            if not library.held_to and library.label:
                held += f" to {report.isa}, so ours is not compared with it"
        lines.append(f"{library.label} {library.version}: {held}")
    return lines


def by_peer(report: Report) -> list[list[str]]:
    """Return rows (mode, peer, geometric mean, minimum) of the ratios to each peer."""
    rows = []
    for mode in report.modes():
        for name in [None, *report.peers()]:
            ratios = report.ratios(mode, name)
            if ratios:
                label = report.libraries[name].label if name else "best peer"
                mean, least = geometric_mean(ratios), min(ratios)
                rows.append([mode, label, f"{mean:.2f}", f"{least:.2f}", str(len(ratios))])
    return rows


def markdown(report: Report) -> list[str]:
    """Return the figures as a page has them."""
    lines = [*(f"- {line}" for line in title(report)), ""]
    lines += ["Times of the best peer over ours; above 1 ours is faster (or smaller):", ""]
    lines += table(["mode", "peer", "geometric mean", "minimum", "cells"], by_peer(report))
    lines += [""] * bool(found := ourselves.lines(report))
    lines += [f"- {line}" for line in found]
    for mode in report.modes():
        lines += ["", f"### {mode}", ""]
        lines += table(header(report, mode), [row(report, r) for r in report.of_mode(mode)])
    return lines


def summary(report: Report) -> str:
    """Return one line for scripts: each mode's ratios to the best peer of each cell."""
    parts = []
    for mode in report.modes():
        ratios = report.ratios(mode)
        if ratios:
            parts.append(f"{mode} geomean={geometric_mean(ratios):.2f} min={min(ratios):.2f}")
        else:
            parts.append(f"{mode} n/a")
    return "summary " + " | ".join(parts)
