"""`gradient_flow`: a model run forward and back, with its recurrent layers one step at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native.diagnostics.comparison import GradientFlow
from lstm_native.diagnostics.results import ModelFlow
from lstm_native.diagnostics.walk import Walk
from lstm_native.graph import Model
from lstm_native.layers._recurrent import Recurrent
from lstm_native.layers.layer import Layer
from lstm_native.model import Sequential
from lstm_native.training._data import check_samples
from lstm_native.training._losses import heads_of, parse_losses

AnyModel = Sequential | Model | Layer


def gradient_flow(
    models: AnyModel | Iterable[AnyModel] | Mapping[str, AnyModel],
    x: Any,
    y: Any,
    loss: Any = "mse",
    *,
    loss_weights: Any = None,
    sample_weight: Any = None,
    lengths: Any = None,
    mask: Any = None,
) -> GradientFlow:
    """Follow the gradient of a loss back through time.

    The models run forward and back over the samples, their recurrent layers one step at a time.
    Weights, optimisers and carried states stay as they are. Dropout rests, BatchNorm uses its
    running statistics and zoneout takes its mean: the loss is that of `evaluate`. A `stateful`
    layer begins with zeros.

    Parameters
    ----------
    models : Sequential, Model or Layer, or several
        A mapping gives the models names; else they are named after their first recurrent layer.
    x : array_like, (N, T, F), or integer tokens (N, T)
        The same samples for all models; of a `Model` as its `fit` takes them.
    y : array_like
        Targets, as `fit` takes them.
    loss : str or Loss, or of a `Model` a list or dict of them
    loss_weights : optional
        As in `Model.fit`: the loss is the sum of factor x loss.
    sample_weight, lengths, mask : optional
        As in `fit`: what stands behind the end of a sequence is not read and does not
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
        within another layer (`Highway`, `Residual`), where it cannot be run by itself.

    Notes
    -----
    Layers that attend in their own steps, and ConvLSTM, are passed through as a whole: nothing is
    told of them.

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
    options = {"sample_weight": sample_weight, "lengths": lengths, "mask": mask}
    found = {
        name: _of_model(name, model, x, y, loss, loss_weights, **options)
        for name, model in _named(models).items()
    }
    return GradientFlow(found)


def _named(models: Any) -> dict[str, Sequential | Model]:
    """Return the models under their names."""
    if isinstance(models, Mapping):
        pairs = [(str(name), _model(model)) for name, model in models.items()]
    else:
        several = [models] if isinstance(models, AnyModel) else list(models)
        pairs = [(_name(model), model) for model in map(_model, several)]
    if not pairs:
        raise ValueError("models: expected at least one, got none")
    found: dict[str, Sequential | Model] = {}
    for name, model in pairs:
        unique, count = name, 2
        while unique in found:
            unique, count = f"{name} {count}", count + 1
        found[unique] = model
    return found


def _model(model: Any) -> Sequential | Model:
    if isinstance(model, Layer):
        return Sequential([model])
    if not isinstance(model, (Sequential, Model)):
        raise TypeError(f"models must be Sequential, Model or layers, got {type(model).__name__}")
    return model


def _name(model: Sequential | Model) -> str:
    kinds = [type(layer).__name__ for layer in model.layers if isinstance(layer, Recurrent)]
    return kinds[0] if kinds else "model"


def _of_model(
    name: str, model: Sequential | Model, x: Any, y: Any, loss: Any, weights: Any, **options: Any
) -> ModelFlow:
    _check_layers(name, model)
    chosen = parse_losses(model._form_out, loss, weights)
    heads = heads_of(chosen)
    data = check_samples(model, x, y, chosen, **options)
    batch = data.take(slice(None))
    alone = not isinstance(batch.x, list)
    inputs = [(batch.x, batch.lengths)] if alone else zip(batch.x, batch.lengths, strict=True)
    ends = [h.output for h, seen in zip(heads, data.probabilities, strict=True) if seen]
    walk = Walk(model, list(inputs), ends)
    outputs = list(walk.outputs())
    value = 0.0
    gradients: dict[int, NDArray[Any]] = {}
    for head, (target, scale) in zip(heads, batch.seen(0, 0), strict=True):
        # In float64, whatever the model's dtype: what it explains is smaller than float32's
        # rounding.
        pred, true, rows = (_in_float64(a) for a in (outputs[head.output].values, target, scale))
        lengths = outputs[head.output].lengths
        one, gradient = _core.loss_value(head.loss._native(), pred, true, rows, lengths, True)
        value += head.factor * one
        part = (head.factor * gradient).astype(model.dtype)
        before = gradients.get(head.output)
        gradients[head.output] = part if before is None else before + part
    layers, of_weights = walk.back(gradients)
    square = sum(float((g**2).sum()) for g in of_weights.values())
    return ModelFlow(name, value, float(np.sqrt(square)), tuple(layers))


def _in_float64(array: NDArray[Any] | None) -> Any:
    """Return values in float64, labels as they are."""
    if array is None:
        return None
    return np.require(array, array.dtype if array.dtype == np.int64 else np.float64, ["C"])


def _check_layers(name: str, model: Sequential | Model) -> None:
    if not any(isinstance(layer, Recurrent) for layer in model.layers):
        raise ValueError(f"model '{name}' has no recurrent layer of its own: {model!r}")
    for layer in model.layers:
        if not all(map(_can_be_whole, getattr(layer, "layers", ()))):
            raise ValueError(
                f"model '{name}': recurrent layers within a {type(layer).__name__} cannot be run "
                "by themselves"
            )


def _can_be_whole(layer: Layer) -> bool:
    inner = getattr(layer, "layers", ())
    return not isinstance(layer, Recurrent) and all(map(_can_be_whole, inner))
