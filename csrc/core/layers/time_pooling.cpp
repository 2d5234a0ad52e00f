#include "core/layers/time_pooling.hpp"

#include <algorithm>
#include <type_traits>

#include "core/layers/layer_stream.hpp"
#include "core/layers/pointwise_stream.hpp"
#include "core/layers/pooled_rows.hpp"
#include "core/runtime/threads.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class Spec>
constexpr bool kTakesLast = std::is_same_v<Spec, LastSpec>;
template <class Spec>
constexpr bool kTakesMax = std::is_same_v<Spec, MaxPoolSpec>;
template <class Spec>
constexpr bool kTakesMean = std::is_same_v<Spec, MeanPoolSpec>;
template <class Spec>
constexpr const char* kName = kTakesLast<Spec>  ? "Last"
                              : kTakesMax<Spec> ? "MaxPool"
                                                : "MeanPool";

/// The greatest step so far.
template <class T>
class MaxStream final : public SequenceStream<T> {
 public:
  MaxStream(Index rows, Index features)
      : rows_(rows),
        features_(features),
        greatest_(static_cast<std::size_t>(rows * features)),
        seen_(static_cast<std::size_t>(rows)) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    for (Index row = 0; row < rows_; ++row) {
      T* greatest = greatest_.data() + row * features_;
      const T* values = x.values + row * features_;
      T& seen = seen_[static_cast<std::size_t>(row)];
      for (Index i = 0; i < features_; ++i)
        if (seen == T(0) || values[i] > greatest[i] || values[i] != values[i])
          greatest[i] = values[i];
      seen = T(1);
    }
    std::copy(greatest_.begin(), greatest_.end(), y);
  }

  std::vector<TensorInfo> state() const override {
    return {{"greatest", {1, rows_, features_}}, {"seen", {1, rows_, 1}}};
  }
  void reset() noexcept override {
    std::fill(greatest_.begin(), greatest_.end(), T(0));
    std::fill(seen_.begin(), seen_.end(), T(0));
  }
  void get_state(Index i, T* out) const noexcept override {
    const std::vector<T>& from = i == 0 ? greatest_ : seen_;
    std::copy(from.begin(), from.end(), out);
  }
  void set_state(Index i, const T* values) noexcept override {
    std::vector<T>& to = i == 0 ? greatest_ : seen_;
    std::copy_n(values, to.size(), to.begin());
  }

 private:
  Index rows_, features_;
  std::vector<T> greatest_;
  std::vector<T> seen_;  // for each row: 0 before its first step
};

/// The mean of the steps so far. Its sums are float64, which a float32 stream's state holds as
/// three parts.
template <class T>
class MeanStream final : public SequenceStream<T> {
 public:
  MeanStream(Index rows, Index features)
      : rows_(rows),
        features_(features),
        sums_(static_cast<std::size_t>(rows * features)),
        steps_(static_cast<std::size_t>(rows)) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    for (Index row = 0; row < rows_; ++row) {
      double& steps = steps_[static_cast<std::size_t>(row)];
      steps += 1;
      for (Index i = row * features_; i < (row + 1) * features_; ++i) {
        double& sum = sums_[static_cast<std::size_t>(i)];
        sum += static_cast<double>(x.values[i]);
        y[i] = static_cast<T>(sum / steps);
      }
    }
  }

  std::vector<TensorInfo> state() const override {
    return {{"sum", {kParts, rows_, features_}}, {"steps", {kParts, rows_, 1}}};
  }
  void reset() noexcept override {
    std::fill(sums_.begin(), sums_.end(), 0.0);
    std::fill(steps_.begin(), steps_.end(), 0.0);
  }
  void get_state(Index i, T* out) const noexcept override {
    const std::vector<double>& from = i == 0 ? sums_ : steps_;
    for (std::size_t j = 0; j < from.size(); ++j) {
      double rest = from[j];
      for (std::size_t part = 0; part < kParts; ++part) {
        T& value = out[part * from.size() + j];
        value = static_cast<T>(rest);
        rest -= static_cast<double>(value);
      }
    }
  }
  void set_state(Index i, const T* values) noexcept override {
    std::vector<double>& to = i == 0 ? sums_ : steps_;
    for (std::size_t j = 0; j < to.size(); ++j) {
      to[j] = 0.0;
      for (std::size_t part = kParts; part-- > 0;)  // the small ones first
        to[j] += static_cast<double>(values[part * to.size() + j]);
    }
  }

 private:
  static constexpr Index kParts = sizeof(T) == sizeof(double) ? 1 : 3;
  Index rows_, features_;
  std::vector<double> sums_, steps_;
};

}  // namespace

template <class T, class Spec>
OutputShape TimePoolLayer<T, Spec>::output_shape(Index timesteps) const {
  if (timesteps < 1)
    throw InvalidArgument(std::string(kName<Spec>) +
                          ": expected an input with a time axis, got none");
  return {0, features_};
}

template <class T, class Spec>
class TimePoolLayer<T, Spec>::PoolTape final : public SequenceTape<T> {
 public:
  /// which: samples x features, the steps that were taken; null unless the greatest were.
  PoolTape(const Batch<T>& x, const Index* which) : x_(x), which_(which) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (!dx) return;
    const Index features = x_.features, size = x_.timesteps * features;
    parallel_for(x_.samples, static_cast<double>(x_.samples * size), [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        lead_back(n, true_rows(x_, n), dy + n * features, dx + n * size);
    });
  }

 private:
  void lead_back(Index sample, Index length, const T* dy, T* dx) const {
    const Index features = x_.features;
    std::fill_n(dx, x_.timesteps * features, T(0));
    if (length == 0) return;
    if (kTakesLast<Spec>) {
      std::copy_n(dy, features, dx + (length - 1) * features);
    } else if (which_) {
      for (Index i = 0; i < features; ++i) dx[which_[sample * features + i] * features + i] = dy[i];
    } else {
      for (Index i = 0; i < features; ++i) dx[i] = dy[i] / static_cast<T>(length);
      for (Index t = 1; t < length; ++t) std::copy_n(dx, features, dx + t * features);
    }
  }

  Batch<T> x_;
  const Index* which_;
};

template <class T, class Spec>
std::unique_ptr<SequenceTape<T>> TimePoolLayer<T, Spec>::forward(const Batch<T>& x, T* y,
                                                                 const States<T>&,
                                                                 const Pass& pass) const {
  const Index size = x.timesteps * features_;
  Index* which = nullptr;
  if (kTakesMax<Spec> && pass.remember) which = pass.workspace.take<Index>(x.samples * features_);
  const double work = static_cast<double>(x.samples * size);
  const Index parts = parallel_parts(x.samples, work);
  const Workspace::Scope scope(pass.workspace);
  double* sums = kTakesMean<Spec> ? pass.workspace.take<double>(parts * features_) : nullptr;
  run_parts(parts, x.samples, [&](Index part, Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      const Index length = true_rows(x, n);
      const T* from = x.values + n * size;
      T* to = y + n * features_;
      if (length == 0)
        std::fill_n(to, features_, T(0));
      else if (kTakesLast<Spec>)
        std::copy_n(from + (length - 1) * features_, features_, to);
      else if (kTakesMax<Spec>)
        max_of_rows(from, length, features_, features_, to,
                    which ? which + n * features_ : nullptr);
      else
        mean_of_rows(from, length, features_, features_, sums + part * features_, to);
    }
  });
  if (!pass.remember) return nullptr;
  return std::make_unique<PoolTape>(x, which);
}

template <class T, class Spec>
std::unique_ptr<LayerStream<T>> TimePoolLayer<T, Spec>::stream(Index rows) const {
  if constexpr (kTakesLast<Spec>) return pass_through_stream<T>(features_);
  if constexpr (kTakesMax<Spec>) return std::make_unique<MaxStream<T>>(rows, features_);
  return std::make_unique<MeanStream<T>>(rows, features_);
}

template class TimePoolLayer<float, LastSpec>;
template class TimePoolLayer<double, LastSpec>;
template class TimePoolLayer<float, MaxPoolSpec>;
template class TimePoolLayer<double, MaxPoolSpec>;
template class TimePoolLayer<float, MeanPoolSpec>;
template class TimePoolLayer<double, MeanPoolSpec>;

}  // namespace lstm_native
