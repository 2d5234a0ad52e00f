#include "core/recurrent/recurrent_sums.hpp"

namespace lstm_native {
namespace {

/// The products of a cell: calls body(order, first left, second left, bias, other bias) for each,
/// in a fixed order.
template <class T, class Body>
void for_each_product(const RecurrentWeights<T>& weights, const DirectionParameters<T>& p,
                      const Body& body) {
  const CellPlan& plan = weights.plan;
  const Index hidden_size = plan.hidden_size, outputs = weights.outputs();
  const WeightTarget<T> none, input{weights.inputs, p.input};
  if (!plan.split) {
    body(weights.order, input, plan.recurrent ? WeightTarget<T>{outputs, p.recurrent} : none,
         p.bias_input, p.bias_recurrent);
  } else {
    // Normalised sums have their bias behind the normalisation. The bias of a candidate's recurrent
    // sum has its gradient.
    const bool biases = !plan.layer_norm, apart = plan.candidate_bias_apart;
    body(weights.order, input, none, biases ? p.bias_input : nullptr,
         biases && !apart ? p.bias_recurrent : nullptr);
    for (Index i = 0; i < plan.phase_count; ++i) {
      const auto& phase = weights.phases[i];
      body(phase.order,
           WeightTarget<T>{outputs, p.recurrent
                                        ? p.recurrent + phase.first_gate * hidden_size * outputs
                                        : nullptr},
           none, apart ? p.bias_recurrent : nullptr, nullptr);
    }
  }
  if (plan.proj_size)
    body(weights.output_order(), WeightTarget<T>{hidden_size, p.projection}, none, nullptr,
         nullptr);
}

}  // namespace

template <class T>
Index RecurrentSums<T>::size(const RecurrentWeights<T>& weights) {
  Index total = 0;
  for_each_product(weights, DirectionParameters<T>{},
                   [&](const GateOrder& order, WeightTarget<T> a, WeightTarget<T> b, T*, T*) {
                     total += WeightGradient<T>::sums_size(order, a.depth + b.depth);
                   });
  return total;
}

template <class T>
RecurrentSums<T>::RecurrentSums(const TimeLoop<T>& loop, const LoopGradients<T>& gradients,
                                Index samples, bool whole, Index parts, Workspace& workspace)
    : weights_(*loop.weights), loop_(loop), gradients_(gradients) {
  T* sums = gradients.sums;
  for_each_product(
      weights_, gradients.parameters,
      [&](const GateOrder& order, WeightTarget<T> a, WeightTarget<T> b, T* bias, T* other_bias) {
        products_.emplace_back(*weights_.kernels, order, a, b, bias, other_bias, samples, whole,
                               sums, parts, workspace);
        if (sums) sums += WeightGradient<T>::sums_size(order, a.depth + b.depth);
      });
}

template <class T>
void RecurrentSums<T>::add(Index t0, Index t1, const ChunkBuffers<T>& buffers, Index part) const {
  using Left = typename WeightChunk<T>::Left;
  const CellPlan& plan = weights_.plan;
  const Index before = loop_.rows_before(t0), rows = loop_.rows_before(t1) - before;
  const Index padded = weights_.padded(), padded_outputs = weights_.padded_outputs(),
              samples = loop_.samples, last = rows - 1;
  WeightChunk<T> chunk;
  chunk.samples = rows;
  chunk.first = t1 == loop_.timesteps && gradients_.first_part;
  chunk.last = t0 == 0 && gradients_.last_part;

  const bool ragged = loop_.offsets != nullptr;
  chunk.per_step = ragged ? rows : samples;
  const Left x =
      ragged ? Left{loop_.x.at(t0, 0) + last * loop_.x.row_stride, 0, loop_.x.row_stride}
             : Left{loop_.x.at(t1 - 1, samples - 1), loop_.x.time_stride, loop_.x.row_stride};
  // What the recurrent product read.
  Left h;
  if (plan.recurrent) {
    const auto at = [&](Index t, Index row) {
      return loop_.extras.recur ? loop_.recur_at(t, row) : loop_.h_at(t, row);
    };
    h = ragged ? Left{buffers.previous + last * padded_outputs, 0, padded_outputs}
               : Left{at(t1 - 1, samples - 1), samples * padded_outputs, padded_outputs};
  }
  const auto of_gates = [&] {
    chunk.gates = loop_.gates + (before + last) * weights_.order.columns();
    chunk.gates_stride = weights_.order.columns();
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
    const Index columns = weights_.split_columns();
    for (Index i = 0; i < plan.phase_count; ++i) {
      // The second half of a GRU's step read r * h, which stands one step on in c.
      chunk.left[0] =
          i == 0 ? h : Left{loop_.c_at(t0 + 1, 0) + last * padded, samples * padded, padded};
      chunk.gates = buffers.split + last * columns + weights_.phases[i].column;
      chunk.gates_stride = columns;
      (product++)->add(chunk, part);
    }
  }
  if (!plan.proj_size) return;
  chunk.left[0] = {loop_.extras.unprojected + (before + last) * padded, samples * padded, padded};
  chunk.gates = buffers.projected + last * padded_outputs;
  chunk.gates_stride = padded_outputs;
  product->add(chunk, part);
}

template <class T>
void RecurrentSums<T>::add_elementwise(Index t0, Index t1, const ChunkBuffers<T>& buffers) const {
  const CellPlan& plan = weights_.plan;
  const GateOrder& order = weights_.order;
  const DirectionParameters<T>& p = gradients_.parameters;
  const Index hidden_size = order.hidden_size, padded = weights_.padded(),
              columns = order.columns();
  for (Index t = t1; t-- > t0;)
    for (Index n = loop_.rows_at(t); n-- > 0;) {
      const Index row = loop_.rows_before(t) + n;
      const T* d = loop_.gates + row * columns;
      T* peephole = p.peephole;
      for (const int gate : {0, 1, 3}) {
        const int column = weights_.options.column[gate];
        if (plan.peepholes == 0 || column < 0) continue;
        const T* c = gate < 3                 ? loop_.c_at(t, n)
                     : loop_.extras.candidate ? loop_.extras.candidate + row * padded
                                              : loop_.c_at(t + 1, n);
        for (Index u = 0; u < hidden_size; ++u) peephole[u] += d[order.column(column, u)] * c[u];
        peephole += hidden_size;
      }
      if (!plan.layer_norm) continue;
      const LoopExtras<T>& extras = loop_.extras;
      order.for_each([&](Index g, Index u, Index column) {
        const Index at = g * hidden_size + u;
        const T v = d[column];
        if (plan.bias) {
          p.bias_input[at] += v;
          p.bias_recurrent[at] += v;
        }
        p.norm_input[at] += v * extras.norm_input[row * columns + column];
        p.norm_recurrent[at] += v * extras.norm_recurrent[row * columns + column];
      });
      const T* shown = buffers.shown + (row - loop_.rows_before(t0)) * padded;
      for (Index u = 0; u < hidden_size; ++u) {
        p.norm_cell[u] += shown[u] * extras.norm_cell[row * padded + u];
        if (plan.bias) p.norm_cell_bias[u] += shown[u];
      }
    }
}

template class RecurrentSums<float>;
template class RecurrentSums<double>;

}  // namespace lstm_native
