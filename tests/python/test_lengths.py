"""Padded sequences: what stands behind their ends changes no bit of anything."""

from __future__ import annotations

import functools

import family
import numpy as np
import padded
import pytest
from padded import LENGTHS, pad, same, unpad

import lstm_native as ln

WIDTH, VOCABULARY = 3, 7
MASK = np.arange(6) < LENGTHS[:, None]

LAYERS = {
    **{
        kind.lower(): functools.partial(getattr(ln, kind), 4, input_size=WIDTH)
        for kind in family.KINDS
    },
    "lstm_stacked": lambda **o: ln.LSTM(4, input_size=WIDTH, num_layers=2, dropout=0.3, **o),
    "lstm_both": lambda **o: ln.LSTM(4, input_size=WIDTH, bidirectional=True, **o),
    "lstm_reverse": lambda **o: ln.LSTM(4, input_size=WIDTH, reverse=True, **o),
    "gru": lambda **o: ln.GRU(4, input_size=WIDTH, recurrent_dropout=0.3, **o),
    "rnn": lambda **o: ln.RNN(4, input_size=WIDTH, input_dropout=0.3, **o),
    "dense": lambda **o: ln.Dense(4, activation="tanh", input_size=WIDTH, **o),
    "layer_norm": lambda **o: ln.LayerNorm(**o),
    "activity": lambda **o: ln.ActivityRegularization(activity=0.5, temporal=0.5, **o),
    "embedding": lambda **o: ln.Embedding(VOCABULARY, WIDTH, **o),
    "residual": lambda **o: ln.Residual(
        [ln.Dense(WIDTH, input_size=WIDTH), ln.LSTM(WIDTH), ln.Dropout(0.3)], **o
    ),
}


def parts_for(name: str, dtype: str) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    if name == "embedding":
        return padded.tokens(rng, VOCABULARY)
    return padded.values(rng, WIDTH, dtype)


def passes(layer: ln.Layer, parts: list[np.ndarray], steps: int) -> list[np.ndarray]:
    """All that forward and backward give, without what pads it."""
    y, state, tape = layer.forward(pad(parts, steps), lengths=LENGTHS, seed=5)
    dy = padded.values(np.random.default_rng(4), y.shape[-1], y.dtype)
    dx, dstate, grads = tape.backward(pad(dy, steps))
    found = unpad(y) + ([] if dx is None else unpad(dx)) + list(grads.values())
    for states in (state, dstate):
        found += [] if states is None else list(states) if type(states) is tuple else [states]
    return found


def both(layer, x, **options):
    """(y, state), state None for a layer without one."""
    found = layer(x, **options)
    return found if isinstance(found, tuple) else (found, None)


@pytest.mark.parametrize("name", LAYERS)
def test_padding_changes_no_bit_of_output_state_or_gradient(isa, dtype, name):
    layer = LAYERS[name](dtype=dtype.name, seed=1)
    parts = parts_for(name, dtype.name)
    wanted = passes(layer, parts, 6)
    assert all(np.isfinite(part).all() for part in wanted)
    assert same(passes(layer, parts, 9), wanted)
    assert same(passes(layer, parts, 7), wanted)


@pytest.mark.parametrize("name", LAYERS)
def test_a_batch_is_its_sequences_one_by_one(isa, dtype, name):
    layer = LAYERS[name](dtype=dtype.name, seed=1)
    parts = parts_for(name, dtype.name)
    y, state = both(layer, pad(parts, 8), lengths=LENGTHS)
    whole, _ = both(layer, pad(parts, 8), mask=np.arange(8) < LENGTHS[:, None])
    assert np.array_equal(y, whole)
    for index, (row, part) in enumerate(zip(unpad(y), parts, strict=True)):
        if not len(part):
            continue
        alone, own = both(layer, part[None])
        assert np.array_equal(row, alone[0])
        if type(state) is tuple:
            assert all(
                np.array_equal(s[:, index], o[:, 0]) for s, o in zip(state, own, strict=True)
            )


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_both"])
def test_an_empty_sequence_ends_as_it_began(name):
    layer = LAYERS[name](dtype="float64", seed=1)
    _, zeros = both(layer, np.zeros((2, 3, WIDTH)))
    first = zeros[0] if type(zeros) is tuple else zeros
    given = np.random.default_rng(0).standard_normal(first.shape)
    state = (given, 2 * given) if type(zeros) is tuple else given
    y, final = layer(np.full((2, 3, WIDTH), np.nan), state, lengths=[0, 0])
    assert not y.any()
    assert np.array_equal(np.asarray(final), np.asarray(state))


def make_model(seed: int = 1) -> ln.Sequential:
    return ln.Sequential(
        [
            ln.Dense(4, activation="tanh"),
            ln.Dropout(0.2),
            ln.LSTM(5, bidirectional=True),
            ln.LayerNorm(),
            ln.Dense(2),
        ],
        dtype="float64",
        seed=seed,
    )


def train(x, y, **options) -> tuple[dict[str, np.ndarray], dict[str, list[float]]]:
    model = make_model()
    history = model.fit(
        x, y, epochs=3, batch_size=2, seed=3, verbose=False, metrics=["mae"], **options
    )
    return model.state_dict(), history.history


def same_training(first, second) -> bool:
    return first[1] == second[1] and same(list(first[0].values()), list(second[0].values()))


def test_penalties_are_those_of_the_true_steps(dtype):
    """One sequence alone, and the same one with padding and an empty one beside it."""

    def loss(x: np.ndarray, lengths: list[int] | None) -> float:
        layers = [ln.GRU(4, seed=1), ln.ActivityRegularization(activity=0.5, temporal=0.7)]
        model = ln.Sequential([*layers, ln.Dense(1, seed=2)], dtype=dtype.name)
        y = np.zeros((*x.shape[:2], 1), dtype.name)
        history = model.fit(x, y, lengths=lengths, epochs=2, seed=0, verbose=False)
        return history.history["loss"]

    x = np.random.default_rng(1).standard_normal((1, 4, WIDTH)).astype(dtype.name)
    padding = np.full((2, 7, WIDTH), np.nan, dtype.name)
    padding[0, :4] = x[0]
    assert loss(padding, [4, 0]) == loss(x, None)


class TestTraining:
    rng = np.random.default_rng(8)
    x, y = padded.values(rng, WIDTH), padded.values(rng, 2)

    def test_padding_of_x_and_y_changes_no_bit(self):
        wanted = train(pad(self.x, 6), pad(self.y, 6), lengths=LENGTHS)
        assert same_training(train(pad(self.x, 9), pad(self.y, 9), lengths=LENGTHS), wanted)
        assert same_training(train(pad(self.x, 6), pad(self.y, 6), mask=MASK), wanted)
        assert np.isfinite(wanted[1]["mae"]).all()

    def test_the_loss_is_the_mean_over_true_rows_times_their_weights(self):
        model = make_model()
        x, y = pad(self.x, 6), pad(self.y, 6)
        answers = model.predict(x, lengths=LENGTHS)
        weights = np.random.default_rng(2).uniform(0.5, 2.0, MASK.shape)
        errors = ((answers - np.nan_to_num(y)) ** 2).mean(axis=2)
        for given, w in ((None, MASK), (weights, MASK * weights)):
            found = model.evaluate(
                x, y, lengths=LENGTHS, batch_size=2, sample_weight=given, metrics=["mse"]
            )
            assert found["loss"] == pytest.approx((errors * w).sum() / w.sum(), rel=1e-12)
            assert found["mse"] == pytest.approx(found["loss"], rel=1e-12)

    def test_predict_answers_zero_behind_the_ends_whatever_the_last_layer(self):
        model = make_model()
        x = pad(self.x, 6)
        whole = model.predict(x, lengths=LENGTHS)
        unpad(whole)
        assert np.array_equal(model.predict(x, lengths=LENGTHS, batch_size=2), whole)
        assert np.array_equal(model.predict(x, mask=MASK), whole)

    def test_the_last_output_is_that_of_the_true_end(self):
        model = ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(2)], seed=0)
        x = pad(padded.values(self.rng, WIDTH, "float32"), 6)
        y = model.predict(x, lengths=LENGTHS)
        for row, one, n in zip(y, x, LENGTHS, strict=True):
            wanted = model.predict(one[None, :n])[0] if n else model.state_dict()["1.bias"]
            assert np.array_equal(row, wanted)
        targets = np.zeros((5, 2), "float32")
        losses = [model.fit(x, targets, lengths=LENGTHS, epochs=1, verbose=False)]
        assert np.isfinite(losses[0].history["loss"]).all()

    def test_labels_and_tokens_in_the_padding_may_be_out_of_range(self):
        tokens = padded.tokens(self.rng, VOCABULARY)
        labels = padded.tokens(self.rng, 3)
        model = ln.Sequential([ln.Embedding(VOCABULARY, 3), ln.GRU(4), ln.Dense(3)], seed=0)
        options = {"loss": "categorical_crossentropy", "metrics": ["accuracy"], "verbose": False}
        found = model.fit(
            pad(tokens, 6), pad(labels, 6), lengths=LENGTHS, class_weight={1: 2.0}, **options
        )
        assert np.isfinite(list(found.history.values())).all()
        unpad(model.predict(pad(tokens, 6), lengths=LENGTHS))

    def test_validation_has_lengths_of_its_own(self):
        model = make_model()
        x, y = pad(self.x, 6), pad(self.y, 6)
        history = model.fit(
            x,
            y,
            lengths=LENGTHS,
            validation_data=(x, y),
            validation_lengths=LENGTHS,
            verbose=False,
        )
        expected = model.evaluate(x, y, lengths=LENGTHS)["loss"]
        assert history.history["val_loss"] == [expected]
        with pytest.raises(ValueError, match="validation_data: x must be finite"):
            model.fit(x, y, lengths=LENGTHS, validation_data=(x, y), verbose=False)
        with pytest.raises(ValueError, match="validation_lengths needs validation_data"):
            model.fit(x, y, lengths=LENGTHS, validation_lengths=LENGTHS, verbose=False)

    def test_validation_split_takes_the_lengths_along(self):
        model = make_model()
        x, y = pad(self.x, 6), pad(self.y, 6)
        history = model.fit(x, y, lengths=LENGTHS, validation_split=0.4, verbose=False)
        expected = model.evaluate(x[3:], y[3:], lengths=LENGTHS[3:])["loss"]
        assert history.history["val_loss"] == [expected]


def highway() -> ln.Layer:
    return ln.Highway([ln.LSTM(3, return_sequences=False)], window=2)


X = np.random.default_rng(0).standard_normal((5, 6, WIDTH))
REFUSED = {
    "both": ({"lengths": LENGTHS, "mask": MASK}, ValueError, "say the same: give one"),
    "count": (
        {"lengths": LENGTHS[:4]},
        ValueError,
        r"lengths: expected shape \(5,\), got \(4,\)",
    ),
    "too_long": (
        {"lengths": [4, 0, 7, 1, 3]},
        ValueError,
        "from 0 to 6 .*, got 7 at 2",
    ),
    "negative": ({"lengths": [4, 0, -1, 1, 3]}, ValueError, "from 0 to 6 .*, got -1 at 2"),
    "floats": ({"lengths": LENGTHS * 1.0}, TypeError, "lengths: expected integers, got float64"),
    "mask_dtype": ({"mask": MASK * 1}, TypeError, "mask: expected booleans, got int64"),
    "mask_shape": ({"mask": MASK[:, :5]}, ValueError, r"\(5, 6\).*, got \(5, 5\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_expected_and_actual(name):
    options, error, told = REFUSED[name]
    layer = ln.LSTM(4, input_size=WIDTH, dtype="float64")
    model = ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(1)], dtype="float64")
    for call in (layer, layer.forward, model.predict):
        with pytest.raises(error, match=told):
            call(X, **options)
    if name not in ("mask_dtype", "mask_shape"):  # a mask of samples says so in words of its own
        with pytest.raises(error, match=told):
            model.fit(X, np.zeros((5, 1)), verbose=False, **options)


def test_only_an_input_with_a_time_axis_has_lengths():
    for call in (ln.Dense(2, input_size=3), ln.Sequential([ln.Dense(2)]).predict):
        with pytest.raises(ValueError, match=r"time axis, got shape \(5, 3\)"):
            call(X[:, 0].astype("float32"), lengths=[1] * 5)


def test_a_highway_refuses_lengths_alone_and_in_a_model():
    with pytest.raises(ValueError, match="this layer cannot take lengths"):
        highway()(X.astype("float32"), lengths=LENGTHS)
    model = ln.Sequential([highway()])
    with pytest.raises(ValueError, match="layer 0 cannot take lengths"):
        model.predict(X.astype("float32"), lengths=LENGTHS)
    assert model.predict(X.astype("float32"), lengths=[6] * 5).shape == (5, 3)


def test_nothing_but_padding_may_be_nan():
    x = X.copy()
    x[2, 5] = x[0, 4:] = np.nan
    layer = ln.LSTM(4, input_size=WIDTH, dtype="float64")
    with pytest.raises(ValueError, match=r"3 of 90 are not; the first is nan at \[2, 5, 0\]"):
        layer(x, lengths=LENGTHS)
    with pytest.raises(ValueError, match=r"tokens must lie in \[0, 7\)"):
        ln.Embedding(VOCABULARY, 2)(np.full((2, 3), 7), lengths=[1, 0])


def test_sequences_that_are_all_empty_have_nothing_to_teach():
    with pytest.raises(ValueError, match="lengths: all 5 sequences are empty"):
        make_model().fit(X, np.zeros((5, 6, 2)), lengths=[0] * 5, verbose=False)
