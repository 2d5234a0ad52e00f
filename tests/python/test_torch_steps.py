"""Convolution, pooling and batch normalisation beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import reference as ref
from plain_calls import answer, remember

import lstm_native as ln

torch = pytest.importorskip("torch")
N, T, F = 3, 11, 4


def led_back(module, x: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict]:
    """What a module of torch gives for (N, T, F), and its gradients."""
    tensor = torch.tensor(x.swapaxes(1, 2).copy(), requires_grad=True)
    y = module(tensor)
    y.backward(torch.tensor(dy.swapaxes(1, 2).copy()))
    gradients = {name: value.grad.numpy() for name, value in module.named_parameters()}
    return y.detach().numpy().swapaxes(1, 2), tensor.grad.numpy().swapaxes(1, 2), gradients


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert ref.relative_error(actual, expected) <= 1e-13


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize(
    ("size", "stride", "dilation", "padding"),
    [
        (3, 1, 1, "valid"),
        (4, 2, 1, "valid"),
        (3, 2, 3, "valid"),
        (4, 1, 2, "same"),
        (5, 1, 1, "same"),
    ],
)
def test_conv1d_is_torchs(size, stride, dilation, padding, bias):
    rng = np.random.default_rng(0)
    layer = ln.Conv1D(6, size, stride, dilation, padding, bias=bias, input_size=F, dtype="float64")
    module = torch.nn.Conv1d(
        F, 6, size, stride, 0 if padding == "valid" else "same", dilation, bias=bias
    ).double()
    layer.load_state_dict(module.state_dict())
    x = rng.standard_normal((N, T, F))
    y, backward = remember(layer, x)
    dy = rng.standard_normal(y.shape)
    dx, gradients = backward(dy)
    expected, expected_dx, expected_gradients = led_back(module, x, dy)
    close(y, expected)
    close(dx, expected_dx)
    assert list(gradients) == list(expected_gradients)
    for name, value in expected_gradients.items():
        close(gradients[name], value)


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 1), (2, 3), (4, 2)])
@pytest.mark.parametrize(
    ("layer", "module"),
    [(ln.MaxPool1D, torch.nn.MaxPool1d), (ln.MeanPool1D, torch.nn.AvgPool1d)],
    ids=["max", "mean"],
)
def test_pools_are_torchs(layer, module, size, stride):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (N, T, F)).astype("float64")  # many equal values
    y, backward = remember(layer(size, stride, dtype="float64"), x)
    dy = rng.standard_normal(y.shape)
    expected, expected_dx, _ = led_back(module(size, stride), x, dy)
    close(y, expected)
    close(backward(dy)[0], expected_dx)


def test_batch_norm_is_torchs():
    rng = np.random.default_rng(0)
    layer = ln.BatchNorm(momentum=0.3, epsilon=1e-4, dtype="float64")
    module = torch.nn.BatchNorm1d(F, eps=1e-4, momentum=0.3).double()
    answer(layer, np.zeros((2, F)))
    for _ in range(3):
        x = rng.standard_normal((N, T, F)) * 2 + 1
        y, backward = remember(layer, x)
        dy = rng.standard_normal(y.shape)
        module.zero_grad()
        expected, expected_dx, expected_gradients = led_back(module, x, dy)
        close(y, expected)
        dx, gradients = backward(dy)
        close(dx, expected_dx)
        for name, value in expected_gradients.items():
            close(gradients[name], value)
    state = module.state_dict()
    for name, value in layer.state_dict().items():
        close(value, state[name].numpy())
    module.eval()
    with torch.no_grad():
        expected = module(torch.tensor(x.swapaxes(1, 2).copy())).numpy().swapaxes(1, 2)
    close(answer(layer, x), expected)
