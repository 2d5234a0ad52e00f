"""What fit does around the numbers: history, validation, batches, weights, progress."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref
from fit_helpers import FEATURES, SAMPLES, STEPS, Recorder, data, fit, make_model

import lstm_native as ln


class TestHistory:
    def test_holds_one_number_per_epoch_and_name(self):
        x, y = data()
        model = make_model()
        history = fit(model, x, y, metrics=["mae", "rmse"], validation_split=0.25)
        assert history is model.history
        assert history.epoch == [0, 1, 2]
        expected = {"loss", "mae", "rmse", "val_loss", "val_mae", "val_rmse"}
        assert set(history.history) == expected
        assert all(len(v) == 3 and np.isfinite(v).all() for v in history.history.values())
        assert not history.interrupted

    def test_loss_falls_on_a_task_that_can_be_learned(self, isa, dtype):
        x, y = data(samples=64)
        model = make_model(dtype=dtype.name)
        history = fit(model, x.astype(dtype), y.astype(dtype), epochs=60, optimizer=ln.Adam(0.02))
        assert history.history["loss"][-1] < 0.05 * history.history["loss"][0]

    def test_a_second_fit_goes_on_where_the_first_stopped(self):
        """The optimiser's state stays: two fits of two epochs are one of four."""
        x, y = data()
        whole, parts = make_model(), make_model()
        fit(whole, x, y, epochs=4, optimizer=ln.Adam(0.01))
        fit(parts, x, y, epochs=2, optimizer=ln.Adam(0.01))
        history = fit(parts, x, y, epochs=4, initial_epoch=2)
        assert history.epoch == [2, 3]
        p.assert_same_weights(parts.state_dict(), whole.state_dict())

    def test_metrics_are_those_of_the_reference(self):
        x, y = data()
        model = make_model()
        model.predict(x)
        found = model.evaluate(x, y, loss="mse", metrics=["mae", "rmse", "mse"], batch_size=7)
        error = model.predict(x) - y
        assert found["loss"] == pytest.approx((error**2).mean(), rel=1e-12)
        assert found["mse"] == pytest.approx((error**2).mean(), rel=1e-12)
        assert found["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-12)
        assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-12)

    def test_accuracy_counts_right_classes(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((30, STEPS, FEATURES)), rng.integers(0, 4, 30)
        model = make_model(4)
        logits = model.predict(x)
        found = model.evaluate(x, y, loss="categorical_crossentropy", metrics=["accuracy"])
        assert found["accuracy"] == pytest.approx((logits.argmax(axis=1) == y).mean())
        binary = make_model(1)
        target = (y > 1).astype(np.float64)[:, None]
        found = binary.evaluate(x, target, loss="binary_crossentropy", metrics=["accuracy"])
        expected = ((binary.predict(x) > 0) == (target > 0.5)).mean()
        assert found["accuracy"] == pytest.approx(expected)


class TestValidation:
    def test_split_takes_the_last_samples_and_never_trains_on_them(self):
        x, y = data()
        split, cut = make_model(), make_model()
        history = fit(split, x, y, validation_split=0.25)
        by_hand = fit(cut, x[:15], y[:15], validation_data=(x[15:], y[15:]))
        p.assert_same_weights(split.state_dict(), cut.state_dict())
        assert history.history == by_hand.history
        assert history.history["val_loss"][-1] == pytest.approx(
            split.evaluate(x[15:], y[15:])["loss"], rel=1e-12
        )

    def test_data_do_not_change_the_training(self):
        x, y = data()
        plain, watched = make_model(dropout=0.0), make_model(dropout=0.0)
        fit(plain, x, y)
        fit(watched, x, y, validation_data=data(seed=9))
        p.assert_same_weights(watched.state_dict(), plain.state_dict())

    def test_data_may_carry_weights(self):
        x, y = data()
        model = make_model()
        weights = np.linspace(0.0, 1.0, 20)
        history = fit(model, x, y, validation_data=(x, y, weights))
        expected = model.evaluate(x, y, sample_weight=weights)["loss"]
        assert history.history["val_loss"][-1] == pytest.approx(expected, rel=1e-12)

    def test_dropout_rests_during_validation(self):
        x, y = data()
        model = ln.Sequential(
            [ln.LSTM(6, return_sequences=False), ln.Dropout(0.9), ln.Dense(1)],
            dtype="float64",
            seed=1,
        )
        model.predict(x)
        before = model.evaluate(x, y, loss="mse")["loss"]
        history = fit(model, x, y, epochs=1, optimizer=ln.SGD(1e-12), validation_data=(x, y))
        assert history.history["val_loss"][0] == pytest.approx(before, rel=1e-9)
        assert abs(history.history["loss"][0] - before) > 1e-3 * before


class TestBatches:
    def test_shuffle_visits_each_sample_once_an_epoch_in_a_new_order(self):
        """With one sample a batch and no learning, the batch losses are the samples' losses."""
        x, y = data()
        model = make_model()
        losses = ((model.predict(x) - y) ** 2)[:, 0]

        def orders(shuffle: bool, seed: int | None = 3) -> list[list[int]]:
            recorder = Recorder()
            fit(
                model,
                x,
                y,
                batch_size=1,
                shuffle=shuffle,
                seed=seed,
                optimizer=ln.SGD(1e-14),
                callbacks=[recorder],
            )
            # logs hold the running mean: undo it.
            means = np.array([c[2]["loss"] for c in recorder.calls if c[0] == "batch_end"])
            found = []
            for epoch in means.reshape(3, SAMPLES):
                totals = epoch * np.arange(1, SAMPLES + 1)
                single = np.diff(totals, prepend=0.0)
                found.append([int(np.abs(losses - v).argmin()) for v in single])
            return found

        in_order = list(range(SAMPLES))
        assert orders(shuffle=False) == [in_order] * 3
        first, second, third = orders(shuffle=True)
        assert sorted(first) == sorted(second) == sorted(third) == in_order
        assert len({tuple(order) for order in (in_order, first, second, third)}) == 4
        assert orders(shuffle=True) == [first, second, third]
        assert orders(shuffle=True, seed=4) != [first, second, third]

    def test_the_last_batch_may_be_smaller(self):
        x, y = data()
        recorder = Recorder()
        fit(make_model(), x, y, batch_size=8, epochs=1, callbacks=[recorder])
        assert recorder.names().count("batch_end") == 3
        recorder = Recorder()
        fit(make_model(), x, y, batch_size=1000, epochs=1, callbacks=[recorder])
        assert recorder.names().count("batch_end") == 1


class TestWeights:
    def test_class_weights_are_sample_weights_by_label(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((SAMPLES, STEPS, FEATURES)), rng.integers(0, 3, SAMPLES)
        by_class, by_sample = make_model(3), make_model(3)
        loss = "categorical_crossentropy"
        table = np.array([0.5, 1.0, 3.0])
        history = fit(by_class, x, y, loss=loss, class_weight={0: 0.5, 2: 3.0})
        expected = fit(by_sample, x, y, loss=loss, sample_weight=table[y])
        p.assert_same_weights(by_class.state_dict(), by_sample.state_dict())
        assert history.history == expected.history

    def test_class_sample_weights_and_mask_multiply(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((SAMPLES, STEPS, FEATURES)), rng.integers(0, 2, (SAMPLES, STEPS))
        weights = rng.uniform(0.5, 2, SAMPLES)
        mask = rng.uniform(size=(SAMPLES, STEPS)) < 0.7
        loss = "categorical_crossentropy"
        apart = make_model(2, return_sequences=True)
        fit(apart, x, y, loss=loss, class_weight={1: 4.0}, sample_weight=weights, mask=mask)
        together = make_model(2, return_sequences=True)
        product = np.where(y == 1, 4.0, 1.0) * weights[:, None]
        fit(together, x, y, loss=loss, sample_weight=product, mask=mask)
        for name, value in together.state_dict().items():
            assert ref.relative_error(apart.state_dict()[name], value) <= 1e-12

    def test_masked_steps_do_not_teach(self):
        """Targets under the mask can be anything, even absurd."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((SAMPLES, STEPS, FEATURES))
        y = rng.standard_normal((SAMPLES, STEPS, 1))
        mask = rng.uniform(size=(SAMPLES, STEPS)) < 0.5
        mask[:, 0] = True
        absurd = np.where(mask[..., None], y, 1e30)
        first, second = (make_model(return_sequences=True) for _ in range(2))
        fit(first, x, y, mask=mask)
        fit(second, x, absurd, mask=mask)
        p.assert_same_weights(first.state_dict(), second.state_dict())


class TestSummaryAndProgress:
    def test_summary_lists_layers_shapes_and_parameters(self):
        model = make_model()
        model.predict(data()[0])
        text = model.summary()
        total = sum(v.size for v in model.state_dict().values())
        for word in ("LSTM", "Dense", str(total)):
            assert word in text.replace(",", "")

    def test_progress_goes_to_stderr_only_when_asked(self, capsys):
        x, y = data()
        fit(make_model(), x, y, verbose=False)
        out, err = capsys.readouterr()
        assert (out, err) == ("", "")
        fit(make_model(), x, y, verbose=True)
        out, err = capsys.readouterr()
        assert out == ""
        assert "loss" in err
        assert "samples/s" in err
