"""The kinds of layers, by the name they have in a specification."""

from __future__ import annotations

from lstm_native.layers.attending import AttentionGRU, AttentionLSTM
from lstm_native.layers.attention import Attention
from lstm_native.layers.containers import Bidirectional, Highway, Residual
from lstm_native.layers.conv_lstm import ConvLSTM
from lstm_native.layers.convolution import Conv1D, MaxPool1D, MeanPool1D
from lstm_native.layers.layer import Layer
from lstm_native.layers.lstm import LSTM
from lstm_native.layers.merging import Add, Average, Concat, Dot, Multiply
from lstm_native.layers.normalization import BatchNorm
from lstm_native.layers.pooling import Last, MaxPool, MeanPool
from lstm_native.layers.recurrent import GRU, RNN, MinGRU, MinLSTM
from lstm_native.layers.shapes import Flatten, Masking, Repeat, Reshape, Reverse
from lstm_native.layers.simple import (
    Activation,
    ActivityRegularization,
    Dense,
    Dropout,
    Embedding,
    GaussianSample,
    LayerNorm,
    Scale,
)

KINDS: tuple[type[Layer], ...] = (
    LSTM,
    GRU,
    RNN,
    MinLSTM,
    MinGRU,
    Dense,
    Embedding,
    Dropout,
    GaussianSample,
    LayerNorm,
    Activation,
    Scale,
    ActivityRegularization,
    Highway,
    Residual,
    ConvLSTM,
    Conv1D,
    MaxPool1D,
    MeanPool1D,
    BatchNorm,
    Last,
    MaxPool,
    MeanPool,
    Flatten,
    Masking,
    Repeat,
    Reshape,
    Reverse,
    Bidirectional,
    Concat,
    Add,
    Multiply,
    Average,
    Dot,
    Attention,
    AttentionLSTM,
    AttentionGRU,
)
