// The angle between output and target.
#include <algorithm>
#include <cmath>

#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/row_loss.hpp"

namespace lstm_native {
namespace {

struct CosineDistance : RowRules {
  template <class T>
  double loss(const LossRow<T>& row) const {
    constexpr double kShortest = 1e-8;  // as torch has it: a vector of zeros has no direction
    double product = 0, outputs = 0, targets = 0;
    for (Index i = 0; i < row.features; ++i) {
      const auto o = static_cast<double>(row.output[i]), y = static_cast<double>(row.values[i]);
      product += o * y;
      outputs += o * o;
      targets += y * y;
    }
    const double size = std::sqrt(outputs), target = std::max(std::sqrt(targets), kShortest);
    const double length = std::max(size, kShortest), cosine = product / (length * target);
    if (row.gradient) {
      // A length that is held at the shortest does not change with the output.
      const double shrink = size > kShortest ? cosine / (length * length) : 0;
      for (Index i = 0; i < row.features; ++i) {
        const auto o = static_cast<double>(row.output[i]), y = static_cast<double>(row.values[i]);
        row.gradient[i] = static_cast<T>((shrink * o - y / (length * target)) * row.scale);
      }
    }
    return 1 - cosine;
  }
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const CosineLoss&) {
  return std::make_unique<RowLoss<T, CosineDistance>>(CosineDistance());
}

template LossPointer<float> new_loss(const CosineLoss&);
template LossPointer<double> new_loss(const CosineLoss&);

}  // namespace lstm_native
