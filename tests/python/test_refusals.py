"""What is refused, or undone, leaves no trace; what would be ignored is refused."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
from fit_helpers import data, fit, make_model

import lstm_native as ln
from lstm_native import _core, losses


def unbuilt() -> ln.Sequential:
    return ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(1)], seed=0)


class TestFirstInput:
    """A model takes its width from its first good input, not from one that it refused."""

    @pytest.mark.parametrize(
        "refused",
        [np.zeros((5, 9)), np.full((5, 7, 9), np.nan), np.zeros((5, 7, 9), int), np.zeros(9)],
        ids=["no time axis", "NaN", "integers", "one dimension"],
    )
    def test_a_refused_one_decides_nothing(self, refused):
        model, layer = unbuilt(), ln.LSTM(4)
        for run in (model.predict, layer):
            with pytest.raises((TypeError, ValueError)):
                run(refused)
        good = np.zeros((5, 7, 3))
        assert model.predict(good).shape == (5, 1)
        assert layer(good)[0].shape == (5, 7, 4)

    def test_a_later_layer_that_does_not_fit_leaves_the_first_unbuilt(self):
        model = ln.Sequential([ln.Dense(3), ln.Dense(2, input_size=7)])
        with pytest.raises(ValueError, match=r"layer 1: .*expected 7 input features"):
            model.predict(np.zeros((2, 5)))
        assert not model.built
        assert not model.layers[0].built

    def test_a_state_that_does_not_fit_leaves_the_layer_unbuilt(self):
        layer = ln.LSTM(4)
        with pytest.raises(ValueError, match="state"):
            layer(np.zeros((2, 3, 5)), state=(np.zeros((1, 2, 4)), np.zeros((1, 3, 4))))
        assert not layer.built


class TestNothingIsIgnored:
    def test_one_layer_object_cannot_stand_twice(self):
        dense = ln.Dense(3, input_size=3)
        for make in (ln.Sequential, lambda layers: ln.Highway(layers, window=1)):
            with pytest.raises(ValueError, match="layer 1 is the same object as layer 0"):
                make([dense, dense])
        native = p.make_layer(p.dense_spec(3), 3, "float32")
        with pytest.raises(ValueError, match="layer 1 is the same as layer 0"):
            _core.Network32([native, native])

    def test_options_of_layers_in_a_highway(self):
        def highway(**options):
            return ln.Highway([ln.LSTM(3, return_sequences=False, **options)], window=1)

        with pytest.raises(ValueError, match="seed"):
            highway(seed=5)
        with pytest.raises(ValueError, match="expected 9 input features"):
            highway(input_size=9)(np.zeros((2, 4, 3)))
        with pytest.raises(ValueError, match="only a Highway's first layer"):
            ln.Highway([ln.LSTM(3), ln.Dense(2, input_size=3)], window=1)

    def test_dropout_between_layers_needs_two(self):
        with pytest.raises(ValueError, match="num_layers is 1"):
            ln.LSTM(4, dropout=0.5)

    @pytest.mark.parametrize("kept", [slice(0, 18), slice(18, 20)], ids=["train", "validate"])
    def test_a_part_without_a_row_that_counts(self, kept):
        """Its loss would be 0.0, the best there is."""
        x, y = data()
        mask = np.zeros(len(x), dtype=bool)
        mask[kept] = True
        with pytest.raises(ValueError, match="masked or have weight 0"):
            fit(make_model(), x, y, mask=mask, validation_split=0.1)


class TestMask:
    def test_values_under_it_may_be_nan(self):
        x, y = data()
        mask = np.arange(len(x)) % 3 > 0
        holes = np.where(mask[:, None], y, np.nan)
        first, second = make_model(), make_model()
        fit(first, x, y, mask=mask)
        fit(second, x, holes, mask=mask)
        p.assert_same_weights(first.state_dict(), second.state_dict())

    def test_a_metric_cannot_write_into_the_targets(self):
        def spoil(y_true, y_pred):
            y_true[:] = 0.0
            return 0.0

        x, y = data()
        before = y.copy()
        with pytest.raises(ValueError, match="read-only"):
            make_model().evaluate(x, y, metrics=[spoil])
        p.assert_same_bits(y, before)


class TestUndo:
    """After a loss that is not finite, model and optimiser go on as if new."""

    def spoilt(self, optimizer, scale, dtype="float32"):
        x, y = data()
        x, y = x.astype(dtype), y.astype(dtype)
        model = ln.Sequential([ln.Dense(1)], dtype=dtype, seed=0)
        flat = x.reshape(len(x), -1)
        fit(model, flat, y, epochs=1, optimizer=optimizer)
        with pytest.raises(FloatingPointError):
            fit(model, flat * np.array(scale, dtype), y, epochs=50)
        return model, flat, y

    def test_momentum_of_the_undone_update_is_gone(self):
        model, x, y = self.spoilt(ln.SGD(0.1, momentum=0.9), 1e15)
        model.learning_rate = 1e-3
        losses = fit(model, x, y, epochs=5).history["loss"]
        assert losses[-1] < losses[0] < 1e3

    def test_a_gradient_whose_square_overflows_is_refused(self):
        """Adam's mean square would be infinite for ever, and the weights would never move."""
        model, x, y = self.spoilt(ln.Adam(1e-3), 1e18)
        before = model.state_dict()
        fit(model, x, y, epochs=3)
        after = model.state_dict()
        assert all((after[name] != before[name]).any() for name in before)

    def test_an_update_to_infinite_weights_is_undone_at_once(self):
        x, y = data()
        model = make_model(dtype="float32")
        model.predict(x)
        before = model.state_dict()
        with pytest.raises(FloatingPointError):
            fit(model, x, y + 1e3, epochs=1, batch_size=len(x), optimizer=ln.SGD(3e38))
        p.assert_same_weights(model.state_dict(), before)

    def test_settings_that_float32_cannot_hold(self):
        x, y = data()
        with pytest.raises(ValueError, match="epsilon: expected a value that float32 can hold"):
            fit(make_model(dtype="float32"), x, y, optimizer=ln.Adam(epsilon=1e-50))


class TestTape:
    def test_weights_must_not_change_in_between(self):
        layer = ln.Dense(3, input_size=2, seed=0)
        y, _, tape = layer.forward(np.ones((4, 2)))
        layer.load_state_dict(layer.state_dict())
        with pytest.raises(RuntimeError, match="weights have changed"):
            tape.backward(np.ones_like(y))

    def test_the_instruction_set_may(self):
        """Packed weights and the kernels that read them belong together."""
        sets = _core.build_info()["isas_available"]
        before = _core.build_info()["isa"]
        layer = ln.LSTM(9, input_size=5, dtype="float64", seed=0)
        x = np.random.default_rng(0).standard_normal((3, 4, 5))
        try:
            found = []
            for first, second in ((sets[0], sets[0]), (sets[-1], sets[0]), (sets[0], sets[-1])):
                _core.set_isa(first)
                y, _, tape = layer.forward(x)
                _core.set_isa(second)
                found.append(tape.backward(np.ones_like(y))[0])
        finally:
            _core.set_isa(before)
        for dx in found[1:]:
            assert np.abs(dx - found[0]).max() <= 1e-12 * np.abs(found[0]).max()


class TestOnesOwn:
    """Layers and losses of one's own: said to be not there, with the loop that does it."""

    LOOP = r"not there yet.*layer\.forward\(x\).*tape\.backward\(dy\).*optimizer\.update\(layer"

    def test_a_layer_with_a_forward_alone(self):
        class Twice(ln.Layer):
            def forward(self, x):
                return 2 * x

        x = np.zeros((2, 3, 4), "float32")
        for run in (Twice(), ln.Sequential([Twice(), ln.Dense(1)]).predict):
            with pytest.raises(NotImplementedError, match=rf"(?s)Twice: layers .*{self.LOOP}"):
                run(x)

    def test_a_loss(self):
        class Own(losses.Loss):
            pass

        class Weighted(ln.MeanSquaredError):  # it trained with the plain one before
            def __call__(self, y_true, y_pred):
                return 0.0

        class Named(ln.Huber):
            pass

        x, y = data()
        model = make_model()
        for loss in (Own(), Weighted()):
            for call in (fit, ln.Sequential.evaluate):
                with pytest.raises(NotImplementedError, match=rf"(?s)loss: .*{self.LOOP}"):
                    call(model, x, y, loss=loss)
            with pytest.raises(NotImplementedError, match="of its own"):
                model.loss = loss
        assert model.loss is None
        fit(model, x, y, loss=Named(0.5), epochs=1)
