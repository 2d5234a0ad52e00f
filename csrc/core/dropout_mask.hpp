// Dropout masks as a function of (seed, position): drawn again on the way back, not stored.
#pragma once

#include "core/random.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// out = x, with each value dropped with probability `rate`, the others scaled by 1/(1-rate)
/// (Srivastava et al. 2014). Applied to gradients it is its own backward pass. out may be x.
template <class T>
void apply_dropout(double rate, std::uint64_t seed, Index count, const T* x, T* out) {
  const T scale = static_cast<T>(1.0 / (1.0 - rate));
  for (Index i = 0; i < count; ++i)
    out[i] = uniform(seed, static_cast<std::uint64_t>(i)) < rate ? T(0) : x[i] * scale;
}

}  // namespace lstm_native
