// The time loop of one direction of one recurrent layer, forward and backward. It knows where
// things lie and in which order they are computed; the products and the pointwise cell are the
// kernels'.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/base/workspace.hpp"
#include "core/recurrent/partition.hpp"
#include "core/recurrent/recurrent_weights.hpp"
#include "kernels/product_args.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// A sequence of rows in memory. The row of sample n at step t begins at at(t, n): rows lie a fixed
/// distance apart or, where sequences are of different lengths, step by step one behind the other.
template <class V>
struct SequenceView {
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
  SequenceView<const V> as_const() const {
    return {data, time_stride, row_stride, offsets, skipped};
  }
  SequenceView from(Index t) const {
    if (offsets) return {data, 0, row_stride, offsets + t, skipped};
    return {at(t, 0), time_stride, row_stride};
  }
  explicit operator bool() const { return data != nullptr; }
};

/// What the options of a cell add to a time loop; null where they are not in use. N, P and PR as in
/// TimeLoop; "kept" ones have a row for every step when the loop remembers, else for one.
template <class T>
struct LoopExtras {
  T* recur = nullptr;                 // laid out as h: the outputs times recurrent_mask
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

/// One direction of one stacked layer over N samples and T steps, or the part of it between two
/// checkpoints (a segment). P = padded hidden size, PR = padded output size. All memory is the
/// caller's.
///
/// With sequences of different lengths the samples stand in the order of falling length, and step t
/// has rows for the samples that are that long alone: `offsets` says how many came before.
///
/// When remembering, h and c hold T + 1 steps of N x PR and N x P (step 0: the initial state) and
/// gates T x N x columns. When not, h holds T + 1 steps (keep_sequence) or 2, and c holds 1.
template <class T>
struct TimeLoop {
  const RecurrentWeights<T>* weights = nullptr;
  Index samples = 0, timesteps = 0;
  const Index* offsets = nullptr;  // T + 1; null: every step has N rows
  Index first_step = 0;            // of a segment: steps before it
  SequenceView<const T> x;         // N x inputs at each step
  T* h = nullptr;
  T* c = nullptr;
  T* gates = nullptr;  // null: nothing is remembered
  bool keep_sequence = false;
  SequenceView<T> y;  // N x outputs at each step, or null
  LoopExtras<T> extras;

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
  /// Row of step t in memory that holds all steps when the loop remembers, else one.
  Index kept_row(Index t) const { return gates ? rows_before(t) : 0; }
  /// Memory with a row of so many values for each row of each step.
  template <class V>
  SequenceView<V> kept_steps(V* data, Index values) const {
    if (offsets) return {data, 0, values, offsets, offsets[0]};
    return {data, samples * values, values};
  }

 private:
  Index state_at(Index t, Index row) const {
    return (state_row(t, keep_sequence, 2) + row) * weights->padded_outputs();
  }
};

/// The directions of a layer: `count` loops that differ in weights and memory alone, and read
/// nothing that another of them writes. They go at the same time where choose_schedule says so.
template <class T>
void forward_directions(const TimeLoop<T>* loops, Index count, Workspace& workspace);

/// Stacked layers: `count` loops of one size but for the first one's inputs, each of which reads
/// what the one before writes. Where one alone would leave threads without work, several go at the
/// same time, each some steps behind the one before.
template <class T>
void forward_stacked(const TimeLoop<T>* loops, Index count, Workspace& workspace);

/// dh: N x PR, dc: N x P; in gradients of the final state, out of the initial state. With a mask on
/// what recurs, the part of dh that came through it is in d_recur (N x PR; zeros to begin with).
/// dy is laid out as TimeLoop::y was; dx N x inputs at each step, or null. TimeLoop::gates is
/// overwritten.
template <class T>
struct LoopGradients {
  SequenceView<const T> dy;
  SequenceView<T> dx;
  T* dh = nullptr;
  T* dc = nullptr;
  T* d_recur = nullptr;
  DirectionParameters<T> parameters;  // added to
  bool accumulate_dx = false;
  // Of a segment: sums of the weights' gradients that the segments, called from the last to the
  // first, hand on. Null: this is all steps.
  T* sums = nullptr;                         // RecurrentSums::size
  bool first_part = true, last_part = true;  // in the order of those calls
};

/// Back through the directions of a layer. They may share dx, the later ones adding to it; nothing
/// else.
template <class T>
void backward_directions(const TimeLoop<T>* loops, const LoopGradients<T>* gradients, Index count,
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
void product_over_steps(const KernelTable<T>& k, ProductArgs<T> args,
                        const SequenceView<const T>& a, const SequenceView<T>& out, Index steps,
                        Index r0, Index r1, const RowsAt& rows_at) {
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
double forward_work(const TimeLoop<T>& loop) {
  const RecurrentWeights<T>& weights = *loop.weights;
  const Index depth = weights.inputs + (weights.plan.recurrent ? weights.outputs() : 0);
  return static_cast<double>(loop.rows()) * static_cast<double>(weights.order.columns() * depth);
}

template <class T>
StepSize step_size(const TimeLoop<T>& loop) {
  const RecurrentWeights<T>& weights = *loop.weights;
  // A slice's units fill whole panels of gates and, backward, of hidden states.
  // Layer normalisation needs them all in one.
  const Index multiple = weights.plan.layer_norm
                             ? weights.padded()
                             : round_up(4 * weights.kernels->lanes, weights.order.block);
  return {loop.samples,        weights.inputs,   weights.order.hidden_size,
          weights.order.gates, Index{sizeof(T)}, multiple};
}

/// The samples as so many parts of about the same number of steps.
class RowShares {
 public:
  template <class T>
  RowShares(const TimeLoop<T>& loop, Index parts) : samples_(loop.samples), parts_(parts) {
    if (!loop.offsets) return;
    Index row = 0, before = 0, length = loop.timesteps;
    for (Index i = 0; i < parts; ++i) {
      const Index begin = row, goal = loop.rows() * (i + 1) / parts;
      for (; row < loop.samples && (before < goal || i == parts - 1); ++row) {
        while (length > 0 && loop.rows_at(length - 1) <= row) --length;
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
