"""What a message shows of a value: on one line, and not without end, whatever was given."""

from __future__ import annotations

import numpy as np
import pytest
from fit_helpers import data, fit, make_model

import lstm_native as ln
from lstm_native._base.shown import shown

HUGE = {"text": "a" * 10**6, "list": list(range(10**5)), "control": "\x1b[31m\n\r\x00" * 1000}


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
@pytest.mark.parametrize(
    "give",
    [
        lambda value: fit(make_model(), *data(), loss=value),
        lambda value: fit(make_model(), *data(), optimizer=value),
        lambda value: fit(make_model(), *data(), metrics=[value]),
        lambda value: fit(make_model(), *data(), epochs=value),
        lambda value: fit(make_model(), *data(), verbose=value),
        lambda value: fit(make_model(), *data(), callbacks=[value]),
        lambda value: fit(make_model(), *data(), lr=value),
        lambda value: ln.LSTM(4, dtype=value),
        lambda value: ln.LSTM(4, units=value),
        lambda value: ln.LSTM(4, gate_activation=value),
        lambda value: ln.Dense(4, activation=value),
        lambda value: ln.Adam(value),
        lambda value: ln.EarlyStopping(value),
        lambda value: ln.EarlyStopping("loss", mode=value),
        lambda value: ln.EarlyStopping(value, mode="min").check_logs(["loss"], 0),
        lambda value: ln.LearningRateScheduler(value),
        lambda value: ln.Sequential([value]),
        lambda value: make_model().predict(data()[0], probabilities=value),
    ],
)
def test_messages_stay_short(give, value):
    with pytest.raises((TypeError, ValueError)) as error:
        give(value)
    told = str(error.value)
    assert len(told) < 600
    assert told.isprintable()


def test_what_is_shown():
    assert shown("a") == "'a'"
    assert shown("it's\n") == '"it\'s\\n"'
    assert shown(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"
    assert shown(10**6) == "1000000"
    assert len(shown("é" * 1000)) == 80

    class Odd:
        def __repr__(self):
            return "\x1b[31mred"

    assert shown(10**5000) == "<int>"
    assert shown(Odd()) == "\\x1b[31mred"
