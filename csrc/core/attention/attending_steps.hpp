// The forward steps of a recurrent layer that attends: of a batch or of a stream.
#pragma once

#include "core/attention/attending_layer.hpp"
#include "core/attention/soft_window.hpp"
#include "core/recurrent/cell_forward.hpp"
#include "core/recurrent/sequence_layout.hpp"
#include "core/recurrent/time_loop.hpp"

namespace lstm_native {

/// All weights of a layer, packed as they are now, and the memory it looks at.
template <class T>
struct AttendingWeights {
  using Packed = std::shared_ptr<const typename Linear<T>::Packed>;

  std::shared_ptr<const AttendingCell<T>> cell;
  Packed query, head;  // null: none

  AttendingWeights(const AttendingLayer<T>& layer, Index rows);
};

/// What steps write, beside the TimeLoop. "Kept" memory has a row for every row of every step when
/// the loop remembers, else for one step; P is the padded hidden size.
template <class T>
struct AttendingBuffers {
  T* gates = nullptr;     // kept, columns: those of the loop, if it remembers
  T* inputs = nullptr;    // kept, (F + fed): x and what is fed
  T* queries = nullptr;   // kept, key_size: additive queries; zeros to begin with
  T* weights = nullptr;   // of looks: by samples, timesteps x longest memory, else one step's
  T* contexts = nullptr;  // kept, Fm: of window
  T* joined = nullptr;    // kept, Fm + H: of luong
  T* said = nullptr;      // kept, 3 K or output_size: what the head says, activated
  T* kappas = nullptr;    // kept, K: behind each step
  T* fed = nullptr;       // N x fed: what the next step is fed
  T* kappa = nullptr;     // N x K
  T* scratch = nullptr;   // N x longest: of window
};

/// Steps for some of the rows. The parts of a team have one each.
template <class T>
class AttendingSteps {
 public:
  AttendingSteps(const AttendingLayer<T>& layer, const AttendingWeights<T>& weights,
                 const AttentionMemory<T>& memory, const TimeLoop<T>& loop,
                 const AttendingBuffers<T>& buffers, const SequenceLayout* layout, Index beams = 1);

  /// Step t of `active` rows from `row` on. What x says to the gates stands there already.
  void step(Index t, Index row, Index active);

  /// gates = b + W x of so many rows of inputs.
  void project(Index rows, const T* inputs, T* gates) const;

  /// Where the context of a row of step t stands, and the weights of its look.
  T* context_at(Index t, Index row) const;
  T* weights_at(Index t, Index row) const;
  Index context_stride() const;
  T* gates_at(Index t, Index row) const {
    return b_.gates + (loop_.kept_row(t) + row) * weights_.cell->cell.order.columns();
  }
  /// Whose memory a row looks at.
  Index sample(Index row) const { return layout_ ? layout_->sample(row) : row / beams_; }

 private:
  void look(Index t, Index row, Index active, const T* h);
  void feed(Index t, Index row, Index active, const T* inputs);
  void hand_on(Index row, Index active, const T* from, Index stride);

  const AttendingLayer<T>& layer_;
  const AttendingWeights<T>& weights_;
  const AttentionMemory<T>& memory_;
  const TimeLoop<T>& loop_;
  const AttendingBuffers<T>& b_;
  const SequenceLayout* layout_;  // null: rows are samples, or `beams_` of each
  Index beams_;
  CellForward<T> cell_;
  SoftWindow<T> window_;
};

/// The memory as the layer's looks read it.
template <class T>
struct AttendedMemory {
  TrueRows<T> rows;
  Projected<T> keys;
  AttentionMemory<T> looks;

  AttendedMemory(const AttendingLayer<T>& layer, const Batch<T>& memory, bool copy,
                 const Scoring<T>& scoring, Workspace& workspace);
};

}  // namespace lstm_native
