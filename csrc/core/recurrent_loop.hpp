// The time loop of one recurrent layer, forward and backward. It knows where things lie and in
// which order they run; the products and the pointwise cell are the kernels'.
#pragma once

#include <memory>

#include "core/aligned.hpp"
#include "core/packing.hpp"
#include "core/workspace.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// A sequence of rows in memory: the row of sample n at step t begins at at(t, n).
template <class V>
struct Steps {
  V* data = nullptr;
  Index time_stride = 0, row_stride = 0;

  V* at(Index t, Index n) const { return data + t * time_stride + n * row_stride; }
  Steps from(Index t) const { return {at(t, 0), time_stride, row_stride}; }
  explicit operator bool() const { return data != nullptr; }
};

/// Weights of one layer as the kernels read them.
template <class T>
struct RecurrentWeights {
  const KernelTable<T>* kernels = nullptr;  // packed for these, to be run by these
  GateOrder order{};
  Index inputs = 0;
  AlignedVector<T> input, recurrent;  // inputs x columns, hidden_size x columns
  AlignedVector<T> bias;              // columns
  AlignedVector<T> input_transposed, recurrent_transposed;  // columns x inputs, x hidden_size

  /// w_input (4H, F), w_recurrent (4H, H), two biases (4H), in PyTorch's layout.
  void pack(const GateOrder& gate_order, Index input_size, const KernelTable<T>& table,
            const T* w_input, const T* w_recurrent, const T* bias_input, const T* bias_recurrent);
};

/// One layer over N samples and T steps. P = padded hidden size. All memory is the caller's.
/// When remembering, h and c hold T + 1 steps of N x P (step 0: the initial state) and gates
/// T x N x 4P. When not, h holds T + 1 steps (keep_sequence) or 2, and c holds 1.
template <class T>
struct RecurrentRun {
  Index samples = 0, timesteps = 0;
  Steps<const T> x;  // N x inputs at each step
  T* h = nullptr;
  T* c = nullptr;
  T* gates = nullptr;  // null: nothing is remembered
  bool keep_sequence = false;
  Steps<T> y;              // N x H at each step, or null
  bool last_only = false;  // y receives the last step alone
};

/// Rows are independent: they are split over threads without any barrier.
template <class T>
void run_forward(const RecurrentWeights<T>& weights, const RecurrentRun<T>& run,
                 Workspace& workspace);

/// dh, dc: N x P; in gradients of the final state, out of the initial state.
/// dy as run.y was; dx N x inputs at each step, or null. run.gates is overwritten.
template <class T>
struct RecurrentGradients {
  Steps<const T> dy;
  Steps<T> dx;
  T* dh = nullptr;
  T* dc = nullptr;
  T* weight_input = nullptr;      // (4H, F), added to
  T* weight_recurrent = nullptr;  // (4H, H), added to
  T* bias_input = nullptr;        // (4H), added to
  T* bias_recurrent = nullptr;    // (4H), added to
};

template <class T>
void run_backward(const RecurrentWeights<T>& weights, const RecurrentRun<T>& run,
                  const RecurrentGradients<T>& gradients, Workspace& workspace);

}  // namespace lstm_native
