#include "core/layers/embedding.hpp"

#include <algorithm>

#include "core/layers/dense.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/numeric/initialisers.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
class EmbeddingLayer<T>::EmbeddingTape final : public SequenceTape<T> {
 public:
  EmbeddingTape(const EmbeddingLayer& layer, const Batch<T>& x) : layer_(layer), x_(x) {}

  void backward(const T* dy, T*, const StateGradients<T>&, T* const* gradients,
                Workspace&) override {
    const Index rows = rows_of(x_.samples, x_.timesteps), features = layer_.spec_.features;
    for (Index r = 0; r < rows; ++r) {
      T* row = gradients[0] + x_.tokens[r] * features;
      for (Index i = 0; i < features; ++i) row[i] += dy[r * features + i];
    }
  }

 private:
  const EmbeddingLayer& layer_;
  Batch<T> x_;
};

namespace {

/// The rows of the table that the tokens name, one after another. Each token is read once and
/// checked as it is used: another thread may have written to them since the input was checked.
/// False at the first one that is out of range.
template <class T>
bool look_up(const T* table, const EmbeddingSpec& spec, const Batch<T>& x, T* y) {
  for (Index r = 0; r < rows_of(x.samples, x.timesteps); ++r) {
    const std::int64_t token = x.tokens[r];
    if (token < 0 || token >= spec.vocabulary) return false;
    std::copy_n(table + token * spec.features, spec.features, y + r * spec.features);
  }
  return true;
}

}  // namespace

template <class T>
EmbeddingLayer<T>::EmbeddingLayer(const EmbeddingSpec& spec, WeightSeed seed) : spec_(spec) {
  const Index size = spec.vocabulary * spec.features;
  weight_ = make_parameter<T>("weight", {spec.vocabulary, spec.features});
  normal_values(1.0, seed, size, weight_.value.data());
}

template <class T>
void EmbeddingLayer<T>::drop_packed() {
  table_.invalidate();
  for (const auto& tied : tied_)
    if (const auto dense = tied.lock()) dense->parameters_changed();
}

template <class T>
std::unique_ptr<SequenceTape<T>> EmbeddingLayer<T>::forward(const Batch<T>& x, T* y,
                                                            const States<T>&,
                                                            const Pass& pass) const {
  if (!look_up(weight_.value.data(), spec_, x, y))
    throw InvalidArgument("Embedding: the tokens were changed while they were read");
  if (!pass.remember) return nullptr;
  return std::make_unique<EmbeddingTape>(*this, x);
}

template <class T>
class EmbeddingLayer<T>::EmbeddingStream final : public SequenceStream<T> {
 public:
  EmbeddingStream(const EmbeddingSpec& spec, std::shared_ptr<const std::vector<T>> table)
      : spec_(spec), table_(std::move(table)) {}

  bool takes(const Batch<T>& x) const noexcept override {
    return std::all_of(x.tokens, x.tokens + x.samples,
                       [&](std::int64_t token) { return token >= 0 && token < spec_.vocabulary; });
  }

  void step(const Batch<T>& x, T* y) noexcept override { look_up(table_->data(), spec_, x, y); }

 private:
  EmbeddingSpec spec_;
  std::shared_ptr<const std::vector<T>> table_;
};

template <class T>
std::unique_ptr<LayerStream<T>> EmbeddingLayer<T>::stream(Index) const {
  // A table does not depend on the kernels: any key that is not null will do.
  auto table = table_.get(this, [&](std::vector<T>& copy) { copy = weight_.value; });
  return std::make_unique<EmbeddingStream>(spec_, std::move(table));
}

template class EmbeddingLayer<float>;
template class EmbeddingLayer<double>;

}  // namespace lstm_native
