// The time loop of one recurrent layer, forward and backward. It knows where things lie and in
// which order they run; the products and the pointwise cell are the kernels'.
#pragma once

#include "core/partition.hpp"
#include "core/recurrent_weights.hpp"
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

/// One layer over N samples and T steps. P = padded hidden size. All memory is the caller's.
/// When remembering, h and c hold T + 1 steps of N x P (step 0: the initial state) and gates
/// T x N x 4P. When not, h holds T + 1 steps (keep_sequence) or 2, and c holds 1.
template <class T>
struct RecurrentRun {
  const RecurrentWeights<T>* weights = nullptr;
  Index samples = 0, timesteps = 0;
  Steps<const T> x;  // N x inputs at each step
  T* h = nullptr;
  T* c = nullptr;
  T* gates = nullptr;  // null: nothing is remembered
  bool keep_sequence = false;
  Steps<T> y;              // N x H at each step, or null
  bool last_only = false;  // y receives the last step alone
};

/// The directions of a layer: `count` runs that differ in weights and memory alone, and read
/// nothing that another of them writes. They run at the same time where choose_schedule says so.
template <class T>
void run_forward(const RecurrentRun<T>* runs, Index count, Workspace& workspace);

/// Stacked layers: `count` runs of one size but for the first one's inputs, each of which reads
/// what the one before writes. Where one run would leave threads without work, several go at the
/// same time, each some steps behind the one before.
template <class T>
void run_stack(const RecurrentRun<T>* runs, Index count, Workspace& workspace);

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
  bool accumulate_dx = false;
};

/// The same way back. Runs may share dx, the later ones adding to it; nothing else.
template <class T>
void run_backward(const RecurrentRun<T>* runs, const RecurrentGradients<T>* gradients, Index count,
                  Workspace& workspace);

/// Steps whose gates, for all samples, stay in the second-level cache between the loops that write
/// and read them. Does not depend on threads: the order of sums over samples may not either.
inline Index steps_per_chunk(Index samples, Index row_bytes, Index timesteps) {
  constexpr Index kChunkBytes = 256 * 1024;
  const Index steps = kChunkBytes / (samples * row_bytes);
  return steps < 1 ? 1 : steps < timesteps ? steps : timesteps;
}

/// out = bias + a * packed (or += it) for so many steps and the rows [r0, r1), in as few calls as
/// the layouts of a and out allow.
template <class T>
void product_over_steps(const KernelTable<T>& k, ProductArgs<T> args, const Steps<const T>& a,
                        const Steps<T>& out, Index steps, Index r0, Index r1) {
  const Index rows = r1 - r0;
  const auto call = [&](Index t, Index r, Index count, Index a_stride, Index out_stride) {
    args.rows = count;
    args.a = a.at(t, r);
    args.a_stride = a_stride;
    args.out = out.at(t, r);
    args.out_stride = out_stride;
    k.product(args);
  };
  if (a.time_stride == rows * a.row_stride && out.time_stride == rows * out.row_stride) {
    call(0, r0, steps * rows, a.row_stride, out.row_stride);
  } else if (steps > rows) {
    for (Index r = r0; r < r1; ++r) call(0, r, steps, a.time_stride, out.time_stride);
  } else {
    for (Index t = 0; t < steps; ++t) call(t, r0, rows, a.row_stride, out.row_stride);
  }
}

/// Multiply-adds of the forward pass.
template <class T>
double forward_work(const RecurrentRun<T>& run) {
  const RecurrentWeights<T>& w = *run.weights;
  return static_cast<double>(run.samples * run.timesteps) *
         static_cast<double>(w.order.columns() * (w.inputs + w.order.hidden_size));
}

template <class T>
StepSize step_size(const RecurrentRun<T>& run) {
  const RecurrentWeights<T>& w = *run.weights;
  // A slice's units fill whole panels of gates and, backward, of hidden states.
  const Index multiple = round_up(4 * w.kernels->lanes, w.order.block);
  return {run.samples, w.inputs, w.order.hidden_size, w.order.gates, Index{sizeof(T)}, multiple};
}

}  // namespace lstm_native
