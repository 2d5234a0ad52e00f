// Likelihoods of single values: the parameters of each stand in blocks of the output.
#pragma once

#include "core/training/losses/blocks.hpp"
#include "core/training/losses/row_loss.hpp"

namespace lstm_native {

/// A likelihood derives from it and adds
///
///   static constexpr Index kParameters;
///   static constexpr const char* kName;
///   /// Minus the logarithm of the likelihood, and its slope along each output.
///   double value(const double* outputs, double target, double* slopes) const;
template <class Likelihood>
struct LikelihoodRules : RowRules {
  static constexpr double kWork = 64;

  TargetShape target_shape(Index output_features) const {
    return {block_size(Likelihood::kName, output_features, Likelihood::kParameters,
                       "one of each parameter"),
            false, false};
  }

  template <class T>
  double loss(const LossRow<T>& row) const {
    constexpr Index kParameters = Likelihood::kParameters;
    const Index width = row.features / kParameters;
    const double mean = 1.0 / static_cast<double>(width);
    double sum = 0, outputs[kParameters], slopes[kParameters];
    for (Index i = 0; i < width; ++i) {
      for (Index p = 0; p < kParameters; ++p)
        outputs[p] = static_cast<double>(row.output[p * width + i]);
      sum += static_cast<const Likelihood&>(*this).value(
          outputs, static_cast<double>(row.values[i]), slopes);
      if (!row.gradient) continue;
      for (Index p = 0; p < kParameters; ++p)
        row.gradient[p * width + i] = static_cast<T>(slopes[p] * row.scale * mean);
    }
    return sum * mean;
  }
};

}  // namespace lstm_native
