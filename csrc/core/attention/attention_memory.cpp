#include "core/attention/attention_memory.hpp"

#include "core/numeric/activations.hpp"
#include "core/numeric/packing.hpp"
#include "kernels/attention_args.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {

template <class T>
AttentionMemory<T>::AttentionMemory(const KernelTable<T>& kernels, const Scoring<T>& scoring,
                                    const TrueRows<T>& memory, const MemoryView<T>& view,
                                    Workspace& workspace)
    : kernels_(kernels), scoring_(scoring), memory_(memory), view_(view) {
  Index* padded = workspace.take<Index>(memory.samples + 1);
  padded[0] = 0;
  for (Index n = 0; n < memory.samples; ++n)
    padded[n + 1] = padded[n] + round_up(memory.length(n), kernels.lanes);
  padded_ = padded;
  values_by_row_ = pack_by_row(view.values, view.value_size, workspace);
  if (view.keys.data && !additive())
    keys_by_column_ = pack_by_column(view.keys, view.key_size, workspace);
}

template <class T>
AttentionMemory<T>::AttentionMemory(const KernelTable<T>& kernels, const TrueRows<T>& memory,
                                    Rows<const T> values, Workspace& workspace)
    : AttentionMemory(kernels, {}, memory, {{nullptr, 0}, values, 1, 0, memory.features},
                      workspace) {}

template <class T>
void AttentionMemory<T>::prepare_back(Workspace& workspace) {
  values_by_column_ = pack_by_column(view_.values, view_.value_size, workspace);
  if (view_.keys.data && !additive())
    keys_by_row_ = pack_by_row(view_.keys, view_.key_size, workspace);
}

template <class T>
typename AttentionMemory<T>::Packs AttentionMemory<T>::pack_by_row(Rows<const T> rows, Index size,
                                                                   Workspace& workspace) const {
  Packs packs;
  packs.row_size = round_up(size, kernels_.lanes);
  packs.data = workspace.take<T>(view_.heads * memory_.rows() * packs.row_size);
  for (Index n = 0; n < memory_.samples; ++n)
    for (Index h = 0; h < view_.heads; ++h)
      pack_rows(memory_.length(n), size, kernels_.lanes,
                Rows<const T>{rows.data + memory_.offsets[n] * rows.stride + h * size, rows.stride},
                const_cast<T*>(by_row(packs, n, h)));
  return packs;
}

template <class T>
typename AttentionMemory<T>::Packs AttentionMemory<T>::pack_by_column(Rows<const T> rows,
                                                                      Index size,
                                                                      Workspace& workspace) const {
  Packs packs;
  packs.row_size = size;
  packs.data = workspace.take<T>(view_.heads * padded_[memory_.samples] * size);
  for (Index n = 0; n < memory_.samples; ++n)
    for (Index h = 0; h < view_.heads; ++h)
      pack_rows_transposed(
          kernels_, size, memory_.length(n),
          Rows<const T>{rows.data + memory_.offsets[n] * rows.stride + h * size, rows.stride},
          const_cast<T*>(by_column(packs, n, h)));
  return packs;
}

template <class T>
const T* AttentionMemory<T>::by_row(const Packs& packs, Index sample, Index head) const {
  const Index before = view_.heads * memory_.offsets[sample] + head * memory_.length(sample);
  return packs.data + before * packs.row_size;
}

template <class T>
const T* AttentionMemory<T>::by_column(const Packs& packs, Index sample, Index head) const {
  const Index rows = padded_[sample + 1] - padded_[sample];
  return packs.data + (view_.heads * padded_[sample] + head * rows) * packs.row_size;
}

template <class T>
void AttentionMemory<T>::multiply(Index rows, Index depth, Index cols, Rows<const T> a,
                                  const T* packed, Rows<T> out) const {
  ProductArgs<T> args;
  args.rows = rows;
  args.depth = depth;
  args.cols = cols;
  args.a = a.data;
  args.a_stride = a.stride;
  args.packed = packed;
  args.out = out.data;
  args.out_stride = out.stride;
  kernels_.product(args);
}

template <class T>
void AttentionMemory<T>::look(Index sample, Index head, Index looks, Rows<const T> queries,
                              bool causal, Rows<T> weights, Rows<T> contexts) const {
  const Index length = memory_.length(sample);
  if (additive()) {
    AdditiveScoresArgs<T> args;
    args.count = length;
    args.width = view_.key_size;
    args.key_stride = view_.keys.stride;
    args.keys = view_.keys.data + memory_.offsets[sample] * args.key_stride;
    args.v = scoring_.v;
    for (Index i = 0; i < looks; ++i) {
      args.query = queries.data + i * queries.stride;
      args.scores = weights.data + i * weights.stride;
      kernels_.additive_scores(args);
    }
  } else {
    multiply(looks, view_.key_size, length, queries, by_column(keys_by_column_, sample, head),
             weights);
  }
  for (Index i = 0; i < looks; ++i) {
    T* const row = weights.data + i * weights.stride;
    const Index seen = causal ? std::min(length, i + 1) : length;
    if (scoring_.scale != T(1))
      for (Index j = 0; j < seen; ++j) row[j] *= scoring_.scale;
    if (seen > 0) softmax(kernels_, seen, row, row);
    std::fill(row + seen, row + length, T(0));
  }
  weigh(sample, head, looks, {weights.data, weights.stride}, contexts);
}

template <class T>
void AttentionMemory<T>::weigh(Index sample, Index head, Index looks, Rows<const T> weights,
                               Rows<T> contexts) const {
  multiply(looks, memory_.length(sample), view_.value_size, weights,
           by_row(values_by_row_, sample, head), contexts);
}

template <class T>
void AttentionMemory<T>::back_to_weights(Index sample, Index head, Index looks,
                                         Rows<const T> d_contexts, Rows<T> d_weights) const {
  multiply(looks, view_.value_size, memory_.length(sample), d_contexts,
           by_column(values_by_column_, sample, head), d_weights);
}

template <class T>
void AttentionMemory<T>::back(Index sample, Index head, Index looks, Rows<const T> queries,
                              Rows<const T> weights, const LookGradients<T>& g) const {
  const Index length = memory_.length(sample);
  back_to_weights(sample, head, looks, g.d_contexts, g.d_scores);
  for (Index i = 0; i < looks; ++i) {
    T* const d = g.d_scores.data + i * g.d_scores.stride;
    const T* const w = weights.data + i * weights.stride;
    if (g.d_weights.data) {
      const T* const more = g.d_weights.data + i * g.d_weights.stride;
      for (Index j = 0; j < length; ++j) d[j] += g.d_weights_scale * more[j];
    }
    double along = 0;
    for (Index j = 0; j < length; ++j)
      along += static_cast<double>(w[j]) * static_cast<double>(d[j]);
    const T mean = static_cast<T>(along);
    for (Index j = 0; j < length; ++j) d[j] = scoring_.scale * w[j] * (d[j] - mean);
  }
  if (!additive())
    return multiply(looks, length, view_.key_size, {g.d_scores.data, g.d_scores.stride},
                    by_row(keys_by_row_, sample, head), g.d_queries);
  AdditiveScoresBackwardArgs<T> args;
  args.count = length;
  args.width = args.key_stride = view_.key_size;
  args.keys = view_.keys.data + memory_.offsets[sample] * args.key_stride;
  args.v = scoring_.v;
  args.d_keys = g.d_keys;
  args.d_v = g.d_v;
  for (Index i = 0; i < looks; ++i) {
    args.query = queries.data + i * queries.stride;
    args.d_scores = g.d_scores.data + i * g.d_scores.stride;
    args.d_query = g.d_queries.data + i * g.d_queries.stride;
    kernels_.additive_scores_backward(args);
  }
}

template <class T>
Index AttentionMemory<T>::scratch_size(Index looks, Index size) const {
  const Index length = memory_.longest;
  return length * round_up(size, kernels_.lanes) + kernels_.gradient_scratch(looks, length);
}

template <class T>
void AttentionMemory<T>::add_sums(Index sample, Index looks, Rows<const T> left,
                                  Rows<const T> right, Index size, Rows<T> out, T* scratch) const {
  const Index length = memory_.length(sample), stride = round_up(size, kernels_.lanes);
  if (looks == 0 || length == 0) return;
  T* const sums = scratch;
  std::fill_n(sums, length * stride, T(0));
  GradientProductArgs<T> args;
  args.samples = args.per_step = looks;
  args.left[0] = {length, left.data, 0, left.stride, sums};
  args.b = right.data;
  args.b_stride = right.stride;
  args.end = size;
  args.out_stride = stride;
  args.scratch = scratch + length * stride;
  kernels_.gradient_product(args);
  for (Index j = 0; j < length; ++j)
    for (Index i = 0; i < size; ++i) out.data[j * out.stride + i] += sums[j * stride + i];
}

template class AttentionMemory<float>;
template class AttentionMemory<double>;

}  // namespace lstm_native
