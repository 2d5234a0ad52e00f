// The true steps of padded sequences, one behind the other.
#pragma once

#include <algorithm>

#include "core/base/workspace.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// Unlike TrueSteps, it says where each sequence begins, and also holds what needs no gathering.
template <class T>
struct TrueRows {
  Index samples = 0, timesteps = 0, features = 0;  // timesteps: of the padded sequences, at least 1
  const Index* offsets = nullptr;                  // samples + 1: rows before each sequence
  const Index* lengths = nullptr;                  // null: all are true
  const T* values = nullptr;                       // rows x features
  Index longest = 0;

  Index rows() const { return offsets[samples]; }
  Index length(Index sample) const { return offsets[sample + 1] - offsets[sample]; }

  /// What has no time axis counts as one step. Without `copy`, sequences that are not padded stay
  /// where they are.
  TrueRows(const Batch<T>& batch, bool copy, Workspace& workspace)
      : samples(batch.samples),
        timesteps(batch.timesteps ? batch.timesteps : 1),
        features(batch.features),
        lengths(batch.timesteps ? batch.lengths : nullptr),
        values(batch.values) {
    Index* before = workspace.take<Index>(samples + 1);
    before[0] = 0;
    for (Index n = 0; n < samples; ++n) {
      const Index length = lengths ? lengths[n] : timesteps;
      before[n + 1] = before[n] + length;
      longest = std::max(longest, length);
    }
    offsets = before;
    if (lengths || copy) values = gather(batch.values, features, workspace);
  }

  /// samples x timesteps x width -> rows x width.
  const T* gather(const T* padded, Index width, Workspace& workspace) const {
    T* const to = workspace.take<T>(rows() * width);
    for (Index n = 0; n < samples; ++n)
      std::copy_n(padded + n * timesteps * width, length(n) * width, to + offsets[n] * width);
    return to;
  }
  /// The same where there is padding; else what is there.
  const T* without_padding(const T* padded, Index width, Workspace& workspace) const {
    return lengths ? gather(padded, width, workspace) : padded;
  }

  /// The way back, with zeros behind the end of each sequence.
  void scatter(const T* from, Index width, T* padded) const {
    for (Index n = 0; n < samples; ++n) {
      T* const begin = padded + n * timesteps * width;
      T* const end = std::copy_n(from + offsets[n] * width, length(n) * width, begin);
      std::fill(end, begin + timesteps * width, T(0));
    }
  }
};

}  // namespace lstm_native
