"""Models whose layers read one another as symbols say: several inputs, outputs and losses."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lstm_native._base.attributes import hinted
from lstm_native.layers.symbols import Input, Symbol, check_name
from lstm_native.network.graph import Graph, Written, symbols_of
from lstm_native.training._on_batch import OnBatch

if TYPE_CHECKING:  # what trains a model is loaded when one is trained
    from matplotlib.figure import Figure

    from lstm_native._base.callback import Callback
    from lstm_native.history import History
    from lstm_native.optimizers import Optimizer

__all__ = ["Input", "Model", "Symbol"]


class Model(Graph, OnBatch):
    """Layers that read one another, from symbols of the inputs to those of the outputs.

    It is trained, run, streamed and saved as a `Sequential` is. Where there are several inputs or
    outputs, each argument that belongs to them (x, y, lengths, mask, sample_weight, loss, metrics)
    has one entry for each: in a list in their order, or in a dict by their names.

    Parameters
    ----------
    inputs, outputs : Symbol, list of Symbol or dict of str to Symbol
        What `Input` made, and what layers answered. A dict gives them names, in place of their
        own. An input without name is called "input", "input_1", ...; an output without name as its
        layer is, with "_h" or "_c" where it is a state. `predict` returns what `outputs` is: an
        array, a list, a dict.
    seed : int, optional
        For the initial weights of layers that have no seed of their own; each also by its name.
    dtype : {"float32", "float64"}, optional
        By default that of the layers, which must agree.
    name : str, optional
        Of the model, for its summary and plot.

    Attributes
    ----------
    layers : tuple of Layer
        Each once, in the order of their first use.
    inputs, outputs : list of Symbol
    loss, optimizer, history, metadata, stop_training
        As those of `Sequential`; `loss` of several outputs is a dict by name.

    Raises
    ------
    TypeError, ValueError
        No symbols; an input that no output depends on, or a symbol of an input that is not among
        `inputs`; two of one name; several outputs of which one is called "loss", "val" or
        "val_...", as logs call other things; sizes that do not fit, with the layer's name.

    Notes
    -----
    A layer that is called twice shares its weights. Layers may also be shared between models: what
    one of them learns the other knows. Parameters are named by layer, "lstm.weight_ih_l0"; a layer
    has the `name` it was made with, else that of its kind, numbered: "lstm", "lstm_1".

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> x = ln.Input(features=3)
    >>> y, (h, c) = ln.LSTM(8, return_sequences=False)(x)
    >>> level = ln.Dense(1, name="level")(y)
    >>> up = ln.Dense(1, activation="sigmoid", name="up")(y)
    >>> model = ln.Model(x, [level, up], seed=0)
    >>> level, up = model.predict(np.zeros((5, 7, 3), dtype="float32"))
    >>> level.shape, up.shape
    ((5, 1), (5, 1))
    """

    name: str | None = None
    _shown: tuple[list[Symbol], list[Symbol]] | None = None

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        *,
        seed: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
    ) -> None:
        written = Written(inputs, outputs)
        super().__init__(written.layers, dtype=dtype, seed=seed)
        self.name = check_name(name)
        self._begin(written)

    @property
    def inputs(self) -> list[Symbol]:
        """Symbols of the inputs, in order: for another model of the same layers."""
        return self._symbols()[0]

    @property
    def outputs(self) -> list[Symbol]:
        """Symbols of the outputs, in order, which lead back to `inputs`."""
        return self._symbols()[1]

    def _symbols(self) -> tuple[list[Symbol], list[Symbol]]:
        # Made once: both lists belong together.
        if self._shown is None:
            self._shown = symbols_of(self._network, self.layers)
        return self._shown

    @hinted
    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int | None = 1,
        batch_size: int | None = None,
        loss: Any = None,
        loss_weights: Any = None,
        optimizer: str | Optimizer | None = None,
        metrics: Any = (),
        validation_data: Any = None,
        validation_split: float | None = 0.0,
        shuffle: bool | None = None,
        class_weight: Mapping[Any, Any] | None = None,
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

        Parameters that are not named here are those of `Sequential.fit`.

        Parameters
        ----------
        x, y : array_like, list or dict
            Of several inputs or outputs one entry for each. An entry of `x` may be a list of
            sequences; the entries of `y` are then lists too, with as many steps as the output has
            for each. None in y, or no entry in a dict: an output without loss. Or `x` is an
            iterable of batches, each (x, y) or (x, y, sample_weight).
        loss : str, Loss, list or dict
            One for all outputs, or one for each; None, or no entry in a dict: that output has none,
            and no targets. By default those of the fit before, at first "mse" for all.
        loss_weights : list or dict of float, optional
            Factors > 0 of the losses in the sum that is minimised; 1 by default.
        metrics : list or dict
            Of several outputs one, or a list of them, for each; a single name is for all.
        sample_weight : array_like, list or dict, optional
            Of each output; one array for all of them. Of several losses, each has its own mean
            weight.
        class_weight : dict, optional
            Of several outputs a dict of dicts, by name.
        lengths, mask : array_like, list or dict, optional
            Of each input; None for one that has none. A mask (N,) of samples is for all outputs.
            Masks of steps may have holes, each input its own: an output has the holes of the inputs
            whose steps it has, which must be the same where they meet.

        Returns
        -------
        History
            Its keys, of outputs "a" and "b": "loss", the sum; "a_loss", "b_loss", without their
            factors; "a_accuracy", ...; each also as "val_loss", ...

        Raises
        ------
        TypeError, ValueError, RuntimeError, FloatingPointError, KeyboardInterrupt
            As in `Sequential.fit`; of several inputs or outputs with the name of the one that does
            not fit.
        """
        from lstm_native.training import _fitting

        return _fitting.fit_model(
            self,
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            loss=loss,
            loss_weights=loss_weights,
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

    @property
    def loss_weights(self) -> dict[str, float]:
        """The factors of the losses in their sum, by the names of the outputs; {} before a fit."""
        from lstm_native.training._losses import heads_of

        loss = self._training.loss
        if loss is None:
            return {}
        return {self._form_out.names[head.output]: head.factor for head in heads_of(loss)}

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the network: its inputs, layers and outputs, and what feeds what.

        Parameters
        ----------
        path : path-like, optional
            Write the figure here, in the format that its ending names. Without it the figure is
            one of matplotlib.pyplot's.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        from lstm_native.network.picture import draw

        return draw(self._network, self.layers, title=self.name, path=path)
