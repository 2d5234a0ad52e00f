"""Speed beside the peers: `python -m benchmarks --help`."""

import sys
from pathlib import Path

# `python -m` puts this folder's parent on the path, where the package's sources, without their
# compiled core, would hide the installed package.
_ROOT = Path(__file__).resolve().parents[1]
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _ROOT]
