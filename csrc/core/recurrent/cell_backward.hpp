// One time step of a cell on the way back: pointwise kernels and recurrent products.
#pragma once

#include "core/recurrent/recurrent_sums.hpp"
#include "core/runtime/team.hpp"
#include "kernels/step_args.hpp"

namespace lstm_native {

/// Memory that the steps of one time loop share, each part its own rows and units of it.
template <class T>
struct BackwardBuffers {
  T* d_output = nullptr;     // N x P: gradients of the outputs before projection
  T* d_reset = nullptr;      // N x P: of r * h
  T* d_candidate = nullptr;  // N x P: of the normalised cell states
};

/// The steps of some rows and units of a time loop, and their share of its outputs.
template <class T>
class CellBackward {
 public:
  CellBackward(const TimeLoop<T>& loop, const LoopGradients<T>& gradients,
               const BackwardBuffers<T>& buffers, Range rows, Range units, Range outputs);

  /// Step t, the first one's rows of the chunk's buffers being `chunk_row` rows down. `group`:
  /// where the parts of these rows meet.
  void take_back(Index t, const ChunkBuffers<T>& chunk, Index chunk_row, Barrier& group);

 private:
  void set_pointers(StepBackwardArgs<T>& a, Index t) const;
  void move_pointers(StepBackwardArgs<T>& a, Index t) const;
  void unproject(Index t, const ChunkBuffers<T>& chunk, Index chunk_row, Barrier& group) const;
  void normalised(StepBackwardArgs<T> a, Index t, const ChunkBuffers<T>& chunk,
                  Index chunk_row) const;
  void product(Index phase, const T* gates, Index stride);

  const RecurrentWeights<T>& weights_;
  const TimeLoop<T>& loop_;
  const LoopGradients<T>& gradients_;
  const BackwardBuffers<T>& buffers_;
  Range rows_, units_, outputs_;
  Index active_ = 0;
  bool even_;          // one step's pointers are a fixed distance from those of the next
  Index pointed_ = 0;  // the step that args_ points to
  StepBackwardArgs<T> args_;
  ProductArgs<T> products_[2];  // of the phases
};

}  // namespace lstm_native
