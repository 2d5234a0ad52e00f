// Plain types that cross the library's boundary: no Eigen, no SIMD, no build macros.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lstm_native {

using Index = std::int64_t;

/// Input of a network: N sequences of T steps with F features, or N plain vectors.
///
/// Exactly one of `values` and `tokens` is set. The memory stays the caller's and is only
/// read during the call that receives it.
///   values  N x T x F, row-major (N x F when timesteps is 0)
///   tokens  N x T (N when timesteps is 0), row-major: indices for an Embedding layer
///   lengths N, or null: how many of its steps each sequence has, from 0 to timesteps. What stands
///           behind them is padding, which is never read. Null: all timesteps
template <class T>
struct Batch {
  const T* values = nullptr;
  const std::int64_t* tokens = nullptr;
  Index samples = 0;
  Index timesteps = 0;  // 0: the input has no time axis
  Index features = 0;   // ignored for tokens
  const Index* lengths = nullptr;
};

/// What a network or layer returns: N x T x F, or N x F when timesteps is 0.
struct OutputShape {
  Index timesteps = 0;
  Index features = 0;

  Index row_size() const { return (timesteps ? timesteps : 1) * features; }
};

/// One parameter tensor as it is named, saved and exchanged (PyTorch's names and shapes).
struct TensorInfo {
  std::string name;
  std::vector<Index> shape;

  Index size() const {
    Index n = 1;
    for (Index d : shape) n *= d;
    return n;
  }
};

}  // namespace lstm_native
