"""What networks of symbols refuse, with what stands behind it and what to write instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_helpers import F, H, N, T, two_by_two

import lstm_native as ln


def two() -> tuple[ln.Symbol, ln.Symbol]:
    return ln.Input(features=F, name="wide"), ln.Input(features=F - 1, name="narrow")


def test_merging_layers_name_what_they_are_given():
    wide, narrow = two()
    told = r"3 \(x0\) and 2 \(x1\); the inputs are <Symbol Input 'wide': 3 features>, <Symbol .*'na"
    with pytest.raises(ValueError, match=told):
        ln.Add()([wide, narrow])
    with pytest.raises(ValueError, match=told):
        wide * narrow


def test_steps_and_lengths_that_differ_are_told_with_the_inputs():
    wide, narrow = two()
    y, _ = ln.LSTM(H, name="reader")(narrow)
    model = ln.Model([wide, narrow], ln.Dense(1)(ln.concat([wide, y])))
    x = [np.ones((N, T, F)), np.ones((N, T + 1, F - 1))]
    with pytest.raises(ValueError, match=r"5 \(x0\) and 6 \(x1\); x0 is 'wide', x1 is 'reader'"):
        model.predict(x)
    x[1], lengths = x[1][:, :T], [np.full(N, T), np.full(N, T - 1)]
    with pytest.raises(ValueError, match=r"same lengths.*; x0 is 'wide', x1 is 'reader'"):
        model.predict(x, lengths=lengths)


def test_windows_of_inputs_that_differ_in_steps():
    wide, narrow = two()
    model = ln.Model([wide, narrow], [ln.Dense(1)(wide), ln.Dense(1)(narrow)])
    x = [np.ones((N, T, F)), np.ones((N, T + 1, F - 1))]
    y = [np.ones((N, T, 1)), np.ones((N, T + 1, 1))]
    with pytest.raises(ValueError, match="inputs and outputs of equally many steps, got 5 and 6"):
        model.fit(x, y, tbptt=2, verbose=0)


@pytest.mark.parametrize(
    "layer", [ln.Attention("dot"), ln.AttentionLSTM(4), ln.Concat(), ln.Dot()], ids=repr
)
def test_a_row_has_no_layers_of_several_inputs(layer: Any):
    with pytest.raises(ValueError, match=r"layer 1: .* takes several inputs.*write an ln.Model\("):
        ln.Sequential([ln.Dense(3), layer])


def test_models_are_not_called_on_symbols():
    for model in (two_by_two(), ln.Sequential([ln.Dense(2)])):
        with pytest.raises(TypeError, match="not called on symbols, but its layers are"):
            model(ln.Input(features=F))
    inner = ln.Model((x := ln.Input(features=F)), ln.Dense(2)(x), seed=0)
    outer = ln.Model(inner.inputs, ln.Dense(1)(inner.outputs[0]), seed=0)  # as it says
    assert outer.layers[0] is inner.layers[0]


@pytest.mark.parametrize("other", [np.ones(3), np.array(2.0), True, [1.0]], ids=repr)
def test_symbols_meet_symbols_alone(other: Any):
    x = ln.Input(features=F)
    for call in (lambda: other + x, lambda: x + other, lambda: other * x, lambda: x * other):
        with pytest.raises(
            TypeError, match=r"symbols go with symbols and numbers.*; got <Symbol I"
        ):
            call()


@pytest.mark.parametrize("name", ["val", "val_a", "loss"])
def test_outputs_are_not_called_as_logs_call_other_losses(name: str):
    x = ln.Input(features=F)
    outputs = [ln.Dense(1, name=name)(x), ln.Dense(1, name="b")(x)]
    with pytest.raises(ValueError, match=f"logs of fit call other losses by the name '{name}'"):
        ln.Model(x, outputs)
    assert ln.Model(x, {"a": outputs[0], "b": outputs[1]}).layers
    assert ln.Model(x, outputs[0]).layers


@pytest.mark.parametrize("shape", [(2, 3), (6,)])
def test_a_shape_that_no_number_of_steps_makes_is_refused_where_it_is_written(shape: Any):
    x = ln.Input(features=4)
    with pytest.raises(ValueError, match=r"Reshape: expected values for .*, got rows of 4, of whi"):
        ln.Reshape(shape)(x)
    assert ln.Reshape((-1, 3))(x).features == 3
    assert ln.Reshape((2, 2))(x).features == 2
    assert ln.Reshape((4, 3))(x).features == 3  # three steps of four


def test_a_step_of_several_has_no_out():
    wide, narrow = two()
    stream = ln.Model([wide, narrow], ln.Dense(1)(ln.concat([wide, narrow]))).stream(N)
    x = [np.zeros((N, F), "float32"), np.zeros((N, F - 1), "float32")]
    with pytest.raises(TypeError, match="step: out= goes with one array in and one out"):
        stream.step(x, out=np.zeros((N, 1), "float32"))
    assert stream.step(x, out=None).shape == (N, 1)
