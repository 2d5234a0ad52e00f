"""A program that runs a model does not load what trains one."""

from __future__ import annotations

import subprocess
import sys

import product as p

SCRIPT = """
import sys, numpy as np, lstm_native as ln
model = ln.Sequential([ln.LSTM(3, return_sequences=False, stateful={stateful}), ln.Dense(1)])
model.predict(np.ones((300, 4, 2)))
print(*(n for n in ("losses", "training._loop", "training._ragged", "callbacks", "metrics")
        if "lstm_native." + n in sys.modules))
"""


def test_predict_loads_nothing_of_training():
    for stateful in (False, True):
        found = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(stateful=stateful)],
            stdout=subprocess.PIPE,
            check=True,
            **p.fresh_process(),
        )
        assert found.stdout.split() == []
