// Gradients of a ConvLSTM's weights.
#pragma once

#include <vector>

#include "core/base/workspace.hpp"
#include "core/conv_lstm/conv_lstm_weights.hpp"

namespace lstm_native {

/// One sample on its way back: `steps` steps in the order in which they ran.
template <class T>
struct ConvLSTMSample {
  Index steps;
  const T* x;      // of its first step
  Index x_stride;  // to that of the next; negative when it ran in reverse
  const T* h;      // (steps + 1) x state_size, from the initial state on
  const T* c;      // (steps + 1) x state_size, from the initial state on
  const T* gates;  // steps x gates_size: gradients
};

/// Adds what all samples contribute. gradients: of weight_ih, weight_hh and, if there are such,
/// bias and peephole. Each value is summed by one thread, sample by sample and step by step.
template <class T>
void add_conv_lstm_gradients(const ConvLSTMWeights<T>& weights,
                             const std::vector<ConvLSTMSample<T>>& samples, T* const* gradients,
                             Workspace& workspace);

}  // namespace lstm_native
