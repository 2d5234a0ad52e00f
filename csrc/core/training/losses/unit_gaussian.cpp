// Divergence of what an encoder says from the standard normal distribution (Kingma & Welling 2014).
#include <cmath>

#include "core/training/losses/blocks.hpp"
#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/row_loss.hpp"

namespace lstm_native {
namespace {

struct UnitGaussianKL : RowRules {
  TargetShape target_shape(Index output_features) const {
    block_size(UnitGaussianKLLoss::kName, output_features, 2, "a mean and a log variance");
    return {0, false, false};
  }

  template <class T>
  double loss(const LossRow<T>& row) const {
    const Index width = row.features / 2;
    double sum = 0;
    for (Index i = 0; i < width; ++i) {
      const auto mean = static_cast<double>(row.output[i]);
      const auto log_variance = static_cast<double>(row.output[width + i]);
      // exp(v) - 1 - v, without the digits that go where both are near 0.
      const double excess = std::expm1(log_variance);
      sum += 0.5 * (mean * mean + (excess - log_variance));
      if (!row.gradient) continue;
      row.gradient[i] = static_cast<T>(mean * row.scale);
      row.gradient[width + i] = static_cast<T>(0.5 * excess * row.scale);
    }
    return sum;
  }
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const UnitGaussianKLLoss&) {
  return std::make_unique<RowLoss<T, UnitGaussianKL>>(UnitGaussianKL());
}

template LossPointer<float> new_loss(const UnitGaussianKLLoss&);
template LossPointer<double> new_loss(const UnitGaussianKLLoss&);

}  // namespace lstm_native
