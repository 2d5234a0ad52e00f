"""Layers as functions that autograd differentiates."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from autograd.builtins import SequenceBox
from autograd.builtins import dict as traced_dict
from autograd.extend import defvjp_argnums, primitive
from autograd.tracer import isbox
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.checks import check_bool
from lstm_native.autograd.copies import Copies
from lstm_native.layers.building import check_seed
from lstm_native.layers.layer import Layer
from lstm_native.layers.tape import Tape

_INPUTS = ("x", "query", "memory")  # what layers call theirs; several of one kind: *inputs


class Function:
    """A layer as a function of its parameters, inputs and states.

    Made by `function`. Calls do not change the layer that it was made of, and need no other order
    than that of the Python code around them.
    """

    def __init__(self, layer: Layer) -> None:
        if not isinstance(layer, Layer):
            raise TypeError(f"layer: expected a layer, got {type(layer).__name__}")
        if layer.stateful:
            raise ValueError(
                f"{layer!r}: a function carries no state from call to call; make the layer without "
                "stateful=True, and give each call the state that the one before returned"
            )
        if layer.has_weights:
            layer._built_native()  # or says how it gets its weights
        self._layer = layer
        self._copies = Copies(layer)
        self._signature = inspect.signature(layer.forward)
        self._seed = check_seed(layer._seed)
        self._passes = 0

    def __call__(
        self,
        params: Any,
        *args: Any,
        training: bool = False,
        seed: int | None = None,
        **options: Any,
    ) -> Any:
        """Run the layer.

        Parameters
        ----------
        params : dict of str to array
            All parameters, as `layer.state_dict()` has them.
        *args, **options
            What the layer is called with: inputs, state, lengths, ...
        training : bool
            Dropout acts, and BatchNorm takes the statistics of the batch; its running ones move, in
            the arrays of `params`.
        seed : int, optional
            Decides what dropout drops; by default every call draws anew.

        Returns
        -------
        What the layer answers.

        Raises
        ------
        TypeError, ValueError
            As the layer; parameters that are not the layer's.
        NotImplementedError
            A derivative of a derivative.
        """
        bound = self._signature.bind(*args, **options)
        if seed is None and check_bool(training, name="training"):
            seed = _core.derive_seed(self._seed, self._passes)
            self._passes += 1
        call = _Call(self, bound.arguments, training, seed)
        params = _as_params(params)
        traced = [params, *call.inputs, *call.state]
        call.remembers = any(map(isbox, traced))
        outputs = _run(call, *traced)
        parts = [outputs[k] for k in range(call.outputs + call.final_states)]
        y, state = parts[: call.outputs], parts[call.outputs :]
        return self._layer._answer(
            tuple(y) if call.outputs > 1 else y[0],
            (tuple(state) if call.final_in_tuple else state[0]) if state else None,
        )

    def __repr__(self) -> str:
        """Return the layer it was made of."""
        return f"function({self._layer!r})"


def function(layer: Layer) -> Function:
    """Return a layer as a function that autograd can differentiate.

    Parameters
    ----------
    layer : Layer
        Any layer, with its weights: those of known `input_size`, or one that was called before.

    Returns
    -------
    Function
        `f(params, x, state=None, lengths=None)` answers what `layer(x, state, lengths)` does with
        these parameters, a dict as `layer.state_dict()` returns it; layers of several inputs take
        them one after another. Differentiable in the parameters, in all inputs but tokens, and in
        the state, once.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        No layer; a stateful one; one that has no weights yet.

    Examples
    --------
    >>> import autograd
    >>> import autograd.numpy as anp
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> cell = ln.LSTM(4, input_size=2, dtype="float64", seed=0)
    >>> f = ln.autograd.function(cell)
    >>> def energy(params, x):
    ...     y, (h, c) = f(params, x)
    ...     return anp.sum(anp.tanh(y) ** 2)
    >>> gradient = autograd.grad(energy)(cell.state_dict(), np.ones((1, 3, 2)))
    >>> gradient["weight_hh_l0"].shape
    (16, 4)
    """
    return Function(layer)


@dataclass
class _Call:
    """One call: what is constant in it, and once it has run, its tape."""

    function: Function
    arguments: dict[str, Any]
    training: bool
    seed: int | None
    remembers: bool = False
    tape: Tape | None = None
    inputs: list[Any] = field(default_factory=list)
    state: list[Any] = field(default_factory=list)
    state_in_tuple: bool = False
    # Of what the layer answered:
    outputs: int = 0
    final_states: int = 0
    final_in_tuple: bool = False

    def __post_init__(self) -> None:
        """Take apart what can be differentiated."""
        several = self.arguments.get("inputs")
        if several is not None:
            one_list = len(several) == 1 and isinstance(several[0], (list, tuple, SequenceBox))
            self.inputs = list(several[0]) if one_list else list(several)
        else:
            self.inputs = [self.arguments[name] for name in _INPUTS if name in self.arguments]
        state: Any = self.arguments.get("state")
        self.state_in_tuple = isinstance(state, (tuple, list, SequenceBox))
        self.state = list(state) if self.state_in_tuple else [] if state is None else [state]

    def forward(self, layer: Any, values: Sequence[Any]) -> tuple[Any, Any, Tape | None]:
        """Run a layer on these inputs and states."""
        count = len(self.inputs)
        given = dict(self.arguments)
        named = [name for name in _INPUTS if name in given]
        given.update(zip(named, values, strict=False))
        if "inputs" in given:
            given["inputs"] = tuple(values[:count])
        if self.state:
            given["state"] = tuple(values[count:]) if self.state_in_tuple else values[count]
        bound: Any = inspect.BoundArguments(self.function._signature, given)
        way: dict[str, Any] = {"training": self.training, "seed": self.seed}
        found: tuple[Any, Any, Tape | None] = layer.forward(*bound.args, **bound.kwargs, **way)
        return found

    def run(self, params: dict[str, Any], values: Sequence[Any]) -> tuple[Any, ...]:
        """Run; return outputs and final states side by side."""
        y, final, tape = self.function._copies.run(
            params, lambda one: self._pass(one, params, values)
        )
        self.tape = tape if self.remembers else None
        outputs = y if isinstance(y, tuple) else (y,)
        self.final_in_tuple = isinstance(final, tuple)
        states: Any = final if self.final_in_tuple else () if final is None else (final,)
        self.outputs, self.final_states = len(outputs), len(states)
        return (*outputs, *states)

    def _pass(self, layer: Layer, params: dict[str, Any], values: Sequence[Any]) -> Any:
        found = self.forward(layer, values)
        if self.training and not layer._native.holds(params):
            _write_back(layer, params)
        return found

    def back(self, params: dict[str, Any], values: Sequence[Any], g: Any) -> Any:
        """Lead the pass back; once more, if its tape is used already: run again before."""
        tape, self.tape = self.tape, None
        if tape is None:
            _, _, tape = self.forward(self.function._copies.apart(params), values)
            assert tape is not None
        dy, dstate = tuple(g[: self.outputs]), tuple(g[self.outputs :])
        return tape.backward(
            dy if self.outputs > 1 else dy[0],
            (dstate if self.final_in_tuple else dstate[0]) if dstate else None,
        )


@primitive  # type: ignore[untyped-decorator]
def _run(call: _Call, params: dict[str, Any], *values: Any) -> tuple[Any, ...]:
    return call.run(params, values)


def _lead_back(argnums: Sequence[int], ans: Any, args: Sequence[Any], _: Any) -> Any:
    call, params, *values = args
    refuse_second(ans)

    def vjp(g: Any) -> tuple[Any, ...]:
        refuse_second(g, *g)
        dx, dstate, gradients = call.back(params, values, g)
        inputs = list(dx) if isinstance(dx, tuple) else [dx]
        begins = list(dstate) if isinstance(dstate, tuple) else [dstate]
        of_values = [*inputs, *begins]

        def of(argnum: int) -> Any:
            if argnum == 1:
                return {name: _like(gradients.get(name), one) for name, one in params.items()}
            return _like(of_values[argnum - 2], values[argnum - 2])

        return tuple(map(of, argnums))

    return vjp


defvjp_argnums(_run, _lead_back)


def refuse_second(*values: Any) -> None:
    """Refuse a derivative of a derivative (NotImplementedError)."""
    if any(map(isbox, values)):
        raise NotImplementedError(
            "lstm_native.autograd: layers and losses have first derivatives alone; a gradient of a "
            "gradient (hessian, grad of grad) cannot go through them"
        )


def _like(gradient: NDArray[Any] | None, value: Any) -> NDArray[Any]:
    """Return a gradient in the dtype of what it is of; None: zeros."""
    array = np.asarray(value)
    if gradient is None:
        return np.zeros(array.shape, array.dtype)
    return gradient.astype(array.dtype, copy=False)


def _as_params(params: Any) -> Any:
    """Return the parameters as one value for autograd."""
    if params is None:
        return {}
    if isbox(params) or not isinstance(params, dict):
        if not hasattr(params, "items"):
            raise TypeError(
                "params: expected a dict of names and arrays, as layer.state_dict() has it, got "
                f"{type(params).__name__}"
            )
        return params if isbox(params) else dict(params)
    return traced_dict(params) if any(map(isbox, params.values())) else params


def _write_back(layer: Layer, params: dict[str, Any]) -> None:
    """Write what a pass has moved, running statistics, to the caller's arrays."""
    for name, value in layer.state_dict().items():
        to = params[name]
        if not np.array_equal(to, value):
            if not isinstance(to, np.ndarray) or not to.flags.writeable:
                raise ValueError(
                    f"params['{name}'] moves in training, and must be an array that can be written"
                )
            to[...] = value
