#include <algorithm>
#include <vector>

#include "core/recurrent_loop.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"
#include "core/weight_gradient.hpp"

namespace lstm_native {
namespace {

// Chunks of fewer samples would read and write the weights' gradients too often.
constexpr Index kSamplesPerChunk = 256;

/// Back through time in chunks: first the gates' gradients of a chunk, step by step, then what
/// follows from them at once, the gradients of input and weights.
template <class T>
struct Backward {
  const RecurrentWeights<T>& w;
  const RecurrentRun<T>& run;
  const RecurrentGradients<T>& g;
  Index chunk;
  bool input_later;  // dx waits for all runs: they share it
  const WeightGradient<T>& weights;

  struct Part {
    Index index;
    Index unit_part, unit_parts;
    Range rows, units;
    Barrier& group;  // the parts of the same samples
    Barrier& all;
  };

  void part(const Part& p) const {
    for (Index t1 = run.timesteps; t1 > 0;) {
      const Index t0 = std::max<Index>(0, (t1 - 1) / chunk * chunk);
      for (Index t = t1 - 1; t >= t0; --t) {
        gates(t, p);
        p.group.wait();  // the product needs the gradients of all units
        product(t, p);
      }
      if (g.dx && !input_later) {
        const Range own = part_of(t1 - t0, p.unit_parts, p.unit_part);
        input(t0 + own.begin, own.size(), p.rows);
      }
      p.all.wait();  // the weights' gradients are sums over all samples
      weights.add(t0, t1, p.index);
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
    const Steps<const T> from{gates_at(t, 0), run.samples * columns, columns};
    product_over_steps<T>(*w.kernels, args, from, g.dx.from(t), steps, rows.begin, rows.end);
  }

 private:
  T* gates_at(Index t, Index row) const {
    return run.gates + (t * run.samples + row) * w.order.columns();
  }

  void gates(Index t, const Part& p) const {
    const Index N = run.samples, P = w.order.padded();
    const auto c_at = [&](Index step) { return run.c + (step * N + p.rows.begin) * P; };
    LstmStepBackwardArgs<T> args;
    args.rows = p.rows.size();
    args.hidden_size = w.order.hidden_size;
    args.unit_begin = p.units.begin;
    args.unit_end = p.units.end;
    args.c_prev = c_at(t);
    args.c = c_at(t + 1);
    args.dh = g.dh + p.rows.begin * P;
    args.dc = g.dc + p.rows.begin * P;
    args.gates = gates_at(t, p.rows.begin);
    if (t > 0) {
      args.next_gates = gates_at(t - 1, p.rows.begin);
      args.next_c = c_at(t - 1);
    }
    if (g.dy && (!run.last_only || t == run.timesteps - 1)) {
      args.dy = g.dy.at(run.last_only ? 0 : t, p.rows.begin);
      args.dy_stride = g.dy.row_stride;
      if (!run.last_only && t > 0) args.next_dy = g.dy.at(t - 1, p.rows.begin);
    }
    w.kernels->lstm_step_backward(args);
  }

  void product(Index t, const Part& p) const {
    ProductArgs<T> args;
    args.rows = p.rows.size();
    args.depth = w.order.columns();
    args.cols = p.units.size();
    args.packed = w.recurrent_transposed + p.units.begin * args.depth;
    args.a = gates_at(t, p.rows.begin);
    args.a_stride = args.depth;
    args.out = g.dh + p.rows.begin * w.order.padded() + p.units.begin;
    args.out_stride = w.order.padded();
    w.kernels->product(args);
  }
};

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
  const Index chunk = std::max(steps_per_chunk(N, columns * Index{sizeof(T)}, any.timesteps),
                               (kSamplesPerChunk + N - 1) / N);
  Barrier everyone(parts);
  std::vector<Barrier> all(static_cast<std::size_t>(at_once));
  for (Barrier& barrier : all) barrier.reset(grid.parts());
  std::vector<Barrier> groups(static_cast<std::size_t>(at_once * grid.row_parts));
  for (Barrier& group : groups) group.reset(grid.unit_parts);
  for (Index done = 0; done < count; done += at_once) {
    const Workspace::Scope own(workspace);
    std::vector<WeightGradient<T>> weights;
    for (Index run = done; run < done + at_once; ++run)
      weights.emplace_back(runs[run], gradients[run], chunk, grid.parts(), workspace);
    const auto backward = [&](Index slot) {
      const Index run = done + slot;
      return Backward<T>{*runs[run].weights, runs[run],
                         gradients[run],     chunk,
                         at_once > 1,        weights[static_cast<std::size_t>(slot)]};
    };
    gang.run(parts, [&](Index part) {
      const Index slot = part / grid.parts(), group = part / grid.unit_parts;
      const Index unit = part % grid.unit_parts;
      backward(slot).part({part % grid.parts(), unit, grid.unit_parts,
                           part_of(N, grid.row_parts, group % grid.row_parts),
                           part_of(H, grid.unit_parts, unit, size.unit_multiple),
                           groups[static_cast<std::size_t>(group)],
                           all[static_cast<std::size_t>(slot)]});
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
