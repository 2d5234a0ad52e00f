#include <algorithm>
#include <vector>

#include "core/recurrent_loop.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"

namespace lstm_native {
namespace {

constexpr Index kSamplesPerChunk = 256;
constexpr Index kPanelsPerGroup = 2;

/// Back through time in chunks: first the gates' gradients of a chunk, step by step, then what
/// follows from them at once, the gradients of input and weights.
template <class T>
struct Backward {
  const RecurrentWeights<T>& w;
  const RecurrentRun<T>& run;
  const RecurrentGradients<T>& g;
  Index chunk;
  // Sums over the chunks: gradients of the weights, inputs and hidden_size x columns, or null where
  // there is one chunk and nothing to keep; of the bias, columns.
  T* input_gradient;
  T* recurrent_gradient;
  T* bias_gradient;

  struct Part {
    Index index, parts;  // among all
    Index unit_part, unit_parts;
    Range rows, units;
    Barrier& group;  // the parts of the same samples
    Barrier& all;
    T* scratch;
  };

  void part(const Part& p) const {
    for (Index t1 = run.timesteps; t1 > 0;) {
      const Index t0 = std::max<Index>(0, (t1 - 1) / chunk * chunk);
      for (Index t = t1 - 1; t >= t0; --t) {
        gates(t, p);
        p.group.wait();  // the product needs the gradients of all units
        product(t, p);
      }
      if (g.dx) {
        const Range own = part_of(t1 - t0, p.unit_parts, p.unit_part);
        input(t0 + own.begin, own.size(), p.rows);
      }
      p.all.wait();  // the weights' gradients are sums over all samples
      weights(t0, t1, p);
      t1 = t0;
    }
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

  /// Adds what the steps [t0, t1) contribute. The parts share out the panels of columns, for each
  /// of the two operands: a gradient is summed by one part in one order, whatever their number.
  /// That order is against time, as the chunks come, so that it does not depend on their length
  /// and with it on the batch: a sequence adds the same bits in any.
  void weights(Index t0, Index t1, const Part& p) const {
    const Index N = run.samples, P = w.order.padded(), columns = w.order.columns();
    const Index width = 4 * w.kernels->lanes;
    const Index panels = (columns + width - 1) / width;
    GradientProductArgs<T> args;
    args.samples = (t1 - t0) * N;
    args.per_step = N;
    args.b_stride = -columns;
    args.scratch = p.scratch;
    const GradientLeft<T> x{w.inputs, run.x.at(t1 - 1, N - 1), -run.x.time_stride,
                            -run.x.row_stride, nullptr};
    const GradientLeft<T> h{w.order.hidden_size, run.h + (t1 * N - 1) * P, -N * P, -P, nullptr};
    // For the columns [begin, end): where column `begin` of the two gradients is.
    const auto product = [&](Index begin, Index end, T* of_x, T* of_h, Index stride) {
      args.b = gates_at(t1 - 1, N - 1) + begin;
      args.end = end - begin;
      args.out_stride = stride;
      args.left[0] = of_x ? x : GradientLeft<T>{};
      args.left[1] = of_h ? h : GradientLeft<T>{};
      args.left[0].out = of_x;
      args.left[1].out = of_h;
      args.sums = of_x ? bias_gradient + begin : nullptr;
      w.kernels->gradient_product(args);
    };
    const auto add = [&](Index begin, Index end, bool with_x, bool with_h) {
      begin *= width;
      end = std::min(end * width, columns);
      if (recurrent_gradient)
        return product(begin, end, with_x ? input_gradient + begin : nullptr,
                       with_h ? recurrent_gradient + begin : nullptr, columns);
      // Group by group through a buffer that stays in the cache.
      const Index stride = kPanelsPerGroup * width;
      T* const of_h =
          p.scratch + w.kernels->gradient_scratch(args.samples, w.inputs + w.order.hidden_size);
      T* const of_x = of_h + w.order.hidden_size * stride;
      for (; begin < end; begin += stride) {
        const Index stop = std::min(begin + stride, end);
        std::fill_n(of_h, (w.order.hidden_size + w.inputs) * stride, T(0));
        product(begin, stop, with_x ? of_x : nullptr, with_h ? of_h : nullptr, stride);
        if (with_x) unpack(w.inputs, begin, stop, of_x, stride, g.weight_input);
        if (with_h) unpack(w.order.hidden_size, begin, stop, of_h, stride, g.weight_recurrent);
      }
    };
    const Range own = part_of(2 * panels, p.parts, p.index);
    if (own.size() == 0) return;
    const Index first = (own.begin + 1) / 2, last = own.end / 2;
    if (own.begin % 2) add(own.begin / 2, first, false, true);
    add(first, last, true, true);
    if (own.end % 2) add(last, last + 1, true, false);
  }

 public:
  void unpack(Index depth, Index begin, Index end, const T* packed, Index stride,
              T* gradient) const {
    add_unpacked_gates(*w.kernels, w.order, depth, begin, end, packed, stride, gradient);
  }
};

}  // namespace

template <class T>
void run_backward(const RecurrentWeights<T>& w, const RecurrentRun<T>& run,
                  const RecurrentGradients<T>& g, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const Index N = run.samples, H = w.order.hidden_size, columns = w.order.columns();
  const StepSize size = step_size(w, run);
  Gang gang(parallel_parts(H * N, 3 * forward_work(w, run)));
  const Partition grid = choose_partition(gang.size(), size);
  // Chunks of few samples would read and write the weights' gradients too often.
  const Index chunk =
      std::max(steps_per_chunk(N, columns * static_cast<Index>(sizeof(T)), run.timesteps),
               (kSamplesPerChunk + N - 1) / N);
  const bool one_chunk = chunk >= run.timesteps;
  const Index buffer = one_chunk ? kPanelsPerGroup * 4 * w.kernels->lanes * (w.inputs + H) : 0;
  const Index scratch =
      w.kernels->gradient_scratch(std::min(chunk, run.timesteps) * N, w.inputs + H) + buffer;
  T* const scratches = workspace.take<T>(grid.parts() * scratch);
  const auto sums = [&](Index depth) -> T* {
    return one_chunk ? nullptr : workspace.take_zeros<T>(depth * columns);
  };
  T* const bias = workspace.take_zeros<T>(columns);
  const Backward<T> backward{w, run, g, chunk, sums(w.inputs), sums(H), bias};
  Barrier all(grid.parts());
  std::vector<Barrier> groups(static_cast<std::size_t>(grid.row_parts));
  for (Barrier& group : groups) group.reset(grid.unit_parts);
  gang.run(grid.parts(), [&](Index part) {
    const Index row = part / grid.unit_parts, unit = part % grid.unit_parts;
    backward.part({part, grid.parts(), unit, grid.unit_parts, part_of(N, grid.row_parts, row),
                   part_of(H, grid.unit_parts, unit, size.unit_multiple),
                   groups[static_cast<std::size_t>(row)], all, scratches + part * scratch});
  });
  if (!one_chunk) {
    backward.unpack(w.inputs, 0, columns, backward.input_gradient, columns, g.weight_input);
    backward.unpack(H, 0, columns, backward.recurrent_gradient, columns, g.weight_recurrent);
  }
  w.order.for_each([&](Index gate, Index unit, Index column) {
    g.bias_input[gate * H + unit] += bias[column];
    g.bias_recurrent[gate * H + unit] += bias[column];
  });
}

template void run_backward(const RecurrentWeights<float>&, const RecurrentRun<float>&,
                           const RecurrentGradients<float>&, Workspace&);
template void run_backward(const RecurrentWeights<double>&, const RecurrentRun<double>&,
                           const RecurrentGradients<double>&, Workspace&);

}  // namespace lstm_native
