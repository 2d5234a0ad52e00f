#include <algorithm>
#include <vector>

#include "core/recurrent/cell_forward.hpp"
#include "core/recurrent/layer_norm.hpp"
#include "core/recurrent/recurrent_loop.hpp"
#include "core/recurrent/sequence_masks.hpp"
#include "core/runtime/team.hpp"
#include "core/runtime/threads.hpp"

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

// Rows that make up for reading the input's weights in every step: from a cache, and from memory.
constexpr Index kRowsInStep = 4, kRowsFromMemory = 32;

/// Of the gates for one input, and of all weights.
template <class T>
struct WeightBytes {
  Index per_row, input, recurrent;

  explicit WeightBytes(const RecurrentWeights<T>& w)
      : per_row(w.order.columns() * Index{sizeof(T)}),
        input(w.inputs * per_row),
        recurrent(w.plan.recurrent ? w.outputs() * per_row : 0) {}

  bool fit_last_level() const { return input + recurrent < kLastLevelCache; }
};

template <class T>
Projection choose_projection(const RecurrentRun<T>& run, Index rows) {
  const RecurrentWeights<T>& w = *run.weights;
  // Whole rows of sums are normalised; half a step's kernel has half the gates.
  if (w.plan.layer_norm || w.plan.phase_count > 1) return Projection::chunks;
  const WeightBytes<T> bytes(w);
  const Index enough = bytes.fit_last_level() ? kRowsInStep : kRowsFromMemory;
  if (rows >= enough || bytes.recurrent <= kFirstLevelCache) return Projection::in_step;
  const bool ahead = rows == 1 && !run.offsets && w.phases[0].cell->ahead_rows > 0;
  return ahead && bytes.fit_last_level() ? Projection::ahead : Projection::chunks;
}

// Steps by which a layer follows the one below: few, since it waits for them, but not one, since
// threads that look at each other's progress at every step slow each other down.
constexpr Index kStepsBehind = 8;

template <class T>
Index choose_chunk(Projection projection, const RecurrentRun<T>& run) {
  const RecurrentWeights<T>& w = *run.weights;
  switch (projection) {
    case Projection::in_step: return run.timesteps;
    case Projection::ahead: return w.phases[0].cell->ahead_rows;
    case Projection::chunks: break;
  }
  const WeightBytes<T> bytes(w);
  const Index steps = steps_per_chunk(run.samples, bytes.per_row, run.timesteps);
  if (bytes.fit_last_level()) return steps;
  // Each chunk drives the recurrent weights out of the cache: few of them, which take no more
  // memory than the input's weights.
  return std::min(std::max(steps, w.inputs / run.samples), run.timesteps);
}

// Gates that are not kept: of the step under way, of a chunk, or of two that take turns.
Index scratch_steps(Projection projection, Index chunk) {
  switch (projection) {
    case Projection::in_step: return 1;
    case Projection::ahead: return 2 * chunk;
    case Projection::chunks: break;
  }
  return chunk;
}

template <class T>
Steps<T> scratch_gates(T* data, Projection projection, Index samples, Index columns) {
  return {data, projection == Projection::in_step ? 0 : samples * columns, columns};
}

template <class T>
struct Forward {
  const RecurrentWeights<T>& w;
  const RecurrentRun<T>& run;
  Projection projection;
  Index chunk;
  Steps<T> gates;                   // of all steps or, when none are kept, where they take turns
  const Progress* input = nullptr;  // of the part that writes x, when it still does
  Progress* output = nullptr;       // this part's own, when another follows it

  /// The samples `rows` and the hidden units `units` through all steps; `outputs`: this part's
  /// share of a projection. `barrier` is where the parts of these samples meet.
  void part(Range rows, Range units, Range outputs, Barrier& barrier) const {
    CellForward<T> cell(w, units.begin, units.end, outputs.begin, outputs.end);
    cell.prepare(run.gates != nullptr, run.y.row_stride);
    if (projection == Projection::in_step) {
      cell.project_in_step(run.x.row_stride);
      if (run.gates) clear_padding(rows, units);
    }
    StepArgs<T>& args = cell.args();
    const bool general = w.projection || w.phases[0].cell->general;
    // Steps between which nothing is left to do.
    const bool many = cell.runs_many() && barrier.alone() && !run.offsets;
    if (many) set_strides(args);
    CellStep<T> step;
    Index steps = first_chunk();
    for (Index t0 = 0, turn = 0; t0 < run.timesteps; t0 += steps, turn = 1 - turn) {
      if (run.active(t0, rows.begin, rows.end) == 0) return;  // nor at any later step
      if (t0 > 0) steps = std::min(chunk, run.timesteps - t0);
      if (input) input->wait_for(input_needed(t0 + steps));
      const Steps<T> own = chunk_gates(t0, turn);
      if (projection == Projection::chunks || (projection == Projection::ahead && t0 == 0))
        project(t0, steps, rows, units, own);
      if (projection == Projection::ahead)
        project_ahead(args, t0 + steps, steps, rows, units,
                      chunk_gates(t0 + steps, 1 - turn).at(0, rows.begin));
      const Index first_group = args.ahead_begin;
      for (Index i = 0, count = 1; i < steps; i += count) {
        const Index t = t0 + i, active = run.active(t, rows.begin, rows.end);
        if (active == 0) return;
        args.ahead_begin = first_group + i * args.ahead_share;
        set(step, t, rows.begin);
        step.rows = active;
        step.gates = own.at(i, rows.begin);
        if (projection == Projection::in_step) step.x = run.x.at(t, rows.begin);
        if (general) {
          set_extras(step, t, rows.begin);
          draw_zoneout(run, t, {rows.begin, rows.begin + active}, units,
                       w.projection ? outputs : units);
        }
        if (many) {
          count = output ? std::min(steps - i, kStepsBehind - t % kStepsBehind) : steps - i;
          cell.run_many(step, count);
        } else {
          cell.run(step, [&] { barrier.wait(); });
          barrier.wait();
        }
        const Index done = t + count;
        if (output && (done % kStepsBehind == 0 || done == run.timesteps)) output->reach(done);
      }
    }
  }

 private:
  /// What is projected ahead are whole chunks: the first one takes what is left over.
  Index first_chunk() const {
    return projection == Projection::ahead ? (run.timesteps - 1) % chunk + 1
                                           : std::min(chunk, run.timesteps);
  }

  /// How many steps of x the chunk looks at that ends before step t.
  Index input_needed(Index t) const {
    const Index end = t + (projection == Projection::ahead ? chunk : 0);
    return std::min(round_up(end, kStepsBehind), run.timesteps);
  }

  /// Of the chunk at step t. Of those that are not kept, two take turns where one is projected
  /// beside the other's steps.
  Steps<T> chunk_gates(Index t, Index turn) const {
    if (run.gates) return gates.from(std::min(t, run.timesteps - 1));
    return gates.from(projection == Projection::ahead ? turn * chunk : 0);
  }

  void set_strides(StepArgs<T>& args) const {
    args.gates_step = gates.time_stride;
    if (projection == Projection::in_step) args.x_step = run.x.time_stride;
    if (run.y) args.y_step = run.y.time_stride;
    if (run.c && run.gates) args.c_step = run.samples * w.padded();
    if (run.keep_sequence) args.h_step = run.samples * w.padded_outputs();
  }

  void set(CellStep<T>& step, Index t, Index row) const {
    step.h_prev = step.recur_prev = run.h_at(t, row);
    step.h = run.h_at(t + 1, row);
    if (run.c) {
      step.c_prev = run.c_at(t, row);
      step.c = run.c_at(t + 1, row);
    }
    if (run.y) step.y = run.y.at(t, row);
    step.last_first = t % 2 != 0;
  }

  void set_extras(CellStep<T>& step, Index t, Index row) const {
    const RunExtras<T>& e = run.extras;
    const Index P = w.padded(), PR = w.padded_outputs(), kept = run.kept_row(t) + row;
    if (e.recur) {
      step.recur_prev = run.recur_at(t, row);
      step.recur = run.recur_at(t + 1, row);
      step.mask = e.recurrent_mask + row * PR;
    }
    if (e.unprojected) step.unprojected = e.unprojected + kept * P;
    if (e.candidate) step.candidate = e.candidate + kept * P;
    step.keep_per_row = e.random;
    if (e.keep_h) step.keep_h = e.keep_h + (e.random ? row * PR : 0);
    if (e.keep_c) step.keep_c = e.keep_c + (e.random ? row * P : 0);
    if (e.norm_recurrent) {
      step.norm_recurrent = e.norm_recurrent + kept * w.order.columns();
      step.norm_cell = e.norm_cell + kept * P;
      step.norm_scale = e.norm_scale + kept * 3;
    }
  }

  void project(Index t, Index steps, Range rows, Range units, const Steps<T>& all) const {
    const Index begin = units.begin * w.order.gates;  // of its columns in gate order
    ProductArgs<T> args;
    args.depth = w.inputs;
    args.cols = round_up(units.end, w.order.block) * w.order.gates - begin;
    args.packed = w.input + begin * w.inputs;
    args.bias = w.plan.layer_norm ? nullptr : w.bias + begin;
    Steps<T> own = all;
    own.data += begin;
    product_over_steps<T>(*w.kernels, args, run.x.from(t), own, steps, rows.begin, rows.end,
                          [&](Index i) { return run.rows_at(t + i); });
    if (!w.plan.layer_norm) return;
    for (Index i = 0; i < steps; ++i)
      for (Index n = 0; n < run.active(t + i, rows.begin, rows.end); ++n)
        normalise_input(t + i, rows.begin + n, all.at(i, rows.begin + n));
  }

  void normalise_input(Index t, Index row, T* gates_row) const {
    const Index kept = run.kept_row(t) + row;
    T* const normal = run.gates ? run.extras.norm_input + kept * w.order.columns() : nullptr;
    const T scale = scale_normal(w.order, w.norm_input, w.bias, gates_row, normal);
    if (normal) run.extras.norm_scale[3 * kept] = scale;
  }

  /// Has the steps of a chunk project the next one, which begins at step t, into `out`.
  void project_ahead(StepArgs<T>& args, Index t, Index steps, Range rows, Range units,
                     T* out) const {
    args.ahead.rows = 0;
    if (t >= run.timesteps) return;
    ProductArgs<T>& ahead = args.ahead;
    ahead.rows = chunk;
    ahead.depth = w.inputs;
    ahead.cols = w.order.columns();
    ahead.packed = w.input;
    ahead.bias = w.bias;
    ahead.a = run.x.at(t, rows.begin);
    ahead.a_stride = run.x.time_stride;
    ahead.out = out;
    ahead.out_stride = gates.time_stride;
    // Groups that lie on the border of two parts belong to the first of them.
    const Index columns = w.phases[0].cell->ahead_columns;
    const auto group = [&](Index unit) { return (unit * w.order.gates + columns - 1) / columns; };
    args.ahead_begin = group(units.begin);
    args.ahead_end = group(round_up(units.end, w.order.block));
    args.ahead_share = (args.ahead_end - args.ahead_begin + steps - 1) / steps;
  }

  /// Steps write whole panels of units; a gate block may hold more. The products of the backward
  /// pass read it all.
  void clear_padding(Range rows, Range units) const {
    const GateOrder& order = w.order;
    const Index written = round_up(order.hidden_size, w.kernels->lanes);
    if (units.end < order.hidden_size || written == order.padded()) return;
    for (Index t = 0; t < run.timesteps; ++t)
      for (Index n = rows.begin; n < rows.begin + run.active(t, rows.begin, rows.end); ++n)
        for (Index g = 0; g < order.gates; ++g)
          std::fill_n(gates.at(t, n) + order.column(g, written), order.padded() - written, T(0));
  }
};

}  // namespace

template <class T>
void run_forward(const RecurrentRun<T>* runs, Index count, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const RecurrentRun<T>& any = runs[0];
  const RecurrentWeights<T>& w = *any.weights;
  const Index N = any.samples, H = w.order.hidden_size, columns = w.order.columns();
  const StepSize size = step_size(any);
  const double work = forward_work(any);
  Gang gang(parallel_parts(count * H * N, static_cast<double>(count) * work));
  const Schedule schedule = choose_schedule(count, gang.size(), parallel_parts(H * N, work), size);
  const Index at_once = schedule.at_once;
  const Partition grid = schedule.grid;
  const RowShares row_parts(any, grid.row_parts);
  // Of the largest part: `ahead` is for one row alone.
  Index rows = 0;
  for (Index i = 0; i < grid.row_parts; ++i) rows = std::max(rows, row_parts[i].size());
  const Projection projection = choose_projection(any, rows);
  const Index chunk = choose_chunk(projection, any);
  const Index scratch_size = scratch_steps(projection, chunk) * N * columns;
  T* const scratch = any.gates ? nullptr : workspace.take<T>(at_once * scratch_size);
  const auto forward = [&](Index run, Index slot) {
    const RecurrentRun<T>& r = runs[run];
    const Steps<T> gates =
        r.gates ? r.kept_steps(r.gates, columns)
                : scratch_gates(scratch + slot * scratch_size, projection, N, columns);
    return Forward<T>{*r.weights, r, projection, chunk, gates};
  };
  Barriers barriers(at_once * grid.row_parts, grid.unit_parts);
  for (Index done = 0; done < count; done += at_once)
    gang.run(at_once * grid.parts(), [&, done](Index part) {
      const Index slot = part / grid.parts(), group = part / grid.unit_parts;
      const Index unit = part % grid.unit_parts;
      forward(done + slot, slot)
          .part(row_parts[group % grid.row_parts],
                part_of(H, grid.unit_parts, unit, size.unit_multiple),
                part_of(w.outputs(), grid.unit_parts, unit, size.unit_multiple), barriers[group]);
    });
}

namespace {

/// Runs so many of the layers at the same time, each on one thread: as many as there are threads,
/// or none where that does not pay.
template <class T>
Index run_at_once(const RecurrentRun<T>* runs, Index count, Workspace& workspace) {
  constexpr Index kSteps = 8 * kStepsBehind;  // fewer are over before the last layer begins
  if (count == 1 || runs[0].timesteps < kSteps || runs[0].offsets) return 0;
  const Workspace::Scope scope(workspace);
  const Index N = runs[0].samples;
  const GateOrder& order = runs[0].weights->order;
  const double work = std::min(forward_work(runs[0]), forward_work(runs[1]));
  Gang gang(parallel_parts(count, static_cast<double>(count) * work));
  StepSize size = step_size(runs[1]);
  size.inputs = std::max(size.inputs, runs[0].weights->inputs);
  const Index parts = gang.size(), alone = parallel_parts(order.hidden_size * N, work);
  if (choose_schedule(parts, parts, alone, size).at_once == 1) return 0;

  std::vector<Progress> progress(static_cast<std::size_t>(parts));
  std::vector<Forward<T>> layers;
  for (Index l = 0; l < parts; ++l) {
    const RecurrentRun<T>& run = runs[l];
    const Projection projection = choose_projection(run, N);
    const Index chunk = projection == Projection::ahead
                            ? choose_chunk(projection, run)
                            : std::min(choose_chunk(projection, run), kStepsBehind);
    const Index columns = order.columns();
    const Steps<T> gates =
        run.gates ? run.kept_steps(run.gates, columns)
                  : scratch_gates(workspace.take<T>(scratch_steps(projection, chunk) * N * columns),
                                  projection, N, columns);
    Progress* const own = &progress[static_cast<std::size_t>(l)];
    layers.push_back({*run.weights, run, projection, chunk, gates, l > 0 ? own - 1 : nullptr,
                      l < parts - 1 ? own : nullptr});
  }
  gang.run(parts, [&](Index part) {
    Barrier alone_here;
    layers[static_cast<std::size_t>(part)].part({0, N}, {0, order.hidden_size},
                                                {0, runs[0].weights->outputs()}, alone_here);
  });
  return parts;
}

}  // namespace

template <class T>
void run_stack(const RecurrentRun<T>* runs, Index count, Workspace& workspace) {
  while (count > 0) {
    Index ran = run_at_once(runs, count, workspace);
    if (ran == 0) {
      run_forward(runs, 1, workspace);
      ran = 1;
    }
    runs += ran;
    count -= ran;
  }
}

template void run_stack(const RecurrentRun<float>*, Index, Workspace&);
template void run_stack(const RecurrentRun<double>*, Index, Workspace&);
template void run_forward(const RecurrentRun<float>*, Index, Workspace&);
template void run_forward(const RecurrentRun<double>*, Index, Workspace&);

}  // namespace lstm_native
