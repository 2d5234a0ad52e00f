#include "core/attention/attention_weights.hpp"

#include <cmath>

#include "core/numeric/initialisers.hpp"
#include "core/numeric/packing.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/product_args.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
AttentionWeights<T>::AttentionWeights(AttentionScore score, Index units, Index heads, bool bias,
                                      Index queries, Index memory, WeightSeed seed)
    : score_(score), heads_(heads), key_size_(queries), value_size_(memory) {
  switch (score) {
    case AttentionScore::dot:
      if (queries != memory)
        throw InvalidArgument(
            "score \"dot\": expected queries and memory of as many features, got " +
            std::to_string(queries) + " and " + std::to_string(memory));
      break;
    case AttentionScore::general:
      place(key, memory, queries, add("weight", {queries, memory}), 0);
      break;
    case AttentionScore::scaled_dot: place_heads(bias, queries, memory); break;
    case AttentionScore::additive:
      key_size_ = round_up(units, kGateBlock<T>);
      place(query, queries, units, add("query_weight", {units, queries}), 0);
      place(key, memory, units, add("memory_weight", {units, memory}), 0);
      add("v", {units});
      break;
  }
  draw(seed);
  parameters_changed();
}

template <class T>
std::size_t AttentionWeights<T>::add(const char* name, std::vector<Index> shape) {
  parameters_.push_back(make_parameter<T>(name, std::move(shape)));
  return parameters_.size() - 1;
}

template <class T>
void AttentionWeights<T>::place(Place at, Index inputs, Index outputs, std::size_t weight,
                                Index first_row) {
  projections_[at].linear = std::make_unique<Linear<T>>(inputs, outputs, false, std::nullopt);
  projections_[at].weight = weight;
  projections_[at].first_row = first_row;
}

/// The names and shapes of torch.nn.MultiheadAttention.
template <class T>
void AttentionWeights<T>::place_heads(bool bias, Index queries, Index memory) {
  if (queries % heads_ != 0)
    throw InvalidArgument("num_heads: expected a divisor of the query's " +
                          std::to_string(queries) + " features, got " + std::to_string(heads_));
  const Index E = queries;
  key_size_ = value_size_ = E / heads_;
  const Place three[] = {query, key, value};
  const auto linear = [&](Place at, Index inputs, std::size_t weight, Index first_row) {
    place(at, inputs, E, weight, first_row);
    if (bias) projections_[at].linear = std::make_unique<Linear<T>>(inputs, E, true, std::nullopt);
    projections_[at].has_bias = bias;
  };
  if (memory == E) {
    const std::size_t all = add("in_proj_weight", {3 * E, E});
    for (const Place at : three) linear(at, E, all, at * E);
  } else {
    linear(query, E, add("q_proj_weight", {E, E}), 0);
    linear(key, memory, add("k_proj_weight", {E, memory}), 0);
    linear(value, memory, add("v_proj_weight", {E, memory}), 0);
  }
  if (bias) {
    const std::size_t all = add("in_proj_bias", {3 * E});
    for (const Place at : three) projections_[at].bias = all;
  }
  linear(output, E, add("out_proj.weight", {E, E}), 0);
  if (bias) projections_[output].bias = add("out_proj.bias", {E});
}

template <class T>
void AttentionWeights<T>::draw(WeightSeed seed) {
  for (std::size_t at = 0; at < 4; ++at) {
    const Projection& p = projections_[at];
    if (!p.linear) continue;
    const Index inputs = p.linear->inputs(), outputs = p.linear->outputs();
    glorot_uniform(inputs, outputs, derive_seed(seed, at), inputs * outputs,
                   parameters_[p.weight].value.data() + p.first_row * inputs);
  }
  if (!additive()) return;
  const auto units = static_cast<Index>(parameters_.back().value.size());
  glorot_uniform(units, Index{1}, derive_seed(seed, 4), units, parameters_.back().value.data());
}

template <class T>
std::vector<Parameter<T>*> AttentionWeights<T>::parameters() {
  std::vector<Parameter<T>*> list;
  for (Parameter<T>& p : parameters_) list.push_back(&p);
  return list;
}

template <class T>
void AttentionWeights<T>::parameters_changed() {
  for (std::size_t at = 0; at < 4; ++at) {
    Projection& p = projections_[at];
    if (!p.linear) continue;
    const std::vector<Parameter<T>*> own = p.linear->parameters();
    const Index inputs = p.linear->inputs(), outputs = p.linear->outputs();
    std::copy_n(parameters_[p.weight].value.data() + p.first_row * inputs, inputs * outputs,
                own[0]->value.data());
    // Biases of query, key and value stand one behind the other in any case.
    const Index first = at == output ? 0 : static_cast<Index>(at) * outputs;
    if (p.has_bias)
      std::copy_n(parameters_[p.bias].value.data() + first, outputs, own[1]->value.data());
    p.linear->parameters_changed();
  }
  if (!additive()) return;
  const std::vector<T>& v = parameters_.back().value;
  v_.assign(static_cast<std::size_t>(key_size_), T(0));
  std::copy(v.begin(), v.end(), v_.begin());
}

template <class T>
Scoring<T> AttentionWeights<T>::scoring() const {
  Scoring<T> scoring;
  if (additive()) scoring.v = v_.data();
  if (score_ == AttentionScore::scaled_dot)
    scoring.scale = static_cast<T>(1.0 / std::sqrt(static_cast<double>(key_size_)));
  return scoring;
}

template <class T>
Projected<T> AttentionWeights<T>::project(Place at, Index rows, Rows<const T> before,
                                          Workspace& workspace) const {
  const Linear<T>* const linear = projection(at);
  if (!linear) return {before, before};
  // Padding of additive keys and queries stays zero.
  const Index width = additive() ? key_size_ : linear->outputs();
  T* const to = workspace.take_zeros<T>(rows * width);
  if (rows > 0) linear->forward(rows, before, {to, width}, false);
  return {before, {to, width}};
}

template <class T>
void AttentionWeights<T>::back(Place at, Index rows, const Projected<T>& projected,
                               Rows<const T> d_after, Rows<T> d_before, bool accumulate,
                               T* const* gradients, Workspace& workspace) const {
  if (rows == 0) return;
  const Projection& p = projections_[at];
  if (p.linear) {
    const Index first = at == output ? 0 : static_cast<Index>(at) * p.linear->outputs();
    T* const own[2] = {gradients[p.weight] + p.first_row * p.linear->inputs(),
                       p.has_bias ? gradients[p.bias] + first : nullptr};
    p.linear->backward(rows, projected.before, d_after, d_before, accumulate, own, workspace);
    return;
  }
  if (!d_before.data) return;
  const Index width = at == query || at == key ? key_size_ : value_size_;
  for (Index r = 0; r < rows; ++r) {
    const T* from = d_after.data + r * d_after.stride;
    T* to = d_before.data + r * d_before.stride;
    for (Index i = 0; i < width; ++i) to[i] = accumulate ? to[i] + from[i] : from[i];
  }
}

template <class T>
void AttentionWeights<T>::add_v_gradient(Index samples, const T* d_v, T* const* gradients) const {
  T* const to = gradients[parameters_.size() - 1];
  const auto units = static_cast<Index>(parameters_.back().value.size());
  for (Index n = 0; n < samples; ++n)
    for (Index a = 0; a < units; ++a) to[a] += d_v[n * key_size_ + a];
}

template <class T>
void multiply(const Linear<T>& of, const typename Linear<T>::Packed& packed, Index rows,
              Rows<const T> x, Rows<T> y) {
  ProductArgs<T> args;
  args.rows = rows;
  args.depth = of.inputs();
  args.cols = of.outputs();
  args.a = x.data;
  args.a_stride = x.stride;
  args.packed = packed.weight.data();
  args.bias = packed.bias.data();
  args.out = y.data;
  args.out_stride = y.stride;
  packed.kernels->product(args);
}

template <class T>
void add_transposed(const Linear<T>& of, const typename Linear<T>::Packed& packed, Index rows,
                    Rows<const T> x, Rows<T> y) {
  ProductArgs<T> args;
  args.rows = rows;
  args.depth = of.outputs();
  args.cols = of.inputs();
  args.a = x.data;
  args.a_stride = x.stride;
  args.packed = packed.weight.data();
  args.out = y.data;
  args.out_stride = y.stride;
  args.accumulate = true;
  packed.kernels->product(args);
}

template class AttentionWeights<float>;
template class AttentionWeights<double>;
template void multiply(const Linear<float>&, const Linear<float>::Packed&, Index, Rows<const float>,
                       Rows<float>);
template void multiply(const Linear<double>&, const Linear<double>::Packed&, Index,
                       Rows<const double>, Rows<double>);
template void add_transposed(const Linear<float>&, const Linear<float>::Packed&, Index,
                             Rows<const float>, Rows<float>);
template void add_transposed(const Linear<double>&, const Linear<double>::Packed&, Index,
                             Rows<const double>, Rows<double>);

}  // namespace lstm_native
