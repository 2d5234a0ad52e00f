"""Convolution, pooling and shapes along the time axis: values against the float64 reference, each
sequence at its true length, whatever stands behind it."""

from __future__ import annotations

from functools import partial

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st
from plain_calls import answer

import lstm_native as ln

PADDINGS = ["valid", "same", "causal"]
sizes = st.integers(1, 5)
steps = st.integers(1, 3)


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    error = ref.relative_error(actual, expected)
    assert error <= p.FORWARD_TOLERANCE[actual.dtype], f"relative error {error:.3g}"


def padded(rng, shape, dtype, lengths):
    """A batch with NaN behind the end of each sequence."""
    x = p.normal(rng, shape, dtype)
    for row, n in zip(x, lengths, strict=True):
        row[n:] = np.nan
    return x


@given(
    shape=st.tuples(p.samples, st.integers(1, 15), p.features),
    filters=p.hidden_sizes,
    size=sizes,
    stride=steps,
    dilation=steps,
    padding=st.sampled_from(PADDINGS),
    activation=st.sampled_from([None, "relu", "tanh", "softmax"]),
    bias=st.booleans(),
    ragged=st.booleans(),
    seed=p.seeds,
)
def test_conv1d_matches_the_reference(
    isa, dtype, threads, shape, filters, size, stride, dilation, padding, activation, bias, ragged,
    seed,
):  # fmt: skip
    n, t, f = shape
    if padding == "valid":
        t = max(t, (size - 1) * dilation + 1)
    rng = np.random.default_rng(seed)
    layer = ln.Conv1D(
        filters, size, stride, dilation, padding, activation, bias, input_size=f, dtype=dtype.name
    )
    weights = p.randomise(layer._built_native(), rng)
    assert weights["weight"].shape == (filters, f, size)
    assert list(weights) == (["weight", "bias"] if bias else ["weight"])
    lengths = rng.integers(0, t + 1, n) if ragged else np.full(n, t)
    x = padded(rng, (n, t, f), dtype, lengths)
    y = answer(layer, x, lengths=lengths) if ragged else answer(layer, x)
    function = partial(
        ref.conv1d,
        weight=weights["weight"],
        bias=weights.get("bias"),
        stride=stride,
        dilation=dilation,
        padding=padding,
        activation=activation or "linear",
    )
    close(y, ref.each_alone(function, x.astype(np.float64), lengths))


@given(
    shape=st.tuples(p.samples, st.integers(1, 15), p.features),
    size=sizes,
    stride=st.none() | steps,
    padding=st.sampled_from(PADDINGS),
    ragged=st.booleans(),
    seed=p.seeds,
)
@pytest.mark.parametrize(("kind", "name"), [("max", "MaxPool1D"), ("mean", "MeanPool1D")])
def test_window_pools_match_the_reference(
    dtype, threads, kind, name, shape, size, stride, padding, ragged, seed
):
    n, t, f = shape
    if padding == "valid":
        t = max(t, size)
    rng = np.random.default_rng(seed)
    layer = getattr(ln, name)(size, stride, padding, dtype=dtype.name)
    lengths = rng.integers(0, t + 1, n) if ragged else np.full(n, t)
    x = padded(rng, (n, t, f), dtype, lengths)
    y = answer(layer, x, lengths=lengths) if ragged else answer(layer, x)
    function = partial(ref.pool1d, kind, size=size, stride=stride or size, padding=padding)
    close(y, ref.each_alone(function, x.astype(np.float64), lengths))


@given(shape=st.tuples(p.samples, p.timesteps, p.features), ragged=st.booleans(), seed=p.seeds)
@pytest.mark.parametrize(
    ("kind", "name"), [("last", "Last"), ("max", "MaxPool"), ("mean", "MeanPool")]
)
def test_pools_over_all_steps_match_the_reference(dtype, threads, kind, name, shape, ragged, seed):
    n, t, f = shape
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, t + 1, n) if ragged else np.full(n, t)
    x = padded(rng, (n, t, f), dtype, lengths)
    layer = getattr(ln, name)(dtype=dtype.name)
    y = answer(layer, x, lengths=lengths) if ragged else answer(layer, x)
    assert y.shape == (n, f)
    close(y, ref.each_alone(partial(ref.pool, kind), x.astype(np.float64), lengths))


def test_repeat_is_numpy_repeat(dtype):
    x = p.normal(np.random.default_rng(0), (3, 5), dtype)
    p.assert_same_bits(
        answer(ln.Repeat(4, dtype=dtype.name), x), np.repeat(x[:, np.newaxis], 4, axis=1)
    )


@pytest.mark.parametrize(
    ("given_shape", "shape", "expected"),
    [
        ((2, 6, 4), (3, 8), (2, 3, 8)),
        ((2, 6, 4), (-1, 8), (2, 3, 8)),
        ((2, 6, 4), (-1, 2), (2, 12, 2)),
        ((2, 6, 4), (24,), (2, 24)),
        ((2, 24), (6, 4), (2, 6, 4)),
        ((2, 24), (-1, 3), (2, 8, 3)),
        ((2, 24), (24,), (2, 24)),
    ],
)
def test_reshape_is_numpy_reshape(dtype, given_shape, shape, expected):
    x = p.normal(np.random.default_rng(0), given_shape, dtype)
    p.assert_same_bits(answer(ln.Reshape(shape, dtype=dtype.name), x), x.reshape(expected))


def test_flatten_is_numpy_reshape(dtype):
    x = p.normal(np.random.default_rng(0), (3, 5, 4), dtype)
    p.assert_same_bits(answer(ln.Flatten(5, dtype=dtype.name), x), x.reshape(3, 20))


def test_reshape_cuts_true_steps_into_true_steps(dtype):
    lengths = np.array([3, 0, 5])
    x = padded(np.random.default_rng(0), (3, 5, 4), dtype, lengths)
    layer = ln.Reshape((-1, 2), dtype=dtype.name)
    expected = np.nan_to_num(x).reshape(3, 10, 2)
    p.assert_same_bits(answer(layer, x, lengths=lengths), expected)


def test_masking_ends_sequences_where_masked_steps_follow(dtype):
    """What comes behind it sees lengths: an LSTM's last step is that of the true end."""
    rng = np.random.default_rng(0)
    lengths = np.array([4, 0, 6, 1])
    x = p.normal(rng, (4, 6, 3), dtype)
    for row, n in zip(x, lengths, strict=True):
        row[n:] = -1.5
    p.assert_same_bits(
        answer(ln.Masking(-1.5, dtype=dtype.name), x), np.where(x == -1.5, dtype.type(0), x)
    )
    lstm = ln.LSTM(5, input_size=3, return_sequences=False, dtype=dtype.name, seed=1)
    model = ln.Sequential([ln.Masking(-1.5), lstm], dtype=dtype.name)
    p.assert_same_bits(model.predict(x), lstm(x, lengths=lengths)[0])


def test_masking_counts_a_step_in_which_one_feature_differs():
    x = np.zeros((1, 3, 2))
    x[0, 1, 1] = 1e-30
    model = ln.Sequential([ln.Masking(dtype="float64"), ln.MeanPool()], dtype="float64")
    np.testing.assert_array_equal(model.predict(x), [[0.0, 1e-30]])  # of one step
    x[0, 0, 0] = 2.0
    np.testing.assert_array_equal(model.predict(x), [[1.0, 5e-31]])


def test_masking_at_the_start_is_a_mask_which_may_have_holes(dtype):
    """Padding in front is what Keras's pad_sequences makes; loss and metrics leave it out, too."""
    rng = np.random.default_rng(0)
    x, y = p.normal(rng, (3, 6, 2), dtype), p.normal(rng, (3, 6, 1), dtype)
    x[0, :3] = x[1, [0, 2, 5]] = -1.1
    mask = (x != dtype.type(-1.1)).any(-1)
    lstm, dense = ln.LSTM(4), ln.Dense(1)
    model = ln.Sequential([ln.Masking(-1.1), lstm, dense], dtype=dtype.name, seed=0)
    found = model.predict(x)
    assert not found[~mask].any()
    plain = ln.Sequential([ln.LSTM(4), ln.Dense(1)], dtype=dtype.name, seed=0)
    plain.predict(x)
    plain.load_state_dict({f"{int(k[0]) - 1}{k[1:]}": v for k, v in model.state_dict().items()})
    p.assert_same_bits(found, plain.predict(x, mask=mask))
    assert model.evaluate(x, y, metrics=["mse"]) == plain.evaluate(x, y, mask=mask, metrics=["mse"])
    p.assert_same_bits(
        answer(ln.Masking(-1.1, dtype=dtype.name), x), np.where(mask[..., None], x, dtype.type(0))
    )


def test_masking_behind_other_layers_tells_lengths_and_refuses_holes():
    x = np.ones((1, 4, 2))
    x[0, 1] = 0.0
    model = ln.Sequential([ln.Activation("relu"), ln.Masking(), ln.Last()], dtype="float64")
    with pytest.raises(ValueError, match=r"masked steps at the end of a sequence alone, got 1"):
        model.predict(x)
    x[0, 1:] = 0.0
    np.testing.assert_array_equal(model.predict(x), [[1.0, 1.0]])


def test_lengths_ride_through_a_network_of_convolutions(isa, dtype, threads):
    """Strides, cuts and pools, a recurrent layer in between: what each sequence gives alone."""
    lengths = np.array([20, 0, 7, 13, 1])
    rng = np.random.default_rng(2)
    x = padded(rng, (5, 20, 3), dtype, lengths)
    layers = [
        ln.Conv1D(6, 3, 2, padding="same", activation="relu"),
        ln.Dense(8),
        ln.MaxPool1D(2, padding="same"),
        ln.LSTM(4),
        ln.Reshape((-1, 2)),
        ln.LayerNorm(),
        ln.Conv1D(5, 2, padding="causal"),
        ln.MeanPool(),
    ]
    model = ln.Sequential(layers, dtype=dtype.name, seed=3)
    y = model.predict(x, lengths=lengths)
    for n, length in enumerate(lengths):
        if length:
            p.assert_same_bits(y[n : n + 1], model.predict(x[n : n + 1, :length]))
        else:
            assert not y[n].any()


@pytest.mark.parametrize("make", [partial(ln.MaxPool1D, 2, 1), ln.MaxPool], ids=["1d", "over all"])
@pytest.mark.parametrize("features", [1, 3, 8, 9, 21])
@pytest.mark.parametrize("first", [0.0, -0.0])
def test_of_equal_values_inference_takes_the_first_as_training_does(make, features, first, dtype):
    """Zeros of both signs are equal, and have other bits."""
    x = np.stack([np.full((1, features), first), np.full((1, features), -first)], axis=1)
    layer = make(dtype=dtype.name)
    trained, _, _ = layer.forward(x.astype(dtype))
    p.assert_same_bits(layer(x.astype(dtype)), trained)
    assert (np.signbit(trained) == np.signbit(first)).all()
