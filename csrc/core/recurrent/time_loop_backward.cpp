#include <algorithm>
#include <vector>

#include "core/recurrent/cell_backward.hpp"
#include "core/recurrent/layer_norm.hpp"
#include "core/runtime/threads.hpp"
#include "kernels/step_args.hpp"

namespace lstm_native {
namespace {

/// Back through time in chunks: first the gates' gradients of a chunk, step by step, then what
/// follows from them at once, the gradients of input and weights.
template <class T>
struct BackwardLoop {
  const RecurrentWeights<T>& weights;
  const TimeLoop<T>& loop;
  const LoopGradients<T>& gradients;
  Index chunk;
  bool input_later;  // dx waits for all directions: they share it
  const RecurrentSums<T>& sums;
  const BackwardBuffers<T>& buffers;
  // They take turns: some parts fill one while others still read the one before.
  const ChunkBuffers<T>* chunk_buffers;  // two

  struct Part {
    Index index;
    Index unit_part, unit_parts;
    Range rows, units, outputs;
    Barrier& group;  // the parts of the same samples
    Barrier& all;
  };

  void part(const Part& p) const {
    CellBackward<T> cell(loop, gradients, buffers, p.rows, p.units, p.outputs);
    const bool normalised = weights.plan.layer_norm;
    for (Index t1 = loop.timesteps, turn = 0; t1 > 0; turn = 1 - turn) {
      const Index t0 = std::max<Index>(0, (t1 - 1) / chunk * chunk);
      const ChunkBuffers<T>& of_chunk = chunk_buffers[turn];
      for (Index t = t1 - 1; t >= t0; --t)
        cell.take_back(t, of_chunk, loop.rows_before(t) - loop.rows_before(t0), p.group);
      if (of_chunk.previous && p.unit_part == 0) gather_previous(t0, t1, p.rows, of_chunk);
      if (normalised) {
        p.all.wait();
        if (p.index == 0) sums.add_elementwise(t0, t1, of_chunk);
        p.all.wait();
        normalise_input(t0, t1, p.rows);
      }
      if (gradients.dx && !input_later) {
        const Range own = part_of(t1 - t0, p.unit_parts, p.unit_part);
        input(t0 + own.begin, own.size(), p.rows);
      }
      p.all.wait();  // the weights' gradients are sums over all samples
      sums.add(t0, t1, of_chunk, p.index);
      if (weights.plan.peepholes > 0 && !normalised && p.index == 0)
        sums.add_elementwise(t0, t1, of_chunk);
      t1 = t0;
    }
  }

  /// dx of so many steps, when the gates' gradients are known.
  void input(Index t, Index steps, Range rows) const {
    const Index columns = weights.order.columns();
    ProductArgs<T> args;
    args.depth = columns;
    args.cols = weights.inputs;
    args.packed = weights.input_transposed;
    args.accumulate = gradients.accumulate_dx;
    const SequenceView<const T> from =
        loop.template kept_steps<const T>(loop.gates, columns).from(t);
    product_over_steps<T>(*weights.kernels, args, from, gradients.dx.from(t), steps, rows.begin,
                          rows.end, [&](Index i) { return loop.rows_at(t + i); });
  }

 private:
  /// What recurred, step by step without the rows of sequences that had ended.
  void gather_previous(Index t0, Index t1, Range rows, const ChunkBuffers<T>& to) const {
    const Index padded_outputs = weights.padded_outputs();
    for (Index t = t0; t < t1; ++t) {
      const Index active = loop.active(t, rows.begin, rows.end);
      const T* from = loop.extras.recur ? loop.recur_at(t, rows.begin) : loop.h_at(t, rows.begin);
      const Index row = loop.rows_before(t) - loop.rows_before(t0) + rows.begin;
      std::copy_n(from, active * padded_outputs, to.previous + row * padded_outputs);
    }
  }

  /// From the gradients of the input's normalised sums to those before.
  void normalise_input(Index t0, Index t1, Range rows) const {
    const Index columns = weights.order.columns();
    for (Index t = t0; t < t1; ++t)
      for (Index n = rows.begin; n < rows.begin + loop.active(t, rows.begin, rows.end); ++n) {
        const Index kept = loop.rows_before(t) + n;
        T* d = loop.gates + kept * columns;
        for (Index i = 0; i < columns; ++i) d[i] *= weights.norm_input[i];
        normalise_backward(weights.order, loop.extras.norm_input + kept * columns,
                           loop.extras.norm_scale[3 * kept], d, d);
      }
  }
};

template <class T>
BackwardBuffers<T> step_buffers(const TimeLoop<T>& loop, Workspace& workspace) {
  const RecurrentWeights<T>& weights = *loop.weights;
  const Index size = loop.samples * weights.padded();
  BackwardBuffers<T> buffers;
  // Zeros where hidden units are padded.
  if (weights.projection) buffers.d_output = workspace.take_zeros<T>(size);
  if (weights.plan.phase_count > 1) buffers.d_reset = workspace.take_zeros<T>(size);
  if (weights.plan.layer_norm) buffers.d_candidate = workspace.take_zeros<T>(size);
  return buffers;
}

template <class T>
ChunkBuffers<T> chunk_buffers(const TimeLoop<T>& loop, Index samples, Workspace& workspace) {
  const RecurrentWeights<T>& weights = *loop.weights;
  const Index padded_outputs = weights.padded_outputs();
  ChunkBuffers<T> buffers;
  if (weights.plan.split)
    buffers.split = workspace.take_zeros<T>(samples * weights.split_columns());
  if (weights.projection) buffers.projected = workspace.take_zeros<T>(samples * padded_outputs);
  if (weights.plan.layer_norm) buffers.shown = workspace.take_zeros<T>(samples * weights.padded());
  if (loop.offsets && weights.plan.recurrent)
    buffers.previous = workspace.take_zeros<T>(samples * padded_outputs);
  return buffers;
}

}  // namespace

template <class T>
void backward_directions(const TimeLoop<T>* loops, const LoopGradients<T>* gradients, Index count,
                         Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const TimeLoop<T>& any = loops[0];
  const RecurrentWeights<T>& weights = *any.weights;
  const Index samples = any.samples, hidden_size = weights.order.hidden_size,
              columns = weights.order.columns();
  const StepSize size = step_size(any);
  const double work = 3 * forward_work(any);
  Gang gang(parallel_parts(count * hidden_size * samples, static_cast<double>(count) * work));
  const Schedule schedule =
      choose_schedule(count, gang.size(), parallel_parts(hidden_size * samples, work), size);
  const Index at_once = schedule.at_once;
  const Partition grid = schedule.grid;
  const Index parts = at_once * grid.parts();
  const RowShares row_parts(any, grid.row_parts);
  // Chunks of fewer samples would read and write the weights' gradients too often.
  const Index least = weights.kernels->gradient_block(weights.inputs + weights.outputs());
  const Index chunk = std::max(steps_per_chunk(samples, columns * Index{sizeof(T)}, any.timesteps),
                               (least + samples - 1) / samples);
  const Index most_steps = std::min(chunk, any.timesteps), most = most_steps * samples;
  Barrier everyone(parts);
  Barriers all(at_once, grid.parts());
  Barriers groups(at_once * grid.row_parts, grid.unit_parts);
  for (Index done = 0; done < count; done += at_once) {
    const Workspace::Scope own(workspace);
    std::vector<RecurrentSums<T>> sums;
    std::vector<BackwardBuffers<T>> of_steps;
    std::vector<ChunkBuffers<T>> of_chunks;
    for (Index i = done; i < done + at_once; ++i) {
      sums.emplace_back(loops[i], gradients[i], most, most_steps == any.timesteps, grid.parts(),
                        workspace);
      of_steps.push_back(step_buffers(loops[i], workspace));
      of_chunks.push_back(chunk_buffers(loops[i], most, workspace));
      of_chunks.push_back(most_steps < any.timesteps ? chunk_buffers(loops[i], most, workspace)
                                                     : of_chunks.back());
    }
    const auto backward = [&](Index slot) {
      const Index index = done + slot;
      const auto i = static_cast<std::size_t>(slot);
      return BackwardLoop<T>{
          *loops[index].weights, loops[index], gradients[index], chunk,
          at_once > 1,           sums[i],      of_steps[i],      &of_chunks[2 * i]};
    };
    gang.run(parts, [&](Index part) {
      const Index slot = part / grid.parts(), group = part / grid.unit_parts;
      const Index unit = part % grid.unit_parts;
      backward(slot).part({part % grid.parts(), unit, grid.unit_parts,
                           row_parts[group % grid.row_parts],
                           part_of(hidden_size, grid.unit_parts, unit, size.unit_multiple),
                           part_of(weights.outputs(), grid.unit_parts, unit, size.unit_multiple),
                           groups[group], all[slot]});
      if (at_once == 1) return;
      // Each value of dx gets its terms in the order of the directions.
      const Range steps = part_of(any.timesteps, parts, part);
      for (Index i = 0; i < count; ++i) {
        everyone.wait();
        if (gradients[i].dx) backward(i).input(steps.begin, steps.size(), {0, samples});
      }
    });
  }
}

template void backward_directions(const TimeLoop<float>*, const LoopGradients<float>*, Index,
                                  Workspace&);
template void backward_directions(const TimeLoop<double>*, const LoopGradients<double>*, Index,
                                  Workspace&);

}  // namespace lstm_native
