"""Time lstm_native beside its peers and beside the limit of the machine.

Every library runs in a process of its own, pinned to the same core, and they take turns, so that a
machine whose speed drifts favours none. Medians of the turns are compared, with quartiles beside
them. LSTM_NATIVE_ISA=avx2 holds every library that can be held to that set of instructions.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from contextlib import closing
from pathlib import Path

from benchmarks import fresh, machine, ourselves, plot, report
from benchmarks.grid import MODES, Cell, Mode, cells_of, parse_cells
from benchmarks.limit import limit
from benchmarks.pages import around_figures, write_figures
from benchmarks.peers import BY_NAME, OURS, PEERS
from benchmarks.results import Library, Report, Result
from benchmarks.turns import Clients, Plan, alternate

_SECONDS, _QUICK_SECONDS = 4.0, 0.6
_HELD = ("avx2",)  # sets that the peers know by the same name


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="for all (default 1)")
    parser.add_argument(
        "--cells", type=parse_cells, metavar='"B,F,H ..."', help="B,F,H,T where T is not 100"
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--quick", action="store_true", help="fewer cells, less time")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"for each library, mode and cell (default {_SECONDS:g}; quick {_QUICK_SECONDS:g})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them (needs matplotlib)")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="replace the figures between a page's markers"
    )
    parser.add_argument(
        "--from", type=Path, metavar="FILE", dest="recorded", help="measure nothing: read a JSON"
    )
    return parser.parse_args()


def make_plan(options: argparse.Namespace) -> Plan:
    """Return how long and where to measure."""
    isa = os.environ.get("LSTM_NATIVE_ISA", "").lower()
    if options.threads < 1:
        raise ValueError(f"--threads: expected at least 1, got {options.threads}")
    seconds = options.seconds
    if seconds is None:
        seconds = _QUICK_SECONDS if options.quick else _SECONDS
    elif not (seconds > 0 and math.isfinite(seconds)):
        raise ValueError(f"--seconds: expected a number above 0, got {seconds}")
    return Plan(
        threads=options.threads,
        cores=tuple(machine.cores(options.threads)),
        isa=isa if isa in _HELD else None,
        seconds=seconds,
        least_rounds=3 if options.quick else 5,
        fresh_rounds=2 if options.quick else 7,
    )


def libraries(names: list[str], clients: Clients) -> dict[str, Library]:
    """Return ours and the chosen peers, loaded where they are installed."""
    isa = clients.plan.isa
    found = {}
    for peer in (*OURS, *(p for name in names for p in PEERS[name])):
        missing = peer.missing() or ""
        version = ""
        if not missing:
            answer = clients.of(peer).ask(do="load")
            version = str(answer.get("found", ""))
            missing = answer.get("failed", "")
        held = peer.held_to(isa)
        counts = peer.is_peer and (isa is None or held is not None)
        found[peer.name] = Library(peer.label, version, missing, held, counts)
    return found


def measure(mode: Mode, cell: Cell | None, found: Report, clients: Clients) -> Result:
    """Return one cell in one mode."""
    chosen = [BY_NAME[name] for name in report.columns(found, mode.name)]
    if mode.fresh:
        figures = fresh.measure(mode, chosen, cell, clients.plan)
    else:
        assert cell is not None
        figures = alternate(clients, chosen, mode.kind, cell)
    if cell is None or mode.fresh or not mode.bounded:
        return Result(mode.name, cell, mode.unit, None, figures)
    least = limit(mode.kind, cell, found.peaks, clients.plan.threads)
    return Result(mode.name, cell, mode.unit, least, figures)


def peaks_of(clients: Clients) -> machine.Peaks:
    """Measure the machine in our worker, pinned as all are."""
    answer = clients.of(OURS[0]).ask(do="peaks")
    if "found" not in answer:
        raise RuntimeError(f"the machine could not be measured: {answer}")
    return machine.Peaks.from_dict(answer["found"])


def run(options: argparse.Namespace) -> Report:
    """Measure everything that was asked for, printing it as it comes."""
    plan = make_plan(options)
    begin = time.perf_counter()
    with closing(Clients(plan)) as clients:
        known = libraries(options.peers, clients)
        if known["ours"].missing:
            raise RuntimeError(f"lstm_native itself: {known['ours'].missing}")
        built = clients.of(OURS[0]).ask(do="build")
        if "found" not in built:
            raise RuntimeError(f"lstm_native itself: {built.get('failed', 'no build')}")
        settings = {"seconds": plan.seconds, "quick": options.quick, "cores": list(plan.cores)}
        found = Report(
            machine=machine.describe(),
            peaks=peaks_of(clients),
            build=built["found"],
            threads=plan.threads,
            isa=plan.isa,
            settings=settings,
            libraries=known,
        )
        print("\n".join(report.title(found)))
        for name in options.modes:
            print(f"\n{name}\n{report.aligned(report.header(found, name))}")
            for cell in cells_of(MODES[name], options.cells, quick=options.quick):
                result = measure(MODES[name], cell, found, clients)
                found.results.append(result)
                lines = [report.aligned(report.row(found, result)), *report.reasons(found, result)]
                print("\n".join(lines), flush=True)
        again = machine.best(found.peaks, peaks_of(clients))
    settings["minutes"] = round((time.perf_counter() - begin) / 60, 1)
    return with_peaks(found, again)


def with_peaks(found: Report, peaks: machine.Peaks) -> Report:
    """Return the report with limits from the better of the peaks measured around it."""
    found.peaks = peaks
    found.results = [
        Result(
            r.mode,
            r.cell,
            r.unit,
            limit(MODES[r.mode].kind, r.cell, peaks, found.threads) if r.limit and r.cell else None,
            r.figures,
        )
        for r in found.results
    ]
    return found


def main() -> int:
    """Measure or read, then write what was asked for. The last line is the summary."""
    options = arguments()
    try:
        if options.page:
            around_figures(options.page)  # a page that cannot be written is not worth an hour
        found = Report.read(options.recorded) if options.recorded else run(options)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"python -m benchmarks: {error}", file=sys.stderr)
        return 2
    if options.json:
        found.write(options.json)
    if options.page:
        write_figures(options.page, report.markdown(found))
    if options.plot:
        plot.draw(found, options.plot)
    print(f"\nratios of the peers' times to ours ({found.settings['minutes']} minutes):")
    for mode, peer, mean, least, count in report.by_peer(found):
        print(f"  {mode:24} {peer:18} geometric mean {mean:>6}  minimum {least:>6}  cells {count}")
    print("\n".join(ourselves.lines(found)))
    print(report.summary(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
