"""The reference of the recurrent cells is only worth something if it is right itself.

Against PyTorch where it has the option, against ONNX Runtime for functions, clip and peepholes,
and its gradients against central differences of itself.
"""

from __future__ import annotations

import family
import numpy as np
import pytest
import reference as ref

SHAPE = (3, 5, 3, 4)


def random_masks(stack: ref.Stack, shape, rng) -> ref.Masks:
    """Every kind of mask at once, with as many entries as the layers have runs."""
    n, t, f, _ = shape

    def keep(*size):
        return rng.integers(0, 2, size) * 2.0

    widths = [stack.output_features if layer else f for layer, _, _ in stack.runs]
    of_state, gates = stack.cell.state_widths, len(stack.cell.gates) * stack.cell.hidden
    recurrent = stack.cell.recurrent
    return ref.Masks(
        input=[keep(n, width) for width in widths],
        recurrent=[keep(n, of_state[0]) for _ in stack.runs] if recurrent else None,
        weight=[keep(gates, of_state[0]) for _ in stack.runs] if recurrent else None,
        zoneout=[tuple(keep(n, t, w) / 2 for w in of_state) for _ in stack.runs],
        between=[keep(n, t, stack.output_features) for _ in range(stack.num_layers - 1)],
    )


@pytest.mark.parametrize("masked", [False, True], ids=["at_rest", "masked"])
@pytest.mark.parametrize("name", family.ALONE)
def test_gradients_match_central_differences(name, masked):
    """Of the input, the initial state and every parameter; lengths from 0 to T."""
    kind, options = family.ALONE[name]
    rng = np.random.default_rng(3)
    problem = family.make_problem(kind, options, SHAPE, seed=1, with_lengths=masked)
    stack = problem.stack
    masks = random_masks(stack, SHAPE, rng) if masked else None
    found = family.expected(problem, masks)
    places = {"dx": problem.x, **dict(zip(("dh", "dc"), problem.state, strict=False))}
    places |= problem.weights

    # Along one random direction of each: all elements at once, none left out.
    for name_of, at in places.items():
        direction = rng.standard_normal(at.shape)

        def value(a, name_of=name_of):
            changed = {**places, name_of: a}
            state = tuple(changed[k] for k in ("dh", "dc") if k in changed)
            weights = {k: changed[k] for k in problem.weights}
            y, final, _ = stack.forward(changed["dx"], weights, state, problem.lengths, masks)
            total = (y * problem.dy).sum()
            return total + sum(np.vdot(*q) for q in zip(final, problem.dstate, strict=True))

        # Short steps: functions with kinks are among them.
        slope = ref.directional_difference(value, at, direction, 1e-6)
        scale = max(np.abs(found[name_of]).max(), 1e-3)
        assert slope == pytest.approx((found[name_of] * direction).sum(), abs=3e-7 * scale), name_of


@pytest.mark.parametrize("function", family.FUNCTIONS, ids=family.label)
def test_slopes_are_those_of_the_functions(function):
    x = np.linspace(-3.03, 3.01, 99)
    slope = ref.central_difference(lambda a: ref.cell_function(function, a).sum(), x, 1e-3)
    assert np.abs(slope - ref.cell_slope(function, x)).max() <= 1e-9


TORCH = {
    "LSTM": ("LSTM", {}, {}),
    "LSTM_projected": ("LSTM", {"proj_size": 3}, {"proj_size": 3}),
    "GRU": ("GRU", {}, {}),
    "RNN_tanh": ("RNN", {}, {"nonlinearity": "tanh"}),
    "RNN_relu": ("RNN", {"activation": "relu"}, {"nonlinearity": "relu"}),
}


@pytest.mark.parametrize("packed", [False, True], ids=["full_length", "packed"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one_way", "two_ways"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", TORCH)
def test_values_and_gradients_are_those_of_torch(name, layers, bidirectional, packed):
    torch = pytest.importorskip("torch")
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    kind, options, torch_options = TORCH[name]
    directed = {"num_layers": layers, "bidirectional": bidirectional}
    rng = np.random.default_rng(0)
    problem = family.make_problem(kind, options | directed, (4, 6, 3, 5))
    if packed:
        problem = family.replace(problem, lengths=np.array([3, 6, 1, 4]))
    problem.dy[:] = rng.standard_normal(problem.dy.shape)
    found = family.expected(problem)

    theirs = getattr(torch.nn, kind)(
        3, 5, batch_first=True, dtype=torch.float64, **directed, **torch_options
    )
    assert [n for n, _ in theirs.named_parameters()] == list(problem.weights)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in problem.weights.items()})
    x = torch.tensor(problem.x, requires_grad=True)
    state = tuple(torch.tensor(part, requires_grad=True) for part in problem.state)
    given = x
    if packed:
        given = pack_padded_sequence(x, problem.lengths, batch_first=True, enforce_sorted=False)
    y, final = theirs(given, family.public(kind, state))
    if packed:
        y = pad_packed_sequence(y, batch_first=True, total_length=6)[0]
    final = family.parts_of(kind, final)
    torch.autograd.backward([y, *final], [torch.tensor(a) for a in (problem.dy, *problem.dstate)])
    wanted = family.named("y", "hc", y.detach(), tuple(part.detach() for part in final))
    wanted |= family.named("dx", ("dh", "dc"), x.grad, tuple(part.grad for part in state))
    wanted |= {k: v.grad for k, v in theirs.named_parameters()}
    assert found.keys() == wanted.keys()
    for what, value in wanted.items():
        assert ref.relative_error(found[what], value.numpy()) <= 1e-13, what


ONNX_NAMES = {
    "linear": "Affine",
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "affine": "Affine",
    "leaky_relu": "LeakyRelu",
    "thresholded_relu": "ThresholdedRelu",
    "scaled_tanh": "ScaledTanh",
    "hard_sigmoid": "HardSigmoid",
    "elu": "Elu",
    "softsign": "Softsign",
    "softplus": "Softplus",
}


def onnx_functions(functions) -> dict[str, list]:
    """Attributes of an operator; parameters that the function leaves open, too."""
    names, alpha, beta = [], [], []
    for function in functions:
        name, *given = (function,) if isinstance(function, str) else function
        given = [1.0, 0.0] if name == "linear" else given or ref.CELL_FUNCTIONS[name][0]
        names.append(ONNX_NAMES[name])
        alpha += list(given[:1])
        beta += list(given[1:2])
    found = {"activations": names, "activation_alpha": alpha, "activation_beta": beta}
    return {name: value for name, value in found.items() if value}


def onnx_answer(problem, order, attributes, peepholes=None):
    """y (N, T, H) of an ONNX operator with the problem's weights; its gates in `order`."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    helper, kind, h = onnx.helper, problem.kind, problem.hidden
    w = problem.weights

    def ordered(value):
        blocks = np.split(value, len(order))
        return np.concatenate([blocks[k] for k in order])

    biases = [ordered(w[f"bias_{side}_l0"]) for side in ("ih", "hh")]
    values = {
        "W": ordered(w["weight_ih_l0"])[None],
        "R": ordered(w["weight_hh_l0"])[None],
        "B": np.concatenate(biases)[None],
        "H0": problem.state[0],
    }
    names = ["X", "W", "R", "B", "", "H0"]
    if kind == "LSTM":
        values["C0"] = problem.state[1]
        names.append("C0")
    if peepholes is not None:
        values["P"] = peepholes
        names.append("P")
    node = helper.make_node(kind, names, ["Y"], hidden_size=h, **attributes)
    n, t, f = problem.x.shape
    number = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "cell",
        [helper.make_tensor_value_info("X", number, (t, n, f))],
        [helper.make_tensor_value_info("Y", number, (t, 1, n, h))],
        [onnx.numpy_helper.from_array(v.astype("float32"), k) for k, v in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = runtime.InferenceSession(model.SerializeToString())
    x = np.ascontiguousarray(problem.x.swapaxes(0, 1), "float32")
    return session.run(["Y"], {"X": x})[0][:, 0].swapaxes(0, 1)


@pytest.mark.parametrize("clip", [None, 0.4])
@pytest.mark.parametrize("function", family.FUNCTIONS, ids=family.label)
def test_functions_and_clip_are_those_of_onnx(function, clip):
    options = {"gate_activation": function, "cell_activation": function, "gate_clip": clip}
    # Few steps: functions without an upper end grow, and float32 overflows.
    options |= {"output_activation": function}
    problem = family.make_problem("LSTM", options, (4, 3, 5, 9))
    attributes = onnx_functions([function] * 3) | ({} if clip is None else {"clip": clip})
    found = onnx_answer(problem, [0, 3, 1, 2], attributes)
    assert ref.relative_error(found, family.expected(problem)["y"]) <= 3e-6


@pytest.mark.parametrize("coupled", [False, True])
def test_peepholes_and_coupled_gates_are_those_of_onnx(coupled):
    """ONNX has rows of the forget gate even where it is coupled; they are not read."""
    problem = family.make_problem("LSTM", {"peephole": True})
    p_i, p_f, p_o = problem.weights["peephole_l0"]
    found = onnx_answer(
        problem, [0, 3, 1, 2], {"input_forget": int(coupled)}, np.concatenate([p_i, p_o, p_f])[None]
    )
    if coupled:
        weights = {}
        for name, value in problem.weights.items():
            blocks = np.split(value, 3 if name == "peephole_l0" else 4)
            weights[name] = np.concatenate([blocks[0], *blocks[2:]])
        problem = family.replace(
            problem, options={"peephole": True, "coupled_gates": True}, weights=weights
        )
    assert ref.relative_error(found, family.expected(problem)["y"]) <= 3e-6


@pytest.mark.parametrize("reset_after", [False, True])
@pytest.mark.parametrize("clip", [None, 0.4])
def test_both_resets_are_those_of_onnx(reset_after, clip):
    options = {"reset_after": reset_after, "gate_clip": clip}
    options |= {"gate_activation": "hard_sigmoid", "candidate_activation": "softsign"}
    problem = family.make_problem("GRU", options)
    attributes = onnx_functions(["hard_sigmoid", "softsign"])
    attributes |= {"linear_before_reset": int(reset_after)} | (
        {} if clip is None else {"clip": clip}
    )
    found = onnx_answer(problem, [1, 0, 2], attributes)
    assert ref.relative_error(found, family.expected(problem)["y"]) <= 3e-6


def test_layer_norm_lstm_is_the_paper_written_with_torch():
    """Ba et al. 2016, equations 20 to 22, for one step, and then for another."""
    torch = pytest.importorskip("torch")
    problem = family.make_problem("LSTM", {"layer_norm": True}, (3, 2, 5, 6))
    w = {k.removesuffix("_l0"): torch.tensor(v) for k, v in problem.weights.items()}
    h, c = (torch.tensor(part[0]) for part in problem.state)
    x = torch.tensor(problem.x)
    norm = torch.nn.functional.layer_norm
    for t in range(2):
        sums = norm(x[:, t] @ w["weight_ih"].T, (24,), w["norm_ih"], w["bias_ih"])
        sums = sums + norm(h @ w["weight_hh"].T, (24,), w["norm_hh"], w["bias_hh"])
        i, f, g, o = sums.chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(norm(c, (6,), w["norm_c"], w["norm_c_bias"]))
    found = family.expected(problem)
    assert ref.relative_error(found["h"][0], h.numpy()) <= 1e-13
    assert ref.relative_error(found["c"][0], c.numpy()) <= 1e-13
