"""Layers: what each one is, and how a specification becomes one."""

from lstm_native.layers.containers import Highway, Residual
from lstm_native.layers.conv_lstm import ConvLSTM
from lstm_native.layers.kinds import layer_from_spec
from lstm_native.layers.layer import Layer
from lstm_native.layers.lstm import LSTM
from lstm_native.layers.recurrent import GRU, RNN, MinGRU, MinLSTM
from lstm_native.layers.simple import (
    ACTIVATIONS,
    Activation,
    ActivityRegularization,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
)
from lstm_native.layers.tape import Tape

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "ConvLSTM",
    "Dense",
    "Dropout",
    "Embedding",
    "Highway",
    "Layer",
    "LayerNorm",
    "MinGRU",
    "MinLSTM",
    "Residual",
    "Tape",
    "layer_from_spec",
]
