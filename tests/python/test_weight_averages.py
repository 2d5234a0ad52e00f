"""Means of the weights over a training: as torch.optim.swa_utils has them."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
from fit_helpers import Recorder, data, fit, make_model

import lstm_native as ln


class Weights(ln.Callback):
    """Keeps the weights after each batch and each epoch."""

    def __init__(self):
        self.batches, self.epochs = [], []

    def on_batch_end(self, model, batch, logs):
        self.batches.append(model.state_dict())

    def on_epoch_end(self, model, epoch, logs):
        self.epochs.append(model.state_dict())


def assert_close(found, wanted, dtype):
    for name, value in wanted.items():
        tolerance = 1e-13 if dtype == np.float64 else 2e-6
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance / 10)


def torch_mean(states, **options):
    """torch's AveragedModel over these weights."""
    torch = pytest.importorskip("torch")
    from torch.optim.swa_utils import AveragedModel

    module = torch.nn.ParameterDict(
        {
            name.replace(".", "-"): torch.nn.Parameter(torch.tensor(v))
            for name, v in states[0].items()
        }
    )
    mean = AveragedModel(module, **options)
    for state in states:
        with torch.no_grad():
            for name, value in state.items():
                module[name.replace(".", "-")].copy_(torch.tensor(value))
        mean.update_parameters(module)
    return {name.replace("-", "."): value.detach().numpy() for name, value in mean.module.items()}


@pytest.mark.parametrize("every", [1, 2])
def test_ema_is_that_of_torch(dtype, every):
    torch = pytest.importorskip("torch")
    from torch.optim.swa_utils import get_ema_multi_avg_fn

    del torch
    x, y = (array.astype(dtype) for array in data())
    model, ema, seen = make_model(dtype=dtype.name), ln.EMA(0.9, every=every), Weights()
    fit(model, x, y, callbacks=[ema, seen])
    states = seen.batches[every - 1 :: every]
    assert ema.count == len(states)
    wanted = torch_mean(states, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    assert_close(ema.weights(), wanted, dtype)
    p.assert_same_weights(model.state_dict(), seen.batches[-1])


@pytest.mark.parametrize(("start", "every"), [(0, 1), (1, 1), (1, 2), (4, 1)])
def test_swa_is_that_of_torch(dtype, start, every):
    x, y = (array.astype(dtype) for array in data())
    model, swa, seen = make_model(dtype=dtype.name), ln.SWA(start, every), Weights()
    fit(model, x, y, epochs=5, callbacks=[swa, seen])
    assert_close(swa.weights(), torch_mean(seen.epochs[start::every]), dtype)


def test_swa_of_updates_is_the_mean_of_all(dtype):
    """Polyak & Juditsky 1992."""
    x, y = (array.astype(dtype) for array in data())
    model, swa, seen = make_model(dtype=dtype.name), ln.SWA(unit="update"), Weights()
    fit(model, x, y, callbacks=[swa, seen])
    mean = {
        name: np.mean([state[name].astype(float) for state in seen.batches], axis=0)
        for name in seen.batches[0]
    }
    assert_close(swa.weights(), mean, dtype)


def test_only_updates_count_where_gradients_wait():
    x, y = data()
    model, ema, swa = make_model(), ln.EMA(0.5), ln.SWA(unit="update")
    fit(model, x, y, epochs=2, accumulate=2, callbacks=[ema, swa])
    assert model._trainer.iterations == ema.count == swa.count == 4


def test_applied_and_for_good():
    x, y = data()
    model, ema = make_model(), ln.EMA(0.5)
    fit(model, x, y, callbacks=ema)
    own, answer = model.state_dict(), model.predict(x)
    with ema.applied(model) as averaged:
        assert averaged is model
        p.assert_same_weights(model.state_dict(), ema.weights())
        inside = model.predict(x)
    assert not np.array_equal(inside, answer)
    p.assert_same_weights(model.state_dict(), own)
    with pytest.raises(RuntimeError, match="mine"), ema.applied(model):
        raise RuntimeError("mine")
    p.assert_same_weights(model.state_dict(), own)
    # Training goes on as if nothing had been.
    other = make_model()
    fit(other, x, y)
    for one in (model, other):
        one.train_on_batch(x, y, seed=0)
    p.assert_same_weights(model.state_dict(), other.state_dict())
    ema.copy_to(model)
    p.assert_same_weights(model.state_dict(), ema.weights())


@pytest.mark.parametrize(
    "make",
    [
        lambda: ln.EMA(0.8),
        lambda: ln.EMA(0.8, every=2),
        lambda: ln.SWA(1),
        lambda: ln.SWA(2, 3, unit="update"),
    ],
)
def test_a_resumed_training_goes_on_with_them(make, dtype, tmp_path):
    x, y = (array.astype(dtype) for array in data())
    whole, first, second = make(), make(), make()
    model, part = make_model(dtype=dtype.name), make_model(dtype=dtype.name)
    fit(model, x, y, epochs=4, callbacks=[whole])
    fit(part, x, y, epochs=2, callbacks=[first])
    part.save(tmp_path / "m.safetensors")
    part = ln.load_model(tmp_path / "m.safetensors")
    fit(part, x, y, epochs=4, initial_epoch=2, callbacks=[second])
    assert second.count == whole.count
    p.assert_same_weights(second.weights(), whole.weights())
    # Another training begins anew.
    fit(part, x, y, epochs=1, callbacks=[second])
    assert second.count < whole.count


def test_it_changes_nothing_of_the_training():
    x, y = data()
    plain, averaged, recorder = make_model(), make_model(), Recorder()
    fit(plain, x, y)
    fit(averaged, x, y, callbacks=[ln.EMA(), ln.SWA(), recorder])
    p.assert_same_weights(averaged.state_dict(), plain.state_dict())


def test_what_is_wrong_is_told():
    with pytest.raises(RuntimeError, match="no mean yet"):
        ln.EMA().weights()
    x, y = data()
    model, ema = make_model(), ln.EMA()
    fit(model, x, y, callbacks=ema)
    other = make_model(units=2)
    other.predict(x)
    before = other.state_dict()
    with pytest.raises(ValueError, match="shape"):
        ema.copy_to(other)
    p.assert_same_weights(other.state_dict(), before)
    for bad in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="decay must be"):
            ln.EMA(bad)
    with pytest.raises(ValueError, match="every must be at least 1"):
        ln.EMA(every=0)
    with pytest.raises(ValueError, match="start must be at least 0"):
        ln.SWA(-1)
    with pytest.raises(ValueError, match="unit must be one of"):
        ln.SWA(unit="step")
