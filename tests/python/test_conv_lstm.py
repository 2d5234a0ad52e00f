"""ConvLSTM: against loops in float64, against PyTorch's convolution, in training and in streams."""

from __future__ import annotations

import json

import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln

F64 = np.dtype("float64")


def spec(filters: int, kernel: tuple[int, int], image: tuple[int, int, int], **options) -> p.Spec:
    return {
        "type": "conv_lstm",
        "filters": filters,
        "kernel_height": kernel[0],
        "kernel_width": kernel[1],
        "height": image[0],
        "width": image[1],
        "channels": image[2],
        **options,
    }


def flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(*array.shape[:-3], -1)


def random_state(rng, samples: int, image: tuple[int, int], filters: int, dtype) -> tuple:
    return tuple(p.normal(rng, (1, samples, *image, filters), dtype) for _ in "hc")


@st.composite
def shapes(draw):
    """Samples, steps, image, filters, kernel: all small, even and odd, with every tail."""
    image = draw(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4)))
    kernel = tuple(draw(st.integers(1, min(2 * side - 1, 4))) for side in image[:2])
    filters = draw(st.integers(1, 9) | st.sampled_from([16, 17, 33]))
    return draw(st.integers(1, 3)), draw(st.integers(1, 4)), image, filters, kernel


@given(
    shape=shapes(),
    peephole=st.booleans(),
    reverse=st.booleans(),
    bias=st.booleans(),
    with_state=st.booleans(),
    seed=p.seeds,
)
def test_conv_lstm_matches_the_reference(
    isa, dtype, threads, shape, peephole, reverse, bias, with_state, seed
):
    n, t, image, filters, kernel = shape
    rng = np.random.default_rng(seed)
    layer = p.make_layer(
        spec(filters, kernel, image, peephole=peephole, reverse=reverse, bias=bias),
        np.prod(image),
        dtype,
    )
    assert ("bias" in layer.parameters()) == bias
    w = p.randomise(layer, rng)
    x = p.normal(rng, (n, t, *image), dtype)
    state = random_state(rng, n, image[:2], filters, dtype) if with_state else None
    y, final, _ = layer.forward(flat(x), None if state is None else [*map(flat, state)], False, 0)
    expected = ref.conv_lstm_forward(
        x.astype(F64),
        w,
        None if state is None else tuple(part[0].astype(F64) for part in state),
        reverse=reverse,
    )
    # Sums of many terms of either sign, judged by what bounds the output.
    for found, wanted in zip((y, *(part[0] for part in final)), expected, strict=True):
        error = np.abs(found - flat(wanted)).max() / max(1.0, np.abs(wanted).max())
        assert error <= 2 * p.FORWARD_TOLERANCE[dtype]


CASES = {
    "plain": (spec(3, (3, 3), (3, 4, 2)), (2, 3)),
    "one_pixel": (spec(2, (1, 1), (1, 1, 3)), (2, 3)),
    "even_kernel": (spec(2, (2, 4), (3, 4, 1)), (1, 2)),
    "kernel_larger_than_the_image": (spec(2, (3, 5), (2, 3, 1)), (1, 2)),
    "vector_tail": (spec(9, (3, 1), (2, 2, 1)), (1, 2)),
    "last_step": (spec(2, (3, 3), (3, 2, 2), return_sequences=False), (2, 3)),
    "peephole": (spec(3, (3, 3), (2, 3, 2), peephole=True), (2, 3)),
    "no_bias": (spec(2, (3, 3), (2, 3, 2), bias=False), (2, 3)),
    "no_bias_peephole": (spec(2, (3, 3), (2, 3, 2), bias=False, peephole=True), (2, 3)),
    "reverse": (spec(2, (3, 3), (2, 3, 2), reverse=True, peephole=True), (2, 3)),
    "reverse_last_step": (
        spec(2, (3, 3), (2, 2, 2), reverse=True, return_sequences=False),
        (2, 3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_match_central_differences(isa, threads, name):
    """Every element: input, initial states, parameters; with gradients of the final states."""
    options, (n, t) = CASES[name]
    rng = np.random.default_rng(1)
    image = options["height"], options["width"], options["channels"]
    layer = p.make_layer(options, np.prod(image), F64)
    weights = p.randomise(layer, rng)
    x = rng.standard_normal((n, t, np.prod(image)))
    size = (1, n, image[0] * image[1] * options["filters"])
    state = [rng.standard_normal(size) for _ in "hc"]
    dstate = [rng.standard_normal(size) for _ in "hc"]
    y, _, tape = layer.forward(x, state, True, 0)
    dy = rng.standard_normal(y.shape)
    dx, dinitial, gradients = tape.backward(dy, dstate)

    def value(x=x, h=state[0], c=state[1]) -> float:
        y, final, _ = layer.forward(x, [h, c], False, 0)
        return float((y * dy).sum() + sum(np.vdot(*q) for q in zip(final, dstate, strict=True)))

    def check(what: str, gradient: np.ndarray, f, at: np.ndarray) -> None:
        error = ref.relative_error(gradient, ref.central_difference(f, at))
        assert error <= p.DIFFERENCE_TOLERANCE, f"{what}: relative error {error:.3g}"

    check("x", dx, lambda a: value(x=a), x)
    check("h", dinitial[0], lambda a: value(h=a), state[0])
    check("c", dinitial[1], lambda a: value(c=a), state[1])
    assert list(gradients) == list(weights)
    for key, at in weights.items():

        def moved(a: np.ndarray, key: str = key) -> float:
            layer.set_parameters({**weights, key: a})
            return value()

        check(key, gradients[key], moved, at)
        layer.set_parameters(weights)


@pytest.mark.parametrize("peephole", [False, True])
def test_values_and_gradients_match_pytorch(dtype, threads, peephole):
    """Sizes that are split over threads, against conv2d and autograd in float64."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    n, t, image, filters, kernel = 5, 4, (12, 10, 3), 20, (3, 5)
    layer = ln.ConvLSTM(
        filters, kernel, input_shape=image, peephole=peephole, dtype=dtype.name, seed=0
    )
    w = {k: p.normal(rng, v.shape, dtype) * dtype.type(0.1) for k, v in layer.state_dict().items()}
    layer.load_state_dict(w)
    x = p.normal(rng, (n, t, *image), dtype)
    state = random_state(rng, n, image[:2], filters, dtype)
    y, final, tape = layer.forward(x, state)
    dy = p.normal(rng, y.shape, dtype)
    dstate = tuple(p.normal(rng, part.shape, dtype) for part in final)
    dx, dinitial, gradients = tape.backward(dy, dstate)

    def leaf(array):
        return torch.tensor(array.astype(F64), requires_grad=True)

    tw = {k: leaf(v) for k, v in w.items()}
    tx, th0, tc0 = leaf(x), leaf(state[0]), leaf(state[1])
    to_conv, to_image = (0, 3, 1, 2), (0, 2, 3, 1)
    h, c = th0[0].permute(to_conv), tc0[0].permute(to_conv)
    pi, pf, po = tw["peephole"].permute(to_conv) if peephole else (0.0, 0.0, 0.0)
    outputs = []
    for step in range(t):
        conv = torch.nn.functional.conv2d
        sums = conv(tx[:, step].permute(to_conv), tw["weight_ih"], tw["bias"], padding="same")
        i, f, g, o = (sums + conv(h, tw["weight_hh"], padding="same")).chunk(4, dim=1)
        i, f = torch.sigmoid(i + pi * c), torch.sigmoid(f + pf * c)
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + po * c) * torch.tanh(c)
        outputs.append(h.permute(to_image))
    ty = torch.stack(outputs, dim=1)
    th, tc = (part.permute(to_image)[None] for part in (h, c))
    total = (ty * torch.tensor(dy)).sum() + sum(
        (a * torch.tensor(b)).sum() for a, b in zip((th, tc), dstate, strict=True)
    )
    total.backward()
    for found, wanted in zip((y, *final), (ty, th, tc), strict=True):
        assert ref.relative_error(found, wanted.detach().numpy()) <= 4 * p.FORWARD_TOLERANCE[dtype]
    p.check_gradients(
        dtype,
        {"x": dx, "h": dinitial[0], "c": dinitial[1], **gradients},
        {
            "x": tx.grad.numpy(),
            "h": th0.grad.numpy(),
            "c": tc0.grad.numpy(),
            **{k: v.grad.numpy() for k, v in tw.items()},
        },
    )


def test_images_come_in_and_go_out_in_either_form(dtype):
    rng = np.random.default_rng(0)
    layer = ln.ConvLSTM(4, (2, 3), input_shape=(3, 5, 2), dtype=dtype.name, seed=0)
    x = p.normal(rng, (2, 3, 3, 5, 2), dtype)
    y, state = layer(x)
    assert y.shape == (2, 3, 3, 5, 4)
    assert [part.shape for part in state] == [(1, 2, 3, 5, 4)] * 2
    p.assert_same_bits(layer(flat(x))[0], y)
    p.assert_same_bits(layer(x.astype(F64).tolist())[0], y)
    p.assert_same_bits(y[:, -1], state[0][0])
    # The state goes on where it was.
    first, middle = layer(x[:, :2])
    p.assert_same_bits(first, y[:, :2])
    p.assert_same_bits(layer(x[:, 2:], middle)[0], y[:, 2:])
    _, _, tape = layer.forward(x)
    dx, dstate, grads = tape.backward(y, state)
    assert dx.shape == x.shape
    assert [part.shape for part in dstate] == [(1, 2, 3, 5, 4)] * 2
    assert grads["weight_ih"].shape == (16, 2, 2, 3)
    _, _, tape = layer.forward(flat(x))
    p.assert_same_bits(tape.backward(flat(y), state)[0], flat(dx))
    last = ln.ConvLSTM(4, 3, input_shape=(3, 5, 2), return_sequences=False, dtype=dtype.name)
    assert last(x)[0].shape == (2, 3, 5, 4)


def model_of(dtype: str = "float32", **options) -> ln.Sequential:
    layers = [
        ln.ConvLSTM(3, 3, input_shape=(4, 4, 1), **options),
        ln.ConvLSTM(2, (3, 2), input_shape=(4, 4, 3), return_sequences=False),
        ln.Dense(2),
    ]
    return ln.Sequential(layers, dtype=dtype, seed=1)


@pytest.mark.parametrize("options", [{}, {"peephole": True}, {"peephole": True, "bias": False}])
def test_a_model_trains_and_comes_back_from_a_file(tmp_path, threads, options):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 5, 4, 4, 1))
    y = np.stack([x[:, -1].mean(axis=(1, 2, 3)), x[:, 0].mean(axis=(1, 2, 3))], axis=1)
    model = model_of("float64", **options)
    assert "ConvLSTM" in model.summary()
    history = model.fit(x, y, epochs=20, optimizer=ln.Adam(0.02), verbose=False, seed=0)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert model.evaluate(x, y)["loss"] == model.evaluate(flat(x), y)["loss"]
    model.save(tmp_path / "m.safetensors")
    again = ln.load_model(tmp_path / "m.safetensors")
    p.assert_same_bits(again.predict(x), model.predict(x))
    found = again.layers[1]
    assert isinstance(found, ln.ConvLSTM)
    assert (found.filters, found.kernel_size, found.input_shape) == (2, (3, 2), (4, 4, 3))
    for each in (model, again):
        each.fit(x, y, epochs=22, initial_epoch=20, verbose=False, seed=0)
    p.assert_same_weights(again.state_dict(), model.state_dict())


@pytest.mark.parametrize("peephole", [False, True])
def test_a_stream_gives_the_bits_of_predict(isa, dtype, peephole):
    layers = [
        ln.ConvLSTM(3, 3, input_shape=(4, 4, 2), peephole=peephole),
        ln.ConvLSTM(5, 2, input_shape=(4, 4, 3)),
    ]
    model = ln.Sequential(layers, dtype=dtype.name, seed=1)
    x = flat(p.normal(np.random.default_rng(0), (3, 6, 4, 4, 2), dtype))
    expected = model.predict(x)
    stream, other = model.stream(3), model.stream(3)
    for t in range(6):
        step = np.ascontiguousarray(x[:, t])
        if t == 3:
            other.state = stream.state
        if t >= 3:
            p.assert_same_bits(other.step(step), expected[:, t])
        p.assert_same_bits(stream.step(step), expected[:, t])
    stream.reset()
    p.assert_same_bits(stream.step(np.ascontiguousarray(x[:, 0])), expected[:, 0])


def test_bits_do_not_depend_on_threads_or_batch(dtype):
    rng = np.random.default_rng(0)
    layer = ln.ConvLSTM(16, 3, input_shape=(12, 12, 4), peephole=True, dtype=dtype.name, seed=0)
    x = p.normal(rng, (7, 5, 12, 12, 4), dtype)
    y, _ = layer(x)
    dy = p.normal(rng, y.shape, dtype)

    def both():
        y, _, tape = layer.forward(x)
        return y, tape.backward(dy)

    (one_y, one), (two_y, two) = (p.run_on_threads(count, both) for count in (1, 2))
    p.assert_same_bits(one_y, y)
    p.assert_same_bits(two_y, y)
    p.assert_same_bits(two[0], one[0])
    p.assert_same_weights(two[2], one[2])
    for n in range(7):
        p.assert_same_bits(layer(x[n : n + 1])[0], y[n : n + 1])


def test_the_spec_comes_back_as_it_was_given():
    for options, _ in CASES.values():
        image = options["height"] * options["width"] * options["channels"]
        found = json.loads(p.make_layer(options, image, F64).spec)
        assert options.items() <= found.items()
        # A file that uses nothing new stays as it was.
        assert ("bias" in found) == ("bias" in options)


def test_initial_weights():
    layer = ln.ConvLSTM(8, (3, 5), input_shape=(6, 6, 4), peephole=True, forget_bias=2.0, seed=0)
    w = layer.state_dict()
    assert w["weight_ih"].shape == (32, 4, 3, 5)
    assert w["weight_hh"].shape == (32, 8, 3, 5)
    assert w["bias"].tolist() == [0.0] * 8 + [2.0] * 8 + [0.0] * 16
    assert w["peephole"].shape == (3, 6, 6, 8)
    for name, channels in (("weight_ih", 4), ("weight_hh", 8)):
        bound = ref.glorot_bound(15 * channels, 15 * 8)
        assert 0.9 * bound < np.abs(w[name]).max() <= bound
    other = ln.ConvLSTM(8, (3, 5), input_shape=(6, 6, 4), seed=1).state_dict()
    assert (other["weight_ih"] != w["weight_ih"]).any()


def test_what_does_not_fit_is_refused():
    def make(**options):
        return ln.ConvLSTM(**{"filters": 2, "kernel_size": 3, "input_shape": (4, 5, 1), **options})

    for options, error, words in [
        ({"filters": 0}, ValueError, "filters"),
        ({"filters": 1.0}, TypeError, "filters"),
        ({"kernel_size": (3,)}, ValueError, "kernel_size: expected 2 integers"),
        ({"kernel_size": 0}, ValueError, "kernel_size"),
        ({"kernel_size": (8, 3)}, ValueError, "height of at most 7 for images of height 4, got 8"),
        ({"kernel_size": (3, 10)}, ValueError, "width of at most 9"),
        ({"input_shape": (4, 5)}, ValueError, "input_shape: expected 3 integers"),
        ({"input_shape": (4, 0, 1)}, ValueError, "input_shape"),
        ({"forget_bias": float("nan")}, ValueError, "forget_bias"),
        ({"bias": False, "forget_bias": 2.0}, ValueError, "forget_bias=2.0 .*bias=False"),
        ({"bias": None}, TypeError, "bias"),
        ({"peephole": 1}, TypeError, "peephole"),
        ({"input_shape": (2**13, 2**13, 1)}, ValueError, "layer.width: expected 1 to 2048"),
    ]:
        with pytest.raises(error, match=words):
            make(**options).state_dict()
    layer = make(seed=0)
    x = np.ones((2, 3, 4, 5, 1), np.float32)
    with pytest.raises(ValueError, match=r"x: expected images .*\(4, 5, 1\), got \(5, 4, 1\)"):
        layer(x.transpose(0, 1, 3, 2, 4))
    with pytest.raises(ValueError, match="expected a time axis"):
        layer(x[:, 0])
    with pytest.raises(ValueError, match="features"):
        layer(np.ones((2, 3, 21), np.float32))
    with pytest.raises(ValueError, match=r"finite|NaN"):
        layer(x * np.nan)
    y, state = layer(x)
    with pytest.raises(ValueError, match=r"state: expected \(h, c\)"):
        layer(x, state[0])
    with pytest.raises(ValueError, match="state h"):
        layer(x, tuple(part[:, :1] for part in state))
    with pytest.raises(ValueError, match="dy"):
        layer.forward(x)[2].backward(y[:, :1])
    with pytest.raises(ValueError, match="x: expected images"):
        ln.Sequential([make()]).predict(x[..., :2, :])
    with pytest.raises(ValueError, match="expected 20 input features"):
        ln.Sequential([ln.Dense(19, input_size=3), make()])
    with pytest.raises(ValueError, match="ConvLSTM: cannot be streamed"):
        ln.Sequential([make(reverse=True)]).stream()
