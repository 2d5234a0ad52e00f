"""Layers without biases: what is gone, what stays, and that the rest is as with biases of zero."""

from __future__ import annotations

import json
import struct

import family
import numpy as np
import product as p
import pytest
from safetensors.numpy import load_file

import lstm_native as ln

F, H = 3, 6

# Kinds with options that have something to do with their biases.
CASES = {
    **{kind: (kind, {}) for kind in family.KINDS},
    "stacked_two_ways": ("LSTM", {"num_layers": 2, "bidirectional": True}),
    "normalised": ("LSTM", {"layer_norm": True, "peephole": True}),
    "coupled_projection": ("LSTM", {"coupled_gates": True, "proj_size": 2}),
    "reset_before": ("GRU", {"reset_after": False}),
    "drops": ("GRU", {"num_layers": 2, "dropout": 0.3, "weight_drop": 0.3, "zoneout": 0.2}),
}


def pair(name, dtype="float32", **shared):
    """A layer without biases, and one with the same weights and biases of zero."""
    kind, options = CASES[name]
    layers = [
        family.new_layer(kind, H, F, dtype, bias=bias, **options, **shared)
        for bias in (False, True)
    ]
    with_biases = layers[1].state_dict()
    own = layers[0].state_dict()
    assert set(own) == {key for key in with_biases if "bias" not in key}
    layers[1].load_state_dict({k: own.get(k, np.zeros_like(v)) for k, v in with_biases.items()})
    return layers


@pytest.mark.parametrize("name", CASES)
def test_the_initial_weights_are_those_with_biases(name):
    """The seed of a weight does not depend on which parameters stand before it."""
    kind, options = CASES[name]
    found, wanted = (
        family.new_layer(kind, H, F, "float32", bias=bias, **options).state_dict()
        for bias in (False, True)
    )
    p.assert_same_weights(found, {key: wanted[key] for key in found})
    assert list(found) == [key for key in wanted if "bias" not in key]


@pytest.mark.parametrize("name", CASES)
def test_it_runs_as_with_biases_of_zero(isa, dtype, threads, name):
    """The same bits forward, back and step by step; but for those gradients that are gone."""
    without, zero = pair(name, dtype)
    rng = np.random.default_rng(0)
    x = p.normal(rng, (5, 7, F), dtype)
    found, wanted = [], []
    for layer, into in ((without, found), (zero, wanted)):
        y, _ = layer(x, lengths=[7, 3, 0, 7, 1])
        trained, _, tape = layer.forward(x, lengths=[7, 3, 0, 7, 1], seed=3)
        dx, _, gradients = tape.backward(np.ones_like(trained))
        into += [y, trained, dx, gradients]
    for a, b in zip(found[:3], wanted[:3], strict=True):
        p.assert_same_bits(a, b)
    assert set(found[3]) == set(without.state_dict())
    p.assert_same_weights(found[3], {key: wanted[3][key] for key in found[3]})
    if "bidirectional" in CASES[name][1]:
        return
    streams = [ln.Sequential([layer]).stream(5) for layer in (without, zero)]
    for t in range(3):
        step = np.ascontiguousarray(x[:, t])
        p.assert_same_bits(streams[0].step(step), streams[1].step(step))


@pytest.mark.parametrize("name", CASES)
def test_neither_gradient_nor_optimiser_nor_file_knows_them(tmp_path, name):
    kind, options = CASES[name]
    layer = family.new_layer(kind, H, F, "float32", bias=False, **options)
    model = ln.Sequential([layer, ln.Dense(1)], seed=0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 5, F)).astype("float32")
    y = rng.normal(size=(8, 5, 1)).astype("float32")
    model.fit(x, y, epochs=2, optimizer=ln.Adam(0.01), seed=0, verbose=False)
    path = tmp_path / "model.safetensors"
    model.save(path)
    stored = load_file(path)
    assert [k for k in stored if "bias" in k.replace("1.bias", "")] == []
    assert {k for k in stored if k.startswith("optimizer.exp_avg.")} == {
        f"optimizer.exp_avg.{k}" for k in model.state_dict()
    }
    again = ln.load_model(path)
    assert again.layers[0].bias is False
    for each in (model, again):
        each.fit(x, y, epochs=4, initial_epoch=2, seed=0, verbose=False)
    p.assert_same_weights(again.state_dict(), model.state_dict())
    assert f"{sum(v.size for v in layer.state_dict().values()):,}" in model.summary()


def spec_in(path) -> dict:
    """The first layer as a model file describes it."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    return json.loads(header["__metadata__"]["network"])["layers"][0]


@pytest.mark.parametrize("kind", family.KINDS)
def test_only_a_file_without_biases_says_so(tmp_path, kind):
    """Files of models with biases stay byte for byte as they were, and old ones load."""
    for bias in (False, True):
        model = ln.Sequential([family.new_layer(kind, H, F, "float32", bias=bias)])
        model.save(tmp_path / "m.safetensors")
        assert spec_in(tmp_path / "m.safetensors").get("bias", True) is bias
        assert ("bias" in spec_in(tmp_path / "m.safetensors")) is not bias


def test_repr_and_refusals_name_the_option():
    assert repr(ln.GRU(4, bias=False)) == "GRU(hidden_size=4, bias=False)"
    assert repr(ln.LSTM(4)) == "LSTM(hidden_size=4)"
    for kind in family.KINDS:
        with pytest.raises(TypeError, match="bias"):
            getattr(ln, kind)(4, bias=0)
    layer = ln.LSTM(H, input_size=F, bias=False)
    with pytest.raises(ValueError, match="bias_ih_l0"):
        layer.load_state_dict(ln.LSTM(H, input_size=F, seed=0).state_dict())
    with pytest.raises(ValueError, match="bias_ih_l0"):
        ln.LSTM(H, input_size=F).load_state_dict(layer.state_dict())
