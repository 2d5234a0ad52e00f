"""Layers that look at windows of steps: Conv1D, MaxPool1D, MeanPool1D."""

from __future__ import annotations

from typing import Any

from lstm_native._base.checks import check_bool, check_choice
from lstm_native.layers.layer import Layer, check_size, optional_size
from lstm_native.layers.simple import ACTIVATIONS

PADDINGS = ("valid", "same", "causal")


class Conv1D(Layer):
    """A convolution over time: activation(sum_j W_j x[t * stride + j * dilation - before] + b).

    (N, T, F) to (N, T', filters). As in Keras (LeCun et al. 1989, "Backpropagation applied to
    handwritten zip code recognition"; causal and dilated as van den Oord et al. 2016, "WaveNet").

    Parameters
    ----------
    filters : int
        Output features.
    kernel_size : int
        Steps in a window.
    stride : int
        Steps from one window to the next.
    dilation : int
        Steps from one step of a window to the next.
    padding : {"valid", "same", "causal"}
        "valid": windows lie inside the sequence; T' is the number of those. "same" and "causal"
        lay zeros beyond its ends, and T' is ceil(T / stride): "same" in equal parts before and
        behind (the odd step behind), "causal" before it alone, so that no output depends on a
        later step.
    activation : {"linear", "relu", "sigmoid", "tanh", "softmax"}, optional
        None is linear, the default.
    bias : bool
    input_size : int, optional
        F, by default taken from the first input.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights, Glorot uniform (Glorot & Bengio 2010); the bias is zero.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        Sizes below 1, another padding or activation; when called, an input without time axis or,
        with "valid" padding, shorter than a window.

    Notes
    -----
    Parameters: `weight` (filters, F, kernel_size), `bias` (filters,), as PyTorch has them.

    With lengths each sequence is what it would be alone: the zeros of "same" stand behind its true
    end, nothing behind that is read, and `y` has the lengths that come out, zeros behind them.

    In a stream, with padding="causal" and stride=1 alone.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.Conv1D(8, 5, padding="causal"), ln.LSTM(4), ln.Dense(1)])
    >>> model.predict(np.ones((2, 20, 3), dtype="float32")).shape
    (2, 20, 1)
    """

    type_name = "conv1d"

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        padding: str = "valid",
        activation: str | None = None,
        bias: bool = True,
        *,
        input_size: int | None = None,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.filters = check_size(filters, name="filters")
        self.kernel_size = check_size(kernel_size, name="kernel_size")
        self.stride = check_size(stride, name="stride")
        self.dilation = check_size(dilation, name="dilation")
        self.padding = check_choice(padding, name="padding", choices=PADDINGS)
        if activation is not None:
            check_choice(activation, name="activation", choices=ACTIVATIONS)
        self.activation = activation
        self.bias = check_bool(bias, name="bias")
        self.input_size = optional_size(input_size, name="input_size")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "dilation": self.dilation,
            "padding": self.padding,
            "activation": self.activation or "linear",
            "bias": self.bias,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        if spec.get("activation") == "linear":
            del spec["activation"]
        return cls(**spec)

    @property
    def _known_input_size(self) -> int | None:
        return self.input_size


class _WindowPool(Layer):
    """A layer that makes one step of each window; parameters as in the subclasses."""

    has_weights = False

    def __init__(
        self,
        pool_size: int = 2,
        stride: int | None = None,
        padding: str = "valid",
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.pool_size = check_size(pool_size, name="pool_size")
        self.stride = self.pool_size if stride is None else check_size(stride, name="stride")
        self.padding = check_choice(padding, name="padding", choices=PADDINGS)

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "pool_size": self.pool_size,
            "stride": self.stride,
            "padding": self.padding,
        }


class MaxPool1D(_WindowPool):
    """The greatest value of each window of steps, feature by feature: (N, T, F) to (N, T', F).

    Parameters
    ----------
    pool_size : int
        Steps in a window.
    stride : int, optional
        Steps from one window to the next; by default `pool_size`.
    padding : {"valid", "same", "causal"}
        Where windows lie, as in `Conv1D`. Steps beyond the ends take no part.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        As `Conv1D`.

    Notes
    -----
    Of equal values the first one gets the gradient, as in PyTorch. Lengths and streams as in
    `Conv1D`: the windows of a sequence end with its true steps.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> y = ln.Sequential([ln.MaxPool1D(2)]).predict(np.arange(6.0).reshape(1, 6, 1))
    >>> y.ravel().tolist()
    [1.0, 3.0, 5.0]
    """

    type_name = "max_pool1d"


class MeanPool1D(_WindowPool):
    """The mean of each window of steps, feature by feature: (N, T, F) to (N, T', F).

    Parameters
    ----------
    pool_size : int
        Steps in a window.
    stride : int, optional
        Steps from one window to the next; by default `pool_size`.
    padding : {"valid", "same", "causal"}
        Where windows lie, as in `Conv1D`. Steps beyond the ends take no part: the mean is over
        those that are there, as in Keras.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError
        As `Conv1D`.

    Notes
    -----
    Lengths and streams as in `Conv1D`: the windows of a sequence end with its true steps.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> y = ln.Sequential([ln.MeanPool1D(2)]).predict(np.arange(6.0).reshape(1, 6, 1))
    >>> y.ravel().tolist()
    [0.5, 2.5, 4.5]
    """

    type_name = "mean_pool1d"
