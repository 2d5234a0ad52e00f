"""Parity with PyTorch where it is installed; and the reference itself, checked against it."""

from __future__ import annotations

import dataclasses

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln

torch = pytest.importorskip("torch")

from torch_helpers import (  # noqa: E402 - imports torch
    TORCH,
    pass_of_ours,
    pass_of_torch,
    state_of,
    tensor,
    torch_lstm,
)

STEPS = 20
# Against each other both may be off by as much as they may be off the reference.
FORWARD = {np.dtype("float32"): 4e-6, np.dtype("float64"): 2e-13}


@pytest.mark.parametrize(
    ("n", "t", "f", "h", "layers", "directions"),
    [
        (1, 1, 1, 1, 1, 1),
        (3, 7, 5, 17, 1, 1),
        (9, 12, 40, 70, 2, 1),
        (5, 30, 33, 15, 3, 1),
        (1, 1, 1, 1, 1, 2),
        (4, 9, 6, 16, 1, 2),
        (9, 12, 40, 35, 2, 2),
        (5, 30, 33, 15, 3, 2),
    ],
)
def test_lstm_forward_and_gradients(isa, dtype, threads, n, t, f, h, layers, directions):
    rng = np.random.default_rng(0)
    options = {"num_layers": layers, "bidirectional": directions == 2}
    theirs = torch_lstm(f, h, dtype=dtype, **options)
    ours = ln.LSTM(h, input_size=f, dtype=dtype.name, seed=0, **options)
    ours.load_state_dict(state_of(theirs))
    x, dy = p.normal(rng, (n, t, f), dtype), p.normal(rng, (n, t, directions * h), dtype)
    size = (layers * directions, n, h)
    h0, c0, dh, dc = (p.normal(rng, size, dtype) for _ in range(4))

    given = (x, (h0, c0), dy, (dh, dc))
    values, gradients = pass_of_ours(ours, *given)
    wanted_values, wanted_gradients = pass_of_torch(theirs, *given)
    for name, wanted in wanted_values.items():
        assert ref.relative_error(values[name], wanted) <= FORWARD[dtype], name
    for name, wanted in wanted_gradients.items():
        assert ref.relative_error(gradients[name], wanted) <= p.GRADIENT_TOLERANCE[dtype], name


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_lstm_state_dict_travels_both_ways(dtype, num_layers, bidirectional):
    options = {"num_layers": num_layers, "bidirectional": bidirectional}
    theirs = torch_lstm(6, 5, dtype=dtype, **options)
    ours = ln.LSTM(5, input_size=6, dtype=dtype.name, seed=1, **options)
    ours_before = ours.state_dict()
    assert list(ours_before) == list(theirs.state_dict())
    theirs_before = state_of(theirs)
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours_before.items()})
    ours.load_state_dict(theirs_before)
    p.assert_same_weights(ours.state_dict(), theirs_before)
    p.assert_same_weights(state_of(theirs), ours_before)


def test_other_layers_have_torch_names_and_shapes(dtype):
    pairs = [
        (ln.Dense(4, input_size=3, dtype=dtype.name), torch.nn.Linear(3, 4)),
        (
            ln.Dense(4, input_size=3, use_bias=False, dtype=dtype.name),
            torch.nn.Linear(3, 4, bias=False),
        ),
        (ln.Embedding(7, 5, dtype=dtype.name), torch.nn.Embedding(7, 5)),
    ]
    for ours, theirs in pairs:
        theirs.to(TORCH[dtype])
        weights = state_of(theirs)
        assert list(ours.state_dict()) == list(weights)
        ours.load_state_dict(weights)
        p.assert_same_weights(ours.state_dict(), weights)


class Pair(torch.nn.Module):
    """LSTM and Dense on every step, as torch builds them."""

    def __init__(self, features, hidden, units, dtype):
        super().__init__()
        torch.manual_seed(3)
        options = {"dtype": TORCH[np.dtype(dtype)]}
        self.lstm = torch.nn.LSTM(features, hidden, batch_first=True, **options)
        self.dense = torch.nn.Linear(hidden, units, **options)

    def forward(self, x):
        return self.dense(self.lstm(x)[0])


OPTIMIZERS = {
    "sgd": (ln.SGD(0.1), lambda w: torch.optim.SGD(w, 0.1)),
    "sgd_momentum": (
        ln.SGD(0.1, momentum=0.9),
        lambda w: torch.optim.SGD(w, 0.1, momentum=0.9),
    ),
    "sgd_nesterov": (
        ln.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda w: torch.optim.SGD(w, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
    "adam": (ln.Adam(0.01), lambda w: torch.optim.Adam(w, 0.01)),
    "adam_decay": (
        ln.Adam(0.01, weight_decay=0.02),
        lambda w: torch.optim.Adam(w, 0.01, weight_decay=0.02),
    ),
    "adamw": (
        ln.AdamW(0.01, weight_decay=0.1),
        lambda w: torch.optim.AdamW(w, 0.01, weight_decay=0.1),
    ),
    "rmsprop": (ln.RMSprop(0.003), lambda w: torch.optim.RMSprop(w, 0.003)),
    "rmsprop_momentum": (
        ln.RMSprop(0.003, rho=0.9, momentum=0.5, epsilon=1e-4),
        lambda w: torch.optim.RMSprop(w, 0.003, alpha=0.9, momentum=0.5, eps=1e-4),
    ),
    "adam_clip_norm": (
        ln.Adam(0.01, clip_norm=0.05),
        lambda w: torch.optim.Adam(w, 0.01),
    ),
    "sgd_clip_value": (
        ln.SGD(0.1, clip_value=0.002),
        lambda w: torch.optim.SGD(w, 0.1),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_steps_of_lstm_and_dense(isa, dtype, threads, name):
    """Training as a whole: forward, loss, backward, clipping and update, 20 times."""
    optimizer, make = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    x, y = p.normal(rng, (8, 10, 4), dtype), p.normal(rng, (8, 10, 3), dtype)
    theirs = Pair(4, 19, 3, dtype)
    ours = ln.Sequential([ln.LSTM(19), ln.Dense(3)], dtype=dtype.name, seed=0)
    ours.predict(x)

    def renamed(weights):
        return {k.replace("lstm.", "0.").replace("dense.", "1."): v for k, v in weights.items()}

    ours.load_state_dict(renamed(state_of(theirs)))
    history = ours.fit(
        x,
        y,
        epochs=STEPS,
        batch_size=8,
        loss="mse",
        optimizer=optimizer,
        shuffle=False,
        verbose=False,
    )

    rule, losses = make(theirs.parameters()), []
    for _ in range(STEPS):
        rule.zero_grad()
        loss = torch.nn.functional.mse_loss(theirs(tensor(x)), tensor(y))
        loss.backward()
        if optimizer.clip_value is not None:
            torch.nn.utils.clip_grad_value_(theirs.parameters(), optimizer.clip_value)
        if optimizer.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), optimizer.clip_norm)
        rule.step()
        losses.append(float(loss.detach()))
    # Adam and RMSprop divide by the root of a squared gradient: where that is near zero,
    # rounding in float32 is magnified.
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    found = ours.state_dict()
    for key, expected in renamed(state_of(theirs)).items():
        assert ref.relative_error(found[key], expected) <= tolerance, key
    assert history.history["loss"] == pytest.approx(losses, rel=tolerance)


@pytest.mark.parametrize("loss", ref.LOSSES)
def test_losses_are_those_of_torch(loss):
    functional = torch.nn.functional
    rng = np.random.default_rng(0)
    model = ln.Sequential([ln.LSTM(5), ln.Dense(4)], dtype="float64", seed=0)
    x = rng.standard_normal((6, 3, 2))
    output = torch.tensor(model.predict(x))
    y = rng.standard_normal((6, 3, 4))
    if loss == "categorical_crossentropy":
        y = rng.integers(0, 4, (6, 3))
        expected = functional.cross_entropy(output.reshape(-1, 4), torch.tensor(y).reshape(-1))
    elif loss == "binary_crossentropy":
        y = rng.uniform(0, 1, (6, 3, 4))
        expected = functional.binary_cross_entropy_with_logits(output, torch.tensor(y))
    elif loss == "huber":
        expected = functional.huber_loss(output, torch.tensor(y))
    else:
        function = {"mse": functional.mse_loss, "mae": functional.l1_loss}[loss]
        expected = function(output, torch.tensor(y))
    assert model.evaluate(x, y, loss=loss)["loss"] == pytest.approx(float(expected), rel=1e-12)


class TestReference:
    """The reference is only worth something if it is right itself."""

    @pytest.mark.parametrize("bidirectional", [False, True])
    @pytest.mark.parametrize("layers", [1, 3])
    def test_lstm(self, layers, bidirectional):
        rng = np.random.default_rng(0)
        directions = 2 if bidirectional else 1
        theirs = torch_lstm(5, 6, num_layers=layers, bidirectional=directions == 2, dtype="float64")
        x, dy = rng.standard_normal((3, 7, 5)), rng.standard_normal((3, 7, 6 * directions))
        state = tuple(rng.standard_normal((layers * directions, 3, 6)) for _ in "hc")
        dstate = tuple(rng.standard_normal((layers * directions, 3, 6)) for _ in "hc")
        weights = state_of(theirs)
        y, final, tape = ref.lstm_forward(x, weights, layers, state, bidirectional=bidirectional)
        dx, dinitial, gradients = ref.lstm_backward(dy, dstate, weights, tape)
        tx, th, tc = tensor(x, True), tensor(state[0], True), tensor(state[1], True)
        ty, (th1, tc1) = theirs(tx, (th, tc))
        torch.autograd.backward([ty, th1, tc1], [torch.tensor(a) for a in (dy, *dstate)])
        pairs = [(y, ty), (final[0], th1), (final[1], tc1)]
        pairs += [(dx, tx.grad), (dinitial[0], th.grad), (dinitial[1], tc.grad)]
        pairs += [(gradients[k], v.grad) for k, v in theirs.named_parameters()]
        for found, expected in pairs:
            assert ref.relative_error(found, expected.detach().numpy()) <= 1e-13

    def test_lstm_masks_between_layers(self):
        """No torch call takes masks: the reference against differences of itself."""
        rng = np.random.default_rng(0)
        weights = ref.random_lstm(rng, 3, 4, 2)
        masks = [rng.integers(0, 2, (2, 5, 4)) * 2.0]
        x, dy = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 5, 4))
        _, _, tape = ref.lstm_forward(x, weights, 2, masks=masks)
        dx, _, gradients = ref.lstm_backward(dy, None, weights, tape)

        def value(x=x, **changed):
            return (ref.lstm_forward(x, {**weights, **changed}, 2, masks=masks)[0] * dy).sum()

        expected = ref.central_difference(lambda a: value(a), x)
        assert ref.relative_error(dx, expected) <= 1e-9
        for name, at in weights.items():
            expected = ref.central_difference(lambda a, name=name: value(**{name: a}), at)
            assert ref.relative_error(gradients[name], expected) <= 1e-9, name

    @pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
    def test_dense(self, activation):
        rng = np.random.default_rng(0)
        x, w, b = rng.standard_normal((2, 3, 5)), rng.standard_normal((4, 5)), np.arange(4.0)
        dy = rng.standard_normal((2, 3, 4))
        y = ref.dense_forward(x, w, b, activation)
        found = [y, *ref.dense_backward(dy, x, y, w, activation)]
        inputs = [tensor(a, True) for a in (x, w, b)]
        z = torch.nn.functional.linear(*inputs)
        if activation == "softmax":
            z = torch.softmax(z, -1)
        elif activation != "linear":
            z = getattr(torch, activation)(z)
        z.backward(torch.tensor(dy))
        for ours, theirs in zip(found, [z, *(a.grad for a in inputs)], strict=True):
            assert ref.relative_error(ours, theirs.detach().numpy()) <= 1e-13

    def test_layer_norm(self):
        rng = np.random.default_rng(0)
        x, w, b = rng.standard_normal((2, 3, 6)), rng.standard_normal(6), rng.standard_normal(6)
        dy = rng.standard_normal((2, 3, 6))
        found = [ref.layer_norm_forward(x, w, b, 1e-3), *ref.layer_norm_backward(dy, x, w, 1e-3)]
        tx, tw, tb = tensor(x, True), tensor(w, True), tensor(b, True)
        y = torch.nn.functional.layer_norm(tx, (6,), tw, tb, 1e-3)
        y.backward(torch.tensor(dy))
        for ours, theirs in zip(found, [y, tx.grad, tw.grad, tb.grad], strict=True):
            assert ref.relative_error(ours, theirs.detach().numpy()) <= 1e-13

    def test_embedding(self):
        rng = np.random.default_rng(0)
        weight, tokens = rng.standard_normal((6, 4)), rng.integers(0, 6, (3, 5))
        dy = rng.standard_normal((3, 5, 4))
        tw = tensor(weight, True)
        y = torch.nn.functional.embedding(torch.tensor(tokens), tw)
        y.backward(torch.tensor(dy))
        assert (ref.embedding_forward(tokens, weight) == y.detach().numpy()).all()
        found = ref.embedding_backward(dy, tokens, weight)
        assert ref.relative_error(found, tw.grad.numpy()) <= 1e-13

    def test_highway(self):
        rng = np.random.default_rng(0)
        x, inner = rng.standard_normal((3, 6, 2)), rng.standard_normal((3, 4))
        w, b, dy = rng.standard_normal((4, 8)), rng.standard_normal(4), inner[::-1].copy()
        found = [ref.highway_forward(x, inner, w, b), *ref.highway_linear_backward(dy, x, w)]
        tx, tw, tb = tensor(x, True), tensor(w, True), tensor(b, True)
        y = torch.tensor(inner) + torch.nn.functional.linear(tx[:, 2:].flatten(1), tw, tb)
        y.backward(torch.tensor(dy))
        for ours, theirs in zip(found, [y, tx.grad, tw.grad, tb.grad], strict=True):
            assert ref.relative_error(ours, theirs.detach().numpy()) <= 1e-13

    @pytest.mark.parametrize("loss", ref.LOSSES)
    def test_losses(self, loss):
        functional = torch.nn.functional
        rng = np.random.default_rng(0)
        z, w = 3 * rng.standard_normal((5, 4)), rng.uniform(0, 2, 5)
        w[2] = 0.0
        y = rng.standard_normal((5, 4))
        tz = tensor(z, True)
        if loss == "categorical_crossentropy":
            y = rng.integers(0, 4, 5)
            rows = functional.cross_entropy(tz, torch.tensor(y), reduction="none")
        else:
            if loss == "binary_crossentropy":
                y = rng.uniform(0, 1, (5, 4))
                elements = functional.binary_cross_entropy_with_logits
            else:
                elements = {
                    "mse": functional.mse_loss,
                    "mae": functional.l1_loss,
                    "huber": lambda a, b, **k: functional.huber_loss(a, b, delta=0.7, **k),
                }[loss]
            rows = elements(tz, torch.tensor(y), reduction="none").mean(dim=1)
        expected = (rows * torch.tensor(w)).sum() / w.sum()
        expected.backward()
        value, gradient = ref.loss_and_gradient(loss, z, y, w, delta=0.7)
        assert value == pytest.approx(float(expected.detach()), rel=1e-13)
        assert ref.relative_error(gradient, tz.grad.numpy()) <= 1e-13

    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_optimizers(self, name):
        ours, make = OPTIMIZERS[name]
        rng = np.random.default_rng(0)
        options = dataclasses.asdict(ours)
        weights = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal(5)}
        theirs = [tensor(v, True) for v in weights.values()]
        rule, torch_rule = ref.OPTIMIZERS[ours.name](**options), make(theirs)
        for _ in range(STEPS):
            gradients = {k: rng.standard_normal(v.shape) for k, v in weights.items()}
            for parameter, gradient in zip(theirs, gradients.values(), strict=True):
                parameter.grad = torch.tensor(gradient)
            if ours.clip_value is not None:
                torch.nn.utils.clip_grad_value_(theirs, ours.clip_value)
            if ours.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(theirs, ours.clip_norm)
            torch_rule.step()
            rule.step(weights, gradients)
        for found, expected in zip(weights.values(), theirs, strict=True):
            assert ref.relative_error(found, expected.detach().numpy()) <= 1e-13
