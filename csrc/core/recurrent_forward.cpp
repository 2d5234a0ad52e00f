#include <algorithm>
#include <vector>

#include "core/recurrent_loop.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"

namespace lstm_native {
namespace {

// Between these sizes a single sequence's projection is made beside its steps (LstmStepArgs).
// Smaller weights are read as fast as they can be multiplied; larger ones would drive each other
// out of the cache.
constexpr Index kFirstLevelCache = 32 * 1024, kLastLevelCache = 16 * 1024 * 1024;

template <class T>
struct Forward {
  const RecurrentWeights<T>& w;
  const RecurrentRun<T>& run;
  Steps<T> projected;
  Index chunk;

  /// The samples `rows` and the hidden units `units` through all steps. `barrier` is where the
  /// parts of these samples meet.
  void part(Range rows, Range units, Barrier& barrier) const {
    const KernelTable<T>& k = *w.kernels;
    ProductArgs<T> projection;
    const Index begin = units.begin * w.order.gates;  // of its columns in gate order
    projection.depth = w.inputs;
    projection.cols = round_up(units.end, w.order.block) * w.order.gates - begin;
    projection.packed = w.input.data() + begin * w.inputs;
    projection.bias = w.bias.data() + begin;

    // For one sample, what is needed next is projected while the step waits for its weights.
    const bool ahead = rows.size() == 1 && chunk <= k.ahead_rows && !w.projects_in_step;
    LstmStepArgs<T> args;
    args.rows = rows.size();
    args.hidden_size = w.order.hidden_size;
    args.unit_begin = units.begin;
    args.unit_end = units.end;
    args.recurrent = w.recurrent.data();
    if (w.projects_in_step) {
      args.inputs = w.inputs;
      args.x_stride = run.x.row_stride;
      args.input = w.input.data();
      args.bias = w.bias.data();
    }
    for (Index t0 = 0; t0 < run.timesteps; t0 += chunk) {
      const Index t1 = std::min(t0 + chunk, run.timesteps);
      const Steps<T> z = at_chunk(t0);
      if (!w.projects_in_step && (!ahead || t0 == 0)) {
        const Steps<T> own{z.data + begin, z.time_stride, z.row_stride};
        product_over_steps<T>(k, projection, run.x.from(t0), own, t1 - t0, rows.begin, rows.end);
      }
      if (ahead) {
        const Steps<T> next = at_chunk(t1);
        args.ahead.depth = w.inputs;
        args.ahead.packed = w.input.data();
        args.ahead.bias = w.bias.data();
        args.ahead.rows = std::min(chunk, run.timesteps - t1);
        args.ahead.a = run.x.at(t1, rows.begin);
        args.ahead.a_stride = run.x.time_stride;
        args.ahead.out = next.at(0, rows.begin);
        args.ahead.out_stride = next.time_stride;
      }
      for (Index t = t0; t < t1; ++t) {
        if (ahead) {
          const Range part = part_of(w.inputs, t1 - t0, t - t0);
          args.ahead_begin = part.begin;
          args.ahead_end = part.end;
        }
        step(t, z.at(t - t0, rows.begin), rows, args);
        barrier.wait();
      }
    }
  }

 private:
  /// Gates of the chunk that begins at step t. When none are kept, two buffers serve in turn.
  Steps<T> at_chunk(Index t) const { return projected.from(run.gates ? t : t / chunk % 2 * chunk); }

  void step(Index t, T* z, Range rows, LstmStepArgs<T>& args) const {
    const Index N = run.samples, P = w.order.padded();
    const bool remember = run.gates != nullptr;
    const auto h_at = [&](Index step) {
      return run.h + ((run.keep_sequence ? step : step % 2) * N + rows.begin) * P;
    };
    args.last_first = t % 2 != 0;
    args.gates = z;
    if (w.projects_in_step) args.x = run.x.at(t, rows.begin);
    args.h_prev = h_at(t);
    args.h = h_at(t + 1);
    args.c_prev = run.c + ((remember ? t : 0) * N + rows.begin) * P;
    args.c = run.c + ((remember ? t + 1 : 0) * N + rows.begin) * P;
    args.remember = remember;
    args.y_stride = run.y.row_stride;
    if (run.y && (!run.last_only || t == run.timesteps - 1))
      args.y = run.y.at(run.last_only ? 0 : t, rows.begin);
    w.kernels->lstm_step(args);
  }
};

}  // namespace

template <class T>
void run_forward(const RecurrentWeights<T>& w, const RecurrentRun<T>& run, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const Index N = run.samples, columns = w.order.columns();
  const KernelTable<T>& k = *w.kernels;
  const Index value = sizeof(T);
  const Index recurrent_bytes = columns * w.order.hidden_size * value;
  const Index all_bytes = recurrent_bytes + columns * w.inputs * value;
  const bool ahead = N == 1 && k.ahead_rows > 0 && recurrent_bytes > kFirstLevelCache &&
                     all_bytes < kLastLevelCache && !w.projects_in_step;
  const Index chunk = ahead ? k.ahead_rows : steps_per_chunk(N, columns * value, run.timesteps);
  T* const gates = run.gates ? run.gates : workspace.take<T>(2 * chunk * N * columns);
  const Forward<T> forward{w, run, {gates, N * columns, columns}, chunk};
  const StepSize size = step_size(w, run);
  Gang gang(parallel_parts(w.order.hidden_size * N, forward_work(w, run)));
  const Partition grid = choose_partition(gang.size(), size);
  std::vector<Barrier> barriers(static_cast<std::size_t>(grid.row_parts));
  for (Barrier& barrier : barriers) barrier.reset(grid.unit_parts);
  gang.run(grid.parts(), [&](Index part) {
    const Index row = part / grid.unit_parts;
    forward.part(
        part_of(N, grid.row_parts, row),
        part_of(w.order.hidden_size, grid.unit_parts, part % grid.unit_parts, size.unit_multiple),
        barriers[static_cast<std::size_t>(row)]);
  });
}

template void run_forward(const RecurrentWeights<float>&, const RecurrentRun<float>&, Workspace&);
template void run_forward(const RecurrentWeights<double>&, const RecurrentRun<double>&, Workspace&);

}  // namespace lstm_native
