// Dropout masks as a function of (seed, position): drawn again on the way back, not stored.
#pragma once

#include "core/base/random.hpp"
#include "core/base/rows.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// out = x, with each value dropped with probability `rate`, the others scaled by 1/(1-rate)
/// (Srivastava et al. 2014). Applied to gradients it is its own backward pass. out may be x.
/// A value's fate depends on its row and column alone, not on how the rows are padded.
template <class T>
void apply_dropout(double rate, std::uint64_t seed, Index rows, Index features, Rows<const T> x,
                   Rows<T> out) {
  const T scale = static_cast<T>(1.0 / (1.0 - rate));
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < features; ++i) {
      const bool drop = uniform(seed, static_cast<std::uint64_t>(r * features + i)) < rate;
      out.data[r * out.stride + i] = drop ? T(0) : x.data[r * x.stride + i] * scale;
    }
}

}  // namespace lstm_native
