"""What every layer is in Python: a specification, and once its input is known, a native layer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.attributes import Guarded, set_plainly
from lstm_native._base.checks import check_bool, check_dtype, check_int, check_real
from lstm_native.layers._carried import Carrying, State
from lstm_native.layers._specs import reduce_layer
from lstm_native.layers.building import BUILDING, Building, check_seed
from lstm_native.layers.symbols import apply, check_name, is_symbolic
from lstm_native.layers.tape import EmptyTape, HolesTape, Tape

if TYPE_CHECKING:
    from lstm_native._base.state_dicts import LoadedKeys

_MAX_SIZE = 2**24


class Layer(Building, Carrying, Guarded):
    """Base of all layers.

    A layer is built when the number of its input features is known: from `input_size`, from the
    first input it sees, or by the `Sequential` it is put into.

    Attributes
    ----------
    dtype : {"float32", "float64"}
        Of weights, inputs and outputs.
    stateful : bool
        Whether a call begins with the state that the last one ended with.
    name : str or None
        In a `Model`: of the layer's weights and messages; by default after its kind.
    trainable : bool
        False freezes the weights: training leaves them as they are, bit for bit, without decay, and
        their gradients do not count where the norm of all is clipped. May be set; a training takes
        it up when it begins, and at the next epoch.
    learning_rate_factor : float
        What the learning rate is multiplied by for this layer's weights, > 0. May be set, and
        taken up as `trainable`.
    """

    type_name: ClassVar[str] = ""
    #: Whether the layer has weights, and so a dtype of its own.
    has_weights: ClassVar[bool] = True
    #: Whether a call returns (y, state) and not y alone.
    _gives_state: ClassVar[bool] = False

    def __init__(
        self, *, dtype: str = "float32", seed: int | None = None, name: str | None = None
    ) -> None:
        self.dtype = check_dtype(dtype).name
        self._name = check_name(name)
        self._seed = None if seed is None else check_seed(seed)
        self._pass_counter = [0]  # for what is drawn anew in each
        self._native: Any = None
        self._trainable = True
        self._rate_factor = 1.0
        # Of single parameters, where a file says so; until one of the two above is set.
        self._parameter_factors: dict[str, float] = {}

    # -- what subclasses say ---------------------------------------------------------------

    def _spec(self) -> dict[str, Any]:
        """Return the layer as the core and model files describe it."""
        from lstm_native._base.hints_words import OWN_LOOP

        raise NotImplementedError(
            f"{type(self).__name__}: layers of one's own are not there yet, only those of the "
            "package and subclasses of them. A loop of one's own can put anything between them: "
            + OWN_LOOP
        )

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        """Return the unbuilt layer that `_spec` described."""
        return cls(**spec)

    @property
    def name(self) -> str | None:
        """What the layer is called in a `Model`; may be set, for models to be made."""
        return self._name

    @name.setter
    def name(self, value: str | None) -> None:
        """Set it, for models to be made (TypeError, ValueError: no name that files can hold)."""
        self._name = check_name(value)

    @property
    def _wanted_steps(self) -> int | None:
        """Steps of the only input that the layer takes, once it is built; None for any."""
        return None

    # -- running ---------------------------------------------------------------------------

    def __call__(self, x: Any, state: Any = None, lengths: Any = None, mask: Any = None) -> Any:
        """Run the layer; dropout rests. Or, called on a symbol, write it into a network.

        Parameters
        ----------
        x : array_like, (N, T, F) or (N, F)
            Input; an Embedding takes integer tokens (N, T) or (N,). Of no samples, N = 0, the
            output has none, and they have no gradient. Or a `Symbol`: what is returned are
            symbols then, and so is `state`.
        state : state, optional
            Initial state, by default zeros. (h, c) for an LSTM, each (layers, N, H), where a
            layer of two directions counts twice.
        lengths : int array_like, (N,), optional
            How many of its T steps each sequence has, from 0 on. What stands behind them is not
            read and may be NaN; `y` is zero there, and the final state is that of the true end.
        mask : bool array_like, (N, T), optional
            True: a step of the sequence. False: it is skipped, its `x` is not read, `y` is zero
            there, and the state goes on to the next True.

        Returns
        -------
        y : ndarray
            (N, T, features), or (N, features) where the layer drops the time axis.
        state : state
            Final state: of recurrent layers alone, which return (y, state). All others return y.

        Raises
        ------
        TypeError
            Wrong dtype, such as integers where floats are needed.
        ValueError
            Wrong shape, empty, or not finite; lengths out of range, lengths and mask together, a
            layer that cannot take them; another batch size than that of the state it carries.
        """
        if self._native is not None and mask is None and not self.stateful:
            try:
                quick = self._native.quick_call(x, state, lengths)
            except ValueError:
                quick = None  # the slower way says more
            if quick is not None:
                return quick
        if is_symbolic(x):
            return self._on_symbols(x, state, lengths, mask)
        y, final, _ = self._run(x, state, lengths, mask, remember=False)
        return self._answer(y, final)

    def _answer(self, y: Any, state: Any) -> Any:
        """Return what a call answers, of what `forward` does."""
        return (y, state) if self._gives_state else y

    def _on_symbols(self, x: Any, state: Any, lengths: Any, mask: Any) -> Any:
        if lengths is not None or mask is not None:
            raise TypeError(
                "lengths and mask are given with the data, to model.fit and model.predict: in a "
                "network they ride along with each symbol"
            )
        if isinstance(x, (list, tuple)):
            raise TypeError(f"{self!r}: takes one symbol, got a list of {len(x)}")
        return apply(self, (x,), self._states_in(state))

    def _states_in(self, state: Any) -> tuple[Any, ...]:
        """Return the symbols of a state, one for each of its ports."""
        if state is None:
            return ()
        if not self._gives_state:
            raise ValueError(f"state: {type(self).__name__} has no state, expected None")
        parts = tuple(state) if isinstance(state, (tuple, list)) else (state,)
        letters: str = getattr(self, "_letters", "h")
        if len(parts) != len(letters):
            raise ValueError(
                f"state: expected ({', '.join(letters)}), got {len(parts)} "
                f"symbol{'s' if len(parts) > 1 else ''}"
            )
        return parts

    def forward(
        self,
        x: Any,
        state: State = None,
        lengths: Any = None,
        mask: Any = None,
        *,
        training: bool = True,
        seed: int | None = None,
    ) -> tuple[NDArray[Any], State, Tape]:
        """Run the layer as in training, and remember it: parameters and errors as in a call.

        Parameters
        ----------
        training : bool
            False: what is remembered is what a call does. Dropout rests, and BatchNorm uses its
            running statistics and leaves them as they are.
        seed : int, optional
            Decides what dropout drops; by default every pass draws anew.

        Returns
        -------
        y : ndarray
        state : state or None
        tape : Tape
            `tape.backward(dy)` gives the gradients. What `dy` holds at a step that is masked or
            behind the end of its sequence is not read, and the gradient of `x` is zero there.
        """
        plain = mask is None and seed is None and training is True and not self.stateful
        frozen = self._frozen_parameters()
        if self._native is not None and plain and not frozen:
            passes = self._pass_counter
            try:
                quick = self._native.quick_forward(x, state, lengths, self._seed, passes[0])
            except ValueError:
                quick = None  # the slower way says more
            if quick is not None:
                y, final, tape = quick
                passes[0] += 1
                return y, final, Tape(tape, self, y.shape, len(y))
        given = None if seed is None else check_seed(seed)
        way = {"training": check_bool(training, name="training"), "frozen": frozen}
        y, final, found = self._run(x, state, lengths, mask, remember=True, seed=given, way=way)
        assert found is not None
        return y, final, found

    def _run(
        self,
        x: Any,
        state: State,
        lengths: Any,
        mask: Any,
        *,
        remember: bool,
        seed: int | None = None,
        way: Mapping[str, Any] | None = None,
    ) -> tuple[NDArray[Any], State, Tape | None]:
        if self._native is None:
            with BUILDING:
                return self._run_or_undo(x, state, lengths, mask, remember, seed, way or {})
        return self._run_or_undo(x, state, lengths, mask, remember, seed, way or {})

    def _run_or_undo(
        self,
        x: Any,
        state: State,
        lengths: Any,
        mask: Any,
        remember: bool,
        seed: int | None,
        way: Mapping[str, Any],
    ) -> tuple[NDArray[Any], State, Tape | None]:
        before = self._state_of_building()
        try:
            x, ends, holes = self._check_input(x, lengths, mask)
            samples = len(x)
            given = self._native_state(state, samples, name="state")
            if state is None and samples:
                given = self._carried_for(samples)
            if not samples:
                x, given = np.zeros((1, *x.shape[1:]), x.dtype), None  # the core runs one of zeros
            if seed is None:
                assert self._seed is not None
                seed = _core.derive_seed(self._seed, self._pass_counter[0])
            y, final, native = self._native.forward(x, given, remember, seed, ends, **way)
        except (TypeError, ValueError):
            self._set_building(before)  # a refused input decides nothing
            raise
        self._pass_counter[0] += remember
        if not samples:
            y, final = y[:0], tuple(part[:, :0].copy() for part in final)
        if self.stateful and samples:
            set_plainly(self, "_carried", tuple(part.copy() for part in final))
        tape = None
        if remember:
            tape = Tape(native, self, y.shape, samples)
            if holes is not None or not samples:
                tape = HolesTape(tape, holes) if holes else EmptyTape(tape)
        return y if holes is None else holes.open(y), self._public_state(final), tape

    # -- training --------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights (TypeError: no bool)."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze or free all weights, also those that a file has frozen alone."""
        self._trainable = check_bool(value, name="trainable")
        self._parameter_factors = {}

    @property
    def learning_rate_factor(self) -> float:
        """What the learning rate is multiplied by (ValueError: not > 0, or not finite)."""
        return self._rate_factor

    @learning_rate_factor.setter
    def learning_rate_factor(self, value: float) -> None:
        """Set it for all weights, also those that a file has given one of their own."""
        if not isinstance(value, bool) and value == 0:
            raise ValueError(
                "learning_rate_factor must be > 0, got 0; to freeze the layer, write "
                "layer.trainable = False"
            )
        self._rate_factor = check_real(value, name="learning_rate_factor", above=0.0)
        self._parameter_factors = {}

    def _frozen_parameters(self) -> list[str]:
        """Return how the names of the parameters begin that are frozen."""
        if not self._trainable:
            return [""]
        inner: Sequence[Layer] = getattr(self, "layers", ())
        return [
            f"layers.{index}.{rest}"
            for index, layer in enumerate(inner)
            for rest in layer._frozen_parameters()
        ]

    # -- weights ---------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return copies of the parameters, with PyTorch's names and shapes.

        Raises
        ------
        RuntimeError
            The layer is not built yet.
        """
        parameters: dict[str, NDArray[Any]] = self._built_native().parameters()
        return parameters

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> LoadedKeys:
        """Set all parameters; nothing is set unless every name, shape and value fits.

        Parameters
        ----------
        state : dict of str to array_like
            As `state_dict` returns it; tensors of PyTorch will do.
        strict : bool
            False: names may be missing, whose parameters keep their values, or unexpected. At
            least one must be known, and shapes must fit all the same.

        Returns
        -------
        LoadedKeys
            (missing_keys, unexpected_keys), two lists of names.

        Raises
        ------
        ValueError
            Missing or unexpected names, wrong shapes (the message lists them all), NaN or
            infinity.
        TypeError
            No dict, or values that are no floats.
        """
        from lstm_native._base.state_dicts import match

        native = self._built_native()
        own = native.parameters()
        values, keys = match(own, state, owner="layer", dtype=self.dtype, strict=strict)
        native.set_parameters({**own, **values})
        return keys

    # -- copies ----------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the parts of a copy: options, weights and all attributes."""
        return reduce_layer(self)

    def __copy__(self) -> Any:
        """Return a deep copy: a shallow one would share its weights."""
        from copy import deepcopy

        return deepcopy(self)

    def __repr__(self) -> str:
        """Return the layer as it could be made, without the options that are as by default."""
        options = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = getattr(self, name, parameter.default)
            if value is not parameter.default and value != parameter.default:
                shown = list(value) if name == "layers" else value
                options.append(f"{name}={shown!r}")
        return f"{type(self).__name__}({', '.join(options)})"


def check_size(value: int, *, name: str) -> int:
    """Return a number of units or features that the core can take."""
    return check_int(value, name=name, minimum=1, maximum=_MAX_SIZE)


def check_rate(value: float, *, name: str) -> float:
    """Return a share of values, in [0, 1)."""
    return check_real(value, name=name, minimum=0.0, below=1.0)


def optional_size(value: int | None, *, name: str) -> int | None:
    """Return a size that may be left open."""
    return None if value is None else check_size(value, name=name)
