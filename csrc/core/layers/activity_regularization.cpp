#include "core/layers/activity_regularization.hpp"

#include <algorithm>

#include "core/layers/layer_stream.hpp"
#include "core/layers/pointwise_stream.hpp"
#include "core/layers/true_steps.hpp"
#include "core/runtime/threads.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// Factors of the sums of squares: of the values and of their differences in time.
struct Factors {
  double activity = 0, temporal = 0;
};

/// Steps of a sequence.
template <class T>
Index length_of(const Batch<T>& x, Index n) {
  return x.lengths ? x.lengths[n] : rows_of(1, x.timesteps);
}

template <class T>
Factors factors_of(const ActivityRegularizationSpec& spec, const Batch<T>& x) {
  Index steps = 0, differences = 0;
  for (Index n = 0; n < x.samples; ++n) {
    steps += length_of(x, n);
    differences += std::max<Index>(length_of(x, n) - 1, 0);
  }
  Factors factors;
  if (steps > 0) factors.activity = spec.activity / static_cast<double>(steps * x.features);
  if (differences > 0)
    factors.temporal = spec.temporal / static_cast<double>(differences * x.features);
  return factors;
}

/// What one sequence adds to the loss.
template <class T>
double penalty_of(const T* x, Index size, Index features, const Factors& factors) {
  double squares = 0, differences = 0;
  for (Index i = 0; i < size; ++i) squares += static_cast<double>(x[i]) * x[i];
  for (Index i = features; i < size; ++i) {
    const double step = static_cast<double>(x[i]) - x[i - features];
    differences += step * step;
  }
  return factors.activity * squares + factors.temporal * differences;
}

/// dx = dy + the gradient of penalty_of.
template <class T>
void add_gradient(const T* x, const T* dy, Index size, Index features, const Factors& factors,
                  T* dx) {
  for (Index i = 0; i < size; ++i) {
    double change = 0;  // y_t - y_{t-1}, less the one that follows
    if (i >= features) change += static_cast<double>(x[i]) - x[i - features];
    if (i + features < size) change -= static_cast<double>(x[i + features]) - x[i];
    dx[i] = static_cast<T>(dy[i] + 2 * (factors.activity * x[i] + factors.temporal * change));
  }
}

}  // namespace

template <class T>
class ActivityRegularizationLayer<T>::PenaltyTape final : public SequenceTape<T> {
 public:
  PenaltyTape(const Batch<T>& x, const Factors& factors) : x_(x), factors_(factors) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (!dx) return;
    const Index size = rows_of(1, x_.timesteps) * x_.features;
    parallel_for(x_.samples, static_cast<double>(x_.samples * size), [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        add_gradient(x_.values + n * size, dy + n * size, length_of(x_, n) * x_.features,
                     x_.features, factors_, dx + n * size);
    });
    TrueSteps{x_.samples, x_.timesteps, x_.lengths}.clear_padding(dx, x_.features);
  }

 private:
  Batch<T> x_;
  Factors factors_;
};

template <class T>
OutputShape ActivityRegularizationLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < 1 && spec_.temporal > 0)
    throw InvalidArgument("ActivityRegularization: temporal needs a time axis, got none");
  return {timesteps, features_};
}

template <class T>
std::unique_ptr<SequenceTape<T>> ActivityRegularizationLayer<T>::forward(const Batch<T>& x, T* y,
                                                                         const States<T>&,
                                                                         const Pass& pass) const {
  const Index size = rows_of(1, x.timesteps) * features_;
  std::copy_n(x.values, x.samples * size, y);
  TrueSteps{x.samples, x.timesteps, x.lengths}.clear_padding(y, features_);
  Factors factors;
  if (pass.training && pass.penalty) {
    factors = factors_of(spec_, x);
    // Sample by sample and then in their order: the same sum for any number of threads.
    const Workspace::Scope scope(pass.workspace);
    double* parts = pass.workspace.take<double>(x.samples);
    parallel_for(x.samples, static_cast<double>(x.samples * size), [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        parts[n] = penalty_of(x.values + n * size, length_of(x, n) * features_, features_, factors);
    });
    for (Index n = 0; n < x.samples; ++n) *pass.penalty += parts[n];
  }
  if (!pass.remember) return nullptr;
  return std::make_unique<PenaltyTape>(x, factors);
}

template <class T>
std::unique_ptr<LayerStream<T>> ActivityRegularizationLayer<T>::stream(Index) const {
  return pass_through_stream<T>(features_);
}

template class ActivityRegularizationLayer<float>;
template class ActivityRegularizationLayer<double>;

}  // namespace lstm_native
