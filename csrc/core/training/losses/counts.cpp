// Likelihoods of counts: Poisson and negative binomial.
#include <cmath>

#include "core/base/message_text.hpp"
#include "core/numeric/special_functions.hpp"
#include "core/training/losses/likelihoods.hpp"
#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/positive.hpp"

namespace lstm_native {
namespace {

template <class Likelihood>
struct CountRules : LikelihoodRules<Likelihood> {
  template <class T>
  void check(Index row, Index features, const T* values) const {
    for (Index i = 0; i < features; ++i)
      if (!(values[i] >= 0))
        throw InvalidArgument(
            std::string("y: ") + Likelihood::kName + " expects counts >= 0, got " +
            number_text(static_cast<double>(values[i])) + " in row " + std::to_string(row));
  }
};

/// 0 where there is nothing to multiply, whatever the logarithm.
double times_log(double y, double log) { return y == 0 ? 0 : y * log; }

struct Poisson : CountRules<Poisson> {
  static constexpr Index kParameters = 1;
  static constexpr const char* kName = PoissonLoss::kName;
  explicit Poisson(const PoissonLoss& spec) : link(spec.link) {}

  double value(const double* outputs, double y, double* slopes) const {
    const Positive rate = positive_of(link, outputs[0]);
    slopes[0] = (rate.value - y) * rate.log_slope;
    return rate.value - times_log(y, rate.log) + log_gamma(y + 1);
  }
  PositiveLink link;
};

/// log(1 + x) / x
double log1p_ratio(double x) { return x < 1e-8 ? 1 - x / 2 : std::log1p(x) / x; }

/// (log(1 + x) - x) / x^2
double log1p_second(double x) {
  if (x > 1e-2) return (std::log1p(x) - x) / (x * x);
  return -0.5 + x * (1.0 / 3 - x * (0.25 - x * (0.2 - x * (1.0 / 6 - x * (1.0 / 7 - x / 8)))));
}

/// log(Gamma(y + r) / (Gamma(r) r^y)), r = 1 / alpha, and its derivative along alpha. Without the
/// differences of large numbers that it is made of: near a Poisson distribution r has no bounds.
struct Rising {
  double log, slope;
};
Rising rising_of(double y, double alpha) {
  constexpr double kLargeShape = 10, kNoShape = 1e-150;
  if (alpha < kNoShape) return {0, y * (y - 1) / 2};
  const double r = 1 / alpha, w = y * alpha;
  if (r < kLargeShape)
    return {log_gamma(y + r) - log_gamma(r) - y * std::log(r),
            -r * r * (digamma(y + r) - digamma(r) - w)};
  // Stirling's series for both, r taken out of the logarithms (Abramowitz &
  // Stegun, 6.1.41, 6.3.18).
  const double share = 1 / (1 + w), square = share * share, s = alpha * alpha;
  const double log = y * y * alpha * log1p_second(w) + (y - 0.5) * std::log1p(w) +
                     stirling_rest(y + r) - stirling_rest(r);
  const auto less_one = [](double power) { return power - 1; };
  const double fourth = square * square;
  const double slope =
      -y * y * log1p_second(w) - 0.5 * y * share + less_one(square) / 12 -
      s * (less_one(fourth) / 120 - s * (less_one(fourth * square) / 252 -
                                         s * (less_one(fourth * fourth) / 240 -
                                              s * less_one(fourth * fourth * square) / 132)));
  return {log, slope};
}

/// Salinas et al. 2020, "DeepAR", with the mean m and the shape alpha.
struct NegativeBinomial : CountRules<NegativeBinomial> {
  static constexpr Index kParameters = 2;
  static constexpr const char* kName = NegativeBinomialLoss::kName;
  explicit NegativeBinomial(const NegativeBinomialLoss& spec) : link(spec.link) {}

  double value(const double* outputs, double y, double* slopes) const {
    const Positive mean = positive_of(link, outputs[0]), shape = positive_of(link, outputs[1]);
    const double m = mean.value, alpha = shape.value, x = alpha * m;
    const Rising rising = rising_of(y, alpha);
    slopes[0] = (m - y) / (1 + x) * mean.log_slope;
    // Derivative of log(1 + x) / alpha: m^2 (x / (1 + x) - log(1 + x)) / x^2.
    const double bend = -m * m * (log1p_second(x) + 1 / (1 + x));
    slopes[1] = (bend - rising.slope + y * m / (1 + x)) * alpha * shape.log_slope;
    return log_gamma(y + 1) - rising.log + m * log1p_ratio(x) + y * std::log1p(x) -
           times_log(y, mean.log);
  }
  PositiveLink link;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const PoissonLoss& spec) {
  return std::make_unique<RowLoss<T, Poisson>>(Poisson(spec));
}
template <class T>
LossPointer<T> new_loss(const NegativeBinomialLoss& spec) {
  return std::make_unique<RowLoss<T, NegativeBinomial>>(NegativeBinomial(spec));
}

template LossPointer<float> new_loss(const PoissonLoss&);
template LossPointer<double> new_loss(const PoissonLoss&);
template LossPointer<float> new_loss(const NegativeBinomialLoss&);
template LossPointer<double> new_loss(const NegativeBinomialLoss&);

}  // namespace lstm_native
