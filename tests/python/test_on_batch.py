"""One update, one test, one run of a single batch: the numbers of fit, evaluate and predict."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
from fit_helpers import FEATURES, SAMPLES, STEPS, data, fit, make_model

import lstm_native as ln


def test_an_update_is_fit_of_one_batch(isa, dtype):
    x, y = (array.astype(dtype) for array in data())
    options = {"optimizer": ln.Adam(0.01), "metrics": ["mae"], "seed": 3}
    by_fit, by_batch = make_model(dtype=dtype.name), make_model(dtype=dtype.name)
    history = fit(by_fit, x, y, epochs=1, batch_size=SAMPLES, shuffle=False, **options)
    found = by_batch.train_on_batch(x, y, **options)
    p.assert_same_weights(by_batch.state_dict(), by_fit.state_dict())
    assert found == {name: values[0] for name, values in history.history.items()}


@pytest.mark.parametrize(
    "optimizer",
    [None, "adam", ln.Adam(1e-3), lambda: ln.Adam(1e-3), lambda: ln.SGD(0.1, momentum=0.9)],
)
def test_a_loop_of_updates_is_fit(optimizer):
    """The optimiser's state stays from call to call, also where it is written out in each."""
    x, y = data()
    options = {"num_layers": 2, "dropout": 0.4}
    by_fit, by_batch = make_model(**options), make_model(**options)

    def given():
        return optimizer() if callable(optimizer) else optimizer

    fit(by_fit, x, y, epochs=3, shuffle=False, optimizer=given())
    for _ in range(3):
        for start in range(0, SAMPLES, 8):
            rows = slice(start, start + 8)
            by_batch.train_on_batch(x[rows], y[rows], optimizer=given(), seed=3)
    p.assert_same_weights(by_batch.state_dict(), by_fit.state_dict())
    assert by_batch.optimizer == by_fit.optimizer


def test_fit_goes_on_from_updates_and_updates_from_fit(tmp_path):
    x, y = data()
    whole, mixed = make_model(), make_model()
    fit(whole, x, y, epochs=3, batch_size=SAMPLES, shuffle=False)
    mixed.train_on_batch(x, y, seed=3)
    fit(mixed, x, y, epochs=2, initial_epoch=1, batch_size=SAMPLES, shuffle=False)
    mixed.save(tmp_path / "m")
    mixed = ln.load_model(tmp_path / "m")
    mixed.train_on_batch(x, y, seed=3)
    p.assert_same_weights(mixed.state_dict(), whole.state_dict())


def test_one_seed_for_all_calls_gives_each_update_its_own_masks():
    x, y = data()
    x = np.repeat(x[:1], SAMPLES, axis=0)

    def losses():
        layers = [ln.LSTM(6, return_sequences=False), ln.Dropout(0.5), ln.Dense(1)]
        model = ln.Sequential(layers, dtype="float64", seed=1)
        return [
            model.train_on_batch(x, y, seed=5, optimizer=ln.SGD(1e-14))["loss"] for _ in range(3)
        ]

    found = losses()
    assert len(set(found)) == 3
    assert losses() == found


def test_the_loss_is_that_before_the_update():
    x, y = data()
    model = make_model()
    expected = model.evaluate(x, y, loss="mse")["loss"]
    assert model.train_on_batch(x, y)["loss"] == pytest.approx(expected, rel=1e-12)
    assert (model.optimizer, model.loss.name) == (ln.Adam(1e-3), "mse")


def test_weights_lengths_and_masks_are_those_of_fit():
    """Of fit on an iterable of this one batch, which takes weights as they are, too."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((SAMPLES, STEPS, FEATURES))
    y = rng.integers(0, 3, (SAMPLES, STEPS))
    lengths = rng.integers(1, STEPS + 1, SAMPLES)
    options = {"loss": "categorical_crossentropy", "class_weight": {1: 4.0}}
    for more in (
        {"lengths": lengths},
        {"sample_weight": np.linspace(0.5, 1.5, SAMPLES)},
        {"mask": np.arange(STEPS) < lengths[:, None]},
    ):
        by_fit, by_batch = (make_model(3, return_sequences=True) for _ in range(2))
        batch = {"x": x, "y": y, **more}
        history = by_fit.fit(lambda batch=batch: [batch], seed=3, verbose=False, **options)
        found = by_batch.train_on_batch(x, y, seed=3, **options, **more)
        p.assert_same_weights(by_batch.state_dict(), by_fit.state_dict())
        assert [found["loss"]] == history.history["loss"]


def test_lists_of_sequences():
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((n, FEATURES)) for n in (3, 5, 1)]
    y = [sequence.sum(axis=1, keepdims=True) for sequence in x]
    by_fit, by_batch = (make_model(return_sequences=True) for _ in range(2))
    fit(by_fit, x, y, epochs=1, shuffle=False)
    by_batch.train_on_batch(x, y, seed=3)
    p.assert_same_weights(by_batch.state_dict(), by_fit.state_dict())
    for one, other in zip(by_batch.predict_on_batch(x), by_fit.predict(x), strict=True):
        p.assert_same_bits(one, other)


def test_states_go_on_from_batch_to_batch():
    x, y = data(samples=16)
    by_fit, by_batch = (make_model(stateful=True) for _ in range(2))
    fit(by_fit, x, y, epochs=1, shuffle=False)
    for rows in (slice(8), slice(8, 16)):
        by_batch.train_on_batch(x[rows], y[rows], seed=3)
    p.assert_same_weights(by_batch.state_dict(), by_fit.state_dict())
    p.assert_same_bits(by_batch.states[0][0], by_fit.states[0][0])
    with pytest.raises(ValueError, match=r"states of 8 sequences, .*reset_states\(\)"):
        by_batch.train_on_batch(x, y)


def test_a_test_and_a_run_are_evaluate_and_predict():
    x, y = data(samples=300)
    model = make_model()
    model.train_on_batch(x, y)
    before = model.state_dict()
    found = model.test_on_batch(x, y, metrics=["mae", "rmse"])
    assert found == model.evaluate(x, y, metrics=["mae", "rmse"], batch_size=300)
    weighted = model.test_on_batch(x, y, sample_weight=np.linspace(0, 1, 300), loss="mae")
    assert weighted == model.evaluate(
        x, y, sample_weight=np.linspace(0, 1, 300), loss="mae", batch_size=300
    )
    p.assert_same_bits(model.predict_on_batch(x), model.predict(x))
    p.assert_same_weights(model.state_dict(), before)


def test_what_does_not_fit_changes_nothing():
    x, y = data()
    model = make_model()
    model.train_on_batch(x, y, optimizer=ln.SGD(0.1))
    before = model.state_dict()
    for error, options in (
        (ValueError, {"loss": "no such"}),
        (ValueError, {"optimizer": "no such"}),
        (ValueError, {"metrics": ["accuracy"]}),
        (ValueError, {"sample_weight": np.ones(3)}),
        (TypeError, {"seed": 0.5}),
    ):
        with pytest.raises(error):
            model.train_on_batch(x, y, **options)
    p.assert_same_weights(model.state_dict(), before)
    assert model.optimizer == ln.SGD(0.1)
    model.train_on_batch(x, y, optimizer=ln.SGD(1e300))
    with pytest.raises(FloatingPointError, match=r"became|overflowed"):
        model.train_on_batch(x, y)
    assert all(np.isfinite(value).all() for value in model.state_dict().values())


def test_an_optimizer_written_out_in_each_call_keeps_a_rate_that_was_set_in_between():
    """Not the rate in force tells whether it is another one, but what was given before."""
    x, y = data()
    written, once = make_model(), make_model()
    for rate in (1e-2, 5e-3, 1e-3):
        for model in (written, once):
            given = ln.Adam(1e-2) if model is written or rate == 1e-2 else None
            if rate != 1e-2:
                model.learning_rate = rate
            model.train_on_batch(x, y, optimizer=given, seed=3)
            assert model.learning_rate == rate
    p.assert_same_weights(written.state_dict(), once.state_dict())
    written.train_on_batch(x, y, optimizer=ln.Adam(2e-2), seed=3)
    assert written.learning_rate == 2e-2
