"""The benchmark's problems as PyTorch's users write them: the same layers, the same gradient."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import beam_translation, ctc, problems, translation
from benchmarks.grid import PROBLEMS, Cell

torch = pytest.importorskip("torch")

SENTENCE = Cell(2, 3, 4, timesteps=5, symbols=7)


def test_both_translators_have_as_many_parameters():
    theirs = translation.pytorch_model(SENTENCE).parameters()
    assert translation.our_model(SENTENCE).parameter_count == sum(p.numel() for p in theirs)


def test_both_translators_begin_at_the_same_loss():
    """With our weights in PyTorch's model: it is the same network."""
    ours, theirs = translation.our_model(SENTENCE), translation.pytorch_model(SENTENCE)
    translation.with_our_weights(theirs, ours.state_dict())
    source, before, _ = translation.data(SENTENCE)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(source), torch.from_numpy(before)).numpy()
    np.testing.assert_allclose(ours.predict([source, before]), expected, atol=1e-5)


def test_ctc_of_both_has_the_same_gradient(monkeypatch):
    cell = Cell(2, 0, 0, timesteps=50, symbols=40)
    made = []
    tensor = torch.tensor
    monkeypatch.setattr(torch, "tensor", lambda *a, **k: made.append(tensor(*a, **k)) or made[-1])
    ctc.pytorchs(cell)()
    _, gradient = ctc.ours(cell)()
    theirs = made[0].grad.numpy().swapaxes(0, 1)
    # PyTorch's mean divides each sample's loss by its number of labels, too.
    np.testing.assert_allclose(gradient, ctc.LABELS * theirs, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if "beam" not in name])
def test_the_call_of_pytorch_runs(name):
    cell = Cell(2, 3, 4, timesteps=50, symbols=30)
    assert problems.of_pytorchs(name, cell)() is None


@pytest.mark.parametrize("batch", [1, 3])
def test_both_beams_find_the_same_translations(batch):
    cell = Cell(batch, 8, 8, timesteps=9, symbols=40)
    assert beam_translation.ours(cell)() == beam_translation.pytorchs(cell)()
