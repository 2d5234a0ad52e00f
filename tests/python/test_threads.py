"""Threads play well with others: idle ones sleep, and several callers find what is free."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import lstm_native as ln


@pytest.fixture
def four_threads():
    before = ln.get_num_threads()
    ln.set_num_threads(4)
    yield
    ln.set_num_threads(before)


def test_idle_threads_sleep(four_threads):
    layer = ln.LSTM(64, input_size=16, seed=0)
    layer(np.zeros((64, 50, 16), dtype=np.float32))  # enough work to wake all of them
    time.sleep(0.05)
    begin = time.process_time()
    time.sleep(0.4)
    # Three threads that spun would have used 1.2 seconds, or all that the processors had.
    assert time.process_time() - begin < 0.1


def test_callers_that_find_the_threads_taken_get_the_same_bits(four_threads):
    layer = ln.LSTM(48, input_size=8, seed=0)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal((24, 60, 8), dtype=np.float32) for _ in range(6)]
    wanted = [layer(x)[0] for x in inputs]
    got = [np.empty(0)] * len(inputs)

    def run(i: int) -> None:
        for _ in range(5):
            got[i] = layer(inputs[i])[0]

    callers = [threading.Thread(target=run, args=(i,)) for i in range(len(inputs))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
