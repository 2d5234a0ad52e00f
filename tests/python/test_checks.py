"""The door: what comes through, in which form, and what is refused with which words."""

import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstm_native._base import checks
from lstm_native._base.settings_json import parse_json_object

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)
FLOATS = hnp.floating_dtypes(sizes=(16, 32, 64), endianness="?")


def layouts(x):
    """Return equal arrays that lie differently in memory."""
    yield np.asfortranarray(x)
    yield np.repeat(x, 2, axis=-1)[..., ::2]
    yield np.flip(np.flip(x, 0).copy(), 0)
    frozen = x.copy()
    frozen.flags.writeable = False
    yield frozen
    yield x.astype(x.dtype.newbyteorder())
    raw = np.zeros(x.nbytes + 1, dtype=np.uint8)
    raw[1:] = np.frombuffer(x.tobytes(), dtype=np.uint8)
    yield raw[1:].view(x.dtype).reshape(x.shape)  # misaligned


@given(
    hnp.arrays(FLOATS, SHAPES, elements=st.floats(-100, 100, width=16)),
    st.sampled_from(["float32", "float64"]),
)
def test_any_layout_and_byte_order_gives_the_same_values(x, dtype):
    plain = checks.as_values(x, name="x", dtype=dtype)
    np.testing.assert_array_equal(plain, x)
    for other in layouts(x):
        before = other.copy()
        found = checks.as_values(other, name="x", dtype=dtype)
        np.testing.assert_array_equal(found, plain)
        assert found.flags.c_contiguous
        assert found.flags.aligned
        assert found.dtype == np.dtype(dtype)
        assert found.dtype.isnative
        np.testing.assert_array_equal(other, before)


def test_what_is_right_already_is_not_copied():
    x = np.ones((2, 3, 4), dtype=np.float32)
    assert checks.as_values(x, name="x", dtype="float32", ndim=3, features=4) is x
    assert np.shares_memory(checks.as_values(x[1:], name="x", dtype="float32"), x)
    y = np.zeros(3, dtype=np.int64)
    assert checks.as_labels(y, name="y", classes=1) is y


def test_without_dtype_the_precision_is_kept():
    for given_dtype, kept in (("f2", "f4"), ("f4", "f4"), (">f4", "f4"), ("f8", "f8")):
        assert checks.as_values(np.ones(2, given_dtype), name="x").dtype == np.dtype(kept)
    assert checks.as_values([1.0], name="x").dtype == np.float64


@pytest.mark.parametrize(
    ("x", "told"),
    [
        ([1, 2], "int64; convert with np.asarray(series, 'float32')"),
        (np.array([1], np.uint8), "uint8; convert"),
        ([True, False], "bool"),
        ([1 + 2j], "complex128; give the real"),
        (["a"], "<U1"),
        (np.array([1.0, None]), "object; None at [1] is no number"),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
        (np.array([1.0], np.longdouble), "float64"),
    ],
)
def test_other_dtypes_are_refused_with_a_way_out(x, told):
    with pytest.raises(
        TypeError, match=r"^series must be float16, float32 or float64, got"
    ) as info:
        checks.as_values(x, name="series")
    assert told in str(info.value)


def test_a_masked_array_is_refused_because_its_mask_would_get_lost():
    with pytest.raises(TypeError, match=r"x is a masked array; .*filled"):
        checks.as_values(np.ma.masked_invalid([1.0, np.nan]), name="x")


def test_pandas_objects_come_through():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=pd.date_range("2020", periods=2))
    np.testing.assert_array_equal(
        checks.as_values(frame, name="x", dtype="float32", ndim=2), [[1, 3], [2, 4]]
    )
    np.testing.assert_array_equal(checks.as_values(frame["b"], name="x", ndim=1), [3, 4])
    with pytest.raises(TypeError, match=r"x has columns that are not numbers: 'c' \("):
        checks.as_values(frame.assign(c="text"), name="x")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"ndim": 3}, "x: expected 3 dimensions, got 2 with shape (5, 4)"),
        ({"ndim": (1, 3)}, "x: expected 1 or 3 dimensions, got 2 with shape (5, 4)"),
        (
            {"ndim": 3, "layout": "(samples, timesteps, features)"},
            "x: expected 3 dimensions (samples, timesteps, features), got 2 with shape (5, 4)",
        ),
        ({"features": 7}, "x: expected 7 features on the last axis, got shape (5, 4)"),
        ({"shape": (4, 5)}, "x: expected shape (4, 5), got (5, 4)"),
    ],
)
def test_wrong_shapes_are_told_with_both_values(options, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        checks.as_values(np.ones((5, 4)), name="x", **options)


@pytest.mark.parametrize("x", [[], np.ones((0, 3)), np.ones((2, 0, 3), np.float32)])
def test_empty_arrays_are_refused(x):
    with pytest.raises(ValueError, match="x is empty: its shape is"):
        checks.as_values(x, name="x")


def test_ragged_lists_are_refused_by_name():
    with pytest.raises(ValueError, match=r"^x does not form an array"):
        checks.as_values([[1.0, 2.0], [3.0]], name="x")


@given(
    hnp.arrays(
        "f4", SHAPES, elements=st.sampled_from([0.0, -1.0, 2.0**127, np.nan, np.inf, -np.inf])
    )
)
def test_finite_agrees_with_looking_at_every_value(x):
    assert checks.is_finite(x) == bool(np.isfinite(x).all())


@pytest.mark.parametrize("where", [0, 8191, 8192, 20000, 29999])
def test_nan_is_found_and_located_in_every_chunk(where):
    x = np.ones((3, 10000), dtype=np.float32)
    x.flat[where] = np.nan
    index = list(divmod(where, 10000))
    told = f"x must be finite, but 1 of 30000 is not; the first is nan at {index}"
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        checks.as_values(x, name="x")


def test_large_values_whose_squares_overflow_are_fine():
    x = np.full(10, 3e38, dtype=np.float32)
    assert checks.as_values(x, name="x") is x


def test_values_that_overflow_in_float32_are_refused():
    x = np.array([[1.0, 2.0], [1e39, -1e300]])
    with pytest.raises(
        ValueError, match=r"x must fit float32 .*2 of 4 are not.*1e\+39 at \[1, 0\]"
    ):
        checks.as_values(x, name="x", dtype="float32")
    assert checks.as_values(x, name="x", dtype="float64") is x


@pytest.mark.parametrize("dtype", ["i1", "u1", ">i4", "u8", "i8"])
def test_labels_of_any_integer_dtype_become_int64(dtype):
    found = checks.as_labels(np.array([[0, 4], [2, 1]], dtype), name="y", classes=5, ndim=2)
    assert found.dtype == np.int64
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, [[0, 4], [2, 1]])


@pytest.mark.parametrize(
    ("y", "error", "told"),
    [
        ([0, 5, 7], ValueError, r"y: labels must lie in \[0, 5\), but 2 of 3 are not.* 5 at \[1\]"),
        ([0, -1], ValueError, r"the first is -1 at \[1\]"),
        (np.array([2**63 + 1], np.uint64), ValueError, "must lie in"),
        ([0.0, 1.0], TypeError, r"integer dtype, got float64; .*np.asarray\(y, 'int64'\)"),
        (np.zeros(2), TypeError, r"integer dtype, got float64; .*y.astype\('int64'\)"),
        ([True], TypeError, "got bool"),
        ([[0]], ValueError, "expected 1 dimensions, got 2"),
    ],
)
def test_labels_that_are_none_are_refused(y, error, told):
    with pytest.raises(error, match=told):
        checks.as_labels(y, name="y", classes=5, ndim=1)


def test_tokens_out_of_the_vocabulary_are_refused():
    assert checks.as_tokens([[1, 2]], name="x", vocabulary=3, ndim=2).tolist() == [[1, 2]]
    with pytest.raises(ValueError, match=r"tokens must lie in \[0, 3\)"):
        checks.as_tokens([[1, 3]], name="x", vocabulary=3, ndim=2)


@pytest.mark.parametrize(
    ("w", "told"),
    [
        (
            [1.0, -0.5],
            r"weights must not be negative, but 1 of 2 is not; the first is -0.5 at \[1\]",
        ),
        ([0.0, 0.0], "all 2 weights are 0"),
        ([1.0, np.nan], "must be finite"),
        ([1.0], r"expected shape \(2,\), got \(1,\)"),
    ],
)
def test_bad_weights_are_refused(w, told):
    with pytest.raises(ValueError, match=told):
        checks.as_weights(w, name="w", shape=(2,), dtype="float32")


def test_masks_are_bools():
    mask = np.array([True, False])
    np.testing.assert_array_equal(checks.as_mask(mask, name="mask", shape=(2,)), mask)
    with pytest.raises(TypeError, match="must hold bools, got int64; convert with mask != 0"):
        checks.as_mask([1, 0], name="mask", shape=(2,))
    with pytest.raises(ValueError, match="all 2 entries are False"):
        checks.as_mask(~mask & mask, name="mask", shape=(2,))


def test_class_weights():
    found = checks.as_class_weights({1: 3, 2: 0.0}, name="class_weight", classes=3)
    assert found.tolist() == [1.0, 3.0, 0.0]
    for bad, error in (({3: 1.0}, ValueError), ({0: -1.0}, ValueError), ([1.0], TypeError)):
        with pytest.raises(error, match="class_weight"):
            checks.as_class_weights(bad, name="class_weight", classes=3)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, np.array([1, 2])])
def test_only_integers_are_sizes(value):
    with pytest.raises(TypeError, match="hidden_size must be an integer, got"):
        checks.check_positive_int(value, name="hidden_size")


def test_sizes_have_bounds():
    assert checks.check_positive_int(np.int32(3), name="n") == 3
    with pytest.raises(ValueError, match="n must be at least 1, got -3"):
        checks.check_positive_int(-3, name="n")
    with pytest.raises(ValueError, match="n must be at most 4, got 5"):
        checks.check_int(5, name="n", maximum=4)


@pytest.mark.parametrize(
    ("value", "bounds", "fits"),
    [
        (0.0, {"above": 0.0}, False),
        (0.0, {"minimum": 0.0}, True),
        (1.0, {"below": 1.0}, False),
        (1, {"maximum": 1.0}, True),
        (np.float32(0.5), {"minimum": 0.0, "below": 1.0}, True),
        (np.nan, {}, False),
        (np.inf, {}, False),
    ],
)
def test_numbers_have_bounds(value, bounds, fits):
    if fits:
        assert checks.check_real(value, name="rate", **bounds) == value
    else:
        with pytest.raises(ValueError, match="rate must be finite"):
            checks.check_real(value, name="rate", **bounds)


@pytest.mark.parametrize("value", [True, "1", None, 1j, np.ones(1)])
def test_only_numbers_are_numbers(value):
    with pytest.raises(TypeError, match="rate must be a number"):
        checks.check_real(value, name="rate")


def test_dtypes():
    assert checks.check_dtype("float32") == np.float32
    assert checks.check_dtype(np.float64) == np.float64
    for bad in (None, "int8", "float16", "no such"):
        with pytest.raises((TypeError, ValueError), match="'float32' or 'float64', got"):
            checks.check_dtype(bad)


def test_choices_and_lengths_name_both_sides():
    with pytest.raises(ValueError, match="activation must be one of 'relu', 'tanh', got 'gelu'"):
        checks.check_choice("gelu", name="activation", choices=("relu", "tanh"))
    with pytest.raises(ValueError, match="x has 3 samples but y has 2"):
        checks.check_same_length(np.ones(3), np.ones(2), names=("x", "y"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "expected a JSON object"),
        ("{}", "type must be one of 'a'"),
        ('{"type": "b"}', "must be one of 'a', got 'b'"),
        ('{"type": "a", "z": 1}', "'a' has 'type', 'k', got also 'z'"),
    ],
)
def test_json_is_read_strictly(text, told):
    with pytest.raises((TypeError, ValueError), match=told):
        parse_json_object(text, name="thing", fields={"a": ["k"]})


def test_nothing_is_written_by_a_check(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    checks.as_values(np.full(5, 3e38, np.float32), name="x")
    assert os.listdir(tmp_path) == []
    assert capfd.readouterr() == ("", "")
