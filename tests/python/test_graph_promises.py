"""What holds for layers in a row holds for graphs: checkpoints, windows, ragged data, bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import product as p
import pytest
from graph_helpers import VOCABULARY, F, H, N, T, same_bits

import lstm_native as ln

LENGTHS, MEMORY_LENGTHS = np.array([5, 1, 2, 3, 4, 5]), np.array([1, 2, 3, 4, 5, 2])


def translator(dtype: Any = "float32", **options: Any) -> ln.Model:
    """An encoder in two directions whose state begins a decoder that attends to it."""
    source = ln.Input(tokens=VOCABULARY, name="source")
    target = ln.Input(tokens=VOCABULARY, name="target")
    words = ln.Embedding(VOCABULARY, 3, name="words")
    memory, _ = ln.LSTM(H, name="encoder", bidirectional=True, merge="sum", **options)(
        words(source)
    )
    begin = ln.Dense(H, name="begin")(ln.Last()(memory))
    y, _ = ln.GRU(H, name="decoder", **options)(words(target), state=0.5 * begin)
    y = y - ln.Attention("additive", name="look")(y, memory)
    word = ln.Dense(VOCABULARY, name="word")(ln.Dropout(0.2)(y))
    return ln.Model([source, target], word, seed=1, dtype=np.dtype(dtype).name)


def sentences() -> tuple[list[Any], Any]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, VOCABULARY, (N, T)) for _ in range(2)], rng.integers(
        0, VOCABULARY, (N, T)
    )


def trained(model: ln.Model, **options: Any) -> dict[str, np.ndarray]:
    """Its weights after two epochs."""
    x, y = sentences()
    given = {"lengths": [LENGTHS, MEMORY_LENGTHS], "batch_size": 4} | options
    model.fit(
        *given.pop("data", (x, y)),
        loss="categorical_crossentropy",
        epochs=2,
        seed=3,
        verbose=0,
        **given,
    )
    return model.state_dict()


def test_checkpoints_change_no_bit(isa, dtype):
    assert same_bits(trained(translator(dtype, checkpoint=True)), trained(translator(dtype)))


def test_threads_and_runs_change_no_bit_of_a_training(isa, dtype):
    results = [
        p.run_on_threads(count, lambda: trained(translator(dtype))) for count in (1, 2, 3, 1)
    ]
    for found in results[1:]:
        p.assert_same_weights(found, results[0])


@pytest.mark.skipif(len(p.FUSED_SETS) < 2, reason="one such set on this machine")
def test_sets_that_fuse_multiply_and_add_train_the_same_bits(dtype):
    found = p.on_each_set(p.FUSED_SETS, lambda: trained(translator(dtype)))
    for one in found[1:]:
        p.assert_same_weights(one, found[0])


def test_a_sample_is_the_same_in_any_batch(isa, dtype, threads):
    """Predicted, and in what it adds to the gradients of the inputs' layers."""
    model = translator(dtype)
    x, _ = sentences()
    ends = [LENGTHS, MEMORY_LENGTHS]
    whole = model.predict(x, lengths=ends)
    for n in range(N):
        part = slice(n, n + 1)
        alone = model.predict([one[part] for one in x], lengths=[one[part] for one in ends])
        p.assert_same_bits(alone, whole[part])


def test_padding_changes_no_bit(isa, dtype):
    x, y = sentences()
    wider = [np.pad(one, ((0, 0), (0, 3)), constant_values=1) for one in x]
    more = np.pad(y, ((0, 0), (0, 3)), constant_values=1)
    found = trained(translator(dtype), data=(wider, more))
    p.assert_same_weights(found, trained(translator(dtype)))


def test_lists_of_sequences_train_the_same_bits(isa, dtype):
    """All in one batch, which lists are else put into by their lengths."""
    x, y = sentences()

    def cut(rows: Any, ends: Any) -> list[Any]:
        return [row[:end] for row, end in zip(rows, ends, strict=True)]

    data = ([cut(x[0], LENGTHS), cut(x[1], MEMORY_LENGTHS)], cut(y, MEMORY_LENGTHS))
    found = trained(translator(dtype), data=data, lengths=None, batch_size=N, shuffle=False)
    wanted = trained(translator(dtype), batch_size=N, shuffle=False)
    p.assert_same_weights(found, wanted)
    assert [len(one) for one in translator(dtype).predict(data[0])] == MEMORY_LENGTHS.tolist()


def test_windows_of_time_are_those_of_a_row(isa, dtype):
    """Two inputs side by side, a skip past the layer: against the same layers in a row."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(N, 6, F + 2)).astype(dtype), rng.normal(size=(N, 6, 1)).astype(dtype)
    row = ln.Sequential([ln.LSTM(H), ln.GRU(H), ln.Dense(1)], seed=0, dtype=dtype.name)
    row.predict(x)
    a, b = ln.Input(features=F, name="a"), ln.Input(features=2, name="b")
    layers = [ln.LSTM(H), ln.GRU(H), ln.Dense(1)]
    first, _ = layers[0](ln.concat([a, b]))
    second, _ = layers[1](first)
    end = layers[2](second + 0.0 * first)
    graph = ln.Model([a, b], end, dtype=dtype.name)
    for one, other in zip(layers, row.layers, strict=True):
        one.load_state_dict(other.state_dict())
    options: dict[str, Any] = {"epochs": 2, "batch_size": 4, "tbptt": 2, "seed": 3, "verbose": 0}
    parts = [np.ascontiguousarray(x[..., :F]), np.ascontiguousarray(x[..., F:])]
    histories = [row.fit(x, y, **options).history, graph.fit(parts, y, **options).history]
    assert histories[0] == histories[1]
    for one, other in zip(layers, row.layers, strict=True):
        p.assert_same_weights(one.state_dict(), other.state_dict())
    whole = graph.fit(parts, y, **{**options, "tbptt": None}).history
    assert whole != histories[1]
