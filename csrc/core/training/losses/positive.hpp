// Outputs that stand for positive numbers.
#pragma once

#include <algorithm>
#include <cmath>

#include "lstm_native/losses.hpp"

namespace lstm_native {

inline double sigmoid_of(double o) {
  const double e = std::exp(-std::abs(o));
  return o >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/// log(1 + exp(o))
inline double softplus_of(double o) {
  return std::max(o, 0.0) + std::log1p(std::exp(-std::abs(o)));
}

/// A positive number made of an output. Where it is too small or too large for a double, its
/// logarithm is not, nor is how that changes.
struct Positive {
  double value;
  double log;
  double log_slope;  // derivative of the logarithm with respect to the output
};

inline Positive positive_of(PositiveLink link, double o, double minimum = 0) {
  // Up from here exp(o) is the larger part of the sum in all its digits; below, of softplus.
  constexpr double kHigh = 40, kLow = -40;
  if (link == PositiveLink::exp || o < kLow) {
    const double e = std::exp(o);
    if (minimum == 0 || o > kHigh) return {e + minimum, o, 1};
    return {e + minimum, std::log(e + minimum), e / (e + minimum)};
  }
  const double value = softplus_of(o) + minimum;
  return {value, std::log(value), sigmoid_of(o) / value};
}

}  // namespace lstm_native
