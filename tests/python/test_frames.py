"""Columns of pandas, polars and Arrow: numbers however they are kept; others are named."""

from __future__ import annotations

import datetime
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import product as p
import pyarrow as pa
import pytest

import lstm_native as ln
from lstm_native._base.arrays import as_array

INTS, FLOATS = [1, 2, 3], [0.5, 1.5, 2.5]
COLUMNS = {"a": INTS, "b": FLOATS, "c": [True, False, True]}


def frame(**dtypes: object) -> pd.DataFrame:
    return pd.DataFrame({k: pd.Series(COLUMNS[k], dtype=v) for k, v in dtypes.items()})


# name: frame or column, dtype of what comes out of it
NUMBERS = {
    "ints_and_floats": (frame(a="int64", b="float64"), "float64"),
    "bools_and_floats": (frame(b="float32", c="bool"), "float32"),
    "ints": (frame(a="int64"), "int64"),
    "nullable": (frame(a="Int64", b="Float64"), "float64"),
    "nullable_single": (frame(b="Float32"), "float32"),
    "nullable_ints": (frame(a="Int64"), "int64"),
    "nullable_bools": (frame(b="Float64", c="boolean"), "float64"),
    "nullable_and_plain": (frame(a="Int64", b="float64"), "float64"),
    "arrow": (frame(a="int64[pyarrow]", b="double[pyarrow]", c="bool[pyarrow]"), "float64"),
    "arrow_single": (frame(b="float[pyarrow]"), "float32"),
    "arrow_decimals": (frame(b=pd.ArrowDtype(pa.decimal128(5, 2))), "float64"),
    "objects": (frame(a=object, b=object), "float64"),
    "objects_of_bools": (frame(b="float64", c=object), "float64"),
    "decimals": (pd.DataFrame({"b": [Decimal(str(b)) for b in FLOATS]}), "float64"),
    "sparse": (frame(b=pd.SparseDtype("float64")), "float64"),
    "a_column": (pd.Series(INTS, dtype="Int64", index=[7, 8, 9]), "int64"),
    "an_array": (pd.array(INTS), "int64"),
    "an_index": (pd.Index(FLOATS), "float64"),
    "names_twice": (pd.DataFrame(np.ones((3, 2)), columns=["a", "a"]).astype("Float64"), "float64"),
    "polars": (pl.DataFrame(COLUMNS), "float64"),
    "polars_column": (pl.Series(FLOATS, dtype=pl.Float32), "float32"),
    "polars_decimals": (pl.Series([Decimal("0.5"), Decimal("1.5"), Decimal("2.5")]), "float64"),
    "arrow_table": (pa.table({"a": INTS, "b": FLOATS}), "float64"),
    "arrow_column": (pa.chunked_array([INTS[:1], INTS[1:]]), "int64"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_taken_however_they_are_kept(name):
    given, dtype = NUMBERS[name]
    found = as_array(given, name="x")
    labels = list(getattr(given, "column_names", getattr(given, "columns", [])))
    if name == "names_twice":
        wanted = np.ones((3, 2))
    elif labels:
        wanted = np.column_stack([COLUMNS[label] for label in labels])
    else:
        wanted = np.array(INTS if dtype == "int64" else FLOATS)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == dtype


def test_a_plain_frame_is_not_copied():
    plain = pd.DataFrame(np.random.default_rng(0).standard_normal((50, 3)))
    assert np.shares_memory(as_array(plain, name="x"), np.asarray(plain))


def with_gaps(dtype: str) -> pd.DataFrame:
    return pd.DataFrame({"a": [1, None, None], "b": [1, 2, None]}).astype(dtype)


TWO = "x has 3 missing values, the first in row 1 of column 'a'"
MISSING = {
    "nullable": (with_gaps("Int64"), TWO),
    "nullable_floats": (with_gaps("Float64"), TWO),
    "arrow": (with_gaps("double[pyarrow]"), TWO),
    "objects": (with_gaps("Int64").astype(object), TWO),
    "polars": (pl.DataFrame({"a": [1, None, None], "b": [1.0, 2.0, None]}), TWO),
    "arrow_table": (pa.table({"a": [1, None, None], "b": [1.0, 2.0, None]}), TWO),
    "a_column": (pd.Series([1, 2, None], dtype="Int64"), "x has 1 missing value, in row 2;"),
    "polars_column": (pl.Series([1.0, None]), "x has 1 missing value, in row 1;"),
    "arrow_column": (pa.array([None, 1]), "x has 1 missing value, in row 0;"),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_values_are_counted_and_the_first_is_located(name):
    given, told = MISSING[name]
    with pytest.raises(ValueError, match=f"^{told}.*fill them or drop their rows"):
        as_array(given, name="x")


DAY = datetime.datetime(2020, 1, 1)
OTHERS = {
    "several": (
        pd.DataFrame({"p": [1.0], "city": ["Oslo"], "day": [DAY]}),
        r"x has columns that are not numbers: 'city' \(.*\), 'day' \(datetime64.*\); leave them",
    ),
    "categories": (
        pd.DataFrame({"p": [1.0], "kind": pd.Categorical(["u"])}),
        r"not numbers: 'kind' \(category\)",
    ),
    "text_among_numbers": (
        pd.DataFrame({"p": [1.0, "1,5"]}, dtype=object),
        r"not numbers: 'p' \(object, such as '1,5'\)",
    ),
    "polars": (pl.DataFrame({"p": [1.0], "city": ["Oslo"]}), r"not numbers: 'city' \(String\)"),
    "arrow_table": (pa.table({"p": [1.0], "city": ["Oslo"]}), r"not numbers: 'city' \(string\)"),
    "a_category": (
        pd.Series(pd.Categorical(["u", "v"])),
        r"x holds no numbers but category; for class indices write x\.cat\.codes",
    ),
    "a_text": (pd.Series(["u", "v"]), r"x holds no numbers but .*pandas\.factorize\(x\)\[0\]"),
    "times": (pd.date_range("2020", periods=2), "x holds no numbers but datetime64"),
    "lazy": (pl.DataFrame({"a": [1.0]}).lazy(), r"LazyFrame, not computed yet; write x\.collect"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_columns_that_hold_no_numbers_are_named(name):
    given, told = OTHERS[name]
    with pytest.raises(TypeError, match=told):
        as_array(given, name="x")


def test_a_model_trains_on_frames_and_columns():
    rng = np.random.default_rng(0)
    plain = pd.DataFrame(rng.standard_normal((20, 3)), columns=list("uvw"))
    labels = pd.Series(rng.integers(0, 2, 20), index=range(50, 70))

    def fit(x, y):
        model = ln.Sequential([ln.Dense(2)], seed=0)
        model.fit(x, y, loss="categorical_crossentropy", seed=0, verbose=False)
        return model.state_dict()["0.weight"]

    wanted = fit(plain.to_numpy(), labels.to_numpy())
    for x, y in (
        (plain, labels),
        (plain.astype("Float64"), labels.astype("Int64")),
        (plain.astype("double[pyarrow]"), labels.astype("int64[pyarrow]")),
        (pl.DataFrame(plain), pl.Series(labels.to_numpy())),
        (pa.table({c: plain[c].to_numpy() for c in plain}), pa.array(labels.to_numpy())),
    ):
        assert np.array_equal(fit(x, y), wanted)
    with pytest.raises(TypeError, match=r"x must be float.*int64; convert with x.astype"):
        fit(plain.round().astype("Int64"), labels)


PARTS = [np.full((n, 2), float(n), "float32") for n in (3, 1, 2)]


class TestSequences:
    model = ln.Sequential([ln.LSTM(3, input_size=2), ln.Dense(1)], seed=0)

    @pytest.mark.parametrize(
        "given",
        [
            [pd.DataFrame(part) for part in PARTS],
            [pl.DataFrame(part) for part in PARTS],
            pd.Series(PARTS, index=[5, 6, 7]),
            pl.Series([part.tolist() for part in PARTS]),
        ],
        ids=["frames", "polars_frames", "column", "polars_column"],
    )
    def test_frames_and_columns_of_arrays_are_sequences(self, given):
        wanted = self.model.predict(PARTS)
        found = self.model.predict(given)
        assert [len(part) for part in found] == [3, 1, 2]
        assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))

    def test_targets_in_a_column_go_by_place(self):
        targets = pd.Series([part[:, :1] for part in PARTS], index=[2, 0, 1])
        last = ln.Sequential([ln.LSTM(3, return_sequences=False), ln.Dense(1)], seed=0)
        for model, y in ((self.model, targets), (last, pd.Series(FLOATS, index=[2, 0, 1]))):
            plain = list(y) if model is self.model else y.to_numpy()
            wanted = model.evaluate(PARTS, plain) if model.built else None
            found = model.evaluate(PARTS, y)
            assert found == (wanted or model.evaluate(PARTS, plain))

    @pytest.mark.parametrize(
        ("y", "error", "told"),
        [
            (pd.Series(FLOATS, index=[7, 8, 9]), ValueError, r"y\[0\]: expected 3 steps"),
            (pd.DataFrame({"y": FLOATS}), ValueError, r"y\[0\]: expected 3 steps"),
            ({0: FLOATS}, TypeError, "y is a dict"),
            (None, TypeError, "y is missing"),
            (np.float64(1.0), ValueError, "y: expected one for each of the 3 sequences of x"),
        ],
    )
    def test_targets_that_are_none_of_sequences_are_told(self, y, error, told):
        with pytest.raises(error, match=told):
            self.model.fit(PARTS, y, verbose=False)

    def test_tokens_in_a_column(self):
        model = ln.Sequential([ln.Embedding(5, 2), ln.GRU(3)], seed=0)
        wanted = model.predict([np.array([1, 2]), np.array([3])])
        for given in (pd.Series([[1, 2], [3]]), pl.Series([[1, 2], [3]]), [[1, 2], [3]]):
            found = model.predict(given)
            assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_splitting_keeps_columns_of_any_kind():
    train, test = ln.chronological_split(pd.date_range("2020", periods=4), 3)
    assert train.dtype.kind == test.dtype.kind == "M"
    mixed = pd.DataFrame({"p": [1.0, 2.0], "city": ["Oslo", "Bergen"]})
    assert ln.chronological_split(mixed, 1)[1].tolist() == [[2.0, "Bergen"]]


def test_none_of_them_is_imported_by_the_package():
    code = (
        "import sys, numpy, lstm_native as ln\n"
        "m = ln.Sequential([ln.LSTM(2, return_sequences=False), ln.Dense(1)])\n"
        "m.fit(numpy.ones((2, 3, 1)), [[1.0], [2.0]], verbose=False)\n"
        "m.predict([[[1.0]], [[1.0], [2.0]]])\n"
        "print(sorted({'pandas', 'polars', 'pyarrow', 'torch', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        **p.fresh_process(),
    )
    assert run.stdout.strip() == "[]"
