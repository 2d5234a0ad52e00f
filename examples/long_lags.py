"""Long time lags: the tasks that LSTMs were made for, beside a vanilla RNN that mostly fails.

    python examples/long_lags.py                      # all of it, 5 seeds, two processes
    python examples/long_lags.py --tasks adding-1000 copying-100 --seeds 5
    python examples/long_lags.py --quick              # the shortest tasks, one seed, seconds
    python examples/long_lags.py --json runs.json --page docs/long_lags.md

Tasks, lags and criteria of success are the papers'; each stands in `long_lag_tasks/` with its
definition. The training is not: the papers learnt online, one sequence at a time, with plain
gradient descent; here mini-batches of fresh sequences go to Adam, with clipped gradients.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from long_lag_tasks import TASKS, report
from long_lag_tasks.training import Outcome, learn

import lstm_native as ln

_QUICK = ("two-sequence-3a", "order-2", "long-lag-100", "adding-100")


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--seeds", type=int, metavar="N", help="runs of each (default 5, quick 1)")
    parser.add_argument(
        "--first-seed",
        type=int,
        default=10,
        metavar="N",
        help="default 10: the settings were chosen with 0 to 4",
    )
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="at once (default 2)")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(_QUICK)}; one seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the table into a page")
    parser.add_argument(
        "--from", type=Path, metavar="FILE", dest="recorded", help="train nothing: read a JSON"
    )
    options = parser.parse_args(words)
    for name in ("seeds", "processes"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name}: expected at least 1")
    return options


def one_run(task: str, cell: str, seed: int) -> Outcome:
    """Run in a process of its own, on one thread."""
    ln.set_num_threads(1)
    return learn(TASKS[task], cell, seed)


def all_runs(tasks: list[str], seeds: range, processes: int) -> Iterator[Outcome]:
    """Yield the outcome of each task, network and seed as it ends."""
    # Those that take longest begin first, so that no process waits for the other at the end.
    wanted = [(name, cell, seed) for name in tasks for cell in TASKS[name].cells for seed in seeds]
    wanted.sort(key=lambda run: -TASKS[run[0]].budget * TASKS[run[0]].span)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for done in as_completed([pool.submit(one_run, *run) for run in wanted]):
            yield done.result()


def run(options: argparse.Namespace) -> report.Report:
    """Train everything that was asked for, printing each run as it ends."""
    tasks = options.tasks or (_QUICK if options.quick else list(TASKS))
    count = options.seeds or (1 if options.quick else 5)
    seeds = range(options.first_seed, options.first_seed + count)
    begin, outcomes = time.perf_counter(), []
    for outcome in all_runs(list(tasks), seeds, options.processes):
        outcomes.append(outcome)
        print(report.text(outcome), flush=True)
    settings = {
        "seeds": list(seeds),
        "processes": options.processes,
        "minutes": (time.perf_counter() - begin) / 60,
        "cpu_minutes": sum(outcome.seconds for outcome in outcomes) / 60,
        "processor": f"{platform.machine()}, {ln.build_info()['isa']}",
        "version": ln.__version__,
    }
    return report.Report(outcomes, settings)


def main(words: list[str] | None = None) -> int:
    """Run or read, then print and write what was asked for."""
    options = arguments(words)
    found = report.read_json(options.recorded) if options.recorded else run(options)
    print()
    print(report.table(report.rows(found.outcomes)))
    print(f"\n{found.settings['minutes']:.1f} minutes")
    if options.json:
        report.write_json(options.json, found)
    if options.page:
        report.write_page(options.page, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
