// Layers that move along the time axis or across it, as plain data: convolution, pooling, shapes.
#pragma once

#include "lstm_native/activation.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// What stands beyond the ends of a sequence that windows are laid over.
enum class Padding {
  valid,  // nothing: windows lie inside
  same,   // as many windows as steps (over the stride), in the middle; the odd step at the end
  causal  // each window ends at a step of the input and looks at no later one
};

/// activation(convolution over time + b): (N, T, F) -> (N, T', filters). Zeros beyond the ends of
/// each sequence, also where it has a length of its own.
struct Conv1DSpec {
  Index filters = 0;
  Index kernel_size = 0;
  Index stride = 1, dilation = 1;
  Padding padding = Padding::valid;
  Activation activation = Activation::linear;
  bool bias = true;
};

/// The greatest, or the mean value of each window of steps, of those that the sequence has.
struct MaxPool1DSpec {
  Index pool_size = 2;
  Index stride = 2;
  Padding padding = Padding::valid;
};
struct MeanPool1DSpec {
  Index pool_size = 2;
  Index stride = 2;
  Padding padding = Padding::valid;
};

/// One step out of all: (N, T, F) -> (N, F). Zeros for a sequence without steps.
struct LastSpec {};
struct MaxPoolSpec {};
struct MeanPoolSpec {};

/// (N, F) -> (N, times, F).
struct RepeatSpec {
  Index times = 0;
};

/// The values of a sample in another shape, in the same order: (N, T, F) or (N, F) ->
/// (N, timesteps, features), or (N, features).
struct ReshapeSpec {
  Index timesteps = 0;  // 0: no time axis; kOpenTimesteps: as many as come out
  Index features = 0;
};
constexpr Index kOpenTimesteps = -1;

/// (N, timesteps, F) -> (N, timesteps * F).
struct FlattenSpec {
  Index timesteps = 0;
};

/// Batch normalisation of each feature, over samples and true steps (Ioffe & Szegedy 2015).
struct BatchNormSpec {
  double momentum = 0.1;  // share of a batch in the running statistics, in [0, 1]
  double epsilon = 1e-5;
  bool scale = true, center = true;  // whether there are a weight and a bias
};

/// The steps of each sequence from its end to its start.
struct ReverseSpec {};

/// Ends each sequence behind its last step that has another value than this one in some feature.
struct MaskingSpec {
  double value = 0.0;
};

}  // namespace lstm_native
