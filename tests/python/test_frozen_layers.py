"""Frozen layers, and learning rates of single layers: as PyTorch has parameters without gradients
and groups of parameters."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from fit_helpers import FEATURES, data, fit, make_model

import lstm_native as ln

OPTIMIZERS = {
    "sgd": ln.SGD(0.1, momentum=0.9, weight_decay=0.1),
    "adam": ln.Adam(0.01, weight_decay=0.1, clip_norm=0.05),
    "adamw": ln.AdamW(0.01, weight_decay=0.3),
    "adagrad": ln.Adagrad(0.1, weight_decay=0.1),
}


def changed(before, after) -> set[str]:
    return {name for name in before if not np.array_equal(before[name], after[name])}


def of_layer(state, index: int) -> set[str]:
    return {name for name in state if name.startswith(f"{index}.")}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_weights_stay_bit_for_bit(dtype, name):
    x, y = (array.astype(dtype) for array in data())
    model = make_model(dtype=dtype.name)
    model.predict(x)
    model.layers[0].trainable = False
    before = model.state_dict()
    fit(model, x, y, optimizer=OPTIMIZERS[name])
    assert changed(before, model.state_dict()) == of_layer(before, 1)
    # Thawed, they go on at the next call.
    model.layers[0].trainable = True
    model.train_on_batch(x, y)
    assert of_layer(before, 0) <= changed(before, model.state_dict())


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "adagrad"])
def test_freezing_and_rates_are_those_of_torch(name):
    """requires_grad=False, then thawed; and a group with a rate of its own; clipped together."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((12, 3)), rng.standard_normal((12, 2))
    model = ln.Sequential(
        [ln.Dense(4, activation="tanh"), ln.Dense(3), ln.Dense(2)], seed=0, dtype="float64"
    )
    model.predict(x)
    peer = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)
    ).double()
    places = {0: 0, 1: 2, 2: 3}
    state = model.state_dict()
    with torch.no_grad():
        for ours, theirs in places.items():
            for kind in ("weight", "bias"):
                getattr(peer[theirs], kind).copy_(torch.tensor(state[f"{ours}.{kind}"]))
    optimizer = OPTIMIZERS[name]
    rate, decay = optimizer.learning_rate, optimizer.weight_decay
    kinds = {
        "sgd": lambda groups: torch.optim.SGD(groups, momentum=0.9, weight_decay=decay),
        "adam": lambda groups: torch.optim.Adam(groups, weight_decay=decay),
        "adamw": lambda groups: torch.optim.AdamW(groups, weight_decay=decay),
        "adagrad": lambda groups: torch.optim.Adagrad(groups, weight_decay=decay),
    }
    theirs = kinds[name](
        [
            {"params": [*peer[0].parameters(), *peer[3].parameters()], "lr": rate},
            {"params": [*peer[2].parameters()], "lr": rate * 0.3},
        ]
    )
    model.layers[1].learning_rate_factor = 0.3
    for step in range(12):
        frozen = step < 5
        model.layers[0].trainable = not frozen
        peer[0].requires_grad_(not frozen)
        model.train_on_batch(x, y, loss="mse", optimizer=optimizer)
        theirs.zero_grad()
        torch.nn.functional.mse_loss(peer(torch.tensor(x)), torch.tensor(y)).backward()
        if optimizer.clip_norm:
            torch.nn.utils.clip_grad_norm_(peer.parameters(), optimizer.clip_norm)
        theirs.step()
        found = model.state_dict()
        for ours, place in places.items():
            for kind in ("weight", "bias"):
                np.testing.assert_allclose(
                    found[f"{ours}.{kind}"],
                    getattr(peer[place], kind).detach().numpy(),
                    rtol=1e-9,
                    atol=1e-12,
                )


def test_a_file_holds_them_and_training_goes_on_alike(tmp_path):
    x, y = data()

    def make():
        layers = [
            ln.LSTM(5),
            ln.Residual([ln.Dense(5), ln.Dense(5)]),
            ln.Highway([ln.LSTM(4, return_sequences=False), ln.Dense(1)], window=2),
        ]
        layers[0].trainable = False
        layers[1].layers[0].learning_rate_factor = 0.25
        layers[2].learning_rate_factor = 0.5
        layers[2].layers[1].learning_rate_factor = 0.5
        return ln.Sequential(layers, dtype="float64", seed=1)

    whole, part = make(), make()
    fit(whole, x, y, epochs=4)
    fit(part, x, y, epochs=2)
    part.save(tmp_path / "m.safetensors")
    resumed = ln.load_model(tmp_path / "m.safetensors")
    assert not resumed.layers[0].trainable
    assert resumed.layers[1].trainable
    assert resumed.layers[1].layers[0].learning_rate_factor == 0.25
    assert resumed.layers[2].learning_rate_factor == 0.5
    assert resumed.layers[2].layers[1].learning_rate_factor == 0.5
    fit(resumed, x, y, epochs=4, initial_epoch=2)
    assert not changed(whole.state_dict(), resumed.state_dict())
    # A model that was never frozen has the file it always had.
    plain = make_model()
    fit(plain, x, y, epochs=1)
    assert b"rate_factors" not in plain.to_bytes()


def test_thawed_in_another_session_it_goes_on_alike(tmp_path):
    """Updates that a layer missed are in the file, for they are in its bias corrections."""
    x, y = data()
    whole = make_model()
    whole.predict(x)
    whole.layers[0].trainable = False
    fit(whole, x, y, epochs=2)
    whole.save(tmp_path / "m.safetensors")
    resumed = ln.load_model(tmp_path / "m.safetensors")
    for model in (whole, resumed):
        model.layers[0].trainable = True
        fit(model, x, y, epochs=4, initial_epoch=2)
    assert not changed(whole.state_dict(), resumed.state_dict())


def test_a_callback_may_thaw_at_an_epoch():
    """Howard & Ruder 2018: layers are thawed one after another."""
    x, y = data()
    model = make_model()
    model.predict(x)
    model.trainable = False
    assert not model.trainable
    model.layers[1].trainable = True
    before, seen = model.state_dict(), []

    class Thaw(ln.Callback):
        def on_epoch_begin(self, model, epoch):
            if epoch == 2:
                model.layers[0].trainable = True

        def on_epoch_end(self, model, epoch, logs):
            seen.append(changed(before, model.state_dict()) == set(before))

    fit(model, x, y, epochs=3, callbacks=Thaw())
    assert seen == [False, False, True]


def test_another_optimizer_within_a_fit_leaves_frozen_layers_alone():
    x, y = data()
    model = make_model()
    model.predict(x)
    model.layers[0].trainable = False
    before = model.state_dict()

    class Change(ln.Callback):
        def on_batch_end(self, model, batch, logs):
            model.optimizer = ln.SGD(0.1)

    fit(model, x, y, epochs=1, callbacks=Change())
    assert changed(before, model.state_dict()) == of_layer(before, 1)


def test_copies_keep_them():
    x, y = data()
    model = make_model()
    model.layers[0].trainable = False
    model.layers[1].learning_rate_factor = 0.5
    model.layers[0].learning_rate_factor = 0.1
    fit(model, x, y, epochs=1)
    for one in (copy.deepcopy(model), copy.deepcopy(model.layers[0])):
        layer = one.layers[0] if one.__class__ is ln.Sequential else one
        assert not layer.trainable
        assert layer.learning_rate_factor == 0.1
    other = copy.deepcopy(model)
    model.train_on_batch(x, y, seed=0)
    other.train_on_batch(x, y, seed=0)
    assert not changed(model.state_dict(), other.state_dict())


def test_what_is_none_is_refused():
    x, y = data()
    layer = ln.Dense(1, input_size=FEATURES)
    for value in (0.0, 0):
        with pytest.raises(ValueError, match=r"write layer\.trainable = False"):
            layer.learning_rate_factor = value
    for value in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="learning_rate_factor must be"):
            layer.learning_rate_factor = value
    with pytest.raises(TypeError, match="trainable must be True or False"):
        layer.trainable = 0
    assert (layer.trainable, layer.learning_rate_factor) == (True, 1.0)
    model = make_model()
    model.trainable = False
    fresh = make_model()
    for call in (
        lambda: fit(model, x, y),
        lambda: model.train_on_batch(x, y),
        lambda: model.gradients(x, y),
    ):
        with pytest.raises(ValueError, match="all layers are frozen"):
            call()
    fresh.predict(x)
    assert not changed(fresh.state_dict(), model.state_dict())
    assert model.predict(x).shape == (len(x), 1)
    model.layers[0].trainable = True
    model.layers[0].learning_rate_factor = 1e-320
    with pytest.raises(ValueError, match="float64 can hold"):
        fit(model, x, y)
