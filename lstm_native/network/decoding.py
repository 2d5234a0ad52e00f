"""Sequences from models: what `Sequential` and `Model` have of it in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.arrays import as_array, sequences_of
from lstm_native._base.attributes import hinted
from lstm_native._base.checks import check_int, check_real, described
from lstm_native._base.inputs import Checked
from lstm_native._base.lengths import Lengths, steps_of_input, true_steps
from lstm_native._base.shown import shown
from lstm_native._base.values import as_tokens
from lstm_native.layers.building import check_seed
from lstm_native.network.stack import Stack

if TYPE_CHECKING:
    from lstm_native.decoding import Hypothesis

Allow = Callable[[list[NDArray[np.int64]]], Any]
_MANY = 2**24


class Decoding(Stack):
    """The part of models that goes on from prompts, token by token."""

    @hinted
    def generate(
        self,
        prompts: Any,
        *,
        steps: int,
        end: int | None = None,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        allow: Allow | None = None,
        lengths: Any = None,
        output: str | None = None,
        **held: Any,
    ) -> list[NDArray[np.int64]]:
        """Go on from each prompt, token by token: greedily, or by sampling.

        The model takes tokens and answers with one output for each token: logits, or probabilities
        where it ends with a softmax. All of it is one native call.

        Parameters
        ----------
        prompts : int array_like, (N, T), or list of int arrays (T_i,)
            What the sequences begin with, at least one token each.
        steps : int
            How many tokens to add, at most.
        end : int, optional
            The token behind which a sequence is over.
        temperature : float
            0: the most probable token each time. Else tokens are drawn from
            softmax(logits / temperature).
        top_k : int, optional
            Draw from the `top_k` most probable tokens alone.
        top_p : float in (0, 1], optional
            Draw from the fewest most probable tokens that have this share together, of those that
            `top_k` leaves (nucleus sampling, Holtzman et al. 2020).
        seed : int, optional
            Of the drawing. What is drawn follows from the seed, the prompt and its place in the
            batch; the other prompts are of no effect.
        allow : callable, (prefixes) -> (rows, vocabulary) bool array_like or None, optional
            Forbids tokens. It is called once for each step with a list of int arrays: of all
            sequences that go on, the prompt and what followed. True: the token may come next. None:
            all of them may. (vocabulary,) is for all rows. What it raises ends the call.
        lengths : int array_like, (N,), optional
            How many of its T tokens each prompt has.
        output : str, optional
            The output that names the tokens, where several depend on them.
        **held : array_like, by the names of inputs
            The other inputs of a `Model`, one entry for each prompt, as in `Model.stream`.

        Returns
        -------
        list of ndarray of int64
            For each prompt what follows it, with the end token where it came.

        Raises
        ------
        TypeError, ValueError
            Arguments that do not fit; a model whose input is no tokens, or whose output is not one
            value for each of them; outputs that are NaN; a step where all tokens are forbidden.
        RuntimeError
            The model is not built yet.

        Examples
        --------
        >>> import numpy as np
        >>> import lstm_native as ln
        >>> layers = [ln.Embedding(20, 8), ln.LSTM(16), ln.Dense(20)]
        >>> model = ln.Sequential(layers, seed=0)
        >>> [len(tokens) for tokens in model.generate([[1, 2], [3]], steps=5)]
        [5, 5]
        """
        temperature = check_real(temperature, name="temperature", minimum=0.0)
        if temperature == 0.0:
            for name, value in (("top_k", top_k), ("top_p", top_p), ("seed", seed)):
                if value is not None:
                    raise ValueError(
                        f"{name}: with temperature=0.0 the most probable token is taken, and "
                        "nothing is drawn; write temperature=1.0, or leave it out"
                    )
        if top_k is not None:
            top_k = check_int(top_k, name="top_k", minimum=1, maximum=2**63 - 1)
        if top_p is not None:
            top_p = check_real(top_p, name="top_p", above=0.0, maximum=1.0)
        places, common = self._decoded(
            "generate", prompts, lengths, held, steps, end, allow, output
        )
        found: list[NDArray[np.int64]] = _core.generate(
            *places,
            **common,
            temperature=temperature,
            top_k=top_k or 0,
            top_p=1.0 if top_p is None else top_p,
            seed=0 if temperature == 0.0 else check_seed(seed),
        )
        return found

    @hinted
    def beam_search(
        self,
        prompts: Any,
        *,
        steps: int,
        end: int | None = None,
        width: int = 5,
        n_best: int = 1,
        length_penalty: float = 0.0,
        allow: Allow | None = None,
        lengths: Any = None,
        output: str | None = None,
        **held: Any,
    ) -> list[list[Hypothesis]]:
        """Go on from each prompt by beam search: the most probable sequences as wholes.

        At each step the `width` most probable continuations of all hypotheses of a prompt stay.
        One that ends is set aside; it counts as found where it is more probable than the last that
        stays. What has not ended after all steps is found as it is. The search of a prompt ends
        early once no hypothesis can become better than the `n_best` that are found: it costs no
        result. All of it is one native call.

        Parameters
        ----------
        prompts, steps, end, lengths, output, **held
            As in `generate`.
        width : int
            Hypotheses of each prompt that go on side by side.
        n_best : int
            How many are wanted, at most `width`.
        length_penalty : float
            The score is log probability / ((5 + tokens) / 6)**length_penalty (Wu et al. 2016): 0
            compares probabilities, which favours short sequences, 1 about the mean of a token.
        allow : callable, optional
            As in `generate`; a row for each hypothesis that goes on. The probabilities of the other
            tokens stay as they are.

        Returns
        -------
        list of list of Hypothesis
            For each prompt up to n_best, the highest score first.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As in `generate`.

        Examples
        --------
        >>> import lstm_native as ln
        >>> layers = [ln.Embedding(20, 8), ln.LSTM(16), ln.Dense(20)]
        >>> model = ln.Sequential(layers, seed=0)
        >>> best, second = model.beam_search([[1, 2]], steps=5, n_best=2)[0]
        >>> best.score >= second.score
        True
        """
        from lstm_native.decoding import check_n_best, hypotheses

        width = check_int(width, name="width", minimum=1, maximum=_MANY)
        n_best = check_n_best(n_best, width)
        length_penalty = check_real(length_penalty, name="length_penalty")
        places, common = self._decoded(
            "beam_search", prompts, lengths, held, steps, end, allow, output
        )
        return hypotheses(
            _core.beam_search(
                *places, **common, width=width, n_best=n_best, length_penalty=length_penalty
            )
        )

    def _check_all_held(self, call: str, held: Mapping[str, Any]) -> list[Checked | None] | None:
        """Return what each input holds, None where it is stepped; None where nothing is held."""
        raise NotImplementedError

    def _unexpected(self, call: str, held: Mapping[str, Any], told: str) -> TypeError:
        """Return the error for a name that is no input, with what is meant perhaps."""
        from lstm_native._base import hints  # when something has failed, not before

        hint = hints.calling(getattr(type(self), call), (self, None), held)
        return TypeError(told + (f"; {hint}" if hint else ""))

    def _decoded(
        self,
        call: str,
        prompts: Any,
        lengths: Any,
        held: Mapping[str, Any],
        steps: Any,
        end: Any,
        allow: Any,
        output: Any,
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what both ways of decoding hand to the core."""
        network = self._built_network()
        given = self._check_all_held(call, held)
        vocabulary = self._vocabulary(given)
        tokens, ends = _prompts_of(prompts, lengths, vocabulary)
        if allow is not None and not callable(allow):
            raise TypeError(f"allow: expected a function of the prefixes, got {described(allow)}")
        common = {
            "steps": check_int(steps, name="steps", minimum=1, maximum=_MANY),
            "end": -1
            if end is None
            else check_int(end, name="end", minimum=0, maximum=vocabulary - 1),
            "allow": None
            if allow is None
            else lambda prefixes: _mask(allow(prefixes), len(prefixes), vocabulary),
            "output": -1 if output is None else self._output_index(output),
        }
        arrays = arrays_ends = None
        if given is not None:
            arrays = [None if one is None else one[0] for one in given]
            arrays_ends = [None if one is None else one[1] for one in given]
        return (network, tokens, ends, arrays, arrays_ends), common

    def _vocabulary(self, given: list[Checked | None] | None) -> int:
        """Return the tokens of the one input that is stepped; the core refuses other models."""
        stepped = [i for i in range(len(self._form_in)) if given is None or given[i] is None]
        if len(stepped) == 1 and self._takes_tokens(stepped[0]):
            return self._entering(stepped[0]).vocabulary
        return 2**62

    def _output_index(self, output: Any) -> int:
        names = self._form_out.names
        if output not in names:
            raise ValueError(f"output: expected one of {', '.join(names)}, got {shown(output)}")
        return names.index(output)


def _prompts_of(prompts: Any, lengths: Any, vocabulary: int) -> tuple[NDArray[np.int64], Lengths]:
    """Return tokens (N, T), and how many of them each prompt has."""
    parts = sequences_of(prompts, ndim=1, name="prompts")
    if parts is None:
        array = as_array(prompts, name="prompts")
        if array.ndim == 1:
            raise ValueError(
                f"prompts: expected (N, T), got shape {array.shape}; write prompts[None] for one "
                "prompt, prompts[:, None] for prompts of one token each"
            )
        ends, _ = steps_of_input(lengths, None, shape=array.shape, axes=2)
        if ends is not None:
            array = np.where(true_steps(ends, array.shape[1]), array, 0)
        return as_tokens(array, name="prompts", vocabulary=vocabulary, ndim=2), ends
    if lengths is not None:
        raise ValueError("lengths: a list of prompts has its own; leave them out")
    for i, part in enumerate(parts):
        as_tokens(part, name=f"prompts[{i}]", vocabulary=vocabulary, ndim=1)
    ends = np.array([len(part) for part in parts], dtype=np.int64)
    tokens = np.zeros((len(parts), int(ends.max())), dtype=np.int64)
    for to, part in zip(tokens, parts, strict=True):
        to[: len(part)] = part
    return tokens, ends


def _mask(given: Any, rows: int, vocabulary: int) -> NDArray[np.bool_] | None:
    """Return what `allow` answered as the core wants it."""
    if given is None:
        return None
    mask = as_array(given, name="allow")
    if mask.dtype.kind != "b":
        raise TypeError(
            f"allow: expected booleans, True for tokens that may come next, got {mask.dtype}"
        )
    if mask.shape not in ((rows, vocabulary), (vocabulary,)):
        raise ValueError(
            f"allow: expected shape {(rows, vocabulary)}, a row for each prefix, got {mask.shape}"
        )
    return np.require(np.broadcast_to(mask, (rows, vocabulary)), requirements=["C", "A"])
