"""Layers in a row, each reading the one before: what a `Sequential` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.inputs import (
    Checked,
    Entering,
    check_first_values,
    check_input,
    entering,
    output_shape_for,
)
from lstm_native._base.native import native_class
from lstm_native.layers.building import BUILDING
from lstm_native.layers.joint import Joint
from lstm_native.layers.layer import Layer
from lstm_native.network.decoding import Decoding
from lstm_native.network.form import Form
from lstm_native.network.stack import MANY_STEPS
from lstm_native.network.stream import Stream


class Row(Decoding):
    """The part of `Sequential` that builds its layers, as soon as the first input is known."""

    _form_in = Form(("x",), "one", "input", named=False)
    _form_out = Form(("y",), "one", "output", named=False)
    _quick = True

    def _begin(self) -> None:
        """Build the layers if the first one knows its input."""
        for index, layer in enumerate(self.layers):
            if isinstance(layer, Joint):
                raise ValueError(
                    f"layer {index}: {layer!r} takes several inputs, and a row has one: write an "
                    "ln.Model(inputs, outputs), in which it is called on their symbols"
                )
        first = self.layers[0]
        if first.built:
            self._build(first._native.input_features)
        elif first._known_input_size is not None:
            self._build(first._known_input_size)
        if self.built:
            self._check_time_axis()

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

    def _check_time_axis(self) -> None:
        """Refuse a layer that needs the time axis which one before it drops."""
        if all(getattr(layer, "return_sequences", True) for layer in self.layers):
            return
        try:
            self._network.output_shape(MANY_STEPS)
        except ValueError as error:
            hint = self._about_dropped_time(error)
            if hint:
                raise ValueError(f"{error}{hint}") from None

    def _about_dropped_time(self, error: ValueError) -> str:
        from lstm_native.network._layer_hints import about_dropped_time

        return about_dropped_time(self.layers, str(error))

    def _check_input(self, x: Any, lengths: Any = None, mask: Any = None) -> Checked:
        """Return `x` and its steps ready for the core; the first good input builds the model."""
        holes = None
        if not self.built:
            x, lengths, holes = check_first_values(x, self.dtype, lengths, mask)
            mask = None
            with BUILDING:
                if not self.built:  # by another thread, meanwhile
                    self._build_for(x)
        checked, ends, found = check_input(x, self._network, self.dtype, lengths, mask)
        self._output_shape(checked)  # says so when a layer cannot take so many steps
        return checked, ends, holes or found

    def _build_for(self, x: NDArray[Any]) -> None:
        before = [layer._state_of_building() for layer in self.layers]
        try:
            self._build(x.shape[-1])
            self._output_shape(x, known=False)
        except ValueError:
            # A refused input decides nothing.
            for layer, state in zip(self.layers, before, strict=True):
                layer._set_building(state)
            self._network = None
            raise

    def _output_shape(self, x: NDArray[Any], *, known: bool = True) -> tuple[int, ...]:
        """Shape of the output for a checked input; known: the features were before it came."""
        try:
            timesteps, features = output_shape_for(self._network, x, known=known)
        except ValueError as error:
            raise ValueError(f"{error}{self._about_dropped_time(error)}") from None
        return (len(x), timesteps, features) if timesteps else (len(x), features)

    def _check_entry(self, index: int, x: Any, lengths: Any, mask: Any) -> Checked:
        return self._check_input(x, lengths, mask)

    def _entering(self, index: int) -> Entering:
        return entering(self._network)

    def _takes_tokens(self, index: int) -> bool:
        return self.layers[0]._known_input_size == 0

    @property
    def _hint_layers(self) -> Sequence[Layer]:
        return self.layers

    def _check_all_held(self, call: str, held: Mapping[str, Any]) -> None:
        if held:
            raise self._unexpected(
                call,
                held,
                f"Sequential.{call}() got an unexpected keyword argument {next(iter(held))!r}",
            )

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
        network, forms = self._built_network(), (self._form_in, self._form_out)
        entering = [self._entering(0)]
        return Stream(network, batch_size, dtype=self.dtype, entering=entering, forms=forms)

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
        from lstm_native.network.summary import table

        return table(self.layers, self.parameter_count)

    def __repr__(self) -> str:
        """Return the layers and the dtype."""
        inner = ", ".join(repr(layer) for layer in self.layers)
        return f"Sequential([{inner}], dtype={self.dtype!r})"
