"""Training, evaluation and prediction on what an iterable gives: the numbers of arrays, and what
breaks the rules is told."""

from __future__ import annotations

import itertools

import numpy as np
import product as p
import pytest
from fit_helpers import FEATURES, SAMPLES, STEPS, Recorder, data, fit, make_model

import lstm_native as ln

SIZE = 8


def cut(*arrays: np.ndarray, size: int = SIZE) -> list[tuple[np.ndarray, ...]]:
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, len(arrays[0]), size)]


class Loader:
    """Can be begun anew, as a DataLoader: __iter__ and a length."""

    def __init__(self, batches):
        self.batches, self.begun = batches, 0

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.begun += 1
        return iter(self.batches)


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


class TestRefusals:
    """No weight has changed, but where a later batch is at fault."""

    def refused(self, error, told, source, **options):
        model = make_model()
        model.predict(data()[0])
        before = model.state_dict()
        with pytest.raises(error, match=told):
            model.fit(source, **{"verbose": False, **options})
        p.assert_same_weights(model.state_dict(), before)

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({"y": np.ones(3)}, "^y: x is an iterable of batches, whose batches hold the targets"),
            ({"sample_weight": np.ones(3)}, r"^sample_weight: .*give \(x, y, sample_weight\)"),
            ({"lengths": [1]}, "^lengths: x is an iterable"),
            ({"mask": [[True]]}, "^mask: x is an iterable"),
            ({"batch_size": 8}, "^batch_size: .* their own size"),
            ({"shuffle": True}, "^shuffle: .*shuffle there"),
            ({"validation_split": 0.5}, "^validation_split: .*give validation_data"),
            ({"steps_per_epoch": 0}, "steps_per_epoch must be at least 1"),
            ({"validation_steps": 2}, "^validation_steps: only an iterable of batches has"),
        ],
    )
    def test_arguments_that_the_batches_answer(self, options, told):
        self.refused(ValueError, told, Loader(cut(*data())), **options)

    def test_what_means_nothing_there_may_be_said(self):
        options = {"shuffle": False, "validation_split": 0.0, "batch_size": None, "y": None}
        make_model().fit(Loader(cut(*data())), verbose=False, **options)

    def test_steps_need_an_iterable(self):
        x, y = data()
        model = make_model()
        with pytest.raises(
            ValueError, match="steps_per_epoch: only an iterable of batches has them, and x"
        ):
            fit(model, x, y, steps_per_epoch=3)
        told = "validation_steps: only an iterable of batches has them, and validation_data is not"
        with pytest.raises(ValueError, match=told):
            fit(model, x, y, validation_data=(x, y), validation_steps=3)
        for call in (lambda: model.evaluate(x, y, steps=3), lambda: model.predict(x, steps=3)):
            with pytest.raises(ValueError, match="steps: only an iterable of batches has"):
                call()

    @pytest.mark.parametrize(
        "make",
        [
            lambda b: (pair for pair in b),
            iter,
            lambda b: map(tuple, b),
            lambda b: itertools.islice(b, 9),
            lambda b: zip([a for a, _ in b], [c for _, c in b], strict=True),
        ],
    )
    def test_what_cannot_serve_a_second_epoch_is_told_before_the_first(self, make):
        told = "only once, and there are 2 epochs; give what can be .* function .* steps_per_epoch"
        self.refused(ValueError, told, make(cut(*data())), epochs=2)

    def test_what_never_ends_needs_steps(self):
        self.refused(ValueError, "a cycle never ends; give steps_per_epoch", itertools.cycle([1]))
        x, y = data()
        told = "validation_data: a cycle never ends; give validation_steps"
        with pytest.raises(ValueError, match=told):
            fit(make_model(), x, y, validation_data=itertools.cycle(cut(x, y)))

    def test_arrays_of_others_are_no_batches(self):
        pandas = pytest.importorskip("pandas")

        class Foreign:
            def __array__(self, dtype=None, copy=None):
                return x.copy()

            def __iter__(self):
                raise AssertionError("gone through")

        x, y = data()
        expected, found = make_model(), make_model()
        fit(expected, x, y)
        fit(found, Foreign(), pandas.DataFrame(y))
        p.assert_same_weights(found.state_dict(), expected.state_dict())
        p.assert_same_bits(found.predict(Foreign()), expected.predict(x))

    def test_a_list_of_batches_is_told_how_to_be_given(self):
        x, y = data()
        for call in (make_model().fit, make_model().evaluate):
            with pytest.raises(TypeError, match=r"as a function: \w+\(lambda: batches\)"):
                call(cut(x, y))
        with pytest.raises(TypeError, match="validation_data=lambda: batches"):
            fit(make_model(), x, y, validation_data=cut(x, y))

    def test_a_generator_function_called_too_early(self):
        """The object looks as if it could be begun anew, and cannot."""
        generator = (pair for pair in cut(*data()))

        class Once:
            def __iter__(self):
                return generator

        model = make_model()
        with pytest.raises(ValueError, match="x ended after 3 batches; give what can be gone"):
            model.fit(Once(), epochs=2, verbose=False)
        assert model.history.epoch == [0]

    def test_a_generator_that_ends_too_soon_says_how_many_there_were(self):
        model = make_model()
        told = "x ended after 3 batches, 1 of them in a pass of steps_per_epoch=2"
        with pytest.raises(ValueError, match=told):
            model.fit((b for b in cut(*data())), epochs=4, steps_per_epoch=2, verbose=False)
        assert model.history.epoch == [0]
        assert not model.history.interrupted

    def test_a_validation_that_ends_too_soon(self):
        x, y = data()
        options = {"validation_data": Loader(cut(x, y)), "validation_steps": 4}
        told = "validation_data ended after 3 batches, 3 of them in a pass of validation_steps=4"
        with pytest.raises(ValueError, match=told):
            fit(make_model(), x, y, **options)
        told = "validation_data: a generator can be gone through only once, and there are 3 epochs"
        with pytest.raises(ValueError, match=told):
            fit(make_model(), x, y, validation_data=(b for b in cut(x, y)))

    @pytest.mark.parametrize(
        ("source", "error", "told"),
        [
            ([], ValueError, "x: the iterable gave no batch"),
            ([np.ones(3)], TypeError, r"batch 1 of x: expected \(x, y\), .*got ndarray of shape"),
            ([(np.ones(3),)], TypeError, "batch 1 of x: expected .*got a tuple of 1"),
            ([(1, 2, 3, 4)], TypeError, "got a tuple of 4"),
            ([None], TypeError, "got NoneType"),
            ([{"x": 1}], ValueError, "expected a dict with 'x' and 'y', .*; its keys are 'x'"),
            ([{"x": 1, "y": 2, "z": 3}], ValueError, "'sample_weight', 'lengths', 'mask'; .* 'z'"),
            (
                [(np.ones((2, 5, 4)), np.ones((2, 1)))],
                ValueError,
                "batch 1 of x: x: expected 3 fea",
            ),
            ([(np.ones((2, 5, 3)), np.ones((3, 1)))], ValueError, "batch 1 of x: x has 2 samples"),
        ],
    )
    def test_a_first_batch_of_the_wrong_form(self, source, error, told):
        self.refused(error, told, Loader(source))

    def test_a_later_batch_is_named(self):
        x, y = data()
        batches = cut(x, y)
        batches[1] = (np.ones((2, 5, 4)), np.ones((2, 1)))
        model = make_model()
        with pytest.raises(ValueError, match="batch 2 of x: x: expected 3 features"):
            model.fit(Loader(batches), verbose=False)
        assert model.history.epoch == []
        fit(model, x, y)  # and can go on
        with pytest.raises(ValueError, match="batch 2 of validation_data: x: expected 3 features"):
            fit(model, x, y, validation_data=Loader(batches))
        for call in (model.evaluate, model.predict):
            with pytest.raises(ValueError, match="batch 2 of x: x: expected 3 features"):
                call(Loader(batches))

    def test_a_batch_without_the_time_axis_of_the_first(self):
        model = ln.Sequential([ln.Dense(1)], dtype="float64")
        source = Loader(
            [(np.ones((2, 3, 4)), np.ones((2, 3, 1))), (np.ones((2, 4)), np.ones((2, 1)))]
        )
        with pytest.raises(ValueError, match="batch 2 of x: expected a time axis as in the first"):
            model.fit(source, tbptt=1, verbose=False)

    def test_stateful_layers_need_one_size(self):
        model = make_model(stateful=True)
        told = (
            "batch 3 of x: .* batches of one size, got 4 samples where the first has 8; .*drop_last"
        )
        with pytest.raises(ValueError, match=told):
            model.fit(Loader(cut(*data())), verbose=False)
        states = model.states
        with pytest.raises(ValueError, match="batch 3 of x"):
            model.predict(Loader(cut(*data())))
        p.assert_same_bits(model.states[0][0], states[0][0])  # given back: nothing half done

    def test_answers_of_different_shapes_cannot_be_one_array(self):
        model = make_model(return_sequences=True)
        source = Loader([np.ones((2, 5, 3)), np.ones((2, 4, 3))])
        with pytest.raises(ValueError, match=r"batch 2 of x: .*shape \(N, 5, 1\) as before"):
            model.predict(source)

    def test_errors_of_the_iterable_itself_come_out_as_they_are(self):
        def broken():
            yield cut(*data())[0]
            raise ValueError("of the loader")

        for call in (make_model().fit, make_model().evaluate, make_model().predict):
            options = {"verbose": False} if call.__name__ == "fit" else {}
            with pytest.raises(ValueError, match=r"^of the loader$"):
                call(broken, **options)

    def test_a_missing_y(self):
        x, y = data()
        model = make_model()
        with pytest.raises(
            TypeError, match=r"y is missing: fit\(x, y\) takes arrays, fit\(batches\)"
        ):
            model.fit(x)
        with pytest.raises(TypeError, match=r"y is missing.*evaluate\(lambda: batches\)"):
            model.evaluate(cut(x, y))

    def test_a_class_or_a_function_of_something_else(self):
        self.refused(TypeError, "x: got the class Loader: give an object of it", Loader)
        self.refused(
            TypeError, "the function must return an iterable of batches, got int", lambda: 1
        )
        model = make_model()
        for call in (model.test_on_batch, model.train_on_batch):
            with pytest.raises(TypeError, match="x: expected the arrays of one batch, got Loader"):
                call(Loader(cut(*data())), None)
        with pytest.raises(TypeError, match="x: expected the arrays of one batch, got generator"):
            model.predict_on_batch(a for a in ())
        with pytest.raises(TypeError, match="batch 1 of x: expected an array, got Loader"):
            model.predict(Loader([(Loader([]), 1)]))
