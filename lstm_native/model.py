"""Models: layers one after another, run, trained, saved and loaded."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._checks import as_values, check_dtype, check_positive_int, check_real
from lstm_native.containers import check_distinct
from lstm_native.layer import Layer, as_first_values, check_input, check_seed, native_class
from lstm_native.layers import layer_from_spec
from lstm_native.stream import Stream

if TYPE_CHECKING:  # what trains a model is loaded when one is trained
    from lstm_native._callback import Callback
    from lstm_native.history import History
    from lstm_native.losses import Loss
    from lstm_native.metrics import Metric
    from lstm_native.optimizers import Optimizer

_PREDICT_BATCH = 256


class Sequential:
    """Layers one after another.

    The weights are made when the number of input features is known: from the first layer, or
    from the first data the model sees.

    Parameters
    ----------
    layers : sequence of Layer
        An Embedding can only come first.
    dtype : {"float32", "float64"}, optional
        By default that of the layers, which must agree.
    seed : int, optional
        For the initial weights of layers that have no seed of their own.

    Attributes
    ----------
    layers : tuple of Layer
    loss : Loss or None
        Of the last `fit`, or of the file.
    optimizer : Optimizer or None
        Of the last `fit`, or of the file; its state lives in the model.
    history : History or None
        Of the last `fit`, also when it was interrupted.
    metadata : dict of str to str
        Free text that is saved with the model.
    stop_training : bool
        Set to True in a callback to end `fit` after the epoch.

    Raises
    ------
    TypeError, ValueError
        Something in the list is no layer, the list is empty, dtypes differ, or one layer does
        not fit the next.

    Examples
    --------
    >>> import lstm_native as ln
    >>> model = ln.Sequential([ln.LSTM(32, input_size=1, return_sequences=False), ln.Dense(1)])
    >>> model.parameter_count
    4513
    """

    def __init__(
        self, layers: Sequence[Layer], *, dtype: str | None = None, seed: int | None = None
    ) -> None:
        self.layers = tuple(layers)
        if not self.layers:
            raise ValueError("layers: expected at least one layer, got none")
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"layers must be layers, got {type(layer).__name__}: {layer!r}")
        check_distinct(self.layers)
        found = sorted({layer.dtype for layer in self.layers if layer.has_weights})
        if dtype is None and len(found) > 1:
            raise ValueError(f"layers differ in dtype ({', '.join(found)}): give dtype")
        self.dtype = check_dtype(dtype if dtype is not None else [*found, "float32"][0]).name
        self._seed = check_seed(seed)
        self.loss: Loss | None = None
        self.optimizer: Optimizer | None = None
        self.history: History | None = None
        self.metadata: dict[str, str] = {}
        self.stop_training = False
        self._network: Any = None
        self._trainer: Any = None
        self._given_optimizer: Optimizer | None = None
        first = self.layers[0]
        if first.built:
            self._build(first._native.input_features)
        elif first._known_input_size is not None:
            self._build(first._known_input_size)

    # -- building --------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the model has its weights."""
        return self._network is not None

    def _build(self, input_size: int) -> None:
        for index, layer in enumerate(self.layers):
            try:
                layer._build(
                    input_size, dtype=self.dtype, seed=_core.derive_seed(self._seed, index)
                )
            except ValueError as error:
                raise ValueError(f"layer {index}: {error}") from None
            input_size = layer._native.output_features
        network = native_class("Network", self.dtype)
        self._network = network([layer._native for layer in self.layers])

    def _built_network(self) -> Any:
        if not self.built:
            raise RuntimeError(
                "the model has no weights yet: give input_size to its first layer, or call "
                "predict or fit first"
            )
        return self._network

    def _check_input(self, x: Any) -> NDArray[Any]:
        """Return `x` ready for the core; the first good input builds the model."""
        if not self.built:
            x = as_first_values(x, self.dtype)
            before = [layer._state_of_building() for layer in self.layers]
            try:
                self._build(x.shape[-1])
                self._output_shape(x)
            except ValueError:
                # A refused input decides nothing.
                for layer, state in zip(self.layers, before, strict=True):
                    layer._undo_building(state)
                self._network = None
                raise
        checked = check_input(x, self._network, self.dtype)
        self._output_shape(checked)  # says so when a layer cannot take so many steps
        return checked

    def _output_shape(self, x: NDArray[Any]) -> tuple[int, ...]:
        """Shape of the output for a checked input."""
        timed = x.ndim == (2 if self._network.takes_tokens else 3)
        timesteps, features = self._network.output_shape(x.shape[1] if timed else 0)
        return (len(x), timesteps, features) if timesteps else (len(x), features)

    # -- running ---------------------------------------------------------------------------

    def predict(self, x: Any, *, batch_size: int = _PREDICT_BATCH) -> NDArray[Any]:
        """Run the model; dropout rests.

        Parameters
        ----------
        x : array_like, (N, T, F) or (N, F)
            Integer tokens (N, T) or (N,) when the first layer is an Embedding.
        batch_size : int
            Samples run at once. It decides about memory, never about the result.

        Returns
        -------
        ndarray, (N, T, features) or (N, features)
            A network that was trained with a cross-entropy gives logits.

        Raises
        ------
        TypeError
            Wrong dtype, such as integers where floats are needed.
        ValueError
            Wrong shape or feature count, empty, NaN or infinity, tokens out of range.
        """
        batch_size = check_positive_int(batch_size, name="batch_size")
        if self._network is not None:
            quick: NDArray[Any] | None = self._network.quick_predict(
                x, min(batch_size, sys.maxsize)
            )
            if quick is not None:
                return quick
        x = self._check_input(x)
        if len(x) <= batch_size:
            y: NDArray[Any] = self._network.predict(x)
            return y
        y = np.empty(self._output_shape(x), dtype=self.dtype)
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            y[part] = self._network.predict(x[part])
        return y

    def stream(self, batch_size: int = 1) -> Stream:
        """Return the model as a stream, which is given one step at a time.

        Parameters
        ----------
        batch_size : int
            Sequences that run side by side.

        Returns
        -------
        Stream
            `stream.step(x)` takes (batch_size, F), or tokens (batch_size,), and returns
            (batch_size, features). It keeps the weights the model has now.

        Raises
        ------
        RuntimeError
            The model is not built yet.
        ValueError
            A layer cannot be streamed (Highway), or needs a time axis that the one before drops.
        """
        return Stream(self._built_network(), batch_size, dtype=self.dtype)

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        loss: str | Loss | None = None,
        optimizer: str | Optimizer | None = None,
        metrics: Metric | Iterable[Metric] = (),
        validation_data: tuple[Any, ...] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        mask: Any = None,
        callbacks: Callback | Iterable[Callback] = (),
        lengths: Any = None,
        seed: int | None = None,
        initial_epoch: int = 0,
        verbose: bool = True,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array_like, (N, T, F) or (N, F)
            Integer tokens (N, T) or (N,) when the first layer is an Embedding.
        y : array_like
            Values of the output's shape (the last axis may be missing when it is 1); for
            categorical cross-entropy integer labels (N,), or (N, T) for an output at each step.
        epochs : int
            The epoch count at which training ends.
        batch_size : int
        loss : str or Loss, optional
            "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy" (both from
            logits), or an object such as `Huber(delta=0.5)`. By default that of the fit before,
            at first "mse". Another loss starts the optimiser's state afresh.
        optimizer : str or Optimizer, optional
            By default that of the fit before or of the file, with its state; at first
            `Adam(1e-3)`. An optimiser that is given starts afresh, unless it is the very object
            of the fit before.
        metrics : sequence
            "accuracy", "mse", "mae", "rmse", "mape", or functions (y_true, y_pred) -> float.
        validation_data : (x, y) or (x, y, sample_weight), optional
        validation_split : float
            Share of samples, taken from the end before any shuffling, in [0, 1).
        shuffle : bool
            Visit the samples in a new order each epoch.
        class_weight : dict of int to float, optional
            Weight of each label; 1 for labels not named.
        sample_weight : array_like, (N,) or (N, T), optional
            Not negative. The loss of a batch is the weighted mean over its rows.
        mask : bool array_like, (N,) or (N, T), optional
            False rows do not count.
        callbacks : Callback or sequence of Callback
        lengths : None
            Not available yet: NotImplementedError for anything else.
        seed : int, optional
            Decides order and dropout. The same seed, data and weights give the same weights,
            bit for bit, on any number of threads.
        initial_epoch : int
            The first epoch's number, when training resumes.
        verbose : bool
            Show a progress bar on stderr.

        Returns
        -------
        History
            Also kept as `model.history`.

        Raises
        ------
        TypeError, ValueError
            Data, shapes or settings that do not fit. No weight has changed then; a good `x` may
            have built the model.
        FloatingPointError
            The loss or a gradient became NaN or infinite: says in which epoch and batch. The
            model has the last weights that gave a finite loss.
        KeyboardInterrupt
            Ctrl-C, within one batch. Model and `model.history` are usable.
        """
        from lstm_native import losses, training

        if lengths is not None:
            raise NotImplementedError("lengths are not available in this version")
        options = training.Options.check(
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            shuffle=shuffle,
            seed=seed,
            initial_epoch=initial_epoch,
            verbose=verbose,
        )
        chosen = losses.parse(loss if loss is not None else self.loss or "mse")
        data = training.check_data(
            self,
            x,
            y,
            chosen,
            sample_weight=sample_weight,
            class_weight=class_weight,
            mask=mask,
        )
        return training.fit(
            self,
            data,
            chosen,
            optimizer,
            options,
            metrics=metrics,
            validation_data=validation_data,
            callbacks=callbacks,
        )

    def evaluate(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int = _PREDICT_BATCH,
        loss: str | Loss | None = None,
        metrics: Metric | Iterable[Metric] = (),
        sample_weight: Any = None,
        mask: Any = None,
    ) -> dict[str, float]:
        """Return {"loss": ..., metric: ...} over all samples; dropout rests.

        Parameters and errors as in `fit`.
        """
        from lstm_native import losses, training

        batch_size = check_positive_int(batch_size, name="batch_size")
        chosen = losses.parse(loss if loss is not None else self.loss or "mse")
        data = training.check_data(self, x, y, chosen, sample_weight=sample_weight, mask=mask)
        return training.evaluate(self, data, chosen, metrics, batch_size)

    @property
    def learning_rate(self) -> float:
        """The learning rate in force; may be set while training."""
        if self.optimizer is None:
            raise RuntimeError("the model has no optimizer yet: it gets one in fit")
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        value = check_real(value, name="learning_rate", above=0.0)
        if self.optimizer is None:
            raise RuntimeError("the model has no optimizer yet: it gets one in fit")
        self.optimizer = self.optimizer.with_learning_rate(value)
        if self._trainer is not None:
            self._trainer.set_learning_rate(value)

    # -- weights and files -----------------------------------------------------------------

    @property
    def parameter_count(self) -> int:
        """Number of trainable values."""
        count: int = self._built_network().parameter_count
        return count

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return copies of all parameters, named "<layer index>.<name in the layer>".

        Raises
        ------
        RuntimeError
            The model is not built yet.
        """
        self._built_network()
        return {
            f"{index}.{name}": value
            for index, layer in enumerate(self.layers)
            for name, value in layer.state_dict().items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all parameters; nothing is set unless every name, shape and value fits.

        Raises
        ------
        ValueError
            A missing or unknown name, a wrong shape, NaN or infinity.
        TypeError
            Values that are no floats.
        """
        old = self.state_dict()
        for name in [*old, *state]:
            if name not in old or name not in state:
                kind = "missing" if name in old else "unknown"
                raise ValueError(f"{kind} parameter '{name}'")
        values = {
            name: as_values(state[name], name=name, dtype=self.dtype, shape=value.shape)
            for name, value in old.items()
        }
        for index, layer in enumerate(self.layers):
            prefix = f"{index}."
            layer._native.set_parameters(
                {k[len(prefix) :]: v for k, v in values.items() if k.startswith(prefix)}
            )

    def save(
        self, path: str | os.PathLike[str], *, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Write the model to a file: weights, layers, metadata, and the optimiser's state.

        The file is safetensors with JSON metadata, written whole or not at all.

        Parameters
        ----------
        path : path-like
        metadata : dict of str to str, optional
            Added to `model.metadata` in the file.

        Raises
        ------
        OSError
            The file cannot be written; an older file of that name is still there.
        """
        merged = {**self.metadata, **(metadata or {})}
        for key, value in merged.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise TypeError(f"metadata must map str to str, got {key!r}: {value!r}")
        _core.save_model(os.fsencode(path), self._built_network(), self._trainer, merged)

    def summary(self) -> str:
        """Return a table of the layers, their output shapes and numbers of parameters.

        Examples
        --------
        >>> import lstm_native as ln
        >>> print(ln.Sequential([ln.LSTM(8, input_size=3), ln.Dense(1)]).summary())
        layer      output        parameters
        LSTM       (N, T, 8)            416
        Dense      (N, T, 1)              9
        total                           425
        """
        self._built_network()
        rows = [("layer", "output", "parameters")]
        timed = True
        for layer in self.layers:
            timesteps, features = layer._native.output_shape(_MANY_STEPS if timed else 0)
            timed = timesteps > 0
            shape = f"(N, T, {features})" if timed else f"(N, {features})"
            count = sum(value.size for value in layer.state_dict().values())
            rows.append((type(layer).__name__, shape, f"{count:,}"))
        rows.append(("total", "", f"{self.parameter_count:,}"))
        return "\n".join(f"{a:<10} {b:<12} {c:>11}".rstrip() for a, b, c in rows)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: the weights live in the core."""
        raise TypeError(
            "Sequential cannot be pickled or copied; write it with model.save(path) and read it "
            "with load_model(path)"
        )

    def __repr__(self) -> str:
        """Return the layers and the dtype."""
        inner = ", ".join(repr(layer) for layer in self.layers)
        return f"Sequential([{inner}], dtype={self.dtype!r})"


# Enough steps for the window of any Highway, to ask for a shape where the length is open.
_MANY_STEPS = 1 << 24


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """Return the model that `Sequential.save` wrote.

    Loading runs no code from the file and allocates no more than the file's size justifies.

    Raises
    ------
    OSError
        The file cannot be read (FileNotFoundError, ...).
    ValueError
        It is no model file, is damaged, or was written by another version of the format.
    """
    network, trainer, metadata = _core.load_model(os.fsencode(path))
    natives = network.layers
    layers = [layer_from_spec(json.loads(native.spec)) for native in natives]
    dtype = "float64" if isinstance(network, _core.Network64) else "float32"
    model = Sequential.__new__(Sequential)
    for layer, native in zip(layers, natives, strict=True):
        layer._native = native
        layer.dtype = dtype
        layer._seed = check_seed(None)
    Sequential.__init__(model, layers, dtype=dtype)
    model._network = network
    model._trainer = trainer
    model.metadata = metadata
    if trainer is not None:
        from lstm_native.losses import Loss
        from lstm_native.optimizers import Optimizer

        model.loss = Loss.from_json(trainer.loss)
        model.optimizer = Optimizer.from_json(trainer.optimizer)
    return model
