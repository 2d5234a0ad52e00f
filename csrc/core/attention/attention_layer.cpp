#include "core/attention/attention_layer.hpp"

#include <optional>

#include "core/runtime/threads.hpp"
#include "core/specs/attention_kinds.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
AttentionLayer<T>::AttentionLayer(const AttentionSpec& spec, const InputFeatures& features,
                                  WeightSeed seed)
    : spec_(spec),
      queries_(features[0]),
      memory_(memory_features(features)),
      weights_(spec.score, spec.units ? spec.units : queries_, spec.num_heads, spec.bias, queries_,
               memory_, seed) {}

template <class T>
OutputShape AttentionLayer<T>::output_shape(std::size_t port, const OutputShape* in) const {
  const Index queries = in[0].timesteps, memory = in[1].timesteps;
  if (memory == 0) throw InvalidArgument("input 'memory': expected a time axis, got none");
  if (spec_.causal && queries != memory)
    throw InvalidArgument("causal: expected as many steps of query and memory, got " +
                          std::to_string(queries) + " and " + std::to_string(memory));
  return {queries, port == 0 ? output_features() : memory};
}

template <class T>
void mean_over_heads(Index count, Index length, const T* heads, Index stride, Index timesteps,
                     T* weights) {
  std::copy_n(heads, length, weights);
  for (Index h = 1; h < count; ++h)
    for (Index j = 0; j < length; ++j) weights[j] += heads[h * stride + j];
  if (count > 1) {
    const T scale = static_cast<T>(1.0 / static_cast<double>(count));
    for (Index j = 0; j < length; ++j) weights[j] *= scale;
  }
  std::fill(weights + length, weights + timesteps, T(0));
}

namespace {

/// One pass; all that a tape keeps lies in the pass's workspace.
template <class T>
class AttentionPass final : public Tape<T> {
 public:
  AttentionPass(const AttentionLayer<T>& layer, const Batch<T>* in, T* const* out,
                Workspace& workspace)
      : layer_(layer),
        weights_(layer.weights()),
        queries_(in[0], false, workspace),
        memory_(in[1], false, workspace) {
    using Weights = AttentionWeights<T>;
    const Rows<const T> rows{memory_.values, memory_.features};
    query_ = weights_.project(Weights::query, queries_.rows(), {queries_.values, queries_.features},
                              workspace);
    key_ = weights_.project(Weights::key, memory_.rows(), rows, workspace);
    value_ = weights_.project(Weights::value, memory_.rows(), rows, workspace);
    looks_.emplace(kernels<T>(), weights_.scoring(), memory_,
                   MemoryView<T>{key_.after, value_.after, heads(), weights_.key_size(),
                                 weights_.value_size()},
                   workspace);
    width_ = heads() * weights_.value_size();
    row_ = heads() * memory_.longest;
    of_looks_ = workspace.take<T>(queries_.rows() * row_);
    const bool direct = !queries_.lengths && !weights_.projection(Weights::output);
    contexts_ = direct ? out[0] : workspace.take<T>(queries_.rows() * width_);
    run(out, workspace);
  }

  void backward(const T* const* dy, T* const* dx, T* const* gradients,
                Workspace& workspace) override;

 private:
  Index heads() const { return weights_.heads(); }
  template <class V>
  Rows<V> of_head(V* rows, Index sample, Index head, Index stride, Index size) const {
    return {rows + queries_.offsets[sample] * stride + head * size, stride};
  }
  double work() const {
    return static_cast<double>(queries_.rows() * memory_.longest) *
           static_cast<double>(heads() * (weights_.key_size() * (weights_.additive() ? 16 : 1) +
                                          weights_.value_size()));
  }

  void run(T* const* out, Workspace& workspace) {
    using Weights = AttentionWeights<T>;
    parallel_for(queries_.samples * heads(), work(), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index n = i / heads(), h = i % heads();
        looks_->look(n, h, queries_.length(n),
                     of_head(query_.after.data, n, h, query_.after.stride, weights_.key_size()),
                     layer_.causal(), of_head(of_looks_, n, h, row_, memory_.longest),
                     of_head(contexts_, n, h, width_, weights_.value_size()));
      }
    });
    const Rows<const T> contexts{contexts_, width_};
    const Projected<T> y = weights_.project(Weights::output, queries_.rows(), contexts, workspace);
    if (y.after.data != out[0]) queries_.scatter(y.after.data, width_, out[0]);
    if (!out[1]) return;
    for (Index n = 0; n < queries_.samples; ++n) {
      T* to = out[1] + n * queries_.timesteps * memory_.timesteps;
      std::fill_n(to, queries_.timesteps * memory_.timesteps, T(0));
      for (Index t = 0; t < queries_.length(n); ++t, to += memory_.timesteps)
        mean_over_heads(heads(), memory_.length(n), of_looks_ + (queries_.offsets[n] + t) * row_,
                        memory_.longest, memory_.timesteps, to);
    }
  }

  const AttentionLayer<T>& layer_;
  const AttentionWeights<T>& weights_;
  TrueRows<T> queries_, memory_;
  Projected<T> query_, key_, value_;
  std::optional<AttentionMemory<T>> looks_;
  Index width_, row_;        // values of a context, and of all weights of a query
  T *of_looks_, *contexts_;  // the weights; for each row of the queries
};

template <class T>
void AttentionPass<T>::backward(const T* const* dy, T* const* dx, T* const* gradients,
                                Workspace& workspace) {
  using Weights = AttentionWeights<T>;
  const Workspace::Scope scope(workspace);
  const Index rows = queries_.rows(), keys = heads() * weights_.key_size();
  looks_->prepare_back(workspace);
  const T* d_contexts = queries_.without_padding(dy[0], width_, workspace);
  if (weights_.projection(Weights::output)) {
    T* const d = workspace.take<T>(rows * width_);
    weights_.back(Weights::output, rows, {{contexts_, width_}, {nullptr, 0}}, {d_contexts, width_},
                  {d, width_}, false, gradients, workspace);
    d_contexts = d;
  }
  T* const d_looks = workspace.take<T>(rows * row_);
  T* const d_queries = workspace.take<T>(rows * keys);
  T* const d_keys = workspace.take_zeros<T>(memory_.rows() * keys);
  T* const d_values = workspace.take_zeros<T>(memory_.rows() * width_);
  T* const d_v = workspace.take_zeros<T>(memory_.samples * keys);
  const Index pairs = queries_.samples * heads(), parts = parallel_parts(pairs, 3 * work());
  const Index size = std::max(weights_.key_size(), weights_.value_size());
  const Index scratch_size = looks_->scratch_size(queries_.longest, size);
  T* const scratch = workspace.take<T>(parts * scratch_size);
  run_parts(parts, pairs, [&](Index part, Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index n = i / heads(), h = i % heads(), count = queries_.length(n);
      const auto of_memory = [&](T* data, Index stride, Index own) -> Rows<T> {
        return {data + memory_.offsets[n] * stride + h * own, stride};
      };
      const Index key_size = weights_.key_size(), value_size = weights_.value_size();
      const Rows<const T> query = of_head(query_.after.data, n, h, query_.after.stride, key_size);
      const Rows<const T> look = of_head<const T>(of_looks_, n, h, row_, memory_.longest);
      LookGradients<T> g;
      g.d_contexts = of_head(d_contexts, n, h, width_, value_size);
      if (dy[1]) {
        g.d_weights = {dy[1] + n * queries_.timesteps * memory_.timesteps, memory_.timesteps};
        g.d_weights_scale = static_cast<T>(1.0 / static_cast<double>(heads()));
      }
      g.d_scores = of_head(d_looks, n, h, row_, memory_.longest);
      g.d_queries = of_head(d_queries, n, h, keys, key_size);
      g.d_keys = d_keys + memory_.offsets[n] * keys;
      g.d_v = d_v + n * keys;
      looks_->back(n, h, count, query, look, g);
      T* const own = scratch + part * scratch_size;
      looks_->add_sums(n, count, look, g.d_contexts, value_size,
                       of_memory(d_values, width_, value_size), own);
      if (!weights_.additive())
        looks_->add_sums(n, count, {g.d_scores.data, g.d_scores.stride}, query, key_size,
                         of_memory(d_keys, keys, key_size), own);
    }
  });
  if (weights_.additive()) weights_.add_v_gradient(memory_.samples, d_v, gradients);

  const auto target = [&](T* wanted, const TrueRows<T>& of) -> T* {
    if (!wanted || !of.lengths) return wanted;
    return workspace.take<T>(of.rows() * of.features);
  };
  T *const d_query = target(dx[0], queries_), *const d_memory = target(dx[1], memory_);
  weights_.back(Weights::query, rows, query_, {d_queries, keys}, {d_query, queries_.features},
                false, gradients, workspace);
  weights_.back(Weights::value, memory_.rows(), value_, {d_values, width_},
                {d_memory, memory_.features}, false, gradients, workspace);
  weights_.back(Weights::key, memory_.rows(), key_, {d_keys, keys}, {d_memory, memory_.features},
                true, gradients, workspace);
  if (d_query != dx[0]) queries_.scatter(d_query, queries_.features, dx[0]);
  if (d_memory != dx[1]) memory_.scatter(d_memory, memory_.features, dx[1]);
}

}  // namespace

template <class T>
std::unique_ptr<Tape<T>> AttentionLayer<T>::forward(const Batch<T>* in, T* const* out,
                                                    const Pass& pass) const {
  if (pass.remember) return std::make_unique<AttentionPass<T>>(*this, in, out, pass.workspace);
  const Workspace::Scope scope(pass.workspace);
  AttentionPass<T>(*this, in, out, pass.workspace);
  return nullptr;
}

template <class T>
std::unique_ptr<LayerStream<T>> AttentionLayer<T>::stream(Index rows) const {
  if (spec_.causal)
    throw InvalidArgument(
        "Attention: cannot be streamed: its memory grows with the steps (causal)");
  return make_attention_stream(*this, rows);
}

template class AttentionLayer<float>;
template class AttentionLayer<double>;
template void mean_over_heads(Index, Index, const float*, Index, Index, float*);
template void mean_over_heads(Index, Index, const double*, Index, Index, double*);

}  // namespace lstm_native
