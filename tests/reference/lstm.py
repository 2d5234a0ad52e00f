"""The LSTM: one cell step, stacked layers over time, and back-propagation through time.

Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", with the forget gate of Gers, Schmidhuber
& Cummins 2000, "Learning to Forget". The gradients are those of Greff et al. 2017, "LSTM: A Search
Space Odyssey", appendix A, without peepholes.
"""

from __future__ import annotations

import numpy as np

from reference.layers import sigmoid

Weights = dict[str, np.ndarray]
State = tuple[np.ndarray, np.ndarray]
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def cell_forward(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """One step of one layer.

    x (N, F), h and c (N, H), w_ih (4H, F), w_hh (4H, H), b_ih and b_hh (4H,).
    Returns h', c' (N, H) and the values that `cell_backward` needs.

        i = sigmoid(W_i x + U_i h + b_i)      c' = f * c + i * g
        f = sigmoid(W_f x + U_f h + b_f)      h' = o * tanh(c')
        g = tanh   (W_g x + U_g h + b_g)
        o = sigmoid(W_o x + U_o h + b_o)
    """
    gates = x @ w_ih.T + b_ih + h @ w_hh.T + b_hh
    a_i, a_f, a_g, a_o = np.split(gates, 4, axis=1)
    i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c_next = f * c + i * g
    h_next = o * np.tanh(c_next)
    return h_next, c_next, (x, h, c, i, f, g, o, c_next)


def cell_backward(dh_next, dc_next, remembered, w_ih, w_hh):
    """Gradients of one step: dx, dh, dc, and those of w_ih, w_hh and either bias."""
    x, h, c, i, f, g, o, c_next = remembered
    tanh_c = np.tanh(c_next)
    do = dh_next * tanh_c
    dc_total = dc_next + dh_next * o * (1.0 - tanh_c**2)
    di, df, dg = dc_total * g, dc_total * c, dc_total * i
    gates = np.concatenate(
        [
            di * i * (1.0 - i),
            df * f * (1.0 - f),
            dg * (1.0 - g**2),
            do * o * (1.0 - o),
        ],
        axis=1,
    )
    return gates @ w_ih, gates @ w_hh, dc_total * f, gates.T @ x, gates.T @ h, gates.sum(axis=0)


def lstm_forward(
    x: np.ndarray,
    weights: Weights,
    num_layers: int,
    state: State | None = None,
    masks: list[np.ndarray] | None = None,
):
    """Stacked layers over a sequence.

    x (N, T, F); state is (h, c), each (num_layers, N, H), zeros when None; masks[k] multiplies
    what layer k hands to layer k + 1 (inverted dropout; shape of that output, (N, T, H)).
    Returns y (N, T, H) of the last layer, the final state, and a tape for `lstm_backward`.
    """
    samples, timesteps, _ = x.shape
    hidden = weights["weight_hh_l0"].shape[1]
    if state is None:
        state = (np.zeros((num_layers, samples, hidden)), np.zeros((num_layers, samples, hidden)))
    h_final, c_final, tape = [], [], []
    y = x
    for k in range(num_layers):
        parameters = [weights[f"{name}_l{k}"] for name in NAMES]
        h, c = state[0][k], state[1][k]
        outputs, steps = [], []
        for t in range(timesteps):
            h, c, remembered = cell_forward(y[:, t], h, c, *parameters)
            outputs.append(h)
            steps.append(remembered)
        h_final.append(h)
        c_final.append(c)
        tape.append(steps)
        y = np.stack(outputs, axis=1)
        if masks is not None and k + 1 < num_layers:
            y = y * masks[k]
    return y, (np.stack(h_final), np.stack(c_final)), tape


def lstm_backward(
    dy: np.ndarray,
    dstate: State | None,
    weights: Weights,
    tape,
    masks: list[np.ndarray] | None = None,
):
    """Back-propagation through time for `lstm_forward`.

    dy (N, T, H); dstate is (dh, dc) of the final state, or None.
    Returns dx (N, T, F), (dh, dc) of the initial state, and the weights' gradients by name.
    """
    num_layers = len(tape)
    samples, timesteps, hidden = dy.shape
    if dstate is None:
        dstate = (np.zeros((num_layers, samples, hidden)), np.zeros((num_layers, samples, hidden)))
    dh_initial, dc_initial = np.empty_like(dstate[0]), np.empty_like(dstate[1])
    gradients = {name: np.zeros_like(value) for name, value in weights.items()}
    for k in reversed(range(num_layers)):
        if masks is not None and k + 1 < num_layers:
            dy = dy * masks[k]
        w_ih, w_hh = weights[f"weight_ih_l{k}"], weights[f"weight_hh_l{k}"]
        dx = np.empty((samples, timesteps, w_ih.shape[1]))
        dh, dc = dstate[0][k], dstate[1][k]
        for t in reversed(range(timesteps)):
            dx[:, t], dh, dc, dw_ih, dw_hh, db = cell_backward(
                dh + dy[:, t], dc, tape[k][t], w_ih, w_hh
            )
            gradients[f"weight_ih_l{k}"] += dw_ih
            gradients[f"weight_hh_l{k}"] += dw_hh
            gradients[f"bias_ih_l{k}"] += db
            gradients[f"bias_hh_l{k}"] += db
        dh_initial[k], dc_initial[k] = dh, dc
        dy = dx
    return dy, (dh_initial, dc_initial), gradients


def random_lstm(
    rng: np.random.Generator, features: int, hidden: int, num_layers: int = 1
) -> Weights:
    """Weights uniform in +-1/sqrt(H), the scale PyTorch starts from; no bias is zero."""
    bound = 1.0 / np.sqrt(hidden)
    weights = {}
    for k in range(num_layers):
        shapes = [(4 * hidden, features if k == 0 else hidden), (4 * hidden, hidden)]
        shapes += [(4 * hidden,), (4 * hidden,)]
        for name, shape in zip(NAMES, shapes, strict=True):
            weights[f"{name}_l{k}"] = rng.uniform(-bound, bound, shape)
    return weights
