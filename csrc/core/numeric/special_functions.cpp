#include "core/numeric/special_functions.hpp"

#include <cmath>

namespace lstm_native {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;
constexpr double kLarge = 10;  // from here on the series below have the digits of a double

}  // namespace

// Abramowitz & Stegun, 6.1.41: Bernoulli numbers B_2k / (2k (2k - 1) x^(2k - 1)).
double stirling_rest(double x) {
  const double r = 1 / (x * x);
  const double series =
      1.0 / 12 +
      r * (-1.0 / 360 +
           r * (1.0 / 1260 +
                r * (-1.0 / 1680 + r * (1.0 / 1188 + r * (-691.0 / 360360 + r * (1.0 / 156))))));
  return series / x;
}

// Gamma(x + 1) = x Gamma(x) leads to where Stirling's series is exact.
double log_gamma(double x) {
  double product = 1;
  for (; x < kLarge; x += 1) product *= x;
  return (x - 0.5) * std::log(x) - x + kHalfLogTwoPi + stirling_rest(x) - std::log(product);
}

// Abramowitz & Stegun, 6.3.5 and 6.3.18.
double digamma(double x) {
  double sum = 0;
  for (; x < kLarge; x += 1) sum += 1 / x;
  const double r = 1 / (x * x);
  const double series =
      r * (1.0 / 12 -
           r * (1.0 / 120 -
                r * (1.0 / 252 -
                     r * (1.0 / 240 - r * (1.0 / 132 - r * (691.0 / 32760 - r * (1.0 / 12)))))));
  return std::log(x) - 0.5 / x - series - sum;
}

}  // namespace lstm_native
