#include <algorithm>
#include <vector>

#include "core/recurrent_loop.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"

namespace lstm_native {
namespace {

/// Where b + W x is made.
enum class Projection {
  in_step,  // by the step that uses it: nothing is written and read again
  ahead,    // of one sample's next chunk beside the steps of this one (see LstmStepArgs)
  chunks,   // for a chunk of steps at once: the weights are read once for many rows
};

// One sample's step reads the weights at the speed of the cache that holds them. From the first
// level, it multiplies as fast. From the next ones, the projection fills the gaps, unless the two
// matrices would drive each other out of the last.
constexpr Index kFirstLevelCache = 32 * 1024, kLastLevelCache = 16 * 1024 * 1024;

// Rows that make up for reading the input's weights in every step.
constexpr Index kRowsInStep = 4;

template <class T>
Projection choose_projection(const RecurrentWeights<T>& w, Index rows) {
  const Index per_input = w.order.columns() * Index{sizeof(T)};
  const Index recurrent = w.order.hidden_size * per_input, all = recurrent + w.inputs * per_input;
  if (rows >= kRowsInStep || recurrent <= kFirstLevelCache) return Projection::in_step;
  return rows == 1 && w.kernels->ahead_rows > 0 && all < kLastLevelCache ? Projection::ahead
                                                                         : Projection::chunks;
}

template <class T>
struct Forward {
  const RecurrentWeights<T>& w;
  const RecurrentRun<T>& run;
  Projection projection;
  Index chunk;
  Steps<T> gates;  // of all steps or, when none are kept, of two chunks that take turns

  /// The samples `rows` and the hidden units `units` through all steps. `barrier` is where the
  /// parts of these samples meet.
  void part(Range rows, Range units, Barrier& barrier) const {
    LstmStepArgs<T> args;
    args.rows = rows.size();
    args.hidden_size = w.order.hidden_size;
    args.unit_begin = units.begin;
    args.unit_end = units.end;
    args.recurrent = w.recurrent;
    args.remember = run.gates != nullptr;
    if (projection == Projection::in_step) {
      args.inputs = w.inputs;
      args.x_stride = run.x.row_stride;
      args.input = w.input_of_steps;
      args.bias = w.bias;
      if (args.remember) clear_padding(rows, units);
    }
    for (Index t0 = 0; t0 < run.timesteps; t0 += chunk) {
      const Index steps = std::min(chunk, run.timesteps - t0);
      if (projection == Projection::chunks || (projection == Projection::ahead && t0 == 0))
        project(t0, steps, rows, units);
      if (projection == Projection::ahead) args.ahead = ahead_of(t0 + steps, rows);
      for (Index i = 0; i < steps; ++i) {
        if (projection == Projection::ahead) {
          const Range part = part_of(w.inputs, steps, i);
          args.ahead_begin = part.begin;
          args.ahead_end = part.end;
        } else if (projection == Projection::in_step) {
          args.x = run.x.at(t0 + i, rows.begin);
        }
        args.gates = at_chunk(t0).at(i, rows.begin);
        step(t0 + i, rows, args);
        barrier.wait();
      }
    }
  }

 private:
  Steps<T> at_chunk(Index t) const { return gates.from(run.gates ? t : t / chunk % 2 * chunk); }

  void project(Index t, Index steps, Range rows, Range units) const {
    const Index begin = units.begin * w.order.gates;  // of its columns in gate order
    ProductArgs<T> args;
    args.depth = w.inputs;
    args.cols = round_up(units.end, w.order.block) * w.order.gates - begin;
    args.packed = w.input + begin * w.inputs;
    args.bias = w.bias + begin;
    const Steps<T> all = at_chunk(t), own{all.data + begin, all.time_stride, all.row_stride};
    product_over_steps<T>(*w.kernels, args, run.x.from(t), own, steps, rows.begin, rows.end);
  }

  /// The projection of the chunk that begins at step t; of no rows when there is none.
  ProductArgs<T> ahead_of(Index t, Range rows) const {
    ProductArgs<T> args;
    if (t >= run.timesteps) return args;
    args.rows = std::min(chunk, run.timesteps - t);
    args.depth = w.inputs;
    args.packed = w.input;
    args.bias = w.bias;
    args.a = run.x.at(t, rows.begin);
    args.a_stride = run.x.time_stride;
    args.out = at_chunk(t).at(0, rows.begin);
    args.out_stride = gates.time_stride;
    return args;
  }

  /// Steps write whole panels of units; a gate block may hold more. The products of the backward
  /// pass read it all.
  void clear_padding(Range rows, Range units) const {
    const GateOrder& order = w.order;
    const Index written = round_up(order.hidden_size, w.kernels->lanes);
    if (units.end < order.hidden_size || written == order.padded()) return;
    for (Index t = 0; t < run.timesteps; ++t)
      for (Index n = rows.begin; n < rows.end; ++n)
        for (Index g = 0; g < order.gates; ++g)
          std::fill_n(gates.at(t, n) + order.column(g, written), order.padded() - written, T(0));
  }

  void step(Index t, Range rows, LstmStepArgs<T>& args) const {
    const Index N = run.samples, P = w.order.padded();
    const auto h_at = [&](Index step) {
      return run.h + ((run.keep_sequence ? step : step % 2) * N + rows.begin) * P;
    };
    args.last_first = t % 2 != 0;
    args.h_prev = h_at(t);
    args.h = h_at(t + 1);
    args.c_prev = run.c + ((args.remember ? t : 0) * N + rows.begin) * P;
    args.c = run.c + ((args.remember ? t + 1 : 0) * N + rows.begin) * P;
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
  const StepSize size = step_size(w, run);
  Gang gang(parallel_parts(w.order.hidden_size * N, forward_work(w, run)));
  const Partition grid = choose_partition(gang.size(), size);
  // One way for all parts: that of the one with the most samples.
  const Index rows = (N + grid.row_parts - 1) / grid.row_parts;
  const Projection projection = choose_projection(w, rows);
  const Index chunk = projection == Projection::in_step ? 1
                      : projection == Projection::ahead
                          ? w.kernels->ahead_rows
                          : steps_per_chunk(N, columns * Index{sizeof(T)}, run.timesteps);
  T* const gates = run.gates ? run.gates : workspace.take<T>(2 * chunk * N * columns);
  const Forward<T> forward{w, run, projection, chunk, {gates, N * columns, columns}};
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
