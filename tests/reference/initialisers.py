"""What initial weights must satisfy."""

from __future__ import annotations

import numpy as np


def glorot_bound(fan_in: int, fan_out: int) -> float:
    """Half width of the uniform distribution of Glorot & Bengio 2010, equation 16."""
    return float(np.sqrt(6.0 / (fan_in + fan_out)))


def orthogonality_defect(block: np.ndarray) -> float:
    """max |B B^T - I| for a square block: 0 for an orthogonal one (Saxe et al. 2014)."""
    block = np.asarray(block, dtype=np.float64)
    return float(np.abs(block @ block.T - np.eye(len(block))).max())
