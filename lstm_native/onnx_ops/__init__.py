"""The ONNX operators LSTM, GRU and RNN (opset 22) as functions, run by this library's layers.

Inputs and outputs have the operators' names, shapes and gate order, so that a node of an ONNX
graph is one call. The package onnx is not needed.

>>> import numpy as np
>>> import lstm_native as ln
>>> rng = np.random.default_rng(0)
>>> X = rng.normal(size=(7, 2, 3))  # (seq_length, batch_size, input_size)
>>> W, R = rng.normal(size=(1, 4 * 5, 3)), rng.normal(size=(1, 4 * 5, 5))
>>> Y, Y_h, Y_c = ln.onnx_ops.lstm(X, W, R, sequence_lens=[7, 4])
>>> Y.shape, Y_h.shape
((7, 1, 2, 5), (1, 2, 5))

Source: the operators' schemas in "ONNX Operators", https://onnx.ai/onnx/operators.
"""

from lstm_native.onnx_ops._operators import gru, lstm, rnn

__all__ = ["gru", "lstm", "rnn"]
