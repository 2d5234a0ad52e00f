"""What all optimisers have in common: settings, their JSON, single steps."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from lstm_native._base.checks import check_bool, check_real
from lstm_native._base.settings_json import parse_json_object
from lstm_native._base.shown import shown

if TYPE_CHECKING:
    from lstm_native._updates import Memory

_Params = TypeVar("_Params")

#: The optimisers by their names in model files, in the order of their definition.
KINDS: dict[str, type[Optimizer]] = {}
_WRITTEN_WHERE_TRUE = ("amsgrad", "decoupled_weight_decay")


@dataclass(frozen=True)
class Optimizer:
    """Base of all optimisers: what they have in common.

    Parameters
    ----------
    learning_rate : float
        Step size, > 0. A number; schedules are callbacks.
    weight_decay : float
        L2 penalty on all parameters (AdamW: decoupled decay), >= 0.
    clip_norm : float or None
        Largest global norm of the gradient over all parameters (Pascanu et al. 2013).
    clip_value : float or None
        Each gradient element is limited to [-clip_value, clip_value].
    """

    learning_rate: float = 1e-3
    _: KW_ONLY
    weight_decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None

    name: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Take the class up among those that a file may name."""
        KINDS.setdefault(cls.name, cls)

    def __post_init__(self) -> None:
        """Check the settings."""
        if isinstance(self.learning_rate, (list, tuple, dict)):
            raise TypeError(
                f"learning_rate must be a number, got a {type(self.learning_rate).__name__}; "
                "parameters come with each step: optimizer.update(layer, grads)"
            )
        if callable(self.learning_rate):
            raise TypeError(
                f"learning_rate must be a number, got {shown(self.learning_rate)}; "
                "a schedule goes into callbacks=[LearningRateScheduler(schedule)]"
            )
        self._check("learning_rate", above=0.0)
        self._check("weight_decay", minimum=0.0)
        for clip in ("clip_norm", "clip_value"):
            if getattr(self, clip) is not None:
                self._check(clip, above=0.0)

    def to_json(self) -> str:
        """Return the settings as the JSON text that model files hold; 0 says: no clipping.

        Examples
        --------
        >>> from lstm_native import SGD
        >>> SGD(0.1).to_json()  # doctest: +ELLIPSIS
        '{"type": "sgd", "learning_rate": 0.1, ..., "clip_norm": 0.0, "clip_value": 0.0}'
        """
        options = dataclasses.asdict(self)
        for name in _WRITTEN_WHERE_TRUE:  # files from before there was a choice stay as they are
            if options.get(name) is False:
                del options[name]
        for clip in ("clip_norm", "clip_value"):
            # At the end, as for every optimiser.
            options[clip] = options.pop(clip) or 0.0
        return json.dumps({"type": self.name, **options})

    @staticmethod
    def from_json(text: str) -> Optimizer:
        """Return the optimiser that `to_json` wrote; fields left out have their defaults.

        Raises
        ------
        ValueError
            Not JSON, an unknown optimiser, a field that does not belong to it, or a value out
            of range.
        TypeError
            A value that is no number.
        """
        known = {
            name: [field.name for field in dataclasses.fields(kind)] for name, kind in KINDS.items()
        }
        options = parse_json_object(text, name="optimizer", fields=known)
        for clip in ("clip_norm", "clip_value"):
            if options.get(clip) == 0:
                options[clip] = None
        return KINDS[options.pop("type")](**options)

    def with_learning_rate(self, learning_rate: float) -> Optimizer:
        """Return the same settings with another learning rate, and the state of `update`.

        Both go on with that state: a schedule is `optimizer.with_learning_rate(rate).update(...)`.

        Examples
        --------
        >>> from lstm_native import Adam
        >>> Adam(0.1).with_learning_rate(0.01).learning_rate
        0.01
        """
        other = self._with_rate(learning_rate)
        object.__setattr__(other, "_memory", self._own_memory())
        return other

    def update(self, params: _Params, grads: Mapping[str, Any]) -> _Params:
        """Make one step in a training loop of one's own: change the parameters by the gradients.

        The numbers are those of `fit`, with clipping and weight decay. The state (moments, number
        of updates) is made at the first step. It belongs to this object, its copies and pickles,
        and to these parameters, by name and shape; `fit` has a state of its own, in the model.

        Make the optimizer once, before the loop: its moments live in it. `Adam(0.1).update(...)`
        within the loop would begin afresh at each step.

        Parameters
        ----------
        params : Layer, or Sequential, or dict of str to ndarray
            What the weights belong to: `update(layer, grads)`, `update(model, grads)`. Or float32
            or float64 arrays of one's own, which are changed in place. What `state_dict()` gives
            are copies: changed, they go back with `load_state_dict`, else nothing is learnt.
        grads : dict of str to array_like
            One for each parameter, of its name and shape, as `tape.backward` returns them. They
            are not changed.

        Returns
        -------
        params
            The very object that was given.

        Raises
        ------
        ValueError
            Names that are missing or unknown, wrong shapes, arrays that cannot be written to or
            have memory in common, or other parameters than at the step before.
        TypeError
            No arrays, or no floats.
        FloatingPointError
            NaN or infinity in a gradient, or a step that would leave them in the parameters:
            these are then as before, and so is the state, but for a step that overflows in the
            parameters themselves, after which it starts afresh.

        Examples
        --------
        >>> import numpy as np
        >>> from lstm_native import SGD, Adam, Dense
        >>> layer, optimizer = Dense(1, input_size=2, seed=0), Adam(0.1)
        >>> y, _, tape = layer.forward(np.ones((4, 2)))
        >>> _, _, grads = tape.backward(2.0 * (y - 1.0))
        >>> optimizer.update(layer, grads)
        Dense(units=1, input_size=2)

        Of arrays of one's own:

        >>> weights = {"w": np.array([1.0, 2.0])}
        >>> optimizer = SGD(0.5)
        >>> optimizer.update(weights, {"w": np.array([1.0, 1.0])})
        {'w': array([0.5, 1.5])}
        """
        from lstm_native import _updates

        _updates.update(self, self._own_memory(), params, grads)
        return params

    def reset(self) -> None:
        """Forget the state of `update`, as if no step had been made; also of what shares it."""
        self._own_memory().clear()

    def __copy__(self) -> Optimizer:
        """Return a copy with a state of its own."""
        return copy.deepcopy(self)

    def _own_memory(self) -> Memory:
        found: Memory | None = self.__dict__.get("_memory")
        if found is None:
            found = restore_memory({})
            object.__setattr__(self, "_memory", found)
        return found

    def _with_rate(self, learning_rate: float) -> Optimizer:
        return dataclasses.replace(self, learning_rate=learning_rate)

    def _check(self, field: str, **bounds: float) -> None:
        value = check_real(getattr(self, field), name=field, **bounds)
        object.__setattr__(self, field, value)

    def _check_bool(self, field: str) -> None:
        object.__setattr__(self, field, check_bool(getattr(self, field), name=field))


def restore_memory(state: dict[str, Any]) -> Memory:
    """Return the memory of an optimiser's own steps, as a pickle holds it; {}: a new one."""
    from lstm_native._updates import Memory

    found = Memory(restore_memory)
    found.go_on_from(dict(state))
    return found


def refusal(optimizer: Optimizer, name: str, value: Any) -> str:
    """Return why a setting cannot be set, and what to write."""
    if name == "learning_rate":
        return (
            "optimizers are settings and cannot be changed; use "
            f"optimizer.with_learning_rate({value!r}), or model.learning_rate = {value!r}"
        )
    names = [field.name for field in dataclasses.fields(optimizer)]
    if name in names:
        return (
            "optimizers are settings and cannot be changed: make a new one, "
            f"{type(optimizer).__name__}(..., {name}={value!r})"
        )
    rate = f"; write model.learning_rate = {value!r}" if name == "lr" else ""
    return f"'{type(optimizer).__name__}' has no setting '{name}'; it has {', '.join(names)}{rate}"
