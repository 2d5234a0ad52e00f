"""Models: layers one after another, run and trained."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from lstm_native._attributes import hinted
from lstm_native._checks import check_positive_int
from lstm_native._training_settings import TrainingSettings
from lstm_native.stream import Stream

if TYPE_CHECKING:  # what trains a model is loaded when one is trained
    from lstm_native._callback import Callback
    from lstm_native.history import History
    from lstm_native.layer import Layer
    from lstm_native.losses import Loss
    from lstm_native.metrics import Metric
    from lstm_native.optimizers import Optimizer

_PREDICT_BATCH = 256


class Sequential(TrainingSettings):
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
        Of the last `fit`, or of the file. May be set.
    optimizer : Optimizer or None
        Of the last `fit`, or of the file; its state lives in the model. May be set.
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
        super().__init__(layers, dtype=dtype, seed=seed)

    # -- running ---------------------------------------------------------------------------

    def __call__(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse (TypeError): a model is run with `predict`, a layer is called."""
        raise TypeError(
            "a Sequential is not called: write model.predict(x), which returns the output alone, "
            "or model.fit(x, y) to train"
        )

    def predict(
        self, x: Any, *, batch_size: int = _PREDICT_BATCH, lengths: Any = None, mask: Any = None
    ) -> Any:
        """Run the model; dropout rests.

        Parameters
        ----------
        x : array_like, (N, T, F) or (N, F), or list of arrays (T_i, F)
            Integer tokens (N, T) or (N,), or a list of arrays (T_i,), when the first layer is an
            Embedding.
        batch_size : int
            Samples run at once. It decides about memory, never about the result. A stateful model
            runs all at once.
        lengths : int array_like, (N,), optional
            How many of its T steps each sequence has. What stands behind them is not read.
        mask : bool array_like, (N, T), optional
            The same as lengths: each row True first, then False.

        Returns
        -------
        ndarray, (N, T, features) or (N, features)
            A network that was trained with a cross-entropy gives logits. Zeros behind the end of a
            sequence. For a list, a list of arrays (T_i, features), or (N, features).

        Raises
        ------
        TypeError
            Wrong dtype, such as integers where floats are needed.
        ValueError
            Wrong shape or feature count, empty, NaN or infinity, tokens out of range.
        """
        batch_size = check_positive_int(batch_size, name="batch_size")
        if self._network is not None and lengths is None and mask is None and not self._stateful:
            quick: NDArray[Any] | None = self._network.quick_predict(
                x, min(batch_size, sys.maxsize)
            )
            if quick is not None:
                return quick
        if isinstance(x, (list, tuple)):
            from lstm_native import _ragged

            if _ragged.is_ragged(x, self):
                return _ragged.predict(self, x, batch_size, lengths=lengths, mask=mask)
        x, ends = self._check_input(x, lengths, mask)
        if self._stateful:
            return self._predict_stateful(x, ends)
        if len(x) <= batch_size:
            return self._network.predict(x, ends)
        y = np.empty(self._output_shape(x), dtype=self.dtype)
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            y[part] = self._network.predict(x[part], None if ends is None else ends[part])
        return y

    def _predict_stateful(self, x: NDArray[Any], lengths: Any) -> NDArray[Any]:
        from lstm_native._windows import Carry, check_stateful

        check_stateful(self, len(x), len(x), shuffle=False)
        carry = Carry(self, windows=False)
        found: tuple[NDArray[Any], Any] = self._network.predict(x, lengths, carry.given())
        carry.take(found[1])
        return found[0]

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

    @hinted
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
        validation_lengths: Any = None,
        tbptt: int | None = None,
        seed: int | None = None,
        initial_epoch: int = 0,
        verbose: bool = True,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array_like, (N, T, F) or (N, F), or list of arrays (T_i, F)
            Integer tokens (N, T) or (N,), or a list of arrays (T_i,), when the first layer is an
            Embedding. Sequences in a list are put into batches of similar lengths.
        y : array_like, or list of arrays
            Values of the output's shape (the last axis may be missing when it is 1); for
            categorical cross-entropy integer labels (N,), or (N, T) for an output at each step.
            For a list of sequences and an output at each step, a list too.
        epochs : int
            The epoch count at which training ends.
        batch_size : int
        loss : str or Loss, optional
            "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy" (both from
            logits), or an object such as `Huber(delta=0.5)`. By default that of the fit before,
            at first "mse". Another loss starts the optimiser's state afresh.
        optimizer : str or Optimizer, optional
            By default that of the fit before, of the file, or the one that was assigned, with its
            state; at first `Adam(1e-3)`. An optimiser that is given starts afresh, unless it is
            the very object of the fit before.
        metrics : sequence
            "accuracy", "mse", "mae", "rmse", "mape", or functions (y_true, y_pred) -> float.
        validation_data : (x, y) or (x, y, sample_weight), optional
        validation_split : float
            Share of samples, taken from the end before any shuffling, in [0, 1).
        shuffle : bool
            Visit the samples in a new order each epoch. Must be False for stateful layers.
        class_weight : dict of int to float, optional
            Weight of each label; 1 for labels not named.
        sample_weight : array_like, (N,) or (N, T), optional
            Not negative. The loss of a batch is the weighted mean over its rows.
        mask : bool array_like, (N,) or (N, T), optional
            False rows do not count. One of (N, T) also says where each sequence ends: behind its
            last True. Without an output at each step, it must be True first, then False.
        callbacks : Callback or sequence of Callback
        lengths : int array_like, (N,), optional
            How many of its T steps each sequence has. What stands behind them, in x and y, is not
            read and does not count.
        validation_lengths : int array_like, optional
            The same for `validation_data`.
        tbptt : int, optional
            Truncated back-propagation through time (Williams & Peng 1990): each batch is cut along
            time into windows of so many steps, with one update for each. States go on from window
            to window, gradients do not. Needs an output at each step and layers that run forward.
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
        data = training.check_samples(
            self,
            x,
            y,
            chosen,
            sample_weight=sample_weight,
            class_weight=class_weight,
            lengths=lengths,
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
            validation_lengths=validation_lengths,
            callbacks=callbacks,
            tbptt=tbptt,
        )

    @hinted
    def evaluate(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int = _PREDICT_BATCH,
        loss: str | Loss | None = None,
        metrics: Metric | Iterable[Metric] = (),
        sample_weight: Any = None,
        lengths: Any = None,
        mask: Any = None,
    ) -> dict[str, float]:
        """Return {"loss": ..., metric: ...} over all samples; dropout rests.

        Parameters and errors as in `fit`. Stateful layers carry their states from batch to batch,
        as there.
        """
        from lstm_native import losses, training

        batch_size = check_positive_int(batch_size, name="batch_size")
        chosen = losses.parse(loss if loss is not None else self.loss or "mse")
        data = training.check_samples(
            self, x, y, chosen, sample_weight=sample_weight, lengths=lengths, mask=mask
        )
        return training.evaluate(self, data, chosen, metrics, batch_size)

    # -- files and summaries ---------------------------------------------------------------

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
        from lstm_native.files import save_model

        save_model(self, path, metadata or {})

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
        from lstm_native.summary import table

        return table(self)
