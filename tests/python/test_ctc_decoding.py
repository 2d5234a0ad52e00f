"""Labels from the outputs of CTC, against all alignments written down."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from decoding_helpers import tuples
from hypothesis import given
from hypothesis import strategies as st
from reference import decoding as ref

import lstm_native as ln

TOLERANCE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-12}


def outputs(rng, samples, steps, labels, dtype="float64"):
    return (2 * rng.standard_normal((samples, steps, labels))).astype(dtype)


@given(data=st.data())
def test_greedy_collapses_the_best_alignment(dtype, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    labels = data.draw(st.integers(2, 5))
    blank = data.draw(st.integers(0, labels - 1))
    x = outputs(rng, 3, 7, labels, dtype)
    ends = [7, 3, data.draw(st.integers(0, 7))]
    wanted = [ref.collapsed(one[:end].argmax(-1), blank) for one, end in zip(x, ends, strict=True)]
    assert tuples(ln.ctc_greedy(x, lengths=ends, blank=blank)) == wanted
    parts = [one[:end] for one, end in zip(x, ends, strict=True)]
    assert tuples(ln.ctc_greedy(parts, blank=blank)) == wanted


@given(data=st.data())
def test_a_wide_search_sums_all_alignments(isa, dtype, threads, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    labels = data.draw(st.integers(2, 4))
    blank = data.draw(st.integers(0, labels - 1))
    x = outputs(rng, 2, 5, labels, dtype)
    ends = [5, data.draw(st.integers(1, 5))]
    found = ln.ctc_beam_search(x, lengths=ends, blank=blank, width=500, n_best=500)
    for one, end, best in zip(x, ends, found, strict=True):
        wanted = ref.ctc_sequences(one[:end].astype("float64"), blank)
        assert len(best) == len(wanted)
        assert {tuples(h) for h in best} == set(wanted)
        for h in best:
            close = {"rel": TOLERANCE[dtype], "abs": TOLERANCE[dtype]}
            assert h.log_probability == pytest.approx(wanted[tuples(h)], **close)
            assert h.score == h.log_probability
        assert all(a.score >= b.score for a, b in pairwise(best))


def test_a_narrow_search_never_counts_too_much():
    """It loses alignments, and finds no more of a sequence than there is."""
    x = outputs(np.random.default_rng(5), 1, 6, 4)
    wanted = ref.ctc_sequences(x[0], 0)
    best = max(wanted, key=wanted.get)
    for width in (1, 2, 4, 8, 16, 64):
        found = ln.ctc_beam_search(x, width=width, n_best=width)[0]
        assert len({tuples(h) for h in found}) == len(found) <= width
        for h in found:
            assert h.log_probability <= wanted[tuples(h)] + 1e-12
    assert tuples(ln.ctc_beam_search(x, width=64)[0][0]) == best


def test_prefixes_that_come_back_are_not_counted_twice():
    """Many labels and few beams: prefixes leave the beam and come back, children outlive them."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        x = outputs(rng, 1, 7, 3) / 2
        wanted = ref.ctc_sequences(x[0], 0)
        for width in (3, 5, 9):
            found = ln.ctc_beam_search(x, width=width, n_best=width)[0]
            assert len({tuples(h) for h in found}) == len(found)
            assert all(h.log_probability <= wanted[tuples(h)] + 1e-12 for h in found)


@pytest.mark.parametrize("blank", [0, 2])
def test_a_scorer_adds_to_each_label_of_a_prefix(dtype, blank):
    rng = np.random.default_rng(1)
    x = outputs(rng, 2, 4, 3, dtype)
    table = rng.normal(size=(4, 3))  # by the label before, the last row at the start
    asked = []

    def scorer(prefix):
        asked.append(tuples(prefix))
        return table[prefix[-1] if len(prefix) else -1]

    found = ln.ctc_beam_search(x, blank=blank, width=200, n_best=200, scorer=scorer)
    assert len(set(asked)) == len(asked) / 2  # once for each prefix of either sample
    for one, best in zip(x, found, strict=True):
        wanted = ref.ctc_sequences(one.astype("float64"), blank)
        for h in best:
            labels = tuples(h)
            before = (-1, *labels[:-1]) if labels else ()
            added = sum(table[a, b] for a, b in zip(before, labels, strict=True))
            close = {"rel": TOLERANCE[dtype], "abs": TOLERANCE[dtype]}
            assert h.log_probability == pytest.approx(wanted[labels], **close)
            assert h.score == pytest.approx(wanted[labels] + added, **close)
        assert all(a.score >= b.score for a, b in pairwise(best))


def test_a_scorer_forbids_labels():
    x = outputs(np.random.default_rng(0), 1, 4, 4)

    def scorer(prefix):
        scores = np.zeros(4)
        scores[2] = -np.inf
        if len(prefix):
            scores[prefix[-1]] = -np.inf
        return scores

    for h in ln.ctc_beam_search(x, width=100, n_best=100, scorer=scorer)[0]:
        labels = tuples(h)
        assert 2 not in labels
        assert all(a != b for a, b in pairwise(labels))


def test_what_a_scorer_raises_ends_the_search():
    x = outputs(np.random.default_rng(0), 1, 4, 4)
    with pytest.raises(KeyError, match="gone"):
        ln.ctc_beam_search(x, scorer=lambda prefix: {}["gone"])


def test_probabilities_are_taken_as_such(dtype):
    x = outputs(np.random.default_rng(0), 3, 6, 4, dtype)
    p = np.exp(ref.log_softmax(x))
    of_logits = ln.ctc_beam_search(x, n_best=5)
    of_probabilities = ln.ctc_beam_search(p, n_best=5, from_logits=False)
    assert tuples(of_logits) == tuples(of_probabilities)
    for one, other in zip(of_logits, of_probabilities, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.score == pytest.approx(b.score, rel=1e-4)


def test_neighbours_and_threads_are_of_no_effect(isa, dtype, threads):
    x = outputs(np.random.default_rng(0), 9, 20, 12, dtype)
    lengths = [20, 3, 11, 0, 20, 7, 1, 19, 5]
    whole = ln.ctc_beam_search(x, lengths=lengths, n_best=3)
    for i in range(9):
        alone = ln.ctc_beam_search(x[i : i + 1], lengths=lengths[i : i + 1], n_best=3)[0]
        assert tuples(alone) == tuples(whole[i])
        assert [h.score for h in alone] == [h.score for h in whole[i]]


def test_a_sequence_without_steps_has_no_labels():
    best = ln.ctc_beam_search(np.zeros((1, 3, 3)), lengths=[0])[0]
    assert tuples(best) == [()]
    assert best[0].log_probability == 0.0


def test_long_sequences_do_not_underflow():
    x = outputs(np.random.default_rng(0), 1, 3000, 5)
    best = ln.ctc_beam_search(x, width=4)[0][0]
    assert np.isfinite(best.log_probability)
    assert len(best.tokens) > 500


LABELS = st.lists(st.integers(0, 3), max_size=6)


@given(one=LABELS, other=LABELS)
def test_edit_distance(one, other):
    assert ln.edit_distance(one, other) == ref.edit_distance(one, other)


@given(pairs=st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=4))
def test_label_error_rate(pairs):
    true, pred = [[list(one) for one in column] for column in zip(*pairs, strict=True)]
    count = sum(map(len, true))
    if count == 0:
        with pytest.raises(ValueError, match="at least one label"):
            ln.label_error_rate(true, pred)
        return
    wanted = sum(ref.edit_distance(a, b) for a, b in pairs) / count
    assert ln.label_error_rate(true, pred) == pytest.approx(wanted)
    padded = np.full((len(true), 7), -1)
    for row, labels in zip(padded, true, strict=True):
        row[: len(labels)] = labels
    assert ln.label_error_rate(padded, [np.array(p, int) for p in pred]) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("true", "pred", "error"),
    [([[1]], [[1], [2]], ValueError), ([[1.5]], [[1]], TypeError), ([[[1]]], [[1]], ValueError)],
)
def test_labels_that_do_not_fit_are_refused(true, pred, error):
    with pytest.raises(error, match=r"y_true|y_pred"):
        ln.label_error_rate(true, pred)


REFUSED = {
    "no steps": (np.zeros((3, 4)), {}, ValueError, r"\(N, T, K\).*logits\[None\]"),
    "no labels": (np.zeros((1, 3, 1)), {}, ValueError, "blank"),
    "integers": (np.zeros((1, 3, 4), int), {}, TypeError, "float"),
    "NaN": (np.full((1, 3, 4), np.nan), {}, ValueError, "finite"),
    "a blank that is no output": (
        np.zeros((1, 3, 4)),
        {"blank": 4},
        ValueError,
        "blank.*at most 3",
    ),
    "lengths": (np.zeros((1, 3, 4)), {"lengths": [4]}, ValueError, "lengths"),
    "lengths of a list": ([np.zeros((3, 4))], {"lengths": [3]}, ValueError, "has its own"),
    "other widths": ([np.zeros((3, 4)), np.zeros((3, 5))], {}, ValueError, "as many outputs"),
    "width": (np.zeros((1, 3, 4)), {"width": 0}, ValueError, "width"),
    "n_best": (np.zeros((1, 3, 4)), {"width": 2, "n_best": 3}, ValueError, "n_best.*width"),
    "a scorer": (np.zeros((1, 3, 4)), {"scorer": 3}, TypeError, "scorer"),
    "scores": (np.zeros((1, 3, 4)), {"scorer": lambda p: [0.0]}, ValueError, r"scorer.*\(4,\)"),
    "NaN scores": (np.zeros((1, 3, 4)), {"scorer": lambda p: [0, np.nan, 0, 0]}, ValueError, "nan"),
    "no distribution": (
        np.full((1, 3, 4), -0.5),
        {"from_logits": False},
        ValueError,
        "negative probabilities",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case):
    x, options, error, told = REFUSED[case]
    with pytest.raises(error, match=told):
        ln.ctc_beam_search(x, **options)
    if set(options) <= {"blank", "lengths"}:
        with pytest.raises(error, match=told):
            ln.ctc_greedy(x, **options)
