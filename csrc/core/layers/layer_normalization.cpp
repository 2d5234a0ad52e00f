#include "core/layers/layer_normalization.hpp"

#include <cmath>

#include "core/layers/layer_stream.hpp"

namespace lstm_native {

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

template class LayerNormLayer<float>;
template class LayerNormLayer<double>;

}  // namespace lstm_native
