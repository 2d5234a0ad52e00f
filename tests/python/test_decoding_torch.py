"""PyTorch with the same weights goes on in the same way."""

from __future__ import annotations

import numpy as np
import pytest
from decoding_helpers import tuples

import lstm_native as ln

torch = pytest.importorskip("torch")

V, H = 40, 16
PROMPTS = [[1, 2, 3], [4], [0, 5]]


@pytest.fixture
def pair():
    layers = [ln.Embedding(V, 8), ln.LSTM(H, num_layers=2), ln.Dense(V)]
    model = ln.Sequential(layers, seed=2, dtype="float64")
    weights = {k: 3 * v for k, v in model.state_dict().items()}
    model.load_state_dict(weights)
    modules = torch.nn.ModuleList(
        [torch.nn.Embedding(V, 8), torch.nn.LSTM(8, H, 2, batch_first=True), torch.nn.Linear(H, V)]
    ).double()
    modules.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
    return model, modules


def test_greedy(pair):
    model, (embedding, lstm, dense) = pair
    found = model.generate(PROMPTS, steps=12)
    with torch.no_grad():
        for prompt, tokens in zip(PROMPTS, found, strict=True):
            token, state = torch.tensor([prompt]), None
            for wanted in tokens:
                y, state = lstm(embedding(token), state)
                token = dense(y[:, -1:]).argmax(-1)
                assert token.item() == wanted


def test_the_loops_of_the_benchmark_find_the_same():
    from benchmarks.beam import Problem, one_by_one, ours, torchs

    problem = Problem(prompts=3, hidden=16, vocabulary=50, steps=10, width=4)
    assert ours(problem)() == torchs(problem)() == one_by_one(problem)()


def test_log_probabilities(pair):
    model, (embedding, lstm, dense) = pair
    for prompt, best in zip(PROMPTS, model.beam_search(PROMPTS, steps=6, n_best=5), strict=True):
        assert len(set(tuples(best))) == 5
        for one in best:
            whole = torch.tensor([[*prompt, *one.tokens]])
            with torch.no_grad():
                log_p = dense(lstm(embedding(whole))[0]).log_softmax(-1)[0]
            own = log_p[len(prompt) - 1 : -1].gather(1, torch.from_numpy(one.tokens)[:, None])
            assert one.log_probability == pytest.approx(own.sum().item(), rel=1e-12)


def test_ctc_against_its_loss():
    """What a wide search finds has the probability that CTCLoss says."""
    x = np.random.default_rng(0).normal(size=(1, 6, 4))
    found = ln.ctc_beam_search(x, width=1000, n_best=1000)[0]
    logits = torch.from_numpy(x).transpose(0, 1).log_softmax(-1)
    for one in found:
        loss = torch.nn.functional.ctc_loss(
            logits,
            torch.from_numpy(one.tokens)[None],
            torch.tensor([6]),
            torch.tensor([len(one.tokens)]),
            reduction="sum",
        )
        assert one.log_probability == pytest.approx(-loss.item(), rel=1e-9)
