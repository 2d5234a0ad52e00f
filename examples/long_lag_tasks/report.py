"""What came of the runs: a table beside the papers' figures, as text, Markdown and JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from long_lag_tasks import TASKS
from long_lag_tasks.training import Outcome

_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"
_HEADER = ("task", "network", "weights", "passed", "sequences until then", "judged")


@dataclass(frozen=True)
class Report:
    """All runs, and how long they took."""

    outcomes: list[Outcome]
    settings: dict[str, Any]  # seeds, minutes, processes, processor, version


def rows(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """Return one row for each task and network, in the order of the tasks."""
    found: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda o: o.seed):
        found.setdefault((outcome.task, outcome.cell), []).append(outcome)
    lines = []
    for task in TASKS.values():
        cells = [cell for cell in task.cells if (task.name, cell) in found]
        for cell in cells:
            runs = found[task.name, cell]
            passed = [run for run in runs if run.passed]
            needed = f"{statistics.mean(r.sequences for r in passed):,.0f}" if passed else "-"
            failed = [run for run in runs if not run.passed]
            judged = [run.figure for run in passed[:1]]
            judged += [f"failed: {run.figure}" for run in failed[:1]]
            spent = max(run.sequences for run in runs)
            lines.append(
                [
                    task.about if cell == cells[0] else "",
                    cell,
                    f"{runs[0].weights:,}",
                    f"{len(passed)} of {len(runs)}",
                    needed if passed else f"- (stopped at {spent:,})",
                    "; ".join(judged),
                ]
            )
        if cells:
            said = [task.paper.success, task.paper.sequences, task.paper.source]
            lines.append(["", "*paper*", "", said[0] or "-", said[1] or "-", said[2]])
    return lines


def text(outcome: Outcome) -> str:
    """Return one line for a run that has ended."""
    end = "passed" if outcome.passed else "failed"
    return (
        f"{outcome.task:20} {outcome.cell:24} seed {outcome.seed}: {end} after "
        f"{outcome.sequences:>7,} sequences, {outcome.figure} ({outcome.seconds:.0f} s)"
    )


def table(lines: Iterable[Iterable[str]]) -> str:
    """Return rows for the terminal."""
    grid = [list(_HEADER), *map(list, lines)]
    widths = [max(len(line[column]) for line in grid) for column in range(len(_HEADER))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in grid
    )


def markdown(report: Report) -> list[str]:
    """Return the figures as the page has them."""
    s = report.settings
    names = {o.task for o in report.outcomes}
    return [
        f"Seeds {s['seeds'][0]} to {s['seeds'][-1]}, {len(report.outcomes)} runs in "
        f"{s['processes']} processes of one thread: {s['minutes']:.0f} minutes, "
        f"{s['cpu_minutes']:.0f} minutes of processor time ({s['processor']}).",
        "",
        *("| " + " | ".join(line) + " |" for line in (_HEADER, ["---"] * len(_HEADER))),
        *("| " + " | ".join(line) + " |" for line in rows(report.outcomes)),
        "",
        "What counts as passed:",
        "",
        *(f"- {t.about}: {t.criterion}." for t in TASKS.values() if t.name in names),
    ]


def write_page(page: Path, report: Report) -> None:
    """Replace what stands between the page's markers; ValueError where it has none."""
    head, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{page}: expected the lines {_BEGIN} and {_END}")
    figures = "\n".join(["", "", *markdown(report), "", ""])
    page.write_text(f"{head}{begin}{figures}{end}{tail}", encoding="utf-8")


def write_json(path: Path, report: Report) -> None:
    """Write all runs."""
    found = {"settings": report.settings, "outcomes": [asdict(o) for o in report.outcomes]}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Report:
    """Read what `write_json` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return Report([Outcome(**o) for o in found["outcomes"]], found["settings"])
