// Gradients of weights, summed chunk by chunk while time runs backwards.
#pragma once

#include "core/base/workspace.hpp"
#include "core/numeric/packing.hpp"

namespace lstm_native {

/// A weight (gates * hidden_size of the order, depth) whose gradient is added to; or none.
template <class T>
struct WeightTarget {
  Index depth = 0;
  T* gradient = nullptr;
};

/// What one chunk of steps contributes. Pointers are to the row of its last sample: it is read
/// backwards.
template <class T>
struct WeightChunk {
  Index samples = 0, per_step = 1;  // samples at each step; in one step where rows lie evenly
  const T* gates = nullptr;
  Index gates_stride = 0;
  struct Left {
    const T* values = nullptr;
    Index time_stride = 0, row_stride = 0;
  };
  Left left[2];
  bool first = true, last = true;  // of the chunks, in the order in which they come
};

/// Gradients of the weights that stand between one or two left operands and the same gates, and of
/// their biases: left^T gates, summed over samples.
///
/// The parts of a gang share out the columns of the gates: a gradient is summed by one part in one
/// order, whatever their number. That order is against time, as the chunks come, so that it does
/// not depend on their length and with it on the batch: a sequence adds the same bits in any.
template <class T>
class WeightGradient {
 public:
  /// `samples`: the most that one chunk has. `sums`: sums_size values that several objects hand on
  /// to each other, one after another; null where this one sees all chunks. `whole`: there is one
  /// chunk alone. bias: gate vectors that get the sums of the gates, or null.
  WeightGradient(const KernelTable<T>& kernels, const GateOrder& order, WeightTarget<T> first,
                 WeightTarget<T> second, T* bias, T* other_bias, Index samples, bool whole, T* sums,
                 Index parts, Workspace& workspace);

  static Index sums_size(const GateOrder& order, Index depth) {
    return order.columns() * (depth + 1);
  }

  void add(const WeightChunk<T>& chunk, Index part) const;

 private:
  struct Product;  // for one chunk

  void add_panels(Product& product, Index begin, Index end, bool with_first,
                  bool with_second) const;
  void deliver(Index begin, Index end, const T* of_first, const T* of_second, Index stride) const;

  const KernelTable<T>& kernels_;
  GateOrder order_;
  WeightTarget<T> targets_[2];
  T* bias_[2];
  Index parts_, scratch_size_, kernel_scratch_;
  T* scratch_;
  // Sums over the chunks, depth x columns; null where there is one chunk alone and nothing to keep.
  T* sums_[2] = {nullptr, nullptr};
  T* bias_sums_;  // columns
};

}  // namespace lstm_native
