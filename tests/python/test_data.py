"""Windows, scaling and splitting against plain loops."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln
from lstm_native.data import (
    MinMaxScaler,
    StandardScaler,
    chronological_split,
    unwindow,
    windows,
)

SCALERS = [StandardScaler, MinMaxScaler]


@given(
    steps=st.integers(2, 30),
    features=st.integers(0, 3),
    timesteps=st.integers(1, 10),
    horizon=st.integers(1, 5),
    stride=st.integers(1, 6),
    dtype=st.sampled_from(["f4", "f8", ">f4", "f2"]),
)
def test_windows_are_what_a_loop_would_cut(steps, features, timesteps, horizon, stride, dtype):
    shape = (steps, features) if features else (steps,)
    series = np.random.default_rng(0).normal(size=shape).astype(dtype)
    if steps < timesteps + horizon:
        with pytest.raises(ValueError, match=f"series has {steps} steps but timesteps {timesteps}"):
            windows(series, timesteps, horizon, stride=stride)
        return
    x, y = windows(series, timesteps, horizon, stride=stride)
    starts = range(0, steps - timesteps - horizon + 1, stride)
    columns = series.reshape(steps, -1)
    np.testing.assert_array_equal(x, [columns[s : s + timesteps] for s in starts])
    np.testing.assert_array_equal(
        y, [series[s + timesteps : s + timesteps + horizon].ravel() for s in starts]
    )
    for part in (x, y):
        assert part.dtype == ("f8" if dtype == "f8" else "f4")
        assert part.flags.c_contiguous
        assert part.flags.writeable
        assert not np.shares_memory(part, series)


@given(
    samples=st.integers(1, 8),
    horizon=st.integers(1, 6),
    targets=st.integers(0, 3),
    stride=st.integers(1, 6),
    dtype=st.sampled_from(["f4", "f8"]),
)
def test_unwindow_gives_the_very_series_back(samples, horizon, targets, stride, dtype):
    stride = min(stride, horizon)
    steps = (samples - 1) * stride + horizon
    shape = (3 + steps, targets) if targets else (3 + steps,)
    series = np.random.default_rng(1).normal(size=shape).astype(dtype)
    x, y = windows(series, 3, horizon, stride=stride)
    back = unwindow(y, targets=targets or 1, stride=stride)
    if targets == 1:
        back = back[:, None]  # a column, where two axes stand for a series
    np.testing.assert_array_equal(back, series[3:])
    assert back.dtype == series.dtype
    if stride <= 3:
        start = unwindow(x, stride=stride)
        np.testing.assert_array_equal(start, series.reshape(len(series), -1)[: len(start)])


def test_overlapping_forecasts_are_averaged():
    found = unwindow([[1.0, 2.0, 9.0], [4.0, 3.0, 8.0]], targets=1)
    np.testing.assert_allclose(found, [1.0, 3.0, 6.0, 8.0])


def test_the_number_of_columns_is_not_guessed():
    """The windows of two columns were put together as if they were those of one, and mixed."""
    series = np.arange(20.0).reshape(10, 2)
    for shape, horizon in (((10, 2), 1), ((20,), 2)):
        y = windows(series.reshape(shape), 3, horizon)[1]
        with pytest.raises(
            ValueError, match=r"targets: .*\(., 2\).* write targets=1 for one series"
        ):
            unwindow(y[:7])
    assert unwindow([[1.0], [2.0]]).tolist() == [1.0, 2.0]
    assert unwindow([[[1.0, 2.0]], [[3.0, 4.0]]]).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_gaps_between_windows_are_refused():
    with pytest.raises(ValueError, match="stride 3 leaves gaps between windows of 2 steps"):
        unwindow([[1.0, 2.0], [4.0, 5.0]], targets=1, stride=3)


def test_targets_choose_columns():
    series = np.arange(12.0).reshape(6, 2)
    for column in (-1, [1]):
        np.testing.assert_array_equal(windows(series, 3, 2, targets=column)[1], [[7, 9], [9, 11]])
    np.testing.assert_array_equal(windows(series, 3, 1, targets=(1, 0))[1][0], [7, 6])
    np.testing.assert_array_equal(windows(series, 3, 2, targets=(1, 0))[1][0], [7, 6, 9, 8])
    for bad, told in ((2, "at most 1, got 2"), ([0, -3], "at least -2"), ([], "at least one")):
        with pytest.raises(ValueError, match=told):
            windows(series, 3, targets=bad)
    with pytest.raises(TypeError, match="targets must be numbers of columns from -2 to 1, got 'a'"):
        windows(series, 3, targets=["a"])
    with pytest.raises(ValueError, match="no columns to choose, got targets 0"):
        windows(series[:, 0], 3, targets=0)


def test_series_in_other_clothes():
    pd = pytest.importorskip("pandas")
    values = np.arange(10.0)
    expected = windows(values, 3, 2)
    index = pd.date_range("2020-01-01", periods=10, freq="D")
    for series in (list(values), values[::-1].copy()[::-1], pd.Series(values, index=index)):
        for found, wanted in zip(windows(series, 3, 2), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    frame = pd.DataFrame({"a": values, "b": -values}, index=index)
    np.testing.assert_array_equal(windows(frame, 3, targets=1)[1][:, 0], -values[3:])


def test_columns_of_a_frame_go_by_name_too():
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    series = np.arange(20.0).reshape(10, 2)
    table = {"a": series[:, 0], "b": series[:, 1]}
    for frame in (pd.DataFrame(table), pl.DataFrame(table), pa.table(table)):
        for names, numbers in (("b", 1), (["b"], [1]), (["b", 0], [1, 0])):
            found = windows(frame, 3, targets=names)[1]
            np.testing.assert_array_equal(found, windows(series, 3, targets=numbers)[1])
        with pytest.raises(
            ValueError, match="targets: expected one column named 'c', got 0 in 'a'"
        ):
            windows(frame, 3, targets="c")
    with pytest.raises(ValueError, match="got 2 in 'a', 'a'"):
        windows(pd.DataFrame(series, columns=["a", "a"]), 3, targets=["a"])
    with pytest.raises(
        TypeError, match=r"targets must be numbers of columns from -2 to 1, got 'b'"
    ):
        windows(series, 3, targets=["b"])
    with pytest.raises(ValueError, match="targets must be at most 1, got 2"):
        windows(series, 3, targets=[2])
    with pytest.raises(TypeError, match=r"^windows.*'target'; target: write targets=1"):
        windows(series, 3, target=1)


@pytest.mark.parametrize(
    ("series", "options", "error", "told"),
    [
        (np.zeros(5), {"timesteps": 0}, ValueError, "timesteps must be at least 1, got 0"),
        (np.zeros(5), {"timesteps": 2, "horizon": -1}, ValueError, "horizon must be at least 1"),
        (np.zeros(5), {"timesteps": True}, TypeError, "timesteps must be an integer"),
        (np.zeros(5), {"timesteps": 2, "stride": 0}, ValueError, "stride must be at least 1"),
        (np.zeros((5, 1, 1)), {"timesteps": 2}, ValueError, r"\(steps, features\), got 3"),
        (np.arange(5), {"timesteps": 2}, TypeError, "got int64; convert"),
        ([], {"timesteps": 2}, ValueError, "series is empty"),
        ([1.0, np.nan, 2.0], {"timesteps": 1}, ValueError, r"the first is nan at \[1\]"),
        (np.zeros(5), {"timesteps": 4, "horizon": 2}, ValueError, "need at least 6"),
    ],
)
def test_bad_series_and_sizes_are_refused(series, options, error, told):
    with pytest.raises(error, match=told):
        windows(series, **options)


@pytest.mark.parametrize("kind", SCALERS)
@given(
    shape=st.sampled_from([(7,), (7, 3), (4, 5, 2)]),
    dtype=st.sampled_from(["f4", "f8"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_scaling_goes_there_and_back(kind, shape, dtype, seed):
    x = (np.random.default_rng(seed).normal(size=shape) * 100 + 1000).astype(dtype)
    scaler = kind().fit(x)
    scaled = scaler.transform(x)
    assert scaled.dtype == x.dtype
    np.testing.assert_allclose(scaler.inverse_transform(scaled), x, rtol=1e-5)
    rows = scaled.reshape(-1, shape[-1] if len(shape) > 1 else 1).astype(float)
    if kind is StandardScaler:
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(rows.std(axis=0), 1, rtol=1e-5)
    else:
        np.testing.assert_allclose(rows.min(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(rows.max(axis=0), 1, rtol=1e-6)
    restored = kind.from_dict(json.loads(json.dumps(scaler.to_dict())))
    np.testing.assert_array_equal(restored.transform(x), scaled)


def test_only_the_part_it_was_fitted_on_counts():
    train, test = chronological_split(np.array([0.0, 2.0, 100.0]), 2)
    scaler = StandardScaler().fit(train)
    np.testing.assert_array_equal(scaler.transform(test), [99.0])
    assert MinMaxScaler(low=-1, high=1).fit(train).transform(test).tolist() == [99.0]


@pytest.mark.parametrize("kind", SCALERS)
@pytest.mark.parametrize("value", [0.0, 0.1, -1e30, 5e-324])
def test_a_constant_column_is_not_divided_by_zero(kind, value):
    x = np.column_stack([np.full(7, value), np.arange(7.0)])
    scaler = kind().fit(x)
    np.testing.assert_array_equal(scaler.transform(x)[:, 0], 0.0)
    np.testing.assert_array_equal(scaler.inverse_transform(scaler.transform(x))[:, 0], value)
    assert np.isfinite(scaler.transform([[value + 1.0, 0.0]])).all()


def test_minmax_bounds():
    scaler = MinMaxScaler(low=-1.0, high=3.0).fit([[1.0, 5.0], [3.0, 5.0]])
    np.testing.assert_allclose(scaler.transform([[1.0, 5.0], [3.0, 5.0]]), [[-1, -1], [3, -1]])
    assert MinMaxScaler.from_dict(scaler.to_dict()).high == 3.0
    with pytest.raises(ValueError, match="high must be finite and > 1, got 1"):
        MinMaxScaler(low=1, high=1)


def test_a_scaler_of_a_series_fits_windows_of_it():
    series = np.arange(10.0)
    scaler = StandardScaler().fit(series)
    x, y = windows(scaler.transform(series), 3, 2)
    assert x.shape == (6, 3, 1)
    np.testing.assert_allclose(scaler.inverse_transform(y)[0], [3.0, 4.0])


def test_a_scaler_of_columns_can_undo_some_of_them():
    series = np.arange(20.0).reshape(10, 2) ** 2
    scaler = MinMaxScaler().fit(series)
    _, y = windows(scaler.transform(series), 3, 2, targets=[1])
    y = y.reshape(len(y), 2, 1)
    np.testing.assert_allclose(scaler.inverse_transform(y, columns=[1])[0], series[3:5, 1:])
    _, y = windows(scaler.transform(series), 3, 2, targets=1)
    np.testing.assert_allclose(scaler.inverse_transform(y, columns=1)[0], series[3:5, 1])
    np.testing.assert_array_equal(scaler.transform(series[:, 1], columns=1), y_of(scaler, series))


def y_of(scaler, series):
    return scaler.transform(series)[:, 1]


@pytest.mark.parametrize("kind", SCALERS)
def test_scalers_refuse_what_they_cannot_do(kind):
    with pytest.raises(ValueError, match="is not fitted; call fit"):
        kind().transform([1.0])
    with pytest.raises(ValueError, match="is not fitted"):
        kind().to_dict()
    scaler = kind().fit([[1.0, 2.0], [3.0, 5.0]])
    with pytest.raises(ValueError, match="expected 2 features"):
        scaler.transform([[1.0]])
    with pytest.raises(ValueError, match="columns must be at most 1, got 2"):
        scaler.transform([1.0], columns=2)
    with pytest.raises(TypeError, match="got int64"):
        scaler.transform([[1, 2]])
    with pytest.raises(ValueError, match="too large to scale: it reaches 1e"):
        scaler.fit([1e308, -1e308, 1e308])
    assert scaler.transform([[1.0, 2.0]]).shape == (1, 2)  # a failed fit changes nothing
    with pytest.raises(ValueError, match="has no columns"):
        kind().fit([1.0, 2.0]).transform([1.0], columns=0)


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "other"},
        {"extra": 1},
        {"scale": [1.0]},
        {"scale": [0.0, 1.0]},
        {"offset": [float("nan"), 0.0]},
    ],
)
def test_a_broken_description_of_a_scaler_is_refused(changed):
    fitted = StandardScaler().fit([[1.0, 2.0], [3.0, 5.0]]).to_dict()
    with pytest.raises(ValueError, match=r"type 'standard'|scale|offset"):
        StandardScaler.from_dict({**fitted, **changed})


@given(length=st.integers(1, 200), share=st.floats(0.01, 0.99))
def test_a_split_is_a_partition_in_order(length, share):
    array = np.arange(length)
    cut = round(share * length)
    if cut in (0, length):
        with pytest.raises(ValueError, match="none may be empty"):
            chronological_split(array, share)
        return
    parts = chronological_split(array, share)
    np.testing.assert_array_equal(np.concatenate(parts), array)
    assert abs(len(parts[0]) - share * length) <= 0.5
    assert all(np.shares_memory(part, array) for part in parts)


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        (0.8, [8, 2]),
        (7, [7, 3]),
        ((0.6, 0.2, 0.2), [6, 2, 2]),
        ([5, 3, 2], [5, 3, 2]),
        ((0.7, 0.3), [7, 3]),
    ],
)
def test_parts_by_fraction_and_by_size(parts, sizes):
    for array in (np.zeros((10, 3)), [0] * 10):
        assert [len(part) for part in chronological_split(array, parts)] == sizes


@pytest.mark.parametrize(
    ("parts", "error", "told"),
    [
        (10, ValueError, r"sizes \[10, 0\]; none may be empty"),
        (11, ValueError, r"none may be empty"),
        (1.0, ValueError, "none may be empty"),
        (1.5, ValueError, "part must be .*got 1.5"),
        (-0.2, ValueError, "part must be .*got -0.2"),
        (-3, ValueError, "part must be at least 1, got -3"),
        ((0.5, 0.2), ValueError, r"must add up to 1, got \[0.5, 0.2\] \(sum 0.7\)"),
        ((5, 4), ValueError, r"must add up to 10, got \[5, 4\] \(sum 9\)"),
        ((0.5, 5), TypeError, "part must be an integer, got 0.5"),
        ((), ValueError, "must add up to 10"),
        ("0.8", TypeError, "part must be an integer"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, error, told):
    with pytest.raises(error, match=told):
        chronological_split(np.zeros(10), parts)


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("targets", [None, [2, 0], 1])
def test_a_network_can_answer_the_windows_of_several_columns(horizon, targets):
    """And what it answers goes back into a series of these columns."""
    series = np.random.default_rng(0).normal(size=(60, 3)).astype("f4")
    x, y = windows(series, 5, horizon, targets=targets)
    columns = {None: 3, 1: 1}.get(targets if targets != [2, 0] else 0, 2)
    assert y.shape == (60 - 5 - horizon + 1, horizon * columns)
    model = ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(y.shape[1])], seed=0)
    model.fit(x, y, verbose=False)
    back = unwindow(model.predict(x), targets=columns)
    assert back.shape == ((55, columns) if columns > 1 else (55,))


def test_windows_that_are_not_columns_of_a_step_are_refused():
    with pytest.raises(ValueError, match=r"targets=2: expected y \(samples, horizon \* 2\), got"):
        unwindow(np.zeros((4, 3)), targets=2)
    with pytest.raises(ValueError, match=r"targets=2: y of shape \(4, 2, 3\) has 3"):
        unwindow(np.zeros((4, 2, 3)), targets=2)


def test_windows_that_do_not_fit_into_memory_say_how_much_they_need(monkeypatch):
    def full(*args, order=None, **options):
        if order is None:
            return array(*args, **options)
        raise MemoryError

    array = np.array
    series = np.zeros(200_000, "f4")
    monkeypatch.setattr(np, "array", full)
    with pytest.raises(
        MemoryError, match=r"100001 samples of 99999 steps need 37\.3 GiB; a larger"
    ):
        windows(series, 99_999)


def test_windows_may_be_views_that_take_no_memory():
    series = np.random.default_rng(0).normal(size=(100_000, 2)).astype("f4")
    tracemalloc.start()
    x, y = windows(series, 1000, 2, stride=3, targets=1, copy=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20 < x.nbytes / 100
    assert np.shares_memory(x, series)
    assert not x.flags.writeable
    short = windows(series[:1100], 1000, 2, stride=3, targets=1)
    np.testing.assert_array_equal(x[: len(short[0])], short[0])
    np.testing.assert_array_equal(y[: len(short[1])], short[1])
    model = ln.Sequential([ln.RNN(2, return_sequences=False), ln.Dense(2)], seed=0)
    np.testing.assert_array_equal(model.predict(x[:30]), model.predict(short[0][:30]))


def test_windows_need_the_memory_of_the_answer_alone():
    tracemalloc.start()
    x, y = windows(np.zeros(100_000, "f4"), 50, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert x.dtype == y.dtype == np.float32
    assert peak < 1.05 * (x.nbytes + y.nbytes) + 2**20


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_no_samples_stay_none(scaler, dtype):
    """The answer of predict to no samples goes the same way back as any other."""
    fitted = scaler().fit([[0.0, 10.0], [4.0, 30.0]])
    for shape in ((0, 2), (0, 5, 2)):
        for apply in (fitted.transform, fitted.inverse_transform):
            found = apply(np.zeros(shape, dtype))
            assert (found.shape, found.dtype) == (shape, np.dtype(dtype))
    assert fitted.inverse_transform(np.zeros((0, 3), dtype), columns=1).shape == (0, 3)
    for shape, targets, wanted in (((0, 4), 1, (0,)), ((0, 4), 2, (0, 2)), ((0, 4, 3), 3, (0, 3))):
        found = unwindow(np.zeros(shape, dtype), targets=targets)
        assert (found.shape, found.dtype) == (wanted, np.dtype(dtype))
    with pytest.raises(ValueError, match="is empty"):
        scaler().fit(np.zeros((0, 2)))
