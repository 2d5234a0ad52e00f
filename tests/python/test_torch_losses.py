"""Losses, their gradients and what they teach, beside PyTorch."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref
from test_losses_numeric import TOLERANCE, identity_layer

import lstm_native as ln

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402 - imports torch

CE, BCE = "categorical_crossentropy", "binary_crossentropy"
WIDTH = 5


def ours(loss: ln.losses.Loss, x, y, dtype) -> tuple[float, np.ndarray]:
    """Loss, and the gradient of the bias behind the logits."""
    import json

    layer = identity_layer(x.shape[-1], dtype)
    value, gradients = p.network_gradients([layer], json.loads(loss.to_json()), x, y, None)
    return value, gradients[0]["bias"]


def theirs(loss, x, y) -> tuple[float, np.ndarray]:
    logits = torch.tensor(x.astype("float64"), requires_grad=True)
    value = loss(logits, torch.tensor(y))
    value.backward()
    return value.item(), logits.grad.reshape(-1, x.shape[-1]).sum(dim=0).numpy()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["labels", "ignored", "soft"])
def test_cross_entropy(dtype, kind, smoothing):
    rng = np.random.default_rng(0)
    x = p.normal(rng, (40, WIDTH), dtype) * 3
    options = {"ignore_index": -100} if kind == "ignored" else {}
    y = rng.dirichlet(np.ones(WIDTH), 40) if kind == "soft" else rng.integers(0, WIDTH, 40)
    if kind == "ignored":
        y[::3] = -100
    loss = ln.CategoricalCrossentropy(label_smoothing=smoothing, **options)
    found = ours(loss, x, y.astype(dtype) if kind == "soft" else y, dtype)
    expected = theirs(lambda z, t: functional.cross_entropy(z, t, label_smoothing=smoothing), x, y)
    # A float32 distribution does not sum to 1 any more.
    tolerance = TOLERANCE[dtype] if dtype == np.float64 or kind != "soft" else 2e-6
    assert found[0] == pytest.approx(expected[0], rel=tolerance)
    assert ref.relative_error(found[1], expected[1]) <= p.GRADIENT_TOLERANCE[dtype]


def test_binary_cross_entropy(dtype):
    rng = np.random.default_rng(0)
    x, y = p.normal(rng, (40, WIDTH), dtype) * 3, rng.integers(0, 2, (40, WIDTH)).astype("float64")
    for smoothing in (0.0, 0.2):
        smooth = y * (1 - smoothing) + smoothing / 2
        found = ours(ln.BinaryCrossentropy(label_smoothing=smoothing), x, y.astype(dtype), dtype)
        expected = theirs(functional.binary_cross_entropy_with_logits, x, smooth)
        assert found[0] == pytest.approx(expected[0], rel=TOLERANCE[dtype])
        assert ref.relative_error(found[1], expected[1]) <= p.GRADIENT_TOLERANCE[dtype]


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_an_activated_end_learns_as_torch_does_from_logits(activation):
    """From outputs that are saturated and wrong, too."""
    units = 1 if activation == "sigmoid" else 3
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 4))
    y = rng.integers(0, 2, (30, 1)) if units == 1 else rng.integers(0, 3, 30)
    model = ln.Sequential(
        [ln.Dense(units, input_size=4, activation=activation)], dtype="float64", seed=0
    )
    start = {"0.weight": 60 * rng.standard_normal((units, 4)), "0.bias": np.zeros(units)}
    model.load_state_dict(start)
    model.fit(
        x,
        y,
        loss=BCE if units == 1 else CE,
        optimizer=ln.SGD(0.5),
        epochs=20,
        batch_size=30,
        shuffle=False,
        verbose=False,
    )
    linear = torch.nn.Linear(4, units, dtype=torch.float64)
    linear.load_state_dict({n[2:]: torch.tensor(v) for n, v in start.items()})
    rule = torch.optim.SGD(linear.parameters(), lr=0.5)
    for _ in range(20):
        rule.zero_grad()
        z = linear(torch.tensor(x))
        if units == 1:
            functional.binary_cross_entropy_with_logits(
                z, torch.tensor(y, dtype=z.dtype)
            ).backward()
        else:
            functional.cross_entropy(z, torch.tensor(y)).backward()
        rule.step()
    for name, value in linear.state_dict().items():
        assert ref.relative_error(model.state_dict()[f"0.{name}"], value.numpy()) <= 1e-12
