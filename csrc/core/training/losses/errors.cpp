// The distances of single values: squared, absolute, and between the two.
#include <cmath>

#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/row_loss.hpp"

namespace lstm_native {
namespace {

double sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }

struct SquaredError : ValueRules<SquaredError> {
  static ValueLoss value(double o, double y) {
    const double d = o - y;
    return {d * d, 2 * d};
  }
};

struct AbsoluteError : ValueRules<AbsoluteError> {
  static ValueLoss value(double o, double y) { return {std::abs(o - y), sign(o - y)}; }
};

struct HuberError : ValueRules<HuberError> {
  explicit HuberError(double within) : delta(within) {}
  ValueLoss value(double o, double y) const {
    const double d = o - y, size = std::abs(d);
    if (size <= delta) return {0.5 * d * d, d};
    return {delta * (size - 0.5 * delta), d > 0 ? delta : -delta};
  }
  double delta;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const MSELoss&) {
  return std::make_unique<RowLoss<T, SquaredError>>(SquaredError());
}
template <class T>
LossPointer<T> new_loss(const MAELoss&) {
  return std::make_unique<RowLoss<T, AbsoluteError>>(AbsoluteError());
}
template <class T>
LossPointer<T> new_loss(const HuberLoss& spec) {
  return std::make_unique<RowLoss<T, HuberError>>(HuberError(spec.delta));
}

template LossPointer<float> new_loss(const MSELoss&);
template LossPointer<double> new_loss(const MSELoss&);
template LossPointer<float> new_loss(const MAELoss&);
template LossPointer<double> new_loss(const MAELoss&);
template LossPointer<float> new_loss(const HuberLoss&);
template LossPointer<double> new_loss(const HuberLoss&);

}  // namespace lstm_native
