#include <optional>

#include "core/attention/attention_layer.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
class AttentionStream final : public LayerStream<T> {
 public:
  AttentionStream(const AttentionLayer<T>& layer, Index rows)
      : layer_(layer), weights_(layer.weights()), rows_(rows) {
    using Weights = AttentionWeights<T>;
    if (const Linear<T>* of = weights_.projection(Weights::query)) query_ = of->packed(rows);
    if (const Linear<T>* of = weights_.projection(Weights::output)) output_ = of->packed(rows);
    scoring_ = weights_.scoring();
    if (!scoring_.v) return;
    v_.assign(scoring_.v, scoring_.v + weights_.key_size());
    scoring_.v = v_.data();
  }

  bool must_hold(std::size_t port) const override { return port == 1; }

  void hold(std::size_t port, const Batch<T>& whole) override {
    using Weights = AttentionWeights<T>;
    if (port != 1) return LayerStream<T>::hold(port, whole);
    const TrueRows<T> memory(whole, true, workspace_);
    beams_ = rows_ / whole.samples;
    const Rows<const T> rows{memory.values, memory.features};
    const Index keys = weights_.key_size(), values = weights_.value_size();
    key_ = weights_.project(Weights::key, memory.rows(), rows, workspace_);
    value_ = weights_.project(Weights::value, memory.rows(), rows, workspace_);
    looks_.emplace(kernels<T>(), scoring_, memory,
                   MemoryView<T>{key_.after, value_.after, weights_.heads(), keys, values},
                   workspace_);
    width_ = weights_.heads() * values;
    queries_ = workspace_.take_zeros<T>(rows_ * weights_.heads() * keys);
    of_looks_ = workspace_.take<T>(weights_.heads() * memory.longest);
    contexts_ = workspace_.take<T>(rows_ * width_);
  }

  void step(const Batch<T>* in, T* const* out) noexcept override {
    using Weights = AttentionWeights<T>;
    const TrueRows<T>& memory = looks_->rows();
    const Index keys = weights_.key_size(), values = weights_.value_size();
    Rows<const T> query{in[0].values, layer_.query_features()};
    if (query_) {
      const Rows<T> to{queries_, weights_.heads() * keys};
      multiply(*weights_.projection(Weights::query), *query_, rows_, query, to);
      query = {to.data, to.stride};
    }
    T* const contexts = output_ ? contexts_ : out[0];
    for (Index n = 0; n < rows_; ++n) {
      for (Index h = 0; h < weights_.heads(); ++h)
        looks_->look(n / beams_, h, 1, {query.data + n * query.stride + h * keys, query.stride},
                     false, {of_looks_ + h * memory.longest, 0},
                     {contexts + n * width_ + h * values, width_});
      if (out[1])
        mean_over_heads(weights_.heads(), memory.length(n / beams_), of_looks_, memory.longest,
                        memory.timesteps, out[1] + n * memory.timesteps);
    }
    if (output_)
      multiply(*weights_.projection(Weights::output), *output_, rows_,
               Rows<const T>{contexts, width_}, Rows<T>{out[0], width_});
  }

 private:
  using Packed = std::shared_ptr<const typename Linear<T>::Packed>;

  const AttentionLayer<T>& layer_;
  const AttentionWeights<T>& weights_;
  Index rows_, width_ = 0, beams_ = 1;  // beams: rows that look at the same memory
  Packed query_, output_;               // as they were when the stream was made
  AlignedVector<T> v_;
  Scoring<T> scoring_;
  Workspace workspace_;
  Projected<T> key_, value_;
  std::optional<AttentionMemory<T>> looks_;
  T *queries_ = nullptr, *of_looks_ = nullptr, *contexts_ = nullptr;
};

}  // namespace

template <class T>
std::unique_ptr<LayerStream<T>> make_attention_stream(const AttentionLayer<T>& layer, Index rows) {
  return std::make_unique<AttentionStream<T>>(layer, rows);
}

template std::unique_ptr<LayerStream<float>> make_attention_stream(const AttentionLayer<float>&,
                                                                   Index);
template std::unique_ptr<LayerStream<double>> make_attention_stream(const AttentionLayer<double>&,
                                                                    Index);

}  // namespace lstm_native
