"""Steps of our optimisers beside those of torch.optim; weights of PyTorch in load_state_dict."""

from __future__ import annotations

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lstm_native as ln  # noqa: E402

PAIRS = {
    "sgd": (lambda: ln.SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "nesterov": (
        lambda: ln.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
    "adam": (
        lambda: ln.Adam(0.01, beta1=0.8, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.999), weight_decay=0.1),
    ),
    "adamw": (lambda: ln.AdamW(0.01), lambda p: torch.optim.AdamW(p, lr=0.01)),
    "adam_amsgrad": (
        lambda: ln.Adam(0.01, beta2=0.7, amsgrad=True),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.7), amsgrad=True),
    ),
    "adamw_amsgrad": (
        lambda: ln.AdamW(0.01, beta2=0.7, amsgrad=True),
        lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.7), amsgrad=True),
    ),
    "nadam": (lambda: ln.NAdam(0.01), lambda p: torch.optim.NAdam(p, lr=0.01)),
    "nadam_defaults": (lambda: ln.NAdam(), lambda p: torch.optim.NAdam(p)),
    "nadam_options": (
        lambda: ln.NAdam(0.01, momentum_decay=0.5, weight_decay=0.1),
        lambda p: torch.optim.NAdam(p, lr=0.01, momentum_decay=0.5, weight_decay=0.1),
    ),
    "nadam_decoupled": (
        lambda: ln.NAdam(0.01, weight_decay=0.1, decoupled_weight_decay=True),
        lambda p: torch.optim.NAdam(p, lr=0.01, weight_decay=0.1, decoupled_weight_decay=True),
    ),
    "adagrad": (lambda: ln.Adagrad(), lambda p: torch.optim.Adagrad(p)),
    "adagrad_options": (
        lambda: ln.Adagrad(
            0.1,
            learning_rate_decay=0.1,
            initial_accumulator_value=0.5,
            weight_decay=0.1,
            epsilon=1e-4,
        ),
        lambda p: torch.optim.Adagrad(
            p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5, weight_decay=0.1, eps=1e-4
        ),
    ),
    "rmsprop": (
        lambda: ln.RMSprop(0.01, momentum=0.5),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.99, momentum=0.5),
    ),
}


@pytest.fixture
def double_state():
    """torch.optim.NAdam keeps the product of its momenta in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("double_state")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("name", PAIRS)
def test_steps_are_those_of_torch(name, clip, dtype):
    ours, theirs = PAIRS[name]
    optimizer = ours()
    if clip is not None:
        settings = {k: v for k, v in vars(optimizer).items() if k[0] != "_"}
        optimizer = type(optimizer)(**{**settings, "clip_norm": clip})
    rng = np.random.default_rng(0)
    params = {
        "w": rng.normal(size=(4, 3)).astype(dtype),
        "b": rng.normal(size=5).astype(dtype),
    }
    tensors = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in params.items()}
    peer = theirs(list(tensors.values()))
    for _ in range(60):
        grads = {k: rng.normal(size=v.shape).astype(dtype) for k, v in params.items()}
        for k, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[k])
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(tensors.values(), clip)
        peer.step()
        optimizer.update(params, grads)
    for k, tensor in tensors.items():
        rtol, atol = (1e-11, 1e-13) if dtype == "float64" else (2e-5, 2e-6)
        np.testing.assert_allclose(params[k], tensor.detach().numpy(), rtol=rtol, atol=atol)


def test_tensors_are_loaded_also_those_that_require_gradients():
    peer = torch.nn.LSTM(3, 4, batch_first=True)
    layer = ln.LSTM(4, input_size=3)
    for state in (peer.state_dict(), dict(peer.named_parameters())):
        result = layer.load_state_dict(state)
        assert result == ([], [])
        for name, value in layer.state_dict().items():
            assert (value == state[name].detach().numpy()).all()
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    with torch.no_grad():
        expected, _ = peer(torch.tensor(x))
    np.testing.assert_allclose(layer(x)[0], expected.numpy(), atol=1e-6)
    half = {name: value.bfloat16() for name, value in peer.state_dict().items()}
    with pytest.raises(TypeError, match=r"weight_ih_l0: .*convert it with \.float"):
        layer.load_state_dict(half)


def test_a_module_is_told_to_give_its_state_dict():
    with pytest.raises(TypeError, match=re.escape("a LSTM: give its state_dict()")):
        ln.LSTM(4, input_size=3).load_state_dict(torch.nn.LSTM(3, 4))


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(3, 4, batch_first=True)
        self.fc = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.lstm(x)[0])


def test_the_line_in_the_message_loads_a_model_of_torch():
    net = Net()
    model = ln.Sequential([ln.LSTM(4, input_size=3), ln.Dense(2)])
    state = net.state_dict()
    with pytest.raises(ValueError, match="fit layer by layer") as told:
        model.load_state_dict(state)
    line = str(told.value).partition("write ")[2]
    exec(line, {"model": model, "state": state})
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    with torch.no_grad():
        np.testing.assert_allclose(model.predict(x), net(torch.tensor(x)).numpy(), atol=1e-6)

    layer = ln.LSTM(4, input_size=3)
    with pytest.raises(ValueError, match=re.escape("they fit without 'lstm.'")) as told:
        layer.load_state_dict(state)
    exec(str(told.value).partition("write ")[2], {"layer": layer, "state": state})
    assert (layer.state_dict()["bias_hh_l0"] == state["lstm.bias_hh_l0"].numpy()).all()
