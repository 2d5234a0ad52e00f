#include "core/layers/gaussian_sample.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/random.hpp"
#include "core/layers/layer_stream.hpp"

namespace lstm_native {
namespace {

template <class T>
void copy_means(Index rows, Index features, const T* x, T* y) {
  for (Index r = 0; r < rows; ++r) std::copy_n(x + 2 * r * features, features, y + r * features);
}

double noise_of(std::uint64_t seed, Index index) {
  return normal(seed, static_cast<std::uint64_t>(index));
}

}  // namespace

template <class T>
class GaussianSampleLayer<T>::SampleTape final : public SequenceTape<T> {
 public:
  SampleTape(const T* x, bool drawn, std::uint64_t seed, Index rows, Index features)
      : x_(x), drawn_(drawn), seed_(seed), rows_(rows), features_(features) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (!dx) return;
    for (Index r = 0; r < rows_; ++r)
      for (Index i = 0; i < features_; ++i) {
        const Index mean = 2 * r * features_ + i, variance = mean + features_;
        const auto slope = static_cast<double>(dy[r * features_ + i]);
        dx[mean] = dy[r * features_ + i];
        if (!drawn_) {
          dx[variance] = 0;
          continue;
        }
        const double scale = std::exp(0.5 * static_cast<double>(x_[variance]));
        dx[variance] = static_cast<T>(0.5 * slope * scale * noise_of(seed_, r * features_ + i));
      }
  }

 private:
  const T* x_;
  bool drawn_;
  std::uint64_t seed_;
  Index rows_, features_;
};

template <class T>
class GaussianSampleLayer<T>::MeanStream final : public SequenceStream<T> {
 public:
  explicit MeanStream(Index features) : features_(features) {}
  void step(const Batch<T>& x, T* y) noexcept override {
    copy_means(x.samples, features_, x.values, y);
  }

 private:
  Index features_;
};

template <class T>
GaussianSampleLayer<T>::GaussianSampleLayer(const GaussianSampleSpec& spec, Index features)
    : spec_(spec), features_(features / 2) {
  if (features < 2 || features % 2)
    throw InvalidArgument(
        "GaussianSample: expected an even number of features, a mean and a log variance for each "
        "value, got " +
        std::to_string(features));
}

template <class T>
std::unique_ptr<SequenceTape<T>> GaussianSampleLayer<T>::forward(const Batch<T>& x, T* y,
                                                                 const States<T>&,
                                                                 const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps);
  if (!pass.training) {
    copy_means(rows, features_, x.values, y);
  } else {
    for (Index r = 0; r < rows; ++r)
      for (Index i = 0; i < features_; ++i) {
        const T* mean = x.values + 2 * r * features_ + i;
        const double scale = std::exp(0.5 * static_cast<double>(mean[features_]));
        y[r * features_ + i] = static_cast<T>(static_cast<double>(*mean) +
                                              scale * noise_of(pass.seed, r * features_ + i));
      }
  }
  if (!pass.remember) return nullptr;
  return std::make_unique<SampleTape>(x.values, pass.training, pass.seed, rows, features_);
}

template <class T>
std::unique_ptr<LayerStream<T>> GaussianSampleLayer<T>::stream(Index) const {
  return std::make_unique<MeanStream>(features_);
}

template class GaussianSampleLayer<float>;
template class GaussianSampleLayer<double>;

}  // namespace lstm_native
