"""Networks written with symbols: names, shared layers, and what is refused before it is built."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import VOCABULARY, F, H, N, T, same_bits, two_by_two

import lstm_native as ln


def test_layers_without_a_state_return_y_alone_on_arrays():
    x = np.ones((N, T, F), "float32")
    assert ln.Dense(2)(x).shape == (N, T, 2)
    assert ln.Dropout(0.5)(x).shape == x.shape
    y, (h, _) = ln.LSTM(H)(x)
    assert y.shape == (N, T, H)
    assert h.shape == (1, N, H)
    y, state, _ = ln.Dense(2).forward(x)
    assert state is None


def test_layers_called_on_symbols_return_symbols():
    x = ln.Input(features=F)
    y, (h, c) = ln.LSTM(H, num_layers=2)(x)
    assert (y.features, h.features, c.features) == (H, 2 * H, 2 * H)
    z, state = ln.GRU(2)(y)
    assert isinstance(state, ln.Symbol)
    assert ln.Dense(3)(z).features == 3
    t = ln.Input(tokens=VOCABULARY)
    assert (t.tokens, t.features) == (VOCABULARY, None)
    assert ln.concat([z, y]).features == H + 2


def test_names_are_given_or_follow_from_the_kind():
    x = ln.Input(features=F)
    first, _ = ln.LSTM(H)(x)
    second, _ = ln.LSTM(H, name="own")(first)
    third, _ = ln.LSTM(H)(second)
    model = ln.Model(x, third, seed=0)
    assert [name.split(".")[0] for name in model.state_dict()][::4] == ["lstm", "own", "lstm_1"]
    assert "own.weight_ih_l0" in model.state_dict()


def test_a_layer_used_twice_shares_its_weights():
    a, b = ln.Input(features=F, name="a"), ln.Input(features=F, name="b")
    shared = ln.LSTM(H, return_sequences=False, name="reader")
    left, _ = shared(a)
    right, _ = shared(b)
    model = ln.Model([a, b], {"left": left, "right": right}, seed=0)
    assert model.parameter_count == 4 * H * (F + H + 2)
    x = np.random.default_rng(0).normal(size=(N, T, F)).astype("float32")
    found = model.predict({"a": x, "b": x})
    assert same_bits(found["left"], found["right"])
    assert "shared" in model.summary()


def test_models_share_layers():
    x = ln.Input(features=F)
    encoder = ln.LSTM(H, return_sequences=False)
    code, _ = encoder(x)
    whole = ln.Model(x, ln.Dense(1)(code), seed=0)
    part = ln.Model(x, code)
    given = np.random.default_rng(0).normal(size=(N, T, F)).astype("float32")
    before = part.predict(given)
    whole.fit(given, np.ones((N, 1)), verbose=0, seed=0)
    assert not same_bits(part.predict(given), before)


def test_weights_follow_from_seed_and_name():
    def made(extra: bool):
        x = ln.Input(features=F)
        y, _ = ln.LSTM(H, name="a")(x)
        outputs = [ln.Dense(1, name="b")(y)] + [ln.Dense(2, name="c")(y)] * extra
        return ln.Model(x, outputs, seed=5).state_dict()

    one, other = made(False), made(True)
    assert all(same_bits(one[name], other[name]) for name in one)


def test_operators():
    a, b = ln.Input(features=2, name="a"), ln.Input(features=2, name="b")
    model = ln.Model([a, b], [a + b, a * b])
    x = np.arange(8.0, dtype="float32").reshape(2, 2, 2)
    total, product = model.predict([x, x + 1])
    assert same_bits(total, x + (x + 1))
    assert same_bits(product, x * (x + 1))
    with pytest.raises(TypeError):
        a + np.ones(2)


def test_merging_layers_run_on_arrays():
    x = np.arange(12.0, dtype="float32").reshape(2, 3, 2)
    assert same_bits(ln.Add()([x, x]), x + x)
    assert same_bits(ln.Multiply()(x, x), x * x)
    assert ln.concat([x, x[:, 0]]).shape == (2, 3, 4)
    with pytest.raises(ValueError, match="features"):
        ln.Add()([x, x[..., :1]])


def x_and_y():
    x = ln.Input(features=F, name="x")
    return x, ln.LSTM(H)(x)[0]


REFUSED = {
    "inputs are symbols": (lambda x, y: ln.Model(np.ones(3), y), TypeError, "expected symbols"),
    "inputs are made by Input": (lambda x, y: ln.Model(y, y), ValueError, "made by ln.Input"),
    "outputs are symbols": (lambda x, y: ln.Model(x, [y, 3]), TypeError, "expected symbols"),
    "a pair of y and state": (
        lambda x, y: ln.Model(x, ln.LSTM(H)(x)),
        TypeError,
        r"gives \(y, state\)|expected symbols, got tuple",
    ),
    "an input that leads nowhere": (
        lambda x, y: ln.Model([x, ln.Input(features=2, name="idle")], y),
        ValueError,
        "idle.*leads to no output",
    ),
    "an input that is missing": (
        lambda x, y: ln.Model(x, ln.concat([y, ln.Input(features=2, name="lost")])),
        ValueError,
        "lost.*not among the model's inputs",
    ),
    "an input twice": (lambda x, y: ln.Model([x, x], y), ValueError, "twice"),
    "two outputs of one name": (lambda x, y: ln.Model(x, [y, y]), ValueError, "one name"),
    "two layers of one name": (
        lambda x, y: ln.Model(x, ln.Dense(1, name="a")(ln.Dense(1, name="a")(y))),
        ValueError,
        "'a' is taken",
    ),
    "no outputs": (lambda x, y: ln.Model(x, []), ValueError, "at least one symbol"),
    "inputs alone": (lambda x, y: ln.Model(x, x), ValueError, "inputs alone"),
    "a name with a dot": (lambda x, y: ln.Dense(1, name="a.b"), ValueError, "without '.'"),
    "another number of features": (
        lambda x, y: ln.Dense(1, input_size=9)(y),
        ValueError,
        "expected 9 input features",
    ),
    "a layer of another size": (
        lambda x, y: shared_by(x, y),
        ValueError,
        "input features|expected",
    ),
    "tokens in place of values": (
        lambda x, y: ln.LSTM(H)(ln.Input(tokens=4)),
        ValueError,
        "expected values, got tokens",
    ),
    "values in place of tokens": (
        lambda x, y: ln.Embedding(4, 2)(x),
        ValueError,
        "expected tokens, got values",
    ),
    "too many tokens": (
        lambda x, y: ln.Embedding(4, 2)(ln.Input(tokens=9)),
        ValueError,
        "at most 4 tokens, got 9",
    ),
    "a state of another size": (
        lambda x, y: ln.GRU(2)(x, state=ln.GRU(3)(x)[1]),
        ValueError,
        "expected 2 features, got 3",
    ),
    "a state of another form": (
        lambda x, y: ln.LSTM(H)(x, state=ln.GRU(H)(x)[1]),
        ValueError,
        r"expected \(h, c\)",
    ),
    "an output for a state": (
        lambda x, y: ln.GRU(H, num_layers=2)(x, state=y),
        ValueError,
        "expected 2 x",
    ),
    "an array among symbols": (
        lambda x, y: ln.concat([y, np.ones((2, 3), "float32")]),
        TypeError,
        "symbols alone",
    ),
    "lengths with a symbol": (
        lambda x, y: ln.LSTM(H)(x, lengths=[1]),
        TypeError,
        "ride along",
    ),
    "stateful, used twice": (
        lambda x, y: stateful_twice(x),
        ValueError,
        "stateful, but used 2 times",
    ),
    "neither features nor tokens": (lambda x, y: ln.Input(), TypeError, "either features"),
    "an array of a symbol": (lambda x, y: np.asarray(x), TypeError, "no numbers yet"),
    "dtypes that differ": (
        lambda x, y: ln.Model(x, ln.Dense(1, dtype="float64")(y)),
        ValueError,
        "differ in dtype",
    ),
}


def shared_by(x, y):
    shared = ln.Dense(2)
    return ln.Model(x, [shared(x), shared(y)])


def stateful_twice(x):
    layer = ln.LSTM(F, stateful=True)
    return ln.Model(x, layer(layer(x)[0])[0])


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_does_not_fit_is_refused_with_its_name(case):
    call, error, told = REFUSED[case]
    with pytest.raises(error, match=told):
        call(*x_and_y())


def test_a_refused_model_builds_nothing():
    x, y = x_and_y()
    layer = y.node.layer
    with pytest.raises(ValueError, match="features"):
        ln.Model(x, shared_by(x, y))
    assert not layer.built


def test_summary_says_what_feeds_what():
    lines = two_by_two().summary().splitlines()
    reader = next(line for line in lines if line.startswith("reader"))
    assert reader.endswith("words, encoder.h")
    assert lines[-1] == "outputs: value, kind"


def test_repr_and_symbols():
    model = two_by_two()
    assert repr(model) == "Model(inputs=['x', 't'], outputs=['value', 'kind'], dtype='float32')"
    assert repr(model.inputs[0]) == "<Symbol Input 'x': 3 features>"
    part = ln.Model(model.inputs[0], model.outputs[0])
    assert part.parameter_count < model.parameter_count


def test_plot_draws_every_node(tmp_path):
    pytest.importorskip("matplotlib")
    figure = two_by_two(name="both").plot(tmp_path / "graph.png")
    texts = [text.get_text() for text in figure.axes[0].texts]
    for name in ("x", "t", "encoder", "words", "reader", "value", "kind"):
        assert any(text.startswith(f"{name}\n") for text in texts), name
    assert (tmp_path / "graph.png").stat().st_size > 0


def test_a_state_may_be_read_as_values():
    """A layer that is built on it, beside one that begins with it."""
    x = ln.Input(features=F)
    y, (h, _) = ln.LSTM(H)(x)
    z, _ = ln.GRU(H)(y, state=ln.Dense(H)(h))
    model = ln.Model(x, [z, ln.concat([h, ln.Last()(y)])], seed=0)
    value = np.random.default_rng(0).normal(size=(N, T, F)).astype("float32")
    _, both = model.predict(value)
    assert same_bits(both[:, :H], both[:, H:])
    assert same_bits(ln.Model(model.inputs, model.outputs).predict(value)[1], both)


def test_a_dict_of_inputs_gives_names_in_place_of_their_own():
    p, q = ln.Input(features=F, name="a"), ln.Input(features=F, name="a")
    model = ln.Model({"p": p, "q": q}, p + q)
    assert set(model.predict({"p": np.ones((N, F)), "q": np.ones((N, F))}).ravel()) == {2.0}
    with pytest.raises(ValueError, match="the name 'a' is taken; give names of your own with a di"):
        ln.Model([p, q], p + q)


def model_in_a_file(name: str | None = None) -> ln.Model:
    x = ln.Input(features=F)
    y, _ = ln.LSTM(H)(x)
    model = ln.Model(x, ln.Dense(2, name=name)(ln.Dense(2)(y)), seed=0)
    return ln.load_model(model.to_bytes())


def test_names_of_their_kind_are_given_anew_where_two_loaded_models_meet():
    one, other = model_in_a_file(), model_in_a_file()
    before = list(one.state_dict())
    both = ln.Model([one.inputs[0], other.inputs[0]], one.outputs[0] + other.outputs[0])
    x = np.random.default_rng(0).normal(size=(N, T, F)).astype("float32")
    assert same_bits(both.predict({"input": x, "input_1": x}), one.predict(x) + other.predict(x))
    assert list(one.state_dict()) == before
    assert list(ln.load_model(one.to_bytes()).state_dict()) == before


def test_names_that_were_given_are_kept_in_files_and_may_be_changed():
    one, other = model_in_a_file("own"), model_in_a_file("own")
    outputs = [one.outputs[0], other.outputs[0]]
    with pytest.raises(ValueError, match=r"the name 'own' is taken; layer.name = ... gives"):
        ln.Model([one.inputs[0], other.inputs[0]], outputs)
    other.layers[-1].name = "other"
    both = ln.Model([one.inputs[0], other.inputs[0]], outputs)
    assert {"own.weight", "other.weight"} < set(both.state_dict())
