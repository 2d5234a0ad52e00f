"""The convolutional LSTM with explicit loops. Float64.

Shi et al. 2015, "Convolutional LSTM network: a machine learning approach for precipitation
nowcasting", equation 3. Words: x (N, T, height, width, channels), h and c (N, height, width,
filters), gates in the order i, f, g, o.
"""

from __future__ import annotations

import numpy as np

from reference.layers import sigmoid


def convolve(image, kernel):
    """Cross-correlation, stride 1, zeros beyond the edges, output as large as the input.

    image (height, width, channels), kernel (filters, channels, kh, kw) -> (height, width, filters).
    """
    height, width, _ = image.shape
    filters, _, kh, kw = kernel.shape
    out = np.zeros((height, width, filters))
    for i in range(height):
        for j in range(width):
            for a in range(kh):
                for b in range(kw):
                    row, column = i + a - (kh - 1) // 2, j + b - (kw - 1) // 2
                    if 0 <= row < height and 0 <= column < width:
                        out[i, j] += kernel[:, :, a, b] @ image[row, column]
    return out


def conv_lstm_forward(x, weights, state=None, lengths=None, *, reverse=False):
    """Return (y, h, c): y (N, T, height, width, filters), zeros beyond the lengths."""
    samples, timesteps = x.shape[:2]
    filters = len(weights["weight_ih"]) // 4
    bias = weights.get("bias", np.zeros(4 * filters))
    shape = (*x.shape[2:4], filters)
    y = np.zeros((samples, timesteps, *shape))
    zeros = np.zeros((samples, *shape))
    h, c = (part.copy() for part in (state or (zeros, zeros)))
    peephole = weights.get("peephole", np.zeros((3, *shape)))
    for n in range(samples):
        steps = range(timesteps if lengths is None else lengths[n])
        for t in reversed(steps) if reverse else steps:
            sums = (
                convolve(x[n, t], weights["weight_ih"])
                + convolve(h[n], weights["weight_hh"])
                + bias
            )
            i, f, g, o = np.split(sums, 4, axis=-1)
            i, f = sigmoid(i + peephole[0] * c[n]), sigmoid(f + peephole[1] * c[n])
            c[n] = f * c[n] + i * np.tanh(g)
            h[n] = sigmoid(o + peephole[2] * c[n]) * np.tanh(c[n])
            y[n, t] = h[n]
    return y, h, c
