// Where the sequences of a batch lie while recurrent layers compute.
#pragma once

#include <vector>

#include "core/recurrent/time_loop.hpp"

namespace lstm_native {

/// Outside a layer sequences are batch-first: (N, T, width). Between its stacked layers they are
/// time-major. Where their lengths differ they stand, in the order of falling length, step by step
/// one behind the other without what pads them ("packed"), so that work follows their true lengths.
class SequenceLayout {
 public:
  /// lengths: N, or null when all have `timesteps` steps.
  SequenceLayout(Index samples, Index timesteps, const Index* lengths);

  Index samples() const { return samples_; }
  Index steps() const { return steps_; }  // of the longest
  bool packed() const { return !offsets_.empty(); }
  const Index* offsets() const { return packed() ? offsets_.data() : nullptr; }
  Index rows() const { return packed() ? offsets_.back() : samples_ * steps_; }
  Index rows_at(Index t) const {
    return packed() ? offsets_[at(t + 1)] - offsets_[at(t)] : samples_;
  }
  Index length(Index row) const { return packed() ? lengths_[at(row)] : steps_; }
  Index sample(Index row) const { return packed() ? order_[at(row)] : row; }  // batch's, of a row

  /// A time-major sequence, rows `stride` values apart.
  template <class V>
  SequenceView<V> time_major(V* data, Index stride) const {
    if (packed()) return {data, 0, stride, offsets_.data(), 0};
    return {data, samples_ * stride, stride};
  }

  /// A batch-first one; only when it is not packed.
  template <class V>
  SequenceView<V> batch_first(V* data, Index width) const {
    return {data, width, timesteps_ * width};
  }

  /// A sequence from its end to its start; only when it is not packed.
  template <class V>
  SequenceView<V> reversed(const SequenceView<V>& steps) const {
    if (!steps) return steps;
    return {steps.at(steps_ - 1, 0), -steps.time_stride, steps.row_stride};
  }

  /// Calls body(step, row, step of the row counted from its end) for every row of every step, step
  /// by step: down a row, memory of all rows lies so far apart that few cache lines hold it.
  template <class Body>
  void for_each(const Body& body) const {
    for (Index t = 0; t < steps_; ++t)
      for (Index row = 0, rows = rows_at(t); row < rows; ++row) body(t, row, length(row) - 1 - t);
  }

  /// From a batch-first sequence to a time-major one, and back, where all else becomes zero.
  template <class T>
  void gather(const T* from, Index width, const SequenceView<T>& to, bool backwards) const;
  template <class T>
  void scatter(const SequenceView<const T>& from, Index width, T* to, bool backwards) const;
  /// Only the zeros.
  template <class T>
  void clear_padding(Index width, T* to) const;

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  template <class V>
  V* place(V* batch, Index width, Index row, Index t) const {
    return batch + (sample(row) * timesteps_ + t) * width;
  }

  Index samples_, timesteps_, steps_;
  std::vector<Index> order_, lengths_, offsets_;  // empty when not packed
};

}  // namespace lstm_native
