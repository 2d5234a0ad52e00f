#include "core/layers/batch_normalization.hpp"

#include <algorithm>
#include <cmath>

#include "core/layers/layer_stream.hpp"
#include "core/runtime/threads.hpp"

namespace lstm_native {
namespace {

/// Calls body(begin, end) for blocks of features, each on one thread: a sum over the rows of one
/// feature is in their order, whatever the number of threads.
template <class Body>
void for_blocks(Index rows, Index features, const Body& body) {
  parallel_for(features, static_cast<double>(rows * features), body);
}

/// What is done to each value of a feature: (x - mean) * inverse.
struct Normaliser {
  std::vector<double> mean, inverse;

  Normaliser(std::vector<double> means, const std::vector<double>& variance, double epsilon)
      : mean(std::move(means)), inverse(variance.size()) {
    for (std::size_t i = 0; i < inverse.size(); ++i)
      inverse[i] = 1.0 / std::sqrt(variance[i] + epsilon);
  }

  /// y = normal * weight + bias; normal: rows x features, may be y.
  template <class T>
  void apply(Index rows, const T* x, const T* weight, const T* bias, T* normal, T* y) const {
    const Index features = static_cast<Index>(mean.size());
    for (Index r = 0; r < rows; ++r, x += features, normal += features, y += features)
      for (Index i = 0; i < features; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const T value = static_cast<T>((static_cast<double>(x[i]) - mean[at]) * inverse[at]);
        normal[i] = value;
        y[i] = value * weight[i] + bias[i];
      }
  }
};

/// For each feature the mean over the rows of value(place in the table, feature).
template <class Value>
void means_of(Index rows, Index features, const Value& value, double* means) {
  for_blocks(rows, features, [&](Index begin, Index end) {
    std::fill(means + begin, means + end, 0.0);
    for (Index r = 0; r < rows; ++r)
      for (Index i = begin; i < end; ++i) means[i] += value(r * features + i, i);
    for (Index i = begin; i < end; ++i) means[i] /= static_cast<double>(rows);
  });
}

}  // namespace

template <class T>
BatchNormLayer<T>::BatchNormLayer(const BatchNormSpec& spec, Index features)
    : spec_(spec), features_(features) {
  const auto filled = [&](const char* name, T value) {
    Parameter<T> parameter = make_parameter<T>(name, {features});
    std::fill(parameter.value.begin(), parameter.value.end(), value);
    return parameter;
  };
  weight_ = filled("weight", T(1));
  bias_ = filled("bias", T(0));
  running_mean_ = filled("running_mean", T(0));
  running_var_ = filled("running_var", T(1));
  running_mean_.trained = running_var_.trained = false;
}

template <class T>
std::vector<Parameter<T>*> BatchNormLayer<T>::parameters() {
  std::vector<Parameter<T>*> list;
  if (spec_.scale) list.push_back(&weight_);
  if (spec_.center) list.push_back(&bias_);
  list.push_back(&running_mean_);
  list.push_back(&running_var_);
  return list;
}

template <class T>
typename BatchNormLayer<T>::Statistics BatchNormLayer<T>::running() const {
  return {{running_mean_.value.begin(), running_mean_.value.end()},
          {running_var_.value.begin(), running_var_.value.end()}};
}

template <class T>
void BatchNormLayer<T>::move_running(const Statistics& batch, Index rows) const {
  const double unbiased =
      static_cast<double>(rows) / static_cast<double>(std::max<Index>(rows - 1, 1));
  const double share = spec_.momentum;
  for (std::size_t i = 0; i < batch.mean.size(); ++i) {
    T& mean = running_mean_.value[i];
    T& variance = running_var_.value[i];
    mean = static_cast<T>((1 - share) * static_cast<double>(mean) + share * batch.mean[i]);
    variance = static_cast<T>((1 - share) * static_cast<double>(variance) +
                              share * unbiased * batch.variance[i]);
  }
}

template <class T>
class BatchNormLayer<T>::BatchNormTape final : public SequenceTape<T> {
 public:
  /// normal: rows x features, (x - mean) / deviation. of_batch: whether mean and deviation are the
  /// batch's, and so depend on x.
  BatchNormTape(const BatchNormLayer& layer, Index rows, const T* normal,
                std::vector<double> inverse, bool of_batch)
      : layer_(layer),
        rows_(rows),
        normal_(normal),
        inverse_(std::move(inverse)),
        of_batch_(of_batch) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    const Index features = layer_.features_;
    const Workspace::Scope scope(workspace);
    double* mean = workspace.take<double>(features);
    double* projection = workspace.take<double>(features);
    means_of(rows_, features, [&](Index at, Index) { return static_cast<double>(dy[at]); }, mean);
    means_of(
        rows_, features,
        [&](Index at, Index) {
          return static_cast<double>(dy[at]) * static_cast<double>(normal_[at]);
        },
        projection);
    const double rows = static_cast<double>(rows_);
    if (layer_.spec_.scale)
      for (Index i = 0; i < features; ++i) gradients[0][i] += static_cast<T>(projection[i] * rows);
    if (layer_.spec_.center) {
      T* to = gradients[layer_.spec_.scale ? 1 : 0];
      for (Index i = 0; i < features; ++i) to[i] += static_cast<T>(mean[i] * rows);
    }
    if (!dx) return;
    if (!of_batch_) {
      std::fill_n(mean, features, 0.0);
      std::fill_n(projection, features, 0.0);
    }
    for_blocks(rows_, features, [&](Index begin, Index end) {
      for (Index r = 0; r < rows_; ++r)
        for (Index i = begin; i < end; ++i) {
          const Index at = r * features + i;
          const double scale =
              inverse_[static_cast<std::size_t>(i)] *
              static_cast<double>(layer_.weight_.value[static_cast<std::size_t>(i)]);
          dx[at] = static_cast<T>(scale * (static_cast<double>(dy[at]) - mean[i] -
                                           static_cast<double>(normal_[at]) * projection[i]));
        }
    });
  }

 private:
  const BatchNormLayer& layer_;
  Index rows_;
  const T* normal_;
  std::vector<double> inverse_;
  bool of_batch_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> BatchNormLayer<T>::forward(const Batch<T>& x, T* y,
                                                            const States<T>&,
                                                            const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps), features = features_;
  Statistics used;
  const bool of_batch = pass.training && !pass.no_steps && !pass.is_frozen(&running_mean_);
  if (of_batch) {
    used.mean.resize(static_cast<std::size_t>(features));
    used.variance.resize(static_cast<std::size_t>(features));
    const T* values = x.values;
    const double* mean = used.mean.data();
    means_of(
        rows, features, [&](Index at, Index) { return static_cast<double>(values[at]); },
        used.mean.data());
    means_of(
        rows, features,
        [&](Index at, Index i) {
          const double apart = static_cast<double>(values[at]) - mean[i];
          return apart * apart;
        },
        used.variance.data());
    if (pass.when_taken)
      pass.when_taken->push_back([this, used, rows] { move_running(used, rows); });
  } else {
    used = running();
  }
  Normaliser normaliser(std::move(used.mean), used.variance, spec_.epsilon);
  T* normal = pass.remember ? pass.workspace.template take<T>(rows * features) : y;
  parallel_for(rows, static_cast<double>(rows * features), [&](Index begin, Index end) {
    const Index first = begin * features;
    normaliser.apply(end - begin, x.values + first, weight_.value.data(), bias_.value.data(),
                     normal + first, y + first);
  });
  if (!pass.remember) return nullptr;
  return std::make_unique<BatchNormTape>(*this, rows, normal, std::move(normaliser.inverse),
                                         of_batch);
}

template <class T>
class BatchNormLayer<T>::BatchNormStream final : public SequenceStream<T> {
 public:
  explicit BatchNormStream(const BatchNormLayer& layer)
      : normaliser_(layer.running().mean, layer.running().variance, layer.spec_.epsilon),
        weight_(layer.weight_.value),
        bias_(layer.bias_.value) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    normaliser_.apply(x.samples, x.values, weight_.data(), bias_.data(), y, y);
  }

 private:
  Normaliser normaliser_;
  std::vector<T> weight_, bias_;
};

template <class T>
std::unique_ptr<LayerStream<T>> BatchNormLayer<T>::stream(Index) const {
  return std::make_unique<BatchNormStream>(*this);
}

template class BatchNormLayer<float>;
template class BatchNormLayer<double>;

}  // namespace lstm_native
