"""Attention: layers that look at a memory, as a whole or in each of their own steps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lstm_native._base.checks import check_bool, check_choice, check_positive_int, check_real
from lstm_native._base.native import native_class
from lstm_native.layers._carried import State
from lstm_native.layers._recurrent import FORGET_BIAS
from lstm_native.layers.joint import Joint
from lstm_native.layers.layer import check_seed, check_size, optional_size
from lstm_native.layers.symbols import Port, apply, is_symbolic

_SCORES = ("dot", "general", "scaled_dot", "additive")
_STEP_SCORES = ("dot", "general", "additive")
_STYLES = ("bahdanau", "luong", "window")


class _Looking(Joint):
    """A layer with a memory as its second input."""

    def _look(
        self, x: Any, memory: Any, lengths: Any, memory_lengths: Any, state: Any
    ) -> dict[str, Any]:
        """Run the layer on arrays; return what leaves at its ports, by name."""
        x, ends = self._check_one(0, x, lengths)
        memory, memory_ends = self._check_one(1, memory, memory_lengths)
        before = self._state_of_building()
        try:
            sizes = [x.shape[-1], memory.shape[-1]]
            self._build(sizes, dtype=self.dtype, seed=check_seed(self._seed))
            ports = [Port(*port) for port in self._native.inputs]
            names = [Port(*port).name for port in self._native.outputs]
            begins = self._begins(ports[2:], state, len(x))
            count = 2 + len(begins)
            network = native_class("Network", self.dtype)(
                [(f"in_{port.name}", port.features, 0) for port in ports[:count]],
                [self.type_name],
                [(self.type_name, 0, [(i, 0) for i in range(count)])],
                [(name, (count, k)) for k, name in enumerate(names)],
                [self._native],
            )
            ends_of_all = [ends, memory_ends, *[None] * len(begins)]
            outputs, _, _ = network.predict_all([x, memory, *begins], ends_of_all)
        except (TypeError, ValueError):
            self._set_building(before)  # a refused input decides nothing
            raise
        return dict(zip(names, outputs, strict=True))

    def _begins(self, ports: list[Port], state: Any, samples: int) -> list[Any]:
        """Return the arrays (N, features) that a given state begins with."""
        return []

    def _on(self, symbols: tuple[Any, Any], lengths: Any, states: Any) -> Any:
        if any(one is not None for one in lengths):
            raise TypeError(
                "lengths are given with the data, to model.fit and model.predict: in a network "
                "they ride along with each symbol"
            )
        return apply(self, symbols, states)


class Attention(_Looking):
    """Queries that look at a memory that is there as a whole.

    Each query q_t gets the context c_t = sum_j a_tj m_j of the memory's rows m_j, with weights
    a_t = softmax_j(score(q_t, m_j)) over the true steps of the memory. A memory without a step
    has a context of zeros. The score is

    ============== =========================== ====================================
    "dot"          q m                         Luong et al. 2015; as many features
    "general"      q W m                       Luong et al. 2015
    "scaled_dot"   (W q) (U m) / sqrt(d)       Vaswani et al. 2017, in heads
    "additive"     v tanh(W q + U m)           Bahdanau et al. 2015
    ============== =========================== ====================================

    A "scaled_dot" layer is `torch.nn.MultiheadAttention(batch_first=True)` with embed_dim the
    query's features and kdim and vdim the memory's: the contexts of the heads go through an output
    projection, and parameters have its names and shapes.

    Parameters
    ----------
    score : {"dot", "general", "scaled_dot", "additive"}
    units : int, optional
        Rows of W and U of "additive"; by default as many as the query has features.
    num_heads : int
        Of "scaled_dot": a divisor of the query's features.
    bias : bool
        Of the projections of "scaled_dot".
    causal : bool
        Query t sees the memory up to its step t alone: for a sequence that looks at itself. Both
        must have as many steps. Such a layer cannot be streamed.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights, Glorot uniform (Glorot & Bengio 2010).
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    TypeError, ValueError
        Options that have no meaning for the score, sizes out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> look = ln.Attention("additive", units=16, seed=0)
    >>> queries, memory = np.zeros((2, 5, 8), "float32"), np.ones((2, 7, 6), "float32")
    >>> y, weights = look(queries, memory, memory_lengths=[7, 3], return_weights=True)
    >>> y.shape, weights.shape
    ((2, 5, 6), (2, 5, 7))
    """

    type_name = "attention"

    def __init__(
        self,
        score: str = "additive",
        *,
        units: int | None = None,
        num_heads: int = 1,
        bias: bool = True,
        causal: bool = False,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.score = check_choice(score, name="score", choices=_SCORES)
        self.units = optional_size(units, name="units")
        if self.units is not None and self.score != "additive":
            raise ValueError(
                f"units has no meaning with score {self.score!r}, only with 'additive'"
            )
        self.num_heads = check_positive_int(num_heads, name="num_heads")
        self.bias = check_bool(bias, name="bias")
        if self.score != "scaled_dot" and (self.num_heads != 1 or not self.bias):
            raise ValueError(
                f"num_heads and bias have no meaning with score {self.score!r}, only with "
                "'scaled_dot'"
            )
        self.causal = check_bool(causal, name="causal")

    def __call__(  # type: ignore[override]
        self,
        query: Any,
        memory: Any,
        lengths: Any = None,
        memory_lengths: Any = None,
        *,
        return_weights: bool = False,
    ) -> Any:
        """Look at the memory. Or, called on symbols, write the layer into a network.

        Parameters
        ----------
        query : array_like or Symbol, (N, Tq, Fq) or (N, Fq)
        memory : array_like or Symbol, (N, Tm, Fm)
        lengths, memory_lengths : int array_like, (N,), optional
            How many steps of each sequence are true. What is behind them is not read; weights are
            exactly zero there, and so is y behind the end of the queries.
        return_weights : bool
            Return (y, weights).

        Returns
        -------
        y : ndarray or Symbol
            The contexts (N, Tq, Fm), or (N, Fm); of "scaled_dot" with Fq features.
        weights : ndarray or Symbol
            (N, Tq, Tm), or (N, Tm): of "scaled_dot" the mean over heads.

        Raises
        ------
        TypeError, ValueError
            Inputs of a dtype or shape that does not fit.
        """
        if is_symbolic(query) or is_symbolic(memory):
            y, weights = self._on((query, memory), (lengths, memory_lengths), ())
            return (y, weights) if return_weights else y
        found = self._look(query, memory, lengths, memory_lengths, None)
        return (found["y"], found["weights"]) if return_weights else found["y"]

    def _spec(self) -> dict[str, Any]:
        return {
            "type": self.type_name,
            "score": self.score,
            "units": self.units or 0,
            "num_heads": self.num_heads,
            "bias": self.bias,
            "causal": self.causal,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Attention:
        return cls(**{**spec, "units": spec.get("units") or None})


class _Attending(_Looking):
    """A recurrent layer that looks at a memory in each step. Not to be used itself.

    x_t is the input, m the memory, h the output of the cell, and
    look(q) = sum_j softmax_j(score(q, m_j)) m_j:

    - "bahdanau" (Bahdanau et al. 2015): c_t = look(h_{t-1}); the cell's input is (x_t, c_t);
      y_t = h_t.
    - "luong" (Luong et al. 2015, with input feeding): the cell's input is (x_t, a_{t-1});
      c_t = look(h_t), a_t = tanh(W (c_t, h_t)); y_t = a_t.
    - "window" (Graves 2013): the cell's input is (x_t, c_{t-1}); (a, b, k) = exp(W h_t + w),
      kappa_t = kappa_{t-1} + k, c_t = sum_u sum_k a_k exp(-b_k (kappa_tk - u)^2) m_u over the
      positions u = 1, 2, ...; y_t = h_t.

    The state is (h,), of an LSTM (h, c), of "luong" and "window" with what is fed to the next step
    behind it (a or c), of "window" with kappa at the end; each (1, N, features). A GRU with
    "bahdanau" has h alone.

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
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial weights, as in `LSTM`.
    name : str, optional
        In a `Model`; by default after the kind of layer.
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
        components: int = 10,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.hidden_size = check_size(hidden_size, name="hidden_size")
        self.attention = check_choice(attention, name="attention", choices=_STYLES)
        self.score = check_choice(score, name="score", choices=_STEP_SCORES)
        self.units = optional_size(units, name="units")
        if self.units is not None and (self.score != "additive" or self.attention == "window"):
            raise ValueError("units has a meaning with additive scores alone")
        self.output_size = optional_size(output_size, name="output_size")
        if self.output_size is not None and self.attention != "luong":
            raise ValueError("output_size has a meaning with attention='luong' alone")
        self.components = check_positive_int(components, name="components")

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
            found = self._look(x, memory, lengths, memory_lengths, given)
            y, contexts, weights = found["y"], found["contexts"], found["weights"]
            final = self._public_state([found[name][None] for name in self._state_names()])
        answer = [y, final]
        answer += [contexts] if check_bool(return_contexts, name="return_contexts") else []
        answer += [weights] if check_bool(return_weights, name="return_weights") else []
        return tuple(answer)

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

    def _begins(self, ports: list[Port], state: Any, samples: int) -> list[Any]:
        begins = []
        for port, part in zip(ports, state, strict=False):
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
        components: int = 10,
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
    hidden_size, attention, score, units, output_size, components, dtype, seed, name
        As in `AttentionLSTM`.
    """

    type_name = "attention_gru"
