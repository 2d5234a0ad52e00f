"""Models: layers one after another, run and trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lstm_native._base.attributes import hinted
from lstm_native.network.row import Row
from lstm_native.training._on_batch import OnBatch

if TYPE_CHECKING:  # what trains a model is loaded when one is trained
    from lstm_native._base.callback import Callback
    from lstm_native.history import History
    from lstm_native.layers.layer import Layer
    from lstm_native.losses import Loss
    from lstm_native.metrics import Metric
    from lstm_native.optimizers import Optimizer


class Sequential(Row, OnBatch):
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
        self._begin()

    @hinted
    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int | None = 1,
        batch_size: int | None = None,
        loss: str | Loss | None = None,
        optimizer: str | Optimizer | None = None,
        metrics: Metric | Iterable[Metric] | None = (),
        validation_data: Any = None,
        validation_split: float | None = 0.0,
        shuffle: bool | None = None,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        mask: Any = None,
        callbacks: Callback | Iterable[Callback] | None = (),
        lengths: Any = None,
        validation_lengths: Any = None,
        validation_mask: Any = None,
        tbptt: int | None = None,
        seed: int | None = None,
        initial_epoch: int | None = 0,
        accumulate: int | None = 1,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        verbose: bool | int | str | None = True,
    ) -> History:
        """Train the model.

        None for any argument means its default.

        Parameters
        ----------
        x : array_like, (N, T, F) or (N, F), or list of arrays (T_i, F)
            Integer tokens (N, T) or (N,), or a list of arrays (T_i,), when the first layer is an
            Embedding. Sequences in a list are put into batches of similar lengths. Or an iterable
            of batches (a generator, a DataLoader, an object with a length and items, a function
            that returns an iterable for each epoch), without y: each batch is (x, y),
            (x, y, sample_weight) or a dict of "x", "y", "sample_weight", "lengths", "mask". Its
            batches are taken in its own order and their weights as they are; the first one is
            checked before anything is learned, the others when they come.
        y : array_like, or list of arrays
            Values of the output's shape (the last axis may be missing when it is 1); for
            categorical cross-entropy integer labels (N,), or (N, T) for an output at each step,
            or one-hot rows or probabilities of the output's shape. For a list of sequences and an
            output at each step, a list too.
        epochs : int
            The epoch count at which training ends.
        batch_size : int, optional
            By default 32.
        loss : str or Loss, optional
            "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy", or an object
            such as `Huber(delta=0.5)` or `CategoricalCrossentropy(label_smoothing=0.1)`. The
            cross-entropies read the outputs as probabilities where the model ends with a sigmoid
            (binary) or softmax (categorical), else as logits. By default that of the fit before,
            at first "mse". Another loss starts the optimiser's state afresh.
        optimizer : str or Optimizer, optional
            By default that of the fit before, of the file, or the one that was assigned, with its
            state; at first `Adam(1e-3)`. An optimiser that is given starts afresh, unless it is
            the very object of the fit before.
        metrics : sequence
            "accuracy", "mse", "mae", "rmse", "mape", or functions (y_true, y_pred) -> float.
            Keras's names of them ("mean_absolute_error") are taken; the logs have ours.
        validation_data : (x, y), (x, y, sample_weight) or iterable of batches, optional
        validation_split : float
            Share of samples, taken from the end before any shuffling, in [0, 1).
        shuffle : bool, optional
            Visit the samples in a new order each epoch: by default True. Must be False for
            stateful layers. An iterable has its own order.
        class_weight : dict of int to float, optional
            Weight of each class; 1 for classes not named. It counts in the loss of training alone:
            not in metrics, and not on validation data.
        sample_weight : array_like, (N,) or (N, T), optional
            Not negative, of any scale. It counts in loss and metrics, on validation data too. The
            loss that is reported is the weighted mean over the rows. The gradient of a batch is
            sum(w g) / (n m), n its rows whose weight is not 0, m their mean weight in all of the
            training data: a row counts by its weight in batches of any size.
        mask : bool array_like, (N,) or (N, T), optional
            (N,): which samples count. (N, T): which steps the sequences have; the others are
            skipped as in `predict`, and what `y` holds there does not count.
        callbacks : Callback or sequence of Callback
        lengths : int array_like, (N,), optional
            How many of its T steps each sequence has. What stands behind them, in x and y, is not
            read and does not count.
        validation_lengths, validation_mask : array_like, optional
            The same for `validation_data`; one of them is needed where `x` has lengths or a mask
            of steps.
        tbptt : int, optional
            Truncated back-propagation through time (Williams & Peng 1990): each batch is cut along
            time into windows of so many steps, with one update for each. States go on from window
            to window, gradients do not. Needs an output at each step and layers that run forward.
        seed : int, optional
            Decides order and dropout. The same seed, data and weights give the same weights,
            bit for bit, on any number of threads.
        initial_epoch : int
            The first epoch's number, below `epochs`. Above 0 training resumes: callbacks go on
            from the states that the model holds of them; one it does not know begins anew.
        accumulate : int
            Batches whose gradients make one update: that of a batch so many times as large, up to
            rounding, in the memory of one (but for dropout's masks; and of several outputs with
            lengths or weights it is an approximation). Those left at the end of an epoch make one
            of their own.
        steps_per_epoch : int, optional
            An epoch is the next so many batches of the iterable, which is begun anew when it ends.
            By default all of them.
        validation_steps : int, optional
            Only so many batches of an iterable in `validation_data`.
        verbose : {0, 1, 2, "auto"} or bool
            What is shown on stderr: nothing (0, False), a progress bar in a terminal and else one
            line per epoch (1, True, "auto"), one line per epoch (2).

        Returns
        -------
        History
            Also kept as `model.history`.

        Raises
        ------
        TypeError, ValueError
            Data, shapes, settings or callbacks that do not fit. No weight has changed then; a good
            `x` may have built the model. Only a later batch of an iterable is refused in between.
        RuntimeError
            `fit` is called by a callback of this very model.
        FloatingPointError
            The loss or a gradient became NaN or infinite: says in which epoch and batch. The
            model has the last weights that gave a finite loss.
        KeyboardInterrupt
            Ctrl-C, within one batch. Model and `model.history` are usable.
        """
        from lstm_native.training import _fitting

        return _fitting.fit_model(
            self,
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            loss=loss,
            optimizer=optimizer,
            metrics=metrics,
            validation_data=validation_data,
            validation_split=validation_split,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            mask=mask,
            callbacks=callbacks,
            lengths=lengths,
            validation_lengths=validation_lengths,
            validation_mask=validation_mask,
            tbptt=tbptt,
            seed=seed,
            initial_epoch=initial_epoch,
            accumulate=accumulate,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            verbose=verbose,
        )
