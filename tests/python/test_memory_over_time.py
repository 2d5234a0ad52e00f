"""Memory of training over many steps: truncated windows, and checkpoints over time."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import product as p
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")

SERIES = """
import resource
import numpy as np
import lstm_native as ln

series = np.sin(np.arange(1_000_001, dtype="float32") / 9).reshape(1, -1, 1)
x, y = series[:, :-1].copy(), series[:, 1:].copy()
model = ln.Sequential([ln.LSTM(8), ln.Dense(1)], seed=0)
options = {"tbptt": 100, "batch_size": 1, "verbose": False, "seed": 0}
model.fit(x[:, :1000], y[:, :1000], **options)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.fit(x, y, **options)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

# A process that may grow by so many bytes trains on one sequence and tells what it found.
LONG = """
import resource, sys
import numpy as np
import lstm_native as ln

checkpoint, room = sys.argv[1] == "True", int(sys.argv[2])
ln.set_num_threads(1)
layer = ln.LSTM(64, input_size=1, return_sequences=False, checkpoint=checkpoint, seed=0)
x = np.sin(np.arange(100_000, dtype="float32") / 9).reshape(1, -1, 1)
layer.forward(x[:, :100])
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + room,) * 2)
try:
    y, _, tape = layer.forward(x)
    _, _, grads = tape.backward(np.ones_like(y))
except MemoryError as error:
    print("no room:", error)
else:
    print(float(np.abs(grads["weight_hh_l0"]).sum()).hex())
"""


def run(code: str, *arguments: Any) -> str:
    """What the code prints in a process of its own."""
    words = [sys.executable, "-c", code, *map(str, arguments)]
    found = subprocess.run(words, capture_output=True, check=True, **p.fresh_process())
    return found.stdout.strip()


def test_a_million_steps_train_in_constant_memory():
    """The whole tape of 8 units would take 300 MB."""
    assert int(run(SERIES)) < 4096  # KiB


def test_checkpoints_train_on_a_sequence_that_does_not_fit_otherwise():
    """The gates and states of 100,000 steps of 64 units are 150 MB.

    With room for all of it both find the same gradient, bit for bit.
    """
    room = 40 * 2**20
    assert run(LONG, False, room).startswith("no room: not enough memory")
    found = run(LONG, True, room)
    assert not found.startswith("no room")
    assert found == run(LONG, False, 100 * room)
