"""LSTM, GRU and RNN against PyTorch in float64, with options as hypothesis draws them."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln

torch = pytest.importorskip("torch")

from torch_helpers import pass_of_ours, pass_of_torch, state_of, torch_cell  # noqa: E402

FLOAT64 = np.dtype("float64")
# Against each other both may be off by as much as they may be off the reference.
FORWARD = 2 * p.FORWARD_TOLERANCE[FLOAT64]
GRADIENT = p.GRADIENT_TOLERANCE[FLOAT64]

# By name: torch's class, its own options, ours.
CELLS = {
    "LSTM": ("LSTM", {}, {}),
    "LSTM_projected": ("LSTM", {"proj_size": True}, {"proj_size": True}),
    "GRU": ("GRU", {}, {}),
    "RNN_tanh": ("RNN", {"nonlinearity": "tanh"}, {}),
    "RNN_relu": ("RNN", {"nonlinearity": "relu"}, {"activation": "relu"}),
    "LSTM_no_bias": ("LSTM", {"bias": False}, {"bias": False}),
    "GRU_no_bias": ("GRU", {"bias": False}, {"bias": False}),
    "RNN_no_bias": ("RNN", {"bias": False}, {"bias": False}),
}


def make_pair(name, features, hidden, proj_size=None, **shared):
    """The same cell of both libraries, with the same weights."""
    kind, theirs, ours = CELLS[name]
    projected = {} if proj_size is None else {"proj_size": proj_size}
    module = torch_cell(kind, features, hidden, dtype=FLOAT64, **shared, **(theirs | projected))
    layer = getattr(ln, kind)(
        hidden, input_size=features, dtype="float64", seed=0, **shared, **(ours | projected)
    )
    assert list(layer.state_dict()) == list(module.state_dict())
    layer.load_state_dict(state_of(module))
    return module, layer


def check_close(found, wanted, tolerance):
    """Relative to the largest element of each array.

    A lone element, such as the recurrent weight of a single unit, may cancel to almost nothing:
    then relative to a hundredth of the largest of all.
    """
    assert found.keys() == wanted.keys()
    largest = max(np.abs(value).max() for value in wanted.values())
    for name, value in wanted.items():
        assert found[name].shape == value.shape, name
        scale = max(np.abs(value).max(), 1e-2 * largest)
        assert np.abs(found[name] - value).max() <= tolerance * scale, name


def check_pass(module, layer, sizes, *, with_state, lengths, seed):
    """Outputs, final states and every gradient of one pass."""
    n, t, f = sizes
    rng = np.random.default_rng(seed)
    directions = module.num_layers * (2 if module.bidirectional else 1)
    width = module.proj_size or module.hidden_size
    widths = [width, module.hidden_size] if isinstance(module, torch.nn.LSTM) else [width]
    shapes = [(directions, n, k) for k in widths]
    x = rng.standard_normal((n, t, f))
    dy = rng.standard_normal((n, t, width * (2 if module.bidirectional else 1)))
    state, dstate = (tuple(rng.standard_normal(s) for s in shapes) for _ in range(2))
    given_to_both = (x, state if with_state else None, dy, dstate, lengths)
    wanted_values, wanted_gradients = pass_of_torch(module, *given_to_both)
    values, gradients = pass_of_ours(layer, *given_to_both)
    check_close(values, wanted_values, FORWARD)
    check_close(gradients, wanted_gradients, GRADIENT)


@pytest.mark.parametrize("padded", [False, True], ids=["full_length", "packed"])
@pytest.mark.parametrize("name", CELLS)
@given(data=st.data())
def test_drawn_cells(isa, name, padded, data):
    """Stacked, in both directions, from any state, packed: forward and all gradients."""
    n, t, f = data.draw(p.samples), data.draw(p.timesteps), data.draw(p.features)
    projected = name == "LSTM_projected"
    hidden = data.draw(p.hidden_sizes.filter(lambda h: h > projected))
    proj_size = data.draw(st.integers(1, hidden - 1)) if projected else None
    shared = {
        "num_layers": data.draw(st.integers(1, 3)),
        "bidirectional": data.draw(st.booleans()),
    }
    seed = data.draw(p.seeds)
    lengths = None
    if padded:
        lengths = np.array(data.draw(st.lists(st.integers(1, t), min_size=n, max_size=n)))
    check_pass(
        *make_pair(name, f, hidden, proj_size, **shared),
        (n, t, f),
        with_state=data.draw(st.booleans()),
        lengths=lengths,
        seed=seed,
    )


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one_way", "two_ways"])
@pytest.mark.parametrize("name", CELLS)
def test_many_steps_on_threads(threads, name, bidirectional):
    """Sizes at which work is cut among threads and time into chunks."""
    proj_size = 24 if name == "LSTM_projected" else None
    pair = make_pair(name, 20, 48, proj_size, num_layers=2, bidirectional=bidirectional)
    lengths = np.random.default_rng(1).integers(1, 101, 24)
    lengths[5] = 100
    check_pass(*pair, (24, 100, 20), with_state=True, lengths=None, seed=2)
    check_pass(*pair, (24, 100, 20), with_state=True, lengths=lengths, seed=3)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("name", CELLS)
def test_state_dicts_travel_both_ways(name, num_layers, bidirectional):
    proj_size = 3 if name == "LSTM_projected" else None
    module, layer = make_pair(
        name, 6, 5, proj_size, num_layers=num_layers, bidirectional=bidirectional
    )
    weights = state_of(module)
    p.assert_same_weights(layer.state_dict(), weights)
    for value in weights.values():
        value += 1.0
    layer.load_state_dict(weights)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in layer.state_dict().items()})
    p.assert_same_weights(state_of(module), weights)
