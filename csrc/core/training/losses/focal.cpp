// Focal losses (Lin et al. 2017): cross-entropies that count less for what is known already.
#include <cmath>

#include "core/numeric/activations.hpp"
#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/positive.hpp"
#include "core/training/losses/probabilities.hpp"
#include "core/training/losses/row_loss.hpp"
#include "kernels/dispatch.hpp"

namespace lstm_native {
namespace {

struct BinaryFocal : ValueRules<BinaryFocal> {
  explicit BinaryFocal(const BinaryFocalLoss& spec)
      : gamma(spec.gamma),
        of_one(spec.alpha ? *spec.alpha : 1.0),
        of_zero(spec.alpha ? 1.0 - *spec.alpha : 1.0) {}

  ValueLoss value(double o, double y) const {
    const ValueLoss one = of_class(-o), zero = of_class(o);
    const double for_one = of_one * y, for_zero = of_zero * (1 - y);
    return {for_one * one.loss + for_zero * zero.loss, for_zero * zero.slope - for_one * one.slope};
  }
  /// (1 - p)^gamma (-log p) where p is the probability of the class, sigmoid(-against).
  ValueLoss of_class(double against) const {
    const double cost = softplus_of(against), wrong = sigmoid_of(against);
    const double factor = std::exp(-gamma * softplus_of(-against));
    return {factor * cost, factor * (gamma * (1 - wrong) * cost + wrong)};
  }
  template <class T>
  void check(Index row, Index features, const T* values) const {
    sum_of_probabilities(row, features, values);
  }
  double gamma, of_one, of_zero;
};

struct CategoricalFocal : RowRules {
  explicit CategoricalFocal(const CategoricalFocalLoss& given) : spec(given) {}

  static constexpr const char* kLabelsOrValues =
      "y: categorical focal loss expects integer labels or soft labels, got ";
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
    double sum = 0, slopes = 0;
    const Index first = row.values ? 0 : row.label, last = row.values ? row.features : first + 1;
    const auto target = [&row](Index i) {
      return row.values ? static_cast<double>(row.values[i]) : 1.0;
    };
    for (Index i = first; i < last; ++i) {
      const double y = target(i);
      if (y == 0) continue;
      const ValueLoss v = of_log_probability(static_cast<double>(row.output[i]) - log_sum);
      sum += y * v.loss;
      slopes += y * v.slope;
    }
    if (!row.gradient) return sum;
    for (Index i = 0; i < row.features; ++i)
      row.gradient[i] = static_cast<T>(-static_cast<double>(probabilities[i]) * slopes * row.scale);
    for (Index i = first; i < last; ++i) {
      const double y = target(i);
      if (y == 0) continue;
      const ValueLoss v = of_log_probability(static_cast<double>(row.output[i]) - log_sum);
      row.gradient[i] += static_cast<T>(y * v.slope * row.scale);
    }
    return sum;
  }
  /// (1 - p)^gamma (-log p), and p times its derivative along p.
  ValueLoss of_log_probability(double log) const {
    const double rest = -std::expm1(log), factor = std::pow(rest, spec.gamma);
    const double change = rest > 0 ? spec.gamma * std::exp(log) * factor / rest * log : 0;
    return {-factor * log, change - factor};
  }
  CategoricalFocalLoss spec;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const BinaryFocalLoss& spec) {
  return std::make_unique<RowLoss<T, BinaryFocal>>(BinaryFocal(spec));
}
template <class T>
LossPointer<T> new_loss(const CategoricalFocalLoss& spec) {
  return std::make_unique<RowLoss<T, CategoricalFocal>>(CategoricalFocal(spec));
}

template LossPointer<float> new_loss(const BinaryFocalLoss&);
template LossPointer<double> new_loss(const BinaryFocalLoss&);
template LossPointer<float> new_loss(const CategoricalFocalLoss&);
template LossPointer<double> new_loss(const CategoricalFocalLoss&);

}  // namespace lstm_native
