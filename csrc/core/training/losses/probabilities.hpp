// Checks of targets that are probabilities.
#pragma once

#include <cmath>
#include <string>

#include "core/base/message_text.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// The sum of a row of targets; throws InvalidArgument unless each is from 0 to 1.
template <class T>
double sum_of_probabilities(Index row, Index features, const T* values) {
  double sum = 0;
  for (Index i = 0; i < features; ++i) {
    if (!(values[i] >= 0 && values[i] <= 1))
      throw InvalidArgument("y: cross-entropies expect targets from 0 to 1, got " +
                            number_text(static_cast<double>(values[i])) + " in row " +
                            std::to_string(row));
    sum += static_cast<double>(values[i]);
  }
  return sum;
}

/// Throws InvalidArgument unless a row of soft labels is a distribution.
template <class T>
void check_distribution(Index row, Index features, const T* values) {
  constexpr double kTolerance = 1e-3;  // the rounding of 16-bit probabilities
  const double sum = sum_of_probabilities(row, features, values);
  if (!(std::abs(sum - 1) <= kTolerance))
    throw InvalidArgument("y: expected soft labels that sum to 1, got a sum of " +
                          number_text(sum) + " in row " + std::to_string(row));
}

}  // namespace lstm_native
