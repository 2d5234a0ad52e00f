"""Masks of any form: a masked step is skipped, and the state goes on, as if it were not there."""

from __future__ import annotations

import family
import numpy as np
import product as p
import pytest
from hypothesis import given
from hypothesis import strategies as st
from padded import same
from plain_calls import answer
from test_lengths import LAYERS, VOCABULARY, WIDTH

import lstm_native as ln

STEPS = 6
# Padding in front, holes, both and padding behind, none, all.
MASK = np.array(
    [
        [0, 0, 1, 1, 1, 1],
        [1, 0, 1, 1, 0, 1],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1],
        [1, 1, 0, 0, 0, 0],
    ],
    dtype=bool,
)
COUNTS = MASK.sum(axis=1)
FRONT = np.arange(STEPS) >= STEPS - COUNTS[:, None]


def together(array: np.ndarray, mask: np.ndarray = MASK) -> np.ndarray:
    """The true steps of each sequence from step 0 on, zeros behind them."""
    out = np.zeros_like(array)
    for row, of_row, counts in zip(out, array, mask, strict=True):
        for to, step in enumerate(np.flatnonzero(counts)):
            row[to] = of_row[step]
    return out


def apart(array: np.ndarray, mask: np.ndarray = MASK) -> np.ndarray:
    """The steps of `together` in their places, zeros at the others."""
    out = np.zeros_like(array)
    for row, of_row, counts in zip(out, array, mask, strict=True):
        row[np.flatnonzero(counts)] = of_row[: counts.sum()]
    return out


def spoilt(array: np.ndarray, mask: np.ndarray = MASK) -> np.ndarray:
    """What no result may depend on, at the steps that are none."""
    out = array.copy()
    out[~mask] = np.nan if array.dtype.kind == "f" else -9
    return out


def samples(name: str, dtype: str) -> np.ndarray:
    rng = np.random.default_rng(3)
    if name == "embedding":
        return rng.integers(0, VOCABULARY, MASK.shape)
    return rng.standard_normal((*MASK.shape, WIDTH)).astype(dtype)


def passes(layer: ln.Layer, x: np.ndarray, dy: np.ndarray, **steps) -> list[np.ndarray]:
    y, state, tape = layer.forward(x, seed=5, **steps)
    dx, dstate, grads = tape.backward(dy[..., : y.shape[-1]])
    found = [y] + ([] if dx is None else [dx]) + list(grads.values())
    for states in (state, dstate):
        found += [] if states is None else list(states) if type(states) is tuple else [states]
    return found


@pytest.mark.parametrize("mask", [MASK, FRONT], ids=["holes", "in_front"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_answers_as_if_masked_steps_were_not_there(dtype, name, mask):
    layer = LAYERS[name](dtype=dtype.name, seed=1)
    x = samples(name, dtype.name)
    dy = np.random.default_rng(4).standard_normal((*MASK.shape, 8)).astype(dtype)
    wanted = passes(layer, together(x, mask), together(dy, mask), lengths=COUNTS)
    found = passes(layer, spoilt(x, mask), spoilt(dy, mask), mask=mask)
    timed = 1 if name == "embedding" else 2  # y, and dx of values
    wanted[:timed] = [apart(part, mask) for part in wanted[:timed]]
    assert same(found, wanted)
    at_rest = answer(layer, together(x, mask), lengths=COUNTS)
    assert same([answer(layer, spoilt(x, mask), mask=mask)], [apart(at_rest, mask)])


@pytest.mark.parametrize("name", family.ALONE)
def test_every_recurrent_layer_is_the_reference_over_the_true_steps(name):
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, (6, STEPS, 5, 9), seed=2)
    layer = problem.layer()
    timed = problem.dy.ndim == 3
    x, dy = spoilt(problem.x), spoilt(problem.dy) if timed else problem.dy
    closed = family.replace(
        problem,
        x=together(problem.x),
        dy=together(problem.dy) if timed else problem.dy,
        lengths=COUNTS,
    )
    state = family.public(kind, problem.state)
    y, final, tape = layer.forward(x, state, mask=MASK, seed=7)
    dx, initial, grads = tape.backward(dy, family.public(kind, problem.dstate))
    found = family.named("y", "hc", y, family.parts_of(kind, final))
    found |= family.named("dx", ("dh", "dc"), dx, family.parts_of(kind, initial)) | grads

    wanted = family.run(layer, closed)
    in_time = ("y", "dx") if timed else ("dx",)
    wanted |= {key: apart(wanted[key]) for key in in_time}
    p.assert_same_weights(found, wanted)
    if not family.is_random(options):
        reference = family.expected(closed)
        reference |= {key: apart(reference[key]) for key in in_time}
        family.check_forward(found, reference)
        gradients = {key: value for key, value in reference.items() if key not in ("y", "h", "c")}
        p.check_gradients(np.dtype("float64"), found, gradients)


@given(
    mask=st.integers(1, 6).flatmap(
        lambda steps: st.lists(
            st.lists(st.booleans(), min_size=steps, max_size=steps), min_size=1, max_size=5
        )
    ),
    kind=st.sampled_from(["LSTM", "GRU", "RNN"]),
    both=st.booleans(),
    timed=st.booleans(),
    features=st.integers(1, 4),
)
def test_any_mask_is_each_sequence_alone(mask, kind, both, timed, features):
    mask = np.array(mask)
    x = np.random.default_rng(0).standard_normal((*mask.shape, features)).astype("float32")
    options = {"bidirectional": both, "return_sequences": timed}
    layer = family.new_layer(kind, 5, features, "float32", **options)
    y, final = layer(spoilt(x, mask), mask=mask)
    assert y.shape == ((*mask.shape, 10) if both else (*mask.shape, 5))[:: 1 if timed else 2]
    for row, one, counts in zip(y, x, mask, strict=True):
        if timed:
            assert not row[~counts].any()
        if counts.any():
            alone, _ = layer(one[None, counts])
            assert np.array_equal(row[counts] if timed else row, alone[0])
    states = family.parts_of(kind, final)
    empty = ~mask.any(axis=1)
    assert not any(part[:, empty].any() for part in states)


@pytest.mark.parametrize("sequences", [False, True])
def test_images_and_their_gradients_too(sequences):
    rng = np.random.default_rng(0)
    layer = ln.ConvLSTM(2, 3, input_shape=(4, 3, 2), return_sequences=sequences, seed=0)
    x = rng.standard_normal((*MASK.shape, 4, 3, 2)).astype("float32")
    y, state, tape = layer.forward(spoilt(x), mask=MASK)
    wanted, state2, tape2 = layer.forward(together(x), lengths=COUNTS)
    dx, _, grads = tape.backward(np.ones_like(y))
    dx2, _, grads2 = tape2.backward(np.ones_like(y))
    assert np.array_equal(y, apart(wanted) if sequences else wanted)
    assert np.array_equal(dx, apart(dx2))
    p.assert_same_weights(grads, grads2)
    assert same(list(state), list(state2))


def test_a_mask_that_ends_once_is_lengths_and_moves_nothing(monkeypatch):
    from lstm_native._base.lengths import Holes

    monkeypatch.setattr(Holes, "close", None)
    mask = np.arange(STEPS) < COUNTS[:, None]
    layer = LAYERS["lstm_both"](seed=1)
    x = samples("lstm_both", "float32")
    assert same([layer(spoilt(x, mask), mask=mask)[0]], [layer(x, lengths=COUNTS)[0]])


def test_a_highway_takes_sequences_of_one_number_of_true_steps():
    layer = ln.Highway([ln.LSTM(3, return_sequences=False)], window=2, seed=0)
    mask = np.array([[0, 1, 0, 1], [1, 1, 0, 0]], dtype=bool)
    x = np.random.default_rng(0).standard_normal((2, 4, WIDTH)).astype("float32")
    wanted = layer(np.stack([x[0, [1, 3]], x[1, :2]]))
    assert np.array_equal(layer(spoilt(x, mask), mask=mask), wanted)
    with pytest.raises(ValueError, match="cannot take lengths"):
        layer(x, mask=np.array([[0, 1, 0, 1], [1, 1, 1, 0]], dtype=bool))


class TestTape:
    def layer_and_tape(self):
        layer = LAYERS["lstm"](seed=1)
        y, _, tape = layer.forward(samples("lstm", "float32"), mask=MASK)
        return y, tape

    def test_it_serves_once(self):
        y, tape = self.layer_and_tape()
        tape.backward(np.ones_like(y))
        with pytest.raises(RuntimeError):
            tape.backward(np.ones_like(y))

    def test_a_refused_gradient_leaves_it_whole(self):
        y, tape = self.layer_and_tape()
        with pytest.raises(ValueError, match=r"dy: expected shape \(6, 6, 4\), got \(6, 5, 4\)"):
            tape.backward(y[:, :5])
        bad = np.ones_like(y)
        bad[1, 5, 2] = np.nan
        with pytest.raises(ValueError, match=r"the first is nan at \[1, 5, 2\]"):
            tape.backward(bad)
        tape.backward(np.ones_like(y))


def model_of(*, timed: bool = True, **options) -> ln.Sequential:
    lstm = ln.LSTM(5, return_sequences=timed, **options)
    layers = [ln.Dense(4, activation="tanh"), ln.Dropout(0.2), lstm, ln.Dense(2)]
    return ln.Sequential(layers, dtype="float64", seed=1)


def train(model: ln.Sequential, x, y, **options):
    fixed = {"epochs": 3, "batch_size": 2, "seed": 3, "verbose": False, "metrics": ["mae"]}
    history = model.fit(x, y, **{**fixed, **options})
    return [*model.state_dict().values(), *map(np.array, history.history.values())]


class TestTraining:
    rng = np.random.default_rng(8)
    x = rng.standard_normal((*MASK.shape, WIDTH))
    y = rng.standard_normal((*MASK.shape, 2))
    last = y[:, 0]
    weights = rng.uniform(0.5, 2.0, MASK.shape)

    @pytest.mark.parametrize("mask", [MASK, FRONT], ids=["holes", "in_front"])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_fit_trains_on_the_true_steps_alone(self, mask, weighted):
        options = ({}, {})
        if weighted:
            options = (
                {"sample_weight": self.weights},
                {"sample_weight": together(self.weights, mask)},
            )
        found = train(
            model_of(), spoilt(self.x, mask), spoilt(self.y, mask), mask=mask, **options[0]
        )
        wanted = train(
            model_of(), together(self.x, mask), together(self.y, mask), lengths=COUNTS, **options[1]
        )
        assert same(found, wanted)

    @pytest.mark.parametrize("mask", [MASK, FRONT], ids=["holes", "in_front"])
    def test_an_output_without_time_axis_is_that_of_the_last_true_step(self, mask):
        found = train(model_of(timed=False), spoilt(self.x, mask), self.last, mask=mask)
        wanted = train(model_of(timed=False), together(self.x, mask), self.last, lengths=COUNTS)
        assert same(found, wanted)

    def test_validation_has_a_mask_of_its_own(self):
        model = model_of()
        x, y = spoilt(self.x), spoilt(self.y)
        given = {"mask": MASK, "validation_data": (x, y)}
        with pytest.raises(ValueError, match="validation_data: x must be finite"):
            train(model, x, y, **given)
        train(model, x, y, validation_mask=MASK, epochs=1, **given)
        wanted = model.evaluate(x, y, mask=MASK)
        assert model.history.history["val_loss"] == [wanted["loss"]]
        closed = model.evaluate(together(self.x), together(self.y), lengths=COUNTS)
        assert wanted == closed
        with pytest.raises(ValueError, match="validation_mask needs validation_data"):
            train(model, x, y, mask=MASK, validation_mask=MASK)

    def test_validation_split_takes_the_mask_along(self):
        model = model_of()
        x, y = spoilt(self.x), spoilt(self.y)
        train(model, x, y, mask=MASK, validation_split=0.5, epochs=1)
        wanted = model.evaluate(x[3:], y[3:], mask=MASK[3:])["loss"]
        assert model.history.history["val_loss"] == [wanted]

    def test_predict_answers_in_place_in_batches_of_any_size(self):
        model = model_of()
        whole = model.predict(spoilt(self.x), mask=MASK)
        assert np.array_equal(whole, apart(model.predict(together(self.x), lengths=COUNTS)))
        assert not whole[~MASK].any()
        assert np.array_equal(model.predict(spoilt(self.x), mask=MASK, batch_size=2), whole)

    def test_tokens_and_labels_at_masked_steps_may_be_out_of_range(self):
        tokens = self.rng.integers(0, VOCABULARY, MASK.shape)
        labels = self.rng.integers(0, 3, MASK.shape)

        def run(x, y, **steps):
            layers = [ln.Embedding(VOCABULARY, 3), ln.GRU(4, bidirectional=True), ln.Dense(3)]
            model = ln.Sequential(layers, seed=0)
            options = {"loss": "categorical_crossentropy", "class_weight": {1: 2.0}, **steps}
            return train(model, x, y, **options, metrics=["accuracy"])

        found = run(spoilt(tokens), spoilt(labels), mask=MASK)
        assert same(found, run(together(tokens), together(labels), lengths=COUNTS))

    def test_truncated_back_propagation_cuts_the_true_steps(self):
        found = train(model_of(), spoilt(self.x), spoilt(self.y), mask=MASK, tbptt=2)
        wanted = train(model_of(), together(self.x), together(self.y), lengths=COUNTS, tbptt=2)
        assert same(found, wanted)

    def test_states_go_over_masked_steps_from_call_to_call(self):
        x = self.x.astype("float32")
        for make in (
            lambda: ln.LSTM(4, input_size=WIDTH, stateful=True, seed=1),
            lambda: ln.Sequential([ln.LSTM(4, input_size=WIDTH, stateful=True, seed=1)]),
        ):
            found, wanted = make(), make()
            run = [m.predict if isinstance(m, ln.Sequential) else m for m in (found, wanted)]
            for _ in range(2):
                run[0](spoilt(x), mask=MASK)
                run[1](together(x), lengths=COUNTS)
            states = [
                m.states[0] if isinstance(m, ln.Sequential) else m.state for m in (found, wanted)
            ]
            assert same(list(states[0]), list(states[1]))
        options = {"shuffle": False, "batch_size": 3}
        found = train(model_of(stateful=True), spoilt(self.x), spoilt(self.y), mask=MASK, **options)
        wanted = train(
            model_of(stateful=True), together(self.x), together(self.y), lengths=COUNTS, **options
        )
        assert same(found, wanted)

    def test_a_mask_of_samples_leaves_some_out_whatever_the_output(self):
        kept = np.arange(6) != 2
        for timed, y in ((True, self.y), (False, self.last)):
            spoilt_y = y.copy()
            spoilt_y[2] = np.nan
            weights = kept.astype("float64")
            found = train(model_of(timed=timed), self.x, spoilt_y, mask=kept)
            assert same(found, train(model_of(timed=timed), self.x, y, sample_weight=weights))
            lengths = np.maximum(COUNTS, 1)
            found = train(model_of(timed=timed), self.x, spoilt_y, mask=kept, lengths=lengths)
            wanted = train(model_of(timed=timed), self.x, y, sample_weight=weights, lengths=lengths)
            assert same(found, wanted)

    def test_weights_at_masked_steps_alone_are_none(self):
        with pytest.raises(
            ValueError, match="sample_weight: no row counts, those with a weight are masked"
        ):
            train(model_of(), self.x, self.y, mask=MASK, sample_weight=1.0 - MASK)

    def test_a_mask_without_a_true_step_has_nothing_to_teach(self):
        with pytest.raises(ValueError, match="mask: all 6 sequences are empty"):
            train(model_of(), self.x, self.y, mask=np.zeros_like(MASK))


X = np.random.default_rng(0).standard_normal((*MASK.shape, WIDTH))


def test_errors_name_the_place_that_the_caller_knows():
    x = X.copy()
    x[1, 3, 2] = np.nan
    layer = ln.LSTM(4, input_size=WIDTH, dtype="float64")
    for call in (layer, layer.forward, ln.Sequential([layer]).predict):
        with pytest.raises(ValueError, match=r"x must be finite, .* nan at \[1, 3, 2\]"):
            call(x, mask=MASK)
    with pytest.raises(ValueError, match=r"tokens must lie in \[0, 7\), .* is 9 at \[1, 3\]"):
        ln.Embedding(VOCABULARY, 2)(np.where(np.isnan(x[..., 2]), 9, 0), mask=MASK)
    y = np.zeros((*MASK.shape, 1))
    y[1, 5] = np.nan
    model = ln.Sequential([ln.Dense(1)], dtype="float64")
    with pytest.raises(ValueError, match=r"y must be finite, .* nan at \[1, 5, 0\]"):
        model.fit(X, y, mask=MASK, verbose=False)


@pytest.mark.parametrize(
    ("mask", "error", "told"),
    [
        (
            MASK.astype(int),
            TypeError,
            "got int64; where 1 marks a true step, write mask != 0; .*== 0",
        ),
        (MASK.astype("float32"), TypeError, "got float32; .*PyTorch's key_padding_mask, mask == 0"),
        (MASK[..., None], ValueError, r"got \(6, 6, 1\)"),
        (MASK[:5], ValueError, r"expected shape \(6, 6\) .*, got \(5, 6\)"),
    ],
)
def test_what_is_no_mask_is_refused_with_what_true_means(mask, error, told):
    layer = ln.LSTM(4, input_size=WIDTH, dtype="float64")
    model = ln.Sequential([ln.LSTM(4), ln.Dense(1)], dtype="float64")
    y = np.zeros((*MASK.shape, 1))
    for call in (layer, layer.forward, model.predict, lambda x, mask: model.fit(x, y, mask=mask)):
        with pytest.raises(error, match=f"mask: .*{told}"):
            call(X, mask=mask)


def test_a_transposed_mask_is_told():
    with pytest.raises(ValueError, match=r"write mask\.T"):
        ln.LSTM(4, dtype="float64")(X[:4], mask=MASK[:, :4])
