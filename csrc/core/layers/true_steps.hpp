// The steps that sequences of different lengths really have.
#pragma once

#include <algorithm>

#include "core/base/workspace.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// The true steps of N padded sequences as rows, sequence after sequence, and their way back. What
/// is worked on row by row in this order does not depend on the padding, to the last bit.
struct TrueSteps {
  Index samples, timesteps;
  const Index* lengths;  // N, each from 0 to timesteps; null: there is nothing to gather

  /// Rows of the gathered table. There is always one: a row of zeros where no sequence has a step.
  Index rows() const {
    Index sum = 0;
    for (Index i = 0; i < samples; ++i) sum += lengths[i];
    return std::max<Index>(sum, 1);
  }

  bool none() const {
    return lengths && std::all_of(lengths, lengths + samples, [](Index n) { return n == 0; });
  }

  /// padded (N x T x width) -> rows x width.
  template <class V>
  V* gather(const V* padded, Index width, Workspace& workspace) const {
    const Index count = rows() * width;
    V* table = workspace.take<V>(count);
    V* end = table;
    for (Index i = 0; i < samples; ++i)
      end = std::copy_n(padded + i * timesteps * width, lengths[i] * width, end);
    std::fill(end, table + count, V(0));
    return table;
  }

  /// Zeros behind the end of each sequence; where there are no lengths, nothing.
  template <class V>
  void clear_padding(V* padded, Index width) const {
    if (!lengths) return;
    for (Index i = 0; i < samples; ++i)
      std::fill(padded + (i * timesteps + lengths[i]) * width, padded + (i + 1) * timesteps * width,
                V(0));
  }

  /// rows x width -> padded (N x T x width), zeros behind the end of each sequence.
  template <class V>
  void scatter(const V* table, Index width, V* padded) const {
    for (Index i = 0; i < samples; ++i) {
      V* end = std::copy_n(table, lengths[i] * width, padded + i * timesteps * width);
      std::fill(end, padded + (i + 1) * timesteps * width, V(0));
      table += lengths[i] * width;
    }
  }
};

}  // namespace lstm_native
