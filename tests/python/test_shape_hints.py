"""A shape that does not fit, but whose sizes tell what was meant: the message says what to write.

Each message is followed, and then it works.
"""

from __future__ import annotations

import numpy as np
import pytest

import lstm_native as ln

N, T, F = 6, 4, 3
X = np.random.default_rng(0).standard_normal((N, T, F)).astype("float32")
CE = "categorical_crossentropy"


def model(*, built: bool = True, units: int = 1, **options) -> ln.Sequential:
    size = F if built else None
    return ln.Sequential([ln.LSTM(32, input_size=size, **options), ln.Dense(units)], seed=0)


def fit(network: ln.Sequential, y, x=X, **options) -> ln.History:
    return network.fit(x, y, verbose=False, **options)


class TestInput:
    @pytest.mark.parametrize("built", [True, False])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_one_window_needs_the_axis_of_samples(self, built, dtype):
        x = X[0].astype(dtype)  # the quick ways too
        for call in (model(built=built).predict, ln.LSTM(4, input_size=F if built else None)):
            told = r"x has shape \(4, 3\).*no time axis; one sequence .* is x\[None\]"
            with pytest.raises(ValueError, match=told):
                call(x)
        layer = ln.LSTM(4, input_size=F)
        with pytest.raises(ValueError, match=r"x\[None\]"):
            layer.forward(x)
        assert model(built=built).predict(x[None]).shape == (1, T, 1)

    def test_sequences_of_one_feature_need_its_axis(self):
        unbuilt = ln.Sequential([ln.LSTM(4), ln.Dense(1)])
        built = ln.Sequential([ln.LSTM(4, input_size=1), ln.Dense(1)])
        for network in (unbuilt, built):
            with pytest.raises(ValueError, match=r"of one feature are x\[\.\.\., None\]"):
                network.predict(X[..., 0])
            assert network.predict(X[..., 0][..., None]).shape == (N, T, 1)

    def test_a_series_needs_both(self):
        for network in (ln.Sequential([ln.LSTM(4)]), ln.Sequential([ln.LSTM(4, input_size=1)])):
            with pytest.raises(ValueError, match=r"one feature is x\[None, :, None\]"):
                network.predict(X[0, :, 0])
            assert network.predict(X[0, :, 0][None, :, None]).shape == (1, T, 4)

    def test_tokens_need_the_axis_of_samples(self):
        network = ln.Sequential([ln.Embedding(5, 2), ln.LSTM(4)])
        with pytest.raises(ValueError, match=r"one sequence \(timesteps,\) of tokens is x\[None\]"):
            network.predict(np.array([1, 2, 3]))

    def test_features_before_steps(self):
        with pytest.raises(ValueError, match=r"shape \(6, 3, 4\); .* write x\.swapaxes\(1, 2\)"):
            model().predict(X.swapaxes(1, 2))

    def test_steps_before_samples(self):
        with pytest.raises(ValueError, match=r"4 samples but y has 6; .*write x\.swapaxes\(0, 1\)"):
            fit(model(return_sequences=False), np.zeros((N, 1)), X.swapaxes(0, 1))
        tokens = np.zeros((T, N), int)
        network = ln.Sequential([ln.Embedding(5, 2), ln.LSTM(4, return_sequences=False)])
        with pytest.raises(ValueError, match=r"4 samples but y has 6; .*write x\.T"):
            fit(network, np.zeros((N, 4)), tokens)

    def test_one_step_of_a_stream_needs_the_axis_of_sequences(self):
        stream = model().stream()
        with pytest.raises(ValueError, match=r"shape \(1, 3\), got \(3,\); write x\[None\]"):
            stream.step(X[0, 0])
        assert stream.step(X[0, 0][None]).shape == (1, 1)

    def test_a_list_of_inputs(self):
        with pytest.raises(ValueError, match=r"got 4 with shape \(1, 6, 4, 3\); .* give x\[0\]"):
            model().predict([X])

    def test_what_the_sizes_do_not_tell_has_no_hint(self):
        for x in (X[..., :2], X[None, None], X[0, :2, :2]):
            with pytest.raises(ValueError, match=r"x: expected") as raised:
                model().predict(x)
            assert ";" not in str(raised.value)


class TestTargets:
    @pytest.mark.parametrize("shape", [(N, 1), (N,)])
    def test_one_answer_for_each_sequence(self, shape):
        """Nearly everybody who comes from Keras meets it."""
        network = ln.Sequential([ln.LSTM(32), ln.Dense(1)])
        told = (
            r"y: expected shape \(6, 4, 1\), got \(6(, 1|,)\): the model answers at each of the 4 "
            r"steps; .* layer 0 LSTM\(hidden_size=32, return_sequences=False\)$"
        )
        for call in (network.fit, network.evaluate):
            options = {"verbose": False} if call == network.fit else {}
            with pytest.raises(ValueError, match=told):
                call(X, np.zeros(shape), **options)
        fit(model(return_sequences=False), np.zeros(shape))

    def test_the_layer_that_decides_is_named(self):
        layers = [ln.GRU(8), ln.Dropout(0.1), ln.LSTM(8, bidirectional=True), ln.Dense(3)]
        with pytest.raises(ValueError, match=r"layer 2 LSTM\(hidden_size=8, bidirectional=True, r"):
            fit(ln.Sequential(layers), np.zeros(N, int), loss=CE)
        told = r"one layer must drop the time axis, such as LSTM\(32, return_sequences=False\)"
        with pytest.raises(ValueError, match=told):
            fit(ln.Sequential([ln.Dense(1)]), np.zeros((N, 1)))

    @pytest.mark.parametrize("shape", [(N, T, 1), (N, T)])
    def test_one_answer_for_each_step(self, shape):
        told = (
            r"y: expected shape \(6, 1\), got \(6, 4.*the model answers once for each sequence; to "
            r"answer at each of its 4 steps, .* layer 0 LSTM\(.*return_sequences=True\)$"
        )
        with pytest.raises(ValueError, match=told):
            fit(model(return_sequences=False), np.zeros(shape))
        labels = np.zeros((N, T), int)
        with pytest.raises(ValueError, match="return_sequences=True"):
            fit(model(return_sequences=False, units=3), labels, loss=CE)
        fit(model(return_sequences=True), np.zeros(shape))

    def test_steps_are_counted_as_they_were_given_beside_a_mask(self):
        mask = np.ones((N, T), bool)
        mask[:, 0] = False
        with pytest.raises(ValueError, match=r"each of its 4 steps, .*return_sequences=True"):
            fit(model(return_sequences=False), np.zeros((N, T, 1)), mask=mask)

    def test_width_of_the_last_layer(self):
        told = r"3 values for each row, but the model .* 1; make layer 1, Dense\(units=1\)"
        with pytest.raises(ValueError, match=told + r", a Dense\(3\)"):
            fit(model(return_sequences=False), np.zeros((N, 3)))
        with pytest.raises(ValueError, match=told):
            fit(model(), np.zeros((N, T, 3)))
        with pytest.raises(
            ValueError, match=r"1 value for each row, .*; end the model with Dense\("
        ):
            fit(ln.Sequential([ln.LSTM(32)]), np.zeros((N, T, 1)))
        with pytest.raises(ValueError, match=r"1 value for each row, .*with 2; .* a Dense\(1\)"):
            fit(model(return_sequences=False, units=2), np.zeros(N))

    def test_several_steps_of_several_values_go_side_by_side(self):
        y = np.zeros((N, 2, 3))
        told = r"write y\.reshape\(len\(y\), -1\) and make layer 1, Dense\(units=1\), a Dense\(6\)"
        with pytest.raises(ValueError, match=told):
            fit(model(return_sequences=False), y)
        with pytest.raises(ValueError, match=r"write y\.reshape\(len\(y\), -1\)$"):
            fit(model(return_sequences=False, units=6), y)
        fit(model(return_sequences=False, units=6), y.reshape(len(y), -1))

    def test_lists_of_sequences(self):
        parts = [X[0], X[1, :2]]
        for y in (np.zeros((2, 1)), [0.0, 1.0], np.zeros(2)):
            with pytest.raises(ValueError, match=r"y\[0\]: expected 4 steps.*return_sequences=Fal"):
                fit(model(), y, parts)
        with pytest.raises(ValueError, match=r"got one for each step; .*return_sequences=True"):
            fit(model(return_sequences=False), [part[:, :1] for part in parts], parts)
        with pytest.raises(ValueError, match=r"2 values for each row, .* a Dense\(2\)"):
            fit(model(return_sequences=False), np.zeros((2, 2)), parts)

    def test_good_targets_pass_whatever_their_sizes(self):
        """T, N and the units of one size: nothing may be guessed."""
        x = np.ones((3, 3, 3), "float32")
        for network, y, options in (
            (model(units=3), np.zeros((3, 3, 3)), {}),
            (model(return_sequences=False, units=3), np.zeros((3, 3)), {}),
            (model(units=1), np.zeros((3, 3)), {}),
            (model(units=3), np.zeros((3, 3), int), {"loss": CE}),
            (model(return_sequences=False, units=3), np.zeros(3, int), {"loss": CE}),
        ):
            history = fit(network, y, x, **options)
            assert np.isfinite(history.history["loss"]).all()


class TestDroppedTimeAxis:
    """As typed from Keras: a layer that needs the time axis behind one that drops it."""

    @pytest.mark.parametrize("between", [[], [ln.Dense(3)]])
    def test_the_layer_to_change_is_named_when_data_comes(self, between):
        last = ln.LSTM(3, return_sequences=False)
        told = (
            rf"layer {len(between) + 1}: LSTM: expected 3 dim.*no time axis; make layer 0 "
            r"LSTM\(hidden_size=4, return_sequences=True\)$"
        )
        network = ln.Sequential([ln.LSTM(4, return_sequences=False), *between, last])
        with pytest.raises(ValueError, match=told):
            network.predict(X)
        kept = ln.Sequential([ln.LSTM(4, return_sequences=True), *between, last])
        assert kept.predict(X).shape == (N, 3)

    def test_it_is_refused_at_once_where_the_features_are_known(self):
        told = r"no time axis; make layer 0 LSTM\(.*return_sequences=True\)$"
        with pytest.raises(ValueError, match=told):
            ln.Sequential([ln.LSTM(4, input_size=F, return_sequences=False), ln.LSTM(3)])
        embedded = [ln.Embedding(5, 4), ln.GRU(4, return_sequences=False), ln.LSTM(3)]
        with pytest.raises(ValueError, match=r"make layer 1 GRU\("):
            ln.Sequential(embedded)

    def test_an_input_without_the_axis_is_another_matter(self):
        network = ln.Sequential([ln.LSTM(4, input_size=F), ln.LSTM(3)])
        with pytest.raises(ValueError, match=r"one sequence .* is x\[None\]$"):
            network.predict(X[0])
