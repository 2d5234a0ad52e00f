"""Sequences of different lengths in their two forms: padded with what no result may depend on, and
as a list."""

from __future__ import annotations

import numpy as np

LENGTHS = np.array([4, 0, 6, 1, 3])


def values(rng: np.random.Generator, width: int, dtype: str = "float64") -> list[np.ndarray]:
    """One sequence (length, width) for each of LENGTHS."""
    return [rng.standard_normal((n, width)).astype(dtype) for n in LENGTHS]


def tokens(rng: np.random.Generator, vocabulary: int) -> list[np.ndarray]:
    return [rng.integers(0, vocabulary, n) for n in LENGTHS]


def pad(parts: list[np.ndarray], steps: int) -> np.ndarray:
    """(N, steps, ...), NaN or -9 behind the end of each sequence."""
    empty = np.nan if parts[0].dtype.kind == "f" else -9
    out = np.full((len(parts), steps, *parts[0].shape[1:]), empty, parts[0].dtype)
    for row, part in zip(out, parts, strict=True):
        row[: len(part)] = part
    return out


def unpad(array: np.ndarray) -> list[np.ndarray]:
    """The true steps; what stands behind them must be zero."""
    for row, n in zip(array, LENGTHS, strict=True):
        assert not row[n:].any()
    return [row[:n] for row, n in zip(array, LENGTHS, strict=True)]


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Whether two lists hold the same bits."""
    return len(first) == len(second) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(first, second, strict=True)
    )
