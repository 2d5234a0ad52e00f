// Several quantiles at once, by the pinball loss (Koenker & Bassett 1978).
#include "core/training/losses/blocks.hpp"
#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/row_loss.hpp"

namespace lstm_native {
namespace {

struct Pinball : RowRules {
  explicit Pinball(const QuantileLoss& spec) : quantiles(spec.quantiles) {}

  TargetShape target_shape(Index output_features) const {
    const auto count = static_cast<Index>(quantiles.size());
    return {block_size("quantile", output_features, count, "one of each quantile"), false, false};
  }

  template <class T>
  double loss(const LossRow<T>& row) const {
    const Index width = row.features / static_cast<Index>(quantiles.size());
    const double mean = 1.0 / static_cast<double>(row.features);
    double sum = 0;
    Index i = 0;
    for (const double q : quantiles)
      for (Index f = 0; f < width; ++f, ++i) {
        const double d = static_cast<double>(row.values[f]) - static_cast<double>(row.output[i]);
        sum += d > 0 ? q * d : (q - 1) * d;
        if (!row.gradient) continue;
        const double slope = d > 0 ? -q : d < 0 ? 1 - q : 0;
        row.gradient[i] = static_cast<T>(slope * row.scale * mean);
      }
    return sum * mean;
  }

  std::vector<double> quantiles;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const QuantileLoss& spec) {
  return std::make_unique<RowLoss<T, Pinball>>(Pinball(spec));
}

template LossPointer<float> new_loss(const QuantileLoss&);
template LossPointer<double> new_loss(const QuantileLoss&);

}  // namespace lstm_native
