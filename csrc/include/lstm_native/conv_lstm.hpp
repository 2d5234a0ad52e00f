// The convolutional LSTM as plain data.
#pragma once

#include "lstm_native/types.hpp"

namespace lstm_native {

/// Long short-term memory over images, with convolutions in the place of products (Shi et al.
/// 2015): (N, T, height * width * channels) -> (N, T, height * width * filters), rows of images,
/// row-major; or (N, ...) of the last step when return_sequences is false. Stride 1, zeros beyond
/// the edges.
struct ConvLSTMSpec {
  Index filters = 0;
  Index height = 0, width = 0, channels = 0;
  Index kernel_height = 3, kernel_width = 3;  // at most 2 height - 1, 2 width - 1
  bool return_sequences = true;
  double forget_bias = 1.0;
  bool peephole = false;  // i, f and o look at the cell state, each value with a weight of its own
  bool reverse = false;   // runs from the end of the sequence
  bool bias = true;
};

}  // namespace lstm_native
