// Outputs that are several blocks of as many values as the target: parameters, quantiles.
#pragma once

#include <string>

#include "lstm_native/error.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// Values of one block. Throws InvalidArgument where the output cannot be cut into so many.
inline Index block_size(const char* loss, Index output_features, Index blocks, const char* what) {
  if (output_features > 0 && output_features % blocks == 0) return output_features / blocks;
  throw InvalidArgument(std::string("loss: ") + loss + " expects a multiple of " +
                        std::to_string(blocks) + " outputs (" + what + " for each value), got " +
                        std::to_string(output_features));
}

}  // namespace lstm_native
