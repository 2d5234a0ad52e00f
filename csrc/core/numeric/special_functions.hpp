// The logarithm of the gamma function and its derivative, for positive numbers.
//
// std::lgamma writes a global variable, and there is no digamma in the standard library.
#pragma once

namespace lstm_native {

/// log(Gamma(x)), x > 0: absolute error some 1e-15 times the larger of 10 and the result.
double log_gamma(double x);

/// Derivative of log_gamma.
double digamma(double x);

/// What Stirling's series adds to (x - 1/2) log(x) - x + log(2 pi) / 2; x >= 10.
double stirling_rest(double x);

}  // namespace lstm_native
