"""What decoding finds, and labels from the outputs of networks that were trained with CTC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native import _core
from lstm_native._base.arrays import as_array, sequences_of
from lstm_native._base.checks import check_bool, check_int, check_positive_int, described
from lstm_native._base.lengths import Lengths, steps_of_input
from lstm_native._base.values import as_values

Tokens = NDArray[np.int64]
_MANY = 2**24


@dataclass(frozen=True, eq=False, slots=True)
class Hypothesis:
    """A sequence that a search has found.

    Attributes
    ----------
    tokens : ndarray of int64
        What follows the prompt, with the end token where the sequence ended; of CTC the labels.
    log_probability : float
        Of the tokens, as the model says it.
    score : float
        What hypotheses are compared by: the log probability, with the penalty of the length, or
        with what a scorer added.
    """

    tokens: Tokens
    log_probability: float
    score: float


def hypotheses(found: list[list[tuple[Tokens, float, float]]]) -> list[list[Hypothesis]]:
    """Return what the core found for each prompt or sample."""
    return [[Hypothesis(*one) for one in best] for best in found]


def ctc_greedy(logits: Any, *, lengths: Any = None, blank: int = 0) -> list[Tokens]:
    """Return the labels of the most probable alignment of each sample.

    The highest output of each step, repetitions once, without blanks (Graves et al. 2006, "best
    path decoding").

    Parameters
    ----------
    logits : array_like, (N, T, K), or list of arrays (T_i, K)
        What the model answers at each step for K - 1 labels and the blank: logits, or
        probabilities.
    lengths : int array_like, (N,), optional
        How many of its T steps each sample has.
    blank : int
        The output that stands for no label.

    Returns
    -------
    list of ndarray of int64
        One for each sample.

    Raises
    ------
    TypeError, ValueError
        Arrays or lengths that do not fit, NaN or infinity, `blank` that is no output.

    Examples
    --------
    >>> import numpy as np
    >>> ctc_greedy(np.log([[[0.1, 0.9], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]]]))
    [array([1, 1])]
    """
    outputs, ends = _outputs(logits, lengths)
    found: list[Tokens] = _core.ctc_greedy(outputs, ends, _check_blank(blank, outputs))
    return found


def ctc_beam_search(
    logits: Any,
    *,
    lengths: Any = None,
    width: int = 25,
    n_best: int = 1,
    blank: int = 0,
    scorer: Callable[[Tokens], Any] | None = None,
    from_logits: bool = True,
) -> list[list[Hypothesis]]:
    """Return the most probable sequences of labels of each sample, by prefix beam search.

    The probability of a sequence is the sum over all its alignments, as far as the `width` best
    prefixes of each step hold them (Graves & Jaitly 2014; Hannun et al. 2014).

    Parameters
    ----------
    logits, lengths, blank
        As in `ctc_greedy`.
    width : int
        Prefixes that go on side by side.
    n_best : int
        How many are wanted, at most `width`.
    scorer : callable, (prefix) -> (K,) array_like, optional
        A model of the labels: takes the labels so far, and returns what it adds to the log
        probability when each label is the next; -inf forbids one. What it says of the blank is not
        read. It is called once for each prefix that goes on.
    from_logits : bool
        False: the outputs are probabilities, of a model that ends with a softmax.

    Returns
    -------
    list of list of Hypothesis
        For each sample up to n_best, the highest score first.

    Raises
    ------
    TypeError, ValueError
        As in `ctc_greedy`; settings out of range; a scorer that returns something else.

    Examples
    --------
    The most probable alignment is all blanks; the label has more of them:

    >>> import numpy as np
    >>> x = np.log([[[0.6, 0.4], [0.6, 0.4]]])
    >>> ctc_greedy(x), ctc_beam_search(x)[0][0].tokens
    ([array([], dtype=int64)], array([1]))
    """
    outputs, ends = _outputs(logits, lengths)
    blank = _check_blank(blank, outputs)
    width = check_int(width, name="width", minimum=1, maximum=_MANY)
    n_best = check_n_best(n_best, width)
    from_logits = check_bool(from_logits, name="from_logits")
    if scorer is not None and not callable(scorer):
        raise TypeError(
            f"scorer: expected a function of the labels so far, got {described(scorer)}"
        )
    labels = outputs.shape[-1]
    asked = None if scorer is None else lambda prefix: _scores(scorer(prefix), labels)
    return hypotheses(
        _core.ctc_beam_search(outputs, ends, blank, width, n_best, asked, from_logits)
    )


def edit_distance(one: Any, other: Any) -> int:
    """Return how many insertions, deletions and substitutions make one sequence the other.

    Levenshtein 1966.

    Parameters
    ----------
    one, other : int array_like, (L,)

    Raises
    ------
    TypeError, ValueError
        No integers, or another number of axes.

    Examples
    --------
    >>> edit_distance([1, 2, 3, 4], [1, 3, 5, 4])
    2
    """
    first, second = _labels(one, "one"), _labels(other, "other")
    places = np.arange(len(second) + 1)
    row = places  # distances from what was read of the first one to each beginning of the second
    for label in first:
        found = row + 1
        np.minimum(found[1:], row[:-1] + (second != label), out=found[1:])
        row = np.minimum.accumulate(found - places) + places
    return int(row[-1])


def label_error_rate(y_true: Any, y_pred: Any) -> float:
    """Return the edit distances of all sequences, divided by the number of true labels.

    Parameters
    ----------
    y_true, y_pred : list of int array_like (L_i,), or int array_like (N, L)
        An array is padded with -1 behind the end of each sequence, as the targets of CTC are.
        `y_pred` is what `ctc_greedy` returns.

    Raises
    ------
    TypeError, ValueError
        Not as many sequences of either, no true labels at all, or no integers.

    Examples
    --------
    >>> label_error_rate([[1, 2, 3], [4]], [[1, 3], [4]])
    0.25
    """
    true, pred = _sequences(y_true, "y_true"), _sequences(y_pred, "y_pred")
    if len(true) != len(pred):
        raise ValueError(
            f"y_pred: expected {len(true)} sequences, as many as y_true has, got {len(pred)}"
        )
    labels = sum(map(len, true))
    if labels == 0:
        raise ValueError("y_true: expected at least one label")
    return sum(map(edit_distance, true, pred)) / labels


def _labels(given: Any, name: str) -> Tokens:
    array = as_array(given, name=name)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one sequence (L,), got shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    return array.astype(np.int64)


def _sequences(given: Any, name: str) -> list[Tokens]:
    parts = sequences_of(given, ndim=1, name=name)
    if parts is None:
        parts = list(as_array(given, name=name))
    found = [_labels(part, f"{name}[{i}]") for i, part in enumerate(parts)]
    return [part[: len(part) if (part >= 0).all() else int(np.argmax(part < 0))] for part in found]


def check_n_best(n_best: Any, width: int) -> int:
    """Return how many hypotheses are wanted of a beam."""
    count: int = check_positive_int(n_best, name="n_best")
    if count > width:
        raise ValueError(f"n_best: expected at most width ({width}), got {count}")
    return count


def _check_blank(blank: Any, outputs: NDArray[Any]) -> int:
    labels: int = outputs.shape[-1]
    return check_int(blank, name="blank", minimum=0, maximum=labels - 1)


def _scores(given: Any, labels: int) -> NDArray[np.float64]:
    scores = as_array(given, name="scorer")
    if scores.dtype.kind not in "fiu":
        raise TypeError(f"scorer: expected numbers, got {scores.dtype}")
    if scores.shape != (labels,):
        raise ValueError(
            f"scorer: expected shape {(labels,)}, one for each label and the blank, got "
            f"{scores.shape}"
        )
    return np.require(scores, dtype=np.float64, requirements=["C", "A"])


def _outputs(logits: Any, lengths: Any) -> tuple[NDArray[Any], Lengths]:
    """Return (N, T, K) and the true steps."""
    parts = sequences_of(logits, ndim=2, name="logits")
    if parts is None:
        array = as_array(logits, name="logits")
        if array.ndim != 3:
            hint = "; write logits[None] for one sample" if array.ndim == 2 else ""
            raise ValueError(
                f"logits: expected (N, T, K), outputs at each step, got shape {array.shape}{hint}"
            )
    else:
        if lengths is not None:
            raise ValueError("lengths: a list of sequences has its own; leave them out")
        lengths = [len(part) for part in parts]
        wide = {part.shape[1:] for part in parts}
        if len(wide) > 1:
            raise ValueError(f"logits: expected as many outputs in each, got {sorted(wide)}")
        array = np.zeros((len(parts), max(*lengths, 1), *wide.pop()), dtype=parts[0].dtype)
        for to, part in zip(array, parts, strict=True):
            to[: len(part)] = part
    ends, _ = steps_of_input(lengths, None, shape=array.shape, axes=3)
    outputs = as_values(array, name="logits", ndim=3, lengths=ends)
    if outputs.shape[-1] < 2:
        raise ValueError(
            f"logits: expected an output for the blank and for each label, got shape "
            f"{outputs.shape}"
        )
    return outputs, ends
