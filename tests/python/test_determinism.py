"""A row is its own world: the same bits in any batch, at any place, on any number of threads."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln
from lstm_native import _core


def make_model(dtype: np.dtype, hidden: int = 21, **options) -> ln.Sequential:
    return ln.Sequential(
        [
            ln.LSTM(hidden, num_layers=2, **options),
            ln.LayerNorm(),
            ln.LSTM(hidden // 2 + 1),
            ln.Dense(3, activation="softmax"),
        ],
        dtype=dtype.name,
        seed=9,
    )


@pytest.mark.parametrize("batch_size", [1, 2, 5, 16, 33])
def test_predict_does_not_depend_on_the_batch_size(isa, dtype, threads, batch_size):
    model = make_model(dtype)
    x = p.normal(np.random.default_rng(0), (33, 8, 5), dtype)
    p.assert_same_bits(model.predict(x, batch_size=batch_size), model.predict(x))


def test_weights_that_no_cache_holds_are_read_in_chunks_and_make_the_same_bits(isa, threads):
    """With 16 MiB of weights few rows project many steps at once, many rows none: as one by one."""
    layer = ln.LSTM(64, input_size=16384, seed=3)
    x = p.normal(np.random.default_rng(0), (33, 3, 16384), np.dtype("float32"))
    whole = layer(x)[0]
    for rows in (1, 2, 7):
        p.assert_same_bits(layer(x[:rows])[0], whole[:rows])
    p.assert_same_bits(layer(x[:2], lengths=np.array([3, 2]))[0][0], whole[0])


def test_steps_that_follow_change_nothing_before_them(isa, dtype):
    """Padding behind a sequence, whatever it holds, does not reach back."""
    model = make_model(dtype)
    x = p.normal(np.random.default_rng(0), (5, 12, 4), dtype)
    whole = model.predict(x)
    for length in (1, 2, 7, 11):
        changed = x.copy()
        changed[:, length:] = 1e6
        p.assert_same_bits(
            np.ascontiguousarray(model.predict(changed)[:, :length]),
            np.ascontiguousarray(whole[:, :length]),
        )
        p.assert_same_bits(model.predict(x[:, :length]), np.ascontiguousarray(whole[:, :length]))


def test_one_sequence_beside_overflowing_ones(isa, dtype):
    """An infinity in another row stays in that row."""
    layer = p.make_layer(p.dense_spec(7), 5, dtype)
    x = p.normal(np.random.default_rng(0), (9, 5), dtype)
    expected = layer.forward(x, None, False, 0)[0]
    x[4] = np.finfo(dtype).max
    found = layer.forward(x, None, False, 0)[0]
    rest = [i for i in range(9) if i != 4]
    p.assert_same_bits(found[rest], expected[rest])


@pytest.mark.parametrize(
    ("n", "t", "f", "h"), [(64, 20, 40, 70), (3, 30, 16, 200), (1, 25, 3, 300), (257, 4, 9, 8)]
)
def test_forward_and_gradients_do_not_depend_on_threads(isa, dtype, n, t, f, h):
    rng = np.random.default_rng(0)
    layer = p.make_layer(p.lstm_spec(h), f, dtype)
    p.randomise(layer, rng, scale=0.1)
    x, dy = p.normal(rng, (n, t, f), dtype), p.normal(rng, (n, t, h), dtype)

    def work():
        y, state, tape = layer.forward(x, None, True, 0)
        return y, state, tape.backward(dy, None)

    expected = p.run_on_threads(1, work)
    for count in (2, 3, 4):
        y, state, (dx, dstate, gradients) = p.run_on_threads(count, work)
        p.assert_same_bits(y, expected[0])
        for one, other in zip((*state, *dstate), (*expected[1], *expected[2][1]), strict=True):
            p.assert_same_bits(one, other)
        p.assert_same_bits(dx, expected[2][0])
        p.assert_same_weights(gradients, expected[2][2])


def fit(dtype: np.dtype, *, seed: int = 5, **options) -> tuple[ln.Sequential, ln.History]:
    rng = np.random.default_rng(0)
    model = make_model(dtype, dropout=0.3)
    x = p.normal(rng, (90, 7, 4), dtype)
    y = rng.integers(0, 3, (90, 7))
    history = model.fit(
        x,
        y,
        epochs=3,
        batch_size=40,
        loss="categorical_crossentropy",
        optimizer=ln.AdamW(0.01, clip_norm=1.0),
        validation_split=0.2,
        seed=seed,
        verbose=False,
        **options,
    )
    return model, history


def test_fit_with_a_seed_repeats_bit_for_bit(isa, dtype):
    first, first_history = p.run_on_threads(1, lambda: fit(dtype))
    for count in (1, 2, 4):
        model, history = p.run_on_threads(count, lambda: fit(dtype))
        p.assert_same_weights(model.state_dict(), first.state_dict())
        for key in ("loss", "val_loss"):
            assert history.history[key] == first_history.history[key]
    other, _ = fit(dtype, seed=6)
    name = "0.weight_ih_l0"
    assert (other.state_dict()[name] != first.state_dict()[name]).any()


def test_fit_does_not_touch_the_global_random_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (the legacy state is the point)
    fit(np.dtype("float32"))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_arrays_handed_in_are_only_read():
    rng = np.random.default_rng(0)
    x, y = p.normal(rng, (9, 4, 3), "float32"), p.normal(rng, (9, 1), "float32")
    x_before, y_before = x.copy(), y.copy()
    model = ln.Sequential([ln.LSTM(5, return_sequences=False), ln.Dense(1)], seed=0)
    model.fit(x, y, epochs=2, seed=0, verbose=False)
    model.predict(x)
    p.assert_same_bits(x, x_before)
    p.assert_same_bits(y, y_before)


def test_arrays_handed_out_belong_to_the_caller():
    """Writing into a result changes neither the model nor a later result."""
    model = ln.Sequential([ln.LSTM(5)], seed=0)
    x = p.normal(np.random.default_rng(0), (2, 3, 4), "float32")
    y = model.predict(x)
    kept = y.copy()
    y[:] = 7.0
    weights = model.state_dict()
    for value in weights.values():
        value[:] = 0.0
    p.assert_same_bits(model.predict(x), kept)


def test_training_on_sets_that_fuse_ends_in_the_same_bits(dtype):
    first, *others = p.on_each_set(p.FUSED_SETS, lambda: fit(dtype)) or [None]
    for model, history in others:
        p.assert_same_weights(model.state_dict(), first[0].state_dict())
        assert history.history == first[1].history


@pytest.mark.parametrize("hidden", [5, 9, 16, 21])
def test_dropout_masks_do_not_depend_on_the_instruction_set(dtype, hidden):
    """The same seed drops the same values, however wide the vectors are."""
    rng = np.random.default_rng(0)
    layer = p.make_layer(p.lstm_spec(hidden, num_layers=3, dropout=0.4), 4, dtype)
    x, dy = p.normal(rng, (5, 6, 4), dtype), p.normal(rng, (5, 6, hidden), dtype)

    def work() -> tuple[np.ndarray, np.ndarray]:
        y, _, tape = layer.forward(x, None, True, 3)
        return y, tape.backward(dy, None)[0]

    (y, dx), *others = p.on_each_set(_core.build_info()["isas_available"], work)
    for other_y, other_dx in others:
        assert ref.relative_error(other_y, y) <= p.FORWARD_TOLERANCE[dtype]
        assert ref.relative_error(other_dx, dx) <= p.GRADIENT_TOLERANCE[dtype]


def test_training_ends_in_the_same_place_on_every_set(dtype):
    """Not bit for bit: without FMA each product is rounded once more."""
    first, *others = p.on_each_set(
        _core.build_info()["isas_available"], lambda: fit(dtype)[0].state_dict()
    )
    for other in others:
        for name, value in first.items():
            error = ref.relative_error(other[name], value)
            assert error <= (1e-4 if dtype == np.float32 else 1e-11), name


def test_concurrent_predictions_do_not_disturb_each_other(isa):
    """predict releases the GIL and may run from several Python threads at once."""
    from concurrent.futures import ThreadPoolExecutor

    model = make_model(np.dtype("float32"))
    rng = np.random.default_rng(0)
    inputs = [p.normal(rng, (n, 9, 4), "float32") for n in range(1, 25)]
    expected = [model.predict(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(model.predict, inputs), expected, strict=True):
            p.assert_same_bits(found, wanted)
