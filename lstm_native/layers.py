"""The layers: LSTM, Dense, Embedding, Dropout, LayerNorm, Activation, Highway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from lstm_native._checks import as_values, check_bool, check_choice, check_positive_int, check_real
from lstm_native.layer import Layer, State, check_size, optional_size

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh", "softmax")


def _check_rate(value: float, *, name: str) -> float:
    return check_real(value, name=name, minimum=0.0, below=1.0)


class LSTM(Layer):
    r"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    For each step, with :math:`\sigma` the logistic function::

        i = sigmoid(W_i x + U_i h + b_i)      c' = f * c + i * g
        f = sigmoid(W_f x + U_f h + b_f)      h' = o * tanh(c')
        g = tanh   (W_g x + U_g h + b_g)
        o = sigmoid(W_o x + U_o h + b_o)

    Input (N, T, F); output (N, T, D H), or the last step (N, D H) with `return_sequences=False`,
    where D is 2 if `bidirectional` and else 1. The state is (h, c), each (num_layers D, N, H).
    A sequence's output depends on that sequence and the weights alone, bit for bit: not on its
    batch, nor on the number of threads.

    Parameters
    ----------
    hidden_size : int
        H, the number of hidden units.
    input_size : int, optional
        F; by default taken from the first input.
    num_layers : int
        Layers stacked on one another.
    bidirectional : bool
        Whether each stacked layer runs in both directions and hands on both outputs, the forward
        direction's first (Schuster & Paliwal 1997, "Bidirectional recurrent neural networks").
    return_sequences : bool
        Output of every step, or of the last alone. The last step of a reverse direction is the
        first of the sequence.
    dropout : float
        Share of values dropped between stacked layers in training, in [0, 1). A ValueError with
        one layer, where it would have no effect.
    forget_bias : float
        Initial bias of the forget gate (Jozefowicz et al. 2015 recommend 1).
    reverse : bool
        Whether to run from the end of each sequence to its start, all stacked layers alike. The
        output stands in the order of the input. A ValueError with `bidirectional`.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights: input weights Glorot uniform per gate (Glorot & Bengio 2010),
        recurrent weights orthogonal per gate (Saxe et al. 2014).
    proj_size, peephole, coupled_gates, layer_norm, recurrent_dropout, zoneout, cell_clip, \
stateful
        Not available yet: anything but the default is a NotImplementedError.

    Raises
    ------
    ValueError, TypeError
        A size, rate or number out of range or of the wrong type.
    NotImplementedError
        An option that is not available yet.

    Notes
    -----
    Parameters, in PyTorch's names, shapes and gate order (i, f, g, o): `weight_ih_l0` (4H, F),
    `weight_hh_l0` (4H, H), `bias_ih_l0` (4H,), `bias_hh_l0` (4H,), and so on for `_l1`, whose
    `weight_ih_l1` is (4H, D H). Of two directions the second has `weight_ih_l0_reverse` and so
    on, and follows the first in the state_dict and in the state, layer by layer.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> layer = ln.LSTM(8, seed=0)
    >>> y, (h, c) = layer(np.zeros((2, 5, 3), dtype="float32"))
    >>> y.shape, h.shape
    ((2, 5, 8), (1, 2, 8))
    """

    type_name = "lstm"

    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        proj_size: int | None = None,
        return_sequences: bool = True,
        peephole: bool = False,
        coupled_gates: bool = False,
        layer_norm: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        cell_clip: float | None = None,
        forget_bias: float = 1.0,
        reverse: bool = False,
        stateful: bool = False,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed)
        refused = {
            "proj_size": (proj_size, None),
            "peephole": (peephole, False),
            "coupled_gates": (coupled_gates, False),
            "layer_norm": (layer_norm, False),
            "recurrent_dropout": (recurrent_dropout, 0.0),
            "zoneout": (zoneout, 0.0),
            "cell_clip": (cell_clip, None),
            "stateful": (stateful, False),
        }
        for name, (value, default) in refused.items():
            if value is not default and value != default:
                raise NotImplementedError(f"{name}={value!r} is not available in this version")
        self.hidden_size = check_size(hidden_size, name="hidden_size")
        self.input_size = optional_size(input_size, name="input_size")
        self.num_layers = check_positive_int(num_layers, name="num_layers")
        self.return_sequences = check_bool(return_sequences, name="return_sequences")
        self.dropout = _check_rate(dropout, name="dropout")
        if self.dropout and self.num_layers == 1:
            raise ValueError(
                f"dropout={dropout} acts between stacked layers, but num_layers is 1; "
                "put a Dropout layer behind the LSTM instead"
            )
        self.forget_bias = check_real(forget_bias, name="forget_bias")
        self.bidirectional = check_bool(bidirectional, name="bidirectional")
        self.reverse = check_bool(reverse, name="reverse")
        if self.bidirectional and self.reverse:
            raise ValueError("reverse=True has no meaning with bidirectional=True, which has both")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "return_sequences": self.return_sequences,
            "dropout": self.dropout,
            "forget_bias": self.forget_bias,
            "bidirectional": self.bidirectional,
            "reverse": self.reverse,
        }

    @property
    def _known_input_size(self) -> int | None:
        return self.input_size

    def _native_state(
        self, state: State, samples: int, *, name: str
    ) -> Sequence[NDArray[Any]] | None:
        if state is None:
            return None
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            raise ValueError(f"{name}: expected (h, c), got {type(state).__name__}")
        layers = self.num_layers * (2 if self.bidirectional else 1)
        shape = (layers, samples, self.hidden_size)
        return [
            as_values(part, name=f"{name} {letter}", dtype=self.dtype, shape=shape)
            for letter, part in zip("hc", state, strict=True)
        ]

    def _public_state(self, state: Sequence[NDArray[Any]]) -> State:
        return (state[0], state[1])


class Dense(Layer):
    """A fully connected layer on the last axis: activation(x W^T + b).

    Parameters
    ----------
    units : int
        Output features.
    activation : {"linear", "relu", "sigmoid", "tanh", "softmax"}
        The losses take logits: the last layer of a classifier stays linear.
    use_bias : bool
    input_size : int, optional
        By default taken from the first input.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights, Glorot uniform (Glorot & Bengio 2010).

    Notes
    -----
    Parameters: `weight` (units, F), `bias` (units,).

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> y, _ = ln.Dense(3, seed=0)(np.ones((2, 5, 4), dtype="float32"))
    >>> y.shape
    (2, 5, 3)
    """

    type_name = "dense"

    def __init__(
        self,
        units: int,
        *,
        activation: str = "linear",
        use_bias: bool = True,
        input_size: int | None = None,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed)
        self.units = check_size(units, name="units")
        self.activation = check_choice(activation, name="activation", choices=ACTIVATIONS)
        self.use_bias = check_bool(use_bias, name="use_bias")
        self.input_size = optional_size(input_size, name="input_size")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "units": self.units,
            "activation": self.activation,
            "bias": self.use_bias,
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

    Notes
    -----
    Parameter: `weight` (vocabulary, features).

    Examples
    --------
    >>> import lstm_native as ln
    >>> y, _ = ln.Embedding(10, 4, seed=0)([[1, 2, 3]])
    >>> y.shape
    (1, 3, 4)
    """

    type_name = "embedding"

    def __init__(
        self, vocabulary: int, features: int, *, dtype: str = "float32", seed: int | None = None
    ) -> None:
        super().__init__(dtype=dtype, seed=seed)
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

    def __init__(self, rate: float, *, dtype: str = "float32", seed: int | None = None) -> None:
        super().__init__(dtype=dtype, seed=seed)
        self.rate = _check_rate(rate, name="rate")

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "rate": self.rate}


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
        self, *, epsilon: float = 1e-5, dtype: str = "float32", seed: int | None = None
    ) -> None:
        super().__init__(dtype=dtype, seed=seed)
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

    def __init__(self, activation: str, *, dtype: str = "float32", seed: int | None = None) -> None:
        super().__init__(dtype=dtype, seed=seed)
        self.activation = check_choice(activation, name="activation", choices=ACTIVATIONS)

    def _spec(self) -> dict[str, Any]:
        return {"type": self.type_name, "activation": self.activation}


class Highway(Layer):
    """A linear highway beside other layers: layers(x) + W vec(last `window` steps of x) + b.

    The autoregressive component of LSTNet (Lai et al. 2018): the linear part follows the scale
    of the input, the layers learn what is not linear.

    Parameters
    ----------
    layers : sequence of Layer
        Run one after another on the whole input; must end without a time axis. They take the
        Highway's dtype and seed.
    window : int
        How many of the last steps the linear part sees.
    dtype : {"float32", "float64"}
    seed : int, optional

    Notes
    -----
    Parameters: `weight` (out, window * F), steps oldest first, `bias` (out,), and those of the
    inner layers as `layers.0.<name>`. They are reached through this layer, not the inner ones.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> layers = [ln.LSTM(8, return_sequences=False), ln.Dense(2)]
    >>> y, _ = ln.Highway(layers, window=4, seed=0)(np.ones((3, 10, 1), dtype="float32"))
    >>> y.shape
    (3, 2)
    """

    type_name = "highway"

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        window: int,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed)
        self.layers = list(layers)
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"layers must be layers, got {type(layer).__name__}")
            if layer.built:
                raise ValueError(f"{layer!r} already has weights; a Highway builds its own layers")
            if layer._seed is not None:
                raise ValueError(f"{layer!r}: seed has no effect in a Highway; seed the Highway")
        if not self.layers:
            raise ValueError("layers: expected at least one, got none")
        check_distinct(self.layers)
        for layer in self.layers[1:]:
            if layer._known_input_size is not None:
                raise ValueError(f"{layer!r}: only a Highway's first layer may have input_size")
        self.window = check_size(window, name="window")

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "window": self.window,
            "layers": [layer._spec() for layer in self.layers],
        }

    @property
    def _known_input_size(self) -> int | None:
        return self.layers[0]._known_input_size

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        return cls([layer_from_spec(s) for s in spec["layers"]], window=spec["window"])


def check_distinct(layers: Sequence[Layer]) -> None:
    """Refuse a layer that stands twice in a list: its weights would be updated twice."""
    for index, layer in enumerate(layers):
        for earlier in range(index):
            if layers[earlier] is layer:
                raise ValueError(
                    f"layers: layer {index} is the same object as layer {earlier}; "
                    "make one layer for each"
                )


_KINDS: dict[str, type[Layer]] = {
    kind.type_name: kind
    for kind in (LSTM, Dense, Embedding, Dropout, LayerNorm, Activation, Highway)
}


def layer_from_spec(spec: dict[str, Any]) -> Layer:
    """Return the unbuilt layer that a specification describes."""
    options = dict(spec)
    return _KINDS[options.pop("type")]._from_spec(options)
