"""Recurrent layers that look at a memory in each of their steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.checks import check_bool, check_choice, check_positive_int, check_real
from lstm_native.layers._carried import State
from lstm_native.layers._looking import Looking
from lstm_native.layers._recurrent import FORGET_BIAS
from lstm_native.layers.layer import check_size, optional_size
from lstm_native.layers.symbols import Port, is_symbolic
from lstm_native.layers.tape import Tape

_SCORES = ("dot", "general", "additive")
_STYLES = ("bahdanau", "luong", "window")
_COMPONENTS = 10
_WINDOW_STEP = 0.1


class _Attending(Looking):
    """A recurrent layer that looks at a memory in each step. Not to be used itself.

    `AttentionLSTM` says what its options mean.
    """

    _gives_state: ClassVar[bool] = True
    _cell_state: ClassVar[bool] = False

    def __init__(
        self,
        hidden_size: int,
        attention: str = "bahdanau",
        *,
        score: str = "additive",
        units: int | None = None,
        output_size: int | None = None,
        components: int = _COMPONENTS,
        window_step: float = _WINDOW_STEP,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.hidden_size = check_size(hidden_size, name="hidden_size")
        self.attention = check_choice(attention, name="attention", choices=_STYLES)
        self.score = check_choice(score, name="score", choices=_SCORES)
        if self.attention == "window" and self.score != "additive":
            raise ValueError("score has no meaning with attention='window', which has no scores")
        self.units = optional_size(units, name="units")
        if self.units is not None and (self.score != "additive" or self.attention == "window"):
            raise ValueError("units has a meaning with additive scores alone")
        self.output_size = optional_size(output_size, name="output_size")
        if self.output_size is not None and self.attention != "luong":
            raise ValueError("output_size has a meaning with attention='luong' alone")
        self.components = check_positive_int(components, name="components")
        self.window_step = check_real(window_step, name="window_step", above=0.0)
        if self.attention != "window" and (components, window_step) != (_COMPONENTS, _WINDOW_STEP):
            raise ValueError(
                "components and window_step have a meaning with attention='window' alone"
            )

    def __call__(  # type: ignore[override]
        self,
        x: Any,
        memory: Any,
        state: Any = None,
        lengths: Any = None,
        memory_lengths: Any = None,
        *,
        return_contexts: bool = False,
        return_weights: bool = False,
    ) -> Any:
        """Run the layer. Or, called on symbols, write it into a network.

        Parameters
        ----------
        x : array_like or Symbol, (N, T, F)
        memory : array_like or Symbol, (N, Tm, Fm)
        state : state, optional
            As described above; by default zeros. A part may be None, for zeros; parts at the end
            may be left out, so that the (h, c) of an encoder will do.
        lengths, memory_lengths : int array_like, (N,), optional
            How many steps of each sequence are true; what is behind them is not read.
        return_contexts, return_weights : bool
            Return (y, state, contexts), (y, state, weights) or (y, state, contexts, weights).

        Returns
        -------
        y : ndarray or Symbol
            (N, T, H); of "luong" with output_size features.
        state : state
        contexts : ndarray or Symbol
            c_t, (N, T, Fm).
        weights : ndarray or Symbol
            What c_t is the sum by, (N, T, Tm).

        Raises
        ------
        TypeError, ValueError
            Inputs of a dtype or shape that does not fit.
        """
        given = self._states_in(state)
        if is_symbolic(x) or is_symbolic(memory):
            y, contexts, weights, final = self._on((x, memory), (lengths, memory_lengths), given)
        else:
            found, _ = self._pass((x, memory), (lengths, memory_lengths), state)
            y, contexts, weights = found["y"], found["contexts"], found["weights"]
            final = self._final(found)
        answer = [y, final]
        answer += [contexts] if check_bool(return_contexts, name="return_contexts") else []
        answer += [weights] if check_bool(return_weights, name="return_weights") else []
        return tuple(answer)

    def forward(  # type: ignore[override]
        self,
        x: Any,
        memory: Any,
        state: Any = None,
        lengths: Any = None,
        memory_lengths: Any = None,
        *,
        return_contexts: bool = False,
        return_weights: bool = False,
        training: bool = True,
        seed: int | None = None,
    ) -> tuple[Any, State, Tape]:
        """Run the layer and remember it: parameters and errors as in a call.

        Returns
        -------
        y : ndarray, or (y, contexts), (y, weights), (y, contexts, weights)
        state : state
        tape : Tape
            `tape.backward(dy, dstate)` gives ((dx, dmemory), dstate, grads).
        """
        remembered = ["y"]
        remembered += ["contexts"] if check_bool(return_contexts, name="return_contexts") else []
        remembered += ["weights"] if check_bool(return_weights, name="return_weights") else []
        return self._forward(
            (x, memory), (lengths, memory_lengths), state, remembered, training, seed
        )

    def _answer(self, y: Any, state: Any) -> Any:
        first, *others = y if isinstance(y, tuple) else (y,)
        return (first, state, *others)

    def _final(self, found: dict[str, NDArray[Any]]) -> State:
        return self._public_state([found[name][None] for name in self._state_names()])

    def _state_names(self) -> list[str]:
        names = ["h", *(["c"] if self._cell_state else [])]
        names += ["context"] if self.attention != "bahdanau" else []
        return names + (["kappa"] if self.attention == "window" else [])

    def _states_in(self, state: Any) -> tuple[Any, ...]:
        if state is None:
            return ()
        parts = tuple(state) if isinstance(state, (tuple, list)) else (state,)
        names = self._state_names()
        if len(parts) > len(names):
            raise ValueError(f"state: expected ({', '.join(names)}), got {len(parts)} parts")
        return parts

    def _public_state(self, state: Any) -> State:
        return state[0] if len(state) == 1 else tuple(state)

    def _begins(
        self, ports: Sequence[Port], state: Any, samples: int, all_of_them: bool
    ) -> list[NDArray[Any]]:
        begins = []
        parts = self._states_in(state)
        if all_of_them:
            parts += (None,) * (len(ports) - len(parts))
        for port, part in zip(ports, parts, strict=False):
            shape = (1, samples, port.features)
            found = np.zeros(shape, self.dtype) if part is None else np.asarray(part)
            if found.shape != shape:
                raise ValueError(f"state: expected {port.name} of shape {shape}, got {found.shape}")
            if not np.isfinite(found).all():
                raise ValueError(f"state: expected finite numbers, {port.name} holds others")
            begins.append(np.ascontiguousarray(found[0], self.dtype))
        return begins

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "hidden_size": self.hidden_size,
            "attention": self.attention,
            "score": self.score,
            "units": self.units or 0,
            "output_size": self.output_size or 0,
            "components": self.components,
            "window_step": self.window_step,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Any:
        sizes = {key: spec.get(key) or None for key in ("units", "output_size")}
        return cls(**{**spec, **sizes})


class AttentionLSTM(_Attending):
    """An LSTM that looks at a memory in each step.

    x_t is the input, m the memory, h the output of the cell, and
    look(q) = sum_j softmax_j(score(q, m_j)) m_j:

    - "bahdanau" (Bahdanau et al. 2015): c_t = look(h_{t-1}); the cell's input is (x_t, c_t);
      y_t = h_t.
    - "luong" (Luong et al. 2015, with input feeding): the cell's input is (x_t, a_{t-1});
      c_t = look(h_t), a_t = tanh(W (c_t, h_t)); y_t = a_t.
    - "window" (Graves 2013): the cell's input is (x_t, c_{t-1}); (a, b, k) = exp(W h_t + w),
      kappa_t = kappa_{t-1} + k, c_t = sum_u sum_k a_k exp(-b_k (kappa_tk - u)^2) m_u over the
      positions u = 1, 2, ...; y_t = h_t.

    The state is (h, c), of "luong" and "window" with what is fed to the next step behind it (a_t or
    c_t), of "window" with kappa at the end; each (1, N, features).

    Parameters
    ----------
    hidden_size : int
        H.
    attention : {"bahdanau", "luong", "window"}
    score : {"additive", "general", "dot"}
        As `Attention` has them, of the queries above; "dot" needs a memory of H features.
        Without meaning for "window".
    units : int, optional
        Rows of the matrices of "additive" scores, by default H.
    output_size : int, optional
        Features of a_t of "luong", by default H.
    components : int
        Gaussians of "window".
    window_step : float
        Of "window": how many positions it moves in a step before training, > 0. Best about as many
        as the memory has steps for each step of x: one that runs past the end of the memory sees
        nothing, and learns nothing.
    forget_bias : float
        Initial bias of the forget gate (Gers et al. 2000).
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights, as in `LSTM`.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> decoder = ln.AttentionLSTM(16, attention="luong", seed=0)
    >>> x, memory = np.zeros((2, 5, 8), "float32"), np.ones((2, 7, 6), "float32")
    >>> y, (h, c, fed) = decoder(x, memory)
    >>> y.shape, fed.shape
    ((2, 5, 16), (1, 2, 16))
    """

    type_name = "attention_lstm"
    _cell_state = True

    def __init__(
        self,
        hidden_size: int,
        attention: str = "bahdanau",
        *,
        score: str = "additive",
        units: int | None = None,
        output_size: int | None = None,
        components: int = _COMPONENTS,
        window_step: float = _WINDOW_STEP,
        forget_bias: float = FORGET_BIAS,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            hidden_size,
            attention,
            score=score,
            units=units,
            output_size=output_size,
            components=components,
            window_step=window_step,
            dtype=dtype,
            seed=seed,
            name=name,
        )
        self.forget_bias = check_real(forget_bias, name="forget_bias")

    def _spec(self) -> dict[str, Any]:
        return {**super()._spec(), "forget_bias": self.forget_bias}


class AttentionGRU(_Attending):
    """A GRU that looks at a memory in each step: as `AttentionLSTM`, with a state without c.

    The reset gate acts behind the recurrent product, as in PyTorch. With "bahdanau" the state is h
    alone.

    Parameters
    ----------
    hidden_size, attention, score, units, output_size, components, window_step, dtype, seed, name
        As in `AttentionLSTM`.
    """

    type_name = "attention_gru"
