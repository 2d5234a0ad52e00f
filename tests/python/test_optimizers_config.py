"""Optimiser settings and learning-rate schedules."""

import dataclasses
import json
from itertools import pairwise

import pytest

from lstm_native import optimizers
from lstm_native.optimizers import SGD, Adagrad, Adam, AdamW, NAdam, RMSprop

COMMON = {"weight_decay": 0.0, "clip_norm": 0.0, "clip_value": 0.0}


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD(), {"type": "sgd", "learning_rate": 0.01, "momentum": 0.0, "nesterov": False}),
        (
            Adam(),
            {"type": "adam", "learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        ),
        (
            AdamW(),
            {
                "type": "adamw",
                "learning_rate": 1e-3,
                "beta1": 0.9,
                "beta2": 0.999,
                "epsilon": 1e-8,
                "weight_decay": 0.01,
            },
        ),
        (
            RMSprop(),
            {
                "type": "rmsprop",
                "learning_rate": 1e-3,
                "rho": 0.99,
                "momentum": 0.0,
                "epsilon": 1e-8,
            },
        ),
        (
            NAdam(),
            {
                "type": "nadam",
                "learning_rate": 2e-3,
                "beta1": 0.9,
                "beta2": 0.999,
                "epsilon": 1e-8,
                "momentum_decay": 4e-3,
            },
        ),
        (
            Adagrad(),
            {
                "type": "adagrad",
                "learning_rate": 0.01,
                "learning_rate_decay": 0.0,
                "initial_accumulator_value": 0.0,
                "epsilon": 1e-10,
            },
        ),
    ],
)
def test_defaults_as_the_core_reads_them(optimizer, expected):
    assert json.loads(optimizer.to_json()) == {**COMMON, **expected}


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1, clip_norm=1, clip_value=0.5),
        Adam(0.1, beta1=0.0, beta2=0.5, epsilon=1e-4, clip_norm=1.0),
        AdamW(weight_decay=0.0),
        RMSprop(rho=0.5, momentum=0.5, clip_value=3.0),
        Adam(amsgrad=True),
        AdamW(amsgrad=True),
        NAdam(momentum_decay=0.1, decoupled_weight_decay=True),
        Adagrad(learning_rate_decay=0.1, initial_accumulator_value=0.5),
    ],
)
def test_json_goes_there_and_back(optimizer):
    assert optimizers.Optimizer.from_json(optimizer.to_json()) == optimizer
    assert optimizers.parse(optimizer) is optimizer


def test_fields_left_out_of_json_have_their_defaults():
    assert optimizers.Optimizer.from_json('{"type": "adamw"}') == AdamW()


def test_names_stand_for_defaults():
    assert [optimizers.parse(name) for name in optimizers.NAMES] == [
        SGD(),
        Adam(),
        AdamW(),
        RMSprop(),
        NAdam(),
        Adagrad(),
    ]
    assert optimizers.parse("Adam") == Adam()
    with pytest.raises(ValueError, match="unknown optimizer 'lion'; known are sgd, adam"):
        optimizers.parse("lion")
    for bad in (None, Adam, optimizers.Optimizer()):
        with pytest.raises(TypeError, match="optimizer must be a name"):
            optimizers.parse(bad)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop, NAdam, Adagrad])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", -1e-3),
        ("learning_rate", float("inf")),
        ("learning_rate", float("nan")),
        ("weight_decay", -0.1),
        ("clip_norm", 0.0),
        ("clip_value", -2.0),
    ],
)
def test_common_fields_are_checked(kind, field, value):
    with pytest.raises(ValueError, match=f"{field} must be .*got {value}"):
        kind(**{field: value})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (SGD, "momentum", 1.0),
        (Adam, "beta1", 1.0),
        (Adam, "beta2", -0.1),
        (AdamW, "epsilon", 0.0),
        (RMSprop, "rho", 1.5),
        (RMSprop, "momentum", -1.0),
    ],
)
def test_own_fields_are_checked(kind, field, value):
    with pytest.raises(ValueError, match=f"{field} must be .*got {value}"):
        kind(**{field: value})


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="nesterov needs momentum"):
        SGD(nesterov=True)
    with pytest.raises(TypeError, match="amsgrad must be True or False"):
        Adam(amsgrad=1)
    with pytest.raises(TypeError, match="decoupled_weight_decay must be True or False"):
        NAdam(decoupled_weight_decay=None)
    with pytest.raises(TypeError, match="nesterov must be True or False"):
        SGD(momentum=0.9, nesterov=1)


def test_a_schedule_as_learning_rate_is_sent_to_the_callbacks():
    with pytest.raises(TypeError, match="LearningRateScheduler"):
        Adam(optimizers.cosine_decay(0.1, epochs=3))
    with pytest.raises(TypeError, match=r"learning_rate must be a number, got '0.1'"):
        Adam("0.1")


def test_options_are_keywords_and_settings_are_fixed():
    with pytest.raises(TypeError):
        Adam(0.1, 0.9)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Adam().learning_rate = 1.0
    assert SGD(0.5, momentum=0.9).with_learning_rate(0.25) == SGD(0.25, momentum=0.9)
    assert Adam() != AdamW(weight_decay=0.0)


def test_cosine_falls_from_the_top_towards_the_end_without_reaching_it():
    schedule = optimizers.cosine_decay(1.0, epochs=10, final=0.1)
    rates = [schedule(epoch, 123.0) for epoch in range(12)]
    assert rates[0] == 1.0
    assert rates[5] == pytest.approx(0.55)
    assert all(a > b > 0.1 for a, b in pairwise(rates[:10]))
    assert rates[9] == rates[10] == rates[11]


@pytest.mark.parametrize(
    "make",
    [
        lambda warmup: optimizers.cosine_decay(1.0, epochs=20, warmup=warmup),
        lambda warmup: optimizers.exponential_decay(1.0, rate=0.9, warmup=warmup),
        lambda warmup: optimizers.step_decay(1.0, every=3, warmup=warmup),
    ],
)
def test_warmup_climbs_evenly_and_then_the_decay_starts_at_the_top(make):
    warm, cold = make(3), make(0)
    assert [warm(epoch, 0.0) for epoch in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert cold(0, 0.0) == 1.0
    assert warm(10, 0.0) < 1.0


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: optimizers.cosine_decay(0.1, epochs=0), "epochs must be at least 1, got 0"),
        (lambda: optimizers.cosine_decay(0.1, epochs=3, warmup=3), "warmup must be at most 2"),
        (lambda: optimizers.cosine_decay(0.1, epochs=3, final=0.2), "final must be .*got 0.2"),
        (lambda: optimizers.exponential_decay(0.1, rate=1.5), "rate must be .*got 1.5"),
        (lambda: optimizers.exponential_decay(0.1, rate=0.5, warmup=-1), "warmup must be at least"),
        (lambda: optimizers.step_decay(0.1, every=0), "every must be at least 1"),
        (lambda: optimizers.step_decay(-0.1, every=1), "learning_rate must be"),
    ],
)
def test_schedules_check_their_settings(make, told):
    with pytest.raises(ValueError, match=told):
        make()
