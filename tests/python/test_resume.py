"""Stopped and resumed training gives the very weights of an uninterrupted run."""

from __future__ import annotations

import numpy as np
import product as p
import pytest

import lstm_native as ln

OPTIMIZERS = {
    "sgd": ln.SGD(0.05),
    "sgd_nesterov": ln.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": ln.Adam(0.01, clip_norm=1.0),
    "adamw": ln.AdamW(0.01),
    "rmsprop": ln.RMSprop(0.003, momentum=0.5),
    "amsgrad": ln.Adam(0.01, amsgrad=True),
    "nadam": ln.NAdam(0.01),
    "adagrad": ln.Adagrad(0.05, learning_rate_decay=0.1, initial_accumulator_value=0.1),
}


def make_model(dtype: str) -> ln.Sequential:
    """Dropout in every place it can be."""
    return ln.Sequential(
        [
            ln.LSTM(7, num_layers=2, dropout=0.4),
            ln.Dropout(0.3),
            ln.Highway(
                [ln.LSTM(5, return_sequences=False), ln.Dropout(0.2), ln.Dense(3)], window=2
            ),
        ],
        dtype=dtype,
        seed=1,
    )


def data(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return p.normal(rng, (22, 6, 3), dtype), rng.integers(0, 3, 22)


def fit(model: ln.Sequential, **options) -> ln.History:
    x, y = data(model.dtype)
    options = {"batch_size": 8, "seed": 11, "verbose": False, **options}
    return model.fit(x, y, **options)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_resumed_from_a_file_is_the_uninterrupted_run(isa, dtype, name, tmp_path):
    first_options = {"loss": "categorical_crossentropy", "optimizer": OPTIMIZERS[name]}
    whole = make_model(dtype.name)
    expected = fit(whole, epochs=4, validation_split=0.2, **first_options)

    part = make_model(dtype.name)
    path = tmp_path / "half.safetensors"
    first = fit(part, epochs=2, validation_split=0.2, **first_options)
    part.save(path)
    resumed = ln.load_model(path)
    # Loss and optimiser come from the file.
    second = fit(resumed, epochs=4, initial_epoch=2, validation_split=0.2)

    assert resumed.optimizer == OPTIMIZERS[name]
    assert second.epoch == [2, 3]
    p.assert_same_weights(resumed.state_dict(), whole.state_dict())
    for key, values in expected.history.items():
        assert first.history[key] + second.history[key] == values


def test_resumed_from_a_checkpoint_callback(tmp_path):
    whole = make_model("float32")
    options = {"loss": "categorical_crossentropy", "optimizer": ln.Adam(0.01)}
    checkpoint = ln.ModelCheckpoint(tmp_path / "{epoch}.safetensors")
    fit(whole, epochs=4, callbacks=[checkpoint], **options)
    for epoch in (1, 3):
        resumed = ln.load_model(tmp_path / f"{epoch}.safetensors")
        fit(resumed, epochs=4, initial_epoch=epoch)
        p.assert_same_weights(resumed.state_dict(), whole.state_dict())


def test_resumed_twice_and_saved_between(tmp_path):
    whole = make_model("float64")
    options = {"loss": "categorical_crossentropy", "optimizer": ln.RMSprop(0.003)}
    fit(whole, epochs=3, **options)
    model = make_model("float64")
    for epoch in range(3):
        fit(model, epochs=epoch + 1, initial_epoch=epoch, **(options if epoch == 0 else {}))
        model.save(tmp_path / "m.safetensors")
        model = ln.load_model(tmp_path / "m.safetensors")
    p.assert_same_weights(model.state_dict(), whole.state_dict())


def test_a_learning_rate_in_force_travels_with_the_file(tmp_path):
    model = make_model("float32")
    fit(model, epochs=1, loss="categorical_crossentropy", optimizer=ln.SGD(0.5))
    model.learning_rate = 0.125
    model.save(tmp_path / "m.safetensors")
    loaded = ln.load_model(tmp_path / "m.safetensors")
    assert loaded.learning_rate == 0.125
    assert loaded.optimizer.learning_rate == 0.125


def test_saving_does_not_change_a_run(tmp_path):
    plain, saved = make_model("float32"), make_model("float32")
    options = {"loss": "categorical_crossentropy", "epochs": 3}
    fit(plain, **options)

    class Save(ln.Callback):
        def on_batch_end(self, model, batch, logs):
            model.save(tmp_path / "m.safetensors")

    fit(saved, callbacks=[Save()], **options)
    p.assert_same_weights(saved.state_dict(), plain.state_dict())


def test_predictions_of_a_loaded_model_are_the_same_bits(isa, dtype, tmp_path):
    model = make_model(dtype.name)
    x, _ = data(dtype.name)
    expected = model.predict(x)
    model.save(tmp_path / "m.safetensors", metadata={"unit": "kWh"})
    loaded = ln.load_model(tmp_path / "m.safetensors")
    p.assert_same_bits(loaded.predict(x), expected)
    assert loaded.metadata["unit"] == "kWh"


def test_another_optimizer_starts_from_zero():
    """Changing the rule drops the old rule's state, and says nothing of it to the weights."""
    model, fresh = make_model("float64"), make_model("float64")
    fit(model, epochs=1, loss="categorical_crossentropy", optimizer=ln.SGD(0.05, momentum=0.9))
    weights = model.state_dict()
    x, _ = data("float64")
    fresh.predict(x)
    fresh.load_state_dict(weights)
    # Without dropout masks that follow the number of updates, both take the same first step.
    for one in (model, fresh):
        one.fit(
            x,
            data("float64")[1],
            epochs=1,
            batch_size=22,
            shuffle=False,
            loss="categorical_crossentropy",
            optimizer=ln.Adam(0.01),
            seed=2,
            verbose=False,
        )
    p.assert_same_weights(model.state_dict(), fresh.state_dict())
