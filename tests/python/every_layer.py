"""One small layer of each kind, smooth where it is looked at, with what it is called on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import family
import numpy as np

import lstm_native as ln
from lstm_native.layers import Layer
from lstm_native.layers.kinds import KINDS

N, T, F, H, STEPS = 3, 4, 2, 3, 5
LENGTHS = np.array([4, 1, 3])
MEMORY_LENGTHS = np.array([2, 5, 4])


class Case(NamedTuple):
    """layer: for a dtype. shapes: of its inputs. states: of its initial states; None: tokens."""

    layer: Callable[[str], Layer]
    shapes: tuple[tuple[int, ...], ...] = ((N, T, F),)
    states: tuple[tuple[int, ...], ...] = ()
    lengths: tuple[Any, ...] | None = None
    options: Mapping[str, Any] = MappingProxyType({})
    tokens: bool = False


def recurrent(kind: str) -> Case:
    """Of the family of cells."""
    count = 2 if "LSTM" in kind and kind != "MinLSTM" else 1
    make = getattr(ln, kind)
    return Case(lambda d: make(H, seed=0, dtype=d), states=((1, N, H),) * count, lengths=(LENGTHS,))


def joint(kind: Callable[..., Layer], **options: Any) -> Case:
    """Of two inputs with steps and one without."""
    return Case(lambda d: kind(dtype=d, **options), ((N, T, F), (N, F), (N, T, F)))


def plain(make: Callable[..., Layer], **options: Any) -> Case:
    """Of one input, at its true steps."""
    return Case(lambda d: make(dtype=d, **options), lengths=(LENGTHS,))


def looking(score: str, **options: Any) -> Case:
    """Attention that gives its weights, too."""
    return Case(
        lambda d: ln.Attention(score, dtype=d, seed=0, **options),
        ((N, T, 4), (N, STEPS, 4)),
        lengths=(LENGTHS, MEMORY_LENGTHS),
        options={"return_weights": True},
    )


def attending(kind: Any, style: str, states: int, **options: Any) -> Case:
    """Attention in each step, from an initial state."""
    sizes = {"bahdanau": (), "luong": (H,), "window": (F, 2)}[style]
    features = (H,) * (states - len(sizes)) + sizes
    options |= {"components": 2} if style == "window" else {}
    return Case(
        lambda d: kind(H, style, dtype=d, seed=0, **options),
        ((N, T, F), (N, STEPS, F)),
        tuple((1, N, size) for size in features),
        (LENGTHS, MEMORY_LENGTHS),
        {"return_contexts": True},
    )


CASES: dict[str, Case] = {
    **{kind: recurrent(kind) for kind in family.KINDS},
    "LSTM stacked": Case(
        lambda d: ln.LSTM(H, num_layers=2, bidirectional=True, proj_size=2, seed=0, dtype=d),
        states=((4, N, 2), (4, N, H)),
        lengths=(LENGTHS,),
    ),
    "LSTM with masks": Case(
        lambda d: ln.LSTM(
            H,
            num_layers=2,
            dropout=0.4,
            input_dropout=0.3,
            recurrent_dropout=0.2,
            weight_drop=0.2,
            zoneout=0.3,
            seed=0,
            dtype=d,
        ),
        states=((2, N, H),) * 2,
        lengths=(LENGTHS,),
    ),
    "LSTM last": Case(
        lambda d: ln.LSTM(H, return_sequences=False, checkpoint=True, seed=0, dtype=d),
        states=((1, N, H),) * 2,
    ),
    "ConvLSTM": Case(
        lambda d: ln.ConvLSTM(2, 3, input_shape=(3, 2, 1), seed=0, dtype=d),
        ((N, T, 3, 2, 1),),
        ((1, N, 3, 2, 2),) * 2,
    ),
    "Dense": plain(ln.Dense, units=3, activation="softmax", seed=0),
    "Embedding": Case(lambda d: ln.Embedding(7, F, seed=0, dtype=d), ((N, T),), tokens=True),
    "Dropout": plain(ln.Dropout, rate=0.5),
    "GaussianSample": plain(ln.GaussianSample),
    "LayerNorm": Case(lambda d: ln.LayerNorm(dtype=d), ((N, T, 5),), lengths=(LENGTHS,)),
    "Activation": plain(ln.Activation, activation="tanh"),
    "Scale": plain(ln.Scale, factor=-1.5, offset=0.25),
    "ActivityRegularization": plain(ln.ActivityRegularization, activity=1.0),
    "Highway": Case(
        lambda d: ln.Highway([ln.LSTM(2, return_sequences=False)], window=2, seed=0, dtype=d)
    ),
    "Residual": Case(lambda d: ln.Residual([ln.GRU(F), ln.LayerNorm()], seed=0, dtype=d)),
    "Bidirectional": Case(lambda d: ln.Bidirectional(ln.GRU(2), ln.LSTM(2), seed=0, dtype=d)),
    "Conv1D": plain(ln.Conv1D, filters=3, kernel_size=2, padding="same", seed=0),
    "MaxPool1D": plain(ln.MaxPool1D, pool_size=2, padding="same"),
    "MeanPool1D": plain(ln.MeanPool1D, pool_size=2, padding="same"),
    "BatchNorm": plain(ln.BatchNorm),
    "Last": plain(ln.Last),
    "MaxPool": plain(ln.MaxPool),
    "MeanPool": plain(ln.MeanPool),
    "Flatten": Case(lambda d: ln.Flatten(T, dtype=d)),
    "Masking": plain(ln.Masking, value=9.0),
    "Repeat": Case(lambda d: ln.Repeat(3, dtype=d), ((N, F),)),
    "Reshape": Case(lambda d: ln.Reshape((-1, 1), dtype=d)),
    "Reverse": plain(ln.Reverse),
    "Concat": joint(ln.Concat),
    "Add": joint(ln.Add),
    "Multiply": joint(ln.Multiply),
    "Average": joint(ln.Average),
    "Dot": Case(lambda d: ln.Dot(True, dtype=d), ((N, T, F), (N, F))),
    "Attention dot": looking("dot"),
    "Attention general": looking("general"),
    "Attention scaled_dot": looking("scaled_dot", num_heads=2),
    "Attention additive": looking("additive"),
    "AttentionLSTM bahdanau": attending(ln.AttentionLSTM, "bahdanau", 2),
    "AttentionLSTM luong": attending(ln.AttentionLSTM, "luong", 3, score="general"),
    "AttentionLSTM window": attending(ln.AttentionLSTM, "window", 4),
    "AttentionGRU": attending(ln.AttentionGRU, "bahdanau", 1),
    "AttentionGRU luong": attending(ln.AttentionGRU, "luong", 2),
}


def missing() -> set[str]:
    """Kinds of layers that no case is of."""
    found = {type(case.layer("float64")) for case in CASES.values()}
    return {kind.__name__ for kind in KINDS if kind not in found}


def built(case: Case, dtype: str = "float64") -> tuple[Layer, list[Any], list[Any]]:
    """A layer with random weights, its inputs and its initial states."""
    rng = np.random.default_rng(0)
    layer = case.layer(dtype)
    inputs = [rng.normal(size=shape).astype(dtype) for shape in case.shapes]
    if case.tokens:
        inputs = [rng.integers(0, 7, case.shapes[0])]
    layer(*inputs)
    state = layer.state_dict()
    layer.load_state_dict(
        {
            name: value if name.startswith("running") else rng.uniform(-0.7, 0.7, value.shape)
            for name, value in state.items()
        }
    )
    return layer, inputs, [0.5 * rng.normal(size=shape).astype(dtype) for shape in case.states]


def arguments(case: Case, states: list[Any]) -> dict[str, Any]:
    """What the layer is called with beside its inputs."""
    given = dict(case.options)
    if case.states:
        given["state"] = tuple(states) if len(states) > 1 else states[0]
    if case.lengths is not None:
        given["lengths"] = case.lengths[0]
        if len(case.lengths) > 1:
            given["memory_lengths"] = case.lengths[1]
    return given


def parts(answer: Any) -> list[Any]:
    """All arrays of what a layer answers, in order."""
    if isinstance(answer, tuple):
        return [one for part in answer for one in parts(part)]
    return [answer]
