#include "core/layers/simple_layers.hpp"

#include <algorithm>
#include <cmath>

#include "core/layers/layer_stream.hpp"
#include "core/numeric/activations.hpp"
#include "core/numeric/dropout_mask.hpp"
#include "core/numeric/initialisers.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

// ---- Dense ------------------------------------------------------------------------------------

template <class T>
DenseLayer<T>::DenseLayer(const DenseSpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec),
      linear_(spec.tied ? Linear<T>(inputs, spec.units, spec.bias)
                        : Linear<T>(inputs, spec.units, spec.bias, seed)) {}

template <class T>
OutputShape DenseLayer<T>::output_shape(Index timesteps) const {
  if (!linear_.weight())
    throw InvalidArgument(
        "Dense: tied, it has no weight of its own and runs only in a network that begins with an "
        "Embedding");
  return {timesteps, spec_.units};
}

template <class T>
void DenseLayer<T>::check_tie(const EmbeddingLayer<T>& embedding) const {
  if (spec_.units != embedding.vocabulary())
    throw InvalidArgument("Dense: tied, expected " + std::to_string(embedding.vocabulary()) +
                          " units (the Embedding's vocabulary), got " +
                          std::to_string(spec_.units));
  if (linear_.inputs() != embedding.output_features())
    throw InvalidArgument("Dense: tied, expected " + std::to_string(embedding.output_features()) +
                          " input features (the Embedding's), got " +
                          std::to_string(linear_.inputs()));
  if (embedding_ && embedding_.get() != &embedding)
    throw InvalidArgument("Dense: is tied to the Embedding of another network already");
}

template <class T>
void tie(const std::shared_ptr<EmbeddingLayer<T>>& embedding,
         const std::shared_ptr<DenseLayer<T>>& dense) {
  if (dense->embedding_ == embedding) return;
  auto& tied = embedding->tied_;
  tied.erase(std::remove_if(tied.begin(), tied.end(), [](const auto& d) { return d.expired(); }),
             tied.end());
  tied.push_back(dense);
  dense->embedding_ = embedding;
  dense->linear_.borrow(&embedding->weight_);
}

template <class T>
class DenseLayer<T>::DenseTape final : public SequenceTape<T> {
 public:
  DenseTape(const DenseLayer& layer, Activation activation, const Batch<T>& x, const T* y)
      : layer_(layer), activation_(activation), x_(x), y_(y) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    const Index rows = rows_of(x_.samples, x_.timesteps), units = layer_.spec_.units;
    const Workspace::Scope scope(workspace);
    if (activation_ != Activation::linear) {
      T* before = workspace.take<T>(rows * units);
      activate_backward(activation_, rows, units, y_, dy, before);
      dy = before;
    }
    const Index inputs = layer_.linear_.inputs();
    layer_.linear_.backward(rows, {x_.values, inputs}, {dy, units}, {dx, inputs}, false, gradients,
                            workspace);
  }

 private:
  const DenseLayer& layer_;
  Activation activation_;
  Batch<T> x_;
  const T* y_;
};

namespace {

/// What a layer with this activation applies in this pass.
Activation applied(Activation activation, const Pass& pass) {
  return pass.before_activation ? Activation::linear : activation;
}

}  // namespace

template <class T>
std::unique_ptr<SequenceTape<T>> DenseLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                        const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps);
  linear_.forward(rows, {x.values, linear_.inputs()}, {y, spec_.units}, false);
  const Activation activation = applied(spec_.activation, pass);
  activate(activation, rows, spec_.units, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<DenseTape>(*this, activation, x, y);
}

template <class T>
class DenseLayer<T>::DenseStream final : public SequenceStream<T> {
 public:
  DenseStream(const DenseLayer& layer, Index rows)
      : weights_(layer.linear_.packed(rows)), activation_(layer.spec_.activation) {
    product_.rows = rows;
    product_.depth = product_.a_stride = layer.linear_.inputs();
    product_.cols = product_.out_stride = layer.spec_.units;
    product_.packed = weights_->weight.data();
    product_.bias = weights_->bias.data();
  }

  void step(const Batch<T>& x, T* y) noexcept override {
    product_.a = x.values;
    product_.out = y;
    weights_->kernels->product(product_);
    activate_rows(*weights_->kernels, activation_, product_.rows, product_.cols, y);
  }

 private:
  std::shared_ptr<const typename Linear<T>::Packed> weights_;
  Activation activation_;
  ProductArgs<T> product_;
};

template <class T>
std::unique_ptr<LayerStream<T>> DenseLayer<T>::stream(Index rows) const {
  output_shape(1);  // throws when there is no weight
  return std::make_unique<DenseStream>(*this, rows);
}

// ---- Embedding --------------------------------------------------------------------------------

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

// ---- Dropout ----------------------------------------------------------------------------------

template <class T>
class DropoutLayer<T>::DropoutTape final : public SequenceTape<T> {
 public:
  DropoutTape(double rate, std::uint64_t seed, Index rows, Index features)
      : rate_(rate), seed_(seed), rows_(rows), features_(features) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (dx) apply_dropout<T>(rate_, seed_, rows_, features_, {dy, features_}, {dx, features_});
  }

 private:
  double rate_;
  std::uint64_t seed_;
  Index rows_, features_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> DropoutLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                          const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps);
  const double rate = pass.training ? spec_.rate : 0.0;
  if (rate > 0)
    apply_dropout<T>(rate, pass.seed, rows, features_, {x.values, features_}, {y, features_});
  else
    std::copy_n(x.values, rows * features_, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<DropoutTape>(rate, pass.seed, rows, features_);
}

namespace {

/// Values as they come, through an activation.
template <class T>
class PointwiseStream final : public SequenceStream<T> {
 public:
  PointwiseStream(Activation kind, Index features)
      : kernels_(kernels<T>()), kind_(kind), features_(features) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    std::copy_n(x.values, x.samples * features_, y);
    activate_rows(kernels_, kind_, x.samples, features_, y);
  }

 private:
  const KernelTable<T>& kernels_;
  Activation kind_;
  Index features_;
};

}  // namespace

template <class T>
std::unique_ptr<LayerStream<T>> DropoutLayer<T>::stream(Index) const {
  return pass_through_stream<T>(features_);
}

template <class T>
std::unique_ptr<LayerStream<T>> pass_through_stream(Index features) {
  return std::make_unique<PointwiseStream<T>>(Activation::linear, features);
}

// ---- LayerNorm --------------------------------------------------------------------------------

template <class T>
class LayerNormLayer<T>::LayerNormTape final : public SequenceTape<T> {
 public:
  /// normal: rows x features, (x - mean) / deviation; inverse: rows, 1 / deviation.
  LayerNormTape(const LayerNormLayer& layer, Index rows, const T* normal, const T* inverse)
      : layer_(layer), rows_(rows), normal_(normal), inverse_(inverse) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace&) override {
    const Index n = layer_.features_;
    const T* weight = layer_.weight_.value.data();
    for (Index r = 0; r < rows_; ++r) {
      const T* normal = normal_ + r * n;
      const T* d = dy + r * n;
      double mean = 0, projection = 0;
      for (Index i = 0; i < n; ++i) {
        gradients[0][i] += d[i] * normal[i];
        gradients[1][i] += d[i];
        const double g = static_cast<double>(d[i]) * weight[i];
        mean += g;
        projection += g * normal[i];
      }
      if (!dx) continue;
      mean /= static_cast<double>(n);
      projection /= static_cast<double>(n);
      for (Index i = 0; i < n; ++i)
        dx[r * n + i] = static_cast<T>(
            inverse_[r] * (static_cast<double>(d[i]) * weight[i] - mean - normal[i] * projection));
    }
  }

 private:
  const LayerNormLayer& layer_;
  Index rows_;
  const T* normal_;
  const T* inverse_;
};

namespace {

/// One row of n values: normal = (x - mean) / deviation, y = normal * weight + bias. Returns
/// 1 / deviation. normal may be y.
template <class T>
double normalise(const T* x, Index n, double epsilon, const T* weight, const T* bias, T* normal,
                 T* y) {
  double mean = 0, variance = 0;
  for (Index i = 0; i < n; ++i) mean += static_cast<double>(x[i]);
  mean /= static_cast<double>(n);
  for (Index i = 0; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean);
  variance /= static_cast<double>(n);
  const double scale = 1.0 / std::sqrt(variance + epsilon);
  for (Index i = 0; i < n; ++i) {
    const T value = static_cast<T>((x[i] - mean) * scale);
    normal[i] = value;
    y[i] = value * weight[i] + bias[i];
  }
  return scale;
}

}  // namespace

template <class T>
LayerNormLayer<T>::LayerNormLayer(const LayerNormSpec& spec, Index features)
    : spec_(spec), features_(features) {
  const auto n = static_cast<std::size_t>(features);
  weight_ = {{"weight", {features}}, std::vector<T>(n, T(1))};
  bias_ = {{"bias", {features}}, std::vector<T>(n)};
}

template <class T>
std::unique_ptr<SequenceTape<T>> LayerNormLayer<T>::forward(const Batch<T>& x, T* y,
                                                            const States<T>&,
                                                            const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps), n = features_;
  T* normal = pass.remember ? pass.workspace.take<T>(rows * n) : y;
  T* inverse = pass.remember ? pass.workspace.take<T>(rows) : nullptr;
  for (Index r = 0; r < rows; ++r) {
    const double scale = normalise(x.values + r * n, n, spec_.epsilon, weight_.value.data(),
                                   bias_.value.data(), normal + r * n, y + r * n);
    if (inverse) inverse[r] = static_cast<T>(scale);
  }
  if (!pass.remember) return nullptr;
  return std::make_unique<LayerNormTape>(*this, rows, normal, inverse);
}

template <class T>
class LayerNormLayer<T>::LayerNormStream final : public SequenceStream<T> {
 public:
  explicit LayerNormStream(const LayerNormLayer& layer)
      : epsilon_(layer.spec_.epsilon), weight_(layer.weight_.value), bias_(layer.bias_.value) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    const auto n = static_cast<Index>(weight_.size());
    for (Index r = 0; r < x.samples; ++r)
      normalise(x.values + r * n, n, epsilon_, weight_.data(), bias_.data(), y + r * n, y + r * n);
  }

 private:
  double epsilon_;
  std::vector<T> weight_, bias_;
};

template <class T>
std::unique_ptr<LayerStream<T>> LayerNormLayer<T>::stream(Index) const {
  return std::make_unique<LayerNormStream>(*this);
}

// ---- Activation -------------------------------------------------------------------------------

template <class T>
class ActivationLayer<T>::ActivationTape final : public SequenceTape<T> {
 public:
  ActivationTape(Activation kind, Index rows, Index features, const T* y)
      : kind_(kind), rows_(rows), features_(features), y_(y) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (dx) activate_backward(kind_, rows_, features_, y_, dy, dx);
  }

 private:
  Activation kind_;
  Index rows_, features_;
  const T* y_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> ActivationLayer<T>::forward(const Batch<T>& x, T* y,
                                                             const States<T>&,
                                                             const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps);
  std::copy_n(x.values, rows * features_, y);
  const Activation activation = applied(spec_.activation, pass);
  activate(activation, rows, features_, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<ActivationTape>(activation, rows, features_, y);
}

template <class T>
std::unique_ptr<LayerStream<T>> ActivationLayer<T>::stream(Index) const {
  return std::make_unique<PointwiseStream<T>>(spec_.activation, features_);
}

template std::unique_ptr<LayerStream<float>> pass_through_stream(Index);
template std::unique_ptr<LayerStream<double>> pass_through_stream(Index);
template void tie(const std::shared_ptr<EmbeddingLayer<float>>&,
                  const std::shared_ptr<DenseLayer<float>>&);
template void tie(const std::shared_ptr<EmbeddingLayer<double>>&,
                  const std::shared_ptr<DenseLayer<double>>&);
template class DenseLayer<float>;
template class DenseLayer<double>;
template class EmbeddingLayer<float>;
template class EmbeddingLayer<double>;
template class DropoutLayer<float>;
template class DropoutLayer<double>;
template class LayerNormLayer<float>;
template class LayerNormLayer<double>;
template class ActivationLayer<float>;
template class ActivationLayer<double>;

}  // namespace lstm_native
