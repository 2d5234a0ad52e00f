// Where the true steps of padded sequences stand when they lie one behind the other.
#pragma once

#include <algorithm>

#include "core/base/workspace.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// Rows: the steps of all sequences in their order, without padding.
class SequenceRows {
 public:
  /// lengths: null where all sequences have all steps. What is made here lies in the workspace.
  SequenceRows(Index samples, Index timesteps, const Index* lengths, Workspace& workspace)
      : samples_(samples), first_(workspace.take<Index>(samples + 1)) {
    first_[0] = 0;
    for (Index n = 0; n < samples; ++n)
      first_[n + 1] = first_[n] + (lengths ? lengths[n] : timesteps);
  }

  Index samples() const { return samples_; }
  Index rows() const { return first_[samples_]; }
  Index first(Index sample) const { return first_[sample]; }
  Index length(Index sample) const { return first_[sample + 1] - first_[sample]; }

  /// Calls body(sample, first step, row of that step, steps) for the rows [begin, end).
  template <class Body>
  void for_each_run(Index begin, Index end, const Body& body) const {
    Index sample = std::upper_bound(first_, first_ + samples_ + 1, begin) - first_ - 1;
    for (Index row = begin; row < end; ++sample) {
      const Index stop = std::min(end, first_[sample + 1]);
      if (stop > row) body(sample, row - first_[sample], row, stop - row);
      row = std::max(row, stop);
    }
  }

 private:
  Index samples_;
  Index* first_;  // samples + 1: rows before each sequence
};

}  // namespace lstm_native
