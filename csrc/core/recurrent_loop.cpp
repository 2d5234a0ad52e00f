#include "core/recurrent_loop.hpp"

#include <algorithm>

#include "core/threads.hpp"
#include "kernels/dispatch.hpp"

namespace lstm_native {
namespace {

// The input is projected in chunks of time whose gates stay in the second-level cache until the
// step that uses them.
constexpr Index kChunkBytes = 256 * 1024;

/// out = bias + a * packed for so many steps and the rows [r0, r1), in as few calls as the layouts
/// of a and out allow.
template <class T>
void product_over_steps(const KernelTable<T>& k, ProductArgs<T> args, const Steps<const T>& a,
                        const Steps<T>& out, Index steps, Index r0, Index r1) {
  const Index rows = r1 - r0;
  const auto call = [&](Index t, Index r, Index count, Index a_stride, Index out_stride) {
    args.rows = count;
    args.a = a.at(t, r);
    args.a_stride = a_stride;
    args.out = out.at(t, r);
    args.out_stride = out_stride;
    k.product(args);
  };
  if (a.time_stride == rows * a.row_stride && out.time_stride == rows * out.row_stride) {
    call(0, r0, steps * rows, a.row_stride, out.row_stride);
  } else if (steps > rows) {
    for (Index r = r0; r < r1; ++r) call(0, r, steps, a.time_stride, out.time_stride);
  } else {
    for (Index t = 0; t < steps; ++t) call(t, r0, rows, a.row_stride, out.row_stride);
  }
}

template <class T>
double product_work(const RecurrentWeights<T>& w, const RecurrentRun<T>& run) {
  return static_cast<double>(run.samples * run.timesteps) *
         static_cast<double>(w.order.columns() * (w.inputs + w.order.hidden_size));
}

/// Rows [r0, r1) through all steps.
template <class T>
void forward_rows(const RecurrentWeights<T>& w, const RecurrentRun<T>& run,
                  const Steps<T>& projected, Index chunk, Index r0, Index r1) {
  const KernelTable<T>& k = *w.kernels;
  const Index N = run.samples, P = w.order.padded(), H = w.order.hidden_size;
  const bool remember = run.gates != nullptr;
  ProductArgs<T> projection;
  projection.depth = w.inputs;
  projection.cols = w.order.columns();
  projection.packed = w.input.data();
  projection.bias = w.bias.data();

  for (Index t0 = 0; t0 < run.timesteps; t0 += chunk) {
    const Index t1 = std::min(t0 + chunk, run.timesteps);
    // Without gates to keep, every chunk uses the same memory again.
    const Steps<T> z = remember ? projected.from(t0) : projected;
    product_over_steps<T>(k, projection, run.x.from(t0), z, t1 - t0, r0, r1);
    for (Index t = t0; t < t1; ++t) {
      const auto h_at = [&](Index step) {
        return run.h + ((run.keep_sequence ? step : step % 2) * N + r0) * P;
      };
      LstmStepArgs<T> step;
      step.rows = r1 - r0;
      step.hidden_size = H;
      step.recurrent = w.recurrent.data();
      step.projected = z.at(t - t0, r0);
      step.h_prev = h_at(t);
      step.h = h_at(t + 1);
      step.c_prev = run.c + ((remember ? t : 0) * N + r0) * P;
      step.c = run.c + ((remember ? t + 1 : 0) * N + r0) * P;
      step.gates = remember ? z.at(t - t0, r0) : nullptr;
      if (run.y && (!run.last_only || t == run.timesteps - 1)) {
        step.y = run.y.at(run.last_only ? 0 : t, r0);
        step.y_stride = run.y.row_stride;
      }
      k.lstm_step(step);
    }
  }
}

/// Rows [r0, r1) back through all steps; leaves the gates' gradients in run.gates.
template <class T>
void backward_rows(const RecurrentWeights<T>& w, const RecurrentRun<T>& run,
                   const RecurrentGradients<T>& g, Index r0, Index r1) {
  const KernelTable<T>& k = *w.kernels;
  const Index N = run.samples, P = w.order.padded(), columns = w.order.columns();
  ProductArgs<T> recurrent;
  recurrent.rows = r1 - r0;
  recurrent.depth = columns;
  recurrent.cols = w.order.hidden_size;
  recurrent.packed = w.recurrent_transposed.data();
  recurrent.a_stride = columns;
  recurrent.out = g.dh + r0 * P;
  recurrent.out_stride = P;

  for (Index t = run.timesteps - 1; t >= 0; --t) {
    LstmStepBackwardArgs<T> step;
    step.rows = r1 - r0;
    step.hidden_size = w.order.hidden_size;
    step.c_prev = run.c + (t * N + r0) * P;
    step.c = run.c + ((t + 1) * N + r0) * P;
    step.dh = g.dh + r0 * P;
    step.dc = g.dc + r0 * P;
    step.gates = run.gates + (t * N + r0) * columns;
    if (g.dy && (!run.last_only || t == run.timesteps - 1)) {
      step.dy = g.dy.at(run.last_only ? 0 : t, r0);
      step.dy_stride = g.dy.row_stride;
    }
    k.lstm_step_backward(step);
    recurrent.a = step.gates;
    k.product(recurrent);
  }
  if (!g.dx) return;
  ProductArgs<T> input;
  input.depth = columns;
  input.cols = w.inputs;
  input.packed = w.input_transposed.data();
  const Steps<const T> gates{run.gates, N * columns, columns};
  product_over_steps<T>(k, input, gates, g.dx, run.timesteps, r0, r1);
}

/// gradient (4H, depth) += gates^T a, summed over all rows; the bias gradients too when given.
template <class T>
void add_weight_gradient(const RecurrentWeights<T>& w, const RecurrentRun<T>& run,
                         const Steps<const T>& a, Index depth, T* gradient, T* bias_1, T* bias_2,
                         Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const KernelTable<T>& k = *w.kernels;
  const Index N = run.samples, steps = run.timesteps, columns = w.order.columns();
  const Index width = 4 * k.lanes, panels = (columns + width - 1) / width;
  T* packed = workspace.take_zeros<T>(depth * columns);
  T* sums = workspace.take_zeros<T>(columns);
  const Index scratch_size = k.gradient_scratch(depth);
  const double work = static_cast<double>(N * steps) * static_cast<double>(columns * depth);
  const Index parts = parallel_parts(panels, work);
  T* scratch = workspace.take<T>(parts * scratch_size);
  // A panel's gradient is summed by one thread in one order, whatever the number of threads.
  run_parts(parts, panels, [&](Index part, Index begin, Index end) {
    GradientProductArgs<T> args;
    args.a_cols = depth;
    args.out = packed;
    args.out_stride = columns;
    args.sums = bias_1 ? sums : nullptr;
    args.scratch = scratch + part * scratch_size;
    args.begin = begin * width;
    args.end = std::min(end * width, columns);
    const auto call = [&](Index t, Index n, Index count, Index a_stride, Index b_stride) {
      args.samples = count;
      args.a = a.at(t, n);
      args.a_stride = a_stride;
      args.b = run.gates + (t * N + n) * columns;
      args.b_stride = b_stride;
      k.gradient_product(args);
    };
    if (a.time_stride == N * a.row_stride) {
      call(0, 0, steps * N, a.row_stride, columns);
    } else if (steps > N) {
      for (Index n = 0; n < N; ++n) call(0, n, steps, a.time_stride, N * columns);
    } else {
      for (Index t = 0; t < steps; ++t) call(t, 0, N, a.row_stride, columns);
    }
  });
  add_unpacked_gates(w.order, depth, packed, gradient);
  if (!bias_1) return;
  w.order.for_each([&](Index gate, Index unit, Index column) {
    bias_1[gate * w.order.hidden_size + unit] += sums[column];
    bias_2[gate * w.order.hidden_size + unit] += sums[column];
  });
}

}  // namespace

template <class T>
void RecurrentWeights<T>::pack(const GateOrder& gate_order, Index input_size,
                               const KernelTable<T>& table, const T* w_input, const T* w_recurrent,
                               const T* bias_input, const T* bias_recurrent) {
  kernels = &table;
  order = gate_order;
  inputs = input_size;
  const Index lanes = table.lanes;
  const Index columns = order.columns(), H = order.hidden_size;
  const auto resize = [](AlignedVector<T>& v, Index n) { v.resize(static_cast<std::size_t>(n)); };
  resize(input, columns * inputs);
  resize(recurrent, order.gates * round_up(H, lanes) * H);
  resize(input_transposed, packed_size(inputs, columns, lanes));
  resize(recurrent_transposed, packed_size(H, columns, lanes));
  pack_gates(order, inputs, lanes, w_input, input.data());
  pack_recurrent(order, lanes, w_recurrent, recurrent.data());
  pack_gates_transposed(order, inputs, lanes, w_input, input_transposed.data());
  pack_gates_transposed(order, H, lanes, w_recurrent, recurrent_transposed.data());
  bias.assign(static_cast<std::size_t>(columns), T(0));
  order.for_each([&](Index g, Index u, Index column) {
    bias[static_cast<std::size_t>(column)] = bias_input[g * H + u] + bias_recurrent[g * H + u];
  });
}

template <class T>
void run_forward(const RecurrentWeights<T>& w, const RecurrentRun<T>& run, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const Index N = run.samples, columns = w.order.columns();
  const double work = product_work(w, run);
  const Index parts = parallel_parts(N, work);
  const Index row_bytes = ((N + parts - 1) / parts) * columns * static_cast<Index>(sizeof(T));
  const Index chunk = std::clamp<Index>(kChunkBytes / row_bytes, 1, run.timesteps);
  const Steps<T> projected{run.gates ? run.gates : workspace.take<T>(chunk * N * columns),
                           N * columns, columns};
  run_parts(parts, N,
            [&](Index, Index r0, Index r1) { forward_rows(w, run, projected, chunk, r0, r1); });
}

template <class T>
void run_backward(const RecurrentWeights<T>& w, const RecurrentRun<T>& run,
                  const RecurrentGradients<T>& g, Workspace& workspace) {
  const Index N = run.samples, P = w.order.padded();
  parallel_for(N, product_work(w, run),
               [&](Index r0, Index r1) { backward_rows(w, run, g, r0, r1); });
  add_weight_gradient(w, run, run.x, w.inputs, g.weight_input, g.bias_input, g.bias_recurrent,
                      workspace);
  const Steps<const T> h_prev{run.h, N * P, P};
  add_weight_gradient<T>(w, run, h_prev, w.order.hidden_size, g.weight_recurrent, nullptr, nullptr,
                         workspace);
}

template struct RecurrentWeights<float>;
template struct RecurrentWeights<double>;
template void run_forward(const RecurrentWeights<float>&, const RecurrentRun<float>&, Workspace&);
template void run_forward(const RecurrentWeights<double>&, const RecurrentRun<double>&, Workspace&);
template void run_backward(const RecurrentWeights<float>&, const RecurrentRun<float>&,
                           const RecurrentGradients<float>&, Workspace&);
template void run_backward(const RecurrentWeights<double>&, const RecurrentRun<double>&,
                           const RecurrentGradients<double>&, Workspace&);

}  // namespace lstm_native
