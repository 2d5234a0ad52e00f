"""examples/draw.py: DRAW's step through native layers, NumPy and autograd, from end to end."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def draw(root, monkeypatch) -> Any:
    monkeypatch.syspath_prepend(str(root / "examples"))
    return importlib.import_module("draw")


@pytest.fixture
def tiny(draw, monkeypatch) -> Any:
    for name, value in {"size": 8, "window": 3, "hidden": 6, "code": 2, "steps": 3}.items():
        monkeypatch.setattr(draw.Draw, name, value)
    return draw


def test_the_gradient_of_the_whole_is_a_central_difference(tiny):
    """Through every layer, the windows, the samples and the canvas."""
    network, rng = tiny.Draw("float64"), np.random.default_rng(0)
    x = tiny.digits(4, network.size, rng).astype("float64")
    noise = rng.normal(size=(network.steps, 4, network.code))
    gradient = tiny.autograd.grad(network.loss)(network.params, x, noise)
    for layer, arrays in network.params.items():
        for name, value in arrays.items():
            place = tuple(rng.integers(0, size) for size in value.shape)
            before, ends = value[place], []
            for sign in (1e-6, -1e-6):
                value[place] = before + sign
                ends.append(network.loss(network.params, x, noise))
            value[place] = before
            difference = (ends[0] - ends[1]) / 2e-6
            found = gradient[layer][name][place]
            assert abs(difference - found) <= 1e-7 * max(1.0, abs(difference)), (layer, name)


def test_it_learns(tiny):
    network, rng = tiny.Draw(), np.random.default_rng(0)
    history = tiny.train(network, 60, 16, rng, rate=0.01)
    assert np.mean(history[-5:]) < 0.8 * np.mean(history[:5])
    pictures = network.generate(2, rng)
    assert pictures.shape == (2, 8, 8)
    assert ((pictures >= 0) & (pictures <= 1)).all()


def test_the_program_runs(tiny, capsys):
    tiny.main(["--updates", "2"])
    assert capsys.readouterr().out.startswith("nats: ")


def test_digits_are_pictures_of_zeros_and_ones(draw):
    pictures = draw.digits(50, 16, np.random.default_rng(0))
    assert set(np.unique(pictures)) == {0.0, 1.0}
    assert (pictures.sum(axis=(1, 2)) > 4).all()
