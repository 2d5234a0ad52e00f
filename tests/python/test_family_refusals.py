"""Recurrent layers: options that mean nothing, or exclude each other, are refused by name."""

from __future__ import annotations

import family
import numpy as np
import pytest

import lstm_native as ln

RATES = [(kind, option) for kind in family.KINDS for option in ("dropout", "input_dropout")]
RATES += [
    (kind, option)
    for kind in family.WITH_WEIGHT_HH
    for option in ("recurrent_dropout", "weight_drop", "zoneout")
]


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, np.nan, np.inf])
@pytest.mark.parametrize(("kind", "option"), RATES)
def test_rates_are_shares(kind, option, rate):
    with pytest.raises(ValueError, match=option):
        getattr(ln, kind)(4, num_layers=2, **{option: rate})


@pytest.mark.parametrize("limit", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize(
    ("kind", "option"),
    [(kind, option) for kind in family.KINDS for option in family.clip_options(kind)],
)
def test_clips_are_positive(kind, option, limit):
    with pytest.raises(ValueError, match=option):
        getattr(ln, kind)(4, **{option: limit})


FUNCTION_OPTIONS = [
    (kind, option) for kind in family.KINDS for option in family.function_options(kind)
]


@pytest.mark.parametrize(
    "function",
    ["swish", "Tanh", "", ("swish", 1.0), ("tanh", 1.0), ("elu", 1.0, 2.0), ("elu", np.nan), None],
    ids=str,
)
@pytest.mark.parametrize(("kind", "option"), FUNCTION_OPTIONS)
def test_unknown_functions_and_parameters(kind, option, function):
    with pytest.raises((TypeError, ValueError), match=option):
        getattr(ln, kind)(4, **{option: function})


# What the message names comes first.
ALL_KINDS = {
    "dropout_of_one_layer": ("dropout", {"dropout": 0.5}),
    "both_ways_in_reverse": ("reverse", {"bidirectional": True, "reverse": True}),
    "sum_of_one_direction": ("merge", {"merge": "sum"}),
    "unknown_merge": ("merge", {"merge": "mul", "bidirectional": True}),
    "residual_of_one_layer": ("residual", {"residual": True}),
    "residual_of_two_last_steps": (
        "residual",
        {"residual": True, "num_layers": 2, "bidirectional": True, "return_sequences": False},
    ),
    "no_layers": ("num_layers", {"num_layers": 0}),
    "stateful_in_reverse": ("stateful", {"stateful": True, "reverse": True}),
    "stateful_both_ways": ("stateful", {"stateful": True, "bidirectional": True}),
}
OF_KIND = {
    "LSTM-coupled_without_forget_gate": (
        "coupled_gates.*forget_gate",
        {"coupled_gates": True, "forget_gate": False},
    ),
    "LSTM-coupled_without_input_gate": (
        "coupled_gates.*input_gate",
        {"coupled_gates": True, "input_gate": False},
    ),
    "LSTM-peepholes_of_no_gate": (
        "peephole",
        {"peephole": True, "input_gate": False, "forget_gate": False, "output_gate": False},
    ),
    "LSTM-projection_to_nothing": ("proj_size", {"proj_size": 0}),
    "LSTM-projection_wider_than_the_cell": ("proj_size", {"proj_size": 5}),
    "LSTM-projection_as_wide_as_the_cell": ("proj_size", {"proj_size": 4}),
    "LSTM-three_rates_of_zoneout": ("zoneout", {"zoneout": (0.1, 0.1, 0.1)}),
    "LSTM-zoneout_of_everything": ("zoneout", {"zoneout": (0.1, 1.0)}),
    "LSTM-forget_bias": ("forget_bias", {"forget_bias": np.nan}),
    "LSTM-forget_bias_of_no_bias": (
        "forget_bias=2.0 .*bias=False",
        {"bias": False, "forget_bias": 2.0},
    ),
    "RNN-unknown_init": ("recurrent_init", {"recurrent_init": "zeros"}),
}


@pytest.mark.parametrize("name", ALL_KINDS)
@pytest.mark.parametrize("kind", family.KINDS)
def test_options_without_a_meaning(kind, name):
    option, options = ALL_KINDS[name]
    with pytest.raises(ValueError, match=option):
        getattr(ln, kind)(4, **options)


@pytest.mark.parametrize("name", OF_KIND)
def test_options_of_one_kind_without_a_meaning(name):
    option, options = OF_KIND[name]
    with pytest.raises(ValueError, match=option):
        getattr(ln, name.split("-")[0])(4, **options)


@pytest.mark.parametrize("kind", [k for k in family.ONE_STATE if k in family.WITH_WEIGHT_HH])
def test_one_state_has_one_rate_of_zoneout(kind):
    with pytest.raises((TypeError, ValueError), match="zoneout"):
        getattr(ln, kind)(4, zoneout=(0.1, 0.2))


# Of the cells, and those that need recurrent weights.
OWN_OPTIONS = {
    kind: {*family.cell_options(kind)}
    | ({"recurrent_dropout", "weight_drop", "zoneout"} if kind in family.WITH_WEIGHT_HH else set())
    for kind in family.KINDS
}


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (kind, option)
        for kind in family.KINDS
        for option in sorted(set().union(*OWN_OPTIONS.values()) - OWN_OPTIONS[kind])
    ],
)
def test_an_option_of_another_kind_is_unknown(kind, option):
    with pytest.raises(TypeError, match=option):
        getattr(ln, kind)(4, **{option: 1})


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (kind, option)
        for kind in family.KINDS
        for option in (
            *family.switches(kind),
            *("residual", "stateful", "checkpoint", "return_sequences"),
        )
    ],
)
@pytest.mark.parametrize("value", [1, None, "yes"])
def test_a_switch_is_true_or_false(kind, option, value):
    with pytest.raises(TypeError, match=option):
        getattr(ln, kind)(4, num_layers=2, **{option: value})


@pytest.mark.parametrize("kind", family.KINDS)
@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_what_begins_at_the_end_cannot_be_streamed(kind, direction):
    model = ln.Sequential([family.new_layer(kind, 4, 3, "float32", **{direction: True})])
    with pytest.raises(ValueError, match=direction):
        model.stream()


@pytest.mark.parametrize("kind", family.ONE_STATE)
def test_a_state_is_one_array_of_the_right_shape(kind):
    layer = family.new_layer(kind, 4, 3, "float32", num_layers=2)
    x = np.zeros((2, 5, 3), np.float32)
    good = np.zeros((2, 2, 4), np.float32)
    layer(x, good)
    for bad in (good[:1], good[:, :1], good[..., :3], (good, good)):
        with pytest.raises((TypeError, ValueError), match="state"):
            layer(x, bad)
    with pytest.raises(ValueError, match="state"):
        layer(x, np.full_like(good, np.nan))
