"""PyTorch's DataLoader as a source of batches."""

from __future__ import annotations

import product as p
import pytest
from fit_helpers import data, fit, make_model

torch = pytest.importorskip("torch")


def loader(**options):
    x, y = data()
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    return torch.utils.data.DataLoader(dataset, **{"batch_size": 8, **options})


def test_trains_as_arrays_do():
    x, y = data()
    arrays, batches = make_model(), make_model()
    expected = fit(arrays, x, y, shuffle=False, validation_data=(x, y))
    options = {"epochs": 3, "seed": 3, "verbose": False}
    found = batches.fit(loader(), validation_data=loader(), **options)
    p.assert_same_weights(batches.state_dict(), arrays.state_dict())
    assert found.history["loss"] == expected.history["loss"]
    assert found.history["val_loss"] == pytest.approx(expected.history["val_loss"], rel=1e-12)


def test_evaluates_and_predicts_as_arrays_do():
    x, y = data()
    model = make_model()
    p.assert_same_bits(model.predict(loader()), model.predict(x))
    found = model.evaluate(loader(), loss="mse")["loss"]
    assert found == pytest.approx(model.evaluate(x, y, loss="mse")["loss"], rel=1e-12)


def test_its_own_shuffling_holds():
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model = make_model()
        model.fit(loader(shuffle=True), epochs=2, seed=3, verbose=False)
        found.append(model.state_dict()["1.bias"])
    p.assert_same_bits(found[1], found[0])
    assert found[2] != found[0]


def test_a_dataset_of_samples_is_told_what_to_do():
    dataset = loader().dataset
    for call in (make_model().fit, make_model().evaluate, make_model().predict):
        with pytest.raises(TypeError, match=r"single samples; give torch.utils.data.DataLoader\("):
            call(dataset)


def test_steps_of_a_loader_and_a_smaller_last_batch():
    model = make_model(stateful=True)
    model.fit(loader(drop_last=True), epochs=2, verbose=False)
    model.reset_states()
    with pytest.raises(ValueError, match="drop_last=True"):
        model.fit(loader(), epochs=2, verbose=False)
    history = make_model().fit(loader(), epochs=4, steps_per_epoch=2, verbose=False)
    assert history.epoch == [0, 1, 2, 3]
