"""Layers along the time axis: gradients by central differences, and the same bits in any batch,
with any padding, on any number of threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st
from plain_calls import answer, remember

import lstm_native as ln

T, F = 7, 4
LENGTHS = np.array([7, 0, 3, 5])

Make = Callable[[str], ln.Layer]
LAYERS: dict[str, Make] = {
    "conv1d": lambda d: ln.Conv1D(5, 3, dtype=d, seed=0),
    "conv1d_same": lambda d: ln.Conv1D(3, 4, padding="same", activation="tanh", dtype=d, seed=0),
    "conv1d_causal": lambda d: ln.Conv1D(3, 3, 1, 2, "causal", bias=False, dtype=d, seed=0),
    "conv1d_strided": lambda d: ln.Conv1D(
        3, 4, 2, padding="same", activation="softmax", dtype=d, seed=0
    ),
    "conv1d_strided_dilated": lambda d: ln.Conv1D(3, 2, 3, 2, dtype=d, seed=0),
    "conv1d_gaps": lambda d: ln.Conv1D(2, 2, 3, padding="causal", dtype=d, seed=0),
    "max_pool1d": lambda d: ln.MaxPool1D(2, dtype=d),
    "max_pool1d_overlapping": lambda d: ln.MaxPool1D(3, 1, "same", dtype=d),
    "mean_pool1d": lambda d: ln.MeanPool1D(2, dtype=d),
    "mean_pool1d_overlapping": lambda d: ln.MeanPool1D(3, 2, "same", dtype=d),
    "mean_pool1d_causal": lambda d: ln.MeanPool1D(3, 1, "causal", dtype=d),
    "last": lambda d: ln.Last(dtype=d),
    "max_pool": lambda d: ln.MaxPool(dtype=d),
    "mean_pool": lambda d: ln.MeanPool(dtype=d),
    "reshape": lambda d: ln.Reshape((-1, 2), dtype=d),
    "masking": lambda d: ln.Masking(-9.0, dtype=d),
    "scale": lambda d: ln.Scale(-1.5, 0.25, dtype=d),
}


def out_lengths(name: str, layer: ln.Layer, lengths: np.ndarray) -> np.ndarray:
    """Steps that come out: of a layer that makes them out of windows by the reference's count."""
    if hasattr(layer, "padding"):
        size = getattr(layer, "kernel_size", None) or layer.pool_size
        dilation = getattr(layer, "dilation", 1)
        found = [ref.windows(n, size, layer.stride, dilation, layer.padding) for n in lengths]
        return np.array([len(windows) for windows in found])
    return 2 * lengths if name == "reshape" else lengths


def masked(dy: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """NaN behind each end."""
    for row, n in zip(dy, lengths, strict=True):
        if dy.ndim == 3:
            row[n:] = np.nan
    return dy


@pytest.mark.parametrize("ragged", [False, True], ids=["whole", "lengths"])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_match_central_differences(isa, threads, name, ragged):
    rng = np.random.default_rng(0)
    layer = LAYERS[name]("float64")
    x = rng.standard_normal((len(LENGTHS), T, F))
    options = {"lengths": LENGTHS} if ragged else {}
    y = answer(layer, x, **options)
    weights = p.randomise(layer._native, rng)
    direction = rng.standard_normal(y.shape)
    if ragged and y.ndim == 3:
        direction = np.nan_to_num(masked(direction, out_lengths(name, layer, LENGTHS)))

    def value() -> float:
        return float((answer(layer, x, **options) * direction).sum())

    def with_x(changed: np.ndarray) -> float:
        return float((answer(layer, changed, **options) * direction).sum())

    dy = direction.copy()
    if ragged:
        masked(dy, out_lengths(name, layer, LENGTHS))
    _, backward = remember(layer, x, **options)
    dx, gradients = backward(dy)
    expected = ref.central_difference(with_x, x)
    assert ref.relative_error(dx, expected) <= p.DIFFERENCE_TOLERANCE
    if ragged:
        for row, n in zip(dx, LENGTHS, strict=True):
            assert not row[n:].any()
    assert set(gradients) == set(weights)
    for key, before in weights.items():

        def with_weight(changed: np.ndarray, key: str = key) -> float:
            layer.load_state_dict({**weights, key: changed})
            return value()

        expected = ref.central_difference(with_weight, before)
        assert ref.relative_error(gradients[key], expected) <= p.DIFFERENCE_TOLERANCE


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (ln.Repeat(3, dtype="float64"), (2, 4)),
        (ln.Flatten(3, dtype="float64"), (2, 3, 4)),
        (ln.Reshape((2, 6), dtype="float64"), (2, 3, 4)),
        (ln.Reshape((12,), dtype="float64"), (2, 3, 4)),
    ],
    ids=["repeat", "flatten", "reshape", "reshape_row"],
)
def test_gradients_of_fixed_shapes_match_central_differences(layer, shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    y, backward = remember(layer, x)
    dy = rng.standard_normal(y.shape)
    expected = ref.central_difference(lambda at: float((answer(layer, at) * dy).sum()), x)
    assert ref.relative_error(backward(dy)[0], expected) <= p.DIFFERENCE_TOLERANCE


@pytest.mark.parametrize("name", LAYERS)
def test_a_row_has_the_bits_it_has_alone(isa, dtype, threads, name):
    """Values and gradients of each sequence in a padded batch, whatever stands behind its end."""
    rng = np.random.default_rng(1)
    layer = LAYERS[name](dtype.name)
    x = p.normal(rng, (len(LENGTHS), T, F), dtype)
    answer(layer, x)  # makes the weights
    if layer._native.parameters():
        p.randomise(layer._native, rng)
    for row, n in zip(x, LENGTHS, strict=True):
        row[n:] = np.nan
    y, backward = remember(layer, x, lengths=LENGTHS)
    ends = out_lengths(name, layer, LENGTHS)
    dy = masked(p.normal(rng, y.shape, dtype), ends)
    dx, _ = backward(dy)
    p.assert_same_bits(answer(layer, x, lengths=LENGTHS), y)
    for n, length in enumerate(LENGTHS):
        timed = y.ndim == 3
        if timed:
            assert not y[n, ends[n] :].any()
        if ends[n] == 0:
            assert not y[n].any()
            assert not dx[n].any()
            continue
        own, own_backward = remember(layer, x[n : n + 1, :length])
        p.assert_same_bits(y[n, : ends[n]] if timed else y[n], own[0])
        own_dy = dy[n : n + 1, : ends[n]] if timed else dy[n : n + 1]
        p.assert_same_bits(dx[n, :length], own_backward(np.ascontiguousarray(own_dy))[0][0])
        assert not dx[n, length:].any()


@pytest.mark.parametrize("name", [name for name in LAYERS if name.startswith("conv1d")])
def test_gradients_of_weights_do_not_depend_on_the_padding(isa, dtype, threads, name):
    rng = np.random.default_rng(1)
    layer = LAYERS[name](dtype.name)
    wide = p.normal(rng, (len(LENGTHS), T + 50, F), dtype)
    found = []
    for x in (wide[:, :T].copy(), wide):
        y, backward = remember(layer, x, lengths=LENGTHS)
        dy = p.normal(np.random.default_rng(2), y.shape, dtype)
        ends = out_lengths(name, layer, LENGTHS)
        rows = iter(p.normal(np.random.default_rng(3), (ends.sum(), y.shape[2]), dtype))
        for n, end in enumerate(ends):
            for t in range(end):
                dy[n, t] = next(rows)
        found.append(backward(dy)[1])
    p.assert_same_weights(*found)


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(5, 60), st.integers(1, 40)),
    filters=p.hidden_sizes,
    size=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same", "causal"]),
    seed=p.seeds,
)
def test_a_convolution_has_the_same_bits_on_any_number_of_threads(
    dtype, shape, filters, size, stride, padding, seed
):
    rng = np.random.default_rng(seed)
    layer = ln.Conv1D(filters, size, stride, padding=padding, dtype=dtype.name, seed=0)
    x = p.normal(rng, shape, dtype)
    dy = p.normal(rng, answer(layer, x).shape, dtype)

    def everything() -> list[np.ndarray]:
        y, backward = remember(layer, x)
        dx, gradients = backward(dy)
        return [y, dx, *gradients.values()]

    alone = p.run_on_threads(1, everything)
    for count in (2, 5):
        for one, many in zip(alone, p.run_on_threads(count, everything), strict=True):
            p.assert_same_bits(many, one)


def test_the_first_of_equal_values_gets_the_gradient(dtype):
    x = np.ones((1, 4, 2), dtype)
    for layer in (ln.MaxPool(dtype=dtype.name), ln.MaxPool1D(4, dtype=dtype.name)):
        y, backward = remember(layer, x)
        dx, _ = backward(np.full(y.shape, 2, dtype))
        assert dx[0].tolist() == [[2, 2], [0, 0], [0, 0], [0, 0]]
