"""The benchmark's problems as PyTorch's users write them: the same layers, the same gradient."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import ctc, problems, translation
from benchmarks.grid import PROBLEMS, Cell

torch = pytest.importorskip("torch")

SENTENCE = Cell(2, 3, 4, timesteps=5, symbols=7)


def test_both_translators_have_as_many_parameters():
    theirs = translation.pytorch_model(SENTENCE).parameters()
    assert translation.our_model(SENTENCE).parameter_count == sum(p.numel() for p in theirs)


def test_both_translators_begin_at_the_same_loss():
    """With our weights in PyTorch's model: it is the same network."""
    ours, theirs = translation.our_model(SENTENCE), translation.pytorch_model(SENTENCE)
    weights = ours.state_dict()
    names = {
        "read.weight": "embedding.weight",
        "said.weight": "embedding_1.weight",
        **{f"encoder.{n}_l0": f"lstm.{n}_l0" for n in _CELL},
        **{f"decoder.{n}": f"attention_lstm.{n}_l0" for n in _CELL},
        "query.weight": "attention_lstm.query_weight",
        "key.weight": "attention_lstm.memory_weight",
        "score.weight": "attention_lstm.v",
        "logits.weight": "dense.weight",
        "logits.bias": "dense.bias",
    }
    assert set(names.values()) == set(weights)
    state = {mine: torch.tensor(weights[name]) for mine, name in names.items()}
    state["score.weight"] = state["score.weight"].reshape(1, -1)
    theirs.load_state_dict(state)
    source, before, _ = translation.data(SENTENCE)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(source), torch.from_numpy(before)).numpy()
    np.testing.assert_allclose(ours.predict([source, before]), expected, atol=1e-5)


_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


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


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "beam"])
def test_the_call_of_pytorch_runs(name):
    cell = Cell(2, 3, 4, timesteps=50, symbols=30)
    assert problems.of_pytorchs(name, cell)() is None
