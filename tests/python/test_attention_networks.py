"""Encoder-decoders with attention: learnt, saved, streamed, and their gradients beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from reference.numeric import relative_error

import lstm_native as ln

WORDS, STEPS = 12, 5


def translator(style, dtype="float32"):
    words, said = ln.Input(tokens=WORDS, name="words"), ln.Input(tokens=WORDS, name="said")
    embedding = ln.Embedding(WORDS, 6, dtype=dtype)
    memory, (h, c) = ln.LSTM(16, dtype=dtype)(embedding(words))
    options = {"components": 3} if style == "window" else {}
    decoder = ln.AttentionLSTM(16, style, dtype=dtype, name="decoder", **options)
    y, _ = decoder(embedding(said), memory, state=(h, c))
    return ln.Model([words, said], ln.Dense(WORDS, dtype=dtype)(y), seed=0)


def sentences(count):
    words = np.random.default_rng(0).integers(1, WORDS, (count, STEPS))
    said = np.concatenate([np.zeros((count, 1), int), words[:, :-1]], axis=1)
    return words, said


@pytest.mark.parametrize("style", ["bahdanau", "luong", "window"])
def test_a_translator_learns_and_comes_back_from_its_file(style, tmp_path):
    words, said = sentences(32)
    model = translator(style)
    history = model.fit(
        [words, said],
        words,
        loss="categorical_crossentropy",
        optimizer=ln.Adam(0.01),
        epochs=20,
        verbose=False,
        seed=0,
    ).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    model.save(tmp_path / "model.safetensors")
    back = ln.load_model(tmp_path / "model.safetensors")
    assert np.array_equal(back.predict([words, said]), model.predict([words, said]))


@pytest.mark.parametrize("style", ["bahdanau", "luong", "window"])
def test_a_stream_with_the_words_held_answers_what_predict_does(style):
    words, said = sentences(3)
    model = translator(style)
    wanted = model.predict([words, said])
    stream = model.stream(batch_size=3, words=words)
    for _ in range(2):
        for t in range(STEPS):
            assert np.array_equal(stream.step(said[:, t]), wanted[:, t])
        stream.reset()


def test_gradients_of_a_decoder_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, memory = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 6, 7))
    target = rng.normal(size=(3, 4, 8))
    said, seen = ln.Input(features=5, name="said"), ln.Input(features=7, name="seen")
    layer = ln.AttentionLSTM(8, "bahdanau", units=9, dtype="float64", name="decoder")
    y, _ = layer(said, seen)
    model = ln.Model([said, seen], y, seed=0)
    _, gradients = model.gradients([x, memory], target, loss="mse")

    cell = torch.nn.LSTMCell(5 + 7, 8, dtype=torch.float64)
    values = {name: torch.tensor(v, requires_grad=True) for name, v in layer.state_dict().items()}
    m, h, c, ys = torch.tensor(memory), torch.zeros(3, 8).double(), torch.zeros(3, 8).double(), []
    own = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for t in range(4):
        keys = m @ values["memory_weight"].T + (h @ values["query_weight"].T)[:, None]
        weights = torch.softmax(torch.tanh(keys) @ values["v"], dim=1)
        context = (weights[:, None] @ m)[:, 0]
        step = torch.cat([torch.tensor(x[:, t]), context], dim=1)
        named = {name: values[f"{name}_l0"] for name in own}
        h, c = torch.func.functional_call(cell, named, ((step, (h, c))))
        ys.append(h)
    torch.nn.functional.mse_loss(torch.stack(ys, 1), torch.tensor(target)).backward()
    for name, value in values.items():
        got = gradients[f"decoder.{name}"]
        assert relative_error(got, value.grad.numpy()) <= 1e-12
