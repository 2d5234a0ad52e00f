"""What gradient_flow tells beside gradients: gates, spectra, names, the table and the figure."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import product as p
import pytest
from reference.numeric import central_difference

import lstm_native as ln
from lstm_native.diagnostics import gradient_flow
from lstm_native.diagnostics.functions import Function

T, F = 8, 2
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, T, F)), RNG.normal(size=(3, 1))


def model_of(layer, units=1):
    return ln.Sequential([layer, ln.Dense(units)], dtype="float64", seed=0)


def one_unit(kind, **options):
    """One sample of one unit, so that a gate's mean is its value; and the states of each step."""
    layer = kind(1, input_size=F, dtype="float64", **options)
    weights = layer.state_dict()
    layer.load_state_dict({n: RNG.uniform(-1, 1, v.shape) for n, v in weights.items()})
    states, state = [], None
    for t in range(T):
        _, state = layer(X[:1, t : t + 1], state)
        states.append([s.item() for s in (state if isinstance(state, tuple) else (state,))])
    gates = gradient_flow(layer, X[:1], np.zeros((1, T, 1))).layers[0].gates
    return {name: gate.mean for name, gate in gates.items()}, np.array(states).T


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"peephole": True, "gate_clip": 0.4},
        {"coupled_gates": True, "peephole": True},
        {"layer_norm": True},
        {"input_gate": False, "gate_activation": "hard_sigmoid"},
        {"forget_gate": False, "cell_activation": ("scaled_tanh", 0.9, 1.2)},
        {"output_gate": False, "cell_activation": "softplus"},
        {"gate_activation": "softsign", "cell_activation": ("thresholded_relu", 0.3)},
        {"gate_activation": ("affine", 0.5, 0.1), "cell_activation": ("elu", 0.7)},
    ],
    ids=str,
)
def test_an_lstms_gates_make_the_states_of_the_native_layer(options):
    gates, (h, c) = one_unit(ln.LSTM, **options)
    one = np.ones(T)
    i, f, o = (gates.get(name, one) for name in "ifo")
    before = np.concatenate([[0.0], c[:-1]])
    np.testing.assert_allclose(f * before + i * gates["g"], c, rtol=1e-12, atol=1e-14)
    if not options.get("layer_norm"):
        np.testing.assert_allclose(o * np.tanh(c), h, rtol=1e-12, atol=1e-14)
    missing = {
        n
        for n, k in zip("ifo", ["input", "forget", "output"], strict=True)
        if not options.get(f"{k}_gate", True)
    }
    assert list(gates) == [name for name in "ifgo" if name not in missing]


@pytest.mark.parametrize("after", [False, True])
def test_a_grus_gates_make_its_states(after):
    gates, (h,) = one_unit(ln.GRU, reset_after=after, gate_clip=0.5)
    before = np.concatenate([[0.0], h[:-1]])
    expected = (1 - gates["z"]) * gates["n"] + gates["z"] * before
    np.testing.assert_allclose(expected, h, rtol=1e-12)
    assert list(gates) == ["r", "z", "n"]


def test_the_gates_of_cells_without_recurrent_weights_make_their_states():
    gates, (h,) = one_unit(ln.MinGRU)
    before = np.concatenate([[0.0], h[:-1]])
    np.testing.assert_allclose((1 - gates["z"]) * before + gates["z"] * gates["n"], h, rtol=1e-12)
    gates, (h,) = one_unit(ln.MinLSTM)
    before = np.concatenate([[0.0], h[:-1]])
    expected = (gates["f"] * before + gates["i"] * gates["g"]) / (gates["f"] + gates["i"])
    np.testing.assert_allclose(expected, h, rtol=1e-12)


def test_a_plain_network_shows_its_output():
    gates, (h,) = one_unit(ln.RNN)
    np.testing.assert_allclose(gates["h"], h, rtol=1e-12)


def test_saturation_counts_units_beyond_the_limits():
    layer = ln.LSTM(4, input_size=F, dtype="float64", seed=0)
    weights = {name: np.zeros_like(v) for name, v in layer.state_dict().items()}
    weights["bias_ih_l0"] = np.repeat([-9.0, 9.0, 0.0, 0.0], 4)  # i shut, f open, g and o between
    weights["bias_ih_l0"][12] = 9.0  # but for one unit's o
    layer.load_state_dict(weights)
    gates = gradient_flow(layer, X, np.zeros((3, T, 4))).layers[0].gates
    shares = {name: (gate.low[0], gate.high[0]) for name, gate in gates.items()}
    assert shares == {"i": (1.0, 0.0), "f": (0.0, 1.0), "g": (0.0, 0.0), "o": (0.0, 0.25)}
    assert gates["i"].limits == (0.1, 0.9)
    assert gates["g"].limits == (-0.9, 0.9)


def test_a_function_without_bounds_has_no_saturation():
    gates = gradient_flow(ln.RNN(3, activation="linear"), X, np.zeros((3, T, 3))).layers[0].gates
    assert np.isnan(gates["h"].low).all()
    assert np.isnan(gates["h"].high).all()


@pytest.mark.parametrize(
    "function",
    [
        *(Function(n) for n in ("linear", "relu", "tanh", "sigmoid", "softsign", "softplus")),
        Function("affine", 0.7, 0.2),
        Function("leaky_relu", 0.1),
        Function("thresholded_relu", 0.45),
        Function("scaled_tanh", 1.3, 0.8),
        Function("hard_sigmoid", 0.2, 0.5),
        Function("elu", 0.6),
    ],
    ids=lambda f: f.name,
)
def test_slopes_are_the_derivatives_of_the_values(function):
    at = np.array([-3.1, -1.2, -0.3, 0.21, 0.9, 2.8])
    expected = central_difference(lambda a: function(a).sum(), at)
    np.testing.assert_allclose(function.slope(at), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.25])
def test_a_linear_networks_gradient_changes_by_its_radius_at_each_step(radius):
    """dL/dh_t = U^T dL/dh_t+1, and U is a rotation times its radius."""
    layer = ln.RNN(16, input_size=F, activation="linear", return_sequences=False, dtype="float64")
    weights = layer.state_dict()
    weights["weight_hh_l0"] *= radius  # orthogonal at first
    layer.load_state_dict(weights)
    (found,) = gradient_flow(model_of(layer), X, Y).layers
    assert found.spectral_norm["h"] == pytest.approx(radius)
    assert found.spectral_radius["h"] == pytest.approx(radius)
    assert found.decay == pytest.approx(radius)
    np.testing.assert_allclose(found.dh[:-1] / found.dh[1:], radius, rtol=1e-9)


def test_spectra_are_those_of_each_gates_block():
    layer = ln.LSTM(5, proj_size=3, coupled_gates=True, input_size=F, dtype="float64", seed=0)
    (found,) = gradient_flow(layer, X, np.zeros((3, T, 3))).layers
    own = layer.state_dict()
    for name, block in zip("igo", np.split(own["weight_hh_l0"], 3), strict=True):
        product = block @ own["weight_hr_l0"]
        assert found.spectral_norm[name] == pytest.approx(np.linalg.svd(product)[1][0])
        eigenvalues = np.linalg.eigvals(product)
        assert found.spectral_radius[name] == pytest.approx(np.abs(eigenvalues).max())
    (without,) = gradient_flow(ln.MinGRU(3), X, np.zeros((3, T, 3))).layers
    assert without.spectral_norm == {}


def test_layers_are_named_by_place_stack_and_direction():
    layers = [ln.Dense(3), ln.GRU(4, num_layers=2, bidirectional=True), ln.RNN(3), ln.Dense(1)]
    flow = gradient_flow(ln.Sequential(layers, seed=0), X, np.zeros((3, T, 1)))
    assert [layer.name for layer in flow.layers] == [
        *("1 GRU l0 forward", "1 GRU l0 reverse", "1 GRU l1 forward", "1 GRU l1 reverse"),
        "2 RNN",
    ]
    assert [layer.reverse for layer in flow.layers] == [False, True, False, True, False]


def test_models_are_named_or_get_the_names_of_their_cells():
    models = [model_of(kind(3, return_sequences=False)) for kind in (ln.RNN, ln.LSTM, ln.LSTM)]
    flow = gradient_flow(models, X, Y)
    assert list(flow.models) == ["RNN", "LSTM", "LSTM 2"]
    assert list(gradient_flow({"a": models[0]}, X, Y).models) == ["a"]
    with pytest.raises(ValueError, match=r"several models \(RNN, LSTM, LSTM 2\)"):
        _ = flow.layers
    with pytest.raises(KeyError, match="no model 'GRU'; there are RNN, LSTM, LSTM 2"):
        flow["GRU"]


def test_samples_do_not_change_each_others_norms():
    model = model_of(ln.LSTM(4, return_sequences=False))
    together = gradient_flow(model, X, Y).layers[0]
    alone = gradient_flow(model, X[1:2], Y[1:2]).layers[0]
    np.testing.assert_allclose(together.dh_samples[1], alone.dh_samples[0], rtol=1e-12)
    np.testing.assert_allclose(together.dh, together.dh_samples.mean(axis=0), rtol=1e-15)


def test_looking_changes_nothing():
    model = ln.Sequential(
        [ln.LSTM(4, num_layers=2, dropout=0.5, return_sequences=False), ln.Dense(1)], seed=0
    )
    before = model.fit(X, Y, epochs=1, seed=0, verbose=False).history["loss"]
    weights = model.state_dict()
    gradient_flow(model, X, Y)
    p.assert_same_weights(model.state_dict(), weights)
    again = ln.Sequential(
        [ln.LSTM(4, num_layers=2, dropout=0.5, return_sequences=False), ln.Dense(1)], seed=0
    )
    gradient_flow(again, X, Y)
    assert again.fit(X, Y, epochs=1, seed=0, verbose=False).history["loss"] == before


def test_the_summary_has_a_line_for_each_layer_and_model():
    model = model_of(ln.LSTM(4, num_layers=2, return_sequences=False))
    lines = gradient_flow({"two": model}, X, Y).summary().splitlines()
    assert [line.split()[:3] for line in lines[1:3]] == [["two", "0", "LSTM"]] * 2
    assert lines[0].split() == ["model", "layer", "first", "last", "per", "step", "|U|", "gates"]
    assert lines[3].startswith("two: loss ")


def test_all_models_are_drawn_in_one_figure(tmp_path):
    pytest.importorskip("matplotlib")
    models = [
        model_of(ln.RNN(3, return_sequences=False)),
        model_of(ln.LSTM(3, bidirectional=True, return_sequences=False)),
        model_of(ln.MinGRU(3, return_sequences=False)),
    ]
    figure = gradient_flow(models, X, Y).plot(tmp_path / "flow.png")
    assert (tmp_path / "flow.png").read_bytes()[1:4] == b"PNG"
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["RNN", "LSTM: 0 LSTM forward", "LSTM: 0 LSTM reverse", "MinGRU"]
    curve = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(curve, gradient_flow(models[0], X, Y).layers[0].dh)


def test_without_matplotlib_an_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    flow = gradient_flow(model_of(ln.RNN(3, return_sequences=False)), X, Y)
    with pytest.raises(ImportError, match=r"pip install 'lstm_native\[plot\]'"):
        flow.plot(tmp_path / "flow.png")


def test_the_module_is_loaded_when_it_is_used():
    code = (
        "import sys, lstm_native as ln; ln.Sequential;"
        "print('lstm_native.diagnostics' in sys.modules, ln.diagnostics.gradient_flow.__name__,"
        "'matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, **p.fresh_process()
    )
    assert done.stdout.split() == ["False", "gradient_flow", "False"]


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        ([], {}, "models: expected at least one, got none"),
        (model_of(ln.Dense(2)), {}, "model 'model' has no recurrent layer"),
        (
            ln.Highway([ln.LSTM(3, return_sequences=False)], window=2),
            {},
            "model 'model' has no recurrent layer of its own",
        ),
        (
            ln.Sequential([ln.LSTM(3), ln.Residual([ln.Residual([ln.GRU(3)])])]),
            {},
            "within a Residual cannot",
        ),
        (
            [ln.Sequential([ln.LSTM(3), ln.Highway([ln.Dropout(0.5), ln.RNN(2)], window=2)])],
            {},
            "within a Highway",
        ),
        (
            model_of(ln.RNN(2, return_sequences=False)),
            {"lengths": [1, 2]},
            "lengths: expected shape",
        ),
        (
            model_of(ln.RNN(2, return_sequences=False)),
            {"lengths": [1, 2, T + 1]},
            f"lengths: expected values from 0 to {T}",
        ),
        (model_of(ln.RNN(2, return_sequences=False)), {"loss": "msee"}, "unknown loss 'msee'"),
        (model_of(ln.RNN(2)), {}, "y: "),
    ],
)
def test_what_does_not_fit_is_refused(models, options, message):
    with pytest.raises(ValueError, match=message):
        gradient_flow(models, X, Y, **options)


def test_something_that_is_no_model_is_refused():
    with pytest.raises(TypeError, match="models must be Sequential, Model or layers, got str"):
        gradient_flow(["LSTM"], X, Y)
