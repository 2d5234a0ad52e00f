"""DRAW: a network that looks at a picture through a window and paints it step by step.

    python examples/draw.py --updates 1500    # digits of seven segments, a few minutes

Gregor, Danihelka, Graves, Rezende & Wierstra 2015, "DRAW: A recurrent neural network for image
generation". The layers are native; the Gaussian windows, the sampling and the canvas are NumPy, and
the package autograd differentiates the whole (pip install 'lstm_native[autograd]').
"""

from __future__ import annotations

import argparse
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

import lstm_native as ln

SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcfgd")


def digits(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Pictures (count, size, size) of digits of seven segments, somewhere, as 0 and 1."""
    high, wide = size * 2 // 3, size // 3
    pictures = np.zeros((count, size, size), "float32")
    for picture in pictures:
        top, left = rng.integers(0, size - high), rng.integers(0, size - wide)
        rows, columns = (top, top + high // 2, top + high), (left, left + wide)
        for segment in SEGMENTS[rng.integers(10)]:
            if segment in "agd":
                picture[rows["agd".index(segment)], columns[0] : columns[1] + 1] = 1.0
            else:
                half = segment in "ec"
                column = columns[segment in "bc"]
                picture[rows[half] : rows[half + 1] + 1, column] = 1.0
    return pictures


def sigmoid(a: Any) -> Any:
    return 1 / (1 + anp.exp(-anp.clip(a, -30, 30)))


class Draw:
    size, window, hidden, code, steps = 16, 5, 96, 8, 10

    def __init__(self, dtype: str = "float32") -> None:
        hidden, patch = self.hidden, self.window**2
        layers = {
            "encoder": ln.LSTM(hidden, input_size=2 * patch + hidden, seed=0, dtype=dtype),
            "decoder": ln.LSTM(hidden, input_size=self.code, seed=1, dtype=dtype),
            "code": ln.Dense(2 * self.code, input_size=hidden, seed=2, dtype=dtype),
            "read": ln.Dense(5, input_size=hidden, seed=3, dtype=dtype),
            "write": ln.Dense(5, input_size=hidden, seed=4, dtype=dtype),
            "patch": ln.Dense(patch, input_size=hidden, seed=5, dtype=dtype),
        }
        self.functions = {name: ln.autograd.function(one) for name, one in layers.items()}
        self.params = {name: one.state_dict() for name, one in layers.items()}
        self.cross_entropy = ln.autograd.loss("binary_crossentropy")

    def filters(self, row: Any) -> tuple[Any, Any, Any]:
        """The window's Gaussians down and across (N, window, size), and its strength (3.2)."""
        centre = (self.size + 1) / 2 * (row[:, 0:2, None, None] + 1)
        width, stride, strength = (anp.exp(row[:, k, None, None]) for k in (2, 3, 4))
        ends = (self.size - 1) / 2
        grid = np.linspace(-ends, ends, self.window, dtype=row.dtype)[:, None]
        apart = np.arange(self.size, dtype=row.dtype) - centre - (grid * stride)[:, None]
        bumps = anp.exp(-(apart**2) / (2 * width[:, None]))
        bumps = bumps / (anp.sum(bumps, axis=3, keepdims=True) + 1e-6)
        return bumps[:, 0], bumps[:, 1], strength

    def step(self, params: Any, x: Any, state: Any, noise: Any) -> tuple[Any, Any]:
        """One step (equations 3 to 8): the state, and what its code costs in nats."""

        canvas, h, encoder, decoder = state
        down, across, strength = self.filters(self.functions["read"](params["read"], h))
        error = x - sigmoid(canvas)
        seen = [strength * (down @ image @ anp.swapaxes(across, 1, 2)) for image in (x, error)]
        glimpse = anp.concatenate([*(anp.reshape(one, (len(x), -1)) for one in seen), h], axis=1)
        y, encoder = self.functions["encoder"](params["encoder"], glimpse[:, None], encoder)
        gaussian = self.functions["code"](params["code"], y[:, 0])
        mean, log_variance = anp.split(gaussian, 2, axis=1)
        z = mean + anp.exp(log_variance / 2) * noise
        cost = anp.sum(mean**2 + anp.exp(log_variance) - log_variance - 1) / (2 * len(x))
        return self.paint(params, z, (canvas, h, encoder, decoder)), cost

    def paint(self, params: Any, z: Any, state: Any) -> Any:
        """What the decoder does with a code: the state behind it."""
        canvas, _, encoder, decoder = state
        y, decoder = self.functions["decoder"](params["decoder"], z[:, None], decoder)
        h = y[:, 0]
        patch = self.functions["patch"](params["patch"], h)
        patch = anp.reshape(patch, (-1, self.window, self.window))
        down, across, strength = self.filters(self.functions["write"](params["write"], h))
        canvas = canvas + (anp.swapaxes(down, 1, 2) @ patch @ across) / strength
        return canvas, h, encoder, decoder

    def begin(self, count: int) -> Any:
        """The state before the first step: an empty canvas."""
        dtype = self.params["code"]["bias"].dtype
        empty = np.zeros((count, self.size, self.size), dtype)
        return empty, np.zeros((count, self.hidden), dtype), None, None

    def loss(self, params: Any, x: Any, noise: Any) -> Any:
        """Nats for each picture (equations 9 to 12); noise: (steps, N, code)."""
        state, total = self.begin(len(x)), 0.0
        for one in noise:
            state, cost = self.step(params, x, state, one)
            total = total + cost
        flat = anp.reshape(state[0], (len(x), -1))
        return total + self.size**2 * self.cross_entropy(x.reshape(len(x), -1), flat)

    def generate(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """New pictures: codes from the prior, through the decoder alone."""
        state = self.begin(count)
        for z in rng.normal(size=(self.steps, count, self.code)).astype("float32"):
            state = self.paint(self.params, z, state)
        return np.asarray(sigmoid(state[0]))


def train(draw: Draw, updates: int, batch: int, rng: Any, rate: float = 1e-3) -> list[float]:
    """Train; return the loss of each update."""
    weights = {f"{a}.{b}": v for a, one in draw.params.items() for b, v in one.items()}
    optimizer, history = ln.Adam(rate, clip_norm=10.0), []
    gradient = autograd.value_and_grad(draw.loss)
    for _ in range(updates):
        x = digits(batch, draw.size, rng)
        noise = rng.normal(size=(draw.steps, batch, draw.code)).astype(x.dtype)
        value, found = gradient(draw.params, x, noise)
        grads = {f"{a}.{b}": g for a, one in found.items() for b, g in one.items()}
        optimizer.update(weights, grads)  # in place: draw.params holds the same arrays
        history.append(float(value))
    return history


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--updates", type=int, default=1500)
    updates = parser.parse_args(words).updates
    rng, draw = np.random.default_rng(0), Draw()
    history = train(draw, updates, 64, rng)
    print(f"nats: {np.mean(history[:10]):.1f} at first, {np.mean(history[-10:]):.1f} at last")
    for row in np.concatenate(draw.generate(5, rng), axis=1):
        print("".join(" .:*#"[int(4.99 * value)] for value in row))


if __name__ == "__main__":
    main()
