"""What counts as an array or a list of sequences, and what is told to who gives something else."""

from __future__ import annotations

import array
import collections

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import lstm_native as ln
from lstm_native._base.arrays import is_array_like

X = np.random.default_rng(0).standard_normal((6, 4, 3)).astype("float32")


def model(**options) -> ln.Sequential:
    layers = [ln.LSTM(4, input_size=3, **options), ln.Dense(1)]
    return ln.Sequential(layers, seed=0)


def tokens_model() -> ln.Sequential:
    return ln.Sequential([ln.Embedding(7, 3), ln.LSTM(4), ln.Dense(1)], seed=0)


def objects(*parts: object) -> np.ndarray:
    found = np.empty(len(parts), dtype=object)
    found[:] = parts
    return found


class Matrix:
    """Stands for a sparse matrix, which has no `__array__`."""

    toarray = None


Matrix.__module__ = "scipy.sparse"


class Broken:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no memory on this device")


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (None, TypeError, "x is None; expected an array of numbers"),
        ("abc", TypeError, "x is the text 'abc'"),
        (b"abc", TypeError, "x is the text b'abc'"),
        ({"a": X}, TypeError, r"x is a dict; .* np\.column_stack\(list\(x\.values\(\)\)\)"),
        ({1.0, 2.0}, TypeError, r"x is a set, which has no order; expected an array of numbers$"),
        (object(), TypeError, "x is an object; expected an array of numbers"),
        (Matrix(), TypeError, r"x is a sparse matrix; write x\.toarray\(\)"),
        (Broken(), TypeError, "x is a Broken, which gives no array: no memory on this device"),
        (np.ma.masked_invalid(X), TypeError, r"masked array; give x\.filled\(0\.0\), and mask="),
        ([X[0], None], TypeError, r"x\[1\] is None"),
        ([X[0], {"a": 1}], TypeError, r"x\[1\] is a dict"),
        (
            [X[0], 1.0],
            ValueError,
            r"x does not form an array: x\[0\] has shape \(4, 3\), x\[1\] has \(\)",
        ),
        ([[[1.0, 2.0, 3.0], [1.0]], [[1.0]]], ValueError, r"x\[0\] does not form an array: x\[0\]"),
        (["a", "b"], TypeError, "got <U1; text has to be turned into numbers"),
        ([{"a": 1}], TypeError, r"got object; {'a': 1} at \[0\] is no number"),
        (X.astype(object), TypeError, r"its elements are numbers, so .* x\.astype\('float64'\)"),
        (np.array([[1.0, None]]), TypeError, r"None at \[0, 1\] is no number"),
        (np.zeros((2, 4, 3), "M8[s]"), TypeError, r"\(x - x\[0\]\) / np\.timedelta64\(1, 's'\)"),
        (np.zeros(3, [("a", "f4")]), TypeError, r"structured_to_unstructured\(x\)"),
    ],
)
@pytest.mark.parametrize("who", ["predict", "layer", "fit"])
def test_what_is_no_array_of_numbers_is_told_what_to_write(given, error, told, who):
    calls = {
        "predict": lambda: model().predict(given),
        "layer": lambda: ln.LSTM(4, input_size=3)(given),
        "fit": lambda: model().fit(given, np.zeros((6, 4, 1)), verbose=False),
    }
    with pytest.raises(error, match=told):
        calls[who]()


@pytest.mark.parametrize("given", [(row for row in X), {"a": X}.values()])
def test_a_layer_takes_no_iterable_of_batches(given):
    with pytest.raises(TypeError, match=r"x is a \w+; .*write np\.stack\(list\(x\)\)"):
        ln.LSTM(4, input_size=3)(given)


def test_an_iterable_of_samples_is_told_to_give_batches():
    with pytest.raises(ValueError, match=r"batch 1 of x: .*no time axis"):
        model().predict(row for row in X)
    with pytest.raises(ValueError, match=r"iterable of batches, .*give \(x, y\) in each"):
        model().fit((row for row in X), np.zeros((6, 4, 1)), verbose=False)


def test_numpys_own_text_never_comes_through():
    """Its words for ragged lists say nothing about lengths, nor which argument it was."""
    with pytest.raises(ValueError, match=r"x does not form an array: .*give lengths") as raised:
        ln.LSTM(4, input_size=3)([X[0].tolist(), X[1, :2].tolist()])
    assert "inhomogeneous" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    "given",
    [X.tolist(), tuple(X.tolist()), memoryview(X), np.asfortranarray(X), X.astype("f8"), X[::1]],
    ids=["lists", "tuple", "memoryview", "fortran", "float64", "view"],
)
def test_arrays_in_other_clothes_are_taken(given):
    assert_array_equal(model().predict(given), model().predict(X))


def test_lengths_may_be_any_sequence_of_integers():
    layer = ln.LSTM(4, input_size=3, seed=0)
    wanted = layer(X, lengths=[0, 1, 2, 3, 4, 4])[0]
    for lengths in (
        (0, 1, 2, 3, 4, 4),
        np.array([0, 1, 2, 3, 4, 4], "i1"),
        array.array("i", [0, 1, 2, 3, 4, 4]),
        collections.deque([0, 1, 2, 3, 4, 4]),
    ):
        assert_array_equal(layer(X, lengths=lengths)[0], wanted)
    assert_array_equal(layer(X[:5], lengths=range(5))[0], wanted[:5])
    with pytest.raises(ValueError, match=r"got \(6, 1\), .*; write np\.ravel\(lengths\)"):
        layer(X, lengths=np.ones((6, 1), int))


def test_only_what_stands_for_one_array_is_array_like():
    for given in (X, X.tolist(), (1.0,), 3, np.float32(1), range(3), array.array("d", [1.0])):
        assert is_array_like(given)
    for given in (None, "abc", b"abc", {"a": X}, {1}, iter([X]), (x for x in X), object()):
        assert not is_array_like(given)


class TestSequences:
    @pytest.mark.parametrize(
        "given",
        [
            [X[0], X[1, :2]],
            (X[0], X[1, :2]),
            [X[0].tolist(), X[1, :2].tolist()],
            [X[0], X[1, :2].tolist()],
            objects(X[0], X[1, :2]),
            objects(X[0].tolist(), X[1, :2].tolist()),
        ],
        ids=["list", "tuple", "lists", "mixed", "object_array", "object_array_of_lists"],
    )
    def test_parts_of_different_lengths_are_sequences(self, given):
        found = model().predict(given)
        assert type(found) is list
        assert_array_equal(found[0], model().predict(X[:1])[0])
        assert_array_equal(found[1], model().predict(X[1:2, :2])[0])

    def test_parts_that_are_empty_too(self):
        found = model().predict([X[0].tolist(), []])
        assert [part.shape for part in found] == [(4, 1), (0, 1)]

    def test_nested_lists_of_one_length_are_an_array(self):
        assert model().predict(X.tolist()).shape == (6, 4, 1)
        assert tokens_model().predict([[1, 2], [3, 4]]).shape == (2, 2, 1)

    def test_tokens_in_lists(self):
        found = tokens_model().predict([[1, 2], [3]])
        assert [part.shape for part in found] == [(2, 1), (1, 1)]

    def test_objects_of_one_shape_are_stacked_for_a_layer(self):
        layer = ln.LSTM(4, input_size=3, seed=0)
        assert_array_equal(layer(objects(X[0], X[1]))[0], layer(X[:2])[0])

    @pytest.mark.parametrize("fit", [False, True])
    def test_one_feature_needs_its_axis(self, fit):
        parts = [X[0, :, 0], X[1, :2, 0]]
        one = ln.Sequential([ln.LSTM(4, input_size=1), ln.Dense(1)])
        with pytest.raises(ValueError, match=r"x\[0\]: .*write \[np\.reshape\(part, \(-1, 1\)\)"):
            one.fit(parts, parts, verbose=False) if fit else one.predict(parts)
        found = one.predict([np.reshape(part, (-1, 1)) for part in parts])
        assert [part.shape for part in found] == [(4, 1), (2, 1)]

    def test_fit_takes_them_in_any_form(self):
        def weights(x, y):
            found = model()
            found.fit(x, y, seed=0, verbose=False)
            return found.state_dict()["1.weight"]

        x, y = [X[0], X[1, :2]], [X[0, :, :1], X[1, :2, :1]]
        wanted = weights(x, y)
        assert_array_equal(weights(objects(*x), objects(*y)), wanted)
        assert_array_equal(weights([part.tolist() for part in x], y), wanted)


def test_advice_fits_what_was_given():
    """A list has no astype; what is written instead is followed, and then it works."""
    target = np.zeros((6, 4, 1), int)
    ints = X.astype(int)
    advice = r"np\.asarray\({}, 'float32'\)"
    with pytest.raises(TypeError, match=advice.format("y")):
        model().fit(X, target.tolist(), verbose=False)
    with pytest.raises(TypeError, match=advice.format("x")):
        model().fit(ints.tolist(), target, verbose=False)
    with pytest.raises(TypeError, match=advice.format("x")):
        model().predict(ints.tolist())
    with pytest.raises(TypeError, match=advice.format("x")):
        ln.LSTM(4)(ints.tolist())
    with pytest.raises(TypeError, match=r"convert with y\.astype\('float32'\)"):
        model().fit(X.tolist(), target, verbose=False)
    model().fit(X, np.asarray(target.tolist(), "float32"), verbose=False)
