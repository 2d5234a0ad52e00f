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

try:
    from lstm_native import _core
except ImportError as error:  # most often: imported from a source tree that was never built
    raise ImportError(
        f"the compiled core of lstm_native could not be loaded ({error}). "
        "Install the package with 'pip install .', and do not import it from its source folder."
    ) from error

from lstm_native.callbacks import (
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
from lstm_native.history import History
from lstm_native.layer import Layer, Tape
from lstm_native.layers import LSTM, Activation, Dense, Dropout, Embedding, Highway, LayerNorm
from lstm_native.losses import Huber
from lstm_native.model import Sequential, load_model
from lstm_native.optimizers import (
    SGD,
    Adam,
    AdamW,
    RMSprop,
    cosine_decay,
    exponential_decay,
    step_decay,
)
from lstm_native.runtime import build_info, get_num_threads, set_num_threads
from lstm_native.stream import Stream

__version__: str = _core.__version__

__all__ = [
    "LSTM",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "CSVLogger",
    "Callback",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Highway",
    "History",
    "Huber",
    "Layer",
    "LayerNorm",
    "LearningRateScheduler",
    "MinMaxScaler",
    "ModelCheckpoint",
    "RMSprop",
    "ReduceLROnPlateau",
    "Sequential",
    "StandardScaler",
    "Stream",
    "Tape",
    "build_info",
    "chronological_split",
    "cosine_decay",
    "exponential_decay",
    "get_num_threads",
    "load_model",
    "set_num_threads",
    "step_decay",
    "unwindow",
    "windows",
]
