"""PyTorch as the truth for graphs: the same weights, losses and gradients."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import VOCABULARY, F, H, N, T, data_of_two, encoder_decoder, two_by_two

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402


def tensors(model):
    """The weights by name, with gradients."""
    return {
        name: torch.tensor(value, requires_grad=True) for name, value in model.state_dict().items()
    }


def recurrent(kind, weights, name, x, state=None):
    """A module of PyTorch with these weights."""
    own = {k.partition(".")[2]: v for k, v in weights.items() if k.startswith(f"{name}.")}
    module = getattr(torch.nn, kind)(x.shape[-1], H, batch_first=True, dtype=torch.float64)
    return torch.func.functional_call(module, own, (x, state))


def linear(weights, name, x):
    return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def compare(model, weights, wanted, x, y, **options):
    found, gradients = model.gradients(x, y, seed=0, **options)
    assert found == pytest.approx(wanted.item(), rel=1e-12)
    wanted.backward()
    for name, weight in weights.items():
        if name.endswith("bias_hh_l0") and weight.grad is None:
            continue
        np.testing.assert_allclose(
            gradients[name], weight.grad.numpy(), rtol=1e-9, atol=1e-13, err_msg=name
        )


def test_two_inputs_two_losses():
    model = two_by_two("float64")
    x, y = data_of_two(dtype="float64")
    weights = tensors(model)
    first, (h, _) = recurrent("LSTM", weights, "encoder", torch.tensor(x[0]))
    words = functional.embedding(torch.tensor(x[1]), weights["words.weight"])
    second, _ = recurrent("GRU", weights, "reader", words, h)
    value = linear(weights, "value", first)
    kind = linear(weights, "kind", second[:, -1])
    found = model.predict(x)
    np.testing.assert_allclose(found[0], value.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found[1], kind.detach().numpy(), rtol=1e-12, atol=1e-13)
    loss = functional.mse_loss(value, torch.tensor(y[0])) + 0.3 * functional.cross_entropy(
        kind, torch.tensor(y[1])
    )
    options = {"loss": ["mse", "categorical_crossentropy"], "loss_weights": [1.0, 0.3]}
    compare(model, weights, loss, x, y, **options)


def test_an_encoder_and_a_decoder():
    model = encoder_decoder(dtype="float64")
    rng = np.random.default_rng(0)
    source, target = rng.integers(0, VOCABULARY, (N, T)), rng.integers(0, VOCABULARY, (N, T + 2))
    labels = rng.integers(0, VOCABULARY, (N, T + 2))
    weights = tensors(model)
    names = [name for name in weights if name.startswith("embedding")]
    code = functional.embedding(torch.tensor(source), weights[names[0]])
    _, state = recurrent("LSTM", weights, "encoder", code)
    words = functional.embedding(torch.tensor(target), weights[names[1]])
    y, _ = recurrent("LSTM", weights, "decoder", words, state)
    logits = linear(weights, "word", y)
    loss = functional.cross_entropy(logits.transpose(1, 2), torch.tensor(labels))
    compare(model, weights, loss, [source, target], labels, loss="categorical_crossentropy")


def test_features_of_the_helpers_are_those_of_the_test():
    assert two_by_two("float64").inputs[0].features == F
