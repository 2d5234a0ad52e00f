#include <algorithm>
#include <vector>

#include "core/recurrent/cell_forward.hpp"
#include "core/recurrent/layer_norm.hpp"
#include "core/recurrent/sequence_masks.hpp"
#include "core/recurrent/time_loop.hpp"
#include "core/runtime/team.hpp"
#include "core/runtime/threads.hpp"

namespace lstm_native {
namespace {

/// Where b + W x is made.
enum class Projection {
  in_step,  // by the step that uses it: nothing is written and read again
  ahead,    // of one sample's next chunk beside the steps of this one (see StepArgs::ahead)
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

  explicit WeightBytes(const RecurrentWeights<T>& weights)
      : per_row(weights.order.columns() * Index{sizeof(T)}),
        input(weights.inputs * per_row),
        recurrent(weights.plan.recurrent ? weights.outputs() * per_row : 0) {}

  bool fit_last_level() const { return input + recurrent < kLastLevelCache; }
};

template <class T>
Projection choose_projection(const TimeLoop<T>& loop, Index rows) {
  const RecurrentWeights<T>& weights = *loop.weights;
  // Whole rows of sums are normalised; half a step's kernel has half the gates.
  if (weights.plan.layer_norm || weights.plan.phase_count > 1) return Projection::chunks;
  const WeightBytes<T> bytes(weights);
  const Index enough = bytes.fit_last_level() ? kRowsInStep : kRowsFromMemory;
  if (rows >= enough || bytes.recurrent <= kFirstLevelCache) return Projection::in_step;
  const bool ahead = rows == 1 && !loop.offsets && weights.phases[0].cell->ahead_rows > 0;
  return ahead && bytes.fit_last_level() ? Projection::ahead : Projection::chunks;
}

// Steps by which a layer follows the one below: few, since it waits for them, but not one, since
// threads that look at each other's progress at every step slow each other down.
constexpr Index kStepsBehind = 8;

template <class T>
Index choose_chunk(Projection projection, const TimeLoop<T>& loop) {
  const RecurrentWeights<T>& weights = *loop.weights;
  switch (projection) {
    case Projection::in_step: return loop.timesteps;
    case Projection::ahead: return weights.phases[0].cell->ahead_rows;
    case Projection::chunks: break;
  }
  const WeightBytes<T> bytes(weights);
  const Index steps = steps_per_chunk(loop.samples, bytes.per_row, loop.timesteps);
  if (bytes.fit_last_level()) return steps;
  // Each chunk drives the recurrent weights out of the cache: few of them, which take no more
  // memory than the input's weights.
  return std::min(std::max(steps, weights.inputs / loop.samples), loop.timesteps);
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
SequenceView<T> scratch_gates(T* data, Projection projection, Index samples, Index columns) {
  return {data, projection == Projection::in_step ? 0 : samples * columns, columns};
}

template <class T>
struct ForwardLoop {
  const RecurrentWeights<T>& weights;
  const TimeLoop<T>& loop;
  Projection projection;
  Index chunk;
  SequenceView<T> gates;            // of all steps or, when none are kept, where they take turns
  const Progress* input = nullptr;  // of the part that writes x, when it still does
  Progress* output = nullptr;       // this part's own, when another follows it

  /// The samples `rows` and the hidden units `units` through all steps; `outputs`: this part's
  /// share of a projection. `barrier` is where the parts of these samples meet.
  void part(Range rows, Range units, Range outputs, Barrier& barrier) const {
    CellForward<T> cell(weights, units.begin, units.end, outputs.begin, outputs.end);
    cell.prepare(loop.gates != nullptr, loop.y.row_stride);
    if (projection == Projection::in_step) {
      cell.project_in_step(loop.x.row_stride);
      if (loop.gates) clear_padding(rows, units);
    }
    StepArgs<T>& args = cell.args();
    const bool general = weights.projection || weights.phases[0].cell->general;
    // Steps between which nothing is left to do.
    const bool many = cell.can_take_many() && barrier.alone() && !loop.offsets;
    if (many) set_strides(args);
    CellStep<T> step;
    Index steps = first_chunk();
    for (Index t0 = 0, turn = 0; t0 < loop.timesteps; t0 += steps, turn = 1 - turn) {
      if (loop.active(t0, rows.begin, rows.end) == 0) return;  // nor at any later step
      if (t0 > 0) steps = std::min(chunk, loop.timesteps - t0);
      if (input) input->wait_for(input_needed(t0 + steps));
      const SequenceView<T> own = chunk_gates(t0, turn);
      if (projection == Projection::chunks || (projection == Projection::ahead && t0 == 0))
        project(t0, steps, rows, units, own);
      if (projection == Projection::ahead)
        project_ahead(args, t0 + steps, steps, rows, units,
                      chunk_gates(t0 + steps, 1 - turn).at(0, rows.begin));
      const Index first_group = args.ahead_begin;
      for (Index i = 0, count = 1; i < steps; i += count) {
        const Index t = t0 + i, active = loop.active(t, rows.begin, rows.end);
        if (active == 0) return;
        args.ahead_begin = first_group + i * args.ahead_share;
        set(step, t, rows.begin);
        step.rows = active;
        step.gates = own.at(i, rows.begin);
        if (projection == Projection::in_step) step.x = loop.x.at(t, rows.begin);
        if (general) {
          set_extras(step, t, rows.begin);
          draw_zoneout(loop, t, {rows.begin, rows.begin + active}, units,
                       weights.projection ? outputs : units);
        }
        if (many) {
          count = output ? std::min(steps - i, kStepsBehind - t % kStepsBehind) : steps - i;
          cell.take_many(step, count);
        } else {
          cell.take(step, [&] { barrier.wait(); });
          barrier.wait();
        }
        const Index done = t + count;
        if (output && (done % kStepsBehind == 0 || done == loop.timesteps)) output->reach(done);
      }
    }
  }

 private:
  /// What is projected ahead are whole chunks: the first one takes what is left over.
  Index first_chunk() const {
    return projection == Projection::ahead ? (loop.timesteps - 1) % chunk + 1
                                           : std::min(chunk, loop.timesteps);
  }

  /// How many steps of x the chunk looks at that ends before step t.
  Index input_needed(Index t) const {
    const Index end = t + (projection == Projection::ahead ? chunk : 0);
    return std::min(round_up(end, kStepsBehind), loop.timesteps);
  }

  /// Of the chunk at step t. Of those that are not kept, two take turns where one is projected
  /// beside the other's steps.
  SequenceView<T> chunk_gates(Index t, Index turn) const {
    if (loop.gates) return gates.from(std::min(t, loop.timesteps - 1));
    return gates.from(projection == Projection::ahead ? turn * chunk : 0);
  }

  void set_strides(StepArgs<T>& args) const {
    args.gates_step = gates.time_stride;
    if (projection == Projection::in_step) args.x_step = loop.x.time_stride;
    if (loop.y) args.y_step = loop.y.time_stride;
    if (loop.c && loop.gates) args.c_step = loop.samples * weights.padded();
    if (loop.keep_sequence) args.h_step = loop.samples * weights.padded_outputs();
  }

  void set(CellStep<T>& step, Index t, Index row) const {
    step.h_prev = step.recur_prev = loop.h_at(t, row);
    step.h = loop.h_at(t + 1, row);
    if (loop.c) {
      step.c_prev = loop.c_at(t, row);
      step.c = loop.c_at(t + 1, row);
    }
    if (loop.y) step.y = loop.y.at(t, row);
    step.last_first = t % 2 != 0;
  }

  void set_extras(CellStep<T>& step, Index t, Index row) const {
    const LoopExtras<T>& extras = loop.extras;
    const Index padded = weights.padded(), padded_outputs = weights.padded_outputs(),
                kept = loop.kept_row(t) + row;
    if (extras.recur) {
      step.recur_prev = loop.recur_at(t, row);
      step.recur = loop.recur_at(t + 1, row);
      step.mask = extras.recurrent_mask + row * padded_outputs;
    }
    if (extras.unprojected) step.unprojected = extras.unprojected + kept * padded;
    if (extras.candidate) step.candidate = extras.candidate + kept * padded;
    step.keep_per_row = extras.random;
    if (extras.keep_h) step.keep_h = extras.keep_h + (extras.random ? row * padded_outputs : 0);
    if (extras.keep_c) step.keep_c = extras.keep_c + (extras.random ? row * padded : 0);
    if (extras.norm_recurrent) {
      step.norm_recurrent = extras.norm_recurrent + kept * weights.order.columns();
      step.norm_cell = extras.norm_cell + kept * padded;
      step.norm_scale = extras.norm_scale + kept * 3;
    }
  }

  void project(Index t, Index steps, Range rows, Range units, const SequenceView<T>& all) const {
    const Index begin = units.begin * weights.order.gates;  // of its columns in gate order
    ProductArgs<T> args;
    args.depth = weights.inputs;
    args.cols = round_up(units.end, weights.order.block) * weights.order.gates - begin;
    args.packed = weights.input + begin * weights.inputs;
    args.bias = weights.plan.layer_norm ? nullptr : weights.bias + begin;
    SequenceView<T> own = all;
    own.data += begin;
    product_over_steps<T>(*weights.kernels, args, loop.x.from(t), own, steps, rows.begin, rows.end,
                          [&](Index i) { return loop.rows_at(t + i); });
    if (!weights.plan.layer_norm) return;
    for (Index i = 0; i < steps; ++i)
      for (Index n = 0; n < loop.active(t + i, rows.begin, rows.end); ++n)
        normalise_input(t + i, rows.begin + n, all.at(i, rows.begin + n));
  }

  void normalise_input(Index t, Index row, T* gates_row) const {
    const Index kept = loop.kept_row(t) + row;
    T* const normal =
        loop.gates ? loop.extras.norm_input + kept * weights.order.columns() : nullptr;
    const T scale =
        scale_normal(weights.order, weights.norm_input, weights.bias, gates_row, normal);
    if (normal) loop.extras.norm_scale[3 * kept] = scale;
  }

  /// Has the steps of a chunk project the next one, which begins at step t, into `out`.
  void project_ahead(StepArgs<T>& args, Index t, Index steps, Range rows, Range units,
                     T* out) const {
    args.ahead.rows = 0;
    if (t >= loop.timesteps) return;
    ProductArgs<T>& ahead = args.ahead;
    ahead.rows = chunk;
    ahead.depth = weights.inputs;
    ahead.cols = weights.order.columns();
    ahead.packed = weights.input;
    ahead.bias = weights.bias;
    ahead.a = loop.x.at(t, rows.begin);
    ahead.a_stride = loop.x.time_stride;
    ahead.out = out;
    ahead.out_stride = gates.time_stride;
    // Groups that lie on the border of two parts belong to the first of them.
    const Index columns = weights.phases[0].cell->ahead_columns;
    const auto group = [&](Index unit) {
      return (unit * weights.order.gates + columns - 1) / columns;
    };
    args.ahead_begin = group(units.begin);
    args.ahead_end = group(round_up(units.end, weights.order.block));
    args.ahead_share = (args.ahead_end - args.ahead_begin + steps - 1) / steps;
  }

  /// Steps write whole panels of units; a gate block may hold more. The products of the backward
  /// pass read it all.
  void clear_padding(Range rows, Range units) const {
    const GateOrder& order = weights.order;
    const Index written = round_up(order.hidden_size, weights.kernels->lanes);
    if (units.end < order.hidden_size || written == order.padded()) return;
    for (Index t = 0; t < loop.timesteps; ++t)
      for (Index n = rows.begin; n < rows.begin + loop.active(t, rows.begin, rows.end); ++n)
        for (Index g = 0; g < order.gates; ++g)
          std::fill_n(gates.at(t, n) + order.column(g, written), order.padded() - written, T(0));
  }
};

}  // namespace

template <class T>
void forward_directions(const TimeLoop<T>* loops, Index count, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const TimeLoop<T>& any = loops[0];
  const RecurrentWeights<T>& weights = *any.weights;
  const Index samples = any.samples, hidden_size = weights.order.hidden_size,
              columns = weights.order.columns();
  const StepSize size = step_size(any);
  const double work = forward_work(any);
  Gang gang(parallel_parts(count * hidden_size * samples, static_cast<double>(count) * work));
  const Schedule schedule =
      choose_schedule(count, gang.size(), parallel_parts(hidden_size * samples, work), size);
  const Index at_once = schedule.at_once;
  const Partition grid = schedule.grid;
  const RowShares row_parts(any, grid.row_parts);
  // Of the largest part: `ahead` is for one row alone.
  Index rows = 0;
  for (Index i = 0; i < grid.row_parts; ++i) rows = std::max(rows, row_parts[i].size());
  const Projection projection = choose_projection(any, rows);
  const Index chunk = choose_chunk(projection, any);
  const Index scratch_size = scratch_steps(projection, chunk) * samples * columns;
  T* const scratch = any.gates ? nullptr : workspace.take<T>(at_once * scratch_size);
  const auto forward = [&](Index index, Index slot) {
    const TimeLoop<T>& loop = loops[index];
    const SequenceView<T> gates =
        loop.gates ? loop.kept_steps(loop.gates, columns)
                   : scratch_gates(scratch + slot * scratch_size, projection, samples, columns);
    return ForwardLoop<T>{*loop.weights, loop, projection, chunk, gates};
  };
  Barriers barriers(at_once * grid.row_parts, grid.unit_parts);
  for (Index done = 0; done < count; done += at_once)
    gang.run(at_once * grid.parts(), [&, done](Index part) {
      const Index slot = part / grid.parts(), group = part / grid.unit_parts;
      const Index unit = part % grid.unit_parts;
      forward(done + slot, slot)
          .part(row_parts[group % grid.row_parts],
                part_of(hidden_size, grid.unit_parts, unit, size.unit_multiple),
                part_of(weights.outputs(), grid.unit_parts, unit, size.unit_multiple),
                barriers[group]);
    });
}

namespace {

/// Layers that go at the same time, each on one thread and some steps behind the one below: as many
/// as there are threads, or none where that does not pay. Returns how many.
template <class T>
Index forward_staggered(const TimeLoop<T>* loops, Index count, Workspace& workspace) {
  constexpr Index kSteps = 8 * kStepsBehind;  // fewer are over before the last layer begins
  if (count == 1 || loops[0].timesteps < kSteps || loops[0].offsets) return 0;
  const Workspace::Scope scope(workspace);
  const Index samples = loops[0].samples;
  const GateOrder& order = loops[0].weights->order;
  const double work = std::min(forward_work(loops[0]), forward_work(loops[1]));
  Gang gang(parallel_parts(count, static_cast<double>(count) * work));
  StepSize size = step_size(loops[1]);
  size.inputs = std::max(size.inputs, loops[0].weights->inputs);
  const Index parts = gang.size(), alone = parallel_parts(order.hidden_size * samples, work);
  if (choose_schedule(parts, parts, alone, size).at_once == 1) return 0;

  std::vector<Progress> progress(static_cast<std::size_t>(parts));
  std::vector<ForwardLoop<T>> layers;
  for (Index l = 0; l < parts; ++l) {
    const TimeLoop<T>& loop = loops[l];
    const Projection projection = choose_projection(loop, samples);
    const Index chunk = projection == Projection::ahead
                            ? choose_chunk(projection, loop)
                            : std::min(choose_chunk(projection, loop), kStepsBehind);
    const Index columns = order.columns();
    const SequenceView<T> gates =
        loop.gates
            ? loop.kept_steps(loop.gates, columns)
            : scratch_gates(workspace.take<T>(scratch_steps(projection, chunk) * samples * columns),
                            projection, samples, columns);
    Progress* const own = &progress[static_cast<std::size_t>(l)];
    layers.push_back({*loop.weights, loop, projection, chunk, gates, l > 0 ? own - 1 : nullptr,
                      l < parts - 1 ? own : nullptr});
  }
  gang.run(parts, [&](Index part) {
    Barrier alone_here;
    layers[static_cast<std::size_t>(part)].part({0, samples}, {0, order.hidden_size},
                                                {0, loops[0].weights->outputs()}, alone_here);
  });
  return parts;
}

}  // namespace

template <class T>
void forward_stacked(const TimeLoop<T>* loops, Index count, Workspace& workspace) {
  while (count > 0) {
    Index ran = forward_staggered(loops, count, workspace);
    if (ran == 0) {
      forward_directions(loops, 1, workspace);
      ran = 1;
    }
    loops += ran;
    count -= ran;
  }
}

template void forward_stacked(const TimeLoop<float>*, Index, Workspace&);
template void forward_stacked(const TimeLoop<double>*, Index, Workspace&);
template void forward_directions(const TimeLoop<float>*, Index, Workspace&);
template void forward_directions(const TimeLoop<double>*, Index, Workspace&);

}  // namespace lstm_native
