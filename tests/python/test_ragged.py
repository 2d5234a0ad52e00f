"""Lists of sequences: batches of similar lengths, and the results of padded arrays."""

from __future__ import annotations

import numpy as np
import padded
import pytest
from padded import LENGTHS, pad, same, unpad

import lstm_native as ln
from lstm_native.training import _ragged
from lstm_native.training._columns import Input, Sequences, starts_of
from lstm_native.training._samples import Data, Target
from lstm_native.training._targets import check_targets

WIDTH = 3


def make_model(*, timed: bool = True) -> ln.Sequential:
    return ln.Sequential([ln.LSTM(5, return_sequences=timed), ln.Dense(2)], dtype="float64", seed=1)


def fit(model: ln.Sequential, x, y, **options) -> ln.History:
    return model.fit(x, y, **{"epochs": 3, "batch_size": 5, "seed": 3, "verbose": False, **options})


RNG = np.random.default_rng(5)
X, Y = padded.values(RNG, WIDTH), padded.values(RNG, 2)


def test_predict_answers_each_sequence_in_its_place():
    model = make_model()
    wanted = unpad(model.predict(pad(X, 6), lengths=LENGTHS))
    for size in (1, 2, 256):
        found = model.predict(X, batch_size=size)
        assert type(found) is list
        assert same(found, wanted)
    last = make_model(timed=False)
    assert np.array_equal(last.predict(X, batch_size=2), last.predict(pad(X, 6), lengths=LENGTHS))


def test_a_whole_batch_trains_like_padded_arrays():
    """One batch holds all: sorted by length, so that sums run in another order."""
    ragged, array = make_model(), make_model()
    first = fit(ragged, X, Y, metrics=["mae"])
    second = fit(array, pad(X, 6), pad(Y, 6), lengths=LENGTHS, metrics=["mae"])
    for name, losses in first.history.items():
        np.testing.assert_allclose(losses, second.history[name], rtol=1e-12)
    for name, value in ragged.state_dict().items():
        np.testing.assert_allclose(value, array.state_dict()[name], rtol=1e-10)


def test_the_order_as_given_trains_the_bits_of_padded_arrays():
    ragged, array = make_model(), make_model()
    fit(ragged, X, Y, shuffle=False, batch_size=2)
    fit(array, pad(X, 6), pad(Y, 6), lengths=LENGTHS, shuffle=False, batch_size=2)
    assert same(list(ragged.state_dict().values()), list(array.state_dict().values()))


def test_evaluate_and_validation_take_lists():
    model = make_model()
    wanted = model.evaluate(pad(X, 6), pad(Y, 6), lengths=LENGTHS, metrics=["mae"])
    found = model.evaluate(X, Y, metrics=["mae"], batch_size=2)
    assert found == pytest.approx(wanted, rel=1e-12)
    history = fit(model, X, Y, epochs=1, validation_data=(X, Y))
    assert history.history["val_loss"] == [pytest.approx(model.evaluate(X, Y)["loss"])]
    history = fit(model, X, Y, epochs=1, validation_split=0.4)
    assert history.history["val_loss"] == [pytest.approx(model.evaluate(X[3:], Y[3:])["loss"])]


def test_weights_come_per_sequence_or_per_step():
    rng = np.random.default_rng(0)
    per_sequence = rng.uniform(0.5, 2.0, 5)
    per_step = [rng.uniform(0.5, 2.0, n) for n in LENGTHS]
    model = make_model()
    for given, array in (
        (per_sequence, np.broadcast_to(per_sequence[:, None], (5, 6))),
        (per_step, np.nan_to_num(pad(per_step, 6))),
    ):
        wanted = model.evaluate(pad(X, 6), pad(Y, 6), lengths=LENGTHS, sample_weight=array)
        found = model.evaluate(X, Y, sample_weight=given, batch_size=2)
        assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-12)


def test_tokens_and_labels_in_lists():
    tokens, labels = padded.tokens(RNG, 7), padded.tokens(RNG, 3)
    model = ln.Sequential([ln.Embedding(7, 4), ln.GRU(4), ln.Dense(3)], seed=0)
    options = {"loss": "categorical_crossentropy", "class_weight": {1: 2.0}}
    history = fit(model, tokens, labels, metrics=["accuracy"], epochs=30, batch_size=2, **options)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert [len(y) for y in model.predict(tokens)] == list(LENGTHS)
    last = ln.Sequential([ln.Embedding(7, 4), ln.GRU(4, return_sequences=False), ln.Dense(3)])
    fit(last, tokens, np.arange(5) % 3, **options)
    assert last.predict(tokens).shape == (5, 3)


def long_data(count: int = 1000) -> Data:
    lengths = np.random.default_rng(1).integers(0, 200, count)
    rows = np.repeat(np.arange(count, dtype=float), lengths)[:, np.newaxis]
    parts = Sequences(rows, starts_of(lengths))
    target = Target(parts, None, None, max(lengths), np.asarray(lengths), False)
    return Data((Input(parts, parts.lengths),), (target,), True, list)


def test_batches_hold_similar_lengths_and_every_sample_once():
    data = long_data()
    batches = list(data.shuffled(10, 7, 0))
    assert np.array_equal(np.sort(np.concatenate(batches)), np.arange(1000))
    padding = sum(len(b) * data.ragged[b].max() for b in batches) / data.ragged.sum()
    by_chance = np.random.default_rng(0).permutation(1000).reshape(-1, 10)
    worse = sum(10 * data.ragged[b].max() for b in by_chance) / data.ragged.sum()
    assert padding < 1.1 < 1.6 < worse


def test_the_order_is_a_function_of_seed_and_epoch():
    data = long_data()

    def order(seed: int, epoch: int) -> list[tuple[int, ...]]:
        return [tuple(batch) for batch in data.shuffled(10, seed, epoch)]

    assert order(7, 2) == order(7, 2)
    assert len({tuple(order(*which)) for which in ((7, 2), (7, 3), (8, 2))}) == 3
    # Neither the batches nor what is in them stay the same.
    assert set(order(7, 2)) != set(order(7, 3))
    lengths = [int(data.ragged[list(batch)].max()) for batch in order(7, 2)]
    assert lengths != sorted(lengths)


def test_a_batch_is_padded_to_its_own_longest_sequence_alone():
    data = long_data()
    rows = np.argsort(data.ragged, kind="stable")[100:110].astype(np.int64)
    batch = data.take(rows)
    assert batch.x.shape == (10, data.ragged[rows].max(), 1)
    for row, one, n in zip(rows, batch.x, data.ragged[rows], strict=True):
        assert (one[:n] == row).all()
        assert not one[n:].any()


def test_one_long_sequence_does_not_decide_about_memory():
    x = [np.zeros((5, 1), "float32")] * 2000 + [np.zeros((20000, 1), "float32")]
    tracemalloc = pytest.importorskip("tracemalloc")
    model = ln.Sequential([ln.RNN(1), ln.Dense(1)], seed=0)
    model.predict(x[:2])
    tracemalloc.start()
    model.fit(x, x, batch_size=1, epochs=1, verbose=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # all padded: 160 MB


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda m: fit(m, X, Y[:4]), ValueError, "y: expected one for each of the 5 sequences"),
        (lambda m: fit(m, X, [Y[0], *Y[:4]]), ValueError, r"y\[1\]: expected 0 steps"),
        (lambda m: fit(m, X, Y, lengths=LENGTHS), ValueError, "lengths: x is a list of sequences"),
        (lambda m: m.predict(X, mask=np.ones((5, 6), bool)), ValueError, "mask: x is a list"),
        (lambda m: m.predict([X[0], X[2][:, :2]]), ValueError, r"x\[1\]: expected 3 features"),
        (lambda m: m.predict([X[0], X[2] * np.nan]), ValueError, r"x\[1\] must be finite"),
        (lambda m: m.predict([X[0], X[2].astype(int)]), TypeError, r"x\[1\] must be float"),
        (lambda m: fit(m, X, [y * np.nan for y in Y]), ValueError, r"y\[0\] must be finite"),
        (lambda m: fit(m, X[1:2], Y[1:2]), ValueError, "all 1 sequences are empty"),
        (lambda m: fit(m, X, Y, sample_weight=[1.0]), ValueError, "sample_weight: expected one"),
        (
            lambda m: fit(m, X, Y, sample_weight=[np.ones(3)] * 5),
            ValueError,
            r"sample_weight\[0\]: expected shape \(4,\), got \(3,\)",
        ),
    ],
)
@pytest.mark.parametrize("built", [False, True])
def test_what_does_not_fit_is_refused_by_its_place_in_the_list(call, error, told, built):
    model = make_model()
    if built:
        model.predict(X)
    with pytest.raises(error, match=told):
        call(model)


def test_an_empty_sequence_does_not_say_how_many_features_there_are():
    """It may come first: another one with other features is named, not the first that has some."""
    model = ln.Sequential([ln.LSTM(5, return_sequences=False)])
    assert model.predict([[], X[2]]).shape == (2, 5)
    with pytest.raises(ValueError, match=r"^x\[2\]: expected 3 features .* \(2, 4\)"):
        ln.Sequential([ln.LSTM(5)]).predict([[], np.zeros((2, 3)), np.zeros((2, 4))])
    with pytest.raises(ValueError, match=r"all 2 sequences are empty, .* give input_size"):
        ln.Sequential([ln.LSTM(5)]).predict([np.zeros((0, 0)), []])


def test_weights_of_sequences_with_an_axis_too_many():
    last = make_model(timed=False)
    y = np.zeros((len(X), 2))
    with pytest.raises(ValueError, match=r"sample_weight: .*write np\.ravel\(sample_weight\)"):
        fit(last, X, y, sample_weight=np.ones((len(X), 1)))


def test_many_sequences_are_checked_in_one_go(monkeypatch):
    """Sequence by sequence the checks took ten times as long as training on short ones."""
    seen = []

    def counted(target, *args):
        seen.append(len(target))
        return check_targets(target, *args)

    monkeypatch.setattr(_ragged, "check_targets", counted)
    make_model().evaluate(X, Y)
    assert seen == [sum(LENGTHS)]


def test_sequences_of_several_dtypes_are_one_after_another_what_they_are_in_one():
    model = make_model()
    mixed = [part.astype(dtype) for part, dtype in zip(X, ["f4", "f8"] * len(X), strict=False)]
    alike = [part.astype("f8") for part in mixed]
    assert same(model.predict(mixed), model.predict(alike))
    targets = [part.astype("f4") if i % 2 else part for i, part in enumerate(Y)]
    wanted = model.evaluate(alike, [part.astype("f8") for part in targets])
    assert model.evaluate(mixed, targets) == wanted
