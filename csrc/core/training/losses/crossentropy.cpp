// Cross-entropies from logits: of single outputs, and of classes.
#include <cmath>

#include "core/base/message_text.hpp"
#include "core/numeric/activations.hpp"
#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/probabilities.hpp"
#include "core/training/losses/row_loss.hpp"
#include "kernels/dispatch.hpp"

namespace lstm_native {
namespace {

struct BinaryCrossentropy : ValueRules<BinaryCrossentropy> {
  explicit BinaryCrossentropy(const BinaryCrossentropyLoss& spec)
      : smoothing(spec.label_smoothing) {}

  ValueLoss value(double o, double y) const {
    if (smoothing > 0) y += smoothing * (0.5 - y);
    const double e = std::exp(-std::abs(o));
    const double sigmoid = o >= 0 ? 1 / (1 + e) : e / (1 + e);
    return {std::max(o, 0.0) - o * y + std::log1p(e), sigmoid - y};
  }
  template <class T>
  void check(Index row, Index features, const T* values) const {
    sum_of_probabilities(row, features, values);
  }
  double smoothing;
};

struct CategoricalCrossentropy : RowRules {
  explicit CategoricalCrossentropy(const CategoricalCrossentropyLoss& given) : spec(given) {}

  static constexpr const char* kLabelsOrValues =
      "y: categorical cross-entropy expects integer labels or soft labels, got ";
  TargetShape target_shape(Index output_features) const { return {output_features, true, false}; }
  std::optional<std::int64_t> ignored_label() const { return spec.ignore_index; }
  template <class T>
  void check(Index row, Index features, const T* values) const {
    check_distribution(row, features, values);
  }

  template <class T>
  double loss(const LossRow<T>& row) const {
    T* probabilities = row.gradient ? row.gradient : row.scratch;
    const double log_sum = softmax(kernels<T>(), row.features, row.output, probabilities);
    const double smoothing = spec.label_smoothing;
    double chosen, mass = 1;
    if (row.values) {
      chosen = mass = 0;
      for (Index i = 0; i < row.features; ++i) {
        const auto y = static_cast<double>(row.values[i]);
        if (y == 0) continue;  // so that a logit of -infinity costs nothing there
        mass += y;
        chosen += y * static_cast<double>(row.output[i]);
      }
      mass += smoothing * (1 - mass);
    } else {
      chosen = static_cast<double>(row.output[row.label]);
    }
    double spread = 0;
    if (smoothing > 0) {
      double sum = 0;
      for (Index i = 0; i < row.features; ++i) sum += static_cast<double>(row.output[i]);
      spread = smoothing / static_cast<double>(row.features);
      chosen = (1 - smoothing) * chosen + spread * sum;
    }
    if (row.gradient) {
      T* gradient = row.gradient;
      const auto keep = static_cast<T>(1 - smoothing);
      if (row.values)
        for (Index i = 0; i < row.features; ++i)
          gradient[i] = gradient[i] * static_cast<T>(mass) - keep * row.values[i];
      else
        gradient[row.label] -= keep;
      for (Index i = 0; i < row.features; ++i)
        gradient[i] = (gradient[i] - static_cast<T>(spread)) * static_cast<T>(row.scale);
    }
    return log_sum * mass - chosen;
  }
  CategoricalCrossentropyLoss spec;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const BinaryCrossentropyLoss& spec) {
  return std::make_unique<RowLoss<T, BinaryCrossentropy>>(BinaryCrossentropy(spec));
}
template <class T>
LossPointer<T> new_loss(const CategoricalCrossentropyLoss& spec) {
  return std::make_unique<RowLoss<T, CategoricalCrossentropy>>(CategoricalCrossentropy(spec));
}

template LossPointer<float> new_loss(const BinaryCrossentropyLoss&);
template LossPointer<double> new_loss(const BinaryCrossentropyLoss&);
template LossPointer<float> new_loss(const CategoricalCrossentropyLoss&);
template LossPointer<double> new_loss(const CategoricalCrossentropyLoss&);

}  // namespace lstm_native
