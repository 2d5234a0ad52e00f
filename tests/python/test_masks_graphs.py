"""Masks in graphs: each input's own steps are skipped, and outputs have the holes of those they
are steps of. Truth: the same sequences without the masked steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import product as p
import pytest
from graph_helpers import VOCABULARY, F, H, N, T, encoder_decoder

import lstm_native as ln

RNG = np.random.default_rng(0)
MASKS = [RNG.random((N, T)) < 0.6 for _ in range(2)]
for mask in MASKS:
    mask[:, 1] = True  # a step for each
X = [RNG.integers(0, VOCABULARY, (N, T)) for _ in range(2)]
Y = RNG.integers(0, VOCABULARY, (N, T))
ENDS = [mask.sum(axis=1) for mask in MASKS]


def closed(values: Any, mask: Any) -> np.ndarray:
    """True steps one after another, zeros behind them."""
    found = np.zeros_like(values)
    for to, row, kept in zip(found, values, mask, strict=True):
        to[: kept.sum()] = row[kept]
    return found


def test_a_decoder_has_the_holes_of_its_own_input(dtype):
    model = encoder_decoder(dtype=dtype.name)
    found = model.predict(X, mask=MASKS)
    wanted = model.predict([closed(*pair) for pair in zip(X, MASKS, strict=True)], lengths=ENDS)
    p.assert_same_bits(closed(found, MASKS[1]), wanted)
    assert not found[~MASKS[1]].any()
    chances = model.predict(X, mask=MASKS[:1] + [None])
    p.assert_same_bits(
        chances, model.predict([closed(X[0], MASKS[0]), X[1]], lengths=[ENDS[0], None])
    )


def test_it_learns_what_it_learns_without_the_masked_steps(dtype):
    loss = "categorical_crossentropy"
    model, other = encoder_decoder(dtype=dtype.name), encoder_decoder(dtype=dtype.name)
    options: dict[str, Any] = {"loss": loss, "epochs": 2, "seed": 0, "verbose": 0}
    history = model.fit(X, Y, mask=MASKS, **options).history
    plain = [closed(*pair) for pair in zip(X, MASKS, strict=True)]
    wanted = other.fit(plain, closed(Y, MASKS[1]), lengths=ENDS, **options).history
    assert history == wanted
    p.assert_same_weights(model.state_dict(), other.state_dict())
    assert model.evaluate(X, Y, mask=MASKS) == other.evaluate(
        plain, closed(Y, MASKS[1]), lengths=ENDS
    )
    chances = model.predict(X, mask=MASKS, probabilities=True)
    sums = chances.sum(axis=-1)
    assert np.abs(sums[MASKS[1]] - 1).max() < 1e-5
    assert not chances[~MASKS[1]].any()


def test_attention_sees_the_true_steps_of_its_memory():
    query, memory = ln.Input(features=F, name="query"), ln.Input(features=F, name="memory")
    y = ln.Attention("dot")(query, memory)
    model = ln.Model([query, memory], y, dtype="float64")
    x = [RNG.normal(size=(N, T, F)) for _ in range(2)]
    found = model.predict(x, mask=[None, MASKS[1]])
    wanted = model.predict([x[0], closed(x[1], MASKS[1])], lengths=[None, ENDS[1]])
    p.assert_same_bits(found, wanted)


def test_steps_that_are_made_anew_have_no_holes():
    """As many as are left, behind a layer that drops the time axis: also in a row."""
    mask = np.array([[True, False, True, True]] * 2)
    x = RNG.normal(size=(2, 4, F))
    row = ln.Sequential([ln.Last(), ln.Repeat(3), ln.GRU(H)], dtype="float64", seed=0)
    found = row.predict(x, mask=mask)
    assert found.shape == (2, 3, H)
    p.assert_same_bits(found, row.predict(x[:, [0, 2, 3]]))


def test_inputs_whose_steps_meet_must_have_the_same_holes():
    a, b = ln.Input(features=F, name="a"), ln.Input(features=F, name="b")
    x = RNG.normal(size=(N, T, F)).astype("float32")
    early = np.broadcast_to(np.arange(T) < 3, (N, T)) & (np.arange(T) != 1)
    for end in (ln.GRU(H)(a + b)[0], ln.MeanPool()(ln.concat([a, b]))):
        model = ln.Model([a, b], end, seed=0)
        assert len(model.predict([x, x], mask=[MASKS[0], MASKS[0]])) == N
        # Also where as many steps are left, and where the output has none.
        for masks in (MASKS, [MASKS[0], None], [early, early[:, ::-1]]):
            with pytest.raises(ValueError, match="must have alike"):
                model.predict([x, x], mask=masks)


def masked(value: float, **options: Any) -> ln.Model:
    """Masking in front of each of two inputs."""
    a, b = ln.Input(features=F, name="a"), ln.Input(features=F, name="b")
    _, state = ln.LSTM(H, name="one")(ln.Masking(value)(a))
    y, _ = ln.LSTM(H, name="two")(ln.Masking(value)(b), state=state)
    return ln.Model([a, b], ln.Dense(1)(y), seed=0, dtype="float64", **options)


def test_masking_at_the_inputs_means_a_mask_of_each():
    """With holes and padding in front, as at the start of a Sequential."""
    x = [RNG.normal(size=(N, T, F)) for _ in range(2)]
    filled = [np.where(m[..., None], one, -9.0) for one, m in zip(x, MASKS, strict=True)]
    model = masked(-9.0)
    p.assert_same_bits(model.predict(filled), model.predict(x, mask=MASKS))
    y = RNG.normal(size=(N, T, 1))
    other = masked(-9.0)
    histories = [model.fit(filled, y, verbose=0, seed=0).history]
    histories.append(other.fit(x, y, mask=MASKS, verbose=0, seed=0).history)
    assert histories[0] == histories[1]
    p.assert_same_weights(model.state_dict(), other.state_dict())
    loaded = ln.load_model(model.to_bytes())
    p.assert_same_bits(loaded.predict(filled), model.predict(filled))


def test_masking_of_one_reader_alone_is_no_mask_of_the_input():
    a = ln.Input(features=F, name="a")
    one, two = ln.Last()(ln.Masking(-9.0)(a)), ln.Last()(a)
    model = ln.Model(a, [one, two], dtype="float64")
    x = RNG.normal(size=(2, 3, F))
    x[:, 2] = -9.0
    first, second = model.predict(x)
    p.assert_same_bits(first, x[:, 1])
    p.assert_same_bits(second, x[:, 2])


def test_one_input_with_masking_predicts_and_streams():
    a = ln.Input(features=F, name="a")
    model = ln.Model(a, ln.LSTM(H)(ln.Masking(-9.0)(a))[0], dtype="float64", seed=0)
    x = RNG.normal(size=(2, 4, F))
    x[0, 1] = x[1, 0] = -9.0
    found = model.predict(x)
    keep = (x != -9.0).any(axis=-1)
    p.assert_same_bits(found, model.predict(x, mask=keep))
    assert not found[0, 1].any()
    stream = model.stream(1)
    steps = [stream.step(x[:1, t]) for t in (0, 2, 3)]
    p.assert_same_bits(np.stack(steps, axis=1)[0], found[0, [0, 2, 3]])
