// The time loop of one recurrent layer, forward and backward. It knows where things lie and in
// which order they run; the products and the pointwise cell are the kernels'.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/base/workspace.hpp"
#include "core/recurrent/partition.hpp"
#include "core/recurrent/recurrent_weights.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// A sequence of rows in memory. The row of sample n at step t begins at at(t, n): rows lie a fixed
/// distance apart or, where sequences are of different lengths, step by step one behind the other.
template <class V>
struct Steps {
  V* data = nullptr;
  Index time_stride = 0, row_stride = 0;
  // Rows before each step, of which the first `skipped` are not here; then time_stride has no
  // meaning.
  const Index* offsets = nullptr;
  Index skipped = 0;

  V* at(Index t, Index n) const {
    if (offsets) return data + (offsets[t] - skipped + n) * row_stride;
    return data + t * time_stride + n * row_stride;
  }
  Steps from(Index t) const {
    if (offsets) return {data, 0, row_stride, offsets + t, skipped};
    return {at(t, 0), time_stride, row_stride};
  }
  explicit operator bool() const { return data != nullptr; }
};

/// What the options of a cell add to a run; null where they are not in use. Memory as in
/// RecurrentRun; "kept" ones have a row for every step when the run remembers, else for one.
template <class T>
struct RunExtras {
  T* recur = nullptr;                 // as h: the outputs times recurrent_mask
  const T* recurrent_mask = nullptr;  // N x PR
  T* unprojected = nullptr;           // kept, N x P: outputs before the projection
  T* candidate = nullptr;             // kept, N x P: cell states before zoneout
  // N x P and N x PR: where the masks of a step's zoneout are made.
  T* keep_c = nullptr;
  T* keep_h = nullptr;
  bool random = false;  // zoneout draws masks, by these seeds; else it takes the mean
  const std::uint64_t* sample_seeds = nullptr;  // N
  // Layer normalisation, kept: normalised sums, N x columns, and the cell's, N x P; and the three
  // 1 / deviations.
  T* norm_input = nullptr;
  T* norm_recurrent = nullptr;
  T* norm_cell = nullptr;
  T* norm_scale = nullptr;
};

/// One layer over N samples and T steps. P = padded hidden size, PR = padded output size. All
/// memory is the caller's.
///
/// With sequences of different lengths the samples stand in the order of falling length, and step t
/// has rows for the samples that are that long alone: `offsets` says how many came before.
///
/// When remembering, h and c hold T + 1 steps of N x PR and N x P (step 0: the initial state) and
/// gates T x N x columns. When not, h holds T + 1 steps (keep_sequence) or 2, and c holds 1.
template <class T>
struct RecurrentRun {
  const RecurrentWeights<T>* weights = nullptr;
  Index samples = 0, timesteps = 0;
  const Index* offsets = nullptr;  // T + 1; null: every step has N rows
  Index first_step = 0;            // of a longer run, of which this is a part
  Steps<const T> x;                // N x inputs at each step
  T* h = nullptr;
  T* c = nullptr;
  T* gates = nullptr;  // null: nothing is remembered
  bool keep_sequence = false;
  Steps<T> y;  // N x outputs at each step, or null
  RunExtras<T> extras;

  /// Rows before step t, and in it.
  Index rows_before(Index t) const { return offsets ? offsets[t] - offsets[0] : t * samples; }
  Index rows_at(Index t) const { return offsets ? offsets[t + 1] - offsets[t] : samples; }
  Index rows() const { return rows_before(timesteps); }
  /// The rows of `all` that step t has.
  Index active(Index t, Index begin, Index end) const {
    const Index last = std::min(end, rows_at(t));
    return last > begin ? last - begin : 0;
  }
  /// Row of the state before step t, in memory that keeps all of them or turns over.
  Index state_row(Index t, bool all, Index turns) const {
    if (!all) return t % turns * samples;
    return t == 0 ? 0 : samples + rows_before(t - 1);
  }
  T* h_at(Index t, Index row) const { return h + state_at(t, row); }
  T* recur_at(Index t, Index row) const { return extras.recur + state_at(t, row); }
  T* c_at(Index t, Index row) const {
    return c + (state_row(t, gates != nullptr, 1) + row) * weights->padded();
  }
  /// Row of step t in memory that holds all steps when the run remembers, else one.
  Index kept_row(Index t) const { return gates ? rows_before(t) : 0; }
  /// Memory with a row of so many values for each row of each step.
  template <class V>
  Steps<V> kept_steps(V* data, Index values) const {
    if (offsets) return {data, 0, values, offsets, offsets[0]};
    return {data, samples * values, values};
  }

 private:
  Index state_at(Index t, Index row) const {
    return (state_row(t, keep_sequence, 2) + row) * weights->padded_outputs();
  }
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

/// dh: N x PR, dc: N x P; in gradients of the final state, out of the initial state. With a mask on
/// what recurs, the part of dh that came through it is in d_recur (N x PR; zeros to begin with).
/// dy as run.y was; dx N x inputs at each step, or null. run.gates is overwritten.
template <class T>
struct RecurrentGradients {
  Steps<const T> dy;
  Steps<T> dx;
  T* dh = nullptr;
  T* dc = nullptr;
  T* d_recur = nullptr;
  RunParameters<T> parameters;  // added to
  bool accumulate_dx = false;
  // A part of a longer run: sums of the weights' gradients that the parts, called from the last to
  // the first, hand on. null: this is the whole run.
  T* sums = nullptr;                         // RecurrentSums::size
  bool first_part = true, last_part = true;  // of those calls
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
/// the layouts of a and out allow. rows_at(t): rows that step t has.
template <class T, class RowsAt>
void product_over_steps(const KernelTable<T>& k, ProductArgs<T> args, const Steps<const T>& a,
                        const Steps<T>& out, Index steps, Index r0, Index r1,
                        const RowsAt& rows_at) {
  const auto call = [&](Index t, Index r, Index count, Index a_stride, Index out_stride) {
    args.rows = count;
    args.a = a.at(t, r);
    args.a_stride = a_stride;
    args.out = out.at(t, r);
    args.out_stride = out_stride;
    k.product(args);
  };
  const Index rows = r1 - r0;
  if (a.offsets) {
    for (Index t = 0; t < steps; ++t)
      if (const Index count = std::min(r1, rows_at(t)) - r0; count > 0)
        call(t, r0, count, a.row_stride, out.row_stride);
  } else if (a.time_stride == rows * a.row_stride && out.time_stride == rows * out.row_stride) {
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
  const Index depth = w.inputs + (w.plan.recurrent ? w.outputs() : 0);
  return static_cast<double>(run.rows()) * static_cast<double>(w.order.columns() * depth);
}

template <class T>
StepSize step_size(const RecurrentRun<T>& run) {
  const RecurrentWeights<T>& w = *run.weights;
  // A slice's units fill whole panels of gates and, backward, of hidden states.
  // Layer normalisation needs them all in one.
  const Index multiple =
      w.plan.layer_norm ? w.padded() : round_up(4 * w.kernels->lanes, w.order.block);
  return {run.samples, w.inputs, w.order.hidden_size, w.order.gates, Index{sizeof(T)}, multiple};
}

/// The samples as so many parts of about the same number of steps.
class RowShares {
 public:
  template <class T>
  RowShares(const RecurrentRun<T>& run, Index parts) : samples_(run.samples), parts_(parts) {
    if (!run.offsets) return;
    Index row = 0, before = 0, length = run.timesteps;
    for (Index i = 0; i < parts; ++i) {
      const Index begin = row, goal = run.rows() * (i + 1) / parts;
      for (; row < run.samples && (before < goal || i == parts - 1); ++row) {
        while (length > 0 && run.rows_at(length - 1) <= row) --length;
        before += length;
      }
      uneven_.push_back({begin, row});
    }
  }

  Range operator[](Index i) const {
    return uneven_.empty() ? part_of(samples_, parts_, i) : uneven_[static_cast<std::size_t>(i)];
  }

 private:
  Index samples_, parts_;
  std::vector<Range> uneven_;  // where sequences have different lengths
};

}  // namespace lstm_native
