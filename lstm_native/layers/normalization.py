"""Normalisation over a batch: BatchNorm."""

from __future__ import annotations

from typing import Any

from lstm_native._base.checks import check_bool, check_real
from lstm_native.layers.layer import Layer


class BatchNorm(Layer):
    """Batch normalisation of each feature (Ioffe & Szegedy 2015, algorithms 1 and 2).

    (x - mean) / sqrt(variance + epsilon) * weight + bias, in training with mean and biased variance
    over all samples and true steps of the batch, else with running statistics.

    The one layer where a row depends on the rows beside it, in training alone.

    Parameters
    ----------
    momentum : float
        Share of a batch in the running statistics, in [0, 1]: running = (1 - momentum) * running +
        momentum * batch, as in PyTorch. Keras calls 1 minus this its momentum.
    epsilon : float
        Added to the variance, > 0.
    scale : bool
        Whether there is a weight.
    center : bool
        Whether there is a bias.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Notes
    -----
    Parameters: `weight` (F,) of ones, `bias` (F,) of zeros; and, saved and not trained,
    `running_mean` (F,) of zeros, `running_var` (F,) of ones, which move towards the batch's mean
    and unbiased variance, as in PyTorch, in each step of `fit` that is taken and in each
    `forward`. A call, `predict`, `evaluate` and streams use them and leave them as they are; so
    does training while `trainable` is False, as in Keras. A batch without a step moves nothing.
    Sums are float64, in the order of the rows: the same for any number of threads.

    Examples
    --------
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.Conv1D(8, 5, padding="causal"), ln.BatchNorm(), ln.LSTM(4)])
    """

    type_name = "batch_norm"

    def __init__(
        self,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        scale: bool = True,
        center: bool = True,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.momentum = check_real(momentum, name="momentum", minimum=0.0, maximum=1.0)
        self.epsilon = check_real(epsilon, name="epsilon", above=0.0)
        self.scale = check_bool(scale, name="scale")
        self.center = check_bool(center, name="center")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "scale": self.scale,
            "center": self.center,
        }
