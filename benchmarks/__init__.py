"""Speed beside the peers and beside the machine's limit: `python -m benchmarks --help`.

grid.py          cells and modes
peers/           one library each: how its own users would do the work of a mode
worker.py        the process that one library runs in
problems.py      work that is a problem of its own: translation.py, ctc.py, beam*.py
turns.py         the coordinator: whose turn it is, and how often
fresh.py         what needs a new process each time: import, first call, memory
machine.py       processor, caches, measured peaks
limit.py         the shortest time a cell can take on this machine
results.py       what was measured, ratios, JSON
ourselves.py     ours beside ours: the Python layer, lengths, checkpoints
report.py        lines, tables, summary
plot.py          the figure
profiling.py     where the time of a cell goes
"""

import sys
from pathlib import Path

# `python -m` puts this folder's parent on the path, where the package's sources, without their
# compiled core, would hide the installed package.
_ROOT = Path(__file__).resolve().parents[1]
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _ROOT]
