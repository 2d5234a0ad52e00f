"""Layers one after another, built and checked together, with their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.attributes import Guarded, NotYetError
from lstm_native._base.checks import check_dtype, check_iterable
from lstm_native._base.inputs import Checked, check_first_values, check_input, output_shape_for
from lstm_native._base.shown import shown
from lstm_native.layers._carried import State
from lstm_native.layers.containers import check_distinct
from lstm_native.layers.layer import BUILDING, Layer, check_seed, native_class
from lstm_native.network.stream import Stream

if TYPE_CHECKING:
    from lstm_native._base.state_dicts import LoadedKeys

# Steps that are enough for any layer, where only the output's form is asked for.
MANY_STEPS = 2**24


class Stack(Guarded):
    """Layers one after another and the native network they make; the base of `Sequential`.

    Parameters, attributes and errors as there.
    """

    def __init__(self, layers: Sequence[Layer], *, dtype: str | None, seed: int | None) -> None:
        if isinstance(layers, Layer):
            raise TypeError(
                f"layers: expected a list, got one layer: write Sequential([{layers!r}])"
            )
        self.layers: tuple[Layer, ...] = tuple(check_iterable(layers, name="layers"))
        if not self.layers:
            raise ValueError("layers: expected at least one layer, got none")
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"layers must be layers, got {type(layer).__name__}: {shown(layer)}"
                )
        check_distinct(self.layers)
        found = sorted({layer.dtype for layer in self.layers if layer.has_weights})
        if dtype is None and len(found) > 1:
            raise ValueError(
                f"layers differ in dtype ({', '.join(found)}): make them alike, or give the one to "
                f"compute in, as in Sequential(..., dtype='{found[0]}')"
            )
        self.dtype = check_dtype(dtype if dtype is not None else [*found, "float32"][0]).name
        self._seed = check_seed(seed)
        self._network: Any = None
        self._stateful = any(layer.stateful for layer in self.layers)
        first = self.layers[0]
        if first.built:
            self._build(first._native.input_features)
        elif first._known_input_size is not None:
            self._build(first._known_input_size)
        if self.built:
            self._check_time_axis()

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
        from lstm_native._base.shape_hints import about_dropped_time

        return about_dropped_time(self, str(error))

    def _built_network(self) -> Any:
        if not self.built:
            raise NotYetError(
                "the model has no weights yet: give input_size to its first layer, or call "
                "predict or fit first"
            )
        return self._network

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

    # -- streams and summaries -------------------------------------------------------------

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

        return table(self)

    # -- states ----------------------------------------------------------------------------

    @property
    def states(self) -> list[State]:
        """For each layer the state that its next run begins with; None stands for zeros.

        Only layers made with `stateful=True` carry one from a run to the next: all others have
        None. May be set, to a list of the same form.
        """
        return [layer.state if layer.stateful else None for layer in self.layers]

    @states.setter
    def states(self, values: Sequence[State]) -> None:
        """Set them, all or none: ValueError says what does not fit."""
        try:
            values = list(values)
        except TypeError:
            raise TypeError(
                f"states: expected a list, one state or None for each of the {len(self.layers)} "
                f"layers, got {type(values).__name__}; model.reset_states() begins with zeros"
            ) from None
        if len(values) != len(self.layers):
            raise ValueError(
                f"states: expected {len(self.layers)} entries, one for each layer, got "
                f"{len(values)}"
            )
        before = [layer._carried for layer in self.layers]
        try:
            for index, (layer, value) in enumerate(zip(self.layers, values, strict=True)):
                if layer.stateful:
                    layer.state = value
                elif value is not None:
                    raise ValueError(f"states: layer {index} is not stateful, expected None")
        except (TypeError, ValueError):
            for layer, carried in zip(self.layers, before, strict=True):
                layer._carried = carried
            raise

    def reset_states(self) -> None:
        """Let all stateful layers begin with zeros again, for any number of sequences."""
        for layer in self.layers:
            layer.reset_state()

    # -- weights ---------------------------------------------------------------------------

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

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> LoadedKeys:
        """Set all parameters; nothing is set unless every name, shape and value fits.

        Parameters, what is returned, and errors as in `Layer.load_state_dict`.
        """
        from lstm_native._base.state_dicts import match

        own = self.state_dict()
        values, keys = match(own, state, owner="model", dtype=self.dtype, strict=strict)
        values = {**own, **values}
        for index, layer in enumerate(self.layers):
            prefix = f"{index}."
            layer._native.set_parameters(
                {k[len(prefix) :]: v for k, v in values.items() if k.startswith(prefix)}
            )
        return keys

    # -- copies ----------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the parts of a copy: weights and training state as a model file has them."""
        from lstm_native.files import reduce_model

        return reduce_model(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, as `__reduce__` gave them."""
        from lstm_native.files import set_state

        set_state(self, state)

    def __copy__(self) -> Any:
        """Return a deep copy: a shallow one would share its weights."""
        from copy import deepcopy

        return deepcopy(self)

    def __getitem__(self, index: Any) -> NoReturn:
        """Refuse, saying where the layers are."""
        raise TypeError(f"a model has no items: write model.layers[{index!r}]")

    def __repr__(self) -> str:
        """Return the layers and the dtype."""
        inner = ", ".join(repr(layer) for layer in self.layers)
        return f"Sequential([{inner}], dtype={self.dtype!r})"
