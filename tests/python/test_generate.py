"""Going on from prompts: greedily and by sampling, against the reference."""

from __future__ import annotations

import signal
from itertools import pairwise

import numpy as np
import pytest
from decoding_helpers import V, after_of, language_model, translator, tuples
from reference import decoding as ref

import lstm_native as ln

PROMPTS = [[1, 2, 3], [4], [0, 5], [2, 2, 2, 2, 1]]


@pytest.mark.parametrize("end", [None, 2])
def test_greedy_takes_the_most_probable_token_each_time(isa, dtype, threads, end):
    model = language_model(dtype)
    found = model.generate(PROMPTS, steps=7, end=end)
    assert tuples(found) == [tuple(ref.greedy(after_of(model), p, 7, end)) for p in PROMPTS]
    assert all(tokens.dtype == np.int64 for tokens in found)


def test_padded_prompts_are_lists_of_prompts():
    model = language_model()
    lengths = [len(p) for p in PROMPTS]
    padded = np.full((4, 5), 99)  # what pads is not looked at
    for row, prompt in zip(padded, PROMPTS, strict=True):
        row[: len(prompt)] = prompt
    options = {"steps": 6, "temperature": 1.0, "seed": 1}
    found = model.generate(padded, lengths=lengths, **options)
    assert tuples(found) == tuples(model.generate(PROMPTS, **options))


def test_neighbours_in_the_batch_are_of_no_effect(isa, dtype):
    model = language_model(dtype, vocabulary=70)
    rng = np.random.default_rng(0)
    prompts = [rng.integers(0, 70, n) for n in (3, 9, 1, 5, 2, 2, 7)]
    options = {"steps": 8, "temperature": 0.7, "top_k": 30, "top_p": 0.9, "seed": 5, "end": 3}
    whole = tuples(model.generate(prompts, **options))
    for i in range(len(prompts)):
        others = [rng.integers(0, 70, rng.integers(1, 6)) for _ in prompts]
        others[i] = prompts[i]
        assert tuples(model.generate(others[: i + 1], **options))[i] == whole[i]


SAMPLING = {
    "plain": {"temperature": 1.0},
    "hot": {"temperature": 3.0},
    "cold": {"temperature": 0.4},
    "top_k": {"temperature": 1.0, "top_k": 3},
    "top_p": {"temperature": 1.0, "top_p": 0.6},
    "both": {"temperature": 2.0, "top_k": 4, "top_p": 0.8},
}


@pytest.mark.parametrize("case", SAMPLING)
@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_tokens_are_drawn_by_their_probabilities(dtype, case, activation):
    """Chi-square of 4,000 draws, at a limit that one in a thousand seeds would pass."""
    limits = [10.83, 13.82, 16.27, 18.47, 20.52]  # of 1 to 5 degrees of freedom
    model = language_model(dtype, scale=1.5, activation=activation)
    logits = after_of(model)(PROMPTS[0])
    wanted = ref.kept_probabilities(logits, **SAMPLING[case])
    draws = 4000
    found = model.generate([PROMPTS[0]] * draws, steps=1, seed=11, **SAMPLING[case])
    counts = np.bincount(np.concatenate(found), minlength=V)
    assert not counts[wanted == 0].any()
    kept = wanted > 0
    expected = draws * wanted[kept]
    assert kept.sum() > 1
    assert expected.min() > 5
    square = ((counts[kept] - expected) ** 2 / expected).sum()
    assert square < limits[kept.sum() - 2]


def test_top_p_keeps_the_fewest_tokens_that_have_the_share():
    """Shares of 0.4, 0.3, 0.2, 0.1: at 0.7 two have it exactly, a little more needs a third."""
    model = language_model(vocabulary=4, activation="softmax")
    weights = {k: np.zeros_like(v) for k, v in model.state_dict().items()}
    model.load_state_dict({**weights, "2.bias": np.log([0.1, 0.4, 0.2, 0.3])})
    for top_p, wanted in ((0.1, {1}), (0.39, {1}), (0.69, {1, 3}), (0.71, {1, 2, 3})):
        found = model.generate([[0]] * 300, steps=1, temperature=1.0, top_p=top_p, seed=0)
        assert set(np.concatenate(found)) == wanted, top_p
    assert set(np.concatenate(model.generate([[0]] * 300, steps=1, temperature=1.0, seed=0))) == {
        0,
        1,
        2,
        3,
    }


def test_a_seed_repeats_and_none_does_not():
    model = language_model(vocabulary=50)
    prompts = [[1], [1], [1]]
    one = tuples(model.generate(prompts, steps=20, temperature=2.0, seed=7))
    assert one == tuples(model.generate(prompts, steps=20, temperature=2.0, seed=7))
    assert len(set(one)) == 3  # each place draws for itself
    assert one != tuples(model.generate(prompts, steps=20, temperature=2.0, seed=8))
    assert one != tuples(model.generate(prompts, steps=20, temperature=2.0))


def test_equal_tokens_the_lowest_number_first():
    model = language_model(vocabulary=40)
    model.load_state_dict({k: np.zeros_like(v) for k, v in model.state_dict().items()})
    assert tuples(model.generate([[5]], steps=3)) == [(0, 0, 0)]
    allow = np.arange(40) >= 17
    assert tuples(model.generate([[5]], steps=2, allow=lambda rows: allow)) == [(17, 17)]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_forbidden_tokens_do_not_come(temperature):
    model = language_model()
    asked = []

    def allow(prefixes):
        asked.append(tuples(prefixes))
        mask = np.ones((len(prefixes), V), bool)
        for row, prefix in zip(mask, prefixes, strict=True):
            row[prefix[-1]] = False  # no token twice in a row
        return mask

    options = {} if temperature == 0.0 else {"temperature": temperature, "seed": 0}
    found = tuples(model.generate(PROMPTS[:3], steps=6, end=2, allow=allow, **options))
    for prompt, tokens in zip(PROMPTS, found, strict=False):
        whole = [*prompt[-1:], *tokens]
        assert all(a != b for a, b in pairwise(whole))
        assert 2 not in tokens[:-1]
    # Asked once for each step, about those that go on alone, with all of their tokens.
    assert len(asked) == max(map(len, found))
    for step, prefixes in enumerate(asked):
        going = [i for i in range(3) if len(found[i]) > step]
        assert prefixes == [(*PROMPTS[i], *found[i][:step]) for i in going]


def test_forbidding_nothing_changes_nothing():
    model = language_model()
    wanted = tuples(model.generate(PROMPTS, steps=6))
    assert tuples(model.generate(PROMPTS, steps=6, allow=lambda rows: None)) == wanted
    everything = np.ones(V, bool)
    assert tuples(model.generate(PROMPTS, steps=6, allow=lambda rows: everything)) == wanted


def test_what_a_callback_raises_ends_the_call():
    model = language_model()

    class MineError(Exception):
        pass

    def allow(prefixes):
        if len(prefixes[0]) == 5:
            raise MineError("enough")
        return None

    with pytest.raises(MineError, match="enough"):
        model.generate(PROMPTS, steps=9, allow=allow)
    assert len(model.generate(PROMPTS, steps=2)) == 4


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of POSIX")
@pytest.mark.parametrize("call", ["generate", "beam_search"])
def test_an_interrupt_ends_the_call(call):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            getattr(language_model(), call)([[1]], steps=2**24)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_a_callback_may_use_the_model():
    model = language_model()

    def allow(prefixes):
        best = np.stack([model.predict(p[None])[0, -1] for p in prefixes]).argmax(-1)
        return np.arange(V) != best[:, None]  # never the most probable

    found = model.generate(PROMPTS[:1], steps=1, allow=allow)[0]
    assert found[0] == np.argsort(after_of(model)(PROMPTS[0]))[-2]


@pytest.mark.parametrize("ragged", [False, True])
def test_a_decoder_goes_on_from_what_it_holds(dtype, ragged):
    model = translator(dtype)
    rng = np.random.default_rng(0)
    source = [rng.integers(0, V, n) for n in ((2, 5, 3) if ragged else (4, 4, 4))]
    found = model.generate([[1], [2, 3], [1]], steps=5, end=0, source=source)
    for prompt, sentence, tokens in zip([[1], [2, 3], [1]], source, found, strict=True):
        whole = list(prompt)
        for token in tokens:
            logits = model.predict([sentence[None], np.array(whole)[None]])[0, -1]
            assert token == logits.argmax()
            whole.append(token)
        assert len(tokens) == 5 or tokens[-1] == 0


LAYERS = {
    "stacked": lambda: [ln.GRU(4, num_layers=2), ln.LSTM(3)],
    "the last step alone": lambda: [ln.LSTM(4, return_sequences=False)],
    "causal convolutions": lambda: [ln.Conv1D(4, 3, padding="causal"), ln.RNN(4)],
    "pooled over time": lambda: [ln.LSTM(4), ln.MaxPool()],
    "residual": lambda: [ln.Residual([ln.LSTM(4)])],
}


@pytest.mark.parametrize("case", LAYERS)
def test_every_layer_with_a_state_is_carried_to_the_prompts_ends(case):
    model = ln.Sequential([ln.Embedding(V, 4), *LAYERS[case](), ln.Dense(V)], seed=1)
    model.load_state_dict({k: 3 * v for k, v in model.state_dict().items()})
    for prompt, tokens in zip(PROMPTS, model.generate(PROMPTS, steps=4), strict=True):
        whole = list(prompt)
        for token in tokens:
            y = model.predict(np.array([whole]))[0]
            assert token == (y if y.ndim == 1 else y[-1]).argmax()
            whole.append(token)


def test_an_output_is_chosen_by_its_name():
    x = ln.Input(tokens=V, name="x")
    y, _ = ln.LSTM(4)(ln.Embedding(V, 4)(x))
    outputs = {"word": ln.Dense(V)(y), "kind": ln.Dense(3)(y)}
    model = ln.Model(x, outputs, seed=0)
    alone = ln.Model(x, outputs["word"])
    found = model.generate([[1, 2]], steps=5, output="word")
    assert tuples(found) == tuples(alone.generate([[1, 2]], steps=5))
