// The last steps of a stream, for layers that look back.
#pragma once

#include <algorithm>
#include <vector>

#include "core/base/aligned.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// A ring of steps x rows x features; zeros before the first step.
template <class T>
class PastSteps {
 public:
  PastSteps(Index steps, Index rows, Index features)
      : steps_(steps),
        rows_(rows),
        features_(features),
        values_(static_cast<std::size_t>(steps * rows * features)) {}

  Index steps() const { return steps_; }
  Index features() const { return features_; }

  /// A row's values at step i of those kept, the oldest first.
  const T* at(Index i, Index row) const {
    return values_.data() + (place(i) * rows_ + row) * features_;
  }

  /// rows x features: the newest step, in the place of the oldest.
  void push(const T* step) {
    if (steps_ == 0) return;
    std::copy_n(step, size(), values_.data() + oldest_ * size());
    oldest_ = place(1);
  }

  void reset() {
    std::fill(values_.begin(), values_.end(), T(0));
    oldest_ = 0;
  }

  // As one tensor of the stream's state, (steps, rows, features), the oldest step first.
  std::vector<TensorInfo> state() const {
    if (steps_ == 0) return {};
    return {{"past", {steps_, rows_, features_}}};
  }
  void get(T* out) const {
    for (Index i = 0; i < steps_; ++i) std::copy_n(at(i, 0), size(), out + i * size());
  }
  void set(const T* values) {
    std::copy_n(values, steps_ * size(), values_.data());
    oldest_ = 0;
  }

 private:
  Index size() const { return rows_ * features_; }
  Index place(Index i) const {
    const Index at = oldest_ + i;
    return at < steps_ ? at : at - steps_;
  }

  Index steps_, rows_, features_, oldest_ = 0;
  AlignedVector<T> values_;
};

}  // namespace lstm_native
