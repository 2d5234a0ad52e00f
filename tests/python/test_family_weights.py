"""Recurrent layers of every kind and option: initial weights, names and shapes, files."""

from __future__ import annotations

import family
import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln

F, H = 5, 9


@pytest.mark.parametrize("name", family.ALONE)
def test_names_and_shapes_of_parameters_and_states(name):
    kind, options = family.ALONE[name]
    layer = family.new_layer(kind, H, F, "float32", **options)
    stack = ref.make_stack(kind, H, **options)
    found = {key: value.shape for key, value in layer.state_dict().items()}
    assert list(found.items()) == list(stack.shapes(F).items())
    y, state = layer(np.zeros((2, 3, F), np.float32))
    steps = (2, 3) if stack.return_sequences else (2,)
    assert y.shape == (*steps, stack.output_features)
    shapes = [part.shape for part in family.parts_of(kind, state)]
    assert shapes == [part.shape for part in stack.zero_state(2)]


def blocks_of(weights: p.Tensors, name: str, gates) -> dict[str, np.ndarray]:
    return dict(zip(gates, np.split(weights[name], len(gates)), strict=True))


LSTM_GATES = {
    "all": {},
    "coupled": {"coupled_gates": True},
    "no_input_gate": {"input_gate": False},
    "no_forget_gate": {"forget_gate": False},
    "no_output_gate": {"output_gate": False},
    "normalised": {"layer_norm": True, "peephole": True},
    "projected": {"proj_size": 4},
}


@pytest.mark.parametrize("name", LSTM_GATES)
def test_the_forget_bias_stands_at_the_forget_gate_and_nowhere_else(dtype, name):
    options = LSTM_GATES[name] | {"num_layers": 2, "bidirectional": True, "forget_bias": 1.5}
    weights = family.new_layer("LSTM", H, F, dtype, **options).state_dict()
    gates = ref.make_stack("LSTM", H, **options).cell.gates
    for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse"):
        assert not weights[f"bias_hh{suffix}"].any()
        for gate, block in blocks_of(weights, f"bias_ih{suffix}", gates).items():
            p.assert_same_bits(block, np.full(H, 1.5 if gate == "f" else 0.0, dtype))


@pytest.mark.parametrize("kind", [kind for kind in family.KINDS if kind != "LSTM"])
def test_other_biases_start_at_zero(dtype, kind):
    weights = family.new_layer(kind, H, F, dtype, num_layers=2).state_dict()
    biases = [name for name in weights if name.startswith("bias")]
    assert len(biases) == (4 if kind in family.WITH_WEIGHT_HH else 2)
    for name in biases:
        p.assert_same_bits(weights[name], np.zeros_like(weights[name]))


@pytest.mark.parametrize("kind", family.KINDS)
@pytest.mark.parametrize(("features", "hidden"), [(1, 1), (50, 20), (7, 33)])
def test_input_weights_are_glorot_uniform_per_gate(dtype, kind, features, hidden):
    weights = family.new_layer(kind, hidden, features, dtype).state_dict()
    gates = ref.make_stack(kind, hidden).cell.gates
    bound = ref.glorot_bound(features, hidden)
    blocks = blocks_of(weights, "weight_ih_l0", gates)
    for gate, block in blocks.items():
        assert np.abs(block).max() <= bound * (1 + 1e-6), gate
        if block.size >= 100:
            assert np.abs(block).max() > 0.9 * bound, gate
            assert block.std() == pytest.approx(bound / np.sqrt(3), rel=5 / np.sqrt(block.size)), (
                gate
            )


@pytest.mark.parametrize("kind", family.WITH_WEIGHT_HH)
@pytest.mark.parametrize("hidden", [1, 5, 16, 33])
def test_recurrent_blocks_are_orthogonal(dtype, kind, hidden):
    weights = family.new_layer(kind, hidden, 3, dtype, num_layers=2).state_dict()
    gates = ref.make_stack(kind, hidden).cell.gates
    for k in range(2):
        blocks = list(blocks_of(weights, f"weight_hh_l{k}", gates).values())
        for block in blocks:
            assert ref.orthogonality_defect(block) <= (1e-13 if dtype == np.float64 else 1e-6)
        if hidden > 1:
            assert all((one != blocks[0]).any() for one in blocks[1:])


def test_recurrent_blocks_of_a_projection_have_orthogonal_columns(dtype):
    """They are taller than wide: H rows, R columns."""
    layer = family.new_layer("LSTM", H, F, dtype, proj_size=4)
    for block in np.split(layer.state_dict()["weight_hh_l0"], 4):
        assert ref.orthogonality_defect(block.T) <= (1e-13 if dtype == np.float64 else 1e-6)


def test_identity_initialisation_is_that_of_le(dtype):
    """Le et al. 2015: the identity, and biases of zero: the state stays until input changes it."""
    options = {"activation": "relu", "recurrent_init": "identity", "num_layers": 2}
    layer = family.new_layer("RNN", H, F, dtype, bidirectional=True, **options)
    weights = layer.state_dict()
    for name, value in weights.items():
        if name.startswith("weight_hh"):
            p.assert_same_bits(value, np.eye(H, dtype=dtype))
        if name.startswith("bias"):
            assert not value.any()
    one = family.new_layer("RNN", H, F, dtype, activation="relu", recurrent_init="identity")
    state = np.abs(p.normal(np.random.default_rng(0), (1, 2, H), dtype))
    y, _ = one(np.zeros((2, 7, F), dtype), state)
    p.assert_same_bits(np.ascontiguousarray(y[:, -1]), state[0])


def test_norms_start_as_plain_normalisation_and_peepholes_closed(dtype):
    weights = family.new_layer("LSTM", H, F, dtype, layer_norm=True, peephole=True).state_dict()
    for name in ("norm_ih_l0", "norm_hh_l0", "norm_c_l0"):
        p.assert_same_bits(weights[name], np.ones_like(weights[name]))
    for name in ("norm_c_bias_l0", "peephole_l0"):
        p.assert_same_bits(weights[name], np.zeros_like(weights[name]))


@pytest.mark.parametrize("kind", family.KINDS)
def test_a_seed_decides_the_weights_on_every_instruction_set(kind):
    def weights(seed):
        return family.new_layer(kind, H, F, "float32", seed=seed, bidirectional=True).state_dict()

    sets = ln.build_info()["isas_available"]
    first, *others = p.on_each_set(sets, lambda: weights(3))
    for found in others:
        p.assert_same_weights(found, first)
    assert (weights(4)["weight_ih_l0"] != first["weight_ih_l0"]).any()
    assert (first["weight_ih_l0"] != first["weight_ih_l0_reverse"]).any()


def model_of(problem: family.Problem) -> ln.Sequential:
    return ln.Sequential([problem.layer(), ln.Dense(2, dtype=problem.x.dtype.name, seed=2)])


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("name", family.ALONE)
def test_every_option_comes_back_from_a_file(tmp_path, name, checkpoint):
    """The options, the weights, the answers, and the masks that a seed draws."""
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, dtype="float32")
    dense = ln.Dense(2, seed=2)
    model = ln.Sequential([problem.layer(checkpoint=checkpoint), dense])
    expected = model.predict(problem.x)
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = ln.load_model(path)
    assert [layer._spec() for layer in loaded.layers] == [layer._spec() for layer in model.layers]
    assert type(loaded.layers[0]) is type(model.layers[0])
    p.assert_same_weights(loaded.state_dict(), model.state_dict())
    p.assert_same_bits(loaded.predict(problem.x), expected)
    if family.is_random(options):
        found, wanted = (family.run(each.layers[0], problem) for each in (loaded, model))
        p.assert_same_weights(found, wanted)


def test_every_constructor_option_is_one_that_can_be_read_back():
    """As an attribute of the same name, with the value that was given."""
    options = {
        "num_layers": 2,
        "bidirectional": True,
        "merge": "sum",
        "input_dropout": 0.1,
        "dropout": 0.2,
        "residual": True,
        "checkpoint": True,
        "bias": False,
    }
    recurrent = {"recurrent_dropout": 0.3, "weight_drop": 0.4, "gate_clip": 5.0, "zoneout": 0.1}
    own = {
        "LSTM": recurrent
        | {
            "proj_size": 3,
            "peephole": True,
            "coupled_gates": True,
            "output_gate": False,
            "gate_activation": ("hard_sigmoid", 0.3, 0.4),
            "cell_activation": "softsign",
            "output_activation": "linear",
            "layer_norm": True,
            "cell_clip": 3.0,
            "zoneout": (0.1, 0.2),
        },
        "GRU": recurrent | {"reset_after": False, "candidate_activation": "elu"},
        "RNN": recurrent | {"activation": "relu", "recurrent_init": "identity"},
    }
    for kind in family.KINDS:
        given = options | own.get(kind, {})
        layer = family.new_layer(kind, H, F, "float32", **given)
        assert {name: getattr(layer, name) for name in given} == given
