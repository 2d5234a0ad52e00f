"""Attention to a memory that is there as a whole."""

from __future__ import annotations

from typing import Any

from lstm_native._base.checks import check_bool, check_choice, check_positive_int
from lstm_native.layers._carried import State
from lstm_native.layers._looking import Looking
from lstm_native.layers.layer import optional_size
from lstm_native.layers.symbols import is_symbolic
from lstm_native.layers.tape import Tape

_SCORES = ("dot", "general", "scaled_dot", "additive")


class Attention(Looking):
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
        found, _ = self._pass((query, memory), (lengths, memory_lengths), None)
        return (found["y"], found["weights"]) if return_weights else found["y"]

    def forward(  # type: ignore[override]
        self,
        query: Any,
        memory: Any,
        lengths: Any = None,
        memory_lengths: Any = None,
        *,
        return_weights: bool = False,
        training: bool = True,
        seed: int | None = None,
    ) -> tuple[Any, State, Tape]:
        """Run the layer and remember it: parameters and errors as in a call.

        Returns
        -------
        y : ndarray, or (y, weights)
        state : None
        tape : Tape
            `tape.backward(dy)` gives ((dquery, dmemory), None, grads).
        """
        remembered = ("y", "weights") if return_weights else ("y",)
        return self._forward(
            (query, memory), (lengths, memory_lengths), None, remembered, training, seed
        )

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
