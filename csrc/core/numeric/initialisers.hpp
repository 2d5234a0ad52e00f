// Initial weights. Without a seed nothing is written. The thread's Cancellation, or the one that is
// given, may end the work.
#pragma once

#include "core/base/cancellation.hpp"
#include "core/base/random.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).
template <class T>
void glorot_uniform(Index fan_in, Index fan_out, WeightSeed seed, Index count, T* out);

/// A random orthogonal n x n matrix, Haar-distributed (Saxe et al. 2014). `cancellation` may be
/// null. The same bits on every thread and instruction set.
template <class T>
void orthogonal(Index n, WeightSeed seed, T* out, Cancellation* cancellation = nullptr);

/// Normal with mean 0 and the given deviation.
template <class T>
void normal_values(double deviation, WeightSeed seed, Index count, T* out);

}  // namespace lstm_native
