"""Language models that several test files share, and the same in the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from reference import decoding as ref

import lstm_native as ln

V, H = 6, 5


def language_model(
    dtype: Any = "float64", vocabulary: int = V, seed: int = 3, scale: float = 3.0, **dense: Any
) -> ln.Sequential:
    """Weights so large that the next token depends on those before."""
    layers = [ln.Embedding(vocabulary, 4), ln.LSTM(H), ln.Dense(vocabulary, **dense)]
    model = ln.Sequential(layers, seed=seed, dtype=str(np.dtype(dtype)))
    model.load_state_dict({k: scale * v for k, v in model.state_dict().items()})
    return model


def reference_weights(model: Any, embedding: str, lstm: str, dense: str) -> dict[str, np.ndarray]:
    """Weights of a model by the names that the reference has."""
    state = {k: v.astype("float64") for k, v in model.state_dict().items()}
    names = {"embedding": f"{embedding}.weight", "weight": f"{dense}.weight"}
    names |= {name: f"{lstm}.{name}_l0" for name in ("weight_ih", "weight_hh")}
    names |= {name: f"{lstm}.{name}_l0" for name in ("bias_ih", "bias_hh")}
    names["bias"] = f"{dense}.bias"
    return {name: state[place] for name, place in names.items()}


def after_of(model: Any) -> Callable[[Sequence[int]], np.ndarray]:
    """The reference's log probabilities behind a prefix."""
    w = reference_weights(model, "0", "1", "2")
    return lambda prefix: ref.log_softmax(ref.lstm_logits(w, prefix))


def translator(dtype: str = "float64", seed: int = 4, scale: float = 3.0) -> ln.Model:
    """An encoder's state begins a decoder, and the decoder attends to all of its steps."""
    source = ln.Input(tokens=V, name="source")
    target = ln.Input(tokens=V, name="target")
    coded, state = ln.LSTM(H, name="encoder")(ln.Embedding(V, 3, name="words")(source))
    y, _ = ln.LSTM(H, name="decoder")(ln.Embedding(V, 3, name="more")(target), state=state)
    seen = ln.Attention("dot", name="look")(y, coded)
    word = ln.Dense(V, name="word")(ln.concat([y, seen]))
    model = ln.Model([source, target], word, seed=seed, dtype=dtype)
    model.load_state_dict({k: scale * v for k, v in model.state_dict().items()})
    return model


def tuples(found: Any) -> Any:
    """Arrays of tokens, in lists, as tuples."""
    if isinstance(found, list):
        return [tuples(one) for one in found]
    if isinstance(found, ln.Hypothesis):
        return tuples(found.tokens)
    return tuple(found.tolist())
