"""An interrupt while fit gets ready leaves a model that trains as if nothing had been called.

Ctrl-C may come at any bytecode, and a MemoryError from any call: each point is tried.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lstm_native as ln
from lstm_native.training import _loop, _settings

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3, 2)).astype("float32")
Y = RNG.normal(size=(8, 1)).astype("float32")


def make(trained: bool) -> ln.Sequential:
    layers = [ln.LSTM(3, input_size=2, return_sequences=False), ln.Dense(1)]
    model = ln.Sequential(layers, seed=1)
    if trained:
        model.fit(X, Y, verbose=False, seed=1)
    return model


OWN = {_loop.__file__, _settings.__file__}


class At:
    """Raises at the k-th bytecode of a function, or call of what it calls, all the way down."""

    def __init__(self, function: Callable[..., Any], k: int, error: type[BaseException]) -> None:
        self.code, self.k, self.error = function.__code__, k, error
        self.inside = self.seen = 0

    def __enter__(self) -> At:
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def trace(self, frame: Any, event: str, _: Any) -> Any:
        if frame.f_code is self.code:
            self.inside = id(frame)
        if not self.inside:
            return None
        own = frame.f_code.co_filename in OWN
        frame.f_trace_opcodes, frame.f_trace_lines = own, False
        self.seen += 1
        if self.seen == self.k:
            raise self.error("injected")
        if event == "return" and id(frame) == self.inside:
            self.inside = 0
        return self.trace if own else None


def weights(model: ln.Sequential, call: Callable[[ln.Sequential], Any]) -> list[bytes]:
    call(model)
    return [value.tobytes() for value in model.state_dict().values()]


SGD = ln.SGD(0.1, momentum=0.5)
CALLS = {
    "object": lambda model: model.fit(X, Y, optimizer=SGD, loss="mae", verbose=False, seed=2),
    "name": lambda model: model.fit(X, Y, optimizer="rmsprop", verbose=False, seed=2),
    "none": lambda model: model.fit(X, Y, verbose=False, seed=2),
    "loss": lambda model: model.fit(X, Y, loss="mae", verbose=False, seed=2),
}


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_the_same_call_again_trains_as_if_it_were_the_first(call, trained):
    """Asked for SGD, the second call trained with Adam and said nothing."""
    expected = weights(make(trained), CALLS[call])
    points = 0
    for k in range(1, 10_000):
        model = make(trained)
        try:
            with At(_loop.prepare_trainer, k, (KeyboardInterrupt, MemoryError)[k % 2]):
                CALLS[call](model)
        except (KeyboardInterrupt, MemoryError):
            points += 1
        else:
            break
        assert weights(model, CALLS[call]) == expected, f"after an interrupt at event {k}"
    assert points > 50


@pytest.mark.parametrize("trained", [False, True])
def test_a_refused_rate_leaves_what_was_there(trained):
    """The optimiser that was refused counted as given."""
    model, other = make(trained), make(trained)
    refused = ln.SGD(1e300)  # no float32
    for _ in range(2):
        with pytest.raises(ValueError, match="learning_rate"):
            model.fit(X, Y, optimizer=refused, verbose=False)
    assert model.optimizer == other.optimizer
    assert weights(model, CALLS["none"]) == weights(other, CALLS["none"])


def test_an_interrupted_learning_rate_is_the_old_or_the_new_one_everywhere():
    setter = ln.Sequential.learning_rate.fset
    for k in range(1, 10_000):
        model = make(trained=True)
        try:
            with At(setter, k, KeyboardInterrupt):
                model.learning_rate = 0.5
        except KeyboardInterrupt:
            rate = model.learning_rate
            assert f'"learning_rate":{rate}' in model._trainer.optimizer.replace(" ", "")
        else:
            break
    assert k > 20
    assert model.learning_rate == 0.5
