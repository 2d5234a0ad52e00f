"""Truncated back-propagation through time: windows, and the states between them."""

from __future__ import annotations

import numpy as np
import pytest
import reference as ref

import lstm_native as ln

RNG = np.random.default_rng(1)
N, T, WIDTH, HIDDEN, RATE = 3, 11, 2, 4, 0.05
X, Y = RNG.standard_normal((N, T, WIDTH)), RNG.standard_normal((N, T, 1))


def make_model(stateful: bool = False) -> ln.Sequential:
    layers = [ln.LSTM(HIDDEN, input_size=WIDTH, stateful=stateful), ln.Dense(1)]
    return ln.Sequential(layers, dtype="float64", seed=1)


def fit(model: ln.Sequential, x=X, y=Y, **options) -> ln.History:
    options = {"batch_size": N, "shuffle": False, "optimizer": ln.SGD(RATE), **options}
    return model.fit(x, y, **{"seed": 0, "verbose": False, **options})


class Reference:
    """The same model in plain NumPy, trained by hand."""

    def __init__(self, model: ln.Sequential) -> None:
        state = model.state_dict()
        self.lstm = {k[2:]: v for k, v in state.items() if k.startswith("0.")}
        self.weight, self.bias = state["1.weight"], state["1.bias"]

    def update(self, x, y, weights, state, mean_weight=None):
        """One window: returns its loss and final state, which later gradients do not enter."""
        h, final, tape = ref.lstm_forward(x, self.lstm, 1, state)
        out = ref.dense_forward(h, self.weight, self.bias)
        loss, dout = ref.loss_and_gradient("mse", out, y, weights, mean_weight=mean_weight)
        dh, dw, db = ref.dense_backward(dout, h, out, self.weight)
        _, _, gradients = ref.lstm_backward(dh, None, self.lstm, tape)
        for name in self.lstm:
            self.lstm[name] = self.lstm[name] - RATE * gradients[name]
        self.weight, self.bias = self.weight - RATE * dw, self.bias - RATE * db
        return loss, final

    def check(self, model: ln.Sequential) -> None:
        state = model.state_dict()
        for name, value in self.lstm.items():
            np.testing.assert_allclose(state["0." + name], value, rtol=0, atol=1e-13)
        np.testing.assert_allclose(state["1.weight"], self.weight, rtol=0, atol=1e-13)


@pytest.mark.parametrize("stateful", [False, True])
def test_each_window_is_an_update_from_the_state_that_the_last_one_left(stateful):
    model = make_model(stateful)
    reference = Reference(model)
    history = fit(model, tbptt=4, epochs=2)
    state = None
    for epoch in range(2):
        if not stateful:
            state = None
        losses = []
        for a in range(0, T, 4):
            loss, state = reference.update(X[:, a : a + 4], Y[:, a : a + 4], None, state)
            losses.append(loss * min(4, T - a))
        assert history.history["loss"][epoch] == pytest.approx(sum(losses) / T, rel=1e-12)
    reference.check(model)


def test_each_batch_begins_at_zero():
    model = make_model()
    reference = Reference(model)
    fit(model, tbptt=4, batch_size=1)
    for row in range(N):
        state = None
        for a in range(0, T, 4):
            part = slice(row, row + 1), slice(a, a + 4)
            _, state = reference.update(X[part], Y[part], None, state)
    reference.check(model)


def test_lengths_and_weights_combine_with_windows():
    lengths = np.array([9, 0, 4])
    weights = RNG.uniform(0.5, 2.0, (N, T))
    inside = np.arange(T) < lengths[:, None]
    x, y = (np.where(inside[..., None], a, np.nan) for a in (X, Y))
    model = make_model()
    reference = Reference(model)
    fit(model, x, y, lengths=lengths, sample_weight=weights, tbptt=4)
    state, updates = None, 0
    for a in range(0, 9, 4):
        part = slice(a, a + 4)
        w = (weights * inside)[:, part]
        # A sequence that has ended has no weight: what state it would have does not matter.
        mean = weights[inside].mean()  # of all windows: each row counts by its weight
        _, state = reference.update(X[:, part], Y[:, part], w, state, mean)
        updates += 1
    reference.check(model)
    assert model._trainer.iterations == updates == 3


def test_lists_of_sequences_are_cut_as_well():
    lengths = [9, 4, 7]
    xs = [x[:n] for x, n in zip(X, lengths, strict=True)]
    ys = [y[:n] for y, n in zip(Y, lengths, strict=True)]
    ragged, array = make_model(), make_model()
    fit(ragged, xs, ys, tbptt=4)
    fit(array, X, Y, lengths=lengths, tbptt=4)
    for name, value in ragged.state_dict().items():
        assert np.array_equal(value, array.state_dict()[name])


def test_one_window_over_everything_is_plain_training():
    whole, windows = make_model(), make_model()
    assert fit(whole, epochs=2).history == fit(windows, tbptt=100, epochs=2).history
    for name, value in whole.state_dict().items():
        assert np.array_equal(value, windows.state_dict()[name])


@pytest.mark.parametrize("lengths", [None, [9, 0, 4]])
def test_metrics_and_validation_see_each_true_row_once(lengths):
    model = make_model()
    history = fit(
        model,
        tbptt=4,
        metrics=["mse"],
        lengths=lengths,
        validation_data=(X, Y),
        validation_lengths=lengths,
    )
    assert history.history["mse"] == [pytest.approx(history.history["loss"][0], rel=1e-12)]
    wanted = model.evaluate(X, Y, lengths=lengths, metrics=["mse"])
    assert history.history["val_loss"] == [pytest.approx(wanted["loss"], rel=1e-12)]
    assert history.history["val_mse"] == [pytest.approx(wanted["mse"], rel=1e-12)]


def test_callbacks_are_called_for_each_window():
    seen = []

    class Watch(ln.Callback):
        def on_batch_end(self, model, batch, logs):
            seen.append(batch)

    fit(make_model(), tbptt=4, batch_size=2, callbacks=Watch())
    assert seen == list(range(6))


def test_the_bar_counts_windows(capsys):
    fit(make_model(), tbptt=4, verbose=True)
    assert "windows/s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([ln.LSTM(3, bidirectional=True)], "layer 0: .*bidirectional or reverse"),
        ([ln.Dense(2), ln.GRU(3, reverse=True), ln.Dense(1)], "layer 1: .*bidirectional or rev"),
        (
            [ln.ConvLSTM(1, kernel_size=(1, 3), input_shape=(1, 2, 1), reverse=True)],
            "layer 0: .*bidirectional or reverse",
        ),
        ([ln.LSTM(3, return_sequences=False), ln.Dense(1)], "expected an output at each step"),
        ([ln.Highway([ln.LSTM(1, return_sequences=False)], window=2)], "an output at each step"),
        ([ln.Residual([ln.LSTM(2)]), ln.Dense(1)], "layer 0: the state of the layers in it"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_reason(layers, told):
    model = ln.Sequential(layers, dtype="float64")
    shape = model.predict(X).shape
    before = model.state_dict()
    with pytest.raises(ValueError, match=told):
        model.fit(X, np.zeros(shape), tbptt=4, verbose=False)
    for name, value in model.state_dict().items():
        assert np.array_equal(value, before[name])


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError)])
def test_a_window_has_at_least_one_step(value, error):
    with pytest.raises(error, match="tbptt must be"):
        fit(make_model(), tbptt=value)
