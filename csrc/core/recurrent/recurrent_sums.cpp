#include "core/recurrent/recurrent_sums.hpp"

namespace lstm_native {
namespace {

/// The products of a cell: calls body(order, first left, second left, bias, other bias) for each,
/// in a fixed order.
template <class T, class Body>
void for_each_product(const RecurrentWeights<T>& w, const RunParameters<T>& p, const Body& body) {
  const CellPlan& plan = w.plan;
  const Index H = plan.hidden_size, R = w.outputs();
  const WeightTarget<T> none, input{w.inputs, p.input};
  if (!plan.split) {
    body(w.order, input, plan.recurrent ? WeightTarget<T>{R, p.recurrent} : none, p.bias_input,
         p.bias_recurrent);
  } else {
    // Normalised sums have their bias behind the normalisation. The bias of a candidate's recurrent
    // sum has its gradient.
    const bool biases = !plan.layer_norm, apart = plan.candidate_bias_apart;
    body(w.order, input, none, biases ? p.bias_input : nullptr,
         biases && !apart ? p.bias_recurrent : nullptr);
    for (Index i = 0; i < plan.phase_count; ++i) {
      const auto& phase = w.phases[i];
      body(phase.order,
           WeightTarget<T>{R, p.recurrent ? p.recurrent + phase.first_gate * H * R : nullptr}, none,
           apart ? p.bias_recurrent : nullptr, nullptr);
    }
  }
  if (plan.proj_size)
    body(w.output_order(), WeightTarget<T>{H, p.projection}, none, nullptr, nullptr);
}

}  // namespace

template <class T>
Index RecurrentSums<T>::size(const RecurrentWeights<T>& weights) {
  Index total = 0;
  for_each_product(weights, RunParameters<T>{},
                   [&](const GateOrder& order, WeightTarget<T> a, WeightTarget<T> b, T*, T*) {
                     total += WeightGradient<T>::sums_size(order, a.depth + b.depth);
                   });
  return total;
}

template <class T>
RecurrentSums<T>::RecurrentSums(const RecurrentRun<T>& run, const RecurrentGradients<T>& gradients,
                                Index samples, bool whole, Index parts, Workspace& workspace)
    : w_(*run.weights), run_(run), g_(gradients) {
  T* sums = gradients.sums;
  for_each_product(
      w_, gradients.parameters,
      [&](const GateOrder& order, WeightTarget<T> a, WeightTarget<T> b, T* bias, T* other_bias) {
        products_.emplace_back(*w_.kernels, order, a, b, bias, other_bias, samples, whole, sums,
                               parts, workspace);
        if (sums) sums += WeightGradient<T>::sums_size(order, a.depth + b.depth);
      });
}

template <class T>
void RecurrentSums<T>::add(Index t0, Index t1, const ChunkBuffers<T>& buffers, Index part) const {
  using Left = typename WeightChunk<T>::Left;
  const CellPlan& plan = w_.plan;
  const Index before = run_.rows_before(t0), samples = run_.rows_before(t1) - before;
  const Index P = w_.padded(), PR = w_.padded_outputs(), N = run_.samples, last = samples - 1;
  WeightChunk<T> chunk;
  chunk.samples = samples;
  chunk.first = t1 == run_.timesteps && g_.first_part;
  chunk.last = t0 == 0 && g_.last_part;

  const bool ragged = run_.offsets != nullptr;
  chunk.per_step = ragged ? samples : N;
  const Left x = ragged ? Left{run_.x.at(t0, 0) + last * run_.x.row_stride, 0, run_.x.row_stride}
                        : Left{run_.x.at(t1 - 1, N - 1), run_.x.time_stride, run_.x.row_stride};
  // What the recurrent product read.
  Left h;
  if (plan.recurrent) {
    const auto at = [&](Index t, Index row) {
      return run_.extras.recur ? run_.recur_at(t, row) : run_.h_at(t, row);
    };
    h = ragged ? Left{buffers.previous + last * PR, 0, PR} : Left{at(t1 - 1, N - 1), N * PR, PR};
  }
  const auto of_gates = [&] {
    chunk.gates = run_.gates + (before + last) * w_.order.columns();
    chunk.gates_stride = w_.order.columns();
  };
  auto product = products_.begin();
  chunk.left[0] = x;
  of_gates();
  if (!plan.split) {
    chunk.left[1] = h;
    (product++)->add(chunk, part);
    chunk.left[1] = {};
  } else {
    (product++)->add(chunk, part);
    const Index columns = w_.split_columns();
    for (Index i = 0; i < plan.phase_count; ++i) {
      // The second half of a GRU's step read r * h, which stands one step on in c.
      chunk.left[0] = i == 0 ? h : Left{run_.c_at(t0 + 1, 0) + last * P, N * P, P};
      chunk.gates = buffers.split + last * columns + w_.phases[i].column;
      chunk.gates_stride = columns;
      (product++)->add(chunk, part);
    }
  }
  if (!plan.proj_size) return;
  chunk.left[0] = {run_.extras.unprojected + (before + last) * P, N * P, P};
  chunk.gates = buffers.projected + last * PR;
  chunk.gates_stride = PR;
  product->add(chunk, part);
}

template <class T>
void RecurrentSums<T>::add_elementwise(Index t0, Index t1, const ChunkBuffers<T>& buffers) const {
  const CellPlan& plan = w_.plan;
  const GateOrder& order = w_.order;
  const RunParameters<T>& p = g_.parameters;
  const Index H = order.hidden_size, P = w_.padded(), columns = order.columns();
  for (Index t = t1; t-- > t0;)
    for (Index n = run_.rows_at(t); n-- > 0;) {
      const Index row = run_.rows_before(t) + n;
      const T* d = run_.gates + row * columns;
      T* peephole = p.peephole;
      for (const int gate : {0, 1, 3}) {
        const int column = w_.options.column[gate];
        if (plan.peepholes == 0 || column < 0) continue;
        const T* c = gate < 3                ? run_.c_at(t, n)
                     : run_.extras.candidate ? run_.extras.candidate + row * P
                                             : run_.c_at(t + 1, n);
        for (Index u = 0; u < H; ++u) peephole[u] += d[order.column(column, u)] * c[u];
        peephole += H;
      }
      if (!plan.layer_norm) continue;
      const RunExtras<T>& e = run_.extras;
      order.for_each([&](Index g, Index u, Index column) {
        const Index at = g * H + u;
        const T v = d[column];
        if (plan.bias) {
          p.bias_input[at] += v;
          p.bias_recurrent[at] += v;
        }
        p.norm_input[at] += v * e.norm_input[row * columns + column];
        p.norm_recurrent[at] += v * e.norm_recurrent[row * columns + column];
      });
      const T* shown = buffers.shown + (row - run_.rows_before(t0)) * P;
      for (Index u = 0; u < H; ++u) {
        p.norm_cell[u] += shown[u] * e.norm_cell[row * P + u];
        if (plan.bias) p.norm_cell_bias[u] += shown[u];
      }
    }
}

template class RecurrentSums<float>;
template class RecurrentSums<double>;

}  // namespace lstm_native
