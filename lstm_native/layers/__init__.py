"""Layers: what each one is, and how a specification becomes one."""

from lstm_native.layers._specs import layer_from_spec, register, restore_layer
from lstm_native.layers.attending import AttentionGRU, AttentionLSTM
from lstm_native.layers.attention import Attention
from lstm_native.layers.containers import Bidirectional, Highway, Residual
from lstm_native.layers.conv_lstm import ConvLSTM
from lstm_native.layers.convolution import Conv1D, MaxPool1D, MeanPool1D
from lstm_native.layers.kinds import KINDS
from lstm_native.layers.layer import Layer
from lstm_native.layers.lstm import LSTM
from lstm_native.layers.merging import Add, Average, Concat, Dot, Multiply, concat
from lstm_native.layers.normalization import BatchNorm
from lstm_native.layers.pooling import Last, MaxPool, MeanPool
from lstm_native.layers.recurrent import GRU, RNN, MinGRU, MinLSTM
from lstm_native.layers.shapes import Flatten, Masking, Repeat, Reshape, Reverse
from lstm_native.layers.simple import (
    ACTIVATIONS,
    Activation,
    ActivityRegularization,
    Dense,
    Dropout,
    Embedding,
    GaussianSample,
    LayerNorm,
    Scale,
)
from lstm_native.layers.tape import Tape

register(KINDS)

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "LSTM",
    "RNN",
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
    "GaussianSample",
    "Highway",
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
    "Repeat",
    "Reshape",
    "Residual",
    "Reverse",
    "Scale",
    "Tape",
    "concat",
    "layer_from_spec",
    "restore_layer",
]
