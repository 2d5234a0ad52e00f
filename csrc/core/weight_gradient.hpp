// Gradients of a recurrent layer's weights, summed chunk by chunk while time runs backwards.
#pragma once

#include "core/recurrent_loop.hpp"

namespace lstm_native {

/// The parts of a gang share out the columns of the gates: a gradient is summed by one part in one
/// order, whatever their number. That order is against time, as the chunks come, so that it does
/// not depend on their length and with it on the batch: a sequence adds the same bits in any.
template <class T>
class WeightGradient {
 public:
  /// `chunk`: the most steps that one call of `add` brings. Takes its memory from the workspace.
  WeightGradient(const RecurrentRun<T>& run, const RecurrentGradients<T>& gradients, Index chunk,
                 Index parts, Workspace& workspace);

  /// What the steps [t0, t1) contribute to the columns of this part. run.gates holds the gates'
  /// gradients of all samples. Called from the last chunk to the first, after which the gradients
  /// have received the sums.
  void add(Index t0, Index t1, Index part) const;

 private:
  struct Product;  // for one chunk

  void add_panels(Product& product, Index begin, Index end, bool with_x, bool with_h) const;
  void deliver(Index begin, Index end, const T* of_x, const T* of_h, Index stride) const;

  const RecurrentWeights<T>& w_;
  const RecurrentRun<T>& run_;
  const RecurrentGradients<T>& g_;
  Index parts_, scratch_size_;
  T* scratch_;
  // Sums over the chunks, inputs and hidden_size x columns; null where there is one chunk alone and
  // nothing to keep.
  T* input_sums_ = nullptr;
  T* recurrent_sums_ = nullptr;
  T* bias_sums_;  // columns
};

}  // namespace lstm_native
