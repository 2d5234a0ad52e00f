"""`gradient_flow`: a model run forward and back, with its recurrent layers one step at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core, losses
from lstm_native._base.lengths import true_steps
from lstm_native.diagnostics.comparison import GradientFlow
from lstm_native.diagnostics.results import LayerFlow, ModelFlow, Values
from lstm_native.diagnostics.steps import Recurrence
from lstm_native.layers import layer_from_spec
from lstm_native.layers._recurrent import Recurrent
from lstm_native.layers.layer import Layer
from lstm_native.layers.simple import Activation, Dense, Dropout
from lstm_native.layers.tape import Tape
from lstm_native.losses import Loss
from lstm_native.model import Sequential
from lstm_native.training._data import check_samples

Model = Sequential | Layer


def gradient_flow(
    models: Model | Iterable[Model] | Mapping[str, Model],
    x: Any,
    y: Any,
    loss: str | Loss = "mse",
    *,
    sample_weight: Any = None,
    lengths: Any = None,
    mask: Any = None,
) -> GradientFlow:
    """Follow the gradient of a loss back through time.

    The models run forward and back over the samples, their recurrent layers one step at a time.
    Weights, optimisers and carried states stay as they are. Dropout rests, and zoneout takes its
    mean: the loss is that of `evaluate`. A `stateful` layer begins with zeros.

    Parameters
    ----------
    models : Sequential or Layer, or several
        A mapping gives the models names; else they are named after their first recurrent layer.
    x : array_like, (N, T, F), or integer tokens (N, T)
        The same samples for all models.
    y : array_like
        Targets, as `Sequential.fit` takes them.
    loss : str or Loss
    sample_weight, lengths, mask : optional
        As in `Sequential.fit`: what stands behind the end of a sequence is not read and does not
        count.

    Returns
    -------
    GradientFlow
        Of each recurrent layer, stacked layer and direction the norms of dL/dh_t and dL/dc_t,
        gates and spectral norms. Norms are those of a sample's own loss L_n, where L is the mean
        of the L_n (N times the gradient of L), and so do not depend on how many samples there are.

    Raises
    ------
    TypeError, ValueError
        Data that do not fit; something that is no model; no recurrent layer; a recurrent layer
        or Dropout within another layer (`Highway`, `Residual`), where it cannot be run by itself.

    Notes
    -----
    dL/dh_t is exact: what back-propagation through time computes, not an estimate. Its product
    over the steps of |dh_t/dh_t-1| is what vanishes or explodes (Hochreiter 1991; Bengio, Simard &
    Frasconi 1994, "Learning long-term dependencies with gradient descent is difficult"; Pascanu,
    Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks").

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> x = np.random.default_rng(0).normal(size=(4, 50, 2))
    >>> flow = ln.diagnostics.gradient_flow(
    ...     {
    ...         "RNN": ln.Sequential([ln.RNN(8, return_sequences=False), ln.Dense(1)], seed=0),
    ...         "LSTM": ln.Sequential([ln.LSTM(8, return_sequences=False), ln.Dense(1)], seed=0),
    ...     },
    ...     x,
    ...     x[:, 0, :1],
    ... )
    >>> flow["LSTM"].layers[0].dh.shape
    (50,)
    >>> sorted(flow["LSTM"].layers[0].gates)
    ['f', 'g', 'i', 'o']
    """
    chosen = losses.parse(loss)
    options = {"sample_weight": sample_weight, "lengths": lengths, "mask": mask}
    found = {
        name: _of_model(name, model, x, y, chosen, **options)
        for name, model in _named(models).items()
    }
    return GradientFlow(found)


def _named(models: Any) -> dict[str, Sequential]:
    """Return the models under their names."""
    if isinstance(models, Mapping):
        pairs = [(str(name), _model(model)) for name, model in models.items()]
    else:
        several = [models] if isinstance(models, (Sequential, Layer)) else list(models)
        pairs = [(_name(model), model) for model in map(_model, several)]
    if not pairs:
        raise ValueError("models: expected at least one, got none")
    found: dict[str, Sequential] = {}
    for name, model in pairs:
        unique, count = name, 2
        while unique in found:
            unique, count = f"{name} {count}", count + 1
        found[unique] = model
    return found


def _model(model: Any) -> Sequential:
    if isinstance(model, Layer):
        return Sequential([model])
    if not isinstance(model, Sequential):
        raise TypeError(f"models must be Sequential or layers, got {type(model).__name__}")
    return model


def _name(model: Sequential) -> str:
    kinds = [type(layer).__name__ for layer in model.layers if isinstance(layer, Recurrent)]
    return kinds[0] if kinds else "model"


def _of_model(
    name: str, model: Sequential, x: Any, y: Any, loss: Loss, **options: Any
) -> ModelFlow:
    _check_layers(name, model)
    data = check_samples(model, x, y, loss, **options)
    ((target, weights),) = data.take(slice(None)).seen(0, 0)
    output: Any = data.inputs[0].values
    lengths = data.inputs[0].lengths
    real = np.ones(output.shape[:2], dtype=bool)
    if lengths is not None:
        real = true_steps(lengths, output.shape[1])
        rest = real.reshape(real.shape + (1,) * (output.ndim - 2))
        output = np.where(rest, output, output.dtype.type(0))

    tapes: list[tuple[int, Tape | Recurrence]] = []
    for index, layer in enumerate(_layers(model, before_activation=data.probabilities[0])):
        if layer is None or isinstance(layer, Dropout):
            continue
        if isinstance(layer, Recurrent):
            recurrence = Recurrence(layer, index, real)
            output = recurrence.forward(output)
            tapes.append((index, recurrence))
        else:
            # What works row by row needs no lengths: rows behind an end count nowhere.
            whole = lengths if hasattr(layer, "layers") else None
            output, _, tape = layer.forward(output, lengths=whole)
            tapes.append((index, tape))
        if lengths is not None and output.ndim == 2:
            lengths = None  # the time axis is gone
    # In float64, whatever the model's dtype: what it explains is smaller than float32's rounding.
    pred, true, scale = (
        None if a is None else np.require(a, a.dtype if a.dtype == np.int64 else np.float64, ["C"])
        for a in (output, target, weights)
    )
    assert pred is not None
    value, gradient = _core.loss_value(loss._native(), pred, true, scale, lengths, True)
    layers, of_weights = _back(model, tapes, gradient.astype(model.dtype))
    square = sum(float((g**2).sum()) for g in of_weights)
    return ModelFlow(name, value, float(np.sqrt(square)), tuple(layers))


def _layers(model: Sequential, *, before_activation: bool) -> list[Layer | None]:
    """Return the layers; None for what hands values on.

    Before the activation that the model ends with, if so: a cross-entropy takes that into its own
    account.
    """
    layers: list[Layer | None] = list(model.layers)
    for index in reversed(range(len(layers)) if before_activation else ()):
        layer = layers[index]
        if isinstance(layer, Activation):
            layers[index] = None
        if isinstance(layer, Dense):
            layers[index] = _linear(layer, model)
        if getattr(layer, "activation", "linear") != "linear":
            break
    return layers


def _linear(layer: Dense, model: Sequential) -> Layer:
    """Return a Dense with the same weights and no activation."""
    weights = layer.state_dict()
    if layer.tied:
        weights["weight"] = model.layers[0].state_dict()["weight"]
    linear: Layer = layer_from_spec({**layer._spec(), "activation": "linear", "tied": False})
    linear._build(weights["weight"].shape[1], dtype=layer.dtype, seed=0)
    linear.load_state_dict(weights)
    return linear


def _back(
    model: Sequential, tapes: list[tuple[int, Tape | Recurrence]], gradient: NDArray[Any]
) -> tuple[list[LayerFlow], Iterable[Values]]:
    """Lead the gradient of the output back; return the layers and the gradients of all weights."""
    layers: list[LayerFlow] = []
    of_weights: dict[str, Values] = {}
    back: NDArray[Any] | None = gradient
    for index, tape in reversed(tapes):
        grads: Mapping[str, NDArray[Any]]
        if isinstance(tape, Recurrence):
            assert back is not None
            back, found = tape.backward(back)
            layers = found + layers
            grads = tape.gradients()
        else:
            back, _, grads = tape.backward(back)
        # A tied Dense has no weight of its own: its gradient is one of the Embedding's.
        tied = getattr(model.layers[index], "tied", False)
        for name, g in grads.items():
            key = "0.weight" if tied and name == "weight" else f"{index}.{name}"
            of_weights[key] = of_weights.get(key, 0.0) + g.astype(np.float64)
    return layers, of_weights.values()


def _check_layers(name: str, model: Sequential) -> None:
    if not any(isinstance(layer, Recurrent) for layer in model.layers):
        raise ValueError(f"model '{name}' has no recurrent layer of its own: {model!r}")
    for layer in model.layers:
        if not all(map(_can_be_whole, getattr(layer, "layers", ()))):
            raise ValueError(
                f"model '{name}': recurrent layers and Dropout within a {type(layer).__name__} "
                "cannot be run by themselves"
            )


def _can_be_whole(layer: Layer) -> bool:
    inner = getattr(layer, "layers", ())
    return not isinstance(layer, (Recurrent, Dropout)) and all(map(_can_be_whole, inner))
