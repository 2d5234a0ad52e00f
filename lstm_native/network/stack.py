"""Layers that are built and checked as one network, with their weights: what all models are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from numpy.typing import NDArray

from lstm_native._base.attributes import Guarded, NotYetError
from lstm_native._base.checks import check_dtype, check_iterable
from lstm_native._base.inputs import Checked, Entering
from lstm_native._base.shown import shown
from lstm_native.layers._carried import State
from lstm_native.layers.building import check_seed
from lstm_native.layers.containers import check_distinct
from lstm_native.layers.layer import Layer
from lstm_native.network.form import Form

if TYPE_CHECKING:
    from lstm_native._base.state_dicts import LoadedKeys

# Steps that are enough for any layer, where only the output's form is asked for.
MANY_STEPS = 2**24


class Stack(Guarded):
    """Layers and the native network they make; the base of `Sequential` and `Model`.

    Parameters, attributes and errors as there.
    """

    # How inputs and outputs are given and returned.
    _form_in: Form
    _form_out: Form
    # Whether the core's `quick_predict` says all: one input, one output.
    _quick = False

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

    # -- building --------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the model has its weights."""
        return self._network is not None

    def _connect(self, network: Any) -> None:
        """Take over a native network of these layers."""
        self._network = network

    @property
    def _names(self) -> tuple[str, ...]:
        """Of the layers, in those of weights and messages."""
        return tuple(map(str, range(len(self.layers))))

    @property
    def _node_layers(self) -> tuple[Layer, ...]:
        """The layer of each node of the network."""
        return self.layers

    def _built_network(self) -> Any:
        if not self.built:
            raise NotYetError(
                "the model has no weights yet: give input_size to its first layer, or call "
                "predict or fit first"
            )
        return self._network

    def _check_entry(self, index: int, x: Any, lengths: Any, mask: Any) -> Checked:
        """Return what an input is given, checked, and its steps."""
        raise NotImplementedError

    def _entering(self, index: int) -> Entering:
        """Return what an input of a built model takes."""
        raise NotImplementedError

    def _takes_tokens(self, index: int) -> bool:
        """Whether an input takes tokens."""
        raise NotImplementedError

    @property
    def _hint_layers(self) -> Sequence[Layer]:
        """Layers in a row, for messages that say which one is to be made otherwise."""
        return ()

    def _at_input(self, error: TypeError | ValueError, index: int) -> TypeError | ValueError:
        """Return an error that says at which of several inputs it was."""
        if self._form_in.single:
            return error
        kind = TypeError if isinstance(error, TypeError) else ValueError
        return kind(f"input '{self._form_in.names[index]}': {error}")

    def _output_shapes_for(self, steps: Sequence[int], samples: int) -> list[tuple[int, ...]]:
        """Shapes of the outputs, where the inputs have so many steps (0: no time axis)."""
        shapes = self._built_network().output_shapes(steps)
        return [(samples, *((t, f) if t else (f,))) for t, f in shapes]

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
        """Return copies of all parameters, named "<layer>.<name in the layer>".

        A layer of a Sequential is named by its index, one of a Model by its name.

        Raises
        ------
        RuntimeError
            The model is not built yet.
        """
        self._built_network()
        return {
            f"{label}.{name}": value
            for label, layer in zip(self._names, self.layers, strict=True)
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
        for label, layer in zip(self._names, self.layers, strict=True):
            prefix = f"{label}."
            layer._native.set_parameters(
                {k[len(prefix) :]: v for k, v in values.items() if k.startswith(prefix)}
            )
        return keys

    # -- as an object ---------------------------------------------------------------------

    def __copy__(self) -> Any:
        """Return a deep copy: a shallow one would share its weights."""
        from copy import deepcopy

        return deepcopy(self)

    def __getitem__(self, index: Any) -> NoReturn:
        """Refuse, saying where the layers are."""
        raise TypeError(f"a model has no items: write model.layers[{index!r}]")
