"""Training, evaluation and prediction on what an iterable gives: the numbers of arrays."""

from __future__ import annotations

import itertools

import numpy as np
import product as p
import pytest
from fit_helpers import FEATURES, SAMPLES, STEPS, Loader, Recorder, cut, data, fit, make_model

import lstm_native as ln

SIZE = 8


class Items:
    """A length and items, and Keras's calls at the begin and end of an epoch; no IndexError."""

    def __init__(self, batches):
        self.batches, self.calls = batches, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index % len(self.batches)]

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


class OwnIterator:
    """The usual iterator that begins anew in __iter__."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        self.index = 0
        return self

    def __next__(self):
        if self.index == len(self.batches):
            raise StopIteration
        self.index += 1
        return self.batches[self.index - 1]


KINDS = {
    "loader": Loader,
    "items": Items,
    "own iterator": OwnIterator,
    "function": lambda batches: lambda: iter(batches),
    "generator function": lambda batches: lambda: (batch for batch in batches),
    "function of a list": lambda batches: lambda: batches,
    "endless generator": lambda batches: itertools.cycle(batches),
}


def steps_for(kind: str) -> dict[str, int]:
    return {"steps_per_epoch": 3} if kind == "endless generator" else {}


class TestTheNumbersAreThoseOfArrays:
    @pytest.mark.parametrize("kind", KINDS)
    def test_fit(self, kind):
        x, y = data()
        options = {"metrics": ["mae"], "optimizer": ln.Adam(0.01)}
        arrays, batches = (
            make_model(dropout=0.3, num_layers=2),
            make_model(dropout=0.3, num_layers=2),
        )
        expected = fit(arrays, x, y, shuffle=False, batch_size=SIZE, **options)
        found = batches.fit(
            KINDS[kind](cut(x, y)), epochs=3, seed=3, verbose=False, **steps_for(kind), **options
        )
        p.assert_same_weights(batches.state_dict(), arrays.state_dict())
        assert found.history == expected.history

    def test_a_generator_for_one_epoch(self):
        x, y = data()
        arrays, batches = make_model(), make_model()
        fit(arrays, x, y, epochs=1, shuffle=False)
        batches.fit((pair for pair in cut(x, y)), seed=3, verbose=False)
        p.assert_same_weights(batches.state_dict(), arrays.state_dict())

    def test_a_dict_with_lengths_and_weights(self):
        x, y = data()
        weights, lengths = np.linspace(0.5, 1.5, SAMPLES), np.arange(SAMPLES) % STEPS + 1
        arrays, batches = make_model(), make_model()
        same = cut(x, y, np.ones(SAMPLES), lengths)
        fit(arrays, x, y, shuffle=False, lengths=lengths, sample_weight=np.ones(SAMPLES))
        names = ("x", "y", "sample_weight", "lengths")
        fit(
            batches, Loader([dict(zip(names, b, strict=True)) for b in same]), None, batch_size=None
        )
        p.assert_same_weights(batches.state_dict(), arrays.state_dict())
        found = arrays.evaluate(Loader(cut(x, y, weights)))
        expected = arrays.evaluate(x, y, sample_weight=weights)
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-12)

    def test_a_mask_per_batch(self):
        x, y = data()
        mask = np.arange(STEPS) < (np.arange(SAMPLES) % STEPS + 1)[:, None]
        arrays, batches = make_model(), make_model()
        fit(arrays, x, y, shuffle=False, mask=mask)
        source = [{"x": a, "y": b, "mask": m} for a, b, m in cut(x, y, mask)]
        fit(batches, Loader(source), None, batch_size=None)
        p.assert_same_weights(batches.state_dict(), arrays.state_dict())

    def test_class_weights_hold_for_each_batch(self):
        x, _ = data()
        y = np.arange(SAMPLES) % 3
        options = {"loss": "categorical_crossentropy"}
        by_class, by_sample = make_model(3), make_model(3)
        weights = np.array([0.5, 1.0, 3.0])[y]
        fit(
            by_class,
            Loader(cut(x, y)),
            None,
            batch_size=None,
            class_weight={0: 0.5, 2: 3.0},
            **options,
        )
        fit(by_sample, Loader(cut(x, y, weights)), None, batch_size=None, **options)
        p.assert_same_weights(by_class.state_dict(), by_sample.state_dict())

    def test_lists_of_sequences_in_a_batch(self):
        rng = np.random.default_rng(0)
        x = [rng.standard_normal((n, FEATURES)) for n in (3, 5, 1, 4, 2, 6)]
        y = [sequence.sum(axis=1, keepdims=True) for sequence in x]
        pairs = [(x[i : i + 2], y[i : i + 2]) for i in (0, 2, 4)]
        lists, batches = (make_model(return_sequences=True) for _ in range(2))
        fit(lists, x, y, batch_size=2, shuffle=False)
        fit(batches, Loader(pairs), None, batch_size=None)
        p.assert_same_weights(batches.state_dict(), lists.state_dict())
        expected = lists.predict(x)
        for source in (pairs, [list(a) for a, _ in pairs], [{"x": a} for a, _ in pairs]):
            found = lists.predict(Loader(source))
            assert len(found) == len(x)
            for one, other in zip(found, expected, strict=True):
                p.assert_same_bits(one, other)

    def test_windows_of_time(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((SAMPLES, 7, FEATURES))
        y = x.sum(axis=2, keepdims=True)
        arrays, batches = (make_model(return_sequences=True) for _ in range(2))
        fit(arrays, x, y, shuffle=False, tbptt=3)
        fit(batches, Loader(cut(x, y)), None, batch_size=None, tbptt=3)
        p.assert_same_weights(batches.state_dict(), arrays.state_dict())

    def test_states_go_on_from_batch_to_batch(self):
        x, y = data(samples=16)
        arrays, batches = (make_model(stateful=True) for _ in range(2))
        fit(arrays, x, y, shuffle=False)
        fit(batches, Loader(cut(x, y)), None, batch_size=None)
        p.assert_same_weights(batches.state_dict(), arrays.state_dict())
        for model in (arrays, batches):
            model.reset_states()
        expected = arrays.predict(x, batch_size=SIZE)
        p.assert_same_bits(batches.predict(Loader(cut(x, y))), expected)
        for model in (arrays, batches):
            model.reset_states()
        assert batches.evaluate(Loader(cut(x, y))) == arrays.evaluate(x, y, batch_size=SIZE)

    def test_a_stateful_model_is_validated_in_batches_of_the_same_size(self):
        x, y = data(samples=40)
        arrays, batches = (make_model(stateful=True) for _ in range(2))
        expected = fit(arrays, x, y, shuffle=False, validation_data=(x, y))
        found = batches.fit(
            Loader(cut(x, y)), validation_data=(x, y), epochs=3, seed=3, verbose=False
        )
        assert found.history == expected.history

    @pytest.mark.parametrize("train_on", ["arrays", "batches"])
    def test_validation(self, train_on):
        x, y = data()
        held_out = data(seed=9)
        arrays, batches = make_model(), make_model()
        expected = fit(arrays, x, y, shuffle=False, validation_data=held_out)
        options = {"validation_data": Loader(cut(*held_out))}
        if train_on == "arrays":
            found = fit(batches, x, y, shuffle=False, **options)
        else:
            found = fit(batches, Loader(cut(x, y)), None, batch_size=None, **options)
        assert found.history == {
            name: pytest.approx(values, rel=1e-12) for name, values in expected.history.items()
        }

    def test_evaluate_and_predict(self):
        x, y = data()
        model = make_model()
        whole = model.predict(x)
        for kind, make in KINDS.items():
            steps = {"steps": 3} if kind == "endless generator" else {}
            p.assert_same_bits(model.predict(make(cut(x, y)), **steps), whole)
            found = model.evaluate(make(cut(x, y)), loss="mse", metrics=["mae"], **steps)
            expected = model.evaluate(x, y, loss="mse", metrics=["mae"])
            assert found == pytest.approx(expected, rel=1e-12)
        for source in (
            cut(x),
            [a for (a,) in cut(x)],
            cut(x, y, y[:, 0]),
            [list(b) for b in cut(x, y)],
        ):
            p.assert_same_bits(model.predict(Loader(source)), whole)
        # The first prediction may build the model.
        p.assert_same_bits(make_model().predict(Loader(cut(x, y))), whole)

    def test_what_goes_on_from_an_epoch_to_the_next(self):
        """Two of five batches an epoch: 0 1, 2 3, 4 0."""
        x, y = data(samples=40)
        batches = cut(x, y)
        seen = []

        class Watched(Loader):
            def __iter__(self):
                for index, batch in enumerate(self.batches):
                    seen.append(index)
                    yield batch

        make_model().fit(Watched(batches), epochs=3, steps_per_epoch=2, verbose=False)
        assert seen == [0, 1, 2, 3, 4, 0]
        seen.clear()
        validation = {"validation_data": Watched(batches), "validation_steps": 2}
        fit(make_model(), x, y, **validation)
        assert seen[-2:] == [0, 1]  # the same ones after each epoch

    def test_keras_objects_are_told_of_their_epochs(self):
        source = Items(cut(*data()))
        make_model().fit(source, epochs=2, verbose=False)
        assert source.calls == ["begin", "end"] * 2

    def test_progress_shows_batches(self, capsys):
        make_model().fit(Loader(cut(*data())), epochs=2, verbose=2)
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 2
        assert "batches/s" in lines[0]

    def test_callbacks_see_each_batch(self):
        recorder = Recorder()
        make_model().fit(Loader(cut(*data())), epochs=2, verbose=False, callbacks=recorder)
        assert [c[1] for c in recorder.calls if c[0] == "batch_end"] == [0, 1, 2] * 2


class TestABatchInWhichNothingCounts:
    """It learns nothing, as within arrays; only all of the data may not be so."""

    X = np.random.default_rng(3).normal(size=(12, 5, 3)).astype("float32")

    @pytest.mark.parametrize("given", ["ignore_index", "sample_weight", "class_weight"])
    def test_is_passed_over(self, given):
        labels = np.array([0, 1, 2, 0] + [2] * 4 + [1, 0, 2, 1])
        weights = np.where(np.arange(12) // 4 == 1, 0.0, 1.0)
        loss = ln.CategoricalCrossentropy(ignore_index=2 if given == "ignore_index" else None)
        options = {"class_weight": {2: 0.0}} if given == "class_weight" else {}

        def batches():
            for start in range(0, 12, 4):
                part = slice(start, start + 4)
                item = (self.X[part], labels[part], weights[part])
                yield item if given == "sample_weight" else item[:2]

        def model():
            return ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(3)], seed=0)

        one, other = model(), model()
        one.fit(batches, loss=loss, epochs=2, seed=0, verbose=0, **options)
        if given == "sample_weight":
            options["sample_weight"] = weights
        other.fit(
            self.X, labels, loss=loss, epochs=2, seed=0, verbose=0,
            shuffle=False, batch_size=4, **options,
        )  # fmt: skip
        for name, value in one.state_dict().items():
            assert np.array_equal(value, other.state_dict()[name])
