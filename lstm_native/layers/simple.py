"""The layers without recurrence: Dense, Embedding, Dropout, LayerNorm, Activation, and so on."""

from __future__ import annotations

from typing import Any

from lstm_native._base.checks import check_bool, check_choice, check_positive_int, check_real
from lstm_native.layers.layer import Layer, check_rate, check_size, optional_size

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh", "softmax")


class Dense(Layer):
    """A fully connected layer on the last axis: activation(x W^T + b).

    Parameters
    ----------
    units : int
        Output features.
    activation : {"linear", "relu", "sigmoid", "tanh", "softmax"}, optional
        None is linear, the default.
        Of a classifier's last layer: linear gives logits, "sigmoid" (binary) and "softmax"
        (categorical) probabilities; the cross-entropies see which, and both learn alike.
    use_bias : bool
    tied : bool
        Compute with the weight of the Embedding that the Sequential begins with, instead of one of
        its own (Press & Wolf 2017, "Using the output embedding to improve language models"; Inan
        et al. 2017). `units` must be its vocabulary and F its features. There is one parameter,
        `0.weight`, with the sum of the gradients of both uses; it starts as an Embedding does,
        standard normal. Only the bias is this layer's own. Not inside other layers.
    input_size : int, optional
        By default taken from the first input.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights, Glorot uniform (Glorot & Bengio 2010).
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Notes
    -----
    Parameters: `weight` (units, F), `bias` (units,). A tied layer has the bias alone in its
    `state_dict`; its tape gives the gradient of the weight as well.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> y = ln.Dense(3, seed=0)(np.ones((2, 5, 4), dtype="float32"))
    >>> y.shape
    (2, 5, 3)
    """

    type_name = "dense"

    def __init__(
        self,
        units: int,
        *,
        activation: str | None = "linear",
        use_bias: bool = True,
        tied: bool = False,
        input_size: int | None = None,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.units = check_size(units, name="units")
        activation = "linear" if activation is None else activation
        self.activation = check_choice(activation, name="activation", choices=ACTIVATIONS)
        self.use_bias = check_bool(use_bias, name="use_bias")
        self.tied = check_bool(tied, name="tied")
        self.input_size = optional_size(input_size, name="input_size")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "units": self.units,
            "activation": self.activation,
            "bias": self.use_bias,
            "tied": self.tied,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        spec["use_bias"] = spec.pop("bias")
        return cls(**spec)

    @property
    def _known_input_size(self) -> int | None:
        return self.input_size


class Embedding(Layer):
    """Learned vectors for tokens: integers (N, T) to (N, T, features). Comes first in a model.

    Parameters
    ----------
    vocabulary : int
        Tokens are integers from 0 to vocabulary - 1.
    features : int
        Length of a token's vector.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights, standard normal.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Notes
    -----
    Parameter: `weight` (vocabulary, features).

    Examples
    --------
    >>> import lstm_native as ln
    >>> y = ln.Embedding(10, 4, seed=0)([[1, 2, 3]])
    >>> y.shape
    (1, 3, 4)
    """

    type_name = "embedding"

    def __init__(
        self,
        vocabulary: int,
        features: int,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.vocabulary = check_positive_int(vocabulary, name="vocabulary")
        self.features = check_size(features, name="features")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "vocabulary": self.vocabulary,
            "features": self.features,
        }

    @property
    def _known_input_size(self) -> int | None:
        return 0


class Dropout(Layer):
    """Drop values in training, scale the others by 1 / (1 - rate) (Srivastava et al. 2014).

    Parameters
    ----------
    rate : float
        Share of values dropped, in [0, 1).
    """

    type_name = "dropout"
    has_weights = False

    def __init__(
        self,
        rate: float,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.rate = check_rate(rate, name="rate")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "rate": self.rate}


class GaussianSample(Layer):
    """Draw from normal distributions that the layer before has answered with.

    The reparametrised sample of Kingma & Welling 2014 ("Auto-encoding variational Bayes", section
    2.4): of a block of F means m and one of F logarithms of variances v, m + exp(v / 2) e. In
    training e is standard normal noise, a function of the training's seed, the number of updates
    and the value's place; in prediction it is 0, and the layer returns the means. The divergence of
    what it draws from is `losses.UnitGaussianKL`.

    Input (..., 2 F), output (..., F).
    """

    type_name = "gaussian_sample"
    has_weights = False

    def __init__(self, *, dtype: str = "float32", seed: int | None = None) -> None:
        super().__init__(dtype=dtype, seed=seed)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name}


class LayerNorm(Layer):
    """Layer normalisation over the last axis (Ba et al. 2016).

    Parameters
    ----------
    epsilon : float
        Added to the variance, > 0.

    Notes
    -----
    Parameters: `weight` (F,), `bias` (F,).
    """

    type_name = "layer_norm"

    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.epsilon = check_real(epsilon, name="epsilon", above=0.0)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "epsilon": self.epsilon}


class Activation(Layer):
    """An activation function as a layer.

    Parameters
    ----------
    activation : {"linear", "relu", "sigmoid", "tanh", "softmax"}
    """

    type_name = "activation"
    has_weights = False

    def __init__(
        self,
        activation: str,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.activation = check_choice(activation, name="activation", choices=ACTIVATIONS)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "activation": self.activation}


class Scale(Layer):
    """A multiple of the input, and a constant: factor * x + offset.

    What numbers beside symbols mean: `2 * z`, `z + 1`, `1 - z`, `-z`, `z / 2`. Nothing is learned.

    Parameters
    ----------
    factor, offset : float
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    TypeError, ValueError
        What is no finite number.

    Examples
    --------
    >>> import lstm_native as ln
    >>> ln.Scale(-1.0, 1.0, dtype="float64")([[0.25, 2.0]]).tolist()
    [[0.75, -1.0]]
    """

    type_name = "scale"
    has_weights = False

    def __init__(
        self,
        factor: float = 1.0,
        offset: float = 0.0,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.factor = check_real(factor, name="factor")
        self.offset = check_real(offset, name="offset")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "factor": self.factor, "offset": self.offset}


class ActivityRegularization(Layer):
    """Hand values on, and in training charge the loss for large and for quickly changing ones.

    Adds to the loss of each batch (AR and TAR of Merity, Keskar & Socher 2018, "Regularizing and
    optimizing LSTM language models")::

        activity * mean(y**2) + temporal * mean((y[:, 1:] - y[:, :-1])**2)

    where y, the layer's output and input, is (N, T, F): the first mean is over all N T F values of
    the batch, the second over all N (T - 1) F differences of neighbouring steps (0 where T is 1);
    of sequences with lengths, what lies behind them does not count. Weights and masks of the loss
    do not enter these means.

    Parameters
    ----------
    activity : float
        Factor of the mean square, >= 0.
    temporal : float
        Factor of the mean squared difference, >= 0. More than 0 needs a time axis.
    dtype : {"float32", "float64"}
    seed : int, optional
        Has no effect.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError, TypeError
        A factor that is negative, not finite or no number.

    Notes
    -----
    The loss that `fit` reports includes the addition; `evaluate`, and with it the loss on
    validation data, does not. Where there is no loss to add to, in a call, a `forward` or a
    stream, the layer hands values on and gradients back as they are.

    Examples
    --------
    >>> import lstm_native as ln
    >>> layers = [ln.LSTM(8), ln.ActivityRegularization(activity=2.0, temporal=1.0), ln.Dense(1)]
    >>> model = ln.Sequential(layers)
    """

    type_name = "activity_regularization"
    has_weights = False

    def __init__(
        self,
        activity: float = 0.0,
        temporal: float = 0.0,
        *,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.activity = check_real(activity, name="activity", minimum=0.0)
        self.temporal = check_real(temporal, name="temporal", minimum=0.0)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "activity": self.activity, "temporal": self.temporal}
