// Which gradients of a recurrent layer's parameters are sums over which values.
#pragma once

#include <vector>

#include "core/recurrent/time_loop.hpp"
#include "core/recurrent/weight_gradient.hpp"

namespace lstm_native {

/// What a chunk of steps leaves for the sums, beside what the time loop keeps: buffers of their
/// own, in which its rows lie one behind the other.
template <class T>
struct ChunkBuffers {
  T* split = nullptr;      // rows x split columns: gradients of the recurrent sums
  T* projected = nullptr;  // rows x PR: gradients of the outputs
  T* shown = nullptr;      // rows x P: gradients of the normalised cell states, scaled
  T* previous = nullptr;   // rows x PR: what recurred, where sequences have different lengths
};

template <class T>
class RecurrentSums {
 public:
  /// `samples`: the most of a chunk; `whole`: there is one alone.
  RecurrentSums(const TimeLoop<T>& loop, const LoopGradients<T>& gradients, Index samples,
                bool whole, Index parts, Workspace& workspace);

  /// Values that the segments of a time loop hand on.
  static Index size(const RecurrentWeights<T>& weights);

  /// The products of the steps [t0, t1) for this part.
  void add(Index t0, Index t1, const ChunkBuffers<T>& buffers, Index part) const;

  /// What is no product: peepholes, and with layer normalisation gains and biases. On one part,
  /// while TimeLoop::gates still holds the gradients of the sums.
  void add_elementwise(Index t0, Index t1, const ChunkBuffers<T>& buffers) const;

 private:
  const RecurrentWeights<T>& weights_;
  const TimeLoop<T>& loop_;
  const LoopGradients<T>& gradients_;
  std::vector<WeightGradient<T>> products_;
};

}  // namespace lstm_native
