"""LSTM networks on CPUs: trained and run natively, exact and fast.

>>> import numpy as np
>>> import lstm_native as ln
>>> model = ln.Sequential([ln.LSTM(16, return_sequences=False), ln.Dense(1)], seed=0)
>>> x = np.random.default_rng(0).normal(size=(64, 10, 1))
>>> history = model.fit(x, x.sum(axis=1), epochs=2, verbose=False, seed=0)
>>> model.predict(x).shape
(64, 1)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

try:
    from lstm_native import _core
except ImportError as error:  # most often: imported from a source tree that was never built
    if "subinterpreter" in str(error):  # nothing that an installation mends
        raise
    raise ImportError(
        f"the compiled core of lstm_native could not be loaded ({error}). "
        "Install the package with 'pip install .', and do not import it from its source folder."
    ) from error

if TYPE_CHECKING:
    from lstm_native.callbacks import (
        EMA,
        SWA,
        Callback,
        CSVLogger,
        EarlyStopping,
        LearningRateScheduler,
        ModelCheckpoint,
        ReduceLROnPlateau,
    )
    from lstm_native.data import (
        MinMaxScaler,
        StandardScaler,
        chronological_split,
        unwindow,
        windows,
    )
    from lstm_native.decoding import (
        Hypothesis,
        ctc_beam_search,
        ctc_greedy,
        edit_distance,
        label_error_rate,
    )
    from lstm_native.files import load_model
    from lstm_native.graph import Input, Model, Symbol
    from lstm_native.history import History
    from lstm_native.layers import (
        GRU,
        LSTM,
        RNN,
        Activation,
        ActivityRegularization,
        Add,
        Attention,
        AttentionGRU,
        AttentionLSTM,
        Average,
        BatchNorm,
        Bidirectional,
        Concat,
        Conv1D,
        ConvLSTM,
        Dense,
        Dot,
        Dropout,
        Embedding,
        Flatten,
        GaussianSample,
        Highway,
        Last,
        Layer,
        LayerNorm,
        Masking,
        MaxPool,
        MaxPool1D,
        MeanPool,
        MeanPool1D,
        MinGRU,
        MinLSTM,
        Multiply,
        Repeat,
        Reshape,
        Residual,
        Reverse,
        Scale,
        Tape,
        concat,
    )
    from lstm_native.losses import (
        CTC,
        BinaryCrossentropy,
        BinaryFocal,
        CategoricalCrossentropy,
        CategoricalFocal,
        CosineSimilarity,
        FunctionLoss,
        Gaussian,
        GaussianMixture2D,
        Huber,
        MeanAbsoluteError,
        MeanSquaredError,
        NegativeBinomial,
        Poisson,
        Quantile,
        StudentT,
        UnitGaussianKL,
    )
    from lstm_native.model import Sequential
    from lstm_native.network import Stream
    from lstm_native.optimizers import (
        SGD,
        Adagrad,
        Adam,
        AdamW,
        NAdam,
        RMSprop,
        cosine_decay,
        exponential_decay,
        step_decay,
    )
    from lstm_native.runtime import build_info, get_num_threads, set_num_threads

__version__: str = _core.__version__

__all__ = [
    "CTC",
    "EMA",
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "SWA",
    "Activation",
    "ActivityRegularization",
    "Adagrad",
    "Adam",
    "AdamW",
    "Add",
    "Attention",
    "AttentionGRU",
    "AttentionLSTM",
    "Average",
    "BatchNorm",
    "Bidirectional",
    "BinaryCrossentropy",
    "BinaryFocal",
    "CSVLogger",
    "Callback",
    "CategoricalCrossentropy",
    "CategoricalFocal",
    "Concat",
    "Conv1D",
    "ConvLSTM",
    "CosineSimilarity",
    "Dense",
    "Dot",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Flatten",
    "FunctionLoss",
    "Gaussian",
    "GaussianMixture2D",
    "GaussianSample",
    "Highway",
    "History",
    "Huber",
    "Hypothesis",
    "Input",
    "Last",
    "Layer",
    "LayerNorm",
    "LearningRateScheduler",
    "Masking",
    "MaxPool",
    "MaxPool1D",
    "MeanAbsoluteError",
    "MeanPool",
    "MeanPool1D",
    "MeanSquaredError",
    "MinGRU",
    "MinLSTM",
    "MinMaxScaler",
    "Model",
    "ModelCheckpoint",
    "Multiply",
    "NAdam",
    "NegativeBinomial",
    "Poisson",
    "Quantile",
    "RMSprop",
    "ReduceLROnPlateau",
    "Repeat",
    "Reshape",
    "Residual",
    "Reverse",
    "Scale",
    "Sequential",
    "StandardScaler",
    "Stream",
    "StudentT",
    "Symbol",
    "Tape",
    "UnitGaussianKL",
    "build_info",
    "chronological_split",
    "concat",
    "cosine_decay",
    "ctc_beam_search",
    "ctc_greedy",
    "edit_distance",
    "exponential_decay",
    "get_num_threads",
    "label_error_rate",
    "load_model",
    "set_num_threads",
    "step_decay",
    "unwindow",
    "windows",
]

# Names are loaded when they are first used: importing the package costs next to nothing, and a
# program that runs a model does not load what trains one. The imports above tell type checkers.
_HOMES = {
    "callbacks": (
        "EMA",
        "SWA",
        "Callback",
        "CSVLogger",
        "EarlyStopping",
        "LearningRateScheduler",
        "ModelCheckpoint",
        "ReduceLROnPlateau",
    ),
    "data": ("MinMaxScaler", "StandardScaler", "chronological_split", "unwindow", "windows"),
    "decoding": (
        "Hypothesis",
        "ctc_beam_search",
        "ctc_greedy",
        "edit_distance",
        "label_error_rate",
    ),
    "files": ("load_model",),
    "graph": ("Input", "Model", "Symbol"),
    "history": ("History",),
    "layers": (
        "Activation",
        "ActivityRegularization",
        "Add",
        "Attention",
        "AttentionGRU",
        "AttentionLSTM",
        "Average",
        "BatchNorm",
        "Bidirectional",
        "Concat",
        "Conv1D",
        "ConvLSTM",
        "Dense",
        "Dot",
        "Dropout",
        "Embedding",
        "Flatten",
        "GRU",
        "GaussianSample",
        "Highway",
        "LSTM",
        "Last",
        "Layer",
        "LayerNorm",
        "Masking",
        "MaxPool",
        "MaxPool1D",
        "MeanPool",
        "MeanPool1D",
        "MinGRU",
        "MinLSTM",
        "Multiply",
        "RNN",
        "Repeat",
        "Reshape",
        "Residual",
        "Reverse",
        "Scale",
        "Tape",
        "concat",
    ),
    "losses": (
        "BinaryCrossentropy",
        "BinaryFocal",
        "CTC",
        "CategoricalCrossentropy",
        "CategoricalFocal",
        "CosineSimilarity",
        "FunctionLoss",
        "Gaussian",
        "GaussianMixture2D",
        "Huber",
        "MeanAbsoluteError",
        "MeanSquaredError",
        "NegativeBinomial",
        "Poisson",
        "Quantile",
        "StudentT",
        "UnitGaussianKL",
    ),
    "model": ("Sequential",),
    "network": ("Stream",),
    "optimizers": (
        "SGD",
        "Adagrad",
        "Adam",
        "AdamW",
        "NAdam",
        "RMSprop",
        "cosine_decay",
        "exponential_decay",
        "step_decay",
    ),
    "runtime": ("build_info", "get_num_threads", "set_num_threads"),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = (
    *_HOMES,
    "autograd",
    "diagnostics",
    "forecast",
    "metrics",
    "onnx_ops",
    "progress",
    "training",
)


def __getattr__(name: str) -> Any:
    """Load a public name, or a module of the package, at its first use."""
    if name in _MODULE_OF:
        found = getattr(importlib.import_module(f"lstm_native.{_MODULE_OF[name]}"), name)
    elif name in _MODULES:
        found = importlib.import_module(f"lstm_native.{name}")
    else:
        told = "" if name.startswith("_") else _hint(name)
        raise AttributeError(f"module 'lstm_native' has no attribute {name!r}{told}")
    globals()[name] = found  # the next use does not come here
    return found


def _hint(name: str) -> str:
    # When a name is missed, not before.
    hints = importlib.import_module("lstm_native._base.names_elsewhere")
    told: str = hints.of_module(name, __all__)
    return told


def __dir__() -> list[str]:
    """Return what there is, loaded or not."""
    return sorted({*globals(), *__all__, *_MODULES})
