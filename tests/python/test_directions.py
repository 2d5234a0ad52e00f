"""LSTMs in reverse and in both directions: values, gradients, names, shapes, seeds and files."""

from __future__ import annotations

import json

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

import lstm_native as ln

DIRECTIONS = {"forward": {}, "reverse": {"reverse": True}, "both": {"bidirectional": True}}
BACKWARD = {name: options for name, options in DIRECTIONS.items() if options}

directions = st.sampled_from(list(BACKWARD.values()))
shapes = st.tuples(p.samples, p.timesteps, p.features, p.hidden_sizes)


def double(pair: tuple[np.ndarray, ...] | None) -> tuple[np.ndarray, ...] | None:
    return None if pair is None else tuple(a.astype(np.float64) for a in pair)


def check_against_the_reference(
    dtype, shape, num_layers, options, rng, *, with_state=True, return_sequences=True
):
    """Outputs, final states, and every gradient of one layer."""
    n, t, f, h = shape
    width = 2 if "bidirectional" in options else 1
    layer = ln.LSTM(
        h,
        input_size=f,
        num_layers=num_layers,
        return_sequences=return_sequences,
        dtype=dtype.name,
        seed=0,
        **options,
    )
    drawn = ref.random_lstm(rng, f, h, num_layers, **options)
    weights = {name: value.astype(dtype) for name, value in drawn.items()}
    layer.load_state_dict(weights)
    assert list(layer.state_dict()) == list(weights)
    x = p.normal(rng, (n, t, f), dtype)
    dy = p.normal(rng, (n, t, width * h) if return_sequences else (n, width * h), dtype)
    state = dstate = None
    if with_state:
        size = (width * num_layers, n, h)
        state, dstate = (tuple(p.normal(rng, size, dtype) for _ in "hc") for _ in range(2))

    y, final = layer(x, state)
    y_again, final_again, tape = layer.forward(x, state)
    for one, other in zip((y, *final), (y_again, *final_again), strict=True):
        p.assert_same_bits(one, other)
    dx, initial, gradients = tape.backward(dy, dstate)

    options = {**options, "return_sequences": return_sequences}
    expected, expected_final, ref_tape = ref.lstm_forward(
        x.astype(np.float64), p.float64(weights), num_layers, double(state), **options
    )
    for found, wanted in zip((y, *final), (expected, *expected_final), strict=True):
        assert found.dtype == dtype
        assert found.shape == wanted.shape
        assert ref.relative_error(found, wanted) <= p.FORWARD_TOLERANCE[dtype]
    expected_dx, expected_initial, expected_gradients = ref.lstm_backward(
        dy.astype(np.float64), double(dstate), p.float64(weights), ref_tape
    )
    assert list(gradients) == list(weights)
    p.check_gradients(
        dtype,
        {"x": dx, "h": initial[0], "c": initial[1], **gradients},
        {
            "x": expected_dx,
            "h": expected_initial[0],
            "c": expected_initial[1],
            **expected_gradients,
        },
    )


@given(
    shape=shapes,
    num_layers=st.integers(1, 3),
    options=directions,
    with_state=st.booleans(),
    return_sequences=st.booleans(),
    seed=p.seeds,
)
def test_random_shapes_match_the_reference(
    isa, dtype, threads, shape, num_layers, options, with_state, return_sequences, seed
):
    check_against_the_reference(
        dtype,
        shape,
        num_layers,
        options,
        np.random.default_rng(seed),
        with_state=with_state,
        return_sequences=return_sequences,
    )


@pytest.mark.parametrize("name", BACKWARD)
@pytest.mark.parametrize(
    "shape",
    [(67, 20, 40, 70), (3, 150, 5, 129), (2, 300, 3, 16)],
    ids=["rows_over_threads", "long_and_wide", "more_steps_than_rows"],
)
def test_sizes_beyond_one_tile_match_the_reference(isa, dtype, threads, shape, name):
    """Sizes that are split over threads, and over chunks of time counted from the far end."""
    check_against_the_reference(dtype, shape, 2, BACKWARD[name], np.random.default_rng(1))


class TestReverse:
    """A sequence from its end is the flipped sequence from its start: the same bits."""

    @pytest.mark.parametrize("num_layers", [1, 3])
    def test_outputs_states_and_gradients(self, isa, dtype, threads, num_layers):
        options = {"input_size": 6, "dtype": dtype.name, "seed": 3, "num_layers": num_layers}
        if num_layers > 1:
            options["dropout"] = 0.3  # the masks are the same, too
        there, back = ln.LSTM(19, **options), ln.LSTM(19, reverse=True, **options)
        p.assert_same_weights(back.state_dict(), there.state_dict())
        rng = np.random.default_rng(0)
        x, dy = p.normal(rng, (5, 11, 6), dtype), p.normal(rng, (5, 11, 19), dtype)
        state = tuple(p.normal(rng, (num_layers, 5, 19), dtype) for _ in "hc")

        y, final, tape = back.forward(x, state)
        dx, initial, gradients = tape.backward(dy, final)
        y_there, final_there, tape = there.forward(x[:, ::-1], state)
        dx_there, initial_there, gradients_there = tape.backward(dy[:, ::-1], final_there)

        def flipped(a):
            return np.ascontiguousarray(a[:, ::-1])

        pairs = [(y, flipped(y_there)), (dx, flipped(dx_there))]
        pairs += zip((*final, *initial), (*final_there, *initial_there), strict=True)
        for found, expected in pairs:
            p.assert_same_bits(found, expected)
        # The order of a sum over steps may be another.
        p.check_gradients(dtype, gradients, p.float64(gradients_there))

    def test_the_last_step_is_the_first_of_the_sequence(self, isa, dtype):
        options = {"input_size": 4, "dtype": dtype.name, "seed": 3, "reverse": True}
        x = p.normal(np.random.default_rng(0), (3, 8, 4), dtype)
        y, (h, c) = ln.LSTM(9, **options)(x)
        last, (h_last, c_last) = ln.LSTM(9, return_sequences=False, **options)(x)
        p.assert_same_bits(last, np.ascontiguousarray(y[:, 0]))
        p.assert_same_bits(last, h[0])
        p.assert_same_bits(h_last, h)
        p.assert_same_bits(c_last, c)


class TestBothDirections:
    def test_one_layer_is_two_layers_side_by_side(self, isa, dtype, threads):
        both = ln.LSTM(19, input_size=6, bidirectional=True, dtype=dtype.name, seed=3)
        weights = both.state_dict()
        x = p.normal(np.random.default_rng(0), (5, 11, 6), dtype)
        y, state = both(x)
        for direction, suffix in enumerate(["", "_reverse"]):
            alone = ln.LSTM(19, input_size=6, reverse=bool(direction), dtype=dtype.name)
            alone.load_state_dict({name: weights[name + suffix] for name in alone.state_dict()})
            y_alone, state_alone = alone(x)
            columns = slice(19 * direction, 19 * (direction + 1))
            p.assert_same_bits(np.ascontiguousarray(y[:, :, columns]), y_alone)
            for one, of_both in zip(state_alone, state, strict=True):
                p.assert_same_bits(one[0], of_both[direction])

    def test_the_last_step_is_the_end_of_each_direction(self, isa, dtype):
        options = {"input_size": 4, "dtype": dtype.name, "seed": 3, "num_layers": 2}
        x = p.normal(np.random.default_rng(0), (3, 8, 4), dtype)
        y, (h, _) = ln.LSTM(9, bidirectional=True, **options)(x)
        last, _ = ln.LSTM(9, bidirectional=True, return_sequences=False, **options)(x)
        p.assert_same_bits(last, np.concatenate([y[:, -1, :9], y[:, 0, 9:]], axis=1))
        p.assert_same_bits(last, np.concatenate([h[2], h[3]], axis=1))

    def test_dropout_between_layers_drops_values_of_both(self, isa, dtype):
        """In a single step, a gradient's column is zero where the value that it met was dropped."""
        h, rate = 100, 0.25
        options = {"input_size": 3, "num_layers": 2, "dtype": dtype.name, "seed": 0}
        layer = ln.LSTM(h, bidirectional=True, dropout=rate, **options)
        x = np.ones((1, 1, 3), dtype)
        y, _, tape = layer.forward(x)
        gradients = tape.backward(np.ones_like(y))[2]
        kept, kept_too = (
            (gradients[f"weight_ih_l1{suffix}"] != 0).any(axis=0) for suffix in ("", "_reverse")
        )
        assert (kept == kept_too).all()  # both read the same row
        for half in (kept[:h], kept[h:]):
            assert half.mean() == pytest.approx(1 - rate, abs=0.2)
        assert (kept[:h] != kept[h:]).any()
        assert (layer(x)[0] != y).any()

    def test_weights_are_drawn_for_each_direction_and_the_forward_ones_as_ever(self, dtype):
        options = {"input_size": 6, "dtype": dtype.name, "seed": 3}
        weights = ln.LSTM(6, num_layers=2, bidirectional=True, **options).state_dict()
        alone = ln.LSTM(6, num_layers=2, **options).state_dict()
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hh_l1"):
            p.assert_same_bits(weights[name], alone[name])
        matrices = [value for name, value in weights.items() if name.startswith("weight")]
        blocks = [block for matrix in matrices for block in np.split(matrix, 4)]
        for i, one in enumerate(blocks):
            for other in blocks[:i]:
                assert one.shape != other.shape or (one != other).any()
        for suffix in ("_l0_reverse", "_l1_reverse"):
            for block in np.split(weights[f"weight_hh{suffix}"], 4):
                assert ref.orthogonality_defect(block) <= (1e-13 if dtype == np.float64 else 1e-6)
            p.assert_same_bits(weights[f"bias_ih{suffix}"], weights["bias_ih_l0"])
        bound = ref.glorot_bound(12, 6)
        assert bound * 0.9 < np.abs(weights["weight_ih_l1_reverse"]).max() <= bound * (1 + 1e-6)


# -- in a model ----------------------------------------------------------------------------


def make_model(dtype: str = "float32") -> ln.Sequential:
    inner = [ln.LSTM(4, bidirectional=True, return_sequences=False), ln.Dense(2)]
    return ln.Sequential(
        [
            ln.LSTM(5, num_layers=2, dropout=0.2, bidirectional=True),
            ln.LSTM(3, reverse=True),
            ln.LayerNorm(),
            ln.Highway(inner, window=2),
        ],
        dtype=dtype,
        seed=1,
    )


def test_widths_are_handed_on_and_shown():
    model = make_model()
    assert model.predict(np.zeros((2, 6, 3), np.float32)).shape == (2, 2)
    weights = model.state_dict()
    assert weights["0.weight_ih_l1_reverse"].shape == (20, 10)
    assert weights["1.weight_ih_l0"].shape == (12, 10)
    assert weights["3.layers.0.weight_hh_l0_reverse"].shape == (16, 4)
    assert weights["3.layers.1.weight"].shape == (2, 8)
    lines = model.summary().splitlines()
    first = next(line for line in lines if "LSTM" in line)
    assert "10" in first
    layers = 2 * 20 * ((3 + 5 + 2) + (10 + 5 + 2))
    assert str(layers) in first.replace(",", "").replace("_", "")
    assert "bidirectional=True" in repr(model.layers[0])


def test_a_trained_model_comes_back_from_its_file(tmp_path, dtype):
    """Layers, weights and the optimiser's state: training goes on as if nothing had happened."""
    rng = np.random.default_rng(0)
    x, y = p.normal(rng, (12, 6, 3), dtype), p.normal(rng, (12, 2), dtype)
    model = make_model(dtype.name)
    model.fit(x, y, epochs=1, seed=2, verbose=False)
    path = tmp_path / "model.safetensors"
    model.save(path)
    with safe_open(path, framework="numpy") as file:
        layers = json.loads(file.metadata()["network"])["layers"]
        assert "0.weight_ih_l1_reverse" in file.keys()  # noqa: SIM118 (not a dictionary)
    assert [(s["bidirectional"], s["reverse"]) for s in layers[:2]] == [
        (True, False),
        (False, True),
    ]
    loaded = ln.load_model(path)
    assert [layer._spec() for layer in loaded.layers] == [layer._spec() for layer in model.layers]
    p.assert_same_weights(loaded.state_dict(), model.state_dict())
    p.assert_same_bits(loaded.predict(x), model.predict(x))
    for each in (model, loaded):
        each.fit(x, y, epochs=2, seed=3, verbose=False)
    p.assert_same_weights(loaded.state_dict(), model.state_dict())


def test_a_model_learns_what_only_the_future_tells():
    """The target is the next step's input: one direction cannot know it."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 10, 1)).astype(np.float32)
    y = np.concatenate([x[:, 1:], np.zeros_like(x[:, :1])], axis=1)
    losses = {}
    for name, options in DIRECTIONS.items():
        model = ln.Sequential([ln.LSTM(12, **options), ln.Dense(1)], seed=0)
        history = model.fit(
            x, y, epochs=60, optimizer=ln.Adam(0.02), batch_size=16, seed=0, verbose=False
        )
        losses[name] = history.history["loss"][-1]
    assert losses["forward"] > 0.4
    assert losses["both"] < 0.1
    assert losses["reverse"] < 0.1


# -- what is refused -----------------------------------------------------------------------


def test_both_directions_in_reverse_have_no_meaning():
    with pytest.raises(ValueError, match=r"reverse=True .*bidirectional=True"):
        ln.LSTM(4, bidirectional=True, reverse=True)
    with pytest.raises(ValueError, match=r"layer\.reverse: expected false with bidirectional"):
        p.make_layer(p.lstm_spec(4, bidirectional=True, reverse=True), 3, "float32")


@pytest.mark.parametrize("option", ["bidirectional", "reverse"])
@pytest.mark.parametrize("value", [1, None, "yes"])
def test_a_direction_is_true_or_false(option, value):
    with pytest.raises(TypeError, match=option):
        ln.LSTM(4, **{option: value})
    with pytest.raises(ValueError, match=rf"layer\.{option}: expected true or false"):
        p.make_layer(p.lstm_spec(4, **{option: value}), 3, "float32")


def test_a_state_has_both_directions():
    layer = ln.LSTM(5, input_size=3, num_layers=2, bidirectional=True, seed=0)
    x = np.zeros((2, 4, 3), np.float32)
    one = np.zeros((2, 2, 5), np.float32)
    with pytest.raises(ValueError, match=r"state h: .*\(4, 2, 5\).*\(2, 2, 5\)"):
        layer(x, (one, one))
    y, _, tape = layer.forward(x)
    with pytest.raises(ValueError, match=r"dy: .*\(2, 4, 10\).*\(2, 4, 5\)"):
        tape.backward(y[:, :, :5])


def test_weights_of_one_direction_do_not_fit_both():
    one, both = (ln.LSTM(5, input_size=3, bidirectional=b, seed=0) for b in (False, True))
    before = both.state_dict()
    with pytest.raises(ValueError, match="missing: 'weight_ih_l0_reverse'"):
        both.load_state_dict(one.state_dict())
    with pytest.raises(ValueError, match="unexpected: 'weight_ih_l0_reverse'"):
        one.load_state_dict(before)
    p.assert_same_weights(both.state_dict(), before)
