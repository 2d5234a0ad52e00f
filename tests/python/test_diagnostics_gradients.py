"""Gradients over time are exact: as central differences, PyTorch and whole BPTT have them."""

from __future__ import annotations

import family
import numpy as np
import pytest
import reference as ref
from reference.numeric import central_difference, relative_error

import lstm_native as ln
from lstm_native.diagnostics import gradient_flow

N, T, F, H = 2, 6, 3, 4

LSTMS = {
    "vanilla": {},
    "peephole": {"peephole": True},
    "coupled": {"coupled_gates": True},
    "no input gate": {"input_gate": False, "peephole": True},
    "no forget gate": {"forget_gate": False, "peephole": True},
    "no output gate": {"output_gate": False, "peephole": True},
    "layer norm": {"layer_norm": True, "peephole": True},
    "projection": {"proj_size": 2, "peephole": True},
    "zoneout": {"zoneout": (0.3, 0.2)},
    "no bias": {"bias": False, "layer_norm": True},
    "clips": {"cell_clip": 0.4, "gate_clip": 0.5, "peephole": True},
    "functions": {
        "gate_activation": "hard_sigmoid",
        "cell_activation": ("leaky_relu", 0.1),
        "output_activation": "softsign",
    },
    "everything": {
        "peephole": True,
        "layer_norm": True,
        "proj_size": 3,
        "zoneout": (0.1, 0.3),
        "cell_clip": 0.8,
        "gate_clip": 2.0,
        "output_activation": ("scaled_tanh", 1.5, 0.7),
    },
}
CELLS = {
    **{f"LSTM {name}": (ln.LSTM, options) for name, options in LSTMS.items()},
    "GRU after": (ln.GRU, {"zoneout": 0.2}),
    "GRU before": (ln.GRU, {"reset_after": False, "candidate_activation": ("elu", 0.5)}),
    "RNN tanh": (ln.RNN, {"zoneout": 0.2, "gate_clip": 0.6}),
    "RNN softplus": (ln.RNN, {"activation": "softplus"}),
    **{kind: (getattr(ln, kind), {}) for kind in family.KINDS},
    **{f"{kind} no bias": (getattr(ln, kind), {"bias": False}) for kind in family.KINDS},
}


def randomised(layer, rng, scale=0.7):
    """Gives a layer weights that are all other than 0; peepholes would be, at first."""
    layer.load_state_dict(
        {name: rng.uniform(-scale, scale, v.shape) for name, v in layer.state_dict().items()}
    )
    return layer


def model_of(kind, options, *, sequences, rng):
    layer = kind(H, input_size=F, return_sequences=sequences, dtype="float64", **options)
    dense = ln.Dense(2, input_size=options.get("proj_size", H), dtype="float64", seed=1)
    return ln.Sequential([randomised(layer, rng), randomised(dense, rng)])


def as_state(parts):
    return tuple(parts) if len(parts) > 1 else parts[0]


def parts_of(state):
    return list(state) if isinstance(state, tuple) else [state]


def norms(gradient):
    """N |dL/dh| of each sample."""
    return len(gradient) * np.linalg.norm(gradient, axis=1)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_dh_is_what_central_differences_of_the_split_sequence_give(cell, sequences):
    rng = np.random.default_rng(1)
    kind, options = CELLS[cell]
    model = model_of(kind, options, sequences=sequences, rng=rng)
    layer, dense = model.layers
    x = rng.normal(size=(N, T, F))
    y = rng.normal(size=(N, T, 2) if sequences else (N, 2))
    whole = kind(H, input_size=F, dtype="float64", **options)  # gives all steps
    whole.load_state_dict(layer.state_dict())
    found = gradient_flow(model, x, y).layers[0]

    for t in range(T):
        before, state = whole(x[:, : t + 1])
        rest = parts_of(state)[1:]

        def loss(h, t=t, before=before, rest=rest):
            outputs = [before[:, :-1], h[:, np.newaxis]]
            if t + 1 < T:
                outputs.append(whole(x[:, t + 1 :], as_state([h[np.newaxis], *rest]))[0])
            joined = np.concatenate(outputs, axis=1)
            output = dense(np.ascontiguousarray(joined if sequences else joined[:, -1]))
            return ref.loss_and_gradient("mse", output, y)[0]

        expected = norms(central_difference(loss, before[:, -1].copy()))
        assert relative_error(found.dh_samples[:, t], expected) < 1e-7


@pytest.mark.parametrize("name", [n for n in LSTMS if n not in ("coupled", "no bias")])
def test_dc_is_what_central_differences_of_the_cell_state_give(name):
    """With g linear and no input gate, the bias of g moves the cell state of one step alone."""
    options = {**LSTMS[name], "cell_activation": "linear", "input_gate": False}
    options |= {"cell_clip": None, "gate_clip": None}
    rng = np.random.default_rng(2)
    model = model_of(ln.LSTM, options, sequences=True, rng=rng)
    layer, dense = model.layers
    x, y = rng.normal(size=(1, T, F)), rng.normal(size=(1, T, 2))
    found = gradient_flow(model, x, y).layers[0]
    own = layer.state_dict()
    rows = len(own["bias_ih_l0"]) // H
    of_g = rows - 1 - options.get("output_gate", True)  # its place among the gates that exist
    moved = ln.LSTM(H, input_size=F, dtype="float64", **options)

    for t in range(T):
        before, state = (
            layer(x[:, :t])
            if t
            else (np.zeros((1, 0, dense.state_dict()["weight"].shape[1])), None)
        )

        def loss(shift, t=t, before=before, state=state):
            bias = own["bias_ih_l0"].copy()
            bias[of_g * H : (of_g + 1) * H] += shift
            moved.load_state_dict({**own, "bias_ih_l0": bias})
            here, after = moved(x[:, t : t + 1], state)
            outputs = [before, here]
            if t + 1 < T:
                outputs.append(layer(x[:, t + 1 :], after)[0])
            output = dense(np.ascontiguousarray(np.concatenate(outputs, axis=1)))
            return ref.loss_and_gradient("mse", output, y)[0]

        expected = np.linalg.norm(central_difference(loss, np.zeros(H)))
        assert found.dc_samples[0, t] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_norms_are_those_of_torchs_autograd_hooks(kind, dtype, tolerance):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    layer = getattr(ln, kind)(H, input_size=F, dtype=dtype)
    model = ln.Sequential([randomised(layer, rng), ln.Dense(2, dtype=dtype)], seed=0)
    x, y = (rng.normal(size=shape).astype(dtype) for shape in [(N, T, F), (N, T, 2)])
    found = gradient_flow(model, x, y, "mse").layers[0]

    cell = getattr(torch.nn, f"{kind}Cell")(F, H, dtype=getattr(torch, dtype))
    weights = {n.removesuffix("_l0"): torch.tensor(v) for n, v in layer.state_dict().items()}
    cell.load_state_dict(weights)
    dense = {n: torch.tensor(v) for n, v in model.layers[1].state_dict().items()}
    seen: dict[str, dict[int, np.ndarray]] = {"h": {}, "c": {}}
    h = c = torch.zeros(N, H, dtype=getattr(torch, dtype))
    outputs = []
    for t in range(T):
        if kind == "LSTM":
            h, c = cell(torch.tensor(x[:, t]), (h, c))
            c.register_hook(lambda g, t=t: seen["c"].update({t: g.numpy().copy()}))
        else:
            h = cell(torch.tensor(x[:, t]), h)
        h.register_hook(lambda g, t=t: seen["h"].update({t: g.numpy().copy()}))
        outputs.append(h)
    output = torch.stack(outputs, dim=1) @ dense["weight"].T + dense["bias"]
    ((output - torch.tensor(y)) ** 2).mean().backward()

    expected = np.stack([norms(seen["h"][t]) for t in range(T)], axis=1)
    assert relative_error(found.dh_samples, expected) < tolerance
    assert relative_error(found.dh, expected.mean(axis=0)) < tolerance
    if kind == "LSTM":
        expected = np.stack([norms(seen["c"][t]) for t in range(T)], axis=1)
        assert relative_error(found.dc_samples, expected) < tolerance
    else:
        assert found.dc is None


def whole_gradient(model, x, y, loss):
    """Loss and gradient norm by the layers' own BPTT, all steps at once."""
    tapes, output = [], x
    for layer in model.layers:
        if not isinstance(layer, ln.Dropout):
            output, _, tape = layer.forward(output)
            tapes.append(tape)
    value, back = ref.loss_and_gradient(loss, output.astype(np.float64), y)
    back, square = back.astype(model.dtype), 0.0
    for tape in reversed(tapes):
        back, _, grads = tape.backward(back)
        square += sum(float((g.astype(np.float64) ** 2).sum()) for g in grads.values())
    return value, np.sqrt(square)


COMPOSED = {
    "stacked": lambda k: [k(H, num_layers=3), ln.Dense(2)],
    "bidirectional": lambda k: [k(H, bidirectional=True, num_layers=2), ln.Dense(2)],
    "last of both": lambda k: [
        k(H, bidirectional=True, num_layers=2, return_sequences=False),
        ln.Dense(2),
    ],
    "summed": lambda k: [k(H, bidirectional=True, merge="sum", num_layers=2), ln.Dense(2)],
    "last of summed": lambda k: [
        k(H, bidirectional=True, merge="sum", return_sequences=False),
        ln.Dense(2),
    ],
    "residual": lambda k: [k(H, num_layers=3, residual=True), ln.Dense(2)],
    "last of residual": lambda k: [
        k(H, num_layers=2, residual=True, return_sequences=False),
        ln.Dense(2),
    ],
    "residual both ways": lambda k: [
        k(H, num_layers=2, residual=True, bidirectional=True),
        ln.Dense(2),
    ],
    "reverse": lambda k: [k(H, reverse=True, num_layers=2, return_sequences=False), ln.Dense(2)],
    "others around": lambda k: [
        ln.Dense(5, activation="tanh"),
        ln.LayerNorm(),
        k(H),
        ln.Dropout(0.5),
        ln.Activation("relu"),
        k(3, return_sequences=False),
        ln.Dense(2),
    ],
    "resting dropout": lambda k: [
        k(
            H,
            num_layers=2,
            dropout=0.5,
            input_dropout=0.2,
            recurrent_dropout=0.3,
            weight_drop=0.4,
            return_sequences=False,
        ),
        ln.Dense(2),
    ],
    "checkpoints, stateful": lambda k: [
        k(H, checkpoint=True, stateful=True, return_sequences=False),
        ln.Dense(2),
    ],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [ln.LSTM, ln.GRU, ln.RNN], ids=lambda k: k.__name__)
@pytest.mark.parametrize("name", COMPOSED)
def test_steps_together_give_the_loss_and_the_gradient_of_the_whole(name, kind, dtype):
    rng = np.random.default_rng(4)
    model = ln.Sequential(COMPOSED[name](kind), dtype=dtype, seed=0)
    x = rng.normal(size=(3, 7, F)).astype(dtype)
    sequences = all(getattr(layer, "return_sequences", True) for layer in model.layers)
    y = rng.normal(size=(3, 7, 2) if sequences else (3, 2)).astype(dtype)
    found = gradient_flow(model, x, y)["RNN" if kind is ln.RNN else kind.__name__]
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert found.loss == pytest.approx(model.evaluate(x, y)["loss"], rel=tolerance)
    model.reset_states()
    if "dropout" not in name:  # a pass that is remembered draws masks
        loss, norm = whole_gradient(model, x, y, "mse")
        assert (found.loss, found.gradient_norm) == pytest.approx((loss, norm), rel=tolerance)


def test_tokens_and_classes():
    rng = np.random.default_rng(5)
    layers = [ln.Embedding(9, 4), ln.GRU(H), ln.Dense(3)]
    model = ln.Sequential(layers, dtype="float64", seed=0)
    x, y = rng.integers(0, 9, (3, 7)), rng.integers(0, 3, (3, 7))
    found = gradient_flow(model, x, y, "categorical_crossentropy")["GRU"]
    loss, norm = whole_gradient(model, x, y, "categorical_crossentropy")
    assert (found.loss, found.gradient_norm) == pytest.approx((loss, norm), rel=1e-12)


def test_a_tied_weight_counts_once_with_the_gradients_of_both_uses():
    rng = np.random.default_rng(5)
    layers = [ln.Embedding(5, 4), ln.LSTM(4), ln.Dense(5, tied=True)]
    model = ln.Sequential(layers, dtype="float64", seed=0)
    x, y = rng.integers(0, 5, (2, 4)), rng.integers(0, 5, (2, 4))
    loss = "categorical_crossentropy"
    found = gradient_flow(model, x, y, loss)["LSTM"]
    start, square = model.state_dict(), 0.0
    for name, value in start.items():

        def value_of(v, name=name):
            model.load_state_dict({**start, name: v})
            return model.evaluate(x, y, loss=loss)["loss"]

        square += (central_difference(value_of, value) ** 2).sum()
    assert found.gradient_norm == pytest.approx(np.sqrt(square), rel=1e-7)


@pytest.mark.parametrize("loss", ["mse", "mae", ln.Huber(0.4), "binary_crossentropy"])
def test_every_loss_has_the_references_gradient(loss):
    rng = np.random.default_rng(6)
    model = ln.Sequential([ln.LSTM(H), ln.Dense(2)], dtype="float64", seed=0)
    x, y = rng.normal(size=(3, 5, F)), rng.uniform(size=(3, 5, 2))
    found = gradient_flow(model, x, y, loss)["LSTM"]
    assert found.loss == pytest.approx(model.evaluate(x, y, loss=loss)["loss"], rel=1e-12)
    output = model.predict(x)
    name, delta = ("huber", 0.4) if isinstance(loss, ln.Huber) else (loss, 1.0)
    _, back = ref.loss_and_gradient(name, output, y, delta=delta)
    weight = model.layers[1].state_dict()["weight"]
    at_the_end = norms(back[:, -1] @ weight)
    assert found.layers[0].dh_samples[:, -1] == pytest.approx(at_the_end, rel=1e-12)


@pytest.mark.parametrize(
    ("end", "loss"),
    [
        ([ln.Dense(3, activation="softmax")], "categorical_crossentropy"),
        ([ln.Dense(3), ln.Activation("sigmoid"), ln.Dropout(0.0)], "binary_crossentropy"),
        (
            [ln.Dense(3, activation="softmax")],
            ln.CategoricalCrossentropy(label_smoothing=0.2, ignore_index=1),
        ),
    ],
)
def test_an_activation_at_the_end_belongs_to_the_cross_entropy(end, loss):
    """Gradients as with logits: nothing vanishes where the outputs are saturated."""
    rng = np.random.default_rng(6)
    model = ln.Sequential([ln.LSTM(H, input_size=F), *end], dtype="float64", seed=0)
    plain = ln.Sequential([ln.LSTM(H, input_size=F), ln.Dense(3)], dtype="float64", seed=0)
    weights = model.state_dict()
    weights["1.bias"] = np.array([60.0, 0.0, -60.0])
    for each in (model, plain):
        each.load_state_dict(weights)
    rows = (2, 5, 3) if loss == "binary_crossentropy" else (2, 5)
    x, y = rng.normal(size=(2, 5, F)), rng.integers(0, 2, rows)
    found, expected = (gradient_flow(each, x, y, loss)["LSTM"] for each in (model, plain))
    assert found.loss == expected.loss == pytest.approx(model.evaluate(x, y, loss=loss)["loss"])
    assert found.gradient_norm == expected.gradient_norm > 0
    np.testing.assert_array_equal(found.layers[0].dh_samples, expected.layers[0].dh_samples)


def test_a_tied_end_with_an_activation():
    rng = np.random.default_rng(5)
    flows = []
    x, y = rng.integers(0, 5, (2, 4)), rng.integers(0, 5, (2, 4))
    for activation in ("linear", "softmax"):
        layers = [ln.Embedding(5, 4), ln.LSTM(4), ln.Dense(5, tied=True, activation=activation)]
        model = ln.Sequential(layers, dtype="float64", seed=0)
        flows.append(gradient_flow(model, x, y, "categorical_crossentropy")["LSTM"])
    assert flows[0].loss == flows[1].loss
    assert flows[0].gradient_norm == flows[1].gradient_norm


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"bidirectional": True}, {"reverse": True}, {"num_layers": 2, "residual": True}],
    ids=["forward", "both", "reverse", "residual"],
)
def test_a_padded_sample_has_the_gradients_it_has_alone(options, sequences):
    if options.get("bidirectional") and options.get("residual"):
        pytest.skip("refused")
    rng = np.random.default_rng(7)
    layer = ln.LSTM(H, return_sequences=sequences, **options)
    model = ln.Sequential([layer, ln.Dense(1)], dtype="float64", seed=0)
    lengths = [T, 1, 4]
    x = rng.normal(size=(3, T, F))
    y = rng.normal(size=(3, T, 1) if sequences else (3, 1))
    padded = x.copy()
    for row, length in enumerate(lengths):
        padded[row, length:] = np.nan
    together = gradient_flow(model, padded, y, lengths=lengths)["LSTM"]
    mask = np.arange(T) < np.array(lengths)[:, np.newaxis]
    masked = gradient_flow(model, padded, y, mask=mask)["LSTM"]
    assert masked.gradient_norm == together.gradient_norm
    of_model = model.evaluate(padded, y, lengths=lengths)["loss"]
    assert together.loss == pytest.approx(of_model, rel=1e-12)
    for row, length in enumerate(lengths):
        target = y[row : row + 1, :length] if sequences else y[row : row + 1]
        alone = gradient_flow(model, x[row : row + 1, :length], target)["LSTM"]
        # Of an output with a time axis every step counts alike, so that long samples count more.
        share = 3 * length / sum(lengths) if sequences else 1.0
        for a, b in zip(together.layers, alone.layers, strict=True):
            assert relative_error(a.dh_samples[row, :length], share * b.dh_samples[0]) < 1e-12
            assert relative_error(a.dc_samples[row, :length], share * b.dc_samples[0]) < 1e-12
            assert not a.dh_samples[row, length:].any()
