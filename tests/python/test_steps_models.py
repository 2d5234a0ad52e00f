"""Layers along the time axis in models: streams, files, training, and what is refused."""

from __future__ import annotations

import copy

import numpy as np
import product as p
import pytest
from plain_calls import answer, remember

import lstm_native as ln

N, T, F = 3, 9, 4

STREAMED = {
    "conv1d": lambda: ln.Conv1D(5, 3, padding="causal", activation="tanh"),
    "conv1d_dilated": lambda: ln.Conv1D(5, 3, dilation=2, padding="causal"),
    "conv1d_of_one_step": lambda: ln.Conv1D(5, 1),
    "max_pool1d": lambda: ln.MaxPool1D(3, 1, "causal"),
    "mean_pool1d": lambda: ln.MeanPool1D(4, 1, "causal"),
    "last": ln.Last,
    "max_pool": ln.MaxPool,
    "mean_pool": ln.MeanPool,
    "reshape": lambda: ln.Reshape((-1, F)),
    "masking": ln.Masking,
    "batch_norm": ln.BatchNorm,
    "scale": lambda: ln.Scale(-1.5, 0.25),
}
OTHERS = {
    "conv1d_strided": lambda: ln.Conv1D(5, 3, 2, padding="same", bias=False),
    "max_pool1d_valid": lambda: ln.MaxPool1D(3),
    "mean_pool1d_same": lambda: ln.MeanPool1D(3, 2, "same"),
    "reshape_cut": lambda: ln.Reshape((-1, 2)),
    "reshape_row": lambda: ln.Reshape((T * F,)),
    "flatten": lambda: ln.Flatten(T),
    "batch_norm_plain": lambda: ln.BatchNorm(0.5, 1e-3, scale=False, center=False),
    "masking_value": lambda: ln.Masking(-7.0),
}


def built(layer: ln.Layer, dtype: np.dtype, rng: np.random.Generator) -> ln.Sequential:
    """A model of this layer alone, with weights that are none of the first ones."""
    model = ln.Sequential([layer], dtype=dtype.name, seed=0)
    model.predict(np.ones((1, T, F), dtype))
    for layer in model.layers:
        if layer.state_dict():
            values = p.randomise(layer._native, rng)
            if "running_var" in values:
                values["running_var"] = np.abs(values["running_var"])
            layer.load_state_dict({k: v.astype(dtype) for k, v in values.items()})
    return model


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_has_the_bits_of_predict(isa, dtype, name):
    """At each step those of a sequence that ends there."""
    rng = np.random.default_rng(0)
    model = built(STREAMED[name](), dtype, rng)
    x = p.normal(rng, (N, T, F), dtype)
    stream = model.stream(N)
    for _ in range(2):  # reset begins anew
        for t in range(T):
            expected = model.predict(x[:, : t + 1])
            if expected.ndim == 3:
                expected = expected[:, t]
            p.assert_same_bits(stream.step(x[:, t]), np.ascontiguousarray(expected))
        stream.reset()


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_goes_on_from_its_state(dtype, name):
    rng = np.random.default_rng(0)
    model = built(STREAMED[name](), dtype, rng)
    x = p.normal(rng, (N, T, F), dtype) * 100
    stream, other = model.stream(N), model.stream(N)
    for t in range(T - 3):
        stream.step(x[:, t])
    other.step(x[:, 0])
    other.state = stream.state
    for t in range(T - 3, T):
        p.assert_same_bits(other.step(x[:, t]), stream.step(x[:, t]))


@pytest.mark.parametrize("name", [*STREAMED, *OTHERS])
def test_files_and_copies_have_the_same_bits(tmp_path, dtype, name):
    rng = np.random.default_rng(0)
    model = built({**STREAMED, **OTHERS}[name](), dtype, rng)
    model.save(tmp_path / "m.safetensors")
    x = p.normal(rng, (N, T, F), dtype)
    for other in (ln.load_model(tmp_path / "m.safetensors"), copy.deepcopy(model)):
        p.assert_same_weights(other.state_dict(), model.state_dict())
        assert repr(other.layers[0]) == repr(model.layers[0])
        p.assert_same_bits(other.predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (ln.Conv1D(2, 3), r"Conv1D: cannot be streamed: .*steps to come"),
        (ln.Conv1D(2, 3, padding="same"), r"Conv1D: cannot be streamed: .*steps to come"),
        (ln.Conv1D(2, 3, 2, padding="causal"), r"stride of 2"),
        (ln.MaxPool1D(2), r"MaxPool1D: cannot be streamed"),
        (ln.MeanPool1D(2), r"MeanPool1D: cannot be streamed"),
        (ln.Reshape((-1, 2)), r"Reshape: cannot be streamed"),
        (ln.Flatten(T), r"Flatten: cannot be streamed"),
    ],
)
def test_what_needs_other_steps_is_not_streamed(layer, told):
    model = ln.Sequential([layer])
    model.predict(np.ones((1, T, F), "float32"))
    with pytest.raises(ValueError, match=told):
        model.stream()


def test_lengths_reach_the_loss_through_strides():
    """A padded batch learns what the sequences would have taught at their true lengths."""
    rng = np.random.default_rng(0)
    lengths = np.array([8, 3, 6])
    x, y = rng.standard_normal((3, 8, 2)), rng.standard_normal((3, 4, 1))
    losses = []
    for filler in (0.0, 1e6):
        for row, target, n in zip(x, y, lengths, strict=True):
            row[n:] = filler
            target[-(-n // 2) :] = filler
        layers = [ln.Conv1D(3, 3, 2, padding="same"), ln.LSTM(4), ln.Dense(1)]
        model = ln.Sequential(layers, dtype="float64", seed=0)
        history = model.fit(x, y, epochs=3, lengths=lengths, seed=0, verbose=False)
        losses.append(history.history["loss"])
        p.assert_same_bits(model.predict(x, lengths=lengths)[1, 2:], np.zeros((2, 1)))
    assert losses[0] == losses[1]


def test_a_mask_with_holes_is_a_sequence_without_them(dtype):
    rng = np.random.default_rng(0)
    x = p.normal(rng, (2, 6, 3), dtype)
    mask = np.array(
        [[False, True, True, False, True, True], [True, False, False, True, True, False]]
    )
    layer = ln.Conv1D(4, 3, padding="causal", dtype=dtype.name, seed=0)
    y = answer(layer, x, mask=mask)
    for n in range(2):
        own = answer(layer, x[n : n + 1, mask[n]])
        p.assert_same_bits(y[n, mask[n]], own[0])
        assert not y[n, ~mask[n]].any()
    pool = ln.MaxPool(dtype=dtype.name)
    p.assert_same_bits(answer(pool, x, mask=mask)[0:1], answer(pool, x[:1, mask[0]]))
    with pytest.raises(ValueError, match="has holes, and the output has another number of steps"):
        answer(ln.MaxPool1D(2, dtype=dtype.name), x, mask=mask)


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: ln.Conv1D(0, 3), ValueError, "filters"),
        (lambda: ln.Conv1D(2, 0), ValueError, "kernel_size"),
        (lambda: ln.Conv1D(2, 3, 0), ValueError, "stride"),
        (lambda: ln.Conv1D(2, 3, dilation=0), ValueError, "dilation"),
        (lambda: ln.Conv1D(2, 3, padding="full"), ValueError, "padding"),
        (lambda: ln.Conv1D(2, 3, activation="swish"), ValueError, "activation"),
        (lambda: ln.Conv1D(2.5, 3), TypeError, "filters"),
        (lambda: ln.MaxPool1D(0), ValueError, "pool_size"),
        (lambda: ln.MeanPool1D(2, 0), ValueError, "stride"),
        (lambda: ln.Repeat(0), ValueError, "times"),
        (lambda: ln.Reshape((2, 3, 4)), ValueError, "shape: expected"),
        (lambda: ln.Reshape(4), TypeError, "shape: expected"),
        (lambda: ln.Reshape((0, 4)), ValueError, r"shape\[0\]"),
        (lambda: ln.Reshape((4, -1)), ValueError, r"shape\[-1\]"),
        (lambda: ln.Flatten(0), ValueError, "timesteps"),
        (lambda: ln.Masking(float("nan")), ValueError, "value"),
    ],
)
def test_options_that_make_no_sense_are_refused(make, error, told):
    with pytest.raises(error, match=told):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "options", "told"),
    [
        (ln.Conv1D(2, 3), (2, 4), {}, "Conv1D: expected an input with a time axis"),
        (ln.Conv1D(2, 3, dilation=2), (2, 4, 1), {}, "at least 5 timesteps"),
        (ln.MaxPool1D(5), (2, 4, 1), {}, "MaxPool1D: expected at least 5 timesteps"),
        (ln.Last(), (2, 4), {}, "Last: expected an input with a time axis"),
        (ln.MeanPool(), (2, 4), {}, "MeanPool: expected an input with a time axis"),
        (ln.Masking(), (2, 4), {}, "Masking: expected an input with a time axis"),
        (ln.Repeat(2), (2, 4, 3), {}, "Repeat: expected an input without time axis"),
        (ln.Flatten(3), (2, 4, 3), {}, "Flatten: expected 3 timesteps, got 4"),
        (ln.Flatten(4), (2, 4), {}, "Flatten: expected 4 timesteps, got no time axis"),
        (ln.Flatten(4), (2, 4, 3), {"lengths": [4, 3]}, "lengths"),
        (ln.Reshape((2, 5)), (2, 4, 3), {}, r"Reshape: expected values for \(N, 2, 5\), got"),
        (ln.Reshape((-1, 5)), (2, 4, 3), {}, r"expected values for \(N, T, 5\), got \(N, 4, 3\)"),
        (ln.Reshape((-1, 6)), (2, 4, 3), {"lengths": [4, 2]}, "lengths"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit_are_refused(layer, shape, options, told):
    with pytest.raises(ValueError, match=told):
        answer(layer, np.ones(shape, "float32"), **options)
    with pytest.raises(ValueError, match=told):
        ln.Sequential([copy.deepcopy(layer)]).predict(np.ones(shape, "float32"), **options)


def test_windows_of_time_are_refused_by_layers_that_look_beyond_them():
    x, y = np.ones((2, 8, 1)), np.ones((2, 8, 1))
    for layer in (ln.Conv1D(2, 3, padding="causal"), ln.MeanPool1D(3, 1, "causal")):
        model = ln.Sequential([layer, ln.LSTM(3, stateful=True), ln.Dense(1)])
        with pytest.raises(ValueError, match="windows"):
            model.fit(x, y, tbptt=4, verbose=False)


def test_an_encoder_and_a_decoder_in_a_row_learn():
    """Repeat between two recurrent layers: five steps out of any number."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 6, 1))
    y = np.repeat(x[:, -1:], 5, axis=1)
    layers = [ln.LSTM(12), ln.Last(), ln.Repeat(5), ln.LSTM(12), ln.Dense(1)]
    model = ln.Sequential(layers, seed=0)
    history = model.fit(x, y, epochs=30, optimizer=ln.Adam(0.02), seed=0, verbose=False)
    assert history.history["loss"][-1] < 0.2 * history.history["loss"][0]


@pytest.mark.parametrize("name", ["conv1d", "max_pool", "mean_pool1d"])
def test_no_samples_have_no_rows(dtype, name):
    layer = STREAMED[name]()
    layer = type(layer)._from_spec({k: v for k, v in layer._spec().items() if k != "type"})
    answer(layer, np.ones((1, T, F)))
    x = np.ones((0, T, F))
    assert len(answer(layer, x)) == 0
    y, backward = remember(layer, x)
    dx, _ = backward(y)
    assert dx.shape == (0, T, F)


def test_a_summary_shows_layers_of_a_fixed_number_of_steps():
    layers = [ln.Conv1D(8, 3), ln.Flatten(10), ln.Dense(6), ln.Reshape((3, 2)), ln.Last()]
    model = ln.Sequential(layers)
    model.predict(np.ones((2, 12, 4), "float32"))
    shapes = [line[11:24].strip() for line in model.summary().splitlines()[1:-1]]
    assert shapes[1:] == ["(N, 80)", "(N, 6)", "(N, 3, 2)", "(N, 2)"]
