#include <algorithm>
#include <vector>

#include "core/recurrent/cell_backward.hpp"
#include "core/recurrent/layer_norm.hpp"
#include "core/runtime/threads.hpp"

namespace lstm_native {
namespace {

/// Back through time in chunks: first the gates' gradients of a chunk, step by step, then what
/// follows from them at once, the gradients of input and weights.
template <class T>
struct Backward {
  const RecurrentWeights<T>& w;
  const RecurrentRun<T>& run;
  const RecurrentGradients<T>& g;
  Index chunk;
  bool input_later;  // dx waits for all runs: they share it
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
    CellBackward<T> cell(run, g, buffers, p.rows, p.units, p.outputs);
    const bool normalised = w.plan.layer_norm;
    for (Index t1 = run.timesteps, turn = 0; t1 > 0; turn = 1 - turn) {
      const Index t0 = std::max<Index>(0, (t1 - 1) / chunk * chunk);
      const ChunkBuffers<T>& of_chunk = chunk_buffers[turn];
      for (Index t = t1 - 1; t >= t0; --t)
        cell.run(t, of_chunk, run.rows_before(t) - run.rows_before(t0), p.group);
      if (of_chunk.previous && p.unit_part == 0) gather_previous(t0, t1, p.rows, of_chunk);
      if (normalised) {
        p.all.wait();
        if (p.index == 0) sums.add_elementwise(t0, t1, of_chunk);
        p.all.wait();
        normalise_input(t0, t1, p.rows);
      }
      if (g.dx && !input_later) {
        const Range own = part_of(t1 - t0, p.unit_parts, p.unit_part);
        input(t0 + own.begin, own.size(), p.rows);
      }
      p.all.wait();  // the weights' gradients are sums over all samples
      sums.add(t0, t1, of_chunk, p.index);
      if (w.plan.peepholes > 0 && !normalised && p.index == 0)
        sums.add_elementwise(t0, t1, of_chunk);
      t1 = t0;
    }
  }

  /// dx of so many steps, when the gates' gradients are known.
  void input(Index t, Index steps, Range rows) const {
    const Index columns = w.order.columns();
    ProductArgs<T> args;
    args.depth = columns;
    args.cols = w.inputs;
    args.packed = w.input_transposed;
    args.accumulate = g.accumulate_dx;
    const Steps<const T> from = run.template kept_steps<const T>(run.gates, columns).from(t);
    product_over_steps<T>(*w.kernels, args, from, g.dx.from(t), steps, rows.begin, rows.end,
                          [&](Index i) { return run.rows_at(t + i); });
  }

 private:
  /// What recurred, step by step without the rows of sequences that had ended.
  void gather_previous(Index t0, Index t1, Range rows, const ChunkBuffers<T>& to) const {
    const Index PR = w.padded_outputs();
    for (Index t = t0; t < t1; ++t) {
      const Index active = run.active(t, rows.begin, rows.end);
      const T* from = run.extras.recur ? run.recur_at(t, rows.begin) : run.h_at(t, rows.begin);
      const Index row = run.rows_before(t) - run.rows_before(t0) + rows.begin;
      std::copy_n(from, active * PR, to.previous + row * PR);
    }
  }

  /// From the gradients of the input's normalised sums to those before.
  void normalise_input(Index t0, Index t1, Range rows) const {
    const Index columns = w.order.columns();
    for (Index t = t0; t < t1; ++t)
      for (Index n = rows.begin; n < rows.begin + run.active(t, rows.begin, rows.end); ++n) {
        const Index kept = run.rows_before(t) + n;
        T* d = run.gates + kept * columns;
        for (Index i = 0; i < columns; ++i) d[i] *= w.norm_input[i];
        normalise_backward(w.order, run.extras.norm_input + kept * columns,
                           run.extras.norm_scale[3 * kept], d, d);
      }
  }
};

template <class T>
BackwardBuffers<T> step_buffers(const RecurrentRun<T>& run, Workspace& workspace) {
  const RecurrentWeights<T>& w = *run.weights;
  const Index size = run.samples * w.padded();
  BackwardBuffers<T> buffers;
  // Zeros where hidden units are padded.
  if (w.projection) buffers.d_output = workspace.take_zeros<T>(size);
  if (w.plan.phase_count > 1) buffers.d_reset = workspace.take_zeros<T>(size);
  if (w.plan.layer_norm) buffers.d_candidate = workspace.take_zeros<T>(size);
  return buffers;
}

template <class T>
ChunkBuffers<T> chunk_buffers(const RecurrentRun<T>& run, Index samples, Workspace& workspace) {
  const RecurrentWeights<T>& w = *run.weights;
  const Index PR = w.padded_outputs();
  ChunkBuffers<T> buffers;
  if (w.plan.split) buffers.split = workspace.take_zeros<T>(samples * w.split_columns());
  if (w.projection) buffers.projected = workspace.take_zeros<T>(samples * PR);
  if (w.plan.layer_norm) buffers.shown = workspace.take_zeros<T>(samples * w.padded());
  if (run.offsets && w.plan.recurrent) buffers.previous = workspace.take_zeros<T>(samples * PR);
  return buffers;
}

}  // namespace

template <class T>
void run_backward(const RecurrentRun<T>* runs, const RecurrentGradients<T>* gradients, Index count,
                  Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const RecurrentRun<T>& any = runs[0];
  const RecurrentWeights<T>& w = *any.weights;
  const Index N = any.samples, H = w.order.hidden_size, columns = w.order.columns();
  const StepSize size = step_size(any);
  const double work = 3 * forward_work(any);
  Gang gang(parallel_parts(count * H * N, static_cast<double>(count) * work));
  const Schedule schedule = choose_schedule(count, gang.size(), parallel_parts(H * N, work), size);
  const Index at_once = schedule.at_once;
  const Partition grid = schedule.grid;
  const Index parts = at_once * grid.parts();
  const RowShares row_parts(any, grid.row_parts);
  // Chunks of fewer samples would read and write the weights' gradients too often.
  const Index samples = w.kernels->gradient_block(w.inputs + w.outputs());
  const Index chunk = std::max(steps_per_chunk(N, columns * Index{sizeof(T)}, any.timesteps),
                               (samples + N - 1) / N);
  const Index most_steps = std::min(chunk, any.timesteps), most = most_steps * N;
  Barrier everyone(parts);
  Barriers all(at_once, grid.parts());
  Barriers groups(at_once * grid.row_parts, grid.unit_parts);
  for (Index done = 0; done < count; done += at_once) {
    const Workspace::Scope own(workspace);
    std::vector<RecurrentSums<T>> sums;
    std::vector<BackwardBuffers<T>> of_steps;
    std::vector<ChunkBuffers<T>> of_chunks;
    for (Index run = done; run < done + at_once; ++run) {
      sums.emplace_back(runs[run], gradients[run], most, most_steps == any.timesteps, grid.parts(),
                        workspace);
      of_steps.push_back(step_buffers(runs[run], workspace));
      of_chunks.push_back(chunk_buffers(runs[run], most, workspace));
      of_chunks.push_back(most_steps < any.timesteps ? chunk_buffers(runs[run], most, workspace)
                                                     : of_chunks.back());
    }
    const auto backward = [&](Index slot) {
      const Index run = done + slot;
      const auto i = static_cast<std::size_t>(slot);
      return Backward<T>{*runs[run].weights, runs[run], gradients[run], chunk,
                         at_once > 1,        sums[i],   of_steps[i],    &of_chunks[2 * i]};
    };
    gang.run(parts, [&](Index part) {
      const Index slot = part / grid.parts(), group = part / grid.unit_parts;
      const Index unit = part % grid.unit_parts;
      backward(slot).part({part % grid.parts(), unit, grid.unit_parts,
                           row_parts[group % grid.row_parts],
                           part_of(H, grid.unit_parts, unit, size.unit_multiple),
                           part_of(w.outputs(), grid.unit_parts, unit, size.unit_multiple),
                           groups[group], all[slot]});
      if (at_once == 1) return;
      // Each value of dx gets its terms in the order of the runs.
      const Range steps = part_of(any.timesteps, parts, part);
      for (Index run = 0; run < count; ++run) {
        everyone.wait();
        if (gradients[run].dx) backward(run).input(steps.begin, steps.size(), {0, N});
      }
    });
  }
}

template void run_backward(const RecurrentRun<float>*, const RecurrentGradients<float>*, Index,
                           Workspace&);
template void run_backward(const RecurrentRun<double>*, const RecurrentGradients<double>*, Index,
                           Workspace&);

}  // namespace lstm_native
