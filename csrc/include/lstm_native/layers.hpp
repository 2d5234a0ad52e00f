// What a layer is, as plain data. A network is built from a list of these.
#pragma once

#include <variant>
#include <vector>

#include "lstm_native/types.hpp"

namespace lstm_native {

enum class Activation { linear, relu, sigmoid, tanh, softmax };

/// Long short-term memory (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000).
/// (N, T, F) -> (N, T, H), or (N, H) of the last step when return_sequences is false. With two
/// directions 2H instead of H: the forward one, then the reverse one, whose last step is the first
/// of the sequence.
struct LSTMSpec {
  Index hidden_size = 0;
  Index num_layers = 1;
  bool return_sequences = true;
  double dropout = 0.0;      // between stacked layers, in [0, 1)
  double forget_bias = 1.0;  // initial value of the forget gate's bias
  // Each stacked layer runs in both directions and hands both on (Schuster & Paliwal 1997).
  bool bidirectional = false;
  bool reverse = false;  // runs from the end of the sequence; not with bidirectional
};

/// activation(x W^T + b) on the last axis.
struct DenseSpec {
  Index units = 0;
  Activation activation = Activation::linear;
  bool bias = true;
};

/// Token indices -> learned vectors: (N, T) -> (N, T, features).
struct EmbeddingSpec {
  Index vocabulary = 0;
  Index features = 0;
};

/// Inverted dropout (Srivastava et al. 2014): acts in training only.
struct DropoutSpec {
  double rate = 0.5;
};

/// Layer normalisation over the last axis (Ba et al. 2016).
struct LayerNormSpec {
  double epsilon = 1e-5;
};

struct ActivationSpec {
  Activation activation = Activation::linear;
};

struct LayerSpec;

/// A linear highway beside other layers (the autoregressive component of Lai et al. 2018):
/// layers(x) + W vec(last `window` steps of x) + b. The inner layers must end without time axis.
struct HighwaySpec {
  Index window = 0;
  std::vector<LayerSpec> layers;
};

/// Any of the above.
struct LayerSpec {
  std::variant<LSTMSpec, DenseSpec, EmbeddingSpec, DropoutSpec, LayerNormSpec, ActivationSpec,
               HighwaySpec>
      options;
};

}  // namespace lstm_native
