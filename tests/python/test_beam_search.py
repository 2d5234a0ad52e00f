"""Beam search against a search written slowly, and against all sequences there are."""

from __future__ import annotations

import numpy as np
import pytest
from decoding_helpers import V, after_of, language_model, translator, tuples
from hypothesis import given
from hypothesis import strategies as st
from reference import decoding as ref

import lstm_native as ln

PROMPTS = [[1, 2, 3], [4], [0, 5]]
TOLERANCE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-12}


def check_found(found, wanted, dtype, alpha):
    """Hypotheses that are those of the reference, best first."""
    assert tuples(found) == [tokens for tokens, _ in wanted[: len(found)]]
    for one, (tokens, log_probability) in zip(found, wanted, strict=False):
        close = {"rel": TOLERANCE[dtype], "abs": TOLERANCE[dtype]}
        assert one.log_probability == pytest.approx(log_probability, **close)
        score = ref.penalised(log_probability, len(tokens), alpha)
        assert one.score == pytest.approx(score, **close)


@given(data=st.data())
def test_beams_are_those_of_the_reference(isa, dtype, threads, data):
    model = language_model(dtype, seed=data.draw(st.integers(0, 9)))
    width = data.draw(st.integers(1, 7))
    n_best = data.draw(st.integers(1, width))
    steps = data.draw(st.integers(1, 6))
    end = data.draw(st.sampled_from([None, 0, 2, 5]))
    alpha = data.draw(st.sampled_from([0.0, 0.6, 1.0, -0.5]))
    options = {"width": width, "n_best": n_best, "steps": steps, "end": end}
    found = model.beam_search(PROMPTS, length_penalty=alpha, **options)
    for prompt, best in zip(PROMPTS, found, strict=True):
        wanted = ref.beam_search(after_of(model), prompt, steps, end, width, alpha)
        assert len(best) == min(n_best, len(wanted))
        check_found(best, wanted, dtype, alpha)


@pytest.mark.parametrize("end", [None, 1])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_a_beam_as_wide_as_all_sequences_finds_the_best_of_them(dtype, end, alpha, activation):
    vocabulary, steps = 4, 4
    model = language_model(dtype, vocabulary=vocabulary, activation=activation)
    after = after_of(model)
    wanted = ref.sequences(after, [2, 3], steps, end)
    wanted.sort(key=lambda one: -ref.penalised(one[1], len(one[0]), alpha))
    found = model.beam_search(
        [[2, 3]], steps=steps, end=end, width=vocabulary**steps, n_best=20, length_penalty=alpha
    )
    check_found(found[0], wanted, dtype, alpha)
    assert len({tuples(one) for one in found[0]}) == 20


def test_a_beam_of_one_is_greedy():
    model = language_model(vocabulary=30)
    found = model.beam_search(PROMPTS, steps=9, end=4, width=1)
    assert [best[0] for best in tuples(found)] == tuples(model.generate(PROMPTS, steps=9, end=4))


def test_a_beam_wider_than_the_vocabulary_begins_with_all_tokens():
    model = language_model()
    found = model.beam_search([[1]], steps=1, width=50, n_best=50)[0]
    assert sorted(tuples(found)) == [(token,) for token in range(V)]
    assert sum(np.exp(one.log_probability) for one in found) == pytest.approx(1.0)


def test_neighbours_in_the_batch_are_of_no_effect(isa, dtype):
    model = language_model(dtype, vocabulary=70)
    rng = np.random.default_rng(0)
    prompts = [rng.integers(0, 70, n) for n in (3, 9, 1, 5)]
    options = {"steps": 8, "end": 3, "n_best": 5, "length_penalty": 0.7}
    whole = model.beam_search(prompts, **options)
    for i, prompt in enumerate(prompts):
        alone = model.beam_search([prompt], **options)[0]
        assert tuples(alone) == tuples(whole[i])
        assert [one.score for one in alone] == [one.score for one in whole[i]]


@pytest.mark.parametrize("ragged", [False, True])
def test_beams_of_a_decoder_share_what_it_holds(dtype, ragged):
    """State and memory of each prompt's sentence, whatever stands beside it."""
    model = translator(dtype)
    rng = np.random.default_rng(1)
    source = [rng.integers(0, V, n) for n in ((2, 5, 3) if ragged else (4, 4, 4))]
    prompts = [[1], [2, 3], [1]]
    found = model.beam_search(prompts, steps=4, end=0, width=4, n_best=4, source=source)
    for prompt, sentence, best in zip(prompts, source, found, strict=True):

        def after(prefix, sentence=sentence):
            logits = model.predict([sentence[None], np.array(prefix)[None]])[0, -1]
            return ref.log_softmax(logits.astype("float64"))

        wanted = ref.beam_search(after, prompt, 4, 0, 4)
        check_found(best, wanted, np.dtype(dtype), 0.0)


@pytest.mark.parametrize("kind", [ln.AttentionLSTM, ln.AttentionGRU])
@pytest.mark.parametrize("attention", ["bahdanau", "luong", "window"])
def test_beams_of_a_layer_that_attends_in_each_step(kind, attention):
    source = ln.Input(features=3, name="source")
    target = ln.Input(tokens=V, name="target")
    y, _ = kind(5, attention)(ln.Embedding(V, 4)(target), source)
    model = ln.Model([source, target], ln.Dense(V)(y), seed=2, dtype="float64")
    model.load_state_dict({k: 3 * v for k, v in model.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    found = model.beam_search([[1], [2, 3]], steps=3, width=3, n_best=3, source=x)
    for i, prompt in enumerate([[1], [2, 3]]):

        def after(prefix, i=i):
            logits = model.predict([x[i : i + 1], np.array(prefix)[None]])[0, -1]
            return ref.log_softmax(logits)

        check_found(found[i], ref.beam_search(after, prompt, 3, None, 3), np.dtype("float64"), 0.0)


def test_forbidden_tokens_do_not_come_and_leave_the_others_as_they_are():
    model = language_model()
    after = after_of(model)

    def no_repeats(prefix):
        log_p = after(prefix)
        log_p[prefix[-1]] = -np.inf
        return log_p

    def allow(prefixes):
        mask = np.ones((len(prefixes), V), bool)
        mask[range(len(prefixes)), [p[-1] for p in prefixes]] = False
        return mask

    found = model.beam_search(PROMPTS, steps=5, end=2, width=4, n_best=4, allow=allow)
    for prompt, best in zip(PROMPTS, found, strict=True):
        wanted = ref.beam_search(no_repeats, prompt, 5, 2, 4)
        check_found(best, wanted, np.dtype("float64"), 0.0)


def test_a_callback_is_asked_once_a_step_about_what_goes_on():
    asked = []

    def allow(prefixes):
        asked.append(tuples(prefixes))

    model = language_model()
    model.beam_search([[1, 2], [3]], steps=3, width=4, allow=allow)
    assert [len(prefixes) for prefixes in asked] == [2, 8, 8]
    assert asked[0] == [(1, 2), (3,)]
    assert all(p[:2] == (1, 2) for p in asked[2][:4])
    assert all(p[0] == 3 for p in asked[2][4:])
    assert {len(p) for p in asked[2]} == {4, 3}


def test_dead_ends_leave_the_search():
    """Behind token 3 nothing may come: hypotheses that end there are dropped."""
    model = language_model()
    allow = lambda prefixes: np.array([[p[-1] != 3 or len(p) == 1] * V for p in prefixes])  # noqa: E731
    found = model.beam_search([[3]], steps=3, width=6, n_best=6, allow=allow)[0]
    assert len(found) == 6
    assert all(3 not in one.tokens[:-1] for one in found)


def test_a_search_ends_when_nothing_can_become_better():
    """To end at once is the most probable: no more steps are asked for."""
    model = language_model()
    weights = {k: np.zeros_like(v) for k, v in model.state_dict().items()}
    model.load_state_dict({**weights, "2.bias": np.array([0, 0, 1.0, 0, 0, 0])})
    steps = []
    found = model.beam_search([[1]], steps=50, end=2, allow=steps.append)
    assert tuples(found) == [[(2,)]]
    assert len(steps) == 1
    # With a penalty a longer one could still win, for some steps.
    steps.clear()
    found = model.beam_search([[1]], steps=50, end=2, length_penalty=1.0, allow=steps.append)
    assert tuples(found) == [[(2,)]]
    assert len(steps) == 5


def test_equal_continuations_that_of_the_better_hypothesis_then_the_lowest_token():
    model = language_model()
    model.load_state_dict({k: np.zeros_like(v) for k, v in model.state_dict().items()})
    found = model.beam_search([[1]], steps=2, width=3, n_best=3)
    assert tuples(found) == [[(0, 0), (0, 1), (0, 2)]]


def test_what_a_callback_raises_ends_the_search():
    with pytest.raises(ZeroDivisionError):
        language_model().beam_search(PROMPTS, steps=3, allow=lambda prefixes: 1 // 0)
