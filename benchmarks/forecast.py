"""Accuracy and time of forecasting: on the bundled series, and on those of competitions.

    python -m benchmarks.forecast --data DIR [--page docs/forecast.md]

DIR holds m3.csv.gz, m4_hourly.csv.gz, m4_weekly.csv.gz (each row: id, frequency, part, values) and
entrants.csv (data, frequency, method, smape, mase). Their test parts are used for scoring alone:
settings were chosen with --held-out, which foresees the end of the training parts instead.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from benchmarks import sunspots
from benchmarks.competitions import (
    COMPETITIONS,
    Entrant,
    Group,
    coverage,
    entrants,
    mase,
    naive2,
    owa,
    read,
    smape,
)
from benchmarks.pages import table, write_figures
from lstm_native.forecast import Forecaster
from lstm_native.forecast.global_model import GlobalModel

Array = NDArray[np.float64]

SHOWN = 3  # entrants of each table, the best ones


@dataclass(frozen=True, eq=False)
class Run:
    """Forecasts of the series of one frequency."""

    group: Group
    forecast: Array
    bounds: dict[int, tuple[Array, Array]]
    seconds: float
    method: str


def pretrained(group: Group) -> Run:
    """The network that the package brings, without a look at any other series."""
    began = time.perf_counter()
    model = GlobalModel.pretrained()
    found = model.predict(group.panel, group.horizon)
    place = model.quantiles.index
    bounds = {
        80: (found[..., place(0.1)], found[..., place(0.9)]),
        95: (found[..., place(0.025)], found[..., place(0.975)]),
    }
    seconds = time.perf_counter() - began
    return Run(group, found[..., place(0.5)], bounds, seconds, "pretrained")


def automatic(group: Group) -> Run:
    """What a user gets who asks for nothing: back-test, tuning, choice, calibrated intervals."""
    began = time.perf_counter()
    forecaster = Forecaster(group.horizon).fit(group.panel)
    frame = forecaster.predict()
    seconds = time.perf_counter() - began
    shape = group.test.shape

    def column(name: str) -> Array:
        return frame[name].to_numpy(dtype=np.float64).reshape(shape)

    bounds = {level: (column(f"low_{level}"), column(f"high_{level}")) for level in (80, 95)}
    return Run(group, column("forecast"), bounds, seconds, forecaster.fitted.choice.name)


def scores(runs: list[Run]) -> tuple[float, float]:
    """Return mean sMAPE and MASE over all series."""
    percent = np.concatenate([smape(run.forecast, run.group.test) for run in runs])
    scaled = np.concatenate([mase(run.forecast, run.group) for run in runs])
    return float(percent.mean()), float(np.nanmean(scaled))


def row(name: str, runs: list[Run], rivals: list[Entrant]) -> list[str]:
    """Return a line of a table: sMAPE, MASE, OWA, coverage, seconds."""
    errors = scores(runs)
    weights = [run.group.test.size for run in runs]
    inside = [
        np.average([coverage(*run.bounds[level], run.group.test) for run in runs], weights=weights)
        for level in (80, 95)
    ]
    return [
        name,
        *_errors(errors, rivals),
        *(f"{share:.1f}" for share in inside),
        f"{sum(run.seconds for run in runs):.1f}",
    ]


def _errors(errors: tuple[float, float], rivals: list[Entrant]) -> list[str]:
    relative = f"{owa(errors, naive2(rivals)):.3f}" if rivals else ""
    return [f"{errors[0]:.2f}", f"{errors[1]:.3f}", relative]


def competition(folder: Path, name: str, held_out: bool) -> Iterator[str]:
    """Return the tables of one competition, as lines of Markdown."""
    groups = read(folder / f"{name}.csv.gz")
    if held_out:
        groups = [group.held_out() for group in groups]
    rivals = {} if held_out else entrants(folder, name)
    runs: dict[str, list[Run]] = {"pretrained": [], "auto": []}
    for group in groups:
        print(f"{name}: {len(group.test)} {group.frequency} series", file=sys.stderr, flush=True)
        for label, forecasts in (("pretrained", pretrained), ("auto", automatic)):
            run = forecasts(group)
            runs[label].append(run)
            found = row(f"{label} ({run.method})", [run], rivals.get(group.frequency, []))
            print("  ", *found, file=sys.stderr, flush=True)
    parts = [(run.frequency, [index]) for index, run in enumerate(groups)]
    if len(groups) > 1:
        parts.append(("all", list(range(len(groups)))))
    part = "end of the training parts" if held_out else "test parts"
    for frequency, members in parts:
        count = sum(len(groups[index].test) for index in members)
        others = rivals.get(frequency, [])
        lines = []
        for label, found in runs.items():
            chosen = [found[index] for index in members]
            by = {run.method for run in chosen} - {label}
            lines.append(row(f"**{label}**{_by(by)}", chosen, others))
        best = others[:SHOWN]
        if others and naive2(others) not in best:
            best = [*best, naive2(others)]
        lines += [
            [rival.method, *_errors((rival.smape, rival.mase), others), "", "", ""]
            for rival in best
        ]
        yield f"{COMPETITIONS[name]}, {frequency}, {count:,} series ({part}):"
        yield ""
        yield from table(["", "sMAPE", "MASE", "OWA", "80 %", "95 %", "seconds"], lines)
        yield ""


def _by(methods: set[str]) -> str:
    return f" ({', '.join(sorted(methods))})" if len(methods) == 1 else ""


def machine() -> str:
    """Return what the times were measured on."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
    build = ln.build_info()
    return f"{name}, {build['isa']}, {build['threads']} threads"


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.forecast",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the competitions' folder")
    parser.add_argument("--only", nargs="+", choices=[*COMPETITIONS, "sunspots"])
    parser.add_argument("--held-out", action="store_true", help="leave the test parts alone")
    parser.add_argument(
        "--without-statsforecast", action="store_true", help="as if it were not installed"
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables there instead")
    options = parser.parse_args()
    wanted = options.only or ["sunspots", *COMPETITIONS]
    if options.data is None and set(wanted) - {"sunspots"}:
        if options.only:
            parser.error(f"--only {' '.join(options.only)} needs --data DIR")
        wanted = ["sunspots"]
    if options.without_statsforecast:
        sys.modules["statsforecast"] = None  # type: ignore[assignment]
    lines = [f"Measured on {machine()}.", ""]
    for name in wanted:
        if name == "sunspots":
            lines += [*sunspots.tables(), ""]
        else:
            lines += competition(options.data, name, options.held_out)
    if options.page:
        write_figures(options.page, lines[:-1])
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
