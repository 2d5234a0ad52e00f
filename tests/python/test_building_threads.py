"""Two threads give something that has no weights yet its first input: it is built once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lstm_native as ln
from lstm_native import _core


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls return or raise, all begun together."""
    found: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index: int) -> None:
        barrier.wait()
        try:
            found[index] = calls[index]()
        except Exception as error:
            found[index] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_model_given_inputs_of_different_widths_takes_one_and_refuses_the_other():
    for _ in range(20):
        model = ln.Sequential([ln.LSTM(16), ln.LSTM(16), ln.Dense(2)])
        five, three = (np.zeros((2, 4, n), dtype="float32") for n in (5, 3))
        found = at_once(lambda: model.predict(five), lambda: model.predict(three))  # noqa: B023
        assert sorted(type(one).__name__ for one in found) == ["ValueError", "ndarray"]
        assert model.built


def test_a_layer_keeps_its_weights_when_another_thread_is_refused():
    good, bad = np.ones((2, 4, 3), dtype="float32"), np.full((2, 4, 3), np.nan, dtype="float32")
    for _ in range(20):
        layer = ln.LSTM(16)
        y = at_once(lambda: layer(good)[0], lambda: layer(bad))[0]  # noqa: B023
        assert np.array_equal(layer(good)[0], y)


def test_the_core_refuses_a_network_of_no_layers_in_its_list():
    with pytest.raises(ValueError, match="expected native layers, got None"):
        _core.Network32([None])
