// Layers without recurrence, as plain data.
#pragma once

#include "lstm_native/activation.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// activation(x W^T + b) on the last axis.
struct DenseSpec {
  Index units = 0;
  Activation activation = Activation::linear;
  bool bias = true;
  // W is the weight of the Embedding that the network begins with (Press & Wolf 2017), whose
  // vocabulary are the units and whose features the inputs. Not inside other layers.
  bool tied = false;
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

/// Draws from normal distributions (Kingma & Welling 2014, "Auto-encoding variational Bayes",
/// section 2.4): of a block of means and one of as many logarithms of variances v, mean + exp(v /
/// 2) e. The noise e is a function of the step's seed and of the value's place. Outside training:
/// the means.
struct GaussianSampleSpec {};

/// Layer normalisation over the last axis (Ba et al. 2016).
struct LayerNormSpec {
  double epsilon = 1e-5;
};

struct ActivationSpec {
  Activation activation = Activation::linear;
};

/// factor * x + offset.
struct ScaleSpec {
  double factor = 1.0, offset = 0.0;
};

/// Hands its input on. In training it adds activity * mean(y^2) and temporal * mean((y_t -
/// y_{t-1})^2) to the loss, means over all values and all differences of the batch without padding
/// (Merity, Keskar & Socher 2018).
struct ActivityRegularizationSpec {
  double activity = 0.0, temporal = 0.0;  // not negative; temporal > 0 needs a time axis
};

}  // namespace lstm_native
