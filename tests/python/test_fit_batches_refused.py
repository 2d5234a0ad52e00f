"""Rules of batches from an iterable, told when they are broken: before a weight has changed, but
where a later batch is at fault."""

from __future__ import annotations

import itertools

import numpy as np
import product as p
import pytest
from fit_helpers import Loader, cut, data, fit, make_model

import lstm_native as ln


def refused(error, told, source, **options):
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
def test_arguments_that_the_batches_answer(options, told):
    refused(ValueError, told, Loader(cut(*data())), **options)


def test_what_means_nothing_there_may_be_said():
    options = {"shuffle": False, "validation_split": 0.0, "batch_size": None, "y": None}
    plain, said = make_model(), make_model()
    plain.fit(Loader(cut(*data())), verbose=False)
    said.fit(Loader(cut(*data())), verbose=False, **options)
    wanted = plain.state_dict()
    for name, value in said.state_dict().items():
        assert np.array_equal(value, wanted[name]), name


def test_steps_need_an_iterable():
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
def test_what_cannot_serve_a_second_epoch_is_told_before_the_first(make):
    told = "only once, and there are 2 epochs; give what can be .* function .* steps_per_epoch"
    refused(ValueError, told, make(cut(*data())), epochs=2)


def test_what_never_ends_needs_steps():
    refused(ValueError, "a cycle never ends; give steps_per_epoch", itertools.cycle([1]))
    x, y = data()
    told = "validation_data: a cycle never ends; give validation_steps"
    with pytest.raises(ValueError, match=told):
        fit(make_model(), x, y, validation_data=itertools.cycle(cut(x, y)))


def test_arrays_of_others_are_no_batches():
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


def test_a_list_of_batches_is_told_how_to_be_given():
    x, y = data()
    for call in (make_model().fit, make_model().evaluate):
        with pytest.raises(TypeError, match=r"as a function: \w+\(lambda: batches\)"):
            call(cut(x, y))
    with pytest.raises(TypeError, match="validation_data=lambda: batches"):
        fit(make_model(), x, y, validation_data=cut(x, y))


def test_a_generator_function_called_too_early():
    """The object looks as if it could be begun anew, and cannot."""
    generator = (pair for pair in cut(*data()))

    class Once:
        def __iter__(self):
            return generator

    model = make_model()
    with pytest.raises(ValueError, match="x ended after 3 batches; give what can be gone"):
        model.fit(Once(), epochs=2, verbose=False)
    assert model.history.epoch == [0]


def test_a_generator_that_ends_too_soon_says_how_many_there_were():
    model = make_model()
    told = "x ended after 3 batches, 1 of them in a pass of steps_per_epoch=2"
    with pytest.raises(ValueError, match=told):
        model.fit((b for b in cut(*data())), epochs=4, steps_per_epoch=2, verbose=False)
    assert model.history.epoch == [0]
    assert not model.history.interrupted


def test_a_validation_that_ends_too_soon():
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
def test_a_first_batch_of_the_wrong_form(source, error, told):
    refused(error, told, Loader(source))


def test_a_later_batch_is_named():
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


def test_a_batch_without_the_time_axis_of_the_first():
    model = ln.Sequential([ln.Dense(1)], dtype="float64")
    source = Loader([(np.ones((2, 3, 4)), np.ones((2, 3, 1))), (np.ones((2, 4)), np.ones((2, 1)))])
    with pytest.raises(ValueError, match="batch 2 of x: expected a time axis as in the first"):
        model.fit(source, tbptt=1, verbose=False)


def test_stateful_layers_need_one_size():
    model = make_model(stateful=True)
    told = "batch 3 of x: .* batches of one size, got 4 samples where the first has 8; .*drop_last"
    with pytest.raises(ValueError, match=told):
        model.fit(Loader(cut(*data())), verbose=False)
    states = model.states
    with pytest.raises(ValueError, match="batch 3 of x"):
        model.predict(Loader(cut(*data())))
    p.assert_same_bits(model.states[0][0], states[0][0])  # given back: nothing half done


def test_answers_of_different_shapes_cannot_be_one_array():
    model = make_model(return_sequences=True)
    source = Loader([np.ones((2, 5, 3)), np.ones((2, 4, 3))])
    with pytest.raises(ValueError, match=r"batch 2 of x: .*shape \(N, 5, 1\) as before"):
        model.predict(source)


def test_errors_of_the_iterable_itself_come_out_as_they_are():
    def broken():
        yield cut(*data())[0]
        raise ValueError("of the loader")

    for call in (make_model().fit, make_model().evaluate, make_model().predict):
        options = {"verbose": False} if call.__name__ == "fit" else {}
        with pytest.raises(ValueError, match=r"^of the loader$"):
            call(broken, **options)


def test_a_missing_y():
    x, y = data()
    model = make_model()
    with pytest.raises(TypeError, match=r"y is missing: fit\(x, y\) takes arrays, fit\(batches\)"):
        model.fit(x)
    with pytest.raises(TypeError, match=r"y is missing.*evaluate\(lambda: batches\)"):
        model.evaluate(cut(x, y))


def test_a_class_or_a_function_of_something_else():
    refused(TypeError, "x: got the class Loader: give an object of it", Loader)
    refused(TypeError, "the function must return an iterable of batches, got int", lambda: 1)
    model = make_model()
    for call in (model.test_on_batch, model.train_on_batch):
        with pytest.raises(TypeError, match="x: expected the arrays of one batch, got Loader"):
            call(Loader(cut(*data())), None)
    with pytest.raises(TypeError, match="x: expected the arrays of one batch, got generator"):
        model.predict_on_batch(a for a in ())
    with pytest.raises(TypeError, match="batch 1 of x: expected an array, got Loader"):
        model.predict(Loader([(Loader([]), 1)]))


@pytest.mark.parametrize("lengths", [np.full(20, 5), [5] * 20])
def test_lengths_at_a_place_of_their_own(lengths):
    """As loaders for PyTorch give them."""
    x, y = data()
    told = r"batch 1 of x: .*; lengths are told by name: give {'x': ..., 'y': ..., 'lengths': ...}"
    for batch in (((x, lengths), y), (x, lengths, y)):
        refused((TypeError, ValueError), told, lambda batch=batch: [batch])
    model = make_model()
    model.fit(lambda: [{"x": x, "y": y, "lengths": lengths}], verbose=False)
