// Functions that the gates of a recurrent cell may have.
#pragma once

namespace lstm_native {

/// Named and defined as in the ONNX operators LSTM, GRU and RNN; a: alpha, b: beta.
enum class CellFunction {
  linear,            // x
  relu,              // max(0, x)
  tanh,              //
  sigmoid,           // 1 / (1 + exp(-x))
  affine,            // a x + b
  leaky_relu,        // x, or a x below zero
  thresholded_relu,  // x, or 0 below a
  scaled_tanh,       // a tanh(b x)
  hard_sigmoid,      // a x + b, between 0 and 1
  elu,               // x, or a (exp(x) - 1) below zero
  softsign,          // x / (1 + |x|)
  softplus           // log(1 + exp(x))
};

}  // namespace lstm_native
