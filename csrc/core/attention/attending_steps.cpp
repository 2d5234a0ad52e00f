#include "core/attention/attending_steps.hpp"

#include "kernels/dispatch.hpp"

namespace lstm_native {

template <class T>
AttendingWeights<T>::AttendingWeights(const AttendingLayer<T>& layer, Index rows)
    : cell(layer.cell()) {
  if (const Linear<T>* of = layer.score().projection(AttentionWeights<T>::query))
    query = of->packed(rows);
  if (!layer.bahdanau()) head = layer.head().packed(rows);
}

template <class T>
AttendedMemory<T>::AttendedMemory(const AttendingLayer<T>& layer, const Batch<T>& memory, bool copy,
                                  const Scoring<T>& scoring, Workspace& workspace)
    : rows(memory, copy, workspace),
      keys(layer.score().project(AttentionWeights<T>::key, rows.rows(),
                                 {rows.values, rows.features}, workspace)),
      looks(layer.window()
                ? AttentionMemory<T>(kernels<T>(), rows, {rows.values, rows.features}, workspace)
                : AttentionMemory<T>(kernels<T>(), scoring, rows,
                                     {keys.after,
                                      {rows.values, rows.features},
                                      1,
                                      layer.score().key_size(),
                                      rows.features},
                                     workspace)) {}

template <class T>
AttendingSteps<T>::AttendingSteps(const AttendingLayer<T>& layer,
                                  const AttendingWeights<T>& weights,
                                  const AttentionMemory<T>& memory, const TimeLoop<T>& loop,
                                  const AttendingBuffers<T>& buffers, const SequenceLayout* layout,
                                  Index beams)
    : layer_(layer),
      weights_(weights),
      memory_(memory),
      loop_(loop),
      b_(buffers),
      layout_(layout),
      beams_(beams),
      cell_(weights.cell->cell, 0, layer.plan().hidden_size, 0, layer.plan().hidden_size),
      window_{weights.cell->cell.kernels, layer.options().components} {
  cell_.prepare(loop.gates != nullptr, 0);
}

template <class T>
void AttendingSteps<T>::project(Index rows, const T* inputs, T* gates) const {
  const RecurrentWeights<T>& cell = weights_.cell->cell;
  ProductArgs<T> args;
  args.rows = rows;
  args.depth = layer_.x_features();
  args.cols = args.out_stride = cell.order.columns();
  args.a = inputs;
  args.a_stride = cell.inputs;
  args.packed = cell.input;
  args.bias = cell.bias;
  args.out = gates;
  cell.kernels->product(args);
}

template <class T>
T* AttendingSteps<T>::weights_at(Index t, Index row) const {
  const Index longest = memory_.rows().longest;
  return b_.weights + (loop_.gates ? row * loop_.timesteps + t : row) * longest;
}

template <class T>
Index AttendingSteps<T>::context_stride() const {
  if (layer_.bahdanau()) return weights_.cell->cell.inputs;
  return layer_.memory_features() + (layer_.luong() ? layer_.plan().hidden_size : 0);
}

template <class T>
T* AttendingSteps<T>::context_at(Index t, Index row) const {
  const Index at = (loop_.kept_row(t) + row) * context_stride();
  if (layer_.bahdanau()) return b_.inputs + at + layer_.x_features();
  return (layer_.luong() ? b_.joined : b_.contexts) + at;
}

template <class T>
void AttendingSteps<T>::look(Index t, Index row, Index active, const T* h) {
  const Index P = weights_.cell->cell.padded(), stride = context_stride();
  Rows<const T> queries{h, P};
  if (weights_.query) {
    const Index width = layer_.score().key_size();
    const Rows<T> to{b_.queries + (loop_.kept_row(t) + row) * width, width};
    multiply(*layer_.score().projection(AttentionWeights<T>::query), *weights_.query, active,
             queries, to);
    queries = {to.data, to.stride};
  }
  for (Index r = 0; r < active; ++r)
    memory_.look(sample(row + r), 0, 1, {queries.data + r * queries.stride, queries.stride}, false,
                 {weights_at(t, row + r), 0}, {context_at(t, row + r), stride});
}

/// What the context or the attentional vector says to the gates.
template <class T>
void AttendingSteps<T>::feed(Index t, Index row, Index active, const T* inputs) {
  const RecurrentWeights<T>& cell = weights_.cell->cell;
  ProductArgs<T> args;
  args.rows = active;
  args.depth = layer_.fed_features();
  args.cols = args.out_stride = cell.order.columns();
  args.a = inputs + layer_.x_features();
  args.a_stride = cell.inputs;
  args.packed = weights_.cell->fed.data();
  args.accumulate = true;
  args.out = gates_at(t, row);
  cell.kernels->product(args);
}

/// To the next step.
template <class T>
void AttendingSteps<T>::hand_on(Index row, Index active, const T* from, Index stride) {
  const Index fed = layer_.fed_features();
  for (Index r = 0; r < active; ++r) copy_row(from + r * stride, fed, b_.fed + (row + r) * fed);
}

template <class T>
void AttendingSteps<T>::step(Index t, Index row, Index active) {
  const RecurrentWeights<T>& weights = weights_.cell->cell;
  const Index kept = loop_.kept_row(t) + row, H = layer_.plan().hidden_size;
  const Index P = weights.padded(), F = layer_.x_features(), fed = layer_.fed_features();
  T* const inputs = b_.inputs + kept * weights.inputs;
  if (layer_.bahdanau()) {
    look(t, row, active, loop_.h_at(t, row));
  } else {
    for (Index r = 0; r < active; ++r)
      copy_row(b_.fed + (row + r) * fed, fed, inputs + r * weights.inputs + F);
  }
  feed(t, row, active, inputs);

  CellStep<T> step;
  step.rows = active;
  step.gates = gates_at(t, row);
  step.h_prev = step.recur_prev = loop_.h_at(t, row);
  step.h = loop_.h_at(t + 1, row);
  step.c_prev = loop_.c_at(t, row);
  step.c = loop_.c_at(t + 1, row);
  step.last_first = t % 2 != 0;
  cell_.take(step, [] {});

  if (layer_.luong()) {
    look(t, row, active, step.h);
    T* const joined = context_at(t, row);
    const Index width = context_stride(), Fm = layer_.memory_features();
    for (Index r = 0; r < active; ++r) copy_row(step.h + r * P, H, joined + r * width + Fm);
    T* const said = b_.said + kept * fed;
    multiply(layer_.head(), *weights_.head, active, Rows<const T>{joined, width},
             Rows<T>{said, fed});
    weights.kernels->pointwise(Pointwise::tanh, active * fed, said);
    hand_on(row, active, said, fed);
  } else if (layer_.window()) {
    const Index K = layer_.options().components, longest = memory_.rows().longest;
    T* const said = b_.said + kept * 3 * K;
    multiply(layer_.head(), *weights_.head, active, Rows<const T>{step.h, P}, Rows<T>{said, 3 * K});
    for (Index r = 0; r < active; ++r) {
      const Index n = sample(row + r);
      T* const kappa = b_.kappa + (row + r) * K;
      window_.place(memory_.rows().length(n), said + r * 3 * K, kappa, weights_at(t, row + r),
                    b_.scratch + (row + r) * longest);
      copy_row(kappa, K, b_.kappas + (kept + r) * K);
      memory_.weigh(n, 0, 1, {weights_at(t, row + r), 0},
                    {context_at(t, row + r), context_stride()});
    }
    hand_on(row, active, context_at(t, row), context_stride());
  }
}

template struct AttendingWeights<float>;
template struct AttendingWeights<double>;
template struct AttendedMemory<float>;
template struct AttendedMemory<double>;
template class AttendingSteps<float>;
template class AttendingSteps<double>;

}  // namespace lstm_native
