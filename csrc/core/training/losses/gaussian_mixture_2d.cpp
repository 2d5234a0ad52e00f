// Where a pen goes next, and whether it is lifted (Graves 2013, equations 17 to 38).
#include <cmath>
#include <limits>

#include "core/base/message_text.hpp"
#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/positive.hpp"
#include "core/training/losses/row_loss.hpp"

namespace lstm_native {
namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;
// What tanh is multiplied by: a correlation of 1 would have no density. Changes nothing that a
// float shows, until 1 - correlation is below 1e-8.
constexpr double kMostCorrelation = 1 - 1e-9;
constexpr Index kParameters = 6;

/// One component beside one point.
struct Component {
  double log_density;  // with the logarithm of its weight, not normalised
  double along[5];     // derivatives of -log density: means, outputs of the scales and correlation
};

struct GaussianMixture2D : RowRules {
  static constexpr double kWork = 32;
  explicit GaussianMixture2D(const GaussianMixture2DLoss& given) : spec(given) {}

  TargetShape target_shape(Index output_features) const {
    const Index rest = output_features - (spec.pen ? 1 : 0);
    if (rest < kParameters || rest % kParameters)
      throw InvalidArgument(std::string("loss: ") + spec.kName + " expects " +
                            (spec.pen ? "1 + " : "") + "6 outputs for each component, got " +
                            std::to_string(output_features));
    return {spec.pen ? 3 : 2, false, false};
  }
  template <class T>
  void check(Index row, Index features, const T* values) const {
    if (!spec.pen || (values[features - 1] >= 0 && values[features - 1] <= 1)) return;
    throw InvalidArgument("y: expected the pen to be 1 (lifted) or 0, got " +
                          number_text(static_cast<double>(values[features - 1])) + " in row " +
                          std::to_string(row));
  }

  template <class T>
  double loss(const LossRow<T>& row) const {
    const Index pen = spec.pen ? 1 : 0, count = (row.features - pen) / kParameters;
    const T* output = row.output + pen;
    // log(sum(exp)) of the weights' logits, and of the components' densities.
    double highest = -std::numeric_limits<double>::infinity();
    for (Index m = 0; m < count; ++m) highest = std::max(highest, static_cast<double>(output[m]));
    double weights = 0, densities = 0, best = -std::numeric_limits<double>::infinity();
    for (Index m = 0; m < count; ++m) {
      weights += std::exp(static_cast<double>(output[m]) - highest);
      const double log = component(row, output, count, m).log_density;
      if (log > best) densities *= std::exp(best - log);
      best = std::max(best, log);
      densities += std::exp(log - best);
    }
    double loss = highest + std::log(weights) - (best + std::log(densities));
    if (row.gradient) {
      T* to = row.gradient + pen;
      for (Index m = 0; m < count; ++m) {
        const Component c = component(row, output, count, m);
        const double share = std::exp(c.log_density - best) / densities;
        const double weight = std::exp(static_cast<double>(output[m]) - highest) / weights;
        to[m] = static_cast<T>((weight - share) * row.scale);
        for (Index p = 0; p < 5; ++p)
          to[(p + 1) * count + m] =
              share == 0 ? T(0) : static_cast<T>(share * c.along[p] * row.scale);
      }
    }
    if (spec.pen) {
      const auto o = static_cast<double>(row.output[0]), y = static_cast<double>(row.values[2]);
      loss += softplus_of(o) - o * y;
      if (row.gradient) row.gradient[0] = static_cast<T>((sigmoid_of(o) - y) * row.scale);
    }
    return loss;
  }

  template <class T>
  Component component(const LossRow<T>& row, const T* output, Index count, Index m) const {
    const auto parameter = [&](Index p) { return static_cast<double>(output[p * count + m]); };
    const Positive scale1 = positive_of(spec.link, parameter(3), spec.minimum_scale);
    const Positive scale2 = positive_of(spec.link, parameter(4), spec.minimum_scale);
    const double z1 = (static_cast<double>(row.values[0]) - parameter(1)) / scale1.value;
    const double z2 = (static_cast<double>(row.values[1]) - parameter(2)) / scale2.value;
    const double tanh = std::tanh(parameter(5)), r = kMostCorrelation * tanh;
    const double free = (1 - r) * (1 + r), C = 1 / free;  // 1 - r^2
    // (z1 - r z2)^2 + (1 - r^2) z2^2, which is z1^2 + z2^2 - 2 r z1 z2 without its cancellation
    const double off = z1 - r * z2, Z = off * off + free * z2 * z2;
    Component c;
    c.log_density =
        parameter(0) - kLogTwoPi - scale1.log - scale2.log - 0.5 * (std::log(free) + C * Z);
    c.along[0] = -C * off / scale1.value;
    c.along[1] = -C * (z2 - r * z1) / scale2.value;
    c.along[2] = (1 - C * z1 * off) * scale1.log_slope;
    c.along[3] = (1 - C * z2 * (z2 - r * z1)) * scale2.log_slope;
    c.along[4] = -C * (z1 * z2 + r * (1 - C * Z)) * kMostCorrelation * (1 - tanh) * (1 + tanh);
    return c;
  }
  GaussianMixture2DLoss spec;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const GaussianMixture2DLoss& spec) {
  return std::make_unique<RowLoss<T, GaussianMixture2D>>(GaussianMixture2D(spec));
}

template LossPointer<float> new_loss(const GaussianMixture2DLoss&);
template LossPointer<double> new_loss(const GaussianMixture2DLoss&);

}  // namespace lstm_native
